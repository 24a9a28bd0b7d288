# %% [markdown]
# (resampled)=
# # Would other test patients have said the same?
#
# Reads the arrays of one input · writes {numref}`fig-luck`, {numref}`tab-resampled` and {numref}`tab-steps` · half a minute, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`luck`
# {glue:text}`steps`
# The features come from fixed filters that no label ever touched, so this page judges the images and a simple head, not the trained networks.
# :::

# %% tags=["parameters"]
study = "data/three_class"  # folder of the study
results = "results/three_class"  # folder of its results
repeats = 10  # of the cross-validation, each with patients dealt anew

# %% tags=["hide-input"]
from helpers.book import looks_grey, report
from helpers.data import cohort
from helpers.data.study import read as read_study
from helpers.learn import frozen
from helpers.stats import models, predictions, resampled

# %% [markdown]
# A test of a few dozen patients is one draw of many: others of the same kind would have given another answer.
# Training a network for every draw is dear; a head on the answers of fixed filters is cheap, and every patient can be tested, many times.

# %%
settings = read_study(study)
page = report.page(f"{results}/resampled", simulated=settings.simulated, study=settings.name)
cases = cohort.read(study, study=settings)
seen = frozen.features(study, settings, cases, steps=looks_grey.variants)
page.card("Frozen features", **seen.record)

# %% [markdown]
# ## All patients, tested
#
# Folds are by patient and stratified by class; the spread over repeats is what dealing the patients anew does.
# The second way leaves a whole centre out: its scanner was never seen.

# %% tags=["remove-output"]
schemes = frozen.schemes(cases, folds=settings.validation.folds, repeats=repeats)
tables = {way: frozen.cross_validate(seen, cases, scheme, study=settings) for way, scheme in schemes.items()}
main = {way: made[seen.used] for way, made in tables.items()}
known = resampled.performance(main)
shown = models.printed(known, {"auc": "AUC"})
looks = {"headers": {"model": "Tested on", "sd": "SD over repeats"}, "formats": {"sd": "{:.3f}", "events": "{:.0f}"}}
columns = ["model", "class", "n", "events", "repeats", "AUC", "sd"]
page.table("tab-resampled", shown, columns=columns, methods=f"{seen.methods} {resampled.METHODS}", **looks)
predictions.write(main[frozen.PATIENTS], page.folder / "cross_validated.csv")

# %% [markdown]
# :::{result-table} tab-resampled
# **How well are the classes told apart in all patients?** AUC (95 % confidence interval) of each class against the rest, out of fold.
# :::
#
# ## How lucky can a small test be?
#
# {numref}`fig-luck` draws test sets as small as the study's own from the same cross-validated patients.

# %% tags=["remove-output"]
sizes = frozen.sizes(cases, settings)
drawn = resampled.luck(main[frozen.PATIENTS], sizes)
figure = resampled.plot_luck(drawn, known[known["model"] == frozen.PATIENTS])
how = resampled.LUCK.format(draws=len(drawn), sizes=", ".join(f"{n} {name}" for name, n in sizes.items()))
page.figure("fig-luck", figure, data=drawn, n=len(main[frozen.PATIENTS]["patient_id"].unique()), methods=how)

# %% [markdown]
# :::{result-figure} fig-luck
# :alt: For each class and for accuracy, the spread over many small test sets as a bar and line, with the estimate from all patients and its interval beside it.
#
# **What could this small test have shown by chance?** Measures in many test sets of the study's own size, and the estimate from all patients with its 95 % confidence interval.
# :::
#
# ## What do the steps on grey values do to performance?
#
# The same cross-validation, on crops as stored and with each step that `study.yaml` switches on.

# %% tags=["remove-output"]
parts = {way: resampled.by_steps(made, reference=looks_grey.PLAIN) for way, made in tables.items()}
effect = resampled.together(parts)
shown = models.printed(effect, {"auc": "Mean AUC over classes", "difference": "Difference to as stored"})
columns = ["way", "model", "Mean AUC over classes", "Difference to as stored"]
looks = {"headers": {"way": "Tested on", "model": "Crops"}, "methods": f"{seen.methods} {resampled.METHODS}"}
page.table("tab-steps", shown, columns=columns, **looks)

# %% [markdown]
# :::{result-table} tab-steps
# **Do normalising and denoising pay?** Mean AUC over classes (95 % confidence interval) by the steps, and the difference on the same patients.
# :::

# %% tags=["remove-output"]
page.numbers(luck=resampled.sentence(drawn, sizes), steps=resampled.steps_sentence(effect))
