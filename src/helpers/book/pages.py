"""The pages of the book as text: executed notebooks made fit for print, and the pages made from lists."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from helpers.book.disclosure import shortened
from helpers.learn import candidates

BANNER = """:::{admonition} Simulated data
:class: simulated-banner warning
Simulated data: no number on this page is a finding about patients.
:::"""
_TITLE = re.compile(r"^# +\S.*$", re.MULTILINE)
_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_RUN = re.compile(r"^(?P<name>.+)-s(?P<seed>\d+)$")


def cleaned(notebook: Any, *, name: str) -> Any:
    """Take out of an executed notebook what a reader must not or need not see; a new notebook.

    The cell tagged `parameters` is removed from the page and code is folded; clock times, paths and
    the kernel's name go, warnings of libraries too (the runner's log has them). Paths inside the project become
    relative. Cell names are counted, so that the same execution gives the same file.

    Parameters
    ----------
    notebook : NotebookNode
        As papermill wrote it.
    name : str
        Study and page, for messages.

    Returns
    -------
    NotebookNode
        Fit for the book.

    Raises
    ------
    ValueError
        If a cell holds an error.
    """
    from nbformat.v4 import new_notebook

    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    out = new_notebook(metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
    for number, cell in enumerate(notebook.cells):
        tags = set(cell.metadata.get("tags", []))
        if "parameters" in tags:
            tags.add("remove-cell")
        if cell.cell_type == "code" and not tags & {"remove-input", "remove-cell"}:
            tags.add("hide-input")  # a reader sees what was found; how it was computed is one click away
        kept = {key: value for key, value in cell.metadata.items() if key == "mystnb"}
        cell.metadata = {**kept, "tags": sorted(tags)} if tags else kept
        cell.id, cell.source = f"cell-{number}", redacted(cell.source)
        if cell.cell_type == "code":
            cell.outputs = [_output(output, name) for output in cell.outputs if _shown(output, tags)]
        out.cells.append(cell)
    return out


def _shown(output: Any, tags: set[str]) -> bool:
    """Whether an output is of use in the book; numbers for the prose are, wherever they were made."""
    if output.output_type == "stream" and output.name == "stderr":
        return False
    removed = tags & {"remove-output", "remove-cell"}
    return not removed or output.output_type == "error" or "scrapbook" in output.get("metadata", {})


def _output(output: Any, name: str) -> Any:
    if output.output_type == "error":
        raise ValueError(f"page {name} holds the error of a failed cell: {output.ename}: {output.evalue}")
    if "text" in output:
        output.text = redacted(output.text)
    for kind, data in output.get("data", {}).items():
        if isinstance(data, str) and ("text/" in kind or "svg" in kind):
            output.data[kind] = redacted(data)
    return output


def redacted(value: Any) -> Any:
    """Write paths inside the project relative to it, the home folder as `~`, and others as their last part.

    Examples
    --------
    >>> redacted(f"{Path.cwd()}/results/olnm"), redacted(3)
    ('results/olnm', 3)
    """
    if not isinstance(value, str):
        return value
    value = value.replace(f"{Path.cwd()}{os.sep}", "").replace(str(Path.cwd()), ".")
    home = str(Path.home())
    value = re.sub(rf"{re.escape(home)}(?=[/\\])", "~", value) if len(home) > 1 else value
    return shortened(value)


def prose(notebook: Any) -> str:
    """All Markdown of a notebook, as one text."""
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def headed(notebook: Any, *, name: str, simulated: bool, suffix: str = "", beside: str = "") -> None:
    """Put the suffix behind the page's title, on simulated data the banner under it, and what stands beside; in place.

    Raises
    ------
    ValueError
        If the page has no title (`# ...` in a Markdown cell).
    """
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and _TITLE.search(cell.source):
            cell.source = titled(cell.source, simulated=simulated, suffix=suffix, beside=beside)
            return
    raise ValueError(f"page {name} has no title: its first Markdown cell must hold a line '# ...'")


def titled(text: str, *, simulated: bool, suffix: str = "", beside: str = "") -> str:
    """Text with the suffix behind its first title and the banner under it.

    Examples
    --------
    >>> print(titled("# Who?", simulated=True, suffix="seed 0"))
    # Who? (seed 0)
    <BLANKLINE>
    :::{admonition} Simulated data
    :class: simulated-banner warning
    Simulated data: no number on this page is a finding about patients.
    :::
    <BLANKLINE>
    """
    behind = (f" ({suffix})" if suffix else "") + (f"\n\n{BANNER}\n" if simulated else "")
    behind += f"\n\n{beside}\n" if beside else ""
    return _TITLE.sub(lambda match: match[0].rstrip() + behind, text, count=1)


def with_front_matter(data: bytes) -> bytes:
    """Give a prose page whose front matter says `simulated: true` the banner."""
    text = data.decode("utf-8")
    front = _FRONT.match(text)
    about = yaml.safe_load(front[1]) if front else {}
    if not (isinstance(about, dict) and about.get("simulated") is True):
        return data
    return (text[: front.end()] + titled(text[front.end() :], simulated=True)).encode("utf-8")


def run_title(page: str) -> str:
    """Words for one training run.

    Examples
    --------
    >>> run_title("train/ceus-densenet121-s3")
    'DenseNet121 on ceus, seed 3'
    """
    name = page.split("/", 1)[-1]
    run = _RUN.match(name)
    source, _, network = (run["name"] if run else name).partition("-")
    words = f"{candidates.title(network)} on {source}" if network else source
    return f"{words}, seed {run['seed']}" if run else words


def train_index(study: str, runs: Sequence[str], *, simulated: bool) -> bytes:
    """Page above the training runs of a study: one line a run."""
    lines = [f"- {{doc}}`{run_title(page)} </{study}/{page}>`" for page in runs]
    text = f"""({study}-train)=
