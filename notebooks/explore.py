# %% [markdown]
# (explore)=
# # What lies behind the figures of a study?
#
# Reads what the chapters of a study wrote · writes nothing · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# Each cell below opens one view with sliders; it shows the numbers of the book, from the same files.
# A view whose chapter was not made says which command makes it.
# :::

# %% tags=["parameters"]
study = "data/olnm"  # folder of the study
results = "results/olnm"  # folder of its results

# %% tags=["hide-input"]
from helpers.book import widgets

# %% [markdown]
# ## What would another threshold do?
#
# The frozen threshold is marked; nothing that is picked here is used.

# %%
widgets.threshold(results)

# %% [markdown]
# ## When does contrast come, and when does it go?

# %%
widgets.contrast(results)

# %% [markdown]
# ## Where does a network look?

# %%
widgets.attention(results)

# %% [markdown]
# ## Who is left after some filters?

# %%
widgets.cohort(results)

# %% [markdown]
# ## How did the readers get there?

# %%
widgets.replay(results)

# %% [markdown]
# ## What did a network outline?

# %%
widgets.outlines(results)
