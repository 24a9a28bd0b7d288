"""Names, tables and results that somebody else wrote: they are shown as text, run nothing and lead nowhere."""

from __future__ import annotations

import csv
import json
import os
import re
import zipfile
from pathlib import Path
from types import SimpleNamespace

import jupytext
import numpy as np
import pandas as pd
import pytest

import browser
import views
from helpers.book import disclosure, figures, findings, front, gate, looks, pages, publish, report, widgets
from helpers.book.contents import BookStudy
from helpers.book.views import page as view_page
from helpers.book.views import view
from helpers.data import inferred, spreadsheet
from helpers.data import study as studies
from helpers.data.errors import StudyError
from helpers.data.media.files import resolve
from helpers.stats import calibration_plot, palette
from helpers.stats.calibration import calibration
from helpers.stats.decision import decision_curve
from helpers.stats.roc_curve import plot_rocs, roc

EVIL = browser.EVIL
LINK = '=HYPERLINK("http://x","open")'


# ------------------------------------------------------------------------------ text in pages
def test_settings_cannot_leave_their_box(tmp_path):
    fence = f"unaided\n```\n\n{EVIL}\n"
    settings = studies.from_text(views.SETTINGS.replace("A tiny study", "A study")).model_copy(update={"title": fence})
    shown = report.Verbatim(inferred.as_yaml(settings))
    html = shown._repr_html_()
    assert "<script" not in html and html.count("<pre") == html.count("</pre>") == 1
    assert "\n" not in html, "an empty line would end the block of HTML"
    assert "&lt;script&gt;" in html and repr(shown) == inferred.as_yaml(settings)


def test_no_notebook_makes_markdown_of_text_from_tables():
    for path in Path("notebooks").glob("*.py"):
        code = "\n".join(cell.source for cell in jupytext.read(path).cells if cell.cell_type == "code")
        assert not re.search(r"\b(Markdown|HTML|Latex|Javascript)\(", code), path
    for path in Path("src").rglob("*.py"):
        assert "_repr_markdown_" not in path.read_text(encoding="utf-8"), path


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("% of nodules called benign", r"\% of nodules called benign"),
        ("::: note", r"\::: note"),
        ("1. Does it?", r"1\. Does it?"),
        ("12) Does it?", r"12\) Does it?"),
        ("- a point", r"\- a point"),
        ("+ a point", r"\+ a point"),
        ("---", r"\---"),
        ("=== x", r"\=== x"),
        ("# x", r"\# x"),
        ("-0.5 to 0.81", "-0.5 to 0.81"),
        ("0.81 (95 % CI)", r"0.81 \(95 % CI\)"),
    ],
)
def test_a_text_begins_no_block(text, shown):
    assert pages.escaped(text) == shown
    from markdown_it import MarkdownIt

    html = MarkdownIt("commonmark").render(f"Before.\n\n{pages.escaped(text)}\n")
    assert html.startswith("<p>Before.</p>\n<p>") and html.count("<") == 4, html


def test_a_title_stays_within_its_role():
    assert (
        front._way(BookStudy("a", "x`</div>` {ref}`y", pages=("cohort",)), "real")
        == "Read from the first chapter: x/div refy"
    )


# ------------------------------------------------------------------------------ formulas in spreadsheets
def test_no_csv_of_a_page_holds_a_formula(tmp_path):
    frame = pd.DataFrame({"split": [LINK, "-0.5", "'@a"], "model": ["=1", "+b", "a"], "difference": [-0.5, 0.25, 1]})
    page = report.page(tmp_path / "a" / "cohort")
    page.table("tab-a", frame.rename(columns={"model": "=cmd"}))
    page.figure("fig-a", browser.figure(), data=frame)
    for file in ("tables/tab-a.csv", "figures/fig-a.csv"):
        with (page.folder / file).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
        assert [row[0] for row in rows[1:]] == ["'" + LINK, "-0.5", "''@a"]
        assert [row[2] for row in rows[1:]] == ["-0.5", "0.25", "1.0"]
        for cell in (cell for row in rows for cell in row):
            assert not cell.startswith(spreadsheet.FORMULA) or float(cell) < 0, cell
    assert list(spreadsheet.read_csv(page.folder / "tables/tab-a.csv").columns) == ["split", "=cmd", "difference"]
    pd.testing.assert_frame_equal(
        spreadsheet.read_csv(page.folder / "figures/fig-a.csv").astype({"split": object, "model": object}),
        frame.astype({"split": object, "model": object}),
    )
    with (page.folder / "tables/tab-a.display.csv").open(encoding="utf-8", newline="") as stream:
        assert next(iter(list(csv.reader(stream))[1:]))[0] == LINK, "the page shows what was written"


