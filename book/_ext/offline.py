"""Keep the book free of requests to other hosts: formulas from the installed package, no scripts from elsewhere."""

from __future__ import annotations

import shutil
from importlib.metadata import files
from pathlib import Path

# What tex-chtml.js needs: itself and the fonts it draws with. The package brings 6 MB, this is 1 MB.
_PARTS = ("mathjax/tex-chtml.js", "mathjax/output/chtml/fonts/woff-v2/")


def mathjax_files() -> list[tuple[Path, str]]:
    """Find MathJax in the installed package `sphinx-mathjax-offline`: (file, path inside `_static`)."""
    found = []
    for entry in files("sphinx-mathjax-offline") or []:
        _, _, inside = entry.as_posix().partition("/static/")
        if inside.startswith(_PARTS):
            found.append((Path(str(entry.locate())), inside))
    if not found:
        raise RuntimeError("MathJax is not in the installed package sphinx-mathjax-offline; install requirements.txt")
    return found


def copy_mathjax(app, exception):
    """Put MathJax beside the pages, once."""
    if exception is not None or app.builder.format != "html":
        return
    for source, inside in mathjax_files():
        target = Path(app.outdir) / "_static" / inside
        if not target.is_file() or target.stat().st_size != source.stat().st_size:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def drop_thebe(app, pagename, templatename, context, doctree):
    """Live code needs a server; its scripts name one on every page."""
    scripts = context.get("script_files")
    if scripts is not None:
        scripts[:] = [script for script in scripts if not _is_thebe(script)]


def _is_thebe(script) -> bool:
    text = f"{script} {getattr(script, 'attributes', '')}"
    return "thebe" in text.lower()


def setup(app):
    """Register with Sphinx."""
    app.connect("html-page-context", drop_thebe, priority=900)
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
