# %% [markdown]
# (explain)=
# # Where does a network look, and does that mean anything?
#
# Reads the chosen checkpoints and the masks · writes {numref}`fig-maps-first`, {numref}`fig-energy` and {numref}`tab-energy` · a minute, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`answer`
# A heat map shows where a network is sensitive; it does not show why, and it is no finding about a patient.
# :::

# %% tags=["parameters"]
study = "data/olnm"  # folder of the study
results = "results/olnm"  # folder of its results

# %% tags=["hide-input"]
import pandas as pd

from helpers.book import gallery, report
from helpers.book.views import attention
from helpers.data import cohort
from helpers.data.study import read as read_study
from helpers.learn import attribution, attribution_classes
from helpers.learn.choice import by_case
from helpers.learn.chosen import read_chosen
from helpers.stats import heat_energy, models, multiclass_table, predictions

# %% [markdown]
# Heat maps are made for all judged cases of every chosen network, and measured before any is shown.
# Where patients vote, a case is one of their clips or images, and the threshold is frozen on the tuning cases.

# %%
settings = read_study(study)
page = report.page(f"{results}/explain", simulated=settings.simulated, study=settings.name)
chosen = read_chosen(results)
raw = predictions.read(by_case(results), seed=chosen.seeds[0], model=list(chosen.networks))
table = multiclass_table.against_rest(raw, positive=settings.outcome.positive)
frozen = models.freeze(
    models.panel(table, split=settings.choosing), rule=settings.threshold.rule, value=settings.threshold.value
)
judged = {name: table[(table["model"] == name) & (table["split"] == settings.judged)] for name in chosen.networks}
asked = {"folder": study, "study": settings, "trained": f"{results}/train"}
made = {name: attribution.attribute(chosen, name, judged=judged[name], **asked) for name in chosen.networks}

# %% [markdown]
# ## Cases by rule
#
# Two cases of each cell of the 2 x 2 table are shown, those whose risk is nearest to the median of their cell.
# The last column is the control: the same network with its weights drawn anew.
# A network that takes frames as channels mixes them in its first layer and has one map for all of them; one that takes them as time has a map for each.
# Of a network that takes them as time the frame with most calcification is drawn, and its clips play above the figure.
# A map is empty where nothing in the image speaks for the positive class; it says so and is not measured.

# %% tags=["remove-output"]
first, last = next(iter(chosen.networks)), next(reversed(chosen.networks))
for slot, name in zip(("first", "last"), dict.fromkeys((first, last))):
    gallery.write_heat_maps(page, f"fig-maps-{slot}", made[name], float(frozen[name]), methods=attribution.METHODS)
page.numbers(first=first, last=last)
page.numbers(first_structure=made[first].structure, last_structure=made[last].structure)

# %% [markdown]
# :::{result-figure} fig-maps-first
# :alt: Rows of cases from the four cells of the two-by-two table, each as image, heat map of the network, and heat map with random weights.
#
# **Where is {glue:text}`first` sensitive?** Grad-CAM for the positive class; {glue:text}`first_structure` outlined, each map scaled within its case.
# :::
#
# :::{result-figure} fig-maps-last
# :optional:
# :alt: Rows of cases from the four cells of the two-by-two table, each as image, heat map of the network, and heat map with random weights.
#
# **Where is {glue:text}`last` sensitive?** Grad-CAM for the positive class; {glue:text}`last_structure` outlined, each map scaled within its case.
# :::

# %% [markdown]
# ## Class by class
#
# A network with several classes has a map for each of them: what speaks for one class in an image may speak against another.

# %% tags=["remove-output"]
rows = raw[(raw["model"] == first) & (raw["split"] == settings.judged)]
several = attribution_classes.by_class(chosen, first, judged=rows, **asked)
data, how = attribution_classes.frame(several), attribution_classes.METHODS
page.figure_if("fig-maps-classes", gallery.class_maps(several), data=data, methods=how)

