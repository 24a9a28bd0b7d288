# %% [markdown]
# (claims-paper)=
# # Do the printed numbers add up?
#
# Reads the printed numbers in `data/published` · writes {numref}`tab-rely` and {numref}`tab-findings` · 10 s, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`citation`
# {glue:text}`relied`
# {glue:text}`verdicts`
# {glue:text}`weighs`
# :::

# %% tags=["parameters"]
results = "results/book"  # folder of the results of the book itself
source = "data/published"  # folder of the printed numbers and of what links them
paper = "A"  # letter of the paper, the value of the column "source"

# %% tags=["hide-input"]
from helpers.book import report, sentences_claims
from helpers.stats.claims import drawing, listing, reliance, single_predictors
from helpers.stats.claims.audit import audit, links_of

page = report.page(f"{results}/claims/{paper.lower()}", study="book")

# %% [markdown]
# Nothing on this page comes from patients: only numbers that the paper prints are set against one another.
# A printed number stands for every number that is rounded to it, and each check first looks for a reading under which all is well.
# A number that does not add up may be a misprint, another unit or another set of cases; arithmetic cannot tell which.

# %%
found = audit(source, paper=paper)
links = links_of(source, paper)
relied = reliance.reliance(links, found.findings)

# %% tags=["remove-output"]
counts = reliance.counted(links, found.findings)
page.numbers(citation=f"Printed numbers of {links.citation}.", relied=sentences_claims.relied(counts))
page.numbers(verdicts=sentences_claims.verdicts(found), weighs=sentences_claims.weighs(found))
quoted = {"methods": found.methods, "quoted": True}
heads = {"numbers": "Printed numbers", "column": "Set", "status": "For a reader", "reading": "Only as"}
judged, unjudged = relied[relied["status"] != reliance.OPEN], relied[relied["status"] == reliance.OPEN]
page.table("tab-rely", judged, columns=reliance.SHOWN, headers=heads, **quoted)
page.table("tab-alone", unjudged, columns=reliance.SHOWN[:4], headers=dict(list(heads.items())[:2]), **quoted)

# %% [markdown]
# ## What can be relied on?
#
# A reader who wants to quote, pool or plan with a number finds it here.
#
# :::{result-table} tab-rely
# **Which printed numbers hold?** Every printed number that a rule judges, by table; “only as” names the reading under which a number holds, and the last column the findings behind it.
# :::
#
# “Rely on” means that the number follows from others that are printed, not that it was measured well.
# Numbers that nothing else printed depends on stand in {numref}`tab-alone`.

# %% [markdown]
# ## What does it change for the reader?

# %% tags=["remove-output"]
short = ["finding", "claim", "explanation", "for_reader"]
page.table_if("tab-changes", listing.changes(found), columns=short, headers=listing.heads(short), **quoted)

# %% [markdown]
# :::{result-table} tab-changes
# :optional:
#
# **What follows for a reader?** Findings on which a headline number or a conclusion rests.
# :::

# %% [markdown]
# ## Single signs beside the networks
#
# :::{div} in-short
# {glue:text}`signs`
# :::

# %% tags=["remove-output"]
signs = single_predictors.baseline_if(links)
drawn = None if signs is None else drawing.draw_baseline(signs)
page.figure_if("fig-signs", drawn, data=signs, methods=drawing.METHODS_BASELINE)
page.numbers(signs=sentences_claims.beside_signs(signs))

# %% [markdown]
# :::{result-figure} fig-signs
# :optional:
# :alt: AUC with interval of single signs of the baseline table, of pairs of signs, and of the networks as printed, best first.
#
# **What would the examiner's signs have done?** AUC in the test patients; 95 % intervals of signs and networks, and for two signs the range over all ways in which patients can have both.
# :::

# %% [markdown]
# ## Whole cases behind the rates
#
# :::{div} in-short
# {glue:text}`implied`
# :::

