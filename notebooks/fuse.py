# %% [markdown]
# (fuse)=
# # Which network is chosen, and do two know more than one?
#
# Reads the predictions of every training run · writes `predictions.csv`, {numref}`fig-choice` and {numref}`tab-heads` · minutes on two cores
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`answer`
# {glue:text}`borrowed`
# The fused model uses the head {glue:text}`head`.
# :::

# %% tags=["parameters"]
study = "data/olnm"  # folder of the study
results = "results/olnm"  # folder of its results
folds = 2  # parts for out-of-fold features
seeds = [0]  # seeds of the training runs; all are fused
workers = 2  # processes that train folds side by side; 1 on a GPU

# %% tags=["hide-input"]
import pandas as pd

from helpers.book import report, sentences_networks
from helpers.data import arrays, cohort
from helpers.data.study import read as read_study
from helpers.learn import candidates, combine
from helpers.learn.choice import settings_of, write_chosen
from helpers.stats import predictions

# %%
settings = read_study(study)
page = report.page(f"{results}/fuse", simulated=settings.simulated, study=settings.name)
cases = cohort.read(study, study=settings)
files = candidates.files(results, settings.models, seeds)
runs = pd.concat([predictions.read(path) for path in files], ignore_index=True)

# %% [markdown]
# ## The architecture is chosen on the tuning patients
#
# The function that chooses is given the tuning patients only, and refuses any other row.
# The test AUC of every candidate stands beside it, so that a reader sees what a choice on the test patients would have claimed.

# %% tags=["remove-output"]
choice = candidates.compare(runs, settings.models)
page.figure("fig-choice", choice.plot(), data=choice.scores, methods=choice.methods)
page.table("tab-choice", choice.optimism(), methods=choice.methods)

# %% [markdown]
# :::{result-figure} fig-choice
# :alt: Dots for the AUC of every architecture on tuning and on test patients; the chosen ones in bold.
#
# **Which architecture is chosen?** AUC of every run on the tuning patients, who choose, and on the test patients, who do not; the chosen architectures are bold.
# :::
#
# :::{result-table} tab-choice
# **What would choosing on the test patients have claimed?** The honest choice and the best on test, which is optimistic.
# :::

# %% [markdown]
# ## Features of both networks, out of fold
#
# A network knows the answers of the patients it was trained on, so a head must not learn from those features.
# Each chosen network is built and trained again, exactly as its own run was, without one part of the training patients, and describes that part.

# %%
chosen = {name: (settings.models[name].input, choice.chosen[name]) for name in settings.models}
images = {name: arrays.load(study, chosen[name][0], study=settings).images for name in chosen}

# %%
where = {"results": results, "folder": page.folder / "folds", "report": print}
options = {"folds": folds, "workers": workers, **where}
fused = combine.every_seed(cases, images, chosen, seeds=seeds, fusion=settings.fusion, **options)

# %% [markdown]
# ## The head is chosen on the tuning patients too

# %% tags=["remove-output"]
page.table("tab-heads", combine.heads_table(fused), methods=combine.METHODS)

# %% [markdown]
# :::{result-table} tab-heads
# **Which head reads the features best?** Heads on the features of both networks, compared on the tuning patients.
# :::

# %% [markdown]
# ## One table of predictions
#
# The chosen networks and the fused model go on together; everything after this page reads only that table.

# %% tags=["remove-output"]
name = settings.fusion.name if settings.fusion else ""
names = {"study": settings.name, "fused_name": name, "classes": settings.outcome.classes}
final = combine.final_table(runs, chosen, fused, cases, **names)
predictions.write(final, page.folder / "predictions.csv")
first = "-".join(next(iter(chosen.values())))
write_chosen(page.folder / "chosen.json", chosen, seeds, settings_of(results, f"{first}-s{seeds[0]}"))

# %% tags=["remove-output"]
page.numbers(answer=sentences_networks.chosen(chosen, settings.models), head=combine.heads_used(fused))
page.numbers(borrowed=sentences_networks.borrowed(choice.optimism(), settings.models))
