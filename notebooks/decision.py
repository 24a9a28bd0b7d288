# %% [markdown]
# (decision)=
# # Would acting on a model do more good than harm?
#
# Reads `predictions.csv` · writes {numref}`fig-decision` and {numref}`tab-decision` · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`answer`
# :::

# %% tags=["parameters"]
study = "data/olnm"  # folder of the study
results = "results/olnm"  # folder of its results
resamples = 500  # bootstrap samples of patients

# %% tags=["hide-input"]
from helpers.book import report, sentences
from helpers.data.study import read as read_study
from helpers.stats import calibrated, decision, decision_range, models, predictions

# %% [markdown]
# A decision curve asks, at each risk at which one would act, whether acting on the model beats acting on everyone or on no one.
# The range of those risks is declared in `study.yaml` with its reason, before any curve is seen.

# %%
settings = read_study(study)
page = report.page(f"{results}/decision", simulated=settings.simulated, study=settings.name)
table = predictions.read(f"{results}/predictions.csv")
judged = models.panel(table, split=settings.judged)
asked = decision_range.grid(settings.decision.low, settings.decision.high, settings.decision.step)
page.card("Declared range", low=settings.decision.low, high=settings.decision.high, reason=settings.decision.reason)

# %% [markdown]
# ## Net benefit
#
# Risks are recalibrated first where the study has cases to do it on: a decision curve of risks that are known to be off asks the wrong question.

# %% tags=["remove-output"]
risks = calibrated.for_decisions(models.panel(table, split=settings.choosing), judged)
curve = decision.decision_curve(
    judged.label, risks, thresholds=asked, patient_id=judged.patient_id, resamples=resamples
)
figure = curve.plot(declared=(settings.decision.low, settings.decision.high))
page.figure("fig-decision", figure, data=curve.frame(), n=judged.n, methods=curve.methods)

# %% [markdown]
# :::{result-figure} fig-decision
# :alt: Net benefit against the risk threshold for every model, acting on all and acting on none.
#
# **Is it worth acting on?** Net benefit per case over the declared range; a model is of use where its line lies above both grey ones.
# :::

# %% [markdown]
# ## In numbers
#
# Net benefit counts true positives, less false positives at the exchange rate of the threshold; the band is sampling uncertainty, not a test.

# %% tags=["remove-output"]
frame = curve.frame()
few = frame[frame["threshold"].isin(decision_range.marks(asked))].rename(
    columns={"low": "net_benefit_low", "high": "net_benefit_high"}
)
shown = models.printed(few, {"net_benefit": "Net benefit"})
columns = ["threshold", "strategy", "Net benefit", "standardized", "interventions_avoided"]
page.table(
    "tab-decision",
    shown,
    columns=columns,
    formats={"threshold": "{:.2f}"},
    headers={"standardized": "Standardised", "interventions_avoided": "Interventions avoided per 100"},
    methods=curve.methods,
)

# %% [markdown]
# :::{result-table} tab-decision
# **What is gained?** Net benefit (95 % interval), standardised net benefit and interventions avoided at five risks of the declared range.
# :::

# %% tags=["remove-output"]
page.numbers(answer=sentences.decision(curve, settings.decision.low, settings.decision.high))
