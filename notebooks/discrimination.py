# %% [markdown]
# (discrimination)=
# # How well are positive and negative cases told apart?
#
# Reads `predictions.csv` · writes {numref}`fig-roc`, {numref}`tab-performance` and the comparisons · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`answer`
# {glue:text}`comparison`
# {glue:text}`ceiling`
# :::

# %% tags=["parameters"]
study = "data/olnm"  # folder of the study
results = "results/olnm"  # folder of its results
resamples = 500  # bootstrap samples of patients

# %% tags=["hide-input"]
from helpers.book import report, sentences
from helpers.data import cases
from helpers.data.study import read as read_study
from helpers.stats import discrimination, instability, models, predictions

# %% [markdown]
# The table holds frozen predictions, one row a case, model and seed; nothing below can change them.
# Where a network was trained with several seeds, the first declared seed is the one that is judged, and the others show the spread.

# %%
settings = read_study(study)
page = report.page(f"{results}/discrimination", simulated=settings.simulated, study=settings.name)
table = predictions.read(f"{results}/predictions.csv")
parts = models.panels(table)
judged = models.panel(table, split=settings.judged)

# %% [markdown]
# ## The threshold is fixed first
#
# It is chosen where no test label is read, and frozen: {numref}`tab-thresholds` says where each came from.

# %% tags=["remove-output"]
chooser = models.panel(table, split=settings.choosing)
frozen = models.freeze(chooser, rule=settings.threshold.rule, value=settings.threshold.value)
thresholds = models.threshold_table(frozen)
page.table("tab-thresholds", thresholds, methods=next(iter(frozen.values())).methods)

# %% [markdown]
# :::{result-table} tab-thresholds
# **Where do the thresholds come from?** Rule, split, cases and events of each frozen threshold.
# :::

# %% [markdown]
# ## ROC curves
#
# Training curves are apparent: the network has seen those cases, and no claim may rest on them.

# %% tags=["remove-output"]
figure = models.plot_all_rocs(parts, frozen)
curves = models.roc_points(parts)
page.figure("fig-roc", figure, data=curves, n=judged.n, methods=models.rocs(judged)[0].methods)

# %% [markdown]
# :::{result-figure} fig-roc
# :alt: ROC curves of every model, one square for each split, with the frozen operating point marked where models are judged.
#
# **Who is told apart?** ROC curves with the AUC and its 95 % confidence interval; the mark is the frozen operating point.
# :::

# %% [markdown]
# ## Performance at the frozen threshold
#
# {numref}`tab-performance` has the columns of the published table, each with its interval.

# %% tags=["remove-output"]
performance = models.performance_of(parts, frozen)
heads = {
    "auc": "AUC",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "accuracy": "Accuracy",
}
shown = models.printed(performance, heads)
columns = ["split", "model", "n", "events", *heads.values()]
point = discrimination.operating_point(
    judged.label, next(iter(judged.risks.values())), next(iter(frozen.values())), patient_id=judged.patient_id
)
page.table("tab-performance", shown, columns=columns, methods=point.methods)

# %% [markdown]
# :::{result-table} tab-performance
# **How good is each model?** Estimate (95 % confidence interval) at the frozen threshold, by split.
# :::

# %% [markdown]
# ## Differences between models
#
# The difference comes first, its P value last; Holm's P keeps the error over all pairs of the table at 5 %.

# %% tags=["remove-output"]
pairs = models.printed(models.comparisons(judged), {"difference": "Difference in AUC"})
formats = {"p_value": models.p_text, "p_holm": models.p_text}
heads = {"p_value": "P", "p_holm": "P (Holm)"}
page.table(
    "tab-pairs",
    pairs,
    columns=["a", "b", "Difference in AUC", "p_value", "p_holm"],
    formats=formats,
    headers=heads,
    methods=models.PAIRS,
)

# %% [markdown]
# :::{result-table} tab-pairs
# **Is one model better?** Differences between the AUCs (a minus b) on the same cases.
# :::

# %% [markdown]
# ## What choosing the threshold on the test cases would have added
#
# Many papers choose the threshold where they report it; {numref}`tab-optimism` measures what that would have gained here.
# It is shown to be seen, not to be used.

# %% tags=["remove-output"]
optimism = models.optimism(judged, frozen)
page.table("tab-optimism", optimism, methods=models.OPTIMISM)

# %% [markdown]
# :::{result-table} tab-optimism
# **How much would have been borrowed?** Measures at the frozen threshold, and at a threshold chosen again on the judged cases (optimistic).
# :::

# %% [markdown]
# ## How much is luck?
#
# The same study with other random numbers gives other risks: {numref}`tab-spread` shows the spread over seeds, or over repeats of the cross-validation.

# %% tags=["remove-output"]
spread = instability.over_seeds(table[table["split"] == settings.judged], thresholds=frozen)
page.table("tab-spread", spread.frame(), methods=spread.methods)

# %% [markdown]
# :::{result-table} tab-spread
# **Would another seed say the same?** Spread of the AUC, of each patient's risk and of the decision over seeds.
# :::

# %% tags=["remove-output"]
page.numbers(
    answer=sentences.best(performance, judged.title), comparison=sentences.comparison(models.comparisons(judged))
)
page.numbers(ceiling=cases.ceiling(study, settings))
