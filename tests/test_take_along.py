"""Files for a manuscript: LaTeX that prints the data as they are, TIFF at real resolution; and captions that say."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import browser
from helpers.book import citation, findings, icons, latex, mend, report
from helpers.book.figures import write_figure
from helpers.stats.discrimination import roc

TRICKS = [
    "50 % & more",
    r"\input{/etc/passwd}",
    "a_b^c~d",
    "{}$#",
    "[x] |<y>|",
    'a "b"',
    "−0.1 ± 2 × 3 ≤ 4",
    "a\nb\x00",
]


def unescaped(text: str) -> str:
    """What LaTeX would print, by the slow way: undo each replacement, longest first."""
    for letter, written in sorted(latex._ESCAPES.items(), key=lambda pair: -len(pair[1])):
        text = text.replace(written, f"\x01{ord(letter)}\x02")
    return re.sub("\x01(\\d+)\x02", lambda match: chr(int(match[1])), text)


@pytest.mark.parametrize("text", TRICKS)
def test_latex_prints_what_the_data_say(text: str) -> None:
    written = latex.escaped(text)
    assert unescaped(written) == " ".join(text.split()).replace("\x00", "")
    assert not re.search(r"(?<!\\)[%&#_$^~]", re.sub(r"\\[%&#_$^~]", "", written)), "nothing special is left bare"
    assert r"\input" not in written


def test_a_latex_table_has_three_rules_and_every_row() -> None:
    frame = pd.DataFrame({"Model": ["a & b", "c"], "AUC": ["0.81", "0.70"]})
    text = latex.latex_table(frame, [False, True], name="tab-performance", notes=["Note: 5 %."])
    assert r"\begin{tabular}{lr}" in text
    assert (
        text.index(r"\toprule") < text.index("Model & AUC") < text.index(r"\midrule") < text.index(r"a \& b & 0.81 \\")
    )
    assert text.index(r"c & 0.70 \\") < text.index(r"\bottomrule") < text.index(r"Note: 5 \%.")
    assert r"\label{tab:performance}" in text
    assert text.count(r"\begin{") == text.count(r"\end{")
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")


def test_long_tables_break_and_long_cells_wrap() -> None:
    frame = pd.DataFrame({"Item": ["word " * 20] * 60, "n": ["1"] * 60})
    text = latex.latex_table(frame, [False, True], name="tab-a")
    assert r"\begin{longtable}" in text and r"\endhead" in text
    assert re.search(r"p\{0\.\d+\\linewidth\}r\}", text)


def test_a_table_comes_with_latex(tmp_path: Path) -> None:
    report.page(tmp_path, simulated=True).table("tab-a", browser.frame(), finding="Said.")
    text = (tmp_path / "tables/tab-a.tex").read_text(encoding="utf-8")
    assert r"\textless{}script\textgreater{}" in text
    assert "Simulated data" in text


def test_tiffs_are_drawn_at_their_resolution(tmp_path: Path) -> None:
    write_figure(tmp_path, "fig-a", browser.figure(), simulated=True)
    files = [tmp_path / f"fig-a-{resolution}dpi.tiff" for resolution in (300, 600)]
    points = [
        float(size) for size in re.findall(r'(?:width|height)="([\d.]+)pt"', (tmp_path / "fig-a.svg").read_text())
    ]
    arrays = {}
    for path, resolution in zip(files, (300, 600)):
        with Image.open(path) as image:
            assert image.info["compression"] == "tiff_lzw" and image.mode == "RGB"
            assert image.info["dpi"] == (resolution, resolution)
            assert "Simulated data" in image.tag_v2[270]
            assert np.allclose(image.size, np.array(points[:2]) / 72 * resolution, atol=2)
            arrays[resolution] = np.asarray(image.convert("L"), dtype=float)
    with Image.open(tmp_path / "fig-a.png") as image:
        assert np.array_equal(np.asarray(image.convert("L"), dtype=float), arrays[300])
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1) and "Simulated data" in image.text["Description"]
    enlarged = arrays[300].repeat(2, axis=0).repeat(2, axis=1)
    rows, columns = (min(pair) for pair in zip(enlarged.shape, arrays[600].shape))
    assert not np.array_equal(enlarged[:rows, :columns], arrays[600][:rows, :columns]), "drawn at 600, not enlarged"


def test_posters_and_photographs_have_the_coarser_tiff_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib.pyplot as plt

    write_figure(tmp_path, "fig-a", browser.figure())
    assert len(list(tmp_path.glob("*.tiff"))) == 2
    _, axes = plt.subplots()
    axes.imshow(np.zeros((128, 128)))
    write_figure(tmp_path, "fig-a", axes)
    assert [path.name for path in tmp_path.glob("*.tiff")] == ["fig-a-300dpi.tiff"], "the finer one of before is gone"
    monkeypatch.setattr("helpers.book.figures.MOST_PIXELS", 1e3)
    write_figure(tmp_path, "fig-b", browser.figure())
    assert [path.name for path in tmp_path.glob("fig-b*.tiff")] == ["fig-b-300dpi.tiff"]


def test_the_same_figure_gives_the_same_bytes_and_keeps_its_layout(tmp_path: Path) -> None:
    import matplotlib.pyplot as plt

    def drawn(folder: str) -> dict[str, bytes]:
        figure, axes = plt.subplots(figsize=(5.03, 3.977), layout="constrained")
        figure.colorbar(axes.imshow(np.eye(3)), ax=axes)
        engine = figure.get_layout_engine()
        write_figure(tmp_path / folder, "fig-a", figure)
        assert figure.get_layout_engine() is engine
        return {path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()}

    assert drawn("one") == drawn("two")


@pytest.mark.parametrize("seed", range(5))
def test_a_figure_of_any_size_has_its_pixels(tmp_path: Path, seed: int) -> None:
    from matplotlib.figure import Figure

    size = np.random.default_rng(seed).uniform(0.5, 3, 2)
    figure = Figure(figsize=size)
    figure.text(-0.1, 1.05, "left of it")
    write_figure(tmp_path, "fig-a", figure)
    with Image.open(tmp_path / "fig-a-600dpi.tiff") as image:
        grey = np.asarray(image.convert("L"))
    assert (grey[:, 0] == 255).all() and (grey < 255).any(), "rows are not sheared"


def test_a_figure_says_what_it_shows(tmp_path: Path) -> None:
    import json

    data = pd.DataFrame({"epoch": [1, 2], "train_loss": [0.7, 0.6], "tune_loss": [0.69, 0.71]})
    page = report.page(tmp_path)
    page.figure("fig-learning", browser.figure(), data=data)
    page.figure("fig-choice", browser.figure(), finding="Given.")
    about = [json.loads((tmp_path / f"figures/{name}.json").read_text()) for name in ("fig-learning", "fig-choice")]
    assert "finding" not in about[0]
    said = findings.of_file("fig-learning", tmp_path / "figures/fig-learning.csv")
    assert said.startswith("On the tuning patients the loss is lowest after epoch 1 of 2 (0.690)")
    assert findings.of_file("fig-unknown", tmp_path / "absent.csv") == ""
    assert about[1]["finding"] == "Given."


def test_findings_name_estimates_with_their_intervals() -> None:
    label, risk = np.array([0, 0, 1, 1] * 10), np.linspace(0, 1, 40)
    curve = roc(label, risk, name="a")
    said = findings.roc([curve], "Test")
    low, high = curve.auc.low, curve.auc.high
    assert said == f"AUC in the split “Test”, highest first: a {curve.auc.value:.2f} (95 % CI {low:.2f} to {high:.2f})."
    columns = {"split": "Test", "model": "a", "measure": "auc", "low": 0.5, "high": 0.9, "n": 30}
    rows = [
        ("all", "all", 0.7, True),
        ("Sex", "male", 0.6, True),
        ("Sex", "female", 0.8, True),
        ("Age", "old", None, False),
    ]
    frame = pd.DataFrame([{**columns, "variable": v, "level": x, "value": y, "estimated": e} for v, x, y, e in rows])
    assert findings.of("fig-subgroups-auc", frame) == (
        "AUC of a goes from 0.60 (95 % CI 0.50 to 0.90) (Sex: male, n = 30) to 0.80 (95 % CI 0.50 to 0.90) "
        "(Sex: female, n = 30) over subgroups; 1 of 3 subgroups is too small to say."
    )
    frame["estimated"] = False
    assert findings.of("fig-subgroups-auc", frame) == "No subgroup is large enough for an AUC of its own."


def test_findings_name_the_best_models_first_and_count_those_they_leave_out() -> None:
    at = {"a": (0.5, 0.6), "b": (0.6, 0.6), "c": (0.7, 0.6), "clinical": (0.9, 0.8)}
    rows = [
        {"split": "Test", "model": model, "measure": measure, "value": value, "low": value - 0.1, "high": value + 0.1}
        for model, both in at.items()
        for measure, value in zip(("sensitivity", "specificity"), both)
    ]
    said = findings.of("fig-measures", pd.DataFrame(rows))
    assert said.startswith(
        "Test, at the frozen threshold, highest balanced accuracy first: clinical: sensitivity 0.90 (95 % CI 0.80 to "
        "1.00), specificity 0.80 (95 % CI 0.70 to 0.90); c: sensitivity 0.70"
    )
    assert said.endswith("; 1 more model in the figure.") and "; a:" not in said
    moved = pd.DataFrame(rows).assign(prevalence=0.25, own=True)
    moved["measure"] = moved["measure"].map({"sensitivity": "ppv", "specificity": "npv"})
    said = findings.of("fig-prevalence", moved)
    assert said.startswith("Test, at this study's prevalence of 25%, taken as known: clinical: PPV 0.90 (95 % CI")
    assert said.endswith("; 1 more model in the figure.")


def test_findings_on_readers_use_the_row_of_all_readers() -> None:
    row = {"reader": "r", "became_right": 1, "became_wrong": 2, "kept_wrong": 3, "kept_right": 4}
    row |= {"became_right_share": 0.25, "became_right_low": 0.1, "became_right_high": 0.5}
    row |= {"became_wrong_share": 1 / 3, "became_wrong_low": 0.1, "became_wrong_high": 0.6}
    row |= {"first_way": "on film", "second_way": "on screen"}
    said = findings.of("fig-reader-minds", pd.DataFrame([row, {**row, "reader": "all readers"}]))
    assert said == (
        "Over all readers, of the 4 calls that were wrong on film, 25% (95 % CI 10% to 50%) were right on screen; of the 6 "
        "that were right, 33% (95 % CI 10% to 60%) were wrong."
    )


def test_findings_of_classes_outlines_and_printed_shares() -> None:
    confusion = [("m", "by patient", "a", "a", 3), ("m", "by patient", "a", "b", 1), ("m", "by patient", "b", "b", 2)]
    frame = pd.DataFrame(confusion, columns=["model", "unit", "truth", "named", "count"])
    assert findings.of("fig-class-confusion", frame) == "m names 5 of 6 patients right and calls 1 of 4 a ones b."
    assert findings.of("fig-class-confusion", frame[frame["truth"] == frame["named"]]).endswith(
        "5 of 5 patients right."
    )
    outlines = pd.DataFrame({"network": "n", "dice": [0.0, 0.5, 1.0], "kind": ["too much", "fits", "fits"]})
    assert findings.of("fig-dice", outlines) == "Median Dice of 3 nodes: n 0.50 (middle half 0.25 to 0.75)."
    assert findings.of("fig-failures", outlines) == "2 of 3 outlines of n fit, the commonest fault is “too much” (1)."
    folds = pd.DataFrame({"fold": [1, 1], "epoch": [1, 2], "tune_loss": [0.7, 0.6], "tune_auc": [np.nan] * 2})
    assert findings.of("fig-folds", folds) == ""
    folds["tune_dice"] = [0.4, 0.6]
    assert findings.of("fig-folds", folds) == "Where its loss is lowest, a held-out fold gives: mean Dice 0.60."
    shares = pd.DataFrame({"name": ["x", "x", "y"], "fits": [False, True, False]})
    assert findings.of("fig-shares", shares) == "Printed shares that no count of patients gives: y (1 of 2)."


def test_a_choice_on_the_test_patients_is_never_named() -> None:
    rows = [
        ("a", "x", 0, "tune", 0.8),
        ("a", "x", 0, "test", 0.6),
        ("a", "y", 0, "tune", 0.7),
        ("a", "y", 0, "test", 0.9),
    ]
    frame = pd.DataFrame(rows, columns=["model", "architecture", "seed", "split", "auc"])
    said = findings.of("fig-choice", frame)
    assert said == (
        "Over 2 runs the AUC goes from 0.70 to 0.80 on the tuning patients, who choose, and from 0.60 to 0.90 on the "
        "test patients, who do not."
    )


def test_citation_needs_its_parts() -> None:
    with pytest.raises(ValueError, match="lacks version, date-released, authors"):
        citation.box(b"title: A")
    text = b"title: <b>A</b>\nversion: 1\ndate-released: 2026-01-02\nauthors: [{family-names: Ott, given-names: Eva}]\n"
    box = citation.box(text)
    assert r"Ott, Eva (2026). *\<b\>A\</b\>* (version 1)." in box
    assert "author = {{Ott, Eva}}" in box


def test_mending_twice_changes_nothing() -> None:
    page = (
        '<div class="pst-scrollable-table-container"><summary><span class="toctree-toggle" role="x"></span></summary>'
    )
    once = mend.mended(page)
    assert 'tabindex="0"' in once and "aria-label" in once
    assert mend.mended(once) == once


def test_a_picture_that_loads_late_says_how_large_it_is(tmp_path: Path) -> None:
    drawing = '<?xml version="1.0"?>\n<svg xmlns:x="y" width="720pt" height="360.75pt" viewBox="0 0 720 360.75">'
    (tmp_path / "a b.svg").write_text(drawing, encoding="utf-8")
    Image.new("RGB", (30, 20)).save(tmp_path / "c.webp")
    (tmp_path / "pages").mkdir()
    page = '<img alt="A" loading="lazy" src="../a%20b.svg" /><img loading="lazy" src="../c.webp"><img src="../c.webp">'
    once = mend.sized(page, tmp_path / "pages")
    assert once == (
        '<img width="960" height="481" alt="A" loading="lazy" src="../a%20b.svg" />'
        '<img width="30" height="20" loading="lazy" src="../c.webp"><img src="../c.webp">'
    )
    assert mend.sized(once, tmp_path / "pages") == once
    away = '<img loading="lazy" src="../none.svg"><img loading="lazy" src="data:image/png;base64,AA==">'
    assert mend.sized(away, tmp_path / "pages") == away
    (tmp_path / "d.svg").write_text("<svg>", encoding="utf-8")
    with pytest.raises(ValueError, match=r"d\.svg: the drawing does not say its width"):
        mend.sized('<img loading="lazy" src="d.svg">', tmp_path)


def test_only_the_search_page_reads_the_index() -> None:
    scripts = "".join(
        f'\n    <script src="../{name}.js"></script>'
        for name in ("_static/searchtools", "_static/language_data", "searchindex")
    )
    page = f'<meta name="docsearch:version" content="" />\n{scripts}\n  </head>'
    assert mend.mended(page) == '<meta name="docsearch:version" content="" />\n  </head>'
    own = f'<meta name="docsearch:version" content="" />\n  <script>x</script>{scripts}'
    assert mend.mended(own) == own


def test_icons_are_drawn_and_the_collection_is_left_out(tmp_path: Path) -> None:
    collection = tmp_path / icons.COLLECTION
    collection.parent.mkdir(parents=True)
    collection.write_text(
        '{sun:[9,9,[],"f1","M9"],"sun":[512,512,[9728],"f185","M1 2"],bars:[448,512,["navicon"],"f0","M3"]}'
    )
    styles = tmp_path / "_static/styles" / icons.STYLES
    styles.parent.mkdir()
    styles.write_text('.a{color:red}.fa-sun:before{content:"\\f185"}.fa-gone:before,.fa-x:before{content:"\\f0"}')
    (collection.parent / icons.SCRIPTS).write_text('"<i class=fa-x>"')
    page = tmp_path / "a.html"
    icon = '<i class="theme-switch fa-solid fa-sun   fa-lg" data-mode="light" title="Light"></i>'
    page.write_text(
        f'<script defer src="_static/scripts/fontawesome.js?digest=5"></script>{icon}<i class="fas fa-navicon"></i>'
    )
    icons.draw(tmp_path, [page])
    text = page.read_text()
    assert "fontawesome" not in text and "<i" not in text
    assert 'viewBox="0 0 512 512"><path fill="currentColor" d="M1 2"' in text, "the solid one, which comes last"
    assert 'd="M3"' in text and 'data-mode="light"' in text
    assert not collection.exists()
    assert styles.read_text() == '.a{color:red}.fa-gone:before,.fa-x:before{content:"\\f0"}'
    with pytest.raises(KeyError, match="no icon 'gone'"):
        icons.drawn('<i class="fa-solid fa-gone"></i>', "{}")
