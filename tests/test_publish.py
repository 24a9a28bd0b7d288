"""Staging: unique labels, banners, no paths, and only what changed is written."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

import browser
from helpers.book import front, labels, pages, provenance, publish


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[publish.BookStudy]]:
    folder = tmp_path_factory.mktemp("results")
    return folder, browser.results(folder)


@pytest.fixture
def site(made: tuple[Path, list[publish.BookStudy]], tmp_path: Path) -> Path:
    return publish.stage(tmp_path / "site", studies=made[1], results=made[0], changelog=None)


def text(path: Path) -> str:
    return pages.prose(nbformat.read(path, as_version=4))


def test_one_notebook_for_two_studies_has_two_sets_of_labels(site: Path) -> None:
    own = {study: labels.defined(text(site / study / "discrimination.ipynb")) for study in ("olnm", "real")}
    expected = ["discrimination", "fig-roc", "eq-auc", "tab-performance"]
    for study in own:
        names = [name.removeprefix(f"{study}-") for name in own[study] if name.startswith(f"{study}-")]
        assert names == expected
    for study in own:
        page = text(site / study / "discrimination.ipynb")
        assert f":::{{result-figure}} fig-roc\n:name: {study}-fig-roc\n" in page, "the file keeps its name"
        assert f"{{numref}}`{study}-fig-roc`" in page
        assert f"{{eq}}`{study}-eq-auc`" in page
        assert f"{{ref}}`{study}-cohort`" in page
        assert "(fig-roc)= {ref}`not a reference`" in page, "a code fence is left alone"


def test_reference_to_a_chapter_that_a_study_lacks_becomes_text(site: Path) -> None:
    assert "{ref}`the clips <olnm-inputs>`" in text(site / "olnm/discrimination.ipynb")
    assert "how clips are read: the clips.\n" in text(site / "real/discrimination.ipynb")


def test_runs_of_one_notebook_have_their_own_labels(site: Path) -> None:
    for seed in (0, 1):
        page = text(site / f"olnm/train/ceus-resnet18-s{seed}.ipynb")
        assert f"(olnm-train-ceus-resnet18-s{seed}-learning)=" in page
        assert f"{{numref}}`olnm-train-ceus-resnet18-s{seed}-fig-learning`" in page
        assert "{ref}`olnm-cohort` and {doc}`../cohort`" in page
        assert f"# Does one network learn? (ResNet18 on ceus, seed {seed})" in page


def test_banner_stands_under_the_title_of_simulated_pages_only(site: Path) -> None:
    for path in site.rglob("*.ipynb"):
        page = text(path)
        assert (pages.BANNER in page) is ("olnm" in path.parts), path
    page = text(site / "olnm/cohort.ipynb")
    assert page.startswith(f"(olnm-cohort)=\n# Who is in the study?\n\n{pages.BANNER}\n")
    assert pages.BANNER in (site / "olnm/train/index.md").read_text(encoding="utf-8")


def test_front_matter_asks_for_the_banner() -> None:
    page = b"---\nsimulated: true\n---\n# A\n\nText.\n"
    assert pages.BANNER.encode() in pages.with_front_matter(page)
    assert pages.with_front_matter(page.replace(b"true", b"false")) == page.replace(b"true", b"false")


def test_nothing_private_is_staged(site: Path) -> None:
    for path in site.rglob("*"):
        if path.suffix in {".ipynb", ".md", ".json", ".csv"}:
            content = path.read_text(encoding="utf-8")
            assert str(Path.cwd()) not in content, path
            assert f"{Path.home()}/" not in content, path
            assert "start_time" not in content, path
            assert "input_path" not in content, path


def test_cells_of_parameters_and_outputs(site: Path) -> None:
    notebook = nbformat.read(site / "olnm/discrimination.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.metadata.get("tags") for cell in code] == [
        ["parameters", "remove-cell"],
        ["hide-input", "injected-parameters"],
        ["hide-input"],
        ["hide-input", "remove-output"],
    ], "code is one click away on every page"
    assert code[1].source == 'results = "results/olnm"', "a path in the project is written relative to it"
    assert [output.output_type for output in code[2].outputs] == ["execute_result"], "warnings are left out"
    assert len(code[3].outputs) == 2, "numbers for the text are kept"


def test_removed_pictures_are_not_carried(tmp_path: Path) -> None:
    picture = new_output("display_data", {"image/png": "AAAA"})
    cell = new_code_cell("page.figure(...)", metadata={"tags": ["remove-output"]}, outputs=[picture])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    assert pages.cleaned(notebook, name="a/b").cells[0].outputs == []


def test_contents(site: Path) -> None:
    toc = yaml.safe_load((site / "_toc.yml").read_text(encoding="utf-8"))
    assert toc["root"] == "intro"
    assert [part["caption"] for part in toc["parts"]] == ["Simulated <study>", "Real study", "Absent study", "About"]
    assert [chapter["file"] for chapter in toc["parts"][0]["chapters"]] == [
        "olnm/cohort",
        "olnm/inputs",
        "olnm/train/index",
        "olnm/discrimination",
    ]
    assert [run["file"] for run in toc["parts"][0]["chapters"][2]["sections"]] == [
        "olnm/train/ceus-resnet18-s0",
        "olnm/train/ceus-resnet18-s1",
    ]
    assert "make data" in (site / "gone/absent.md").read_text(encoding="utf-8")


def test_staging_again_touches_nothing_and_removes_what_left(made: tuple[Path, list], tmp_path: Path) -> None:
    folder, studies = made
    site = tmp_path / "site"
    publish.stage(site, studies=studies, results=folder, changelog=None)
    before = {path: path.stat().st_mtime_ns for path in site.rglob("*") if path.is_file()}
    publish.stage(site, studies=studies, results=folder, changelog=None)
    assert before == {path: path.stat().st_mtime_ns for path in site.rglob("*") if path.is_file()}
    publish.stage(site, studies=studies[1:2], results=folder, changelog=None)
    assert not (site / "olnm").exists()
    assert (site / "real/cohort.ipynb").is_file()


def test_missing_failed_and_broken_notebooks(tmp_path: Path) -> None:
    study = publish.BookStudy("a", "A", pages=("cohort",))
    stage = {"studies": [study], "results": tmp_path, "changelog": None}
    with pytest.raises(FileNotFoundError, match=r"a/cohort/notebook\.ipynb is missing: it was not executed"):
        publish.stage(tmp_path / "site", **stage)
    folder = tmp_path / "a/cohort"
    browser.save(folder, [new_markdown_cell("# A")])
    (folder / "notebook.ipynb").rename(folder / "notebook.failed.ipynb")
    with pytest.raises(FileNotFoundError, match=r"it failed, see .*notebook.failed.ipynb"):
        publish.stage(tmp_path / "site", **stage)
    broken = new_code_cell("1/0", outputs=[new_output("error", ename="ZeroDivisionError", evalue="x", traceback=[])])
    browser.save(folder, [new_markdown_cell("# A"), broken])
    with pytest.raises(ValueError, match="page a/cohort holds the error of a failed cell: ZeroDivisionError"):
        publish.stage(tmp_path / "site", **stage)
    browser.save(folder, [new_markdown_cell("No title.")])
    with pytest.raises(ValueError, match="page a/cohort has no title"):
        publish.stage(tmp_path / "site", **stage)


@pytest.mark.parametrize("name", ["../a", "a b", "", "/a"])
def test_names_stay_inside_the_book(name: str) -> None:
    with pytest.raises(ValueError, match="plain names"):
        publish.BookStudy(name, "A", pages=("cohort",))
    with pytest.raises(ValueError, match="plain names"):
        publish.BookStudy("a", "A", pages=(name,))


def test_a_study_has_pages_or_a_reason() -> None:
    with pytest.raises(ValueError, match="either pages or the text"):
        publish.BookStudy("a", "A")


def test_a_label_that_nobody_defines_is_kept_for_the_builder_to_report() -> None:
    resolve = labels.resolver(["own"], {"other": "s-other"}, prefix="s-", elsewhere=["gone"], everywhere=["glossary"])
    given = ["own", "other", "gone", "glossary", "tpyo"]
    assert [resolve(label) for label in given] == ["s-own", "s-other", None, "glossary", "tpyo"]


def test_other_forms_of_labels_and_references() -> None:
    page = "\n".join(
        [
            ":::{figure} a.png",
            ":name: fig-a",
            ":::",
            "```{math}",
            ":label: eq-b",
            "x",
            "```",
            "[see](#fig-a), [](#gone), [c](other.ipynb), {numref}`Fig. %s <gone>`, {glue:text}`c.ipynb::n`",
            "~~~",
            "(literal)=",
            "~~~",
        ]
    )
    resolve = labels.resolver(["fig-a", "eq-b"], {}, prefix="s-", elsewhere=["gone"])
    out = labels.rewrite(page, prefix="s-", resolve=resolve, document=lambda target: False).split("\n")
    assert labels.defined(page) == ["fig-a", "eq-b"]
    assert out[1] == ":name: s-fig-a"
    assert out[4] == ":label: s-eq-b"
    assert out[7] == "[see](#s-fig-a), gone, c, gone, {glue:text}`c.ipynb::n:s`"
    assert out[9] == "(literal)="


@pytest.mark.parametrize("optional", [True, False])
def test_optional_results_are_left_out_where_they_were_not_made(tmp_path: Path, optional: bool) -> None:
    flag = ":optional:\n" if optional else ""
    page = f"# A\n\nSee {{numref}}`tab-optimism`.\n\n:::{{result-table}} tab-optimism\n{flag}\nCaption.\n:::\n\nEnd."
    browser.save(tmp_path / "a/cohort", [new_markdown_cell(page)])
    study = publish.BookStudy("a", "A", pages=("cohort",))
    site = publish.stage(tmp_path / "site", studies=[study], results=tmp_path, changelog=None)
    staged = text(site / "a/cohort.ipynb")
    assert ("See the table on optimism.\n\n\nEnd." in staged) is optional
    assert ("{result-table} tab-optimism\n:name: a-tab-optimism" in staged) is not optional


def test_records_read_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    record = {"commit": "0123456789abc+", "lock": "f" * 64, "parameters": {"seed": 1, "x": [1, 2]}, "seconds": 2.5}
    (tmp_path / "a/run.json").write_text(json.dumps(record), encoding="utf-8")
    frame = provenance.records(tmp_path, ["a", "b"])
    first = frame.iloc[0].to_dict()
    assert (first["code"], first["packages"]) == ("0123456789+", "f" * 10)
    assert (first["parameters"], first["seeds"]) == ("seed = 1, x = [1, 2]", "seed = 1")
    assert frame.iloc[1].drop("page").isna().all()


def test_text_from_settings_is_escaped() -> None:
    study = publish.BookStudy("a", "<b>*A*</b> [x](y) {ref}`z`", absent="Gone.")
    shown, _ = front.studies([study], {"a": {}}, Path("results"), Path("site"))
    assert r"### \<b\>\*A\*\</b\> \[x\]\(y\) \{ref\}\`z\`" in shown
    assert "{doc}`How to get the data of: b*A*/b [x](y) refz </a/absent>`" in shown
