"""Directives that show what a notebook wrote: `result-figure`, `result-view` and `result-table`.

The files lie beside the page in `<page>_files/`. The caption is the body of the directive; download links and the
sentence on methods come from the files, and so cannot drift from what is shown.
"""

from __future__ import annotations

import csv
import hashlib
import json
import posixpath
import re
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LOG = logging.getLogger(__name__)
# old identifiers hold brackets and semicolons: 10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4
_IN_DOI = r"(?:\([^\s()]*\)|[^\s(),;]|[,;](?=[^\s,;)]))"
DOI = re.compile(
    rf"\b(?:doi:\s?|https://doi\.org/)(10\.\d{{4,9}}/{_IN_DOI}*(?:\([^\s()]*\)|[^\s(),;.]))", re.IGNORECASE
)
# limits in brackets, a count with its share, a mean with its spread
TOGETHER = re.compile(r"\([−-]?[\d.,∞%]+(?:–| to )[−-]?[\d.,∞%]+\)|\d[\d.,]* \([\d.,%]+\)|[−-]?\d[\d.,]* ± [\d.,]+")
EVIDENCE = re.compile(r"((?:train/)?[\w-]+)/((?:fig|tab)-[\w-]+)")


class Result(SphinxDirective):
    """What both directives share: finding files, the caption, the notes underneath."""

    has_content = True
    required_arguments = 1
    kind = ""
    downloads: tuple[tuple[str, str], ...] = ()

    def run(self):
        """Build the nodes, or warn with the page's name when a file is not there."""
        self.name_of_file = self.arguments[0]
        folder = self.options.get("folder", posixpath.basename(self.env.docname) + "_files")
        self.stem = posixpath.join(folder, self.name_of_file)
        missing = [end for end in self.needed if not self.path(end).is_file()]
        if missing:
            self.warn(f"{self.kind} {self.name_of_file} has no {', '.join(self.name_of_file + end for end in missing)}")
            return []
        self.env.note_dependency(str(self.path(".json")))
        about = json.loads(self.path(".json").read_text(encoding="utf-8"))
        caption, rest = self.caption()
        caption = led(about.get("finding") or self.finding(), caption)
        shown = self.show(caption, about)
        notes = [*rest, *self.notes(about), self.links()]
        box = nodes.container("", *shown, nodes.container("", *notes, classes=["result-notes"]))
        box["classes"] += ["result", f"result-{self.kind}"]
        return [box]

    def path(self, end: str) -> Path:
        """Absolute path of one of the files."""
        return Path(self.env.relfn2path(self.stem + end)[1])

    def warn(self, text: str) -> None:
        """A warning, which fails a strict build; it names the page and the line."""
        LOG.warning(f"page {self.env.docname}: {text}", location=(self.env.docname, self.lineno), type="results")

    def caption(self):
        """Inline nodes of the first paragraph, and the blocks that follow it."""
        box = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, box)
        if not box.children or not isinstance(box[0], nodes.paragraph):
            self.warn(f"{self.kind} {self.name_of_file} has no caption")
            return [nodes.Text(self.name_of_file)], []
        return box[0].children, box.children[1:]

    def finding(self) -> str:
        """What the data say, where the page did not say it itself."""
        return ""

    def label(self, node) -> None:
        """Let `numref` find the node."""
        self.options["name"] = self.options.get("name", self.name_of_file)
        self.set_source_info(node)
        self.add_name(node)

    def notes(self, about):
        """Footnote and methods, with a link for each DOI."""
        note, methods = about.get("note"), about.get("methods")
        if note:
            yield nodes.paragraph("", "", *linked(note), classes=["result-note"])
        if methods:
            start = nodes.inline("", "How: ", classes=["result-how"])
            yield nodes.paragraph("", "", start, *linked(methods), classes=["result-methods"])

    def links(self):
        """One line of downloads: what is there, in the order of `downloads`."""
        line = nodes.paragraph("", "", nodes.inline("", "Download: "), classes=["result-downloads"])
        for end, title in self.downloads:
            if not self.path(end).is_file():
                continue
            link = addnodes.download_reference("", "", reftarget=self.stem + end, refdoc=self.env.docname)
            link += nodes.inline("", title, classes=["result-download"])
            line += [link, nodes.Text(" ")]
        return line


