# %% [markdown]
# (subgroups)=
# # Does it work for everyone?
#
# Reads `predictions.csv` and `cohort.csv` · writes {numref}`fig-subgroups-auc`, {numref}`tab-differences` and {numref}`tab-subgroups` · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`answer`
# {glue:text}`reach`
# {glue:text}`small`
# {glue:text}`decisions`
# :::

# %% tags=["parameters"]
study = "data/olnm"  # folder of the study
results = "results/olnm"  # folder of its results
resamples = 500  # studies drawn to show what chance alone does

# %% tags=["hide-input"]
from helpers.book import named_models, report
from helpers.book import sentences_subgroups as sentences
from helpers.data import cohort
from helpers.data.study import read as read_study
from helpers.stats import models, multiclass_table, predictions, subgroup_panels, subgroup_tables

# %% [markdown]
# A model that is good on average can fail in women, in one centre, or on one scanner.
# The subgroups are those that `study.yaml` declares; where it declares none, all categorical covariates and the centre.
# A continuous covariate is never cut into groups here, because a cut chosen after looking finds what it looks for.
# To see age groups, add a categorical column of ages to the cohort table and declare it.

# %%
settings = read_study(study)
page = report.page(f"{results}/subgroups", simulated=settings.simulated, study=settings.name)
raw = predictions.read(f"{results}/predictions.csv")
table = multiclass_table.against_rest(raw, positive=settings.outcome.positive)
cases = cohort.read(study, study=settings)
judged, *beside = models.judged_parts(table, settings.judged)
page.card("Declared subgroups", **subgroup_panels.declared(settings))

# %% [markdown]
# Thresholds are frozen before any judged case is read, as in the chapter on discrimination.
# Drawn and tested are at most three models: the clinical baseline, and the two others with the highest AUC on the cases that choose.

# %%
chooser = models.chooser(table, settings.choosing)
rule = {"rule": settings.threshold.rule, "value": settings.threshold.value}
frozen = models.freeze(chooser, **rule, models=list(judged.risks))
drawn = subgroup_panels.drawn(list(judged.risks), chooser=chooser, baseline=settings.clinical.name)
everyone = subgroup_panels.all_forests(judged, cases, settings, frozen, draws=resamples)
tested = {measure: forest.only(drawn) for measure, forest in everyone.items()}
page.card("Models", **named_models.described(settings, results, drawn))

# %% [markdown]
# ## Are positive and negative cases told apart equally well?
#
# An interval that crosses a line in one subgroup and not in another is no difference; the test beside each variable compares its levels.

# %% tags=["remove-output"]
forest = tested["auc"]
page.figure("fig-subgroups-auc", forest.plot(), data=forest.frame(), n=judged.n, methods=forest.methods)

# %% [markdown]
# :::{result-figure} fig-subgroups-auc
# :alt: Forest plot of the AUC in every declared subgroup, one panel a model, with events, cases and intervals beside it.
#
# **Is anyone served worse?** AUC with its 95 % interval by subgroup; the dashed line is the AUC of all, and P tests whether the levels of a variable differ.
# :::
#
# {glue:text}`chance`

# %% [markdown]
# ## How large are the differences, and how large would they have to be to be seen?
#
# The last column is the smallest difference between any two levels that a study of this size shows with 80 % power, before any correction for several tests.

# %% tags=["remove-output"]
contrasts = subgroup_tables.contrasts([forest])
columns = ["model", "variable", "Levels", "Difference", "P", "Holm", "Detectable"]
heads = {"P": "P, all levels", "Holm": "P (Holm), all levels"}
page.table_if(
    "tab-differences",
    contrasts if len(contrasts) else None,
    columns=columns,
    headers=heads | {"Difference": "Difference in AUC"},
    methods=subgroup_tables.contrast_methods([forest]),
    caption_note=subgroup_tables.untested([forest]),
)

# %% [markdown]
# :::{result-table} tab-differences
# :optional:
#
# **How sure is that?** Difference in AUC (95 % interval) of each level against the one with most cases; once for each variable the test of all its levels, and what could have been detected.
# :::

# %% [markdown]
# ## Would the frozen threshold miss more in some?
#
# Where a subgroup has higher risks, one threshold calls more of its patients positive, those with and those without the disease: sensitivity rises and specificity falls even when every risk is right.