def test_who_reads_a_csv_sees_the_names_as_they_are(tmp_path):
    frame = pd.DataFrame({"split": ["Test", "Test"], "model": ["=a", "-b"], "n": [10, 10], "events": [4, 4]})
    frame = frame.assign(auc=[0.8, 0.7], auc_low=[0.7, 0.6], auc_high=[0.9, 0.8])
    page = report.page(tmp_path / "s" / "discrimination")
    page.table("tab-performance", frame)
    about = json.loads((page.folder / "tables/tab-performance.json").read_text(encoding="utf-8"))
    table = gate.read_table(page.folder / "tables/tab-performance", about, place="x")
    assert table.values["model"].tolist() == ["=a", "-b"]
    assert gate.audit_book(tmp_path, [BookStudy("s", "S", pages=("discrimination",))]).faults == ()
    chapter = front.Chapter("s/discrimination", "Q?", "")
    said, _ = front.headline(BookStudy("s", "S", pages=("discrimination",)), tmp_path, [chapter])
    assert "**=a**" in said.replace("\\", "") and "'=a" not in said


def test_a_finding_names_a_model_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setitem(findings.SENTENCES, "fig-a", lambda data: f"Best is {data['model'].iloc[0]}.")
    page = report.page(tmp_path)
    page.figure("fig-a", browser.figure(), data=pd.DataFrame({"model": [LINK], "auc": [0.8]}))
    assert findings.of_file("fig-a", page.folder / "figures/fig-a.csv") == f"Best is {LINK}."


# ------------------------------------------------------------------------------ names in figures
NAMES = (r"net $\foo$", "$500-$1000", "_v2", "plain")


def test_a_dollar_in_a_name_is_a_dollar(tmp_path):
    from matplotlib.figure import Figure

    drawn = Figure(layout="constrained")
    ax = drawn.subplots()
    for name in NAMES:
        ax.plot([1, 10], [1, 2], label=palette.label(name))
        ax.annotate(name, (1, 1))
    ax.set(title=NAMES[0], xlabel=NAMES[0], yticks=range(4), yticklabels=NAMES, xscale="log")
    legend = ax.legend(title=NAMES[0])
    other = drawn.add_subplot()
    other.bar(list(NAMES), 1)  # the names as categories
    figures.write_figure(tmp_path, "fig-a", drawn)
    assert [text.get_text().strip("\u200b") for text in legend.get_texts()] == list(NAMES)
    assert not any(text.get_parse_math() for text in [*legend.get_texts(), *ax.get_yticklabels(), ax.title, *ax.texts])
    assert not any(text.get_parse_math() for text in other.get_xticklabels())
    powers = [text for text in ax.get_xticklabels() if text.get_text()]
    assert powers and all(text.get_parse_math() for text in powers), "powers of ten stay formulas"


def test_ticks_between_powers_of_ten_stay_formulas(tmp_path):
    from matplotlib.figure import Figure

    drawn = Figure()
    ax = drawn.subplots()
    ax.plot([2, 7], [1, 2])
    ax.set(xscale="log")
    ax.xaxis.set_major_formatter("{x:g}")
    figures.write_figure(tmp_path, "fig-a", drawn)
    between = [text for text in ax.get_xticklabels(minor=True) if "$" in text.get_text()]
    assert between and all(text.get_parse_math() for text in between)


def test_models_may_be_called_what_they_like(tmp_path):
    generator = np.random.default_rng(3)
    label = np.arange(80) % 2
    risk = np.clip(0.5 + 0.2 * (label - 0.5) + generator.normal(0, 0.15, 80), 0.01, 0.99)
    many = dict.fromkeys(NAMES, risk)
    drawn = {
        "calibration": calibration_plot.draw(calibration(label, risk), name=NAMES[2]),
        "decision": decision_curve(label, many, thresholds=[0.2, 0.4, 0.6]).plot(),
        "roc": plot_rocs([roc(label, risk, name=name) for name in NAMES]),
    }
    for kind, ax in drawn.items():
        texts = " ".join(text.get_text() for text in ax.get_legend().get_texts())
        assert [name for name in NAMES if name in texts] == list(NAMES if kind != "calibration" else NAMES[2:3]), kind
    drawn["roc"].set_title(NAMES[0])
    figures.write_figure(tmp_path, "fig-roc", drawn["roc"])


