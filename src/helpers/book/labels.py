r"""Make one notebook's labels unique per study, so that two studies can share the notebook.

Understood in MyST text: `(label)=`, `:name: label`, `:label: label`, `$$ ... $$ (label)`, the names of
`{result-figure}`, `{result-view}` and `{result-table}`; and, pointing at them, ``{ref}``, ``{numref}``, ``{eq}``,
``{doc}`` and `[text](#label)`. Text inside plain code fences is left alone.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator

_FENCE = re.compile(r"^\s*(`{3,}|~{3,})(.*)$")
_RESULT = re.compile(r"^(\s*)(:{3,}|`{3,})\{(result-figure|result-table|result-view)\}\s*(\S+)\s*$")
_TARGET = re.compile(r"^(\s*\()([^()\s]+)(\)=\s*)$")
_NAME = re.compile(r"^(\s*:(?:name|label):\s*)(\S+)(\s*)$")
_MATH = re.compile(r"^(.*\$\$\s*\()([^()\s]+)(\)\s*)$")
_ROLE = re.compile(r"\{(ref|numref|eq|doc)\}`([^`]+)`")
_TITLED = re.compile(r"^(.*?)\s*<([^<>]+)>\s*$", re.DOTALL)
_GLUE = re.compile(r"\{glue:text\}`([^`:]+\.(?:ipynb|md)::[^`:]+)`")
_LINK = re.compile(r"\[([^\]\n]*)\]\((#[^()\s]+|[^()\s:#]+\.(?:ipynb|md))\)")
_KINDS = {"fig-": "the figure on", "tab-": "the table on", "eq-": "the equation on"}


def defined(text: str) -> list[str]:
    """List the labels that a text defines, in order.

    Examples
    --------
    >>> defined(chr(10).join(["(cohort)=", "# Who?", ":::{result-figure} fig-flow", ":alt: x", "", "Flow.", ":::"]))
    ['cohort', 'fig-flow']
    """
    found: list[str] = []
    for line, literal in _lines(text):
        if literal:
            continue
        result = _RESULT.match(line)
        if result:
            found.append(result[4])
        for pattern in (_TARGET, _NAME, _MATH):
            match = pattern.match(line)
            if match:
                found.append(match[2])
    return list(dict.fromkeys(found))


def without(text: str, present: Collection[str]) -> str:
    """Leave out result directives that are marked `:optional:` and whose files were not made.

    Parameters
    ----------
    text : str
        MyST text of a page.
    present : collection of str
        Names of figures and tables that the page wrote.

    Returns
    -------
    str
        The text; references to what was left out become words when `rewrite` meets them.

    Examples
    --------
    >>> lines = ["A.", ":::{result-table} tab-a", ":optional:", "", "Caption.", ":::", "B."]
    >>> without(chr(10).join(lines), []), len(without(chr(10).join(lines), ["tab-a"]).split(chr(10)))
    ('A.\\nB.', 7)
    """
    lines, out, closing = text.split("\n"), [], ""
    for at, line in enumerate(lines):
        result = _RESULT.match(line)
        if closing:
            closing = "" if line.strip() == closing else closing
        elif result and result[4] not in present and ":optional:" in map(str.strip, _options(lines[at + 1 :])):
            closing = result[2]
        else:
            out.append(line)
    return "\n".join(out)


def rewrite(
    text: str,
    *,
    prefix: str,
    resolve: Callable[[str], str | None],
    document: Callable[[str], bool],
) -> str:
    """Prefix the labels that a text defines and point its references at the labels of its study.

    Parameters
    ----------
    text : str
        MyST text of a page.
    prefix : str
        Put before each label that the text defines, such as `olnm-`.
    resolve : function
        From the label of a reference to the label to use; None when its chapter is not in this study: the
        reference then becomes plain text (its title, or words made from the label).
    document : function
        Whether a page, named relative to this one as in ``{doc}``, is in the book.

    Returns
    -------
    str
        The text for this study.

    Examples
    --------
    >>> known = {"fig-roc": "olnm-fig-roc"}
    >>> text = "See {numref}`fig-roc` and {ref}`the clips <inputs>`."
    >>> rewrite(text, prefix="olnm-", resolve=known.get, document=bool)
    'See {numref}`olnm-fig-roc` and the clips.'
    """

    def role(match: re.Match[str]) -> str:
        kind, body = match[1], match[2]
        titled = _TITLED.match(body)
        title, target = (titled[1], titled[2]) if titled else ("", body)
        if kind == "doc":
            return match[0] if document(target) else plain(title, posixpath.basename(target))
        label = resolve(target)
        if label is None:
            return plain(title, target)
        return f"{{{kind}}}`{title} <{label}>`" if titled else f"{{{kind}}}`{label}`"

    def link(match: re.Match[str]) -> str:
        title, target = match[1], match[2]
        if not target.startswith("#"):
            page = target.rsplit(".", 1)[0]
            return match[0] if document(page) else plain(title, posixpath.basename(page))
        label = resolve(target[1:])
        return plain(title, target[1:]) if label is None else f"[{title}](#{label})"

    out: list[str] = []
    prose: list[str] = []

    def flush() -> None:
        # without a format, the number of another page is taken for one of this page
        text = _GLUE.sub(r"{glue:text}`\1:s`", "\n".join(prose))
        out.append(_LINK.sub(link, _ROLE.sub(role, text)))
        prose.clear()

    for line, literal in _lines(_named(text)):
        if literal:
            if prose:
                flush()
            out.append(line)
            continue
        for pattern in (_TARGET, _NAME, _MATH):
            line = pattern.sub(lambda match: f"{match[1]}{prefix}{match[2]}{match[3]}", line)
        prose.append(line)
    if prose:
        flush()
    return "\n".join(out)


def plain(title: str, target: str) -> str:
    """Words for a reference whose chapter is not in this study.

    Examples
    --------
    >>> plain("", "fig-roc-curves"), plain("", "inputs"), plain("how clips are read", "inputs")
    ('the figure on roc curves', 'inputs', 'how clips are read')
    """
    if title and "%s" not in title and "{" not in title:
        return title
    for start, words in _KINDS.items():
        if target.startswith(start):
            return f"{words} {target[len(start) :].replace('-', ' ')}"
    return target.replace("-", " ").replace("_", " ")


def resolver(
    own: Collection[str],
    study: dict[str, str],
    *,
    prefix: str,
    elsewhere: Collection[str] = (),
    everywhere: Collection[str] = (),
) -> Callable[[str], str | None]:
    """Say where a label of a page leads.

    Parameters
    ----------
    own : collection of str
        Labels of the page itself.
    study : dict from label to str
        Labels of the study's other pages, with their full names.
    prefix : str
        Prefix of the page itself.
    elsewhere : collection of str
        Labels of chapters that this study does not have: references to them become plain text.
    everywhere : collection of str
        Labels of pages outside studies, which keep their names.

    Returns
    -------
    function
        From label to full label, or None for plain text. A label that nobody defines is kept, so that the
        strict build reports it.
    """

    def resolve(label: str) -> str | None:
        if label in own:
            return prefix + label
        if label in study:
            return study[label]
        if label in everywhere or label not in elsewhere:
            return label
        return None

    return resolve


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """Lines, and whether each lies in a code fence; a fence with another directive holds text."""
    fences: list[tuple[str, bool]] = []
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        inside = bool(fences) and fences[-1][1]
        kind = mark[2].strip() if mark else ""
        if mark and fences and not kind and mark[1].startswith(fences[-1][0]):
            yield line, fences.pop()[1]
        elif mark and not inside:
            literal = not kind.startswith("{") or kind.startswith("{code")
            fences.append((mark[1], literal))
            yield line, literal
        else:
            yield line, inside


def _named(text: str) -> str:
    """Give each result directive a `:name:` of its own; the prefix is then put on that, not on the file."""
    lines, out = text.split("\n"), []
    for at, line in enumerate(lines):
        out.append(line)
        result = _RESULT.match(line)
        if result and not any(_NAME.match(option) for option in _options(lines[at + 1 :])):
            out.append(f"{result[1]}:name: {result[4]}")
    return "\n".join(out)


def _options(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if not line.lstrip().startswith(":") or line.lstrip().startswith(":::"):
            return
        yield line
