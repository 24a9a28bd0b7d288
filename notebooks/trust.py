# %% [markdown]
# (trust)=
# # How far can these numbers be trusted?
#
# Reads the reference values in `tests/reference` · writes {numref}`fig-references`, {numref}`fig-coverage`, {numref}`fig-coverage-readers` and {numref}`fig-sizes` · minutes, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`answer`
# {glue:text}`narrow`
# {glue:text}`sizes`
# :::

# %% tags=["parameters"]
results = "results/book"  # folder of the results of the book itself
source = "tests/reference"  # folder of the values that reference programs computed
replicates = 200  # simulated studies a coverage is counted over
workers = 2  # processes that simulate side by side

# %% tags=["hide-input"]
from helpers.book import report, sentences_proof
from helpers.stats.proof import coverage, references, sizes

page = report.page(f"{results}/trust", simulated=True, study="book")

# %% [markdown]
# ## Do the numbers equal those of R?
#
# Every function with a value from an established program is run again here on the same data, and the two numbers are set side by side.
# The real tables behind some values have licences of their own; they are compared when they lie where `THYROBOOK_DATA` points.

# %%
agreement = references.agreement_with_references(source, outside=references.outside_data())
values = agreement.frame()

# %% tags=["remove-output"]
page.figure("fig-references", agreement.plot(), data=values, n=len(values), methods=references.METHODS)
page.numbers(answer=sentences_proof.agreement(agreement), at_hand=sentences_proof.at_hand(agreement))

# %% [markdown]
# :::{result-figure} fig-references
# :alt: Largest relative difference from the reference value for each function, on a logarithmic axis, each beside its tolerance.
#
# **Do we get what R gets?** Largest relative difference of each function; the tick is the widest tolerance used, the dotted line rounding as it is usually allowed.
# :::
#
# {glue:text}`at_hand`
# Where a difference is larger than rounding, {numref}`tab-references` says why: an iteration that the other program stops early, few printed digits, or random numbers.

# %% tags=["remove-output"]
small = {column: "{:.1e}".format for column in ("largest", "median", "tolerance")}
heads = {"largest": "Largest difference", "median": "Median difference"}
page.table("tab-references", agreement.summary(), formats=small, headers=heads, methods=references.METHODS)

# %% [markdown]
# :::{result-table} tab-references
# **Which programs were compared?** Numbers compared, largest and median relative difference, tolerance, and the programs with their versions.
# :::

# %% [markdown]
# ## Do the intervals hold the truth?
#
# An interval of 95 % should hold the true value in 95 of 100 studies.
# Studies of the sizes of the four papers are simulated, so that every true value is known; the book's own functions make the intervals, and those that hold the truth are counted.

# %%
covered = coverage.simulate_coverage(replicates, workers=workers)

# %% tags=["remove-output"]
models, others = covered.of_models(), covered.of_readers()
page.figure("fig-coverage", covered.plot(), data=models, n=replicates, methods=coverage.METHODS)
page.figure("fig-coverage-readers", covered.plot_readers(), data=others, n=replicates, methods=coverage.METHODS)
page.table("tab-coverage", covered.by_design(), methods=coverage.METHODS)
page.table("tab-coverage-readers", others.drop(columns="role"), methods=coverage.METHODS)
page.numbers(narrow=sentences_proof.narrow(covered), wide=sentences_proof.wide(covered), replicates=replicates)
page.numbers(ignored=sentences_proof.ignored(covered), looks=sentences_proof.looks(len(models) + len(others)))

# %% [markdown]
# :::{result-figure} fig-coverage
# :alt: Share of intervals that hold the truth for each measure of a model, one mark a design, beside the promised 95 percent.
#
# **How often do the intervals of a model hold the truth?** A mark a design, with the Monte Carlo interval of its share; {glue:text}`replicates` simulated studies a design, fewer for what resamples; an arrow lies beyond the axis.
# :::
#
# :::{result-figure} fig-coverage-readers
# :alt: Share of intervals that hold the truth for readers, several classes, outlines, hospitals and cross-validation, one mark a design.
#
# **And those of readers, classes, outlines, hospitals and cross-validation?** The same for what the other chapters print.
# :::
#
# {glue:text}`wide`
# {glue:text}`looks`

