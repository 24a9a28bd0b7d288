# %% [markdown]
# (networks)=
# # Which network is chosen, and what does a patient's vote change?
#
# Reads the predictions of every training run · writes `predictions.csv`, {numref}`fig-network-choice` and {numref}`tab-levels` · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`answer`
# {glue:text}`borrowed`
# {glue:text}`vote`
# :::

# %% tags=["parameters"]
study = "data/calcified"  # folder of the study
results = "results/calcified"  # folder of its results
seeds = [0]  # seeds of the training runs

# %% tags=["hide-input"]
import pandas as pd

from helpers.book import report, sentences_networks
from helpers.data.study import read as read_study
from helpers.learn import candidates
from helpers.learn.choice import settings_of, write_chosen
from helpers.stats import levels, multiclass_table, predictions, voting

# %%
settings = read_study(study)
page = report.page(f"{results}/networks", simulated=settings.simulated, study=settings.name)
files = candidates.files(results, settings.models, seeds)
by_case = pd.concat([predictions.read(path) for path in files], ignore_index=True)

# %% [markdown]
# ## From cases to patients
#
# A patient with several clips or images gets one answer: the mean of the risks.
# Everything after this page is about patients; the table by case stays here, and {numref}`tab-levels` sets the two side by side once.

# %%
runs = voting.by_patient(by_case) if settings.voting else by_case

# %% [markdown]
# ## The network is chosen on the tuning patients
#
# The function that chooses is given the tuning patients only, and refuses any other row.
# The test AUC of every candidate stands beside it, so that a reader sees what a choice on the test patients would have claimed.

# %% tags=["remove-output"]
choice = candidates.compare(runs, settings.models)
page.figure("fig-network-choice", choice.plot(), data=choice.scores, methods=choice.methods)
page.table("tab-network-choice", choice.optimism(), methods=choice.methods)

# %% [markdown]
# :::{result-figure} fig-network-choice
# :alt: Dots for the AUC of every network on tuning and on test patients; the chosen ones in bold.
#
# **Which network is chosen?** AUC of every run on the tuning patients, who choose, and on the test patients, who do not; the chosen networks are bold.
# :::
#
# :::{result-table} tab-network-choice
# **What would choosing on the test patients have claimed?** The honest choice and the best on test, which is optimistic.
# :::

# %% [markdown]
# ## Cases and patients, side by side
#
# Cases of one patient are usually alike; an interval that counts them as strangers is then too narrow, and never valid.
# The AUC by case has an interval that knows whose cases they are; its naive twin shows what ignoring it would have claimed.

# %% tags=["remove-output"]
chosen = {name: (settings.models[name].input, choice.chosen[name]) for name in settings.models}
cases = candidates.of_models(by_case, chosen)
positive, patients = settings.outcome.positive, candidates.of_models(runs, chosen)
parts = [multiclass_table.against_rest(part, positive=positive) for part in (cases, patients)]
compared = levels.compare(*parts, split=settings.judged)
page.table("tab-levels", compared.printed(), methods=compared.methods)

# %% [markdown]
# :::{result-table} tab-levels
# **Does the unit of analysis matter?** AUC (95 % confidence interval) of the chosen networks by case and by patient.
# :::

# %% [markdown]
# ## One table of predictions
#
# The chosen networks go on under the names of their models; {ref}`compare` reads all candidates.

# %% tags=["remove-output"]
predictions.write(patients, page.folder / "predictions.csv")
predictions.write(cases, page.folder / "cases.csv")
predictions.write(candidates.titled(runs, settings.models), page.folder / "candidates.csv")
first = "-".join(next(iter(chosen.values())))
write_chosen(page.folder / "chosen.json", chosen, seeds, settings_of(results, f"{first}-s{seeds[0]}"))

# %% tags=["remove-output"]
page.numbers(answer=sentences_networks.chosen(chosen, settings.models), vote=sentences_networks.levels(compared))
page.numbers(borrowed=sentences_networks.borrowed(choice.optimism(), settings.models))
