# %% [markdown]
# (discrimination)=
# # How well are positive and negative cases told apart?
#
# Reads `predictions.csv` · writes {numref}`fig-roc`, {numref}`tab-performance`, every two-by-two measure and the comparisons · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`answer`
# {glue:text}`repeats`
# {glue:text}`comparison`
# {glue:text}`agreement`
# {glue:text}`ceiling`
# :::

# %% tags=["parameters"]
study = "data/olnm"  # folder of the study
results = "results/olnm"  # folder of its results
resamples = 500  # bootstrap samples of patients
fixed = 0.90  # specificity at which sensitivity is read, and the reverse; declared before looking

# %% tags=["hide-input"]
from helpers.book import findings, named_models, report, sentences
from helpers.book import sentences_discrimination as told
from helpers.book.views import threshold
from helpers.data import cases
from helpers.data.study import read as read_study
from helpers.stats import auc_tables, models, models_spread, multiclass_table, one_point, predictions, roc_panels
from helpers.stats import operating_points_prevalence as elsewhere
from helpers.stats import operating_points_table as points
from helpers.stats.units import sizes

# %% [markdown]
# The table holds frozen predictions, one row a case, model and seed; nothing below can change them.
# Where a network was trained with several seeds, the first declared seed is the one that is judged, and the others show the spread.

# %%
settings = read_study(study)
page = report.page(f"{results}/discrimination", simulated=settings.simulated, study=settings.name)
raw = predictions.read(f"{results}/predictions.csv")
table = multiclass_table.against_rest(raw, positive=settings.outcome.positive)
parts, judged = models.panels(table), models.judged_parts(table, settings.judged)
chooser, names = models.chooser(table, settings.choosing), list(judged[0].risks)
asked = {"chooser": chooser, "baseline": settings.clinical.name}
pairs = models.family(names, **asked)
page.card("Models", **named_models.described(settings, results, names))

# %% [markdown]
# ## The threshold is fixed first
#
# It is chosen where no judged label is read, or declared, and frozen: {numref}`tab-thresholds` says where each came from.

# %% tags=["remove-output"]
frozen = models.freeze(chooser, rule=settings.threshold.rule, value=settings.threshold.value, models=names)
sources = models.threshold_table(frozen)
titles = {"split": (models.TITLES | {"none": "–"}).get}
page.table("tab-thresholds", sources, formats=titles, methods=sources.attrs["methods"])

# %% [markdown]
# :::{result-table} tab-thresholds
# **Where do the thresholds come from?** Rule, split, cases and events of each frozen threshold.
# :::
#
# ## ROC curves
#
# An apparent curve is of cases that the model was fitted on, and no claim may rest on it.
# An out-of-fold curve is of training cases too, each judged by a network that did not see it.

# %% tags=["remove-output"]
curves = roc_panels.every(parts, frozen, judged=judged)
methods = f"{roc_panels.methods(curves)} {one_point.note(judged)}".strip()
spread = models_spread.over_seeds(table[table["split"] == settings.judged], thresholds=frozen)
again = sentences.repeats(spread.frame(), "auc", split=settings.judged) if spread else ""
found = f"{findings.roc(curves[judged[0].title], judged[0].title)} {again}".strip()
about = {"n": judged[0].n, "methods": methods, "finding": found}
page.figure("fig-roc", roc_panels.plot(curves), data=roc_panels.points(curves), **about)
page.table("tab-auc", auc_tables.by_split(curves), columns=["model", *curves], methods=methods)

# %% [markdown]
# :::{result-figure} fig-roc
# :alt: ROC curves with the frozen operating point marked where models are judged; one square for each split, or for each model when there are many.
#
# **Who is told apart?** ROC curves with the AUC and its 95 % confidence interval; the mark is the frozen operating point.
# :::
#
# :::{result-table} tab-auc
# **Is the training performance kept?** AUC (95 % confidence interval) of each model in every split.
# :::
#
# ## Performance at the frozen threshold
#
# {numref}`tab-performance` has the columns of the published tables, {numref}`tab-measures` every other measure, each with its proper interval.

# %% tags=["remove-output"]
performance = models.performance_of(judged, frozen)
heads = {"auc": "AUC", "sensitivity": "Sensitivity", "specificity": "Specificity"}
heads |= {"ppv": "PPV", "npv": "NPV", "accuracy": "Accuracy"}
columns = ["split", "model", "n", "events", *heads.values()]
how = f"{points.INTERVALS} {one_point.note(judged)}".strip()
page.table("tab-performance", models.printed(performance, heads), columns=columns, methods=how)
at = points.points(judged, frozen)
long = points.measures(at)
page.figure("fig-measures", points.plot(long), data=long, n=judged[0].n, methods=points.INTERVALS)
shown = points.shown(long)
of = {part.title: (part.n, part.events) for part in judged}
page.table("tab-measures", shown, headers={name: name for name in shown}, methods=points.INTERVALS, of=of)

