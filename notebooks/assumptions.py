# %% [markdown]
# (assumptions)=
# # What was taken for granted about these tables?
#
# Reads the tables of the study's folder · writes {numref}`tab-rows` and {numref}`tab-assumptions` · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`answer`
# {glue:text}`count` things were assumed because no table or setting says them; each is listed below with its reason.
# :::

# %% tags=["parameters"]
study = "data/olnm"  # folder of the study
results = "results/olnm"  # folder of its results

# %% tags=["hide-input"]
from pathlib import Path

from helpers.book import report
from helpers.data import assumed, inferred
from helpers.data.study import read as read_study
from helpers.stats import predictions, predictions_own

# %% [markdown]
# A folder with a table and no settings is enough for a first look, as long as a reader sees what was filled in.

# %%
settings = read_study(study)
page = report.page(f"{results}/assumptions", simulated=settings.simulated, study=settings.name)
page.card(settings.title, question=settings.question, chapters=", ".join(settings.chapters))

# %% [markdown]
# ## What is in the predictions table
#
# A case is counted once, however many models and seeds predicted it.

# %% tags=["remove-output"]
path = Path(results) / "predictions.csv"
names = {"positive": settings.outcome.positive}
counted = predictions_own.counts(predictions.read(path), **names) if path.is_file() else None
page.table_if("tab-rows", counted, methods=predictions_own.COUNTS)

# %% [markdown]
# :::{result-table} tab-rows
# :optional:
#
# **Which cases are where?** Models, seeds, cases, patients and positive cases in every split of the predictions table.
# :::

# %% [markdown]
# ## What was assumed
#
# Every line can be changed: by a column of that name in the table, or by a key of `study.yaml`.

# %% tags=["remove-output"]
table = assumed.assumptions(study, settings)
page.table("tab-assumptions", table)
page.numbers(answer=assumed.sentence(settings), count=len(table))

# %% [markdown]
# :::{result-table} tab-assumptions
# **What was filled in, and why?** What the tables do not say, what was assumed instead, and the rule.
# :::

# %% [markdown]
# ## The settings as a file
#
# Saved as `study.yaml` beside the tables, this text gives the same book; its words, units, ranges and thresholds are there to be corrected.

# %%
report.Verbatim(inferred.as_yaml(settings))
