"""What notebooks hand to the book: same input, same bytes; text from data is never run."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import browser
from helpers.book import figures, files, report, tables


def test_numbers_are_merged_and_plain(tmp_path: Path) -> None:
    page = report.page(tmp_path / "results" / "cohort")
    page.numbers(auc=np.float64(0.5), n=np.int64(3), ok=np.bool_(True), zero=np.array(2.0))
    page.numbers(n=4, name="Zürich", undefined=float("nan"), absent=None)
    text = (page.folder / "numbers.json").read_text(encoding="utf-8")
    assert "NaN" not in text
    expected = {"auc": 0.5, "n": 4, "ok": True, "zero": 2.0, "name": "Zürich", "undefined": None, "absent": None}
    assert report.read_numbers(page.folder) == expected


@pytest.mark.parametrize("value", [[1], np.array([1.0]), pd.Series([1]), {"a": 1}])
def test_numbers_refuse_what_is_no_number(tmp_path: Path, value: object) -> None:
    with pytest.raises(TypeError, match="auc must be one number or text"):
        report.page(tmp_path).numbers(auc=value)
    assert not (tmp_path / "numbers.json").exists()


def test_a_kept_number_reaches_the_notebook(tmp_path: Path) -> None:
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    shell = InteractiveShell.instance()
    try:
        with capture_output() as seen:
            report.page(tmp_path).numbers(auc=np.float64(0.8123))
    finally:
        InteractiveShell.clear_instance()
        del shell
    (output,) = seen.outputs
    assert output.data == {"application/papermill.record/text/plain": "0.8123"}
    assert output.metadata["scrapbook"]["name"] == "auc"


@pytest.mark.parametrize("simulated", [False, True])
def test_figure_files_are_the_same_twice(tmp_path: Path, simulated: bool) -> None:
    data = pd.DataFrame({"x": [0.1 + 0.2, 1.0]})
    for folder in ("a", "b"):
        page = report.page(tmp_path / folder, simulated=simulated)
        page.figure("fig-roc", browser.figure(), data=data, methods="How.", n=np.int64(2))
    names = sorted(path.name for path in (tmp_path / "a/figures").iterdir())
    assert names == [f"fig-roc{end}" for end in ("-300dpi.tiff", "-600dpi.tiff", ".csv", ".json", ".png", ".svg")]
    for name in names:
        assert (tmp_path / "a/figures" / name).read_bytes() == (tmp_path / "b/figures" / name).read_bytes()
    svg = (tmp_path / "a/figures/fig-roc.svg").read_text(encoding="utf-8")
    assert "<dc:date>" not in svg
    assert "<text" not in svg, "letters are outlines"
    assert ("Simulated data" in svg) is simulated
    assert (b"Simulated data" in (tmp_path / "a/figures/fig-roc.png").read_bytes()) is simulated
    about = json.loads((tmp_path / "a/figures/fig-roc.json").read_text(encoding="utf-8"))
    assert about == {"kind": "figure", "name": "fig-roc", "methods": "How.", "n": 2, "simulated": simulated}
    assert pd.read_csv(tmp_path / "a/figures/fig-roc.csv")["x"].tolist() == [0.1 + 0.2, 1.0]


def test_simulated_mark_is_drawn_once_and_below_the_figure(tmp_path: Path) -> None:
    drawn = browser.figure()
    for _ in range(2):
        figures.write_figure(tmp_path, "fig-a", drawn, simulated=True)
    (mark,) = drawn.texts
    assert mark.get_text() == "Simulated data"
    assert mark.get_window_extent().y1 <= 0, "it lies outside the figure's own area, over nothing that is drawn"


def test_figure_is_returned_and_leaves_only_itself_from_pyplot(tmp_path: Path) -> None:
    import matplotlib.pyplot as plt

    plt.close("all")  # examples of other modules, run in the same process, leave theirs open
    other, (drawn, axes) = plt.figure(), plt.subplots()
    try:
        assert report.page(tmp_path).figure("fig-a", axes) is drawn
        assert plt.get_fignums() == [other.number]
    finally:
        plt.close(other)


@pytest.mark.parametrize("name", ["roc", "fig-", "fig-Roc", "fig_roc", "fig-../x", "tab-roc"])
def test_figure_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="name must be 'fig-'"):
        report.page(tmp_path).figure(name, browser.figure())


def test_figure_refuses_other_objects(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="matplotlib Figure or Axes, not str"):
        report.page(tmp_path).figure("fig-a", "a.png")
    with pytest.raises(TypeError, match="data must be a DataFrame"):
        report.page(tmp_path).figure("fig-a", browser.figure(), data=[1])


def test_table_files_are_the_same_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("a", "b"):
        shown = report.page(tmp_path / folder, simulated=True).table("tab-a", browser.frame(), methods="How.")
        monkeypatch.setattr("time.time", lambda: 2e9)
    for path in (tmp_path / "a/tables").iterdir():
        assert path.read_bytes() == (tmp_path / "b/tables" / path.name).read_bytes(), path.name
    assert shown.iloc[:, 1].tolist() == ["0.812", "–", "0.700"]
    full = pd.read_csv(tmp_path / "a/tables/tab-a.csv")
    assert full["auc"].iloc[0] == 0.8123456


def test_spreadsheet_runs_no_text_from_data(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    evil = ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "a\x00b"]
    frame = pd.DataFrame({"level": evil, "=cmd": np.arange(6) - 2.5})
    report.page(tmp_path).table("tab-a", frame, headers={"level": "=HYPERLINK(1)"}, caption_note="=1", methods="=2")
    sheet = load_workbook(tmp_path / "tables/tab-a.xlsx").active
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f"]
    assert [sheet.cell(row, 1).value for row in range(1, 8)] == ["=HYPERLINK(1)", *evil[:5], "ab"]
    assert all(sheet.cell(row, 1).quotePrefix for row in range(1, 7))
    assert [sheet.cell(row, 2).value for row in range(2, 8)] == frame["=cmd"].tolist()
    assert {sheet.cell(row, 2).data_type for row in range(2, 8)} == {"n"}


def test_manuscript_table_reads_back(tmp_path: Path) -> None:
    from docx import Document

    report.page(tmp_path, simulated=True).table(
        "tab-a", browser.frame(), formats={"auc": "{:.1f}"}, headers={"auc": "AUC"}
    )
    document = Document(tmp_path / "tables/tab-a.docx")
    (table,) = document.tables
    texts = [[cell.text for cell in row.cells] for row in table.rows]
    assert texts[0] == ["Model", "AUC", f"centre {browser.EVIL}"]
    assert texts[1] == [browser.EVIL, "0.8", "1"]
    assert "Simulated data" in document.paragraphs[-1].text
    borders = table.rows[0].cells[0]._tc.xml
    assert borders.count('w:val="single"') == 2


def test_display_frame() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [True, False], "c": [pd.NA, "x"]}, index=pd.Index(["p", "q"], name="who"))
    shown = tables.display_frame(frame, columns=["who", "c", "b", "a"], formats={"a": lambda value: f"<{value}>"})
    assert shown.values.tolist() == [["p", "–", "yes", "<1>"], ["q", "x", "no", "<2>"]]
    for argument in ("columns", "formats", "headers"):
        with pytest.raises(ValueError, match=f"{argument} names columns that the table lacks: z"):
            tables.display_frame(frame, **{argument: ["z"] if argument == "columns" else {"z": "{}"}})


def test_a_printed_number_has_a_minus_sign_and_no_negative_zero() -> None:
    frame = pd.DataFrame({"a": [-0.5, -0.0001, 0.2], "b": [-3, 0, 2], "c": ["-a", "b", "c"]})
    shown = tables.display_frame(frame)
    assert shown.values.tolist() == [["−0.500", "−3", "-a"], ["0.000", "0", "b"], ["0.200", "2", "c"]]
    assert tables.display_frame(frame, formats={"a": "{:.0%}"})["A"].tolist() == ["−50%", "0%", "20%"]


def test_table_without_rows_and_bad_shapes(tmp_path: Path) -> None:
    shown = report.page(tmp_path).table("tab-a", pd.DataFrame({"a": pd.Series([], dtype=float)}))
    assert shown.empty
    assert len(list((tmp_path / "tables").iterdir())) == 6
    with pytest.raises(ValueError, match="several levels"):
        report.page(tmp_path).table("tab-a", pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])))
    with pytest.raises(ValueError, match="two columns of one name"):
        report.page(tmp_path).table("tab-a", pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(TypeError, match="frame must be a DataFrame"):
        report.page(tmp_path).table("tab-a", [1])


def test_card_escapes(tmp_path: Path) -> None:
    card = report.page(tmp_path).card(centre=browser.EVIL, n=3)
    assert "<script" not in card._repr_html_()
    assert "&lt;script&gt;" in card._repr_html_()
    assert "n: 3" in repr(card)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write_text(tmp_path / "a.txt", "old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        files.write_text(tmp_path / "a.txt", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "old"


def test_frozen_zip_has_no_clock() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("docProps/core.xml", '<dcterms:modified xsi:type="x">2026-01-01T00:00:00Z</dcterms:modified>')
    with zipfile.ZipFile(io.BytesIO(files.frozen_zip(stream.getvalue()))) as archive:
        assert b"2026" not in archive.read("docProps/core.xml")
        assert archive.infolist()[0].date_time[0] == 1980


def test_a_figure_is_drawn_once_for_its_layout_and_once_a_kind_of_file(tmp_path, monkeypatch):
    """With the engine at rest matplotlib would draw everything once more before each file."""
    from matplotlib.figure import Figure

    drawn, draw = [], Figure.draw
    monkeypatch.setattr(Figure, "draw", lambda self, renderer: (drawn.append(1), draw(self, renderer)))
    figure = Figure(layout="constrained")
    figure.subplots().plot([1, 2, 3])
    engine = figure.get_layout_engine()
    figures.write_figure(tmp_path, "fig-a", figure)
    assert len(drawn) == 3
    assert figure.get_layout_engine() is engine
