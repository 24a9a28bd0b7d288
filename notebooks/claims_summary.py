# %% [markdown]
# (claims)=
# # Which published numbers can be relied on?
#
# Reads the printed numbers in `data/published` · writes {numref}`fig-rules`, {numref}`tab-papers` and {numref}`tab-rules` · 15 s, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`verdicts`
# {glue:text}`by_paper`
# :::

# %% tags=["parameters"]
results = "results/book"  # folder of the results of the book itself
source = "data/published"  # folder of the printed numbers and of what links them

# %% tags=["hide-input"]
from helpers.book import audit_form, report, sentences_claims
from helpers.stats.claims import audit, audit_row, catalogue, drawing, listing, reliance

page = report.page(f"{results}/claims", study="book")

# %% [markdown]
# From printed numbers alone one can often tell that they cannot all be true.
# The four papers that stand behind the studies of this book were audited with the same rules; each has a page below this one.
# The rules try hard for a reading under which all is well, name what they assumed, and say what adds up as well as what does not.

# %%
found = audit(source)
counts = reliance.counted_by_paper(source, found)

# %% tags=["remove-output"]
page.numbers(verdicts=sentences_claims.verdicts(found), by_paper=sentences_claims.summary(counts))
matrix = catalogue.matrix(found.findings)
page.figure("fig-rules", drawing.draw_matrix(matrix), data=matrix, n=len(found.findings), methods=found.methods)
papers = reliance.papers(source, found)
page.table("tab-papers", papers, headers={"major": "Findings that weigh"}, methods=found.methods, quoted=True)

# %% [markdown]
# :::{result-figure} fig-rules
# :alt: Rules as rows and papers as columns; each field gives the gravest verdict by sign and colour, and how many findings are not consistent.
#
# **What adds up, and where?** Gravest verdict of each rule in each paper, with the number of findings, and of how many where only some stand apart; an empty field means that the paper prints nothing for the rule.
# :::
#
# :::{result-table} tab-papers
# **How much of each paper can be relied on?** Printed numbers by what a reader can do with them, and findings that touch a headline number or a conclusion.
# :::
#
# A finding is arithmetic about what is printed and no judgement of those who did the work: most have a harmless explanation that only the authors can give.

# %% [markdown]
# ## What weighs most in each paper

# %% tags=["remove-output"]
weighty = listing.changes(found)
columns = ["finding", "claim", "explanation", "for_reader"]
page.table_if("tab-weighty", weighty, columns=columns, headers=listing.heads(columns), quoted=True)

# %% [markdown]
# :::{result-table} tab-weighty
# :optional:
#
# **What changes for a reader?** The findings on which a headline number or a conclusion rests, with the letter of their paper.
# :::

# %% [markdown]
# ## The rules
#
# A rule that finds a contradiction has tried every way of rounding within its error budget.

# %% tags=["remove-output"]
heads = {"budget": "Error budget"}
page.table("tab-rules", catalogue.description(), headers=heads, methods=found.methods)

# %% [markdown]
# :::{result-table} tab-rules
# **What does each rule ask?** Question, error budget and source.
# :::

# %% [markdown]
# ## Your own numbers
#
# In JupyterLab the next cell shows a form: type counts and metrics as they are printed, with their intervals if there are any.
# Here it shows what the form says of an example whose positive predictive value was changed in one digit.

# %%
example = {"sensitivity": "0.775", "specificity": "0.800", "accuracy": "0.790 (0.710 to 0.870)", "PPV": "0.840"}
audit_form.show(example, positives=40, negatives=60)

# %% [markdown]
# The same as a function call:

# %%
audit_row(example, positives=40, negatives=60).frame()[["rule", "verdict", "explanation"]]

# %% [markdown]
# For a whole paper, put its printed numbers and what links them into a folder, as `data/published/example` shows, and run
#
# ```bash
# make audit FOLDER=data/published/example
# ```
#
# The report is printed, and written into the folder as `audit.html` and `audit.csv`.
#
# The tables of this book go through the same rules before they are published; {doc}`how each number was made </how_numbers_are_made>` says what they found.
