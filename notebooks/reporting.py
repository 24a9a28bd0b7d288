# %% [markdown]
# (reporting)=
# # What must a report of this study say, and where is it shown?
#
# Reads what the other chapters wrote · writes {numref}`tab-checklist`, {numref}`tab-methods` and {numref}`tab-card` · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`answer`
# {glue:text}`limits`
# :::

# %% tags=["parameters"]
study = "data/olnm"  # folder of the study
results = "results/olnm"  # folder of its results

# %% tags=["hide-input"]
from helpers.book import model_card, report, reporting
from helpers.data.study import read as read_study

# %%
settings = read_study(study)
page = report.page(f"{results}/reporting", simulated=settings.simulated, study=settings.name)
items = reporting.checklist(results, settings)

# %% [markdown]
# ## The checklist, with its evidence
#
# All subitems of TRIPOD+AI stand here, with the figures and tables that show them.
# A figure or table counts when it exists and holds a value, never because a sentence says so.
# In part means that it shows some of what is asked; the last column says what the authors have to add.
# Completeness of reporting is not quality, so there is no score.
# A report on the accuracy of a diagnosis also follows STARD-AI, and one on images CLAIM; their items are not listed here.

# %% tags=["remove-output"]
source = "Item numbers of TRIPOD+AI (doi:10.1136/bmj-2023-078378), labels in our words."
heads = {"label": "What is asked", "rest": "Left to the authors"}
page.table("tab-checklist", items, headers=heads, pointing=["evidence"], methods=source)

# %% [markdown]
# :::{result-table} tab-checklist
# **What is shown where?** The subitems of TRIPOD+AI with their evidence in this book.
# :::

# %% [markdown]
# ## The methods, as the figures tell them
#
# Every figure and table wrote down how it was made; together they are the draft of a statistics paragraph.

# %% tags=["remove-output"]
page.table("tab-methods", reporting.methods_text(results, settings))

# %% [markdown]
# :::{result-table} tab-methods
# **How were the numbers made?** The methods sentence of every figure and table, once each; of networks with the input and the seeds that were trained so.
# :::

# %% [markdown]
# ## Model card

# %% tags=["remove-output"]
page.table("tab-card", model_card.model_card(settings, results))

# %% [markdown]
# :::{result-table} tab-card
# **What are these models, and what are they not for?** Model card from the study's settings, its results and the record of the run.
# :::

# %% tags=["remove-output"]
page.numbers(answer=reporting.sentence(items), limits=reporting.limitations(settings, items))
