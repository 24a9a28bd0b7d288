# %% [markdown]
# (reporting)=
# # What must a report of this study say, and where is it shown?
#
# Reads what the other chapters wrote · writes {numref}`tab-checklist`, {numref}`tab-methods` and {numref}`tab-card` · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# Of {glue:text}`n_items` items of TRIPOD+AI, {glue:text}`n_shown` are shown by a figure or table of this book, and {glue:text}`n_author` only the authors can write.
# {glue:text}`limits`
# :::

# %% tags=["parameters"]
study = "data/olnm"  # folder of the study
results = "results/olnm"  # folder of its results

# %% tags=["hide-input"]
from helpers.book import report, reporting
from helpers.data.study import read as read_study

# %%
settings = read_study(study)
page = report.page(f"{results}/reporting", simulated=settings.simulated, study=settings.name)
items = reporting.checklist(results, settings)

# %% [markdown]
# ## The checklist, with its evidence
#
# An item counts as shown when the figure or table exists, never because a sentence says so.
# Completeness of reporting is not quality, so there is no score.

# %% tags=["remove-output"]
source = "Item numbers of TRIPOD+AI (doi:10.1136/bmj-2023-078378), labels shortened."
page.table("tab-checklist", items, pointing=["evidence"], methods=source)

# %% [markdown]
# :::{result-table} tab-checklist
# **What is shown where?** TRIPOD+AI items with their evidence in this book.
# :::

# %% [markdown]
# ## The methods, as the figures tell them
#
# Every figure and table wrote down how it was made; together they are the draft of a statistics paragraph.

# %% tags=["remove-output"]
page.table("tab-methods", reporting.methods_text(results))

# %% [markdown]
# :::{result-table} tab-methods
# **How were the numbers made?** The methods sentence of every figure and table, once each.
# :::

# %% [markdown]
# ## Model card

# %% tags=["remove-output"]
page.table("tab-card", reporting.model_card(settings, results))

# %% [markdown]
# :::{result-table} tab-card
# **What is this model, and what is it not for?** Model card from the study's settings and the record of the run.
# :::

# %% tags=["remove-output"]
counts = items["status"].value_counts()
page.numbers(n_items=len(items), n_shown=counts.get("shown", 0), n_author=counts.get("author", 0))
page.numbers(limits=reporting.limitations(settings, items))
