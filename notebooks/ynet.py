# %% [markdown]
# (ynet)=
# # Does this network learn its task?
#
# Reads the frames and masks of one input · writes a checkpoint a fold, `outlines.npz` and {numref}`fig-folds` · a minute on two cores, a GPU at paper scale
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`architecture` (seed {glue:text}`seed`) {glue:text}`task`.
# It was trained {glue:text}`folds` times, each time without a fold of the training patients.
# {glue:text}`answer`
# Tuning and test patients play no part on this page.
# :::

# %% tags=["parameters"]
study = "data/lymphnode"  # folder of the study
results = "results/lymphnode"  # folder of its results
run = "bmode-ynet-s0"  # input, network and seed
size = 96  # side of the frame that the network sees, pixels
crop_size = 96  # the same: a frame is seen whole
epochs = 12  # passes over the training cases of a fold
batch_size = 8  # cases a step, as published
learning_rate = 0.003  # peak of the one-cycle schedule
patience = 12  # epochs without improvement on the held-out fold before a fold stops
width_divisor = 2  # 1 for the published width
optimizer = "adamw"  # adamw or adam
folds = 2  # parts of the training patients; five as published

# %% tags=["hide-input"]
from helpers.book import report
from helpers.data import cohort
from helpers.data.study import read as read_study
from helpers.learn import training, ways, ynet_page
from helpers.stats import predictions

# %% [markdown]
# The whole frame is given, wherever the node is: to find the target among other nodes, vessels and muscles is part of the task.
# The folds are made of the training patients alone: no tuning or test patient trains a network or chooses an epoch.

# %%
settings = read_study(study)
asked = training.parse_run(run)
page = report.page(f"{results}/train/{run}", simulated=settings.simulated, study=settings.name)
cases = cohort.read(study, study=settings)
options = training.Settings(
    size=size,
    crop_size=crop_size,
    epochs=epochs,
    batch_size=batch_size,
    learning_rate=learning_rate,
    patience=patience,
    optimizer=optimizer,
    seed=asked.seed,
)

# %% [markdown]
# Every fold has a folder of its own, so a run that was stopped goes on where it was.

# %%
how = {"settings": options, "folds": folds, "width_divisor": width_divisor, "place": page.folder}
made = ynet_page.train(study, settings, cases, asked, **how)
methods = ynet_page.methods(asked, options, folds)

# %% tags=["remove-output"]
told, fitted = ynet_page.history(made), ynet_page.fold_table(made)
page.figure("fig-folds", ynet_page.plot_history(made), data=told, n=int((made.fold >= 0).sum()), methods=methods)
heads = {"held_out": "Held out", "auc": "AUC", "dice": "Mean Dice", "images_per_second": "Images a second"}
formats = {"auc": "{:.3f}", "dice": "{:.3f}", "images_per_second": "{:.0f}"}
page.table("tab-folds", fitted, headers=heads, formats=formats, methods=methods)

# %% [markdown]
# :::{result-figure} fig-folds
# :alt: Left, loss of training and held-out cases against the epoch, a line a fold; right, AUC and mean Dice of the held-out cases.
#
# **When did it stop learning?** Left: loss of each fold, training dashed, the kept epoch marked; right: what the held-out fold says after each epoch.
# :::
#
# :::{result-table} tab-folds
# **How did each fold end?** Cases, the epoch that was kept, and AUC and Dice of the held-out fold, which chose that epoch.
# :::

# %% [markdown]
# ## The network, part by part

# %%
network = made.results[0].network
page.card("Network", **network.record)

# %% tags=["remove-output"]
parts = ynet_page.parts(network, side=size)
page.table("tab-parts", parts, formats={"parameters": "{:,.0f}"}, methods=ynet_page.SAID[asked.architecture] + ".")

# %% [markdown]
# :::{result-table} tab-parts
# **What is the network made of?** Its parts in the order in which a frame meets them: channels and sides of what each gives, and its parameters.
# The last row is their sum.
# :::

# %% tags=["remove-output"]
ynet_page.write(made, cases, page.folder)
table = ynet_page.predictions_of(made, cases, study=settings.name, model=asked.model, seed=asked.seed)
_ = None if table is None else predictions.write(table, page.folder / "predictions.csv")
page.numbers(architecture=ways.name_of(asked.architecture), task=ways.DOES[asked.architecture], seed=asked.seed)
page.numbers(folds=folds, answer=ynet_page.sentence(fitted))
