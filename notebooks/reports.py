# %% [markdown]
# (reports)=
# # What do the reports say, and how often are they right?
#
# Reads `reports.csv` and the list of terms · writes {numref}`tab-terms`, {numref}`tab-calls` and {numref}`tab-reports` · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`answer`
# Of {glue:text}`n_reports` reports, {glue:text}`n_uncertain` name a metastasis in doubt and {glue:text}`n_none` say nothing that the dictionary knows.
# A plain search for the terms would call {glue:text}`n_changed` nodes otherwise.
# :::

# %% tags=["parameters"]
study = "data/lymphnode"  # folder of the study
results = "results/lymphnode"  # folder of its results

# %% tags=["hide-input"]
from helpers.book import report
from helpers.data import cohort, flow, printed, report_terms, reports
from helpers.data.study import read as read_study
from helpers.stats import models
from helpers.stats import report_accuracy as accuracy

# %% [markdown]
# A report is free text, so a dictionary of terms turns it into a call.
# A term that is denied, or that belongs to the history, does not count; one that is named in doubt is kept apart.

# %%
settings = read_study(study)
page = report.page(f"{results}/reports", simulated=settings.simulated, study=settings.name)
cases = cohort.read(study, study=settings)
read = reports.read(study, cases, language=settings.reports.language)

# %% [markdown]
# ## The dictionary as published
#
# The study does a paper again whose dictionary is printed; {numref}`tab-dictionary` sets the terms of this list beside it.

# %% tags=["remove-output"]
table = report_terms.published(printed.of(settings, "B_table1.csv"), language=settings.reports.language)
page.table_if("tab-dictionary", table, methods="As printed by Zhao et al. (2024), Table 1.")

# %% [markdown]
# :::{result-table} tab-dictionary
# :optional:
# **Which words mean what?** The diagnosis dictionary as the paper prints it, and the term that stands for each in this list.
# :::

# %% [markdown]
# ## The terms that were found
#
# {numref}`tab-terms` says how often each term stands in these reports, and as what.

# %% tags=["remove-output"]
how = accuracy.METHODS
page.table("tab-terms", accuracy.terms(read), methods=how)
heads = {"call": "Call of the report", "negative": settings.outcome.negative, "positive": settings.outcome.positive}
counts = accuracy.calls(read, cases)
page.table("tab-calls", counts, headers=heads, formats={"split": flow.SPLIT_NAMES.get}, methods=how)

# %% [markdown]
# :::{result-table} tab-terms
# **Which terms were found?** Occurrences of each term, by what the words around it make of it.
# :::
#
# :::{result-table} tab-calls
# **What was called?** Nodes by split, call of the report and outcome.
# :::
#
# ## How often the reports are right
#
# Counting doubt as malignant misses less, which is what a report is for; it also alarms more.
# {numref}`tab-reports` shows what that choice does, and what a search without negation would have found.

# %% tags=["remove-output"]
table = accuracy.accuracy(read, cases, split=settings.judged)
shown = models.printed(table, accuracy.HEADS)
columns = ["reading", "n", "tp", "fp", "fn", "tn", *accuracy.HEADS.values()]
heads = {"reading": "Reading", "tp": "TP", "fp": "FP", "fn": "FN", "tn": "TN"}
page.table("tab-reports", shown, columns=columns, headers=heads, methods=how)
examples = accuracy.examples(read)
page.table(
    "tab-examples",
    examples,
    methods="By rule: of each call the first two, those first that a plain search calls otherwise.",
)

# %% [markdown]
# :::{result-table} tab-reports
# **How good are the reports?** Estimate (95 % confidence interval) on the judged nodes.
# :::
#
# :::{result-table} tab-examples
# **What do such reports look like?** Reports chosen by rule with their call, that of a plain search, and the terms that were found.
# :::

# %% tags=["remove-output"]
changed = read["call"].replace({"uncertain": "malignant", "none": "benign"}) != read["keyword"].replace(
    {"none": "benign"}
)
page.numbers(answer=accuracy.sentence(table), n_reports=len(read), n_changed=int(changed.sum()))
page.numbers(n_uncertain=int((read["call"] == "uncertain").sum()), n_none=int((read["call"] == "none").sum()))
