"""The book as a graph: one rule a notebook. `make book` runs it; so does plain `snakemake`.

    snakemake --config 'studies=["data/olnm"]' profile=full          one study at paper scale
    snakemake -n --executor slurm --jobs 20 --config gpu=1           the same graph, planned for a cluster
"""

import json
import os
from pathlib import Path

from helpers.book import graph
from helpers.book.dependencies import helpers_of

PROFILE = config.get("profile", "quick")
STUDIES = graph.studies(config.get("studies") or graph.DEFAULT_STUDIES, PROFILE)
for study in STUDIES.values():
    study.keep_own()  # before anything is planned: Snakemake removes what a rule is about to write
CHAPTERS = graph.chapters(STUDIES.values())
BOOK_PAGES = graph.book_pages(STUDIES.values())
GPU = int(config.get("gpu", graph.has_gpu()))
# Snakemake gives the linear algebra as many threads as the rule has; what shares its work does so by processes, and
# with two threads in each of two processes decoding took three times as long.
shell.prefix("export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1; ")
EXECUTE = "python -m helpers.book.warm helpers.book.execute {input.notebook} {params.page} {params.values:q} > {log} 2>&1"
TEXT = [p for p in graph.files("book")] + ["_config.yml", "CHANGELOG.md"]

wildcard_constraints:
    study="[A-Za-z][A-Za-z0-9_]*",
    input="[A-Za-z][A-Za-z0-9_]*",
    architecture="[A-Za-z0-9_]+(-cam)?(-plain)?",
    seed="[0-9]+",


def notebook(chapter):
    """The inputs every page has: its notebook and the helpers that it imports."""
    return {"notebook": f"notebooks/{chapter}.py", "helpers": helpers_of(f"notebooks/{chapter}.py")}


def of(wildcards):
    return STUDIES[wildcards.study]


def folder(name):
    return lambda wildcards: f"{of(wildcards).folder}/{name}"


def page(chapter):
    """The page's folder, its parameters as JSON, and the digest of the settings it may read."""
    return {
        "page": f"results/{{study}}/{chapter}",
        "values": lambda wildcards: json.dumps(of(wildcards).parameters(chapter)),
        "digest": lambda wildcards: of(wildcards).digest,
    }


localrules: all, book


rule all:
    input:
        "build/_build/html/index.html",


rule book:
    input:
        text=TEXT,
        helpers=helpers_of("src/helpers/book/site.py") + helpers_of("book/_ext/results.py") + ["src/helpers/book/site.py"],
        notebooks=[path for study in STUDIES.values() for path in study.notebooks()]
        + [f"results/book/{name}/notebook.ipynb" for name in BOOK_PAGES],
    output:
        "build/_build/html/index.html",
    params:
        studies=json.dumps([study.folder for study in STUDIES.values()]),
        settings=[study.digest for study in STUDIES.values()],
        absent=[study.absent for study in STUDIES.values()],
    log:
        "build/logs/book.log",
    message:
        "The book: pages from the executed notebooks"
    shell:
        "python -m helpers.book.warm helpers.book.site {PROFILE} {params.studies:q} > {log} 2>&1"


# ------------------------------------------------------------------------------ tables and arrays
for study in STUDIES.values():
    if study.generated and not study.absent:

        rule:
            name:
                f"{study.name}_cases"
            input:
                "src/helpers/data/cases.py",
                study.source_files(),
            output:
                study.generated,
            params:
                folder=study.folder,
                settings=study.source_digest,
            threads: 2
            priority: 30
            resources:
                mem_mb=4000,
                runtime=30,
            log:
                f"build/logs/{study.name}/cases.log",
            message:
                "{params.folder}: write the cases"
            shell:
                "python -m helpers.book.warm helpers.data.cases {params.folder:q} {PROFILE} > {log} 2>&1"


rule check:
    input:
        helpers=helpers_of("src/helpers/stats/checked.py") + ["src/helpers/stats/checked.py"],
        tables=lambda wildcards: of(wildcards).tables(),
    output:
        "results/{study}/splits.csv",
    params:
        folder=lambda wildcards: of(wildcards).folder,
        digest=lambda wildcards: of(wildcards).digest,
    priority: 30
    resources:
        mem_mb=2000,
        runtime=10,
    log:
        "build/logs/{study}/check.log",
    message:
        "{wildcards.study}: check the tables"
    shell:
        "python -m helpers.book.warm helpers.stats.checked {params.folder:q} {output} > {log} 2>&1"