# %% [markdown]
# :::{result-table} tab-performance
# **How good is each model?** Estimate (95 % confidence interval) at the frozen threshold, highest AUC first.
# :::
#
# :::{result-figure} fig-measures
# :alt: Sensitivity, specificity, predictive values, accuracy, balanced accuracy and F1 of every model as points with intervals.
#
# **What does each model get right?** Measures at the frozen threshold with 95 % confidence intervals; the file behind the figure has every measure.
# :::
#
# :::{result-table} tab-measures
# **What do all two-by-two measures say?** Estimate (95 % confidence interval) at the frozen threshold.
# :::
#
# ## What would another threshold do?
#
# The frozen threshold is the one that counts; {numref}`fig-threshold` shows what it weighs, and what it would mean where the disease is rarer or more common.

# %% tags=["remove-output"]
looked = names if len(names) <= models.MANY else models.focus(names, **asked)
page.view("fig-threshold", threshold.build(judged[0], frozen, settings=settings, names=looked))

# %% [markdown]
# :::{result-view} fig-threshold
# :alt: ROC curve, calibration curve and net benefit of one model with the point of a threshold on each, one hundred cases as dots, the two-by-two table and the measures.
#
# **What would another threshold do, and elsewhere?** Move the threshold and the prevalence; the frozen threshold is marked, and nothing that is picked here is used.
# :::
#
# ## The part of the curve that matters
#
# Where a false alarm, or a missed case, is costly, only one end of the curve is of use: {numref}`tab-regions` reads it at a value that was fixed beforehand.

# %% tags=["remove-output"]
regions = auc_tables.regions(judged, fixed=fixed, resamples=resamples)
heads = {
    "sensitivity": f"Sensitivity at specificity {fixed:g}",
    "specificity": f"Specificity at sensitivity {fixed:g}",
    "partial": f"Partial AUC, specificity {fixed:g} to 1 (corrected)",
}
how = auc_tables.regions_text(judged, fixed=fixed, resamples=resamples)
columns = ["split", "model", *heads.values()]
note = one_point.note(judged)
page.table("tab-regions", models.printed(regions, heads), columns=columns, methods=how, caption_note=note)

# %% [markdown]
# :::{result-table} tab-regions
# **What remains when one kind of error is held low?** Estimate (95 % bootstrap interval).
# :::
#
# ## Beside one operating point
#
# What gives two risks only, such as a written report, has one operating point and no curve.
# {numref}`tab-matched` reads the curve of every other model at the same specificity.

# %% tags=["remove-output"]
matched = one_point.matched(judged, resamples=resamples)
how = one_point.matched_text(judged, resamples=resamples)
heads = {"difference": "Difference in sensitivity"}
columns = ["split", "model", "against", "specificity", "sensitivity", "sensitivity_against", *heads.values()]
last = {"specificity": "Specificity of both", "sensitivity_against": "Sensitivity of the other"}
shown = None if matched is None else models.printed(matched, heads)
page.table_if("tab-matched", shown, columns=columns, headers=last, methods=how)

# %% [markdown]
# :::{result-table} tab-matched
# :optional:
# **Does a model find more at the same specificity?** Sensitivities at the specificity of the one operating point, and their difference (95 % bootstrap interval).
# :::
#
# ## In another clinic
#
# Predictive values belong to a prevalence.
# {numref}`fig-prevalence` shows what they would be elsewhere, if sensitivity and specificity hold.

# %% tags=["remove-output"]
moved = elsewhere.curve(at)
drawn = names if len(names) <= models.MANY else models.focus(names, **asked)
figure = elsewhere.plot(moved, models=drawn, names=names)
page.figure("fig-prevalence", figure, data=moved, n=judged[0].n, methods=elsewhere.METHODS)

# %% [markdown]
# :::{result-figure} fig-prevalence
# :alt: Positive and negative predictive value against the prevalence with bands; an upright line marks the prevalence of this study.
#
# **What would a result mean elsewhere?** PPV and NPV at the frozen threshold over the prevalence, with 95 % bands; of many models the best one where choices are made, and the baseline.
# :::
#
# ## Differences between models
#
# The difference comes first, its P value last; Holm's P holds for all pairs of a split together, each measure by itself.
# With more than five models the declared family is each model against the baseline and against the best one where choices are made.

