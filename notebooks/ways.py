# %% [markdown]
# (ways)=
# # Which way to the diagnosis is best, and what does outlining add?
#
# Reads the networks' predictions and the reports · writes `predictions.csv`, {numref}`tab-ways` and {numref}`fig-ways` · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`outlining`
# {glue:text}`together`
# {glue:text}`report`
# :::

# %% tags=["parameters"]
study = "data/lymphnode"  # folder of the study
results = "results/lymphnode"  # folder of its results
resamples = 500  # bootstrap samples of patients

# %% tags=["hide-input"]
from helpers.book import report
from helpers.data import cohort, printed, reports
from helpers.data.study import read as read_study
from helpers.learn import ways as combined
from helpers.stats import models, predictions, ways

# %% [markdown]
# Four ways are compared on the same nodes: the network that outlines and classifies, the one that only classifies, the report, and report and network together.
# What is put together is fitted on training nodes; thresholds are frozen on the tuning nodes; the test nodes choose nothing.
# {glue:text}`networks`

# %%
settings = read_study(study)
page = report.page(f"{results}/ways", simulated=settings.simulated, study=settings.name)
cases = cohort.read(study, study=settings)
table, weights = combined.predictions(study, results, settings, cases)
_ = predictions.write(table, page.folder / "predictions.csv")

# %% [markdown]
# ## A report as a risk
#
# {numref}`tab-weights` says how report and network are weighed.

# %% tags=["remove-output"]
how = f"{reports.RISK} {combined.FUSION}"
page.table_if("tab-weights", weights, formats={"log_odds": "{:.2f}"}, headers={"log_odds": "Log odds"}, methods=how)

# %% [markdown]
# :::{result-table} tab-weights
# :optional:
# **How are report and network put together?** Weights of the combination, per unit of the log odds of the network and for each call of the report.
# :::
#
# ## Every measure of every way
#
# Every measure has an interval, likelihood ratios included, because a ratio of a few nodes is known least.

# %% tags=["remove-output"]
judged = models.panel(table, split=settings.judged)
frozen = models.freeze(
    models.chooser(table, settings.choosing), rule=settings.threshold.rule, value=settings.threshold.value
)
paper = ways.published(printed.of(settings, "B_table3.csv"), printed.of(settings, "B_text.csv"))
made = ways.table(judged, frozen)
page.table("tab-ways", ways.beside(made, paper), methods=ways.METHODS)
page.figure("fig-ways", ways.plot(made, paper), data=made, n=judged.n, methods=ways.METHODS)

# %% [markdown]
# :::{result-table} tab-ways
# **How good is each way?** Estimate (95 % confidence interval) at the frozen threshold.
# {glue:text}`beside`
# {glue:text}`one_point`
# :::
#
# :::{result-figure} fig-ways
# :alt: AUC, sensitivity, specificity, accuracy and predictive values of every way as points with intervals, likelihood ratios on a log axis.
#
# **Where do the ways differ?** Estimates at the frozen thresholds with 95 % confidence intervals.
# {glue:text}`crosses`
# :::
#
# ## Differences on the same nodes
#
# All ways judge the same nodes, so differences are paired; a P value alone would say nothing of their size.

# %% tags=["remove-output"]
found = ways.pairs(judged, frozen)
page.table_if("tab-ways-paired", ways.pairs_shown(found, asked=True), methods=ways.PAIRED)
page.table_if("tab-ways-others", ways.pairs_shown(found, asked=False), methods=ways.PAIRED)

# %% [markdown]
# :::{result-table} tab-ways-paired
# :optional:
# **What does outlining add, and what the report?** Difference of the first way minus the second, of likelihood ratios the first over the second, with 95 % confidence interval and P after Holm.
# :::
#
# :::{result-table} tab-ways-others
# :optional:
# **And the other pairs?** As above; P is adjusted over the pairs of both tables.
# :::
#
# ## Would another draw of patients say the same?
#
# The order of the ways is itself uncertain: {numref}`tab-order` counts how often each comes first when patients are drawn again.

# %% tags=["remove-output"]
order = ways.ranks(judged, resamples=resamples)
page.table("tab-order", order, formats={"first": "{:.0%}", "last": "{:.0%}"}, methods=ways.ranks_text(resamples))

# %% [markdown]
# :::{result-table} tab-order
# **Which way comes first?** Share of bootstrap samples of patients in which each way has the highest, or the lowest, AUC.
# :::

# %% tags=["remove-output"]
page.numbers(**ways.answers(found, made), **ways.quoted(paper), one_point=ways.one_point(judged))
page.numbers(networks=combined.named(settings.segmentation.networks))
