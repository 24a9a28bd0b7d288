# %% [markdown]
# (decision)=
# # Would acting on a model do more good than harm?
#
# Reads `predictions.csv` · writes {numref}`fig-decision`, {numref}`fig-difference`, {numref}`fig-best` and {numref}`tab-decision` · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`answer`
# {glue:text}`design`
# {glue:text}`risks`
# {glue:text}`choices`
# {glue:text}`limits`
# :::

# %% tags=["parameters"]
study = "data/olnm"  # folder of the study
results = "results/olnm"  # folder of its results
resamples = 500  # bootstrap samples of patients

# %% tags=["hide-input"]
from helpers.book import named_models, report, sentences_calibration
from helpers.book import sentences_decision as sentences
from helpers.data.study import read as read_study
from helpers.stats import (
    class_choices,
    decision_panels,
    decision_range,
    models,
    multiclass_table,
    predictions,
)

# %% [markdown]
# A decision curve asks, at each risk at which one would act, whether acting on the model beats acting on all or on none.
# The range of those risks is declared in `study.yaml` with its reason, before any curve is seen.
# A reason that names no source is a judgement.

# %%
settings = read_study(study)
page = report.page(f"{results}/decision", simulated=settings.simulated, study=settings.name)
raw = predictions.read(f"{results}/predictions.csv")
table = multiclass_table.against_rest(raw, positive=settings.outcome.positive)
judged, chooser = models.judged_parts(table, settings.judged), models.chooser(table, settings.choosing)
asked = settings.decision
declared, given = (asked.low, asked.high), {"harm": asked.harm, "prevalence": asked.prevalence}
page.card("Declared range", Risks=f"{asked.low:.3g} to {asked.high:.3g}", Reason=asked.reason)

# %%
page.card("Models", **named_models.described(settings, results, list(judged[0].risks)))

# %% [markdown]
# ## Net benefit
#
# Risks are recalibrated first where the study has cases to do it on: a decision curve of risks that are known to be off asks the wrong question.
# Where cases were sampled by outcome, `study.yaml` gives the prevalence of the population, and where a prediction does harm or costs effort, that harm.

# %% tags=["remove-output"]
thresholds = decision_range.grid(*declared, asked.step)
curves = decision_panels.every(judged, chooser, thresholds=thresholds, resamples=resamples, **given)
data, methods = decision_panels.frame(curves), decision_panels.methods(curves)
against = models.focus(list(judged[0].risks), chooser=chooser, baseline=settings.clinical.name)
figure = decision_panels.plot(curves, declared=declared, bands=against)
page.figure("fig-decision", figure, data=data, n=judged[0].n, methods=methods)

# %% [markdown]
# :::{result-figure} fig-decision
# :alt: Net benefit against the risk threshold for every model, acting on all and acting on none; beside it the interventions avoided.
#
# **Is it worth acting on?** Net benefit per case over the declared range; a model is of use where its line lies above both grey ones.
# A line that leaves at the bottom does more harm than good; right, interventions avoided are net, against acting on all.
# {glue:text}`design`
# :::
#
# ## In numbers
#
# Net benefit counts true positives, less false positives at the exchange rate of the threshold; the band is sampling uncertainty, not a test.

# %% tags=["remove-output"]
shown, columns = decision_panels.shown(data, thresholds)
looks = decision_panels.looks(shown)
page.table("tab-decision", shown, columns=columns, **looks, methods=methods)

# %% [markdown]
# :::{result-table} tab-decision
# **What is gained?** Net benefit (95 % interval), standardised net benefit, net interventions avoided and probability of being best at a few risks of the declared range.
# {glue:text}`design`
# :::
#
# ## One model less another
#
# Bands of two curves overlap more than their difference is uncertain, because both are judged on the same cases; {numref}`fig-difference` draws the difference itself.

# %% tags=["remove-output"]
gaps = decision_panels.differences(curves, against=against)
figure = decision_panels.plot_differences(gaps, names=list(judged[0].risks))
page.figure("fig-difference", figure, data=gaps, n=judged[0].n, methods=decision_panels.DIFFERENCE)

# %% [markdown]
# :::{result-figure} fig-difference
# :alt: Difference in net benefit between models, or of one model from acting on all and on none, over the declared range, each with a band around it and a line at no difference.
#
# **Which model does more good?** Difference in net benefit with pointwise 95 % band; above the line at zero the first named does more good.
# :::
#
# ## Which would be chosen again?
#
# In other patients of the same kind another strategy might come out best; {numref}`fig-best` shows how often.

# %% tags=["remove-output"]
page.figure("fig-best", decision_panels.plot_best(curves), data=data, n=judged[0].n, methods=decision_panels.BEST)

# %% [markdown]
# :::{result-figure} fig-best
# :alt: For every strategy and threshold the share of bootstrap samples in which it has the highest net benefit, as shades of blue.
#
# **How sure is the choice?** Probability that a strategy has the highest net benefit of all; the number, in per cent, stands where it is highest.
# :::

# %% [markdown]
# ## Each clinical choice
#
# Several classes serve several choices; each is a question of yes or no, with the risks of its classes added and a range of its own.

# %% tags=["remove-output"]
each = class_choices.every(raw, settings, resamples=resamples)
about = class_choices.methods(each)
drawn = {"data": class_choices.frame(each), "n": judged[0].n, "methods": about}
page.figure_if("fig-clinical-choices", class_choices.plot(each), **drawn)
page.table_if("tab-clinical-choices", class_choices.shown(each), methods=about, **class_choices.LOOKS)

# %% [markdown]
# :::{result-figure} fig-clinical-choices
# :optional:
# :alt: Net benefit against the risk threshold, one square for each clinical choice.
#
# **For which choice is the model of use?** Net benefit per case for each declared choice over its own range; a model is of use where its line lies above both grey ones.
# :::
#
# :::{result-table} tab-clinical-choices
# :optional:
# **What is gained in each choice?** Net benefit (95 % interval) at the ends and the middle of each declared range, and the reason for the range.
# :::

# %% tags=["remove-output"]
page.numbers(choices=sentences.choices(each), limits=" ".join(settings.limitations))
page.numbers(answer=sentences.answer(data))
risks = sentences_calibration.risks(chooser, judged, prevalence=asked.prevalence)
page.numbers(risks=risks, design=sentences.design(**given))
