# %% [markdown]
# (baseline)=
# # What do the clinical signs alone tell?
#
# Reads `cohort.csv` · writes `predictions.csv`, {numref}`fig-coefficients` and {numref}`tab-internal` · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# A penalised logistic regression on {glue:text}`n_predictors` covariates of the cohort table, with no image.
# {glue:text}`answer`
# Every later chapter shows it beside the networks: a network must beat it to be worth its cost.
# :::

# %% tags=["parameters"]
study = "data/olnm"  # folder of the study
results = "results/olnm"  # folder of its results
folds = 5  # parts of the inner cross-validation that chooses the penalty
repeats = 10  # repeats of the cross-validation in a study without a test set
resamples = 500  # bootstrap samples of patients for the optimism

# %% tags=["hide-input"]
from helpers.book import report
from helpers.data import cohort
from helpers.data.study import read as read_study
from helpers.learn import baseline
from helpers.stats import predictions

# %% [markdown]
# The covariates are those that `study.yaml` marks as predictors; none was picked by its P value.

# %%
settings = read_study(study)
page = report.page(f"{results}/baseline", simulated=settings.simulated, study=settings.name)
cases = cohort.read(study, study=settings)
fitted = baseline.fit(cases, settings, folds=folds, repeats=repeats)

# %% [markdown]
# ## What the model weighs
#
# Coefficients are shrunk, so they have no interval; they say what the model uses, not what causes metastasis.

# %% tags=["remove-output"]
page.figure("fig-coefficients", fitted.plot(), data=fitted.model.coefficients(), n=fitted.n, methods=baseline.METHODS)

# %% [markdown]
# :::{result-figure} fig-coefficients
# :alt: Bars of the log odds of each covariate in the penalised model.
#
# **Which signs count?** Penalised log odds: per standard deviation for numbers, against all other levels otherwise.
# :::

# %% [markdown]
# ## How much of that is luck?
#
# The whole procedure, the choice of the penalty included, is repeated on bootstrap samples of the patients it was made from.
# The mean drop from sample to original patients is the optimism (Harrell), and is taken off.

# %% tags=["remove-output"]
internal = baseline.optimism(cases, settings, folds=folds, resamples=min(resamples, 200))
page.table("tab-internal", internal, methods=baseline.OPTIMISM)

# %% [markdown]
# :::{result-table} tab-internal
# **How good is it on new patients of the same kind?** Apparent performance, optimism and corrected performance.
# :::

# %% [markdown]
# ## The best single sign
#
# One covariate alone is the least a model must beat; it is chosen by cross-validation within the training patients.

# %% tags=["remove-output"]
single = baseline.single(cases, settings, folds=folds)
page.table("tab-single", single.frame(), methods="Log-loss and AUC by cross-validation within the training patients.")

# %% [markdown]
# :::{result-table} tab-single
# **Which sign tells most?** Each covariate alone, within the training patients.
# :::

# %% tags=["remove-output"]
predictions.write(fitted.predictions, page.folder / "predictions.csv")
fitted.model.write(page.folder / "model.json")
page.numbers(n_predictors=len(settings.predictors), answer=baseline.sentence(internal, single))