class ResultFigure(Result):
    """A drawing with its number, caption, methods and files."""

    kind = "figure"
    needed = (".svg", ".json")
    downloads = ((".svg", "SVG"), (".png", "PNG"), ("-300dpi.tiff", "TIFF 300 dpi"), ("-600dpi.tiff", "TIFF 600 dpi"))
    downloads += ((".csv", "CSV"), (".mp4", "MP4"))
    option_spec = {
        "alt": directives.unchanged,
        "folder": directives.unchanged,
        "name": directives.unchanged,
        "optional": directives.flag,  # heeded when the book is staged, where references can follow
    }

    def finding(self) -> str:
        """Computed when the page is laid out, so that a sentence written anew trains nothing again."""
        from helpers.book import findings

        if not self.path(".csv").is_file():
            return ""
        for file in (self.path(".csv"), Path(findings.__file__)):
            self.env.note_dependency(str(file))
        return findings.of_file(self.name_of_file, self.path(".csv"))

    def show(self, caption, about):
        """The figure node, numbered by `numfig`."""
        alt = " ".join(self.options.get("alt", "").split())
        if not alt:
            self.warn(f"figure {self.name_of_file} has no :alt: text")
        end = ".webp" if self.path(".webp").is_file() else ".svg"  # staged for a drawing that is too heavy
        image = nodes.image("", uri=self.stem + end, alt=alt or self.name_of_file, loading="lazy")
        words = nodes.caption("", "", *caption)
        figure = nodes.figure("", image, words, align="default")
        for node in (image, words):
            self.set_source_info(node)
        self.label(figure)
        if not self.path(".mp4").is_file():
            return [figure]
        film, _ = self.env.relfn2path(self.stem + ".mp4")
        place = self.env.dlfiles.add_file(self.env.docname, film)  # copied where the download link points too
        return [clip("", place=place, alt=alt), figure]


class ResultView(Result):
    """A figure with controls, from what `page.view` wrote; without its script it is a plain figure."""

    kind = "view"
    needed = (".view.json", ".json")
    downloads = ((".view.json", "JSON"),)
    option_spec = {
        "alt": directives.unchanged,
        "folder": directives.unchanged,
        "name": directives.unchanged,
        "optional": directives.flag,  # heeded when the book is staged, where references can follow
    }

    def show(self, caption, about):
        """The figure node, numbered by `numfig`."""
        from helpers.book.views import view

        alt = " ".join(self.options.get("alt", "").split())
        if not alt:
            self.warn(f"view {self.name_of_file} has no :alt: text")
        self.env.note_dependency(str(self.path(".view.json")))
        made = view.read(self.path("").parent, self.name_of_file)
        files = {file: self.env.relfn2path(f"{self.stem}.{file}")[1] for file in made.files}
        places = {file: self.env.dlfiles.add_file(self.env.docname, path) for file, path in files.items()}
        words = nodes.caption("", "", *caption)
        self.set_source_info(words)
        scene = live_view("", folder=str(self.path("").parent), file=self.name_of_file, places=places, alt=alt)
        figure = nodes.figure("", scene, words, align="default")
        self.label(figure)
        return [figure]


class live_view(nodes.General, nodes.Element):
    """A view; its pictures lie where Sphinx copies downloads to."""


def show_view(writer, node):
    """Write controls, scene and data."""
    from helpers.book.views import page, view

    places = {file: f"{writer.builder.dlpath}/{place}" for file, place in node["places"].items()}
    made = view.read(node["folder"], node["file"])
    label = writer.attval(node["alt"])
    writer.body.append(f'<div role="group" aria-label="{label}">{page.html(made, places, name=node["file"])}</div>\n')


class clip(nodes.General, nodes.Element):
    """A clip that plays in the page: started and stopped by the reader, by mouse or keyboard."""


def play(writer, node):
    """Write the player; the file lies where Sphinx copies downloads to."""
    source = f"{writer.builder.dlpath}/{node['place']}"
    label = writer.attval(node["alt"])
    start = f'<video class="result-clip" controls loop muted playsinline preload="metadata" aria-label="{label}">'
    writer.body.append(f'{start}<source src="{writer.attval(source)}" type="video/mp4"></video>\n')


