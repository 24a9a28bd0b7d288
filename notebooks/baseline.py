# %% [markdown]
# (baseline)=
# # What do the clinical signs alone tell?
#
# Reads `cohort.csv` · writes `predictions.csv`, {numref}`fig-coefficients`, {numref}`tab-internal` and {numref}`fig-instability` · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# A penalised logistic regression (multinomial where there are more than two classes) on {glue:text}`n_predictors` covariates of the cohort table, with no image.
# {glue:text}`answer`
# {glue:text}`few`
# {glue:text}`role`
# :::

# %% tags=["parameters"]
study = "data/olnm"  # folder of the study
results = "results/olnm"  # folder of its results
folds = 5  # parts of the inner cross-validation that chooses the penalty
repeats = 10  # repeats of the cross-validation in a study without a test set
resamples = 500  # refits on bootstrap samples of patients, for optimism and instability

# %% tags=["hide-input"]
from helpers.book import report, sentences_baseline
from helpers.data import cohort
from helpers.data.study import read as read_study
from helpers.learn import baseline, formula
from helpers.stats import few_events, instability, models, multiclass_table, predictions

# %% [markdown]
# The covariates are those that `study.yaml` marks as predictors; none was picked by its P value.

# %%
settings = read_study(study)
page = report.page(f"{results}/baseline", simulated=settings.simulated, study=settings.name)
cases = cohort.answering(cohort.read(study, study=settings), settings)
unit = "patient" if settings.voting else settings.unit
fitted = baseline.fit(cases, settings, folds=folds, repeats=repeats)

# %% [markdown]
# ## What the model weighs
#
# Coefficients are shrunk, so they have no interval; they say what the model uses, not what causes the outcome.

# %% tags=["remove-output"]
page.figure("fig-coefficients", fitted.plot(), data=fitted.model.coefficients(), n=fitted.n, methods=fitted.methods)

# %% [markdown]
# :::{result-figure} fig-coefficients
# :alt: Bars of the log odds of each covariate in the penalised model, with several classes a bar for each class but the first.
#
# **Which signs count?** Penalised log odds: per standard deviation for numbers, against the level that is named otherwise.
# :::
#
# {numref}`tab-full-model` is the whole model: with it anyone can work out the risk of a new patient.

# %% tags=["remove-output"]
whole = formula.formula(fitted.model, settings.predictors)
formats = dict.fromkeys(whole.columns[3:], lambda weight: f"{weight:.4g}".replace("-", "−"))
heads = {"entered": "Entered", "missing": "Entered where unknown", **{name: name for name in fitted.model.classes}}
how = formula.SEVERAL if fitted.model.classes else formula.TWO
page.table("tab-full-model", whole, formats=formats, headers=heads, methods=how)

# %% [markdown]
# :::{result-table} tab-full-model
# **How is a risk worked out?** Every coefficient of the clinical model with its intercept, and what is entered for each.
# :::

# %% [markdown]
# ## Odds ratios where events are few
#
# With fewer than ten events a candidate parameter, ordinary odds ratios lie too far from one, or are infinite; Firth's penalty mends that and gives intervals.
# {numref}`tab-firth` describes these patients; it chooses nothing and predicts nothing.

# %% tags=["remove-output"]
trained = cohort.against_rest(cases, settings)[lambda table: table["split"] == "train"]
own = None if settings.outcome.classes else fitted.model.coefficients()
names = {"names": (settings.outcome.negative, settings.outcome.positive), "unit": unit}
few = few_events.assess(trained, predictors=settings.predictors, coefficients=own, **names)
shown, columns = few_events.shown(few)
page.table_if("tab-firth", shown, columns=columns, methods="" if few is None else few.methods)

# %% [markdown]
# :::{result-table} tab-firth
# :optional:
# **How far could each sign's odds ratio be from one?** Odds ratios of all covariates together with 95 % intervals of the profile penalised likelihood; beside them, for two classes, the shrunken ones of the model above, without interval.
# :::

# %% [markdown]
# ## How much of that is luck?
#
# The whole procedure, the choice of the penalty included, is repeated on bootstrap samples of the patients it was made from.
# The mean drop from sample to original patients is the optimism (Harrell), and is taken off.
# A slope far above one belongs to a model that was shrunk more than needed; then a few refits are extreme, and the range says more than the mean.

