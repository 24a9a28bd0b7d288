# %% [markdown]
# (performance)=
# # How fast is it, and against what?
#
# Reads what the benchmarks measured, in `data/performance` · writes {numref}`fig-times`, {numref}`tab-times` and {numref}`tab-limits` · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`answer`
# {glue:text}`devices`
# :::

# %% tags=["parameters"]
results = "results/book"  # folder of the results of the book itself
source = "data/performance"  # folder of the measured figures

# %% tags=["hide-input"]
from helpers.book import performance, report

page = report.page(f"{results}/performance", study="book")

# %% [markdown]
# A speed is shown by a benchmark that anybody can repeat, as a ratio to a named peer in the same run, and never by a test that looks at the clock: seconds belong to a machine and to what else it does, ratios mostly do not.

# %%
table = performance.read(source)
against = performance.compared(table)

# %% tags=["remove-output"]
page.numbers(answer=performance.answer(table), devices=performance.devices(table))
about = {"n": len(against), "finding": performance.finding(table), "methods": performance.METHODS}
page.figure("fig-times", performance.draw(table), data=table, **about)

# %% [markdown]
# :::{result-figure} fig-times
# :alt: How many times as quick as its peer each task is, one point a task on a logarithmic axis, beside a tick for what was asked for.
#
# **How many times as quick as its peer?** One point a task; the tick is what was asked for, the dotted line the same speed.
# The peer of training is the same network on tensors that already lie on the device: what is missing there to the line is the cost of reading.
# :::

# %% tags=["remove-output"]
heads = {"repeat": "To repeat"}
more = heads | {"times": "Times as quick"}
page.table("tab-times", against, formats={"times": performance.amount}, headers=more, methods=performance.METHODS)
page.table("tab-limits", performance.limited(table), headers=heads, methods=performance.METHODS)

# %% [markdown]
# :::{result-table} tab-times
# **The same in numbers.** What ours and the peer needed, and the command that measures both.
# :::
#
# Clips of Motion JPEG and DICOM are read at the wanted frames alone.
# `H.264` stores most frames as differences from those before: decoding begins at the last frame before the wanted ones that needs no other, and how much is gained depends on how often a clip has such a frame.
#
# :::{result-table} tab-limits
# **What has a limit, and no peer?** Seconds and memory of whole pages and steps.
# :::

# %% [markdown]
# ## How to repeat it
#
# Each command runs from the root of the repository with the environment's Python; with the variable it puts its figures in the place of those shown here.
#
# ```bash
# export OMP_NUM_THREADS=1 THYROBOOK_RECORD=data/performance/measured.csv
# python benchmarks/reading.py --quick
# python benchmarks/training.py densenet121 --channels 5 --size 224 --crop-size 256 --cases 396    # on a GPU
# ```
#
# How long every page of this book took on the machine that built it stands beside its record: {doc}`how each number was made </how_numbers_are_made>`.
