# %% [markdown]
# (readers)=
# # Which way of reading is better?
#
# Reads `readings.csv` and, where the study has a model, `predictions.csv` · writes {numref}`fig-reader-points`, {numref}`fig-reader-effect` and {numref}`tab-reader-effect` · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`design`
# {glue:text}`answer`
# {glue:text}`two_gains`
# {glue:text}`model`
# {glue:text}`limits`
# :::

# %% tags=["parameters"]
study = "data/calcified"  # folder of the study
results = "results/calcified"  # folder of its results

# %% tags=["hide-input"]
from helpers.book import about, report
from helpers.book import sentences_readers as sentences
from helpers.book.views import replay
from helpers.data.study import read as read_study
from helpers.stats import (
    experience,
    models,
    reader_agreement,
    reader_gains,
    reader_model,
    reader_plots,
    reader_study,
    reader_tables,
)

# %% [markdown]
# One row of the table is one reader's rating of one case, read one way.
# From which rating on a reading counts as positive is declared in `study.yaml`, before any result.

# %%
settings = read_study(study)
page = report.page(f"{results}/readers", simulated=settings.simulated, study=settings.name)
read = reader_study.load(study, settings, results)
performance = reader_tables.performance(read)
page.card(settings.title, **about.card(settings))
before, after = read.ways
page.numbers(before=before, after=after, prevalence=f"{read.cube.label.mean():.0%}")

# %% [markdown]
# ## Where does each reader move?
#
# A reader who calls more cases positive gains sensitivity and pays with specificity, and moves along a curve; a reader who sees more moves towards the upper left corner.

# %% tags=["remove-output"]
figure = reader_plots.operating_points(read, performance)
methods = f"{read.methods} {reader_tables.POINTS}"
page.figure("fig-reader-points", figure, data=performance, n=read.n, methods=methods)
page.view("fig-replay", replay.build(read, settings))

# %% [markdown]
# :::{result-figure} fig-reader-points
# :alt: Operating points of each reader in ROC space, the first way of reading as an open and the second as a filled mark, joined by an arrow, with crosses of intervals, and the ROC curve of the model where there is one.
#
# **Do readers move to the upper left?** Each reader {glue:text}`before` (open) and {glue:text}`after` (filled); crosses are 95 % confidence intervals of sensitivity and specificity.
# :::

# %% [markdown]
# ## Case by case
#
# :::{result-view} fig-replay
# :alt: Operating points of the readers after some of the cases, and the rating of the present case by each reader, read both ways.
#
# **How did the readers get there?** Play the cases or move through them; open marks are readings {glue:text}`before`, filled ones {glue:text}`after`.
# :::
#
# ## Each reader in numbers
#
# {glue:text}`half_sum`

# %% tags=["remove-output"]
heads = {"auc": "AUC of ratings", "sensitivity": "Sensitivity", "specificity": "Specificity", "accuracy": "Accuracy"}
shown = models.printed(performance, heads)
first = ["reader", "experience", "modality", "n"]
page.table("tab-readers", shown, columns=first + list(heads.values()), methods=reader_tables.POINTS)
prevalence = f"{settings.outcome.positive.capitalize()}: {read.cube.label.mean():.0%} of these cases."
heads = {"ppv": "PPV", "npv": "NPV", "f1": "F1", "kappa": "Kappa", "balanced_accuracy": "(Sens. + spec.) / 2"}
shown = models.printed(performance, heads)
options = {"methods": reader_tables.POINTS, "caption_note": prevalence}
page.table("tab-readers-more", shown, columns=first + list(heads.values()), **options)

# %% [markdown]
# :::{result-table} tab-readers
# **How good is each reader?** Estimate (95 % confidence interval) at the declared cut, {glue:text}`before` and {glue:text}`after`.
# :::
#
# :::{result-table} tab-readers-more
# **What do a reader's calls mean?** Predictive values hold where as many are positive as among these cases ({glue:text}`prevalence`); beside them agreement of the call with the truth, and the half sum that is not an AUC.
# :::

