"""The parts of a staged book: prose, executed notebooks with their files, records, and writing only what changed."""

from __future__ import annotations

import json
import os
import posixpath
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.book import bare, labels, pages, pictures, provenance
from helpers.book.contents import BookStudy
from helpers.book.files import write_bytes
from helpers.book.tables import write_table
from helpers.data.errors import StudyError

if TYPE_CHECKING:
    from helpers.book.gate import Gate

RESULT_FILES = (".svg", ".png", ".webp", ".mp4", ".csv", ".json", ".xlsx", ".docx", ".tex", ".tiff")


def prose(text: Path) -> dict[str, bytes]:
    """Everything of `book/` that belongs to the site; extensions are loaded from where they are."""
    found = {}
    for path in sorted(text.rglob("*")):
        name = path.relative_to(text).as_posix()
        hidden = any(part.startswith(".") or part in {"_ext", "__pycache__"} for part in Path(name).parts)
        if path.is_file() and not hidden and name != "_toc.yml":
            found[name] = path.read_bytes()
    for name in ("intro.md", "how_numbers_are_made.md", "glossary.md", "references.md", "citation.md"):
        if name not in found:
            raise FileNotFoundError(f"{text / name} is missing")
    return found


def read(results: Path, study: BookStudy, page: str) -> Any:
    """Read and clean one executed notebook; a missing one says why it is missing."""
    import nbformat

    folder = results / study.name / page
    path = folder / "notebook.ipynb"
    if not path.is_file():
        failed = folder / "notebook.failed.ipynb"
        why = f"it failed, see {failed}" if failed.is_file() else "it was not executed"
        raise FileNotFoundError(f"{path} is missing: {why}")
    return pages.cleaned(nbformat.read(path, as_version=4), name=f"{study.name}/{page}")


def refuse_links(folder: Path) -> None:
    """Stop where results hold a link out of their folder: what it leads to would be published as a figure or table.

    Raises
    ------
    StudyError
        Naming the link.
    """
    inside = folder.resolve()
    for place, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            path = Path(place, name)
            if path.is_symlink() and not path.resolve().is_relative_to(inside):
                fix = "put the file itself there, or execute the page again"
                raise StudyError("a link that leads out of the results", file=path.as_posix(), fix=fix)


def page_labels(notebooks: Mapping[str, Any]) -> set[str]:
    """Labels of some notebooks, before they are made unique."""
    return {label for notebook in notebooks.values() for label in labels.defined(pages.prose(notebook))}


def source_labels(notebooks: str | Path | None) -> set[str]:
    """Labels of all chapters there are, from the notebooks' sources (py:percent)."""
    found: set[str] = set()
    for path in sorted(Path(notebooks).glob("*.py")) if notebooks is not None else []:
        lines = path.read_text(encoding="utf-8").splitlines()
        found.update(labels.defined("\n".join(re.sub(r"^# ?", "", line) for line in lines if line.startswith("#"))))
    return found


def _prefix(study: BookStudy, page: str) -> str:
    """Pages that share a notebook within a study need the page's name too."""
    return f"{study.name}-{page.replace('/', '-')}-" if "/" in page else f"{study.name}-"


