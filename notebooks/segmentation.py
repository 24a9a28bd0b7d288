# %% [markdown]
# (segmentation)=
# # Do the networks outline the node that was meant?
#
# Reads the outlines of every network · writes {numref}`fig-dice`, {numref}`tab-outlines`, {numref}`fig-cases` and `masks/` · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`answer`
# {glue:text}`failures`
# {glue:text}`formula`
# :::

# %% tags=["parameters"]
study = "data/lymphnode"  # folder of the study
results = "results/lymphnode"  # folder of its results
resamples = 500  # bootstrap samples of patients
seeds = [0]  # seeds of the networks that outline; the first is judged

# %% tags=["hide-input"]
from helpers.book import outlined, report
from helpers.book.views import outlines
from helpers.data import printed
from helpers.data.study import read as read_study
from helpers.learn import ways
from helpers.stats import heat_shares, models, segmentation
from helpers.stats import segmentation_failures as failures
from helpers.stats import segmentation_plot as plots
from helpers.stats import segmentation_summary as summaries

# %% [markdown]
# Each judged frame was outlined by the networks of all folds, and a pixel belongs to the outline when their mean probability is at least one half.
# No judged frame chose anything: neither an epoch, nor that one half.
# {glue:text}`networks`

# %%
settings = read_study(study)
page = report.page(f"{results}/segmentation", simulated=settings.simulated, study=settings.name)
judged = outlined.load(study, results, settings, seed=seeds[0])
cases = judged.measured()
first, n = next(iter(judged.outlines)), len(judged.cases)

# %% [markdown]
# ## Every node
#
# A mean hides the nodes that were missed, so the quartiles and every single node are shown; intervals draw patients, not nodes.

# %% tags=["remove-output"]
methods = f"{segmentation.METHODS} {summaries.bootstrap_text(resamples)}"
table = summaries.summary(cases, resamples=resamples)
page.figure("fig-dice", plots.boxes(cases), data=cases, n=n, methods=methods)
page.table("tab-outlines", summaries.shown(table), methods=methods)
gaps = summaries.differences(cases, resamples=resamples)
shown = models.printed(gaps.replace({"measure": summaries.TITLES}), {"difference": "Difference of the means"})
heads = {"a": "Network a", "b": "Network b", "better": "a is closer in"}
columns = ["a", "b", "measure", "n", "Difference of the means", "better"]
page.table("tab-gaps", shown, columns=columns, formats={"better": "{:.0%}"}, headers=heads, methods=methods)

# %% [markdown]
# :::{result-figure} fig-dice
# :alt: Dice, IoU and 95th percentile of the Hausdorff distance of every node as dots beside a box of the quartiles, by network.
#
# **How well do outlines fit?** Dice, IoU and HD95 of every judged node; boxes are quartiles, whiskers reach the extremes.
# :::
#
# :::{result-table} tab-outlines
# **How well in numbers?** Estimate (95 % confidence interval by patient) and range.
# :::
#
# :::{result-table} tab-gaps
# **Is one network closer?** Paired differences (a minus b) on the same nodes, and the share of nodes in which a is the closer one.
# :::

# %% [markdown]
# ## The printed formula
#
# The paper that this study does again prints its coefficient as 2|A∩B|/|A∪B|, which is twice the IoU and runs from 0 to 2.
# {numref}`tab-formula` says what its numbers are under each reading; the formula of Dice has |A| + |B| below the line.

# %% tags=["remove-output"]
coefficients = outlined.published_quartiles(printed.of(settings, "B_text.csv"))
formula = segmentation.printed_table(coefficients)
heads = {
    "formula_if_dice": "By the printed formula, if it is Dice",
    "dice_if_formula": "Dice, if by the printed formula",
}
formats = dict.fromkeys(["printed", *heads], "{:.3f}")
page.table_if(
    "tab-formula", formula, headers=heads, formats=formats, methods="Dice = 2 v / (2 + v) for v = 2|A∩B|/|A∪B|."
)

# %% [markdown]
# :::{result-table} tab-formula
# :optional:
# **What do the published coefficients mean?** The printed values and both readings; the paper names its quartiles the other way round.
# :::

# %% [markdown]
# ## What went wrong
#
# An outline of the wrong thing is another failure than one with a loose border, and has another remedy.

