# %% [markdown]
# (inputs)=
# # What does a network see?
#
# Reads the media through one door · writes the pictures of what a network is given · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`n_files` files of {glue:text}`formats` were read and brought to one size.
# {glue:text}`origin`
# {glue:text}`read`
# {glue:text}`grey`
# :::

# %% tags=["parameters"]
study = "data/olnm"  # folder of the study
results = "results/olnm"  # folder of its results

# %% tags=["hide-input"]
from helpers.book import looks, looks_frames, looks_grey, report, sentences, sentences_inputs
from helpers.book.views import contrast
from helpers.data import cohort
from helpers.data.study import read as read_study

# %% [markdown]
# Every file was decoded once, its frames taken by rule, the part that the study asks for cut out, and kept as grey values from 0 to 255.
# A network may see these pictures smaller, or fewer frames of them; the page of its training says at which size.
# Cases are shown by rule: the first of every group in the order of their numbers, one a patient.

# %%
settings = read_study(study)
page = report.page(f"{results}/inputs", simulated=settings.simulated, study=settings.name)
cases = cohort.read(study, study=settings)
found = looks.load(study, settings)
quality = looks.quality(found, cases)

# %% [markdown]
# ## Still images
#
# Where a mask is known its outline is drawn for the reader, the network does not get it.

# %% tags=["remove-output"]
page.figure_if("fig-stills", looks.stills(found, cases, settings), methods=sentences.crop(settings))

# %% [markdown]
# :::{result-figure} fig-stills
# :alt: Cropped ultrasound images of several cases in rows, outlined where a mask is known.
# :optional:
#
# **What does a still show?** Pictures as they are kept for the networks, by rule the first cases of every group; what a mask marks is outlined.
# :::

# %% [markdown]
# ## Grey values before and after
#
# Scanners and recorders differ between centres; a step that brings their images to one scale must not take the lesion's signs with it.

# %% tags=["remove-output"]
stored = looks_grey.read(study, settings)
measured, how = looks_grey.measure(stored, cases, settings), looks_grey.methods(settings)
page.figure_if("fig-steps", looks_grey.figure(stored, cases, settings), methods=how)
page.figure_if("fig-grey", looks_grey.plot(measured), data=measured, n=len(cases), methods=how)
spread = looks_grey.summary(measured)
page.table_if("tab-grey", looks_grey.shown(spread), columns=["steps", *looks_grey.HEADS], **looks_grey.LOOKS)

# %% [markdown]
# :::{result-figure} fig-steps
# :alt: One crop of each centre in a row, as stored, normalised, denoised, and with both steps.
# :optional:
#
# **What do the steps change?** The first case of every centre; each column switches on one step, the last all of them.
# :::
#
# :::{result-figure} fig-grey
# :alt: Mean grey level and noise of the crops of each centre as boxes, one group for each step.
# :optional:
#
# **Do centres still differ afterwards?** Mean grey level and noise of every crop by centre: median, middle half and middle 90 %.
# :::
#
# :::{result-table} tab-grey
# :optional:
#
# **How much of the difference is left?** Range of the centres' means, and the share of the variance that lies between centres (95 % interval).
# :::

# %% [markdown]
# ## Frames of clips
#
# A clip becomes a few frames at equal steps around its key frame.

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
# ## Frames near labelled ones
#
# Where clinicians labelled a few frames of a clip, only the frames nearest to those are read, however long the clip is.

# %% tags=["remove-output"]
drawn = looks_frames.read_frames(found, settings)
page.figure_if("fig-frames", looks_frames.timeline(drawn), data=drawn, methods=sentences_inputs.nearest(settings))

# %% [markdown]
# :::{result-figure} fig-frames
# :alt: Clips as horizontal lines of their length on a logarithmic axis; the frames that are read lie close around a few labelled ones.
# :optional:
#
# **Which frames of a clip are read?** Clips from the shortest to the longest, at equal steps of rank, with the labelled frames and those that are read, counted from 1; right, counted from the middle label.
# :::

# %% tags=["remove-output"]
sheet = looks_frames.contact(found, cases, settings)
page.figure_if("fig-near", sheet, methods=sentences_inputs.nearest(settings))

# %% [markdown]
# :::{result-figure} fig-near
# :alt: Rows of cropped frames of several clips, one row for each split and centre; calcifications are outlined where known.
# :optional:
#
# **What do networks see of a clip?** The first case of every split and centre: the labelled frame alone, cropped around its own box, then frames at equal steps through those that are read, in one crop; frames are counted from 0, and what is marked in one is outlined for the reader.
# :::

# %% tags=["remove-output"]
page.table_if("tab-clips", looks_frames.lengths(found, cases, settings))

# %% [markdown]
# :::{result-table} tab-clips
# :optional:
#
# **How long are the clips?** Clips by split and format: frames, seconds and labelled frames as median and range, and clips that were padded because they are too short.
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
clips = contrast.build(study, found, cases, settings, points=points, summary=summary)
page.view_if("fig-contrast", clips)
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
# :::{result-view} fig-contrast
# :alt: A B-mode image beside a frame of the contrast clip, the lesion and a ring around it outlined, and their time-intensity curves under a cursor.
# :optional:
#
# **When does contrast come, and when does it go?** Move the time through the clip; arrival, peak and half wash-out of the lesion are marked (relative, display units).
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
page.table("tab-files", quality)

# %% [markdown]
# :::{result-table} tab-files
# **What was read?** Files by input and format, with the size of a frame in pixels (median and range where files differ) and the median size of a pixel.
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
files = {path for arrays in found.values() for path in arrays.index["path"]}
page.numbers(n_files=len(files), formats=sentences_inputs.formats(quality), origin=sentences.origin(settings))
page.numbers(read=sentences_inputs.read(found, settings), grey=looks_grey.sentence(spread))