# ------------------------------------------------------------------------------ views
HARM = {
    "a handler": ('<p class="x">', '<p class="x" onclick="alert(1)">'),
    "a picture that fetches": ("<p ", '<img src="x" onerror="alert(1)"><p '),
    "a script": ("<p ", "<script>alert(1)</script><p "),
    "a half tag": ("<p ", "<img src=x onerror=alert(1)//<p "),
    "an attribute from a slot": ("<p ", "<p {{a:b}} "),
    "a frame in a drawing": ("<svg ", "<foreignObject></foreignObject><svg "),
    "an address": ("<svg ", '<image href="http://x/y.png"></image><svg '),
    "a colour that fetches": ("<svg ", '<path fill="url(http://x)"></path><svg '),
    "a style": ("<svg ", '<p style="background:url(x)"></p><svg '),
    "an end too many": ("<svg ", "</div></div></div></div><svg "),
}


@pytest.fixture(scope="module")
def threshold(tmp_path_factory):
    """A view of ours, as text."""
    folder = tmp_path_factory.mktemp("view")
    view.write(views.threshold_view(), folder, "fig-a")
    return (folder / "fig-a.view.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("harm", HARM)
def test_a_scene_of_somebody_else_holds_shapes_and_text_only(tmp_path, threshold, harm):
    path = tmp_path / "fig-a.view.json"
    about = json.loads(threshold)
    old, new = HARM[harm]
    old = old if old in about["scene"] else "<p "
    about["scene"] = about["scene"].replace(old, new, 1)
    path.write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(StudyError, match=r"fig-a\.view\.json: not a whole view of this version: the scene"):
        view.read(tmp_path, "fig-a")


@pytest.mark.parametrize(
    "column",
    [
        ["status", "onclick", [], "alert(1)"],
        ["status", "href", [], "javascript:alert(1)"],
        ["status", "style", [], "background:url(http://x)"],
        ["roc_line", "fill", [], ["URL(http://x)"]],
    ],
)
def test_a_control_of_somebody_else_sets_no_other_attribute(tmp_path, threshold, column):
    path = tmp_path / "fig-a.view.json"
    about = json.loads(threshold)
    about["columns"].append(column)
    path.write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(StudyError, match="a control"):
        view.read(tmp_path, "fig-a")


def test_every_view_of_ours_is_allowed(tmp_path):
    for kind, one in views.every(tmp_path).items():
        view.write(one, tmp_path, f"fig-{kind}")
        again = view.read(tmp_path, f"fig-{kind}")
        places = {file: file for file in one.files}
        assert view_page.html(again, places, name="x") == view_page.html(one, places, name="x"), kind


# ------------------------------------------------------------------------------ links and file names
@pytest.mark.parametrize("place", ["figures/fig-a.csv", "notebook.ipynb", "more"])
def test_a_link_out_of_the_results_is_not_published(tmp_path, place):
    made = browser.results(tmp_path / "results")
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "id").write_text("secret", encoding="utf-8")
    path = tmp_path / "results" / "real" / "cohort" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.symlink(secret if place == "more" else secret / "id", path)
    with pytest.raises(StudyError, match=f"real/cohort/{place}: a link that leads out of the results"):
        publish.stage(tmp_path / "site", studies=made, results=tmp_path / "results", changelog=None)
    assert not (tmp_path / "site").exists()


def test_a_file_name_is_text_wherever_it_is_shown(tmp_path):
    name = f"{browser.PICTURE}.{browser.PICTURE}"
    with pytest.raises(StudyError, match=re.escape(repr(f"media/{name}"))):
        resolve(tmp_path, f"media/{name}")
    note = widgets._noted(lambda: resolve(tmp_path, f"media/{name}")).children[1].value
    assert "<img" not in note and "&lt;img" in note, "what is wrong with a file, in JupyterLab"
    index = pd.DataFrame({"case_id": ["1"], "path": [f"media/{name}"], "height": 8, "width": 8, "pixel_mm": 0.1})
    arrays = {"bmode": SimpleNamespace(index=index.assign(has_mask=True))}
    quality = looks.quality(arrays, pd.DataFrame({"case_id": ["1"]}))
    assert quality["format"].tolist() == [browser.PICTURE], "the page on inputs names the ending"
    page = report.page(tmp_path / "results")
    page.table("tab-quality", quality, methods=f"Read from media/{name}.")
    for part in ("tab-quality.docx", "tab-quality.xlsx"):
        with zipfile.ZipFile(tmp_path / "results" / "tables" / part) as file:
            assert not any(b"<img" in file.read(member) for member in file.namelist())
    assert "<img" not in page.card(file=name)._repr_html_()
    assert re.search(r"(?<!\\)<img", pages.escaped(name)) is None


