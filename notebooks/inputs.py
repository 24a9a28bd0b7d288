# %% [markdown]
# (inputs)=
# # What does a network see?
#
# Reads the media through one door · writes the pictures of what a network is given · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`n_files` files of {glue:text}`n_formats` formats were read, cropped and brought to one size.
# {glue:text}`origin`
# :::

# %% tags=["parameters"]
study = "data/olnm"  # folder of the study
results = "results/olnm"  # folder of its results

# %% tags=["hide-input"]
from helpers.book import looks, report, sentences
from helpers.data import cohort
from helpers.data.study import read as read_study

# %% [markdown]
# Every file was decoded once, its frames taken by rule, the surroundings of the lesion cut out, and kept as grey values from 0 to 255.
# Cases are shown by rule: the first of every group in the order of their numbers.

# %%
settings = read_study(study)
page = report.page(f"{results}/inputs", simulated=settings.simulated, study=settings.name)
cases = cohort.read(study, study=settings)
found = looks.load(study, settings)
quality = looks.quality(found, cases)

# %% [markdown]
# ## Still images
#
# The crop is a square around the lesion; where a mask is known its outline is drawn for the reader, the network does not get it.

# %% tags=["remove-output"]
page.figure_if("fig-stills", looks.stills(found, cases, settings), methods=sentences.crop(settings))

# %% [markdown]
# :::{result-figure} fig-stills
# :alt: Cropped ultrasound images of several cases in rows, the lesion outlined.
# :optional:
#
# **What does a still show?** Crops as the network sees them, by rule the first cases of every group; the lesion is outlined.
# :::

# %% [markdown]
# ## Frames of clips
#
# A clip becomes a few frames at equal steps around the one with the largest section.

# %% tags=["remove-output"]
page.figure_if("fig-clips", looks.clips(found, cases, settings), methods=sentences.frames(settings))

# %% [markdown]
# :::{result-figure} fig-clips
# :alt: Rows of key frames from several clips, with the time of each frame.
# :optional:
#
# **What does a clip show?** Key frames of the first cases of every group, with their time in the clip.
# :::

# %% [markdown]
# ## Contrast over time
#
# Grey values on a screen are log-compressed, so these curves are relative and in display units.

# %% tags=["remove-output"]
figure, points, summary = looks.time_intensity(study, found, cases, settings)
page.figure_if(
    "fig-curves", figure, data=points, methods="Mean grey of the lesion and of a ring around it, in display units."
)
page.table_if(
    "tab-curves", summary, formats={"area": "{:.0f}"}, methods="Arrival: a tenth of the rise; relative, display units."
)

# %% [markdown]
# :::{result-figure} fig-curves
# :alt: Time-intensity curves of the lesion and the ring around it for several cases; grey lines mark the key frames.
# :optional:
#
# **How does contrast come and go?** Time-intensity curves; the grey lines are the frames that the network sees.
# :::
#
# :::{result-table} tab-curves
# :optional:
#
# **What do the curves say?** Arrival, time to peak, rise and wash-out of the same cases (relative, display units).
# :::

# %% [markdown]
# ## The files
#
# {numref}`tab-files` lists what was read.

# %% tags=["remove-output"]
page.table("tab-files", quality, formats={"height": "{:.0f}", "width": "{:.0f}"})

# %% [markdown]
# :::{result-table} tab-files
# **What was read?** Files by input and format, with the median size of a frame and of a pixel.
# :::

# %% tags=["remove-output"]
page.table_if("tab-sources", looks.sources(settings))

# %% [markdown]
# :::{result-table} tab-sources
# :optional:
#
# **Whose recordings are these?** Organ, licence, source and citation of every set that is shown.
# :::

# %% tags=["remove-output"]
page.numbers(n_files=quality["files"].sum(), n_formats=quality["format"].nunique(), origin=sentences.origin(settings))
