# %% [markdown]
# (class_readers)=
# # Does the model name more patients right than the readers?
#
# Reads `readings.csv` and `predictions.csv` · writes {numref}`fig-readers-accuracy`, {numref}`tab-readers-paired` and {numref}`tab-readers-needed` · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`answer`
# {glue:text}`small`
# {glue:text}`needed`
# :::

# %% tags=["parameters"]
study = "data/three_class"  # folder of the study
results = "results/three_class"  # folder of its results

# %% tags=["hide-input"]
from helpers.book import report
from helpers.book import sentences_classes as sentences
from helpers.data.study import read as read_study
from helpers.stats import class_calls, class_readers, models, paired_size, readers_classes_plot

# %% [markdown]
# Each reader named one class for each patient, as the model does with its highest risk.
# Only patients whom all of them judged count, so that every comparison is on the same patients.

# %%
settings = read_study(study)
page = report.page(f"{results}/class_readers", simulated=settings.simulated, study=settings.name)
read = class_readers.load(study, settings, results)
compared = class_readers.compare(read)

# %% [markdown]
# ## Who names how many right?
#
# A difference on the same patients rests on those whom only one of the two names right; the others say nothing about it.

# %% tags=["remove-output"]
figure = readers_classes_plot.accuracy(read, compared)
page.figure("fig-readers-accuracy", figure, data=compared, n=read.n, methods=class_readers.PAIRED)
shown = models.printed(compared, {"difference": "Model − reader"})
columns = ["model", "reader", "among", "n", "only_model", "only_reader", "Model − reader", "p_value", "p_holm"]
headers = {
    "only_model": "Only the model right",
    "only_reader": "Only the reader right",
    "p_value": "P",
    "p_holm": "P (Holm)",
}
formats = {"p_value": models.p_text, "p_holm": models.p_text}
looks = {"columns": columns, "headers": headers, "formats": formats}
page.table("tab-readers-paired", shown, methods=class_readers.PAIRED, **looks)

# %% [markdown]
# :::{result-figure} fig-readers-accuracy
# :alt: Left, accuracy of every model and reader with intervals; right, difference of each model to each reader, over all patients and within each class.
#
# **Is the model better than the readers?** Left: share named right with 95 % confidence interval; right: model minus reader on the same patients, over all and within each class.
# :::
#
# :::{result-table} tab-readers-paired
# **By how much, and on how many patients?** Difference of the shares named right (95 % confidence interval), over all patients and within each class.
# :::

# %% [markdown]
# ## Class by class
#
# {glue:text}`small`

# %% tags=["remove-output"]
areas = class_readers.areas(read)
heads = {"area": "AUC of calls", **class_calls.MEASURES}
shown = models.printed(areas, heads)
headers = {"who": "Who", "events": "Patients", "named": "Named so"}
columns = ["who", "class", "events", "named", *heads.values()]
methods = f"{class_calls.METHODS} {class_readers.AREA}"
page.table("tab-readers-classes", shown, columns=columns, headers=headers, methods=methods)
page.figure(
    "fig-readers-confusion", class_calls.plot({"by patient": read.everyone}), n=read.n, methods=class_calls.METHODS
)

# %% [markdown]
# :::{result-table} tab-readers-classes
# **Who finds which class?** Each class against the others: estimate (95 % confidence interval).
# :::
#
# :::{result-figure} fig-readers-confusion
# :alt: Confusion matrices of every model and reader, with counts and shares of the true class.
#
# **Who takes what for what?** Counts, and shares of the true class, on the same patients.
# :::

# %% [markdown]
# ## Do they agree?
#
# Agreement counts a case taken for a class further away as worse than one taken for the next.

# %% tags=["remove-output"]
agreed = class_readers.agreements(read)
shown = models.printed(agreed, {"kappa": "Weighted kappa"}, digits=2)
columns = ["first", "second", "patients", "Weighted kappa"]
page.table("tab-readers-kappa", shown, columns=columns, methods=class_readers.KAPPA)

# %% [markdown]
# :::{result-table} tab-readers-kappa
# **Who agrees with whom, and with histology?** Weighted kappa (95 % confidence interval).
# :::

# %% [markdown]
# ## How large would the test have to be?
#
# How many patients a claim needs depends on how often the two disagree.
# Of this study that is known; a printed accuracy does not say it, and {numref}`tab-readers-needed` then gives the whole range.

# %% tags=["remove-output"]
claims = class_readers.claims(read, settings)
looks = {"headers": {"needed": "Patients needed", "power": f"Power with {read.n}"}}
formats = dict.fromkeys(("a", "b", "disagree", "power"), "{:.0%}") | {"needed": "{:,.0f}"}
page.table("tab-readers-needed", claims, formats=formats, methods=paired_size.METHODS, **looks)

# %% [markdown]
# :::{result-table} tab-readers-needed
# **How many patients would the claims need?** By how often the two disagree, for the accuracies here and, where the study follows a paper, for those that it prints.
# :::

# %% tags=["remove-output"]
page.numbers(answer=sentences.readers(read, compared), small=class_calls.small(read.models))
page.numbers(needed=sentences.needed(class_readers.printed_first(claims), n=read.n))
