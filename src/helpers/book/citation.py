"""How to cite the book: the page made from `CITATION.cff`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from helpers.book.pages import escaped


def box(cff: bytes) -> str:
    """Reference in words and as BibTeX, as MyST text.

    Parameters
    ----------
    cff : bytes
        `CITATION.cff`: title, version, date-released and authors; doi, url and license when known.

    Raises
    ------
    ValueError
        If title, version, date or authors are missing.

    Examples
    --------
    >>> text = "title: A\\nversion: 1.0\\ndate-released: 2026-11-21\\nauthors: [{name: The group}]"
    >>> print(box(text.encode()).split(chr(10))[2])
    The group (2026). *A* (version 1.0). Software.
    """
    about = yaml.safe_load(cff.decode("utf-8"))
    missing = [key for key in ("title", "version", "date-released", "authors") if not about.get(key)]
    if missing:
        raise ValueError(f"CITATION.cff lacks {', '.join(missing)}")
    names, year = [_name(author) for author in about["authors"]], str(about["date-released"])[:4]
    title, version = " ".join(str(about["title"]).split()), str(about["version"])
    more = [f"Licence: {escaped(str(about['license']))}."] if about.get("license") else []
    more += [f"https://doi.org/{about['doi']}"] if about.get("doi") else []
    words = f"{escaped('; '.join(names))} ({year}). *{escaped(title)}* (version {escaped(version)}). Software."
    fields = {"author": " and ".join(f"{{{name}}}" for name in names), "title": f"{{{title}}}", "year": year}
    fields |= {"version": version} | ({"doi": str(about["doi"])} if about.get("doi") else {})
    key = re.sub(r"\W", "", title.split(":")[0].lower()) + year
    bibtex = [f"@software{{{key},", *(f"  {name} = {{{text}}}," for name, text in fields.items()), "}"]
    lines = [":::{admonition} Cite this book", ":class: citation-box", " ".join([words, *more]), "", "```bibtex"]
    return "\n".join([*lines, *bibtex, "```", ":::"])


def _name(author: Mapping[str, Any]) -> str:
    parts = [author.get("family-names"), author.get("given-names")]
    return str(author.get("name") or ", ".join(str(part) for part in parts if part))
