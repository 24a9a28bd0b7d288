# %% [markdown]
# (compare)=
# # Which input and which network tell more, and do they outside?
#
# Reads `candidates.csv` and `predictions.csv` · writes {numref}`fig-families`, {numref}`tab-networks` and {numref}`fig-matrix` · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`twins`
# {glue:text}`outside`
# :::

# %% tags=["parameters"]
study = "data/calcified"  # folder of the study
results = "results/calcified"  # folder of its results
resamples = 500  # bootstrap samples of patients

# %% tags=["hide-input"]
from helpers.book import report, sentences_networks
from helpers.data import cohort
from helpers.data.study import read as read_study
from helpers.learn.choice import chosen_networks
from helpers.stats import comparing, family_plots, models, pair_matrix, predictions

# %% [markdown]
# Every network that was trained is judged here, each at a threshold frozen on the tuning patients; none is picked by what this page shows.
# The clinical baseline stands among them.

# %%
settings = read_study(study)
page = report.page(f"{results}/compare", simulated=settings.simulated, study=settings.name)
candidates = predictions.read(f"{results}/networks/candidates.csv")
chosen = predictions.read(f"{results}/predictions.csv")
field = comparing.field(candidates, chosen, families=settings.models, baseline=settings.clinical.name)
judged = models.panel(field.table, split=settings.judged)
frozen = models.freeze(
    models.chooser(field.table, settings.choosing), rule=settings.threshold.rule, value=settings.threshold.value
)
size = f"n = {judged.n:,}, {judged.events:,} events."

# %% [markdown]
# ## All networks of each input

# %% tags=["remove-output"]
picture = family_plots.by_family(judged, field.families, frozen)
performance = models.performance(judged, frozen)
page.figure("fig-families", picture, data=performance, n=judged.n, methods=comparing.ROC)
heads = {"auc": "AUC", "accuracy": "Accuracy", "sensitivity": "Sensitivity", "specificity": "Specificity"}
heads |= {"ppv": "PPV", "npv": "NPV", "f1": "F1", "kappa": "Kappa"}
shown = models.printed(comparing.performance(judged, frozen, list(heads)), heads, digits=2)
about = {"methods": f"{comparing.TABLE} {size}", "of": (judged.n, judged.events)}
note = comparing.ALIKE if shown[list(heads.values())].eq("–").any(axis=None) else ""
page.table("tab-networks", shown, columns=["model", *heads.values()], caption_note=note, **about)

# %% [markdown]
# :::{result-figure} fig-families
# :alt: One square an input with the ROC curves of all its networks and their frozen operating points.
#
# **Which network tells patients apart?** ROC curves of every network, one square an input, with the AUC and its 95 % confidence interval.
# :::
#
# :::{result-table} tab-networks
# **How good is each network?** Estimate (95 % confidence interval) on the judged patients, at the threshold frozen on the tuning patients.
# :::

# %% [markdown]
# ## The same network on both inputs
#
# Only a network and its twin are a fair pair: the same layers, the same patients, another input.

# %% tags=["remove-output"]
twins = comparing.twins(judged, field)
page.figure_if("fig-twin-curves", twins and family_plots.twin_squares(judged, field.twins), methods=comparing.ROC)
page.figure_if("fig-twins", twins and twins.plot(), data=twins and twins.frame(), methods=twins and twins.methods)
page.table_if("tab-twins", twins and comparing.printed_twins(twins), methods=twins and twins.methods)

# %% [markdown]
# :::{result-figure} fig-twin-curves
# :alt: One square a network with its ROC curve on every input.
# :optional:
#
# **Does the input matter?** ROC curves of each network on both inputs.
# :::
#
# :::{result-figure} fig-twins
# :alt: Differences in AUC between the two inputs with intervals, one line a network, zero marked.
# :optional:
#
# **By how much?** Difference in AUC between the inputs, network by network, with 95 % confidence intervals.
# :::
#
# :::{result-table} tab-twins
# **Which differences hold?** AUC on both inputs, the paired difference, and P values with Holm's correction over the networks.
# :::

# %% [markdown]
# ## Every pair
#
# Many models make many more pairs, and some differences look large by luck; stars are given after Holm's correction over all of them.

# %% tags=["remove-output"]
pairs = models.comparisons(judged)
aucs = performance.set_index("model")["auc"]
page.figure("fig-matrix", pair_matrix.plot(pairs, aucs), data=pairs, n=judged.n, methods=f"{models.PAIRS} {size}")
ablation = comparing.attention(judged, field)
page.table_if("tab-attention", ablation, methods=f"{comparing.ATTENTION} {size}")

# %% [markdown]
# :::{result-figure} fig-matrix
# :alt: Triangular matrix of differences in AUC between all models, coloured by sign and size, with stars for adjusted P values.
#
# **Who beats whom?** Differences in AUC, row minus column, models in the order of their AUC; * P < 0.05, ** P < 0.01, *** P < 0.001 after Holm.
# :::
#
# :::{result-table} tab-attention
# :optional:
# **What does attention to calcifications add?** The same network with and without the attention module, on the same patients.
# :::

# %% [markdown]
# ## Inside and outside
#
# Elsewhere other patients are seen.
# {numref}`tab-external` weights the inside patients to the outside mix of signs:
# what then remains of a difference is not explained by these signs.
# {glue:text}`chosen`

# %% tags=["remove-output"]
outside = comparing.external(chosen, settings, cohort.read(study, study=settings), resamples=resamples)
page.table_if("tab-external", outside and comparing.printed_external(outside), methods=outside and outside.methods)
sides = models.judged_parts(chosen, settings.judged)
best = next(iter(settings.models))
names = {"positive": settings.outcome.positive, "negative": settings.outcome.negative}
cut = float(comparing.freeze_one(chosen, best, settings))
counts = outside and family_plots.confusion(sides, best, cut, **names)
page.figure_if("fig-confusion", counts, methods=f"{comparing.COUNTS} The threshold is {cut:.3f}.")
networks = chosen_networks(results)
page.numbers(counted=sentences_networks.named(best, networks[best]))
page.numbers(chosen=sentences_networks.chosen(networks, settings.models))

# %% [markdown]
# :::{result-table} tab-external
# :optional:
# **Does it carry over?** AUC inside, outside and inside weighted to the outside mix, with the difference and its interval.
# :::
#
# :::{result-figure} fig-confusion
# :alt: Two-by-two tables of truth and call inside and outside, with counts and row percentages.
# :optional:
#
# **What happens at the frozen threshold?** Counts of truth against call for {glue:text}`counted`, inside and outside.
# :::

# %% tags=["remove-output"]
page.numbers(twins=sentences_networks.twins(twins), outside=sentences_networks.external(outside))
