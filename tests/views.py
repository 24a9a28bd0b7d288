"""Small views of every kind for tests, with names that would be scripts if they were not escaped."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from PIL import Image

import browser
from helpers.book import looks, publish, report
from helpers.book.clips import write_clip
from helpers.book.views import attention, contrast, outlines, replay, threshold, view
from helpers.data.study import from_text
from helpers.learn.attribution import Attribution
from helpers.stats import models, reader_study
from helpers.stats.thresholds import declared_threshold

EVIL = browser.EVIL
SETTINGS = f"""
name: tiny
title: A tiny study
question: Does it run?
source: {{kind: own}}
outcome: {{name: cancer, positive: "malignant {EVIL}", negative: benign, reference_standard: histology}}
inputs:
  bmode: {{label: B-mode, kind: bmode, crop: {{side_mm: 20}}, size: 32}}
  ceus: {{label: CEUS, kind: ceus, crop: {{side_mm: 20}}, size: 32, every_seconds: 1.0, key_frames: 3}}
chapters: [discrimination]
"""
PAGES = {"threshold": "discrimination", "contrast": "inputs", "attention": "explain", "replay": "readers"}
PAGES |= {"outlines": "segmentation"}
NAMES = {"threshold": "fig-threshold", "contrast": "fig-contrast", "attention": "fig-attention", "replay": "fig-replay"}
NAMES |= {"outlines": "fig-browse"}


def settings() -> object:
    """The study of all views."""
    return from_text(SETTINGS)


def panel(n: int = 90) -> tuple[models.Panel, dict[str, object]]:
    """Two models on some cases, and their frozen thresholds."""
    generator = np.random.default_rng(2)
    label = (np.arange(n) % 3 == 0).astype(int)
    ids = np.array([f"P{i:03}" for i in range(n)], dtype=object)
    risks = {
        name: 1 / (1 + np.exp(-(1.2 * label - 1 + generator.normal(0, 1, n)))) for name in (f"video {EVIL}", "clinical")
    }
    frozen = {name: declared_threshold(0.2345 + 0.1 * i, model=name) for i, name in enumerate(risks)}
    return models.Panel("test", label, ids, ids, risks), frozen


def threshold_view() -> view.View:
    """Threshold explorer."""
    part, frozen = panel()
    return threshold.build(part, frozen, settings=settings(), names=list(part.risks))


def contrast_view(folder: Path) -> view.View:
    """Contrast scrubber of two cases, one clip shorter than the other."""
    study, rows = settings(), []
    cases = pd.DataFrame({"case_id": [f"C1{EVIL}", "C2"], "label": [0, 1], "center": ["A", "B"]})
    cases["patient_id"] = cases["case_id"]
    yy, xx = np.mgrid[:48, :64]
    mask = (yy - 24) ** 2 + (xx - 30) ** 2 < 64
    for number, (case, frames) in enumerate(zip(cases["case_id"], (12, 9))):
        time = np.arange(frames)
        grey = 20 + 150 * np.exp(-((time - 5) ** 2) / 8)
        film = np.full((frames, 48, 64), 20.0)
        film[:, mask] = grey[:, None]
        write_clip(
            folder / f"{number}.mp4", np.repeat(film[..., None], 3, axis=3).astype(np.uint8), frames_per_second=1
        )
        Image.fromarray(np.full((48, 64), 90, np.uint8)).save(folder / f"{number}.png")
        Image.fromarray(mask.astype(np.uint8) * 255).save(folder / f"{number}-mask.png")
        for kind, end in (("bmode", "png"), ("ceus", "mp4")):
            rows.append((case, kind, f"{number}.{end}", "22 16 38 32", 1 if kind == "bmode" else frames, 0, 1.0, 0.2))
    names = ["case_id", "kind", "path", "roi", "frames", "key_frame", "seconds_per_frame", "pixel_mm"]
    table = pd.DataFrame(rows, columns=names)
    table["mask"] = table["path"].str[0] + "-mask.png"
    table.to_csv(folder / "media.csv", index=False)
    own = table[table["kind"] == "ceus"].assign(height=48, width=64, frames="2 5 8")
    found = {"ceus": SimpleNamespace(index=own.reset_index(drop=True))}
    _, points, summary = looks.time_intensity(folder, found, cases, study)
    return contrast.build(folder, found, cases, study, points=points, summary=summary)


def attention_view() -> view.View:
    """Case browser for heat maps of two networks."""
    generator = np.random.default_rng(1)
    n, made = 8, {}
    masks = np.zeros((n, 24, 24), np.uint8)
    masks[:, 8:16, 8:16] = 1
    cases = pd.DataFrame({"case_id": [f"C{i}" for i in range(n)], "label": np.arange(n) % 2})
    for name in ("one", f"two {EVIL}"):
        images = generator.integers(0, 255, (n, 24, 24), dtype=np.uint8)
        maps, control, finer = generator.random((3, n, 24, 24))
        own = cases.assign(risk=generator.random(n))
        made[name] = Attribution(name, images, masks, maps, control, own, 1.5, "lesion", finer)
    centers = {f"C{i}": EVIL if i < 2 else "B" for i in range(n)}
    return attention.build(made, dict.fromkeys(made, 0.5), centers, methods="Grad-CAM.")


def reading() -> reader_study.ReaderStudy:
    """Three readers, of whom one left out a case."""
    generator = np.random.default_rng(4)
    rows = []
    for reader in (f"R1 {EVIL}", "R2", "R3"):
        for k in range(12):
            for modality, shift in (("unaided", 0.0), ("aided", 0.8)):
                rating = int(np.clip(round(2.5 + (1 + shift) * (k % 2 - 0.5) + generator.normal()), 1, 5))
                rows.append((reader, modality, f"C{k:02}", f"C{k:02}", k % 2, rating))
    frame = pd.DataFrame(rows, columns=["reader", "modality", "case_id", "patient_id", "label", "rating"])
    return reader_study.assemble(frame.drop(index=[40]).reset_index(drop=True), positive_from=3)


def outlines_view() -> view.View:
    """Segmentation browser of one network that misses a case."""
    n = 6
    images, masks = np.zeros((n, 20, 20), np.uint8), np.zeros((n, 20, 20), bool)
    masks[:, 5:12, 5:12] = True
    drawn = np.roll(masks, 2, axis=2)
    drawn[0] = False
    ids = np.array([f"C{i}" for i in range(n)], dtype=object)
    table = pd.DataFrame({"network": "net", "case_id": ids, "cell": ["missed", *["found"] * (n - 1)], "center": EVIL})
    table = table.assign(dice=[0.0, 0.7, 0.6, 0.8, 0.9, 0.5], hd95_mm=[np.nan, 1, 2, 1, 1, 3])
    return outlines.build(images, masks, {"net": drawn}, table, pixel_mm=np.full(n, 1.0), case_id=ids)


def every(folder: Path) -> dict[str, view.View]:
    """All five; `folder` receives the media of the contrast view."""
    return {
        "threshold": threshold_view(),
        "contrast": contrast_view(folder),
        "attention": attention_view(),
        "replay": replay.build(reading(), settings()),
        "outlines": outlines_view(),
    }


def results(folder: Path, made: dict[str, view.View], *, notebooks: bool = True) -> None:
    """Results of the study `olnm` with a page for each view."""
    from nbformat.v4 import new_markdown_cell

    for kind, one in made.items():
        page = report.page(folder / "olnm" / PAGES[kind], simulated=True, study="olnm")
        page.view(NAMES[kind], one)
        text = f"# What does {kind} show?\n\n:::{{result-view}} {NAMES[kind]}\n:alt: A view.\n\n**What is seen?**\n:::"
        if notebooks:
            browser.save(page.folder, [new_markdown_cell(text)])


def book(folder: Path, made: dict[str, view.View]) -> Path:
    """A published book with a page for each view; the folder of its study."""
    results(folder / "results", made)
    study = publish.BookStudy("olnm", "Study", simulated=True, pages=tuple(PAGES[kind] for kind in made))
    site = publish.stage(folder / "site", studies=[study], results=folder / "results", changelog=None)
    return publish.build(site, folder / "out").parent / "olnm"