# %% tags=["remove-output"]
implied = drawing.prevalences(source, paper)
page.figure_if("fig-implied", drawing.draw_prevalences(implied), data=implied, methods=drawing.METHODS_PREVALENCE)
shares = drawing.shares_of(source, paper)
page.figure_if("fig-shares", drawing.draw_shares(shares), data=shares, methods=drawing.METHODS_SHARES)
page.numbers(implied=sentences_claims.implied_range(implied))

# %% [markdown]
# :::{result-figure} fig-implied
# :optional:
# :alt: Share of positives that each row of metrics implies, by accuracy, positive and negative predictive value, beside the stated share.
#
# **Which share of positives do the rows imply?** Marks and bars hold every share that the printed metrics allow; where a row's marks part, no share satisfies all of them; the dashed line is the stated one.
# :::
#
# :::{result-figure} fig-shares
# :optional:
# :alt: Printed shares as bands, with the whole numbers of cases around them; crosses lie outside the band.
#
# **Can the share be one of whole cases?** A dot is a whole number of cases that is printed so, a cross one that is not.
# :::

# %% [markdown]
# ## What does not add up

# %% tags=["remove-output"]
long = ["finding", "claim", "where", "printed", "recomputed", "explanation", "rule"]
page.table_if("tab-against", listing.against(found), columns=long, headers=listing.heads(long), **quoted)
some = ["finding", "claim", "where", "recomputed", "example", "for_reader", "rule"]
page.table_if("tab-other", listing.other_counts(found), columns=some, headers=listing.heads(some), **quoted)

# %% [markdown]
# :::{result-table} tab-against
# :optional:
#
# **Which printed numbers cannot all be true?** Printed numbers, what follows from the others, and the arithmetic between them.
# :::
#
# :::{div} in-short
# {glue:text}`none_against`
# :::
#
# ## What holds only under other counts
#
# :::{div} in-short
# {glue:text}`none_other`
# :::
#
# :::{result-table} tab-other
# :optional:
#
# **What holds only under other counts?** The counts under which the numbers hold; the arithmetic is that of the first finding of a line.
# :::

# %% tags=["remove-output"]
page.numbers(none_against=sentences_claims.none_against(found), none_other=sentences_claims.none_other(found))
few = ["finding", "claim", "explanation", "severity", "for_reader", "rule"]
page.table_if("tab-open", listing.open_ones(found), columns=few, headers=listing.heads(few), **quoted)
page.table_if("tab-remarks", listing.remarks(found), columns=few, headers=listing.heads(few), **quoted)
right = ["finding", "claim", "findings", "example", "rule"]
page.table("tab-consistent", listing.consistent(found), columns=right, headers=listing.heads(right), **quoted)

# %% [markdown]
# ## What cannot be checked
#
# :::{result-table} tab-open
# :optional:
#
# **What stays open?** Findings that what is printed cannot decide, those without weight left out.
# :::
#
# :::{result-table} tab-alone
# **Which printed numbers stand alone?** No rule can judge them, because nothing else that is printed depends on them, or because a check of them stays open.
# :::
#
# ## What adds up
#
# :::{result-table} tab-remarks
# :optional:
#
# **What adds up, with a remark?** The numbers can be right, and a reader must yet know something.
# :::
#
# :::{result-table} tab-consistent
# **What is right?** Findings without a remark, a line for each sentence or table and rule, with the arithmetic of its first finding.
# :::

# %% [markdown]
# ## From sentence to rule to cells
#
# Every finding with its rule and the cells it used; a cell is named by file, row and statistic, with the printed string.
# The rules are described in {doc}`the summary <../claims>`; the CSV of the table has every cell.

# %% tags=["remove-output"]
all_of = ["finding", "claim", "where", "verdict", "severity", "rule", "printed", "recomputed", "traced"]
page.table("tab-findings", listing.listing(found), columns=all_of, headers=listing.heads(all_of), **quoted)

# %% [markdown]
# ::::{dropdown} All findings
#
# :::{result-table} tab-findings
# **What was checked, by which rule, on which cells?** Numbers as elsewhere on this page.
# :::
# ::::
