# %% [markdown]
# (calibration)=
# # Can the risks be taken at their word?
#
# Reads `predictions.csv` · writes {numref}`fig-calibration`, {numref}`tab-calibration` and {numref}`tab-distance` · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`answer`
# {glue:text}`repeats`
# {glue:text}`caution`
# {glue:text}`classes`
# :::

# %% tags=["parameters"]
study = "data/olnm"  # folder of the study
results = "results/olnm"  # folder of its results

# %% tags=["hide-input"]
from helpers.book import named_models, report, sentences, sentences_calibration
from helpers.data.study import read as read_study
from helpers.stats import calibrated, calibrated_classes, calibrated_plot, models, multiclass_table, predictions

# %% [markdown]
# A risk of 20 % should come true in 20 of 100 such cases.
# A calibration slope below 1 says that risks are too extreme; calibration in the large says whether they are too high or too low on the whole.

# %%
settings = read_study(study)
page = report.page(f"{results}/calibration", simulated=settings.simulated, study=settings.name)
raw = predictions.read(f"{results}/predictions.csv")
table = multiclass_table.against_rest(raw, positive=settings.outcome.positive)
judged, chooser = models.judged_parts(table, settings.judged), models.chooser(table, settings.choosing)
curves = calibrated.every(judged)
page.card("Models", **named_models.described(settings, results, list(judged[0].risks)))

# %% [markdown]
# ## The curve
#
# The line of a model on the diagonal is right at every risk; below the curve stands how many cases have that risk.

# %% tags=["remove-output"]
methods = calibrated.methods(curves)
points = calibrated.points(curves)
summary = calibrated.summary(curves)
runs = calibrated.over_runs(table[table["split"] == settings.judged])
again = sentences.repeats(runs, "slope", split=settings.judged)
about = {
    "n": judged[0].n,
    "methods": methods,
    "finding": f"{sentences_calibration.calibration(summary)} {again}".strip(),
}
page.figure("fig-calibration", calibrated_plot.plot(curves), data=points, **about)

# %% [markdown]
# :::{result-figure} fig-calibration
# :alt: Observed proportion against predicted risk for every model with a band, the diagonal, and histograms of the risk by outcome.
#
# **Do risks come true?** Flexible calibration curves with 95 % bands, and the distribution of risks by outcome.
# :::
#
# ## The numbers
#
# Two intercepts exist and are both named: in the large (with the slope fixed at 1), and joint with the slope.

# %% tags=["remove-output"]
heads = {"in_the_large": "Intercept in the large", "slope": "Slope"}
heads |= {"joint_intercept": "Joint intercept", "observed_expected": "O:E"}
columns = ["split", "model", "n", "events", *heads.values()]
page.table("tab-calibration", models.printed(summary, heads, digits=2), columns=columns, methods=methods)

# %% [markdown]
# :::{result-table} tab-calibration
# **Are risks too high, too low or too extreme?** Estimate (95 % confidence interval); the ideals are 0, 1, 0 and 1.
# :::
#
# ## How far off is a case?
#
# {numref}`tab-distance` measures the distance of each case's risk from the curve, in risk: a mean of 0.05 is five cases in a hundred.

# %% tags=["remove-output"]
distances = calibrated.summary(curves, measures=calibrated.DISTANCES)
heads = {"ici": "ICI", "e50": "E50", "e90": "E90", "emax": "Emax"}
heads |= {"brier": "Brier score", "scaled_brier": "Scaled Brier score"}
shown, columns = models.printed(distances, heads, digits=3), ["split", "model", *heads.values()]
page.table("tab-distance", shown, columns=columns, methods=f"{calibrated.DISTANCE} {calibrated.absent(curves)}".strip())

# %% [markdown]
# :::{result-table} tab-distance
# **How far from the truth?** Mean, median, 90th percentile and maximum distance, and the Brier score with its 95 % interval.
# :::
#
# ## What the Brier score is made of
#
# It joins calibration and discrimination in one number; {numref}`tab-brier` takes them apart again.

# %% tags=["remove-output"]
heads = {"brier": "Brier score", "miscalibration": "Miscalibration", "discrimination": "Discrimination"}
heads |= {"uncertainty": "Uncertainty", "spiegelhalter_p": "P (Spiegelhalter)"}
options = {"columns": ["split", "model", *heads], "headers": heads, "formats": {"spiegelhalter_p": models.p_text}}
page.table("tab-brier", calibrated.decomposition(curves), **options, methods=calibrated.PARTS)

# %% [markdown]
# :::{result-table} tab-brier
# **Is it the risks or the ranking?** Score = miscalibration (0 is best) − discrimination (more is better) + uncertainty (of the cases alone).
# :::
#
# ## After recalibration
#
# {glue:text}`source`
# {glue:text}`mended`

# %% tags=["remove-output"]
ladder = calibrated.ladder(chooser, judged)
shown, columns = calibrated.ladder_shown(ladder)
page.table_if("tab-recalibration", shown, columns=columns, methods=calibrated.ladder_methods(ladder))

# %% [markdown]
# :::{result-table} tab-recalibration
# :optional:
# **What does recalibration mend?** Calibration on the judged cases after each map fitted elsewhere.
# :::

# %% [markdown]
# ## Each class
#
# Where there are more than two classes, each has a risk of its own, and each may be too high or too low.

# %% tags=["remove-output"]
several = calibrated_classes.every(raw, split=settings.judged)
figure = calibrated_classes.plot(several)
page.figure_if(
    "fig-calibration-classes", figure, data=calibrated_classes.points(several), n=judged[0].n, methods=methods
)
shown, columns = calibrated_classes.shown(several)
page.table_if("tab-calibration-classes", shown, columns=columns, methods=calibrated_classes.METHODS)

# %% [markdown]
# :::{result-figure} fig-calibration-classes
# :optional:
# :alt: Observed proportion against predicted risk, a row of squares for each model and a column for each class.
#
# **Do the risks of each class come true?** Flexible calibration curves of each class against all others, with 95 % bands and the distribution of its risk.
# :::
#
# :::{result-table} tab-calibration-classes
# :optional:
# **Which class is given too much or too little?** Estimate (95 % confidence interval) of each class against all others.
# :::

# %% tags=["remove-output"]
page.numbers(classes=calibrated_classes.caution(several), repeats=again)
page.numbers(answer=sentences_calibration.calibration(summary), caution=sentences_calibration.few_events(curves))
networks = bool(settings.models or settings.segmentation)
source = sentences_calibration.maps(chooser, networks=networks, unit=settings.unit)
page.numbers(mended=sentences_calibration.mended(ladder), source=source)