# %% tags=["remove-output"]
forest = tested["sensitivity"]
page.figure("fig-subgroups-sensitivity", forest.plot(), data=forest.frame(), n=judged.n, methods=forest.methods)
forest = tested["specificity"]
page.figure("fig-subgroups-specificity", forest.plot(), data=forest.frame(), n=judged.n, methods=forest.methods)

# %% [markdown]
# :::{result-figure} fig-subgroups-sensitivity
# :alt: Forest plot of the sensitivity at the frozen threshold in every declared subgroup, one panel a model.
#
# **Whose disease is missed?** Sensitivity at the frozen threshold with its 95 % interval, by subgroup.
# :::
#
# :::{result-figure} fig-subgroups-specificity
# :alt: Forest plot of the specificity at the frozen threshold in every declared subgroup, one panel a model.
#
# **Who is alarmed for nothing?** Specificity at the frozen threshold with its 95 % interval, by subgroup.
# :::

# %% [markdown]
# ## Are the risks right on the whole in each subgroup?
#
# O:E is the number of events divided by the sum of the risks: above one the risks are too low, below one too high.

# %% tags=["remove-output"]
forest = tested["observed_expected"]
page.figure("fig-subgroups-calibration", forest.plot(), data=forest.frame(), n=judged.n, methods=forest.methods)
others = [tested[measure] for measure in tested if measure != "auc"]
contrasts = subgroup_tables.contrasts(others)
page.table_if(
    "tab-differences-threshold",
    contrasts if len(contrasts) else None,
    columns=["Measure", *columns[:-1]],
    headers=heads | {"Difference": "Difference, or ratio of O:E"},
    methods=subgroup_tables.contrast_methods(others),
    caption_note=subgroup_tables.untested(others),
)

# %% [markdown]
# :::{result-figure} fig-subgroups-calibration
# :alt: Forest plot of observed over expected events in every declared subgroup, one panel a model, on a logarithmic axis.
#
# **Whose risk is wrong?** Observed over expected events (O:E) with its 95 % interval, by subgroup; the solid line at one is perfect calibration in the large.
# :::
#
# :::{result-table} tab-differences-threshold
# :optional:
#
# **Which differences remain?** Each level against the one with most cases: difference in sensitivity and specificity, ratio of O:E (95 % interval); once for each variable the test of all its levels.
# :::

# %% [markdown]
# ## Elsewhere
#
# Where the study has an external test, the same is asked of its patients; they chose nothing either.

# %% tags=["remove-output"]
elsewhere = [subgroup_panels.all_forests(part, cases, settings, frozen, draws=resamples) for part in beside]
forest = elsewhere[0]["auc"].only(drawn) if elsewhere else None
drawing = {"data": forest.frame(), "n": beside[0].n, "methods": forest.methods} if forest else {}
page.figure_if("fig-subgroups-external", forest.plot() if forest else None, **drawing)

# %% [markdown]
# :::{result-figure} fig-subgroups-external
# :alt: Forest plot of the AUC in every declared subgroup of the external test, one panel a model.
# :optional:
#
# **Does it hold elsewhere?** AUC with its 95 % interval by subgroup of the external test.
# :::

# %% [markdown]
# ## All models, all measures

# %% tags=["remove-output"]
wholes = [everyone, *elsewhere]
estimates = subgroup_tables.estimates(wholes)
columns = ["split", "model", "variable", "level", "n", "events", "AUC", "Sensitivity", "Specificity", "O:E"]
page.table("tab-subgroups", estimates, columns=columns, methods=subgroup_tables.estimate_methods(wholes))

# %% [markdown]
# :::{result-table} tab-subgroups
# **What is known of each subgroup?** Estimate (95 % interval) for every model, or that the subgroup is too small for one.
# :::

# %% tags=["remove-output"]
page.numbers(
    answer=sentences.found(tested["auc"], unit=settings.unit),
    reach=sentences.power(tested["auc"]),
    small=sentences.small(tested["auc"]),
)
predictors = {covariate.name: covariate.label for covariate in settings.predictors}
decisions = sentences.at_threshold(tested, predictors=predictors, clinical=settings.clinical.name)
page.numbers(decisions=decisions, chance=sentences.chance(tested["auc"]))