# %% tags=["remove-output"]
found = failures.table(cases)
page.figure("fig-failures", plots.against_size(cases), data=cases, n=n, methods=failures.RULE)
heads = {"long_axis": "Long axis, median (mm)", "dice": "Dice, median"}
formats = {"dice": "{:.2f}", "long_axis": "{:.1f}"}
columns = ["network", "kind", "n", "Share", "dice", "long_axis"]
shown = models.printed(found, {"share": "Share"}, digits=2)
page.table("tab-failures", shown, columns=columns, formats=formats, headers=heads, methods=failures.RULE)
heads = {"median": "Median Dice", "missed": "Missed (Dice below 0.1)"}
sizes = models.printed(summaries.by_size(cases, resamples=resamples), heads, digits=2)
page.table("tab-sizes", sizes, columns=["network", "size", "n", *heads.values()], methods=summaries.SIZES)

# %% [markdown]
# :::{result-figure} fig-failures
# :alt: Dice of every node against its area, one panel a network, marks by kind of failure.
#
# **Which nodes fail, and how?** Dice against the area drawn by hand; marks say what went wrong.
# :::
#
# :::{result-table} tab-failures
# **How often does what go wrong?** Nodes by kind, with the share (95 % confidence interval by patient).
# :::
#
# :::{result-table} tab-sizes
# **Are small nodes harder?** Median Dice, and share that was missed, by long axis (95 % confidence interval by patient).
# :::
#
# ## Areas

# %% tags=["remove-output"]
area = summaries.area_agreement(cases, resamples=resamples)
page.figure("fig-areas", plots.areas(cases, area), data=area, n=n, methods=summaries.AREAS)
heads = {"ratio": "Outlined / drawn", "lower_limit": "Lower limit", "upper_limit": "Upper limit"}
columns = ["network", "n", "empty", *heads.values()]
page.table("tab-areas", models.printed(area, heads, digits=2), columns=columns, methods=summaries.AREAS)

# %% [markdown]
# :::{result-figure} fig-areas
# :alt: Ratio of outlined to drawn area against their mean on log scales, with mean ratio and limits of agreement, one panel a network.
#
# **Can the area be trusted?** Bland-Altman plot on log scales: mean ratio and 95 % limits of agreement, bands are their 95 % confidence intervals.
# :::
#
# :::{result-table} tab-areas
# **By how much are areas off?** Mean ratio and limits of agreement (95 % confidence interval by patient); nodes without an outline are counted as empty.
# :::
#
# ## Cases by rule, outline and heat map side by side
#
# The best case, the quartiles and the two worst that have an outline at all; the outlines of all judged cases lie in `masks/`, listed in `cases.csv`.

# %% tags=["remove-output"]
chosen = failures.choose(cases[cases["network"] == first])
outlined.write_masks(page.folder, judged, cases, chosen)
methods = f"{failures.CHOICE} {heat_shares.METHODS}"
data = chosen[["case_id", "chosen", "dice", "iou", "hd95_mm", "kind"]]
page.figure("fig-cases", outlined.gallery(judged, chosen, first), data=data, n=len(chosen), methods=methods)
browsed = {"pixel_mm": judged.pixel_mm, "case_id": judged.cases["case_id"].to_numpy(object)}
every = cases.assign(cell=cases["kind"])
page.view("fig-browse", outlines.build(judged.images, judged.masks, judged.outlines, every, **browsed))
heat = judged.heat_table(resamples=resamples)
columns = ["network", "inside", "map", "n", "Share of the heat", "area"]
looks = {"columns": columns, "headers": {"area": "Share of the area"}, "methods": heat_shares.METHODS}
page.table_if("tab-heat", heat_shares.shown(heat), finding=heat_shares.sentence(heat), **looks)

# %% [markdown]
# :::{result-figure} fig-cases
# :alt: Rows of frames with the node drawn by hand, the outline of each network and the heat map of each classifying network.
#
# **What do they outline, and where is the class sensitive?** Cases by rule; yellow line: drawn by hand; dashed: outlined by the network; shading: Grad-CAM.
# :::
#
# :::{result-view} fig-browse
# :alt: One frame as the networks saw it, and the same with the outline drawn by hand and that of a network.
#
# **What about the others?** The judged frames, the worst first; all of them, or as many as the line below says, with the worst among them.
# Filter by kind of failure, centre and size.
# :::
#
# :::{result-table} tab-heat
# :optional:
# **Does the class look where the outline is?** Share of the heat inside the node and inside the network's own outline, over all judged nodes, beside the area and the network with random weights.
# :::

# %% tags=["remove-output"]
page.numbers(answer=summaries.sentence(table), failures=failures.sentence(found, first))
page.numbers(formula=segmentation.formula_sentence(formula), networks=ways.named(settings.segmentation.networks))