# %% tags=["remove-output"]
refits = baseline.refits(cases, settings, folds=folds, resamples=resamples)
internal = refits.table
shown = ["measure", "apparent", "optimism", "optimism_se", "corrected", "refits", "low", "high", "resamples"]
heads = {"resamples": "Refits used", "refits": "Refits, median", "low": "2.5 percentile", "high": "97.5 percentile"}
page.table("tab-internal", internal, columns=shown, headers=heads, methods=baseline.optimism_text(settings))

# %% [markdown]
# :::{result-table} tab-internal
# **How good is it on new patients of the same kind?** Apparent performance, optimism with its Monte Carlo error, and corrected performance.
# :::
#
# {glue:text}`reconciled`

# %% [markdown]
# ## Would other patients have made another model?
#
# The same refits predict the same training patients again: {numref}`fig-instability` shows how far a risk depends on who else was in the study.
# {glue:text}`stability`
# The threshold stays the frozen one, so a changed decision is a changed risk, not a changed rule.

# %% tags=["remove-output"]
name, rule = settings.clinical.name, {"rule": settings.threshold.rule, "value": settings.threshold.value}
table = multiclass_table.against_rest(fitted.predictions, positive=settings.outcome.positive)
frozen = models.freeze(models.chooser(table, settings.choosing), **rule, models=[name])[name]
moved = instability.of_refits(
    refits.label, refits.reference, refits.risks, patient_id=refits.patient, threshold=frozen, model=name
)
methods = f"{moved.methods} {baseline.REFITS}"
page.figure("fig-instability", moved.panels(), data=moved.cases(), n=fitted.n, methods=methods)

# %% [markdown]
# :::{result-figure} fig-instability
# :alt: Three squares over each risk in the training data: risks by the refits with percentiles, mean change of the risk, and share of refits that decide otherwise.
#
# **Is a risk the model's or chance's?** Left: risk by every refit against that of the model, with its 2.5 and 97.5 percentiles; middle: mean absolute change of the risk (MAPE); right: share of refits that decide otherwise; dotted: the frozen threshold; dashed: no change, or the mean.
# :::

# %% tags=["remove-output"]
spread = moved.summary()
heads = {
    "auc": "AUC of the model",
    "auc_q025": "AUC of refits, 2.5 percentile",
    "auc_q975": "97.5 percentile",
    "mape": "MAPE, mean",
    "mape_max": "MAPE, largest",
    "width": "Range of a risk, median",
    "flips": "Decisions changed",
    "unsure": "Patients unsure",
}
page.table("tab-instability", spread, columns=["runs", *heads], headers={"runs": "Refits", **heads}, methods=methods)

# %% [markdown]
# :::{result-table} tab-instability
# **How far do refits differ?** The range of a risk is that from the 2.5 to the 97.5 percentile; a patient is unsure when more than a tenth of the refits decide otherwise on any of its rows.
# :::

# %% [markdown]
# ## The best single sign
#
# One covariate alone is the least a model must beat; it is chosen by the log-loss of a cross-validation within the training patients.
# The row without any sign is the least a covariate must beat.

# %% tags=["remove-output"]
single = baseline.single(cases, settings, folds=folds)
labels = {one.name: one.label for one in settings.predictors}
alone = models.printed(single.frame(), {"gain": "Gain over no sign"})
shown = ["covariate", "cv_log_loss", "Gain over no sign", "cv_auc", "chosen"]
named = {"covariate": lambda name: labels.get(name, name)}
page.table("tab-single", alone, columns=shown, formats=named, methods=baseline.SINGLE)

# %% [markdown]
# :::{result-table} tab-single
# **Which sign tells most?** Each covariate alone and no sign at all, within the training patients; gain with its 95 % interval.
# :::

# %% tags=["remove-output"]
predictions.write(fitted.predictions, page.folder / "predictions.csv")
fitted.model.write(page.folder / "model.json")
judged = sentences_baseline.repeats(table)
answer = [sentences_baseline.answer(internal, judged, settings), sentences_baseline.single(single, settings)]
page.numbers(n_predictors=len(settings.predictors), answer=" ".join(answer), role=sentences_baseline.role(settings))
span = {"low": refits.reference.min(), "high": refits.reference.max()}
page.numbers(reconciled=sentences_baseline.reconciled(internal, judged, settings, **span))
page.numbers(few="" if few is None else few.sentence)
page.numbers(stability=sentences_baseline.refits(spread, threshold=float(frozen)))