class ResultTable(Result):
    """A table of text cells with its number, caption, methods and files."""

    kind = "table"
    needed = (".display.csv", ".json")
    downloads = ((".csv", "CSV"), (".xlsx", "XLSX"), (".docx", "DOCX"), (".tex", "LaTeX"))
    option_spec = {
        "folder": directives.unchanged,
        "name": directives.unchanged,
        "optional": directives.flag,  # heeded when the book is staged, where references can follow
    }

    def show(self, caption, about):
        """The table node, numbered by `numfig`; cells are text nodes, so markup in data stays text."""
        self.env.note_dependency(str(self.path(".display.csv")))
        with self.path(".display.csv").open(encoding="utf-8", newline="") as stream:
            header, *rows = csv.reader(stream)
        numeric = about.get("numeric") or [False] * len(header)
        self.pointing = {header.index(name) for name in about.get("pointing", []) if name in header}
        title = nodes.title("", "", *caption)
        self.set_source_info(title)
        group = nodes.tgroup("", cols=len(header))
        group += [nodes.colspec("", colwidth=1) for _ in header]
        group += nodes.thead("", self.row(header, numeric))
        group += nodes.tbody("", *(self.row(line, numeric) for line in rows))
        table = nodes.table("", title, group, classes=["result-grid"])
        self.label(table)
        return [table]

    def row(self, texts, numeric):
        """One row; numbers to the right, so that digits stand under digits."""
        row = nodes.row()
        for column, (text, number) in enumerate(zip(texts, numeric)):
            # data stay as they are; without a paragraph in each cell a long table is half as many elements to lay out
            look = {"classes": ["number"] if number else [], "support_smartquotes": False}
            links = self.pointed(column, text)  # links, and only links, must stand in a paragraph
            row += nodes.entry("", *([nodes.paragraph("", "", *links)] if links else unbroken(text)), **look)
        return row

    def pointed(self, column, text):
        """Numbered links to the figures and tables (`page/name, ...`) that a cell of a pointing column names."""
        found = [EVIDENCE.fullmatch(one) for one in text.split(", ")] if column in self.pointing else [None]
        if None in found:
            return []
        study, out = self.env.docname.split("/")[0], []
        for match in found:
            page = f"{match[1].replace('/', '-')}-" if "/" in match[1] else ""  # runs share a notebook
            target = f"{study}-{page}{match[2]}".lower()  # Sphinx keeps labels in lower case
            link = {"refdomain": "std", "reftype": "numref", "reftarget": target, "refexplicit": False}
            literal = nodes.literal(match[0], match[0])
            out += [addnodes.pending_xref("", literal, refdoc=self.env.docname, refwarn=True, **link), nodes.Text(", ")]
        return out[:-1]


def led(finding, caption):
    """The caption with the computed finding before it; the question that led it is then no longer bold."""
    if not finding:
        return caption
    rest = [nodes.inline("", "", *node.children) if isinstance(node, nodes.strong) else node for node in caption]
    return [nodes.strong("", finding, classes=["result-finding"]), nodes.Text(" "), *rest]


def unbroken(text: str):
    """A cell's text; numbers that belong together stay on one line."""
    out, end = [], 0
    for match in TOGETHER.finditer(text):
        out += [nodes.Text(text[end : match.start()]), nodes.inline("", match[0], classes=["together"])]
        end = match.end()
    return [*out, nodes.Text(text[end:])]


def linked(text: str):
    """Text with a link for each DOI; everything else stays as it is."""
    out, end = [], 0
    for match in DOI.finditer(text):
        out.append(nodes.Text(text[end : match.start()]))
        out.append(nodes.reference("", f"doi:{match[1]}", refuri=f"https://doi.org/{match[1]}", internal=False))
        end = match.end()
    return [*out, nodes.Text(text[end:])]


def setup(app):
    """Register with Sphinx; a change of this file re-reads every page."""
    app.add_node(clip, html=(play, lambda writer, node: None))
    app.add_node(live_view, html=(show_view, lambda writer, node: None))
    app.add_directive("result-view", ResultView)
    app.add_directive("result-figure", ResultFigure)
    app.add_directive("result-table", ResultTable)
    version = int(hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:7], 16)
    return {"env_version": version, "parallel_read_safe": True, "parallel_write_safe": True}