# ------------------------------------------------------------------------------ the gate before publishing
HOME = "/" + "home/anna"
DICOM = {"PatientName": "MEYER^ANNA", "PatientID": "H-4711/88", "PatientBirthDate": "19560312"}


def clinic(folder: Path) -> Path:
    """A study folder with a DICOM file that still names its patient, and a cohort with a column of names."""
    import pydicom
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage, generate_uid

    (folder / "media").mkdir(parents=True)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, UltrasoundImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["a"])
    data = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    for tag, value in DICOM.items():
        setattr(data, tag, value)
    data.AccessionNumber, data.OperatorsName = "P0001", "Anonymous"
    pydicom.dcmwrite(folder / "media" / "a.dcm", data)
    (folder / "media" / "b.png").write_bytes(b"\x89PNG")
    (folder / "media.csv").write_text("case_id,path\n1,media/a.dcm\n2,media/b.png\n", encoding="utf-8")
    head = "patient_id,case_id,center,split,label,sex,scanner_name,date_of_birth\n"
    rows = "P0001,1,A,train,0,female,LOGIQ E9,01.02.1960\nP0002,2,B,test,1,male,A,1961-12-30\n"
    (folder / "cohort.csv").write_text(head + rows, encoding="utf-8")
    return folder


def test_what_would_name_a_patient_is_known_from_the_study(tmp_path):
    found = disclosure.identifiers(clinic(tmp_path), declared=frozenset({"sex", "scanner_name"}))
    assert found["meyer anna"] == found["anna meyer"] == "PatientName of media/a.dcm"
    assert found["h 4711 88"] == "PatientID of media/a.dcm"
    assert {"1956 03 12", "12 03 1956", "19560312"} <= set(found)
    assert found["01 02 1960"] == found["1961 12 30"] == "column date_of_birth of cohort.csv"
    assert not {"p0001", "female", "logiq e9", "anonymous"} & set(found), "pseudonyms and shown columns are no secret"
    assert disclosure.identifiers(tmp_path / "media") == {}


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("a.html", "<p>media/Meyer_Anna.avi</p>", "the PatientName of media/a.dcm"),
        ("b/tab.csv", 'x\n"MEYER, Anna"\n', "the PatientName of media/a.dcm"),
        ("a.ipynb", '"born 12.03.1956"', "the PatientBirthDate of media/a.dcm"),
        ("a.svg", "<svg>H-4711/88</svg>", "the PatientID of media/a.dcm"),
        ("a.svg", '<svg onload="alert(1)"></svg>', "a drawing that holds a script"),
        ("a.json", f'"{HOME}/study"', f"a path of a machine ({HOME})"),
        ("a.html", r"C:\Users\anna\study", r"a path of a machine (C:\Users\anna)"),
        ("a.dcm", "x", "a file of a kind that no page has"),
        ("a.xlsx", "not a zip", "a file that cannot be read"),
        ("a.png", "\0" * 128 + "DICM", "a DICOM file"),
        ("a.png", f"tEXtSource\0{HOME}/a.png\0", f"a path of a machine ({HOME})"),
    ],
)
def test_the_gate_names_the_file_and_what_is_wrong_and_no_patient(tmp_path, name, content, fault):
    private = disclosure.identifiers(clinic(tmp_path / "study"))
    path = tmp_path / "html" / name
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")
    (tmp_path / "html" / "fine.html").write_text("<a href='/olnm/x.html'>Meyer</a> Anna-Lena, 12/56", encoding="utf-8")
    found = disclosure.faults(tmp_path / "html", private)
    assert found == [f"{name}: {fault}"]


def test_spreadsheets_are_opened_and_links_refused(tmp_path):
    private = disclosure.identifiers(clinic(tmp_path / "study"))
    html = tmp_path / "html"
    report.page(html).table("tab-a", pd.DataFrame({"file": ["media/Anna Meyer.avi"]}))
    found = {line.rsplit(":", 1)[0] for line in disclosure.faults(html / "tables", private)}
    assert found == {f"tab-a{end}" for end in (".csv", ".display.csv", ".docx", ".tex", ".xlsx")}
    os.symlink(tmp_path / "study", html / "away")
    assert "away: a link" in disclosure.faults(html)


def test_a_study_elsewhere_is_named_by_its_folder_only(tmp_path):
    place = tmp_path / "my_study"
    place.mkdir()
    assert pages.redacted(f'study = "{place}"  # from {Path.cwd()}/data') == 'study = "my_study"  # from data'
    assert disclosure.machine_paths(f"read {place}") == [str(place)]
