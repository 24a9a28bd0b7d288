"""How well a model ranks cases: AUC with its interval, comparisons, and the door to everything about ROC curves."""

from __future__ import annotations

from helpers.stats.auc import Auc, AucComparison, auc, compare_auc, compare_auc_unpaired
from helpers.stats.auc_bootstrap import BootstrapAuc, bootstrap_auc
from helpers.stats.auc_family import AucFamily, compare_auc_all
from helpers.stats.auc_mover import auc_difference
from helpers.stats.families import holm
from helpers.stats.multiclass import MulticlassAuc, auc_multiclass
from helpers.stats.operating_points import OperatingPoint, operating_point
from helpers.stats.paired import DecisionComparison, compare_decisions
from helpers.stats.roc_curve import Roc, plot_rocs, roc
from helpers.stats.roc_regions import partial_auc, sensitivity_at_specificity, specificity_at_sensitivity
from helpers.stats.thresholds import Threshold, ThresholdOptimism, choose_threshold, optimism_of_test_threshold

__all__ = [
    "Auc",
    "AucComparison",
    "AucFamily",
    "BootstrapAuc",
    "DecisionComparison",
    "MulticlassAuc",
    "OperatingPoint",
    "Roc",
    "Threshold",
    "ThresholdOptimism",
    "auc",
    "auc_difference",
    "auc_multiclass",
    "bootstrap_auc",
    "choose_threshold",
    "compare_auc",
    "compare_auc_all",
    "compare_auc_unpaired",
    "compare_decisions",
    "holm",
    "operating_point",
    "optimism_of_test_threshold",
    "partial_auc",
    "plot_rocs",
    "roc",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
]
