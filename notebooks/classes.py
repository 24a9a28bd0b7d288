# %% [markdown]
# (classes)=
# # Which class is named, by image and by patient, and how sure is that?
#
# Reads `predictions.csv` and the predictions by image · writes {numref}`fig-class-confusion`, {numref}`tab-class-measures` and {numref}`tab-class-ordinal` · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`auc`
# {glue:text}`accuracy`
# {glue:text}`small`
# {glue:text}`ordinal`
# :::

# %% tags=["parameters"]
study = "data/three_class"  # folder of the study
results = "results/three_class"  # folder of its results
resamples = 500  # bootstrap samples of patients

# %% tags=["hide-input"]
from helpers.book import report
from helpers.book import sentences_classes as sentences
from helpers.data.study import read as read_study
from helpers.learn.choice import by_case
from helpers.stats import class_calls, models, multiclass_table, ordinal, predictions

# %% [markdown]
# A class is named by its risk alone: the highest one wins, so that no threshold is chosen and no test label read.
# The table by image and the table by patient hold the same networks; a patient's risks are the means of those of the images.

# %%
settings = read_study(study)
page = report.page(f"{results}/classes", simulated=settings.simulated, study=settings.name)
by_patient = predictions.read(f"{results}/predictions.csv")
images = predictions.read(by_case(results))
patients = class_calls.calls(by_patient, split=settings.judged)
units = {"by image": class_calls.calls(images, split=settings.judged), "by patient": patients}

# %% [markdown]
# ## Each class against the others
#
# A curve of a class with few patients climbs in steps as high as one patient; its interval says how little that is.

# %% tags=["remove-output"]
several = multiclass_table.every(by_patient, split=settings.judged)
table, how = multiclass_table.frame(several), multiclass_table.methods(several)
page.figure("fig-class-roc", multiclass_table.plot(several), data=table, n=next(iter(several.values())).n, methods=how)
page.table("tab-class-auc", multiclass_table.shown(table), methods=how)

# %% [markdown]
# :::{result-figure} fig-class-roc
# :alt: ROC curves of every class against the rest by patient, one square for each model.
#
# **Which class is told apart?** Each class against all others by its own risk, by patient, with AUC and 95 % confidence interval.
# :::
#
# :::{result-table} tab-class-auc
# **How well over all classes?** AUC (95 % confidence interval) of each class against the rest, their mean, and the mean over pairs of classes (Hand and Till).
# :::

# %% [markdown]
# ## What is named
#
# {glue:text}`vote`
# An accuracy by image counts patients with many images more often, and its naive interval counts them as strangers.

# %% tags=["remove-output"]
page.figure(
    "fig-class-confusion",
    class_calls.plot(units),
    data=class_calls.counts(units),
    n=next(iter(patients.values())).n,
    methods=class_calls.METHODS,
)

# %% [markdown]
# :::{result-figure} fig-class-confusion
# :alt: Confusion matrices of every model, by image on the left and by patient on the right, with counts and shares of the true class.
#
# **What is taken for what?** Counts, and shares of the true class, by image (left) and by patient (right).
# :::

# %% tags=["remove-output"]
accuracy = class_calls.accuracies(units)
heads = {"accuracy": "Accuracy", "naive": "As if images were strangers", "balanced": "Balanced accuracy"}
shown = models.printed(accuracy, heads)
columns = ["model", "unit", "n", "patients", "right", *heads.values(), "commonest"]
looks = {"headers": {"commonest": "Commonest class for all"}, "formats": {"commonest": "{:.3f}"}}
page.table("tab-class-accuracy", shown, columns=columns, methods=class_calls.METHODS, **looks)

# %% [markdown]
# :::{result-table} tab-class-accuracy
# **What does the unit do to accuracy?** Share named right (95 % confidence interval), and what naming the commonest class for everyone would reach.
# :::

# %% [markdown]
# ## What a name is worth
#
# {glue:text}`small`

# %% tags=["remove-output"]
measures = class_calls.per_class(patients)
columns = ["model", "class", "events", "named", *class_calls.MEASURES.values()]
headers = {"events": "Patients", "named": "Named so"}
shown = models.printed(measures, class_calls.MEASURES)
page.table("tab-class-measures", shown, columns=columns, headers=headers, methods=class_calls.METHODS)

# %% [markdown]
# :::{result-table} tab-class-measures
# **How often is each class found, and how often is its name right?** By patient, each class against the others: estimate (95 % confidence interval).
# :::

# %% [markdown]
# ## The classes as grades
#
# Where the classes are named from the mildest to the gravest, taking the gravest for the mildest is worse than taking it for its neighbour; the numbers above do not know that.

# %% tags=["remove-output"]
graded = ordinal.every(by_patient, patients, split=settings.judged)
shown = models.printed(ordinal.frame(graded), {"value": "Estimate"})
page.table("tab-class-ordinal", shown, columns=["model", "measure", "Estimate"], methods=ordinal.METHODS)
shown = models.printed(ordinal.cuts(graded), {"auc": "AUC"})
page.table("tab-class-cuts", shown, columns=["model", "cut", "n", "events", "AUC"], methods=ordinal.METHODS)

# %% [markdown]
# :::{result-table} tab-class-ordinal
# **Are the classes put in order?** Estimate (95 % confidence interval) by patient.
# :::
#
# :::{result-table} tab-class-cuts
# **How well at each cut between grades?** AUC (95 % confidence interval) for a class or a graver one.
# :::

# %% tags=["remove-output"]
page.numbers(auc=sentences.auc(several, split="judged"), small=class_calls.small(patients))
page.numbers(accuracy=sentences.accuracy(accuracy, unit="by patient"), ordinal=sentences.ordinal(graded))
page.numbers(vote=class_calls.spread(list(patients), units))