# %% tags=["remove-output"]
compared = models.comparisons_of(judged, pairs)
shown = models.printed(compared, {"difference": "Difference in AUC"}) if pairs else None
heads = {"p_value": "P", "p_holm": "P (Holm)"}
columns = ["split", "a", "b", "Difference in AUC", *heads]
formats = dict.fromkeys(heads, models.p_text)
size = sizes(judged)
page.table_if("tab-pairs", shown, columns=columns, formats=formats, headers=heads, methods=f"{models.PAIRS} {size}")
wide = points.paired_shown(points.paired_of(judged, frozen, pairs)) if pairs else None
page.table_if("tab-decisions", wide, columns=["split", "a", "b", *points.HEADS], methods=f"{points.PAIRED} {size}")

# %% [markdown]
# :::{result-table} tab-pairs
# :optional:
# **Is one model better?** Differences between the AUCs (a minus b) on the same cases.
# :::
#
# :::{result-table} tab-decisions
# :optional:
# **Does one model decide better?** Differences (a minus b) at the frozen thresholds with 95 % confidence interval and P after Holm.
# :::
#
# ## A second method
#
# The interval of an AUC by formula rests on large numbers; drawing patients with replacement does not.
# {numref}`tab-intervals` sets them side by side.

# %% tags=["remove-output"]
second = auc_tables.two_methods(judged, resamples=resamples)
heads = {"formula": "By formula", "bootstrap": "By resampling patients"}
columns = ["split", "model", *heads.values(), "gap", "agree"]
how = auc_tables.two_methods_text(judged, resamples=resamples)
last = {"gap": "Largest gap of a limit", "agree": "Agree"}
page.table("tab-intervals", models.printed(second, heads), columns=columns, headers=last, methods=how)

# %% [markdown]
# :::{result-table} tab-intervals
# **Would another method say the same?** AUC (95 % confidence interval) by DeLong or Obuchowski, and by bootstrap.
# :::
#
# ## What choosing the threshold on the test cases would have added
#
# Many papers choose the threshold where they report it; {numref}`tab-optimism` measures what that would have gained here.
# It is shown to be seen, not to be used.

# %% tags=["remove-output"]
counts = judged[0].n, judged[0].events
how = f"{models.OPTIMISM} {sizes(judged[:1])}"
page.table_if("tab-optimism", models.optimism(judged[0], frozen), methods=how, of=counts)

# %% [markdown]
# :::{result-table} tab-optimism
# :optional:
# **How much would have been borrowed?** Measures at the frozen threshold, and at a threshold chosen again on the judged cases (optimistic).
# :::
#
# ## How much is luck?
#
# The same study with other random numbers gives other risks: {numref}`tab-spread` shows the spread over seeds, or over repeats of the cross-validation.

# %% tags=["remove-output"]
how = spread.methods if spread else ""
heads = {"auc": "Mean AUC", "auc_sd": "SD", "auc_min": "Lowest", "auc_max": "Highest"}
heads |= {"mape": "Mean change of a risk", "mape_max": "Largest", "changed": "Patients decided otherwise"}
formats = {"changed": lambda share: "–" if share != share else f"{share:.0%}"}
columns = ["model", "runs", "n", *heads]
lines = spread and spread.frame()
page.table_if("tab-spread", lines, columns=columns, headers=heads, formats=formats, methods=how)
drawing = {"data": spread and spread.cases(), "n": judged[0].n, "methods": how}
page.figure_if("fig-spread", spread and models_spread.plot(spread), **drawing)

# %% [markdown]
# :::{result-table} tab-spread
# :optional:
# **Would other random numbers say the same?** Spread of the AUC, of each risk and of the decision over the runs.
# :::
#
# :::{result-figure} fig-spread
# :optional:
# :alt: Risk of every case by each run against its mean risk over runs, with the frozen threshold.
#
# **Whose risk would change?** Each run's risk of a case against the mean over runs; the thin lines are the frozen threshold.
# :::
#
# ## All classes
#
# Where the outcome has more than two classes, the sections above set the declared positive class against all others.

# %% tags=["remove-output"]
several = multiclass_table.every(raw, split=settings.judged)
classes, how = multiclass_table.frame(several), multiclass_table.methods(several)
page.figure_if("fig-classes", multiclass_table.plot(several), data=classes, n=judged[0].n, methods=how)
page.table_if("tab-classes", multiclass_table.shown(classes), methods=how)
answer = told.best(performance, judged[0].title, unit=settings.unit)
page.numbers(answer=answer, comparison=told.comparison(compared), repeats=again or models_spread.ALONE)
page.numbers(agreement=told.second_method(second), ceiling=cases.ceiling(study, settings))

# %% [markdown]
# :::{result-figure} fig-classes
# :optional:
# :alt: ROC curves of every class against the rest, one square for each model.
#
# **Which class is told apart?** Each class against all others by its own risk, with AUC and 95 % confidence interval.
# :::
#
# :::{result-table} tab-classes
# :optional:
# **How well over all classes?** AUC (95 % confidence interval) of each class against the rest, their mean, and the mean over pairs of classes.
# :::