rule arrays:
    input:
        helpers=helpers_of("src/helpers/data/arrays.py") + ["src/helpers/data/arrays.py"],
        splits="results/{study}/splits.csv",
    output:
        "results/{study}/arrays.json",
    params:
        folder=lambda wildcards: of(wildcards).folder,
        inputs=lambda wildcards: of(wildcards).inputs_digest,
        media=lambda wildcards: of(wildcards).media_digest,
    threads: 2
    priority: 30
    resources:
        mem_mb=4000,
        runtime=60,
    log:
        "build/logs/{study}/arrays.log",
    message:
        "{wildcards.study}: decode the media, once"
    shell:
        "python -m helpers.book.warm helpers.data.arrays {params.folder:q} {output} > {log} 2>&1"


# ------------------------------------------------------------------------------ chapters that write one notebook
RUNS = {"runs": lambda wildcards: of(wildcards).run_pages()}
PREDICTIONS = {"predictions": "results/{study}/predictions.csv"}
SPLITS = {"splits": "results/{study}/splits.csv"}
READS = {
    "assumptions": {"tables": lambda wildcards: of(wildcards).given()},
    "cohort": {**SPLITS, "flow": lambda wildcards: of(wildcards).beside("flow.json")},
    "inputs": {"arrays": "results/{study}/arrays.json"},
    "resampled": {"arrays": "results/{study}/arrays.json"},
    "classes": {**PREDICTIONS, "networks": lambda wildcards: of(wildcards).chosen()},
    "segmentation": {**SPLITS, **RUNS, "structures": lambda wildcards: of(wildcards).beside("structures.csv")},
    "reports": {**SPLITS, "reports": lambda wildcards: of(wildcards).given_reports()},
    "discrimination": PREDICTIONS,
    "compare": {**PREDICTIONS, "networks": "results/{study}/networks/notebook.ipynb"},
    "calibration": PREDICTIONS,
    "decision": PREDICTIONS,
    "subgroups": {**PREDICTIONS, **SPLITS},
    "readers": {"readings": folder("readings.csv"), "predictions": lambda wildcards: of(wildcards).predictions()},
    "class_readers": {"readings": folder("readings.csv"), **PREDICTIONS},
    "reporting": {"pages": lambda w: [p for p in of(w).notebooks() if "/reporting/" not in p]},
}
# a chapter that no study of this build has needs no rule: its notebook is not read, nor what it imports
for chapter in [name for name in READS if name in CHAPTERS]:

    rule:
        name:
            chapter
        input:
            **notebook(chapter),
            **READS[chapter],
        output:
            f"results/{{study}}/{chapter}/notebook.ipynb",
        params:
            **page(chapter),
        resources:
            mem_mb=4000,
            runtime=30,
        log:
            f"build/logs/{{study}}/{chapter}.log",
        message:
            f"{{wildcards.study}}: chapter {chapter}"
        shell:
            EXECUTE


# ------------------------------------------------------------------------------ chapters that hand something on
if "baseline" in CHAPTERS:

    rule baseline:
        input:
            **notebook("baseline"),
            splits="results/{study}/splits.csv",
        output:
            notebook="results/{study}/baseline/notebook.ipynb",
            predictions="results/{study}/baseline/predictions.csv",
        params:
            **page("baseline"),
        resources:
            mem_mb=2000,
            runtime=30,
        log:
            "build/logs/{study}/baseline.log",
        message:
            "{wildcards.study}: chapter baseline"
        shell:
            EXECUTE


if "train" in CHAPTERS:

    rule train:
        input:
            **notebook("train"),
            arrays="results/{study}/arrays.json",
        output:
            notebook="results/{study}/train/{input}-{architecture}-s{seed}/notebook.ipynb",
            predictions="results/{study}/train/{input}-{architecture}-s{seed}/predictions.csv",
            checkpoint="results/{study}/train/{input}-{architecture}-s{seed}/checkpoint.safetensors",
        params:
            page="results/{study}/train/{input}-{architecture}-s{seed}",
            values=lambda w: json.dumps(of(w).training(w.input, w.architecture, int(w.seed))),
        priority: 10
        resources:
            mem_mb=6000,
            runtime=240,
            gpu=GPU,
        log:
            "build/logs/{study}/train-{input}-{architecture}-s{seed}.log",
        message:
            "{wildcards.study}: train {wildcards.architecture} on {wildcards.input}, seed {wildcards.seed}"
        shell:
            EXECUTE


