# %% [markdown]
# (calibration)=
# # Can the risks be taken at their word?
#
# Reads `predictions.csv` · writes {numref}`fig-calibration` and {numref}`tab-calibration` · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`answer`
# {glue:text}`caution`
# :::

# %% tags=["parameters"]
study = "data/olnm"  # folder of the study
results = "results/olnm"  # folder of its results

# %% tags=["hide-input"]
from helpers.book import report, sentences
from helpers.data.study import read as read_study
from helpers.stats import calibrated, models, predictions

# %% [markdown]
# A risk of 20 % should come true in 20 of 100 such cases.
# A calibration slope below 1 says that risks are too extreme; calibration in the large says whether they are too high or too low on the whole.

# %%
settings = read_study(study)
page = report.page(f"{results}/calibration", simulated=settings.simulated, study=settings.name)
table = predictions.read(f"{results}/predictions.csv")
judged = models.panel(table, split=settings.judged)
curves = calibrated.each(judged)

# %% [markdown]
# ## The curve
#
# The line of a model on the diagonal is right at every risk; below the curve stands how many cases have that risk.

# %% tags=["remove-output"]
page.figure(
    "fig-calibration",
    calibrated.plot(curves),
    data=calibrated.points(curves),
    n=judged.n,
    methods=next(iter(curves.values())).methods,
)

# %% [markdown]
# :::{result-figure} fig-calibration
# :alt: Observed proportion against predicted risk for every model with a band, the diagonal, and histograms of the risk by outcome.
#
# **Do risks come true?** Flexible calibration curves with 95 % bands, and the distribution of risks by outcome.
# :::

# %% [markdown]
# ## The numbers
#
# Two intercepts exist and are both named: in the large (with the slope fixed at 1), and joint with the slope.

# %% tags=["remove-output"]
summary = calibrated.summary(curves)
heads = {
    "in_the_large": "In the large",
    "slope": "Slope",
    "joint_intercept": "Joint intercept",
    "observed_expected": "O:E",
    "brier": "Brier",
    "ici": "ICI",
}
page.table(
    "tab-calibration",
    models.printed(summary, heads, digits=2),
    columns=["model", "n", "events", *heads.values()],
    methods=next(iter(curves.values())).methods,
)

# %% [markdown]
# :::{result-table} tab-calibration
# **How far from the truth?** Estimate (95 % confidence interval) on the judged cases.
# :::

# %% [markdown]
# ## After recalibration
#
# Each map is fitted where thresholds are chosen too, never on the judged cases.
# Class weighting in training moves risks upwards, so the raw risks of a network are expected to need it.

# %% tags=["remove-output"]
ladder = calibrated.ladder(models.panel(table, split=settings.choosing), judged)
heads = {"in_the_large": "In the large", "slope": "Slope", "brier": "Brier"}
page.table(
    "tab-recalibration",
    models.printed(ladder, heads, digits=2),
    columns=["model", "method", *heads.values()],
    methods=calibrated.LADDER,
)

# %% [markdown]
# :::{result-table} tab-recalibration
# **What does recalibration mend?** Calibration on the judged cases after each map fitted elsewhere.
# :::

# %% tags=["remove-output"]
page.numbers(answer=sentences.calibration(summary, judged.title), caution=sentences.few_events(curves))
