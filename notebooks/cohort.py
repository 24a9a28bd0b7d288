# %% [markdown]
# (cohort)=
# # Who is in the study?
#
# Reads `cohort.csv` · writes {numref}`fig-flow`, {numref}`tab-one` and the split check · seconds, no GPU
#
# :::{admonition} In short
# :class: in-short
# {glue:text}`who`, of which {glue:text}`n_events` ({glue:text}`percent_events:.0f` %) are positive for {glue:text}`outcome`.
# No patient is in two splits.
# {glue:text}`size_sentence`
# {glue:text}`limits`
# :::

# %% tags=["parameters"]
study = "data/olnm"  # folder of the study
results = "results/olnm"  # folder of its results

# %% tags=["hide-input"]
from helpers.book import about, report
from helpers.data import cohort, crosstab, table_view
from helpers.data.flow import SPLIT_NAMES
from helpers.data.study import read as read_study
from helpers.stats import study_size

# %% [markdown]
# The table is checked as it is read: a patient in two splits, an unknown level or a missing column would stop the run here.

# %% tags=["hide-input"]
settings = read_study(study)
page = report.page(f"{results}/cohort", simulated=settings.simulated, study=settings.name)
cases = cohort.read(study, study=settings)
units = cohort.answering(cases, settings)  # patients where they vote, else cases
splits = cohort.manifest(cohort.against_rest(cases, settings))
page.card(settings.title, **about.card(settings))

# %% [markdown]
# Whether the study is large enough is asked first, because the answer colours everything after it.

# %% tags=["hide-input"]
binary = cohort.against_rest(units, settings)
size = study_size.assess(binary, predictors=settings.predictors, judged=settings.judged, unit=settings.unit)
page.banner("Pilot study", size.banner)

# %% [markdown]
# ## From all patients to those analysed
#
# Every patient who was left out is in the figure with a reason; the numbers of each box are checked against the next.

# %% tags=["remove-output"]
flow = cohort.flow(cohort.flow_steps(study, settings), **cohort.ends(cases, settings))
page.figure("fig-flow", flow.plot(), data=flow.frame(), methods=flow.methods, n=cases["patient_id"].nunique())

# %% [markdown]
# :::{result-figure} fig-flow
# :alt: Boxes from all patients through exclusions to the splits, with the number of patients and events in each.
#
# **Who was analysed?** Flow of the participants, with the number of patients and events in every split.
# :::

# %% [markdown]
# ## What the groups look like
#
# {numref}`tab-one` describes each group; the standardised mean difference (SMD) says how far apart two groups are whatever their size.
# Training and tuning patients are one column group here, as they are one source.
# P values are given because journals ask for them; none of them chose a predictor, and there are none where a patient has several rows, which no common test allows.

# %% tags=["remove-output"]
groups = cohort.groups(units)
columns = [c.model_dump() for c in settings.covariates]
names = settings.outcome.names
tests = "none" if units["patient_id"].duplicated().any() else "standard"
table = cohort.table_one(
    units.assign(split=groups), "label", columns=columns, tests=tests, levels=names, within="split"
)
page.table("tab-one", table_view.render(table), methods=table_view.methods(table))
page.numbers(counted="patients" if settings.voting else f"{settings.unit}s")

# %% [markdown]
# :::{result-table} tab-one
# **How do the groups differ?** Characteristics by outcome in each split: mean ± SD, or n (%); n counts {glue:text}`counted`.
# :::

# %% tags=["remove-output"]
if settings.crosstab is not None:
    pair = [next(c for c in settings.covariates if c.name == name) for name in settings.crosstab]
    together = crosstab.crosstab(cases, pair, names=names)
    page.table("tab-together", together, methods=f"Counted in {settings.unit}s, of all splits.")

# %% [markdown]
# :::{result-table} tab-together
# :optional:
# **Which combinations occur?** Cases by two characteristics and by outcome.
# :::

# %% [markdown]
# ## What is missing
#
# A missing value is never a level of its own in the tables; {numref}`tab-missing` counts them.

# %% tags=["remove-output"]
known = cases[[c.name for c in settings.covariates]].notna()
missing = (~known).sum().rename_axis("covariate").reset_index(name="missing")
missing["percent"] = 100 * missing["missing"] / len(cases)
complete = known.all(axis=1).sum()
shown = {"percent": "{:.1f}", "covariate": {c.name: c.label for c in settings.covariates}.get}
page.table("tab-missing", missing, formats=shown, methods=f"{complete} of {len(cases)} {settings.unit}s are complete.")

# %% [markdown]
# :::{result-table} tab-missing
# **What is missing?** Rows of the cohort table without a value, by covariate.
# :::

# %% [markdown]
# ## Are the splits apart?
#
# Splits are by patient; the fingerprint of the sorted case numbers lets anyone with the table show that a split is this one.

# %% tags=["remove-output"]
splits["sha256"] = splits["sha256"].str[:16]
heads = {"sha256": "Fingerprint", "events": "Events (cases)"}
page.table("tab-splits", splits, headers=heads, formats={"split": SPLIT_NAMES.get})

# %% [markdown]
# :::{result-table} tab-splits
# **Which cases are where?** Patients, cases ({glue:text}`rows`), events among the cases and the fingerprint (first 16 digits of the SHA-256) of every split.
# :::

# %% [markdown]
# ## Is it enough?
#
# Riley's criteria say how many patients a model with this many candidate parameters needs, and how many a test set needs for useful intervals; {numref}`tab-size` sets them beside what is here.
# The regression is developed on the training patients alone, without those set aside for tuning; every model is validated in each judged group apart.
# The criteria count independent patients: one with several rows counts once, and has the outcome when any row has it.
# Where a group is too small, the box at the top of the page says what that means.

# %% tags=["remove-output"]
page.table("tab-size", size.frame(), methods=size.methods)

# %% [markdown]
# :::{result-table} tab-size
# **How many would be needed?** Patients, and patients with the outcome (events), available and needed, by group of patients and criterion.
# :::

# %% tags=["remove-output"]
events = int(cohort.against_rest(cases, settings)["label"].sum())
page.numbers(n_patients=cases["patient_id"].nunique(), n_cases=len(cases), n_events=events)
page.numbers(percent_events=100 * events / len(cases), outcome=settings.outcome.name, size_sentence=size.sentence)
page.numbers(limits=" ".join(settings.limitations))
rows = f"{settings.unit}s"
who = f"{cases['patient_id'].nunique():,} patients" + (f" with {len(cases):,} {rows}" if rows != "patients" else "")
page.numbers(rows=rows, who=who)