# How was each network trained?

Each network was trained by the same notebook, executed once for each input, architecture and seed.
A page shows the learning curve, the epoch that was kept, and what was recorded to make the run again.

"""
    return (titled(text, simulated=simulated) + "\n".join(lines) + "\n").encode("utf-8")


def absent(title: str, text: str) -> bytes:
    """Page for a study whose data are not on the machine that built the book."""
    lead = """:::{admonition} Not in this copy of the book
:class: note
The data of this study were not there when the book was built, so its chapters were left out.
:::"""
    return f"# {escaped(title)}\n\n{lead}\n\n{text.strip()}\n".encode()


def fill(data: bytes, marker: str, text: str) -> bytes:
    """Put made text in place of a page's marker line.

    Raises
    ------
    ValueError
        If the page has no such line.
    """
    lines = data.decode("utf-8").split("\n")
    if marker not in lines:
        raise ValueError(f"the page needs a line {marker!r}")
    lines[lines.index(marker)] = text
    return "\n".join(lines).encode("utf-8")


def bare(text: str) -> str:
    r"""Text without what would end a role: within one nothing can be escaped.

    Examples
    --------
    >>> bare("Nodes of `two` <centres>")
    'Nodes of two centres'
    """
    return re.sub(r"[`<>\\{}]", "", " ".join(text.split()))


def escaped(text: str) -> str:
    r"""Text that Markdown and HTML leave as it is, at the start of a paragraph too.

    Examples
    --------
    >>> print(escaped("<b> a*b"))
    \<b\> a\*b
    >>> print(escaped("% of nodules"), escaped("1. Does it?"), escaped("-0.5"), sep="; ")
    \% of nodules; 1\. Does it?; -0.5
    """
    text = re.sub(r"([\\`*_{}\[\]<>()#+!|$~&])", r"\\\1", " ".join(text.split()))
    # what makes a comment, a list, a rule, a fence, a definition or a numbered list where it begins a line
    return re.sub(r"^(?:(\d{1,9})(?=\.(?:\s|$))|(?=[%:=]|-(?:[\s-]|$)))", r"\1\\", text)
