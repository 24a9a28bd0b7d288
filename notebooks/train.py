# %% [markdown]
# (train)=
# # Does this network learn?
#
# Reads the arrays of one input · writes `predictions.csv`, `checkpoint.safetensors` and {numref}`fig-learning` · a minute on two cores, a GPU at paper scale
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`architecture` on the {glue:text}`input_label`, seed {glue:text}`seed`: best after epoch {glue:text}`best_epoch` of {glue:text}`epochs`.
# {glue:text}`learned`
# {glue:text}`tuned`
# The test patients play no part on this page.
# :::

# %% tags=["parameters"]
study = "data/olnm"  # folder of the study
results = "results/olnm"  # folder of its results
run = "bmode-resnet18-s0"  # input, network and seed; -cam after the network: with calcification attention
size = 64  # side of the image that the network sees, pixels
crop_size = 72  # side to which the stored image is brought before the random crop, pixels
epochs = 9  # passes over the training patients
batch_size = 16  # cases a step
learning_rate = 0.002  # peak of the one-cycle schedule
patience = 9  # epochs without improvement on the tuning patients before the run stops
width_divisor = 4  # 1 for the published width; 4 is about a sixteenth of the work
weights = "none"  # none, imagenet, or a .safetensors file
flip_vertical = False  # mirror top and bottom too, as published; it turns shadows upside down
frames = 8  # frames of a stored clip that a 3D network sees, at equal steps; images have none
dropout = 0.0  # share of the features dropped before the head while training
optimizer = "adamw"  # adamw, or adam as printed in one of the papers
monitor = "loss"  # what chooses the epoch on the tuning patients: loss, or auc

# %% tags=["hide-input"]
from helpers.book import report
from helpers.data import arrays, cohort
from helpers.data.study import read as read_study
from helpers.learn import candidates, evaluation, networks, training
from helpers.learn.rows import by_split, labels_for_training
from helpers.stats import predictions

# %% [markdown]
# The arrays were decoded once; nothing is read from the media files here.

# %%
settings = read_study(study)
asked = training.parse_run(run)
page = report.page(f"{results}/train/{run}", simulated=settings.simulated, study=settings.name)
cases = cohort.read(study, study=settings)
images = arrays.load(study, asked.input, study=settings).images

# %% [markdown]
# The published topology is built with the number of channels of the input; what weights it starts from stands in {numref}`tab-run`.
# For clips the 2D network is inflated with its weights: a clip that stands still gets the answer of its frame.

# %%
network = networks.build(
    asked.architecture,
    attention=asked.attention,
    volume=settings.inputs[asked.input].volume,
    channels=images.shape[1],
    outputs=len(settings.outcome.classes) or 1,
    width_divisor=width_divisor,
    weights=weights,
    dropout=dropout,
    seed=asked.seed,
    offline="allow",
)

# %% [markdown]
# Only the labels of training and tuning patients are handed over, so no test label can choose an epoch.
# {glue:text}`balance`

# %%
options = training.Settings(
    size=size,
    crop_size=crop_size,
    epochs=epochs,
    batch_size=batch_size,
    learning_rate=learning_rate,
    patience=patience,
    flip_vertical=flip_vertical,
    frames=frames,
    optimizer=optimizer,
    monitor=monitor,
    balance=asked.balance,
    seed=asked.seed,
)
rows, label = by_split(cases), labels_for_training(cases)

# %%
fitted = training.fit(
    network,
    images,
    label,
    train=rows["train"],
    tune=rows["tune"],
    settings=options,
    folder=page.folder,
    report=print,
)

# %% tags=["remove-output"]
constant = evaluation.constant_loss(fitted, label[rows["tune"]].astype(int))
page.figure(
    "fig-learning",
    fitted.plot(constant=constant),
    data=fitted.frame().assign(constant=constant),
    n=len(rows["train"]),
    methods=evaluation.methods(fitted, options),
)

# %% [markdown]
# :::{result-figure} fig-learning
# :alt: Log-loss of training and tuning patients against the epoch, with the best epoch and the loss of a constant risk marked.
#
# **When did it stop learning?** Log-loss of training and tuning patients, with the weights of the loss; the upright line marks the epoch that was kept, the dotted one the loss of giving everyone the same risk.
# :::

# %% [markdown]
# Every case gets a prediction from the checkpoint; those of training patients are apparent and are never used to judge.

# %% tags=["remove-output"]
own = {"study": settings.name, "model": asked.model, "seed": asked.seed, "classes": settings.outcome.classes}
table = evaluation.predictions_of(fitted.network, images, cases, settings=options, **own)
predictions.write(table, page.folder / "predictions.csv")
page.table("tab-run", evaluation.run_table(fitted))

# %% [markdown]
# :::{result-table} tab-run
# **How was it trained?** Device, precision, memory, class balance and versions of this run.
# :::

# %% tags=["remove-output"]
page.numbers(architecture=candidates.title(asked.name), input_label=settings.inputs[asked.input].label, seed=asked.seed)
page.numbers(best_epoch=fitted.best_epoch, epochs=epochs, balance=evaluation.balance(options))
tune_auc = fitted.history["tune_auc"].iloc[fitted.best_epoch - 1]
page.numbers(tune_auc=tune_auc, learned=evaluation.learned(fitted, constant))
page.numbers(tuned=evaluation.tuned(table[table["split"] == "tune"], tune_auc))
