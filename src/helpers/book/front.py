"""The front page: of each study the question, the computed answer, its main figure, and its chapters in small."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.book import labels, pages
from helpers.book.pictures import small
from helpers.book.report import read_numbers
from helpers.data import spreadsheet

if TYPE_CHECKING:
    import pandas as pd

    from helpers.book.contents import BookStudy

FOLDER = "front_files"  # small pictures, beside the front page
LARGE, SMALL = 900, 420  # pixels, width of a study's picture and of a chapter's: twice what is shown
NAMED = 4  # models that the answer names; of more, the first three
JUDGED = ("Test", "External test", "Cross-validation (out of fold)", "Training (apparent)")
_SHORT = re.compile(r":::\{admonition\} In short\n(.*?)\n:::", re.DOTALL)
_GLUE = re.compile(r"\{glue:text\}`(?:([^`:]+)\.ipynb::)?([^`:]+)(?::([^`]+))?`")
_ROLE = re.compile(r"\{[\w:]+\}`(?:([^`<]*?)\s*<[^`>]*>|([^`]*))`")
_FIGURE = re.compile(r":{3,}\{result-figure\} (\S+)\n((?::[^\n]*\n)*)")
_TITLE = re.compile(r"^# +(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Chapter:
    """What the front page says of one chapter.

    Parameters
    ----------
    page : str
        Path in the book, such as `olnm/cohort`.
    title : str
        Its question.
    summary : str
        First line of its box "In short", with its numbers; Markdown.
    picture : str
        Its first figure, a file below `front_files`; empty when it has none.
    alt : str
        What the picture shows.
    source : Path or None
        The figure itself.
    """

    page: str
    title: str
    summary: str
    picture: str = ""
    alt: str = ""
    source: Path | None = None


def summary(text: str, folder: Path) -> str:
    """First line of a page's box "In short" that says something, its numbers filled in.

    Parameters
    ----------
    text : str
        The page's Markdown.
    folder : Path
        `results/<study>/<page>`, with `numbers.json` when the page kept numbers.

    Returns
    -------
    str
        Markdown; empty when the page has no such box.

    Raises
    ------
    ValueError
        If the box names a number that was not kept.

    Examples
    --------
    >>> import tempfile
    >>> box = [":::{admonition} In short", "See {ref}`here <x>`, 3 < 4.", ":::"]
    >>> summary(chr(10).join(box), Path(tempfile.mkdtemp()))
    'See here, 3 < 4.'
    """
    box = _SHORT.search(text)
    for line in box[1].split("\n") if box else []:
        if line.startswith(":") or not line.strip():
            continue
        said = _GLUE.sub(lambda match: _number(match, folder), line)
        said = _ROLE.sub(lambda match: match[1] or labels.plain("", match[2] or ""), said).strip()
        if said:
            return said
    return ""


def _number(match: re.Match[str], folder: Path) -> str:
    elsewhere, name, form = match.groups()
    path = folder.parent / elsewhere if elsewhere else folder
    numbers = read_numbers(path) if (path / "numbers.json").is_file() else {}
    if name not in numbers:
        raise ValueError(
            f"{path}: the box In short names {name!r}, which numbers.json lacks; execute the notebook again"
        )
    value = numbers[name]
    return "–" if value is None else pages.escaped(format(value, form or ""))


def told_apart(performance: pd.DataFrame) -> str:
    """Say for a clinician how well patients are told apart: the AUC as pairs of patients, with intervals.

    Parameters
    ----------
    performance : DataFrame
        `tab-performance.csv` of the chapter on discrimination: `split, model, n, events, auc, auc_low, auc_high`.

    Examples
    --------
    >>> import pandas as pd
    >>> told_apart(pd.DataFrame({"split": ["Test"], "model": ["a"], "n": [116], "events": [27], "auc": [0.8],
    ...                          "auc_low": [0.7], "auc_high": [0.9]}))
    'Of two patients, one with the condition and one without, **a** gives the first the higher risk in 80 of 100 such \
pairs (95 % CI 70 to 90); a coin toss would in 50. Test: 116 cases, 27 with the condition.'
    """
    split = next((name for name in JUDGED if (performance["split"] == name).any()), None)
    if split is None:
        raise ValueError("the table of performance has none of the known splits")
    judged = performance[performance["split"] == split].sort_values("auc", ascending=False, kind="stable")
    shown = judged if len(judged) <= NAMED else judged.head(NAMED - 1)
    said = []
    for at, row in enumerate(shown.itertuples()):
        limits = f"{100 * row.auc_low:.0f} to {100 * row.auc_high:.0f}" if row.auc_low == row.auc_low else "not defined"
        where = f"in {100 * row.auc:.0f}" + (" of 100 such pairs" if at == 0 else "")
        verb = " gives the first the higher risk " if at == 0 else " "
        said.append(f"**{pages.escaped(str(row.model))}**{verb}{where} ({'95 % CI ' if at == 0 else ''}{limits})")
    rest = judged.iloc[len(shown) :]
    if len(rest):
        said.append(f"the other {len(rest)} models in {100 * rest['auc'].min():.0f} to {100 * rest['auc'].max():.0f}")
    first = judged.iloc[0]
    named = said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
    return (
        f"Of two patients, one with the condition and one without, {named}; a coin toss would in 50. "
        f"{split}: {first['n']:,} cases, {first['events']:,} with the condition."
    )


def headline(study: BookStudy, results: Path, chapters: Sequence[Chapter]) -> tuple[str, Chapter | None]:
    """The study's one answer, and the chapter whose figure stands beside it.

    A study that judges predictions answers with them, a reader study with the change of its readers, any other with
    the box of its first chapter.
    """
    by_page = {chapter.page.split("/", 1)[1]: chapter for chapter in chapters}
    folder = results / study.name
    table = folder / "discrimination" / "tables" / "tab-performance.csv"
    if "discrimination" in by_page and table.is_file():
        frame = spreadsheet.read_csv(table)
        if {"split", "auc_low", "auc_high"} <= set(frame.columns):
            return told_apart(frame), by_page["discrimination"]
    if "readers" in by_page and "discrimination" not in by_page:
        return pages.escaped(str(read_numbers(folder / "readers")["two_gains"])), by_page["readers"]
    first = by_page.get("discrimination") or next((c for c in chapters if c.picture), chapters[0] if chapters else None)
    return (first.summary if first else ""), first


def chapter(page: str, notebook: Any, folder: Path, pictures: dict[str, bytes], site: Path) -> Chapter:
    """Sum up one chapter; its picture is added to `pictures`, taken from `site` when it was made before."""
    text = pages.prose(notebook)
    title = _TITLE.search(text)
    found, alt, png = "", "", None
    for match in _FIGURE.finditer(text):
        png = folder / "figures" / f"{match[1]}.png"
        if png.is_file():
            options = dict(re.findall(r"^:(\w+):\s*(.*)$", match[2], re.MULTILINE))
            alt = _ROLE.sub(lambda role: role[1] or role[2] or "", options.get("alt", ""))
            found = _picture(png, pictures, site, width=SMALL)
            break
    alt = " ".join(alt.split())  # an option of a directive is text as it is
    return Chapter(page, title[1].strip() if title else page, summary(text, folder), found, alt, png if found else None)


def _picture(png: Path, pictures: dict[str, bytes], site: Path, *, width: int) -> str:
    """Small copy of a figure, named by its content: a picture that was made for the last build is used again."""
    data = png.read_bytes()
    name = f"{hashlib.sha256(data).hexdigest()[:16]}-{width}.png"
    if name not in pictures:
        made = site / FOLDER / name
        pictures[name] = made.read_bytes() if made.is_file() else small(data, width=width)
    return name


def studies(
    known: Sequence[BookStudy], notebooks: Mapping[str, Mapping[str, Any]], results: Path, site: Path
) -> tuple[str, dict[str, bytes]]:
    """The part of the front page that shows every study, and its pictures.

    Parameters
    ----------
    known : sequence of BookStudy
    notebooks : mapping from study to its cleaned notebooks by page
        Before their labels are made unique.
    results : Path
        `results/`.
    site : Path
        The staged book, where pictures of the last build lie.

    Returns
    -------
    (str, dict)
        MyST text, and files by path in the book.
    """
    pictures: dict[str, bytes] = {}
    text: list[str] = []
    for study in known:
        made = [
            chapter(f"{study.name}/{page}", notebook, results / study.name / page, pictures, site)
            for page, notebook in notebooks[study.name].items()
            if not page.startswith("train/")
        ]
        answer, shown = headline(study, results, made)
        picture = _picture(shown.source, pictures, site, width=LARGE) if shown and shown.source else ""
        text += _study(study, made, answer, shown and replace(shown, picture=picture))
    return "\n".join(text), {f"{FOLDER}/{name}": data for name, data in pictures.items()}


def _study(study: BookStudy, chapters: Sequence[Chapter], answer: str, shown: Chapter | None) -> list[str]:
    """One study: its title, whose data, question, answer with a way on, picture, and its chapters in small."""
    kind = "absent" if study.absent else "simulated" if study.simulated else "real"
    said = (
        study.kind
        or {
            "absent": "Data not in this copy of the book",
            "simulated": "Simulated data: no number here is a finding about patients",
            "real": "Real data",
        }[kind]
    )
    first = chapters[0].page if chapters else f"{study.name}/{'train/index' if study.pages else 'absent'}"
    lines = [f"### {pages.escaped(study.title)}", "", f"::::::{{div}} front-study front-{kind}", ""]
    lines += [f":::{{div}} front-kind\n{said}\n:::", ""]
    if shown and shown.picture:
        lines += [
            f":::{{image}} /{FOLDER}/{shown.picture}",
            f":alt: {shown.alt}",
            f":target: {shown.page}.html",
        ]
        lines += [":class: front-picture", ":loading: lazy", ":::", ""]
    if study.summary:
        lines += [f":::{{div}} front-question\n{pages.escaped(study.summary)}\n:::", ""]
    if answer:
        lines += [f":::{{div}} front-answer\n{answer}\n:::", ""]
    lines += [f"{{doc}}`{_way(study, kind)} </{first}>`", ""]
    if len(chapters) > 1:
        lines += [
            f":::::{{dropdown}} Its {len(chapters)} chapters, each with its answer",
            *_tiles(chapters),
            ":::::",
            "",
        ]
    return [*lines, "::::::", ""]


def _way(study: BookStudy, kind: str) -> str:
    name = pages.bare(study.title)
    return f"How to get the data of: {name}" if kind == "absent" else f"Read from the first chapter: {name}"


def _tiles(chapters: Sequence[Chapter]) -> list[str]:
    lines = ["::::{grid} 1 2 2 3", ":gutter: 3", ""]
    for one in chapters:
        lines += [f":::{{grid-item-card}} {pages.escaped(one.title)}", f":link: /{one.page}", ":link-type: doc"]
        if one.picture:
            lines += [f":img-top: /{FOLDER}/{one.picture}", f":img-alt: {one.alt}"]
        lines += ["", one.summary, ":::", ""]
    return [*lines, "::::"]