if "ynet" in CHAPTERS:

    rule ynet:
        input:
            **notebook("ynet"),
            arrays="results/{study}/arrays.json",
        output:
            notebook="results/{study}/train/{input}-{architecture}-s{seed}/notebook.ipynb",
            outlines="results/{study}/train/{input}-{architecture}-s{seed}/outlines.npz",
        params:
            page="results/{study}/train/{input}-{architecture}-s{seed}",
            values=lambda w: json.dumps(of(w).outlining(w.input, w.architecture, int(w.seed))),
        wildcard_constraints:
            architecture="ynet|ynet_classifier|monai_unet",
        priority: 20
        resources:
            mem_mb=6000,
            runtime=480,
            gpu=GPU,
        log:
            "build/logs/{study}/train-{input}-{architecture}-s{seed}.log",
        message:
            "{wildcards.study}: outline with {wildcards.architecture}, seed {wildcards.seed}"
        shell:
            EXECUTE

    if "train" in CHAPTERS:

        ruleorder: ynet > train


if "ways" in CHAPTERS:

    rule ways:
        input:
            **notebook("ways"),
            **RUNS,
            splits="results/{study}/splits.csv",
            reports=lambda wildcards: of(wildcards).given_reports(),
        output:
            notebook="results/{study}/ways/notebook.ipynb",
            predictions="results/{study}/ways/predictions.csv",
        params:
            **page("ways"),
        resources:
            mem_mb=3000,
            runtime=30,
        log:
            "build/logs/{study}/ways.log",
        message:
            "{wildcards.study}: chapter ways"
        shell:
            EXECUTE


if "fuse" in CHAPTERS:

    rule fuse:
        input:
            **notebook("fuse"),
            candidates=lambda wildcards: of(wildcards).candidates(),
        output:
            notebook="results/{study}/fuse/notebook.ipynb",
            predictions="results/{study}/fuse/predictions.csv",
        params:
            **page("fuse"),
        threads: 1 if GPU else 2
        priority: 8
        resources:
            mem_mb=6000,
            runtime=240,
            gpu=GPU,
        log:
            "build/logs/{study}/fuse.log",
        message:
            "{wildcards.study}: chapter fuse"
        shell:
            EXECUTE


if "networks" in CHAPTERS:

    rule networks:
        input:
            **notebook("networks"),
            candidates=lambda wildcards: of(wildcards).candidates(),
        output:
            notebook="results/{study}/networks/notebook.ipynb",
            predictions="results/{study}/networks/predictions.csv",
        params:
            **page("networks"),
        resources:
            mem_mb=3000,
            runtime=15,
        log:
            "build/logs/{study}/networks.log",
        message:
            "{wildcards.study}: chapter networks"
        shell:
            EXECUTE


rule predictions:
    input:
        helpers=helpers_of("src/helpers/stats/predictions.py") + ["src/helpers/stats/predictions.py"],
        parts=lambda wildcards: of(wildcards).parts(),
    output:
        "results/{study}/predictions.csv",
    params:
        parts=lambda wildcards: of(wildcards).collected(),
    log:
        "build/logs/{study}/predictions.log",
    message:
        "{wildcards.study}: put the predictions together"
    shell:
        "python -m helpers.book.warm helpers.stats.predictions {output} {params.parts:q} > {log} 2>&1"


if "explain" in CHAPTERS:

    rule explain:
        input:
            **notebook("explain"),
            predictions="results/{study}/predictions.csv",
            chosen=lambda wildcards: of(wildcards).chosen(),
        output:
            "results/{study}/explain/notebook.ipynb",
        params:
            **page("explain"),
        resources:
            mem_mb=6000,
            runtime=60,
            gpu=GPU,
        log:
            "build/logs/{study}/explain.log",
        message:
            "{wildcards.study}: chapter explain"
        shell:
            EXECUTE


# ------------------------------------------------------------------------------ pages of the book itself
for name in BOOK_PAGES:

    rule:
        name:
            f"book_{name.replace('/', '_')}"
        input:
            **notebook(graph.BOOK_PAGES[name].notebook),
            read=graph.files(graph.BOOK_PAGES[name].source),
        output:
            f"results/book/{name}/notebook.ipynb",
        params:
            page=f"results/book/{name}",
            values=json.dumps(graph.book_parameters(name, PROFILE)),
        threads: graph.BOOK_PAGES[name].workers
        resources:
            mem_mb=3000,
            runtime=120,
        log:
            f"build/logs/book/{name.replace('/', '_')}.log",
        message:
            f"The book: chapter {name}"
        shell:
            EXECUTE