# %% [markdown]
# :::{result-table} tab-coverage
# **The same in numbers.** Share of intervals that hold the truth, by design.
# :::
#
# :::{result-table} tab-coverage-readers
# **And for readers, several classes, outlines, hospitals and cross-validation.** Share of intervals that hold the truth, with its Monte Carlo interval.
# :::

# %% [markdown]
# ## What is better where an interval is too narrow?
#
# "Clearly" means that even the upper end of the Monte Carlo interval lies more than a point below the promise.
# The better choice is the one, among those the book offers for the same measure, whose share is higher beyond Monte Carlo error and nearest to the promise.

# %% tags=["remove-output"]
instead = sentences_proof.instead(covered)
formats = {"not_given": "{:.0%}", "truth": "{:.3f}"}
page.table("tab-instead", instead, formats=formats, methods=coverage.METHODS)
page.figure("fig-choices", covered.plot_choices(), data=covered.choices(), n=replicates, methods=coverage.METHODS)

# %% [markdown]
# :::{result-table} tab-instead
# **Which printed intervals are too narrow, and what is better?** Worst first; a dash where nothing that the book offers is better beyond the Monte Carlo error of this run.
# :::
#
# :::{result-figure} fig-choices
# :alt: Coverage of every kind of interval for AUC, sensitivity and specificity, one mark a design.
#
# **Which interval should one choose?** All kinds that the book offers for the AUC, sensitivity and specificity, and those that ignore that patients have several cases.
# :::
#
# {glue:text}`ignored`

# %% [markdown]
# ## Do the tests reject as rarely as they say?
#
# A test at 5 % should find a difference in 5 of 100 studies in which there is none; a family of tests after Holm in at most 5.

# %%
counted = sizes.simulate_sizes(replicates, workers=workers)

# %% tags=["remove-output"]
page.figure("fig-sizes", counted.plot(), data=counted.frame(), n=replicates, methods=sizes.METHODS)
page.table("tab-sizes", counted.by_design(), methods=sizes.METHODS)
page.table("tab-sizes-readers", counted.of_readers(), methods=sizes.METHODS)
page.numbers(sizes=sentences_proof.sizes(counted))

# %% [markdown]
# :::{result-figure} fig-sizes
# :alt: Share of P values of at most 0.05 for each test where nothing differs, one mark a design, beside the promised 5 percent.
#
# **How often do the tests listed cry wolf?** Share of simulated studies without a difference in which it rejects, with its Monte Carlo interval.
# :::
#
# :::{result-table} tab-sizes
# **The same in numbers.** Share of rejections where nothing differs, by design.
# :::
#
# :::{result-table} tab-sizes-readers
# **And for readers.** Share of rejections where nothing differs, with its Monte Carlo interval.
# :::

# %% [markdown]
# ## What can these sizes show?
#
# The power, for context: with an AUC that is lower by the stated gap, means half a standard deviation apart, shares a fifth apart, readers whom help makes better by half a standard deviation.

# %% tags=["remove-output"]
formats = {
    "power_replicates": "{:.0f}",
    "share": "{:.1%}",
    "power": "{:.0%}",
    "power_low": "{:.0%}",
    "power_high": "{:.0%}",
}
columns = ["design", "test", "method", "share", "power", "power_low", "power_high", "power_replicates"]
heads = {"share": "Size", "power_replicates": "Studies"}
power = sentences_proof.powers(counted)
page.table("tab-power", power, columns=columns, formats=formats, headers=heads, methods=sizes.METHODS)

# %% [markdown]
# :::{result-table} tab-power
# **How often is a real difference found?** Size, and power with its Monte Carlo interval.
# :::

# %% [markdown]
# ## How to repeat this page
#
# Its random numbers depend on the name of the design and the number of the replicate alone, so that anyone gets the same digits, and a longer run contains the shorter one.
#
# ```bash
# make book PROFILE=full        # the whole book, with ten times as many simulated studies here
# python -m helpers.book.execute notebooks/trust.py results/book/trust '{"replicates": 2000}'
# jupytext --to ipynb notebooks/trust.py -o trust.ipynb && papermill trust.ipynb out.ipynb -p replicates 2000
# ```
