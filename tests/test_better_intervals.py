"""Intervals offered where the usual one holds the truth too rarely: by hand, at the edges, and against it at size."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import t as student

from helpers.stats.discrimination import auc, auc_difference, compare_auc, partial_auc
from helpers.stats.intervals import fisher_interval
from helpers.stats.proof.designs import CLIPS, NEAR_ONE, A, C, D
from helpers.stats.two_by_two import TwoByTwo


def test_difference_by_hand():
    """The formula of Zou and Donner, written out."""
    sample = A.draw(1, fixed=True)
    made = auc_difference(sample.label, sample.risk, sample.risk_b)
    both = compare_auc(sample.label, sample.risk, sample.risk_b)
    a, b = (auc(sample.label, risk, interval="logit") for risk in (sample.risk, sample.risk_b))
    r = (a.se**2 + b.se**2 - both.se**2) / (2 * a.se * b.se)
    down, up = (a.value - a.low, b.high - b.value), (a.high - a.value, b.value - b.low)
    low = made.value - np.sqrt(down[0] ** 2 + down[1] ** 2 - 2 * r * down[0] * down[1])
    high = made.value + np.sqrt(up[0] ** 2 + up[1] ** 2 - 2 * r * up[0] * up[1])
    assert (made.value, made.se) == pytest.approx((both.difference, both.se))
    assert (made.low, made.high) == pytest.approx((low, high))


@pytest.mark.parametrize("design", [C, NEAR_ONE, CLIPS], ids=lambda d: d.name)
def test_difference_turns_with_its_models_and_stays_inside(design):
    for replicate in range(10):
        sample = design.draw(replicate, fixed=True)
        one = auc_difference(sample.label, sample.risk, sample.risk_b, patient_id=sample.patient)
        other = auc_difference(sample.label, sample.risk_b, sample.risk, patient_id=sample.patient)
        assert (one.value, one.low, one.high) == pytest.approx((-other.value, -other.high, -other.low))
        assert -1 <= one.low <= one.value <= one.high <= 1


def test_difference_of_perfect_and_of_equal_models():
    label = [0, 0, 0, 0, 1, 1, 1, 1]
    perfect = np.arange(8) / 10
    same = auc_difference(label, perfect, perfect)
    assert same.value == 0 and same.low < -0.3 and same.high > 0.3  # Wald's has no width here
    alike = np.array([0.1, 0.5, 0.2, 0.6, 0.4, 0.3, 0.9, 0.8])
    own = auc(label, alike, interval="logit")
    lopsided = (own.value - own.low) - (own.high - own.value)  # all that is left when the two estimates are one
    assert auc_difference(label, alike, alike).high == pytest.approx(lopsided)
    lonely = auc_difference([0, 0, 1], [0.1, 0.2, 0.3], [0.3, 0.2, 0.1])
    assert np.isnan(lonely.low) and "Only one positive" in lonely.note
    with pytest.raises(ValueError, match="label"):
        auc_difference([1, 1], [0.1, 0.2], [0.1, 0.2])


def test_difference_holds_the_truth_where_wald_does_not():
    held = np.zeros(2)
    for replicate in range(300):
        sample = C.draw(replicate, fixed=True)
        for place, make in enumerate((auc_difference, compare_auc)):
            made = make(sample.label, sample.risk, sample.risk_b)
            held[place] += made.low <= C.gap <= made.high
    assert held[0] / 300 > 0.91 and held[1] / 300 < 0.88


def test_fisher_by_hand_and_at_the_edge():
    made = fisher_interval(0.4, 0.12)
    z, half = np.arctanh(0.4), 1.959963984540054 * 0.12 / (1 - 0.16)
    assert (made.low, made.high) == pytest.approx((np.tanh(z - half), np.tanh(z + half)))
    assert (fisher_interval(1.0, 0.0).low, fisher_interval(-1.0, 0.0).high) == (1.0, -1.0)
    table = TwoByTwo(np.array([1, 1, 1, 0, 0, 0], bool), np.array([1, 1, 0, 0, 0, 1], bool))
    plain, other = table.kappa(), table.kappa(interval="fisher")
    assert plain.value == other.value and plain.se == other.se
    assert other.high < plain.high <= 1 and other.method.endswith("Fisher's z scale")
    with pytest.raises(ValueError, match="use 'wald' or 'fisher'"):
        table.kappa(interval="exact")


def jackknife(label, risk, patient, span):
    """The slow way: every patient left out, the area made anew from the cases that stay."""
    units, width = np.unique(patient), span[1] - span[0]
    left = np.array([
        partial_auc(label[patient != one], risk[patient != one], specificity=span, resamples=0).value / width
        for one in units
    ])  # fmt: skip
    with_event = np.array([label[patient == one].any() for one in units])
    squares = [(left[s] - left[s].mean()) ** 2 for s in (with_event, ~with_event)]
    parts = [(q.size - 1) / q.size * q.sum() for q in squares]
    freedom = sum(parts) ** 2 / sum(p**2 / (q.sum() ** 2 / (q**2).sum()) for p, q in zip(parts, squares))
    share = partial_auc(label, risk, specificity=span, resamples=0).value / width
    reach = student.ppf(0.975, freedom) * np.sqrt(sum(parts)) / (share * (1 - share))
    return width * expit(logit(share) + np.array([-reach, reach]))


@pytest.mark.parametrize("several", [False, True], ids=["a case a patient", "clips"])
def test_jackknife_equals_leaving_out_by_hand(several):
    sample = CLIPS.draw(0) if several else D.draw(0, fixed=True)
    patient = sample.patient if several else np.arange(sample.label.size)
    span = (0.9, 1.0)
    made = partial_auc(
        sample.label, sample.risk, specificity=span, interval="jackknife", patient_id=patient if several else None
    )
    assert (made.low, made.high) == pytest.approx(jackknife(sample.label, sample.risk, patient, span), rel=1e-9)
    assert "jackknife" in made.methods


def test_jackknife_of_the_corrected_area_is_the_same_interval_on_its_scale():
    sample = A.draw(0, fixed=True)
    options = {"specificity": (0.8, 1.0), "interval": "jackknife"}
    raw = partial_auc(sample.label, sample.risk, **options)
    made = partial_auc(sample.label, sample.risk, corrected=True, **options)
    for one, other in ((raw.value, made.value), (raw.low, made.low), (raw.high, made.high)):
        assert other == pytest.approx((1 + (one - 0.02) / (0.2 - 0.02)) / 2)
    by_sensitivity = partial_auc(sample.label, sample.risk, sensitivity=(0.8, 1.0), interval="jackknife")
    assert 0 < by_sensitivity.low < by_sensitivity.value < by_sensitivity.high < 0.2


def test_jackknife_at_the_edges():
    label, perfect = np.repeat([0, 1], 10), np.arange(20.0)
    made = partial_auc(label, perfect, specificity=(0.9, 1.0), interval="jackknife")
    assert made.value == pytest.approx(0.1) and np.isnan(made.low) and "no variance" in made.note
    below = partial_auc(label, -perfect, specificity=(0.5, 1.0), corrected=True, interval="jackknife")
    assert below.value == pytest.approx((1 - 0.125 / 0.375) / 2), "no area at all is less than that of chance"
    many = np.arange(20_001)
    with pytest.raises(ValueError, match="20,001 patients; use 'percentile'"):
        partial_auc(many % 2, many, specificity=(0.9, 1.0), interval="jackknife")
    with pytest.raises(ValueError, match="interval: unknown 'bca'"):
        partial_auc(label, perfect, specificity=(0.9, 1.0), interval="bca")


def test_jackknife_holds_the_truth_more_often_than_percentiles():
    held, truth = np.zeros(2), D.truth["partial_auc"]
    for replicate in range(120):
        sample = D.draw(replicate, fixed=True)
        for place, options in enumerate(({"interval": "jackknife"}, {"resamples": 200})):
            made = partial_auc(sample.label, sample.risk, specificity=(0.9, 1.0), **options)
            held[place] += made.low <= truth <= made.high
    assert held[0] / 120 > 0.91 and held[0] > held[1]
