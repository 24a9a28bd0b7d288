"""Lay out the book and build it: prose and executed notebooks in, pages out.

In the Snakefile, or by hand::

    from helpers.book import publish
    olnm = publish.BookStudy("olnm", "Occult node metastasis", simulated=True, pages=("cohort", "train/a-s0", ...))
    publish.stage("build/site", studies=[olnm])
    publish.build("build/site", "build")           # build/_build/html/index.html

or `python -m helpers.book.publish studies.json`, a list of objects with the fields of `BookStudy`.
The second step is `jupyter-book build build/site --config _config.yml --path-output build -W --keep-going`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from helpers.book import audit, disclosure, front, icons, labels, mend, pages, staging
from helpers.book.citation import box
from helpers.book.contents import BookStudy, contents
from helpers.book.files import write_text

if TYPE_CHECKING:
    from helpers.book.gate import Gate

# jupyter-book as its own command runs it. A package that jsonschema would load when present is hidden: it builds a
# grammar at import, two of the eight seconds of a small book.
_COMMAND = "import sys; sys.modules['rfc3987_syntax'] = None; from jupyter_book.cli.main import main; main()"

MADE_WITH = "made_with.txt"  # beside the pages: what they were made with, apart from their own text


class BuildError(RuntimeError):
    """The book has warnings or could not be built; the text holds what the builder said."""


def stage(
    site: str | Path,
    *,
    studies: Sequence[BookStudy | Mapping[str, Any]],
    results: str | Path = "results",
    text: str | Path = "book",
    notebooks: str | Path | None = "notebooks",
    changelog: str | Path | None = "CHANGELOG.md",
    gate: Gate | None = None,
    citation: str | Path = "CITATION.cff",
) -> Path:
    """Lay out `build/site`: prose, executed notebooks with unique labels, their files, and the contents.

    Files that did not change are not touched, so that an unchanged page is not built again; files that no
    longer belong are removed. Give a folder that holds nothing else.

    Parameters
    ----------
    site : str or Path
        Folder to fill.
    studies : sequence of BookStudy, or of mappings with its fields
        In the order of the sidebar.
    results : str or Path
        `results/<study>/<page>/` with `notebook.ipynb`, `figures/`, `tables/`, `run.json`.
    text : str or Path
        Prose pages, references and assets.
    notebooks : str, Path or None
        Sources of the notebooks: their labels are known even when no study here has the chapter.
    changelog : str, Path or None
        Becomes the page `changelog`; left out when None, and with it what points there.
    gate : helpers.book.gate.Gate or None
        What the audit of the book's own tables found; told on the page `how_numbers_are_made`.
    citation : str or Path
        How to cite the book, in the Citation File Format.

    Returns
    -------
    Path
        `site`.

    Raises
    ------
    FileNotFoundError
        If an executed notebook is missing, or only its failed copy is there.
    ValueError
        If a notebook has no title or holds the error of a failed cell. A StudyError if a link leads out of the results.
    """
    known = [study if isinstance(study, BookStudy) else BookStudy(**study) for study in studies]
    site, results, text = Path(site), Path(results), Path(text)
    for study in known:
        staging.refuse_links(results / study.name)
    files = staging.prose(text)
    if changelog is not None:
        files["changelog.md"] = Path(changelog).read_bytes()
    executed = {study.name: {page: staging.read(results, study, page) for page in study.pages} for study in known}
    elsewhere = staging.source_labels(notebooks).union(*map(staging.page_labels, executed.values()))
    outside = {label for name, data in files.items() if name.endswith(".md") for label in labels.defined(data.decode())}
    shown, pictures = front.studies(known, executed, results, site)  # before labels are made unique
    files |= pictures
    for study in known:
        files |= staging.study_files(study, executed[study.name], results, elsewhere, outside)
    files["intro.md"] = pages.fill(files["intro.md"], "% studies", shown)
    files["citation.md"] = pages.fill(files["citation.md"], "% citation", box(Path(citation).read_bytes()))
    if changelog is None:
        files["intro.md"] = files["intro.md"].replace(b"{doc}`What changed <changelog>`, {doc}`how", b"{doc}`How")
    tables, runs = staging.runs(known, results)
    own, audited = staging.audited(gate)
    files |= runs | audited
    files["how_numbers_are_made.md"] = pages.fill(files["how_numbers_are_made.md"], "% provenance", own + "\n" + tables)
    for name in [name for name in files if name.endswith(".md") and "/" not in name]:
        files[name] = pages.with_front_matter(files[name])
    files["_toc.yml"] = yaml.safe_dump(contents(known, changelog=changelog is not None), sort_keys=False).encode()
    staging.lay(site, files)
    return site


def build(
    site: str | Path,
    out: str | Path = "build",
    *,
    config: str | Path = "_config.yml",
    private: Mapping[str, str] | None = None,
) -> Path:
    """Build the staged book; any warning, dead link, page above 3 MB, or word that names somebody is an error.

    Parameters
    ----------
    site : str or Path
        Folder filled by `stage`.
    out : str or Path
        The pages go to `<out>/_build/html`.
    config : str or Path
        `_config.yml`.
    private : mapping of str to str or None
        What must not be published, as `helpers.book.disclosure.identifiers` gives it.

    Returns
    -------
    Path
        `<out>/_build/html/index.html`.

    Raises
    ------
    BuildError
        With the builder's warnings, or with dead links, heavy pages and disclosures. What was built is then removed: a
        second call would otherwise skip the pages that warned.
    """
    keep = ("PATH", "HOME", "USER", "TMPDIR", "LANG", "LC_ALL", "SYSTEMROOT", "PYTHONPATH", "LD_LIBRARY_PATH")
    environment = {name: os.environ[name] for name in keep if name in os.environ}
    environment |= {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    command = [sys.executable, "-c", _COMMAND, "build", str(site)]
    command += ["--config", str(config), "--path-output", str(out), "-W", "--keep-going"]
    built = Path(out) / "_build"
    made_with = _made_with(Path(site), Path(config))
    _forget_what_no_longer_holds(built, Path(site), made_with)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        shutil.rmtree(built, ignore_errors=True)
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise BuildError("the book has warnings:\n" + "\n".join(said[-60:]))
    icons.draw(built / "html", mend.pages_of(built / "html"))
    mend.mend(built / "html")
    if found := audit.faults(built / "html") + disclosure.faults(built / "html", private):
        shutil.rmtree(built)
        raise BuildError(f"the book has {len(found)} faults:\n" + "\n".join(found[:60]))
    write_text(built / MADE_WITH, made_with)
    return built / "html" / "index.html"


def _made_with(site: Path, config: Path) -> str:
    """Digest of all that shapes every page and is no page: styles, scripts, settings, extensions, what mends pages."""
    extensions = yaml.safe_load(config.read_text(encoding="utf-8"))["sphinx"]["local_extensions"]
    folders = {config.parent / folder for folder in extensions.values()}
    parts = [path for path in sorted((site / "_assets").rglob("*")) if path.is_file()]
    parts += [path for folder in sorted(folders) for path in sorted(folder.glob("*.py"))]
    parts += [config, Path(icons.__file__), Path(mend.__file__)]
    digest = hashlib.sha256()
    for path in parts:
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest() + "\n"


def _forget_what_no_longer_holds(built: Path, site: Path, made_with: str) -> None:
    """Remove an earlier book that had studies this one lacks, or was made with other styles, scripts or extensions.

    Pages and pictures of another study must not be published along; and the builder writes a page again only when the
    page's own text changed.
    """
    pages, stamp = built / "html", built / MADE_WITH
    if not pages.is_dir():
        return
    studies = {path.name for path in site.iterdir() if path.is_dir()}
    others = any(p.is_dir() and p.name[0] != "_" and p.name not in studies for p in pages.iterdir())
    if others or not stamp.is_file() or stamp.read_text(encoding="utf-8") != made_with:
        shutil.rmtree(built)


def main(arguments: Sequence[str]) -> int:
    """Stage and build from the command line; see the module's text."""
    if len(arguments) != 1:
        print("usage: python -m helpers.book.publish studies.json", file=sys.stderr)
        return 2
    try:
        stage("build/site", studies=json.loads(Path(arguments[0]).read_text(encoding="utf-8")))
        build("build/site", "build")
    except (BuildError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