def study_files(
    study: BookStudy, notebooks: Mapping[str, Any], results: Path, elsewhere: set[str], outside: set[str]
) -> dict[str, bytes]:
    """Pages and attached files of one study, by path in the book.

    `notebooks` holds the study's cleaned notebooks by page, `elsewhere` the labels of all chapters there are,
    `outside` those of prose pages.
    """
    import nbformat

    if study.absent:
        return {f"{study.name}/absent.md": pages.absent(study.title, study.absent)}
    attached = {page: _attached(results / study.name / page) for page in notebooks}
    for page, notebook in notebooks.items():
        made = {name.split(".", 1)[0] for name in attached[page]}
        notebook.cells = bare.without(notebook.cells, made)
    own = {page: labels.defined(pages.prose(notebook)) for page, notebook in notebooks.items()}
    here: dict[str, str] = {}
    for page in sorted(notebooks, key=lambda page: "/" in page):  # a chapter before a run
        for label in own[page]:
            here.setdefault(label, _prefix(study, page) + label)
    staged = {f"{study.name}/{page}" for page in notebooks}
    runs = [page for page in notebooks if page.startswith("train/")]
    files: dict[str, bytes] = {}
    if runs:
        here.setdefault("train", f"{study.name}-train")
        staged.add(f"{study.name}/train/index")
        files[f"{study.name}/train/index.md"] = pages.train_index(study.name, runs, simulated=study.simulated)
    for page, notebook in notebooks.items():
        simulated = study.simulated or any(
            _simulated(data) for name, data in attached[page].items() if name.endswith(".json")
        )
        folder = posixpath.dirname(f"{study.name}/{page}")

        def in_book(target: str, folder: str = folder) -> bool:
            path = posixpath.normpath(posixpath.join(folder, target)) if not target.startswith("/") else target[1:]
            return path in staged or not path.startswith(f"{study.name}/")

        prefix = _prefix(study, page)
        resolve = labels.resolver(own[page], here, prefix=prefix, elsewhere=elsewhere, everywhere=outside)
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = labels.rewrite(cell.source, prefix=prefix, resolve=resolve, document=in_book)
        suffix = pages.run_title(page) if page.startswith("train/") else study.headings.get(page, "")
        beside = study.beside.get(page, "")
        pages.headed(notebook, name=f"{study.name}/{page}", simulated=simulated, suffix=suffix, beside=beside)
        text = json.dumps(nbformat.from_dict(notebook), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        files[f"{study.name}/{page}.ipynb"] = text.encode("utf-8")
        files |= {f"{study.name}/{page}_files/{name}": data for name, data in attached[page].items()}
    return files


def _attached(folder: Path) -> dict[str, bytes]:
    """What the page's directives show: its figures and tables, by file name."""
    found = [path for kind in ("figures", "tables") for path in sorted((folder / kind).glob("*"))]
    files = {path.name: path.read_bytes() for path in found if path.suffix in RESULT_FILES and path.name[0] != "."}
    return files | pictures.for_screen(files)


def _simulated(data: bytes) -> bool:
    about = json.loads(data)
    return isinstance(about, dict) and bool(about.get("simulated"))


def runs(studies: Sequence[BookStudy], results: Path) -> tuple[str, dict[str, bytes]]:
    """Text and files of the tables on how each number was made."""
    text, files = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for study in studies:
            if study.absent:
                continue
            name = f"tab-runs-{study.name.replace('_', '-').lower()}"
            frame = provenance.records(results / study.name, study.pages).map(pages.redacted)
            formats = {"seconds": lambda value: f"{float(value):.0f}"}
            write_table(folder, name, frame, formats=formats, headers=provenance.HEADERS)
            text += [f"## {pages.escaped(study.title)}", "", f":::{{result-table}} {name}"]
            text += [f"How each page of “{pages.escaped(study.title)}” was made.", ":::", ""]
        for path in Path(folder).iterdir():
            files[f"how_numbers_are_made_files/{path.name}"] = path.read_bytes()
    return "\n".join(text), files


def audited(found: Gate | None) -> tuple[str, dict[str, bytes]]:
    """Text and files on the audit of the book's own tables; nothing where it was not made."""
    if found is None:
        return "", {}
    name = "tab-own-tables"
    with tempfile.TemporaryDirectory() as folder:
        heads = {"rule": "Rule", "asks": "What must hold"}
        write_table(folder, name, found.frame(), headers=heads)
        files = {f"how_numbers_are_made_files/{path.name}": path.read_bytes() for path in Path(folder).iterdir()}
    lines = ["## Do the tables of this book add up?", "", found.sentence(), "A build whose tables do not add up stops."]
    caption = "**What was checked in the book's own tables?** Tables that a rule applies to, checks and verdicts."
    return "\n".join([*lines, "", f":::{{result-table}} {name}", caption, ":::", ""]), files


def lay(site: Path, files: Mapping[str, bytes]) -> None:
    """Write what changed, remove what is no longer there."""
    for path in sorted(site.rglob("*"), reverse=True) if site.is_dir() else []:
        if path.is_file() and path.relative_to(site).as_posix() not in files:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    for name, data in files.items():
        path = site / name
        if not path.is_file() or path.read_bytes() != data:
            write_bytes(path, data)