# %% [markdown]
# ## The difference, over readers and cases
#
# What a few readers say about readers in general depends on how much they differ, so readers count as a sample, just as cases do.
# {glue:text}`truncated`

# %% tags=["remove-output"]
compared = reader_gains.effect(read)
overall = reader_gains.overall(read, compared)
each = reader_gains.each_reader(read)
figure = reader_plots.effects(read, each, overall)
methods = f"{reader_gains.EACH} {reader_gains.AVERAGE}"
page.figure("fig-reader-effect", figure, data=each, n=read.n, methods=methods)

# %% [markdown]
# :::{result-figure} fig-reader-effect
# :alt: Forest plots of the change of AUC, sensitivity, specificity and accuracy of each reader from the first way of reading to the second, and of the mean over readers as a diamond.
#
# **Who gains, and how much?** Reading {glue:text}`after` less reading {glue:text}`before`; the diamond is the mean for random readers and random cases.
# :::

# %% tags=["remove-output"]
heads = {"absolute_gain": "Absolute gain", "relative_gain": "Relative gain"}
named = overall.rename(columns={"low": "absolute_gain_low", "high": "absolute_gain_high"})
named = named.rename(columns={"relative_low": "relative_gain_low", "relative_high": "relative_gain_high"})
shown = models.printed(named, heads)
columns = ["measure", "before", "after", *heads.values(), "f", "df", "p_value", "p_holm", "method"]
headers = {"before": read.unaided, "after": read.aided, "df": "df (denominator)", "p_value": "P", "p_holm": "P (Holm)"}
formats = {"f": "{:.2f}", "df": "{:.1f}", "p_value": models.p_text, "p_holm": models.p_text}
page.table("tab-reader-effect", shown, columns=columns, headers=headers, formats=formats, methods=reader_gains.AVERAGE)

# %% [markdown]
# :::{result-table} tab-reader-effect
# **What changed on average?** Difference first, with its 95 % confidence interval; the relative gain is the difference divided by the value {glue:text}`before`.
# :::

# %% [markdown]
# ## The model against each reader
#
# A reader is one point, a model a curve: they are compared where the curve passes the reader's own specificity, or sensitivity.
# {glue:text}`model`

# %% tags=["remove-output"]
matched = reader_model.against_model(read)
drawn = None if matched is None else reader_plots.against_model(matched)
page.figure_if("fig-reader-model", drawn, data=matched, methods=reader_model.METHODS)
heads = {"difference": "Model − reader"}
options = {"formats": {"p_holm": models.p_text}, "methods": reader_model.METHODS}
headers = {"match": "At the reader's", "reader_value": "Reader's value", "model_value": "Model's value"}
columns = ["reader", "modality", "match", "measure", "cases", "reader_value", "model_value", *heads.values(), "p_holm"]
shown = None if matched is None else models.printed(matched.rename(columns=reader_model.LIMITS), heads)
page.table_if("tab-reader-model", shown, columns=columns, headers=headers | {"p_holm": "P (Holm)"}, **options)

# %% [markdown]
# :::{result-figure} fig-reader-model
# :optional:
# :alt: Differences between the model and each reader in sensitivity at the reader's specificity and in specificity at the reader's sensitivity.
#
# **Is the model better than the readers?** Model minus reader at the reader's own specificity (left) and sensitivity (right).
# :::
#
# :::{result-table} tab-reader-model
# :optional:
# **By how much?** The measure of the reader and of the model where the other measure is equal.
# :::

# %% [markdown]
# ## Which calls changed?
#
# {glue:text}`minds`

