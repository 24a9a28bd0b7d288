"""Glossary where it is needed: the first use of a term on a page explains itself, by mouse and by keyboard.

The word becomes a link to the glossary with its definition beside it, shown while the word is pointed at or has the
focus (the style sheet does that, no script); a screen reader reads it as the link's description.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

GLOSSARY = "glossary"
PLAIN = {GLOSSARY, "references", "changelog", "citation", "intro"}  # pages that explain nothing
SKIPPED = (nodes.reference, nodes.literal, nodes.math, nodes.title, nodes.entry, nodes.term, addnodes.pending_xref)
TOO_COMMON = {"tune", "seed"}  # words with a common meaning, explained only where the text asks with {term}


class explained(nodes.Inline, nodes.TextElement):
    """A word with its definition; the word is the text, so that the search finds it."""


def words_of(term: str) -> list[str]:
    """Words that a glossary entry explains: "PPV, NPV" are two."""
    return [word.strip() for word in term.split(",") if word.strip()]


def definitions(app) -> dict[str, tuple[str, str]]:
    """Word to (anchor, definition), read once a build from the glossary's tree."""
    known = getattr(app, "_explained", None)
    if known is None:
        known = {}
        tree = app.env.get_doctree(GLOSSARY) if GLOSSARY in app.env.found_docs else nodes.Element()
        for item in tree.findall(nodes.definition_list_item):
            terms = [node for node in item.children if isinstance(node, nodes.term)]
            text = " ".join(plain(node) for node in item.children if isinstance(node, nodes.definition))
            for term in terms:
                for word in words_of(term.astext()):
                    known[word] = (term["ids"][0], text)
        app._explained = known
    return known


def plain(definition) -> str:
    """The definition as text, without its citations."""
    copy = definition.deepcopy()
    for node in [*copy.findall(addnodes.pending_xref), *copy.findall(nodes.citation_reference)]:
        node.parent.remove(node)
    return re.sub(r"\s+([.,;:])", r"\1", " ".join(copy.astext().split()))


def pattern(words) -> re.Pattern[str] | None:
    """Finds a word of the glossary: abbreviations as they are written, others in any case and in the plural."""
    found = []
    for word in sorted(words, key=len, reverse=True):
        if word.lower() in TOO_COMMON:
            continue
        exact = any(letter.isupper() for letter in word[1:])
        found.append(f"(?:{re.escape(word)}s?)" if exact else f"(?i:{re.escape(word)}s?)")
    return re.compile(rf"(?<![\w-])(?:{'|'.join(found)})(?![\w-])") if found else None


def key_of(text: str, known) -> str | None:
    """The glossary's word for a text of a page."""
    folded = {word.lower(): word for word in known}
    for form in (text, text.removesuffix("s")):
        if form in known:
            return form
        if form.lower() in folded:
            return folded[form.lower()]
    return None


def explain(app, doctree, docname):
    """Replace the first use of each term in the running text of a page, and every {term} of it."""
    if app.builder.format != "html" or docname in PLAIN:
        return
    known = definitions(app)
    base = app.builder.get_relative_uri(docname, GLOSSARY)
    made: dict[str, int] = {}
    used: set[str] = set()  # by running text; a {term} further down does not take its place

    def node_for(text, word):
        anchor, definition = known[word]
        made[anchor] = made.get(anchor, 0) + 1
        name = f"tip-{anchor}-{made[anchor]}".lower()
        return explained("", "", nodes.Text(text), href=f"{base}#{anchor}", tip=definition, tip_id=name)

    for link in list(doctree.findall(nodes.reference)):
        word = key_of(link.astext(), known) if f"{base}#term-" in link.get("refuri", "") else None
        if word:
            link.replace_self(node_for(link.astext(), word))
    finder = pattern(known)
    for paragraph in doctree.findall(nodes.paragraph) if finder else ():
        if _inside(paragraph, None) or {"result-downloads"} & set(paragraph["classes"]):
            continue
        for text in [node for node in paragraph.findall(nodes.Text) if not _inside(node.parent, paragraph)]:
            parts = split(text.astext(), finder, known, used, node_for)
            if len(parts) > 1:
                text.parent.replace(text, parts)


def split(text, finder, known, used, node_for):
    """Text with the terms that this page has not explained yet as nodes of their own."""
    parts, end = [], 0
    for match in finder.finditer(text):
        word = key_of(match[0], known)
        if word is None or known[word][0] in used:
            continue
        used.add(known[word][0])
        parts += [nodes.Text(text[end : match.start()]), node_for(match[0], word)]
        end = match.end()
    return [*parts, nodes.Text(text[end:])]


def _inside(node, top) -> bool:
    """Whether a node stands in something that must stay as it is."""
    while node is not None and node is not top:
        if isinstance(node, (*SKIPPED, explained)):
            return True
        node = node.parent
    return False


def visit(writer, node):
    """The word as a link that is described by the definition after it."""
    href, name = writer.attval(node["href"]), writer.attval(node["tip_id"])
    writer.body.append(f'<a class="explained" href="{href}" aria-describedby="{name}">')


def depart(writer, node):
    """The definition: a part of the paragraph that is hidden until it is asked for."""
    writer.body.append("</a>")
    name = writer.attval(node["tip_id"])
    writer.body.append(f'<span class="explanation" role="tooltip" id="{name}">{writer.encode(node["tip"])}</span>')


def all_pages(app, env, added, changed, removed):
    """A changed glossary changes every page."""
    return set(env.found_docs) if GLOSSARY in (set(added) | set(changed)) else set()


def setup(app):
    """Register with Sphinx; a change of this file re-reads every page."""
    app.add_node(explained, html=(visit, depart))
    app.connect("env-get-outdated", all_pages)
    app.connect("doctree-resolved", explain, priority=900)
    version = int(hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:7], 16)
    return {"env_version": version, "parallel_read_safe": True, "parallel_write_safe": True}