# %% [markdown]
# :::{result-figure} fig-maps-classes
# :optional:
# :alt: Rows of cases, two of each class, each as image and as one heat map for every class.
#
# **What speaks for each class?** Grad-CAM of {glue:text}`first` for every class in the same image, two cases of each class by rule; the lesion is outlined, each map scaled within itself.
# :::

# %% [markdown]
# ## Every case
#
# Few cases can be printed; {numref}`fig-attention` holds the judged ones that have a mask, all of them unless they are too many for a page, so that nobody need trust the choice.
# It says how many of how many it holds; where it cannot hold all, the worst are kept, and of the others a sample that no risk chose.

# %% tags=["remove-output"]
centers = cohort.read(study, study=settings).set_index("case_id")["center"]
page.view("fig-attention", attention.build(made, frozen, centers, methods=attribution.METHODS))

# %% [markdown]
# :::{result-view} fig-attention
# :alt: One case as the network saw it, and the same with a heat map over it, the structure outlined.
#
# **Does it look there in other cases?** Filter by cell of the 2 × 2 table, centre and size; compare the map with that of a finer layer and of random weights.
# :::
#
# ## Over all cases
#
# The share of the attribution inside the lesion, or inside the calcifications of a clip, means little by itself: a map without any preference has the share of the area.
# {numref}`tab-energy` therefore gives both, for the network and for the control, and the difference between the two in the same cases.

# %% tags=["remove-output"]
energies = pd.concat([one.energy() for one in made.values()], ignore_index=True)
summary = heat_energy.summarise(energies)
how = f"{attribution.METHODS} {heat_energy.METHODS}"
page.figure("fig-energy", heat_energy.plot(energies), data=energies, methods=attribution.METHODS)
printed = models.printed(summary, {"share": "Share of attribution"}, digits=2)
columns = ["model", "structure", "network", "zone", "cases", "n", "Share of attribution", "area"]
looks = {"formats": {"area": "{:.3f}"}, "headers": {"n": "With a map", "area": "Share of area"}}
page.table("tab-energy", printed, columns=columns, methods=how, **looks)

# %% [markdown]
# :::{result-figure} fig-energy
# :alt: For each network, one dot a case: share of attribution inside the structure against the share of its area, with the control.
#
# **Is the structure more than its area?** One mark a judged case; above the diagonal the map prefers the structure.
# :::
#
# :::{result-table} tab-energy
# **How much lies where?** Mean share of the attribution (95 % interval by patient) inside the structure, within 2 mm of it and elsewhere.
# :::

# %% [markdown]
# ## Does the map depend on what was learned?
#
# A map that stays the same when the weights are drawn anew shows edges, not the network.

# %% tags=["remove-output"]
both = pd.concat([one.similarity() for one in made.values()])
each = both.groupby("model", sort=False)
alike = each[["rank_correlation", "ssim"]].median().assign(n=each["ssim"].count()).reset_index()
looks = {"formats": {"rank_correlation": "{:.2f}", "ssim": "{:.2f}"}, "headers": {"ssim": "SSIM"}}
columns = ["model", "n", "rank_correlation", "ssim"]
page.table("tab-control", alike, columns=columns, methods=attribution.METHODS, **looks)

# %% tags=["remove-output"]
frames = attribution.occlusion(chosen, judged=judged, **asked)
printed = None if frames is None else models.printed(frames, {"effect": "Effect (logits)"}, digits=2)
page.table_if("tab-frames", printed, columns=["model", "frame", "Effect (logits)"], methods=attribution.OCCLUSION)
page.numbers(answer=heat_energy.sentence(summary))

# %% [markdown]
# :::{result-table} tab-control
# **Are the maps the network's own?** Median similarity of the maps before and after the weights are drawn anew, over the cases where both have attribution; 1 is identical.
# :::
#
# :::{result-table} tab-frames
# :optional:
# **Which frame counts?** Effect of hiding each frame of the networks that see several.
# :::