# %% tags=["remove-output"]
minds = reader_tables.minds(read, overall)
page.figure("fig-reader-minds", reader_plots.changes(minds), data=minds, n=read.n, methods=reader_tables.MINDS)
heads = {"became_right": "Became right, of wrong calls", "became_wrong": "Became wrong, of right calls"}
heads["net_gain"] = "Net gain"
shown = models.printed(minds.rename(columns=reader_tables.LIMITS), {f"{name}_share": heads[name] for name in heads})
columns = ["reader", "cases", "kept_right", "became_right", "became_wrong", "kept_wrong", *heads.values(), "p_holm"]
looks = {"formats": {"p_holm": models.p_text}, "headers": {"p_holm": "P (Holm)"}}
page.table("tab-reader-minds", shown, columns=columns, methods=reader_tables.MINDS, **looks)

# %% [markdown]
# :::{result-figure} fig-reader-minds
# :alt: Stacked bars of the calls of each reader: right both times, wrong then right, right then wrong, wrong both times.
#
# **Did more calls become right than wrong?** Calls of each reader on the same cases, {glue:text}`before` and {glue:text}`after`.
# :::
#
# :::{result-table} tab-reader-minds
# **Whose calls became wrong?** Counts, and shares with 95 % confidence intervals.
# :::

# %% [markdown]
# ## Does experience matter?
#
# {glue:text}`experience`

# %% tags=["remove-output"]
gains, gaps = experience.by_experience(read), experience.differences(read)
figure = None if gains is None else reader_plots.by_experience(read, gains, gaps)
page.figure_if("fig-reader-experience", figure, data=gaps, n=read.n, methods=experience.METHODS)
heads = {"absolute_gain": "Absolute gain", "relative_gain": "Relative gain"}
shown = None if gains is None else models.printed(gains.rename(columns=experience.LIMITS), heads)
columns = ["experience", "readers", "measure", "before", "after", *heads.values()]
headers = {"before": read.unaided, "after": read.aided}
page.table_if("tab-reader-experience", shown, columns=columns, headers=headers, methods=experience.METHODS)

# %% [markdown]
# :::{result-figure} fig-reader-experience
# :optional:
# :alt: Gains of each group of readers by measure, and the difference between the groups with its interval over cases and over readers and cases.
#
# **Which group gains more?** Left: mean gain of each group, interval over cases; right: difference between the groups, for these readers and for readers like them.
# :::
#
# :::{result-table} tab-reader-experience
# :optional:
# **How large are the gains of each group?** Absolute and relative, interval over cases for these readers.
# :::

# %% [markdown]
# ## Do readers agree?
#
# {glue:text}`agreement`

# %% tags=["remove-output"]
agreed = reader_agreement.agreement_table(read)
figure = None if agreed.empty else reader_plots.agreement(agreed)
page.figure_if("fig-reader-agreement", figure, data=agreed, n=read.n, methods=reader_agreement.METHODS)
shown = None if agreed.empty else models.printed(agreed.rename(columns=reader_agreement.LIMITS), {"value": "Agreement"})
columns = ["measure", "modality", "Agreement", "groups", "readers", "cases"]
formats = {"measure": reader_agreement.NAMES.get}
page.table_if("tab-reader-agreement", shown, columns=columns, formats=formats, methods=reader_agreement.METHODS)

# %% [markdown]
# :::{result-figure} fig-reader-agreement
# :optional:
# :alt: Kappas and the intraclass correlation between readers, for both ways of reading, with intervals.
#
# **Do readers agree more one way?** Agreement between readers, {glue:text}`before` and {glue:text}`after`.
# :::
#
# :::{result-table} tab-reader-agreement
# :optional:
# **How much more do they agree?** Agreement each way of reading, and its change.
# :::

# %% tags=["remove-output"]
page.numbers(design=sentences.design(read, settings), answer=sentences.answer(overall, read))
page.numbers(two_gains=sentences.two_gains(overall, read), truncated=sentences.notes(overall))
page.numbers(half_sum=sentences.half_sum(read, performance), model=sentences.model(matched, read))
page.numbers(minds=sentences.minds(minds, read), experience=sentences.experience(gains, gaps))
page.numbers(agreement=sentences.agreement(agreed, read), limits=" ".join(settings.limitations))
