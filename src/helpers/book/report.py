"""What a notebook hands to the book: numbers, figures and tables of one page.

In a notebook, after the parameters cell::

    from helpers.book import report
    page = report.page("results/olnm/discrimination", simulated=True, study="olnm")

**Numbers** (cell tagged `remove-output`; a key can then be used in any text of the page)::

    page.numbers(auc=0.8123, n=116)
    # text:  The AUC was {glue:text}`auc:.2f` in {glue:text}`n` patients.

From another chapter: ``{glue:text}`discrimination.ipynb::auc:.2f` `` (the path is relative to the page).

**Figures** (cell tagged `remove-output`; the name starts with `fig-`)::

    page.figure("fig-roc", axes, data=curve.frame(), methods="DeLong intervals, doi:10.2307/2531595.", n=116)

    :::{result-figure} fig-roc
    :alt: ROC curves of three models; all lie above the diagonal.

    **Who is told apart?** ROC curves in the test set, n = {glue:text}`n`.
    :::
    See {numref}`fig-roc`.

**Tables** (cell tagged `remove-output`; the name starts with `tab-`)::

    page.table("tab-performance", frame, formats={"auc": "{:.3f}"}, headers={"auc": "AUC"}, methods="...")

    :::{result-table} tab-performance
    **How well does each model do?** Test set; 95% intervals by patient.
    :::

What a figure shows leads its caption, before the question: `finding=...`, or the sentence that
`helpers.book.findings` computes from the data.

A figure or table that not every study has (no test set, say) gets the option `:optional:`; it is then left out
where its files were not made, and references to it become words. Without that, a missing file fails the build.

**Views** (a figure with controls; see `helpers.book.views`)::

    page.view("fig-threshold", threshold.build(judged[0], frozen, settings=settings, names=names))

    :::{result-view} fig-threshold
    :alt: ...

    **What would another threshold do?** ...
    :::

By hand in JupyterLab each call shows its figure or table as the value of the cell.
Staging (`helpers.book.publish`) makes the names unique when several studies share one notebook.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.book.figures import write_figure
from helpers.book.files import write_json
from helpers.book.tables import write_table

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure

    from helpers.book.views.view import View

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Page:
    """The results of one executed notebook; made by `page`.

    Parameters
    ----------
    folder : Path
        `results/<study>/<page>`.
    title : str or None
        Question that the page asks.
    simulated : bool
        Whether any number comes from simulated data.
    study : str
        Short name of the study.
    """

    folder: Path
    title: str | None = None
    simulated: bool = False
    study: str = ""

    def numbers(self, **values: object) -> None:
        """Keep numbers for the prose: glued into the notebook and merged into `numbers.json`.

        Parameters
        ----------
        **values : float, int, bool, str or None
            Numpy scalars are converted; a number that is not finite is null in the file.

        Raises
        ------
        TypeError
            If a value is an array, a frame or another object.
        """
        plain = {name: _plain(name, value) for name, value in values.items()}
        for name, value in plain.items():
            _glue(name, value)
        merged = read_numbers(self.folder) if (self.folder / "numbers.json").is_file() else {}
        write_json(self.folder / "numbers.json", merged | {name: _finite(value) for name, value in plain.items()})

    def figure(
        self,
        name: str,
        figure: object,
        *,
        data: pd.DataFrame | None = None,
        methods: str = "",
        n: int | None = None,
        finding: str = "",
    ) -> Figure:
        """Write `figures/<name>.{svg,png,csv,json}`; see `helpers.book.figures.write_figure`.

        Without a `finding` the book computes one from the CSV, where `helpers.book.findings` knows the figure.

        Raises
        ------
        ValueError
            If the name is not `fig-` and lower-case words joined by hyphens.
        """
        _check(name, "fig-")
        n = None if n is None else int(n)
        about = {"methods": methods, "n": n, "finding": finding, "simulated": self.simulated}
        return write_figure(self.folder / "figures", name, figure, data=data, **about)

    def clip(self, name: str, frames: np.ndarray, *, frames_per_second: float) -> None:
        """Write `figures/<name>.mp4`, which plays above that figure; see `helpers.book.clips.write_clip`."""
        from helpers.book.clips import write_clip

        _check(name, "fig-")
        path = self.folder / "figures" / f"{name}.mp4"
        write_clip(path, frames, frames_per_second=frames_per_second, simulated=self.simulated)

    def view(self, name: str, made: View) -> Card:
        """Write `figures/<name>.{view.json,json}` and the view's pictures, `<name>.<picture>`.

        Parameters
        ----------
        name : str
            As of a figure: `fig-` and lower-case words.
        made : helpers.book.views.view.View

        Returns
        -------
        Card
            Which call shows the view in JupyterLab.

        Raises
        ------
        ValueError
            If the name is not `fig-` and lower-case words joined by hyphens.
        """
        from helpers.book.views import view as views

        _check(name, "fig-")
        folder = self.folder / "figures"
        views.write(made, folder, name)
        about = {"kind": "view", "methods": made.methods, "n": made.n, "name": name, "simulated": self.simulated}
        write_json(folder / f"{name}.json", about)
        return Card("View", {"live": f'helpers.book.widgets.{made.kind}("{self.folder.parent.as_posix()}")'})

    def view_if(self, name: str, made: View | None) -> Card | None:
        """`view` where there is something to show; nothing for None. The text shows it with `:optional:`."""
        return None if made is None else self.view(name, made)

    def table(
        self,
        name: str,
        frame: pd.DataFrame,
        *,
        columns: Sequence[str] | None = None,
        formats: Mapping[str, str | Callable[[object], str]] | None = None,
        headers: Mapping[str, str] | None = None,
        pointing: Sequence[str] = (),
        methods: str = "",
        caption_note: str | None = None,
        quoted: bool = False,
        of: tuple[int, int] | Mapping[str, tuple[int, int]] | None = None,
        finding: str = "",
    ) -> pd.DataFrame:
        """Write `tables/<name>.{csv,display.csv,xlsx,docx,tex,json}`; see `helpers.book.tables.write_table`.

        Raises
        ------
        ValueError
            If the name is not `tab-` and lower-case words joined by hyphens, or a column is unknown.
        """
        _check(name, "tab-")
        return write_table(
            self.folder / "tables",
            name,
            frame,
            columns=columns,
            formats=formats,
            headers=headers,
            pointing=pointing,
            methods=methods,
            note=caption_note or "",
            finding=finding,
            simulated=self.simulated,
            quoted=quoted,
            of=of,
        )

    def figure_if(self, name: str, figure: object | None, **options: Any) -> Figure | None:
        """`figure` where there is something to draw; nothing for None (a study without such an input).

        The text shows it with `:optional:`.
        """
        return None if figure is None else self.figure(name, figure, **options)

    def clip_if(self, name: str, frames: np.ndarray | None, **options: Any) -> None:
        """`clip` where there is one; nothing for None."""
        if frames is not None:
            self.clip(name, frames, **options)

    def table_if(self, name: str, frame: pd.DataFrame | None, **options: Any) -> pd.DataFrame | None:
        """`table` where there is one; nothing for None. The text shows it with `:optional:`."""
        return None if frame is None else self.table(name, frame, **options)

    def banner(self, title: str, text: str, /) -> Banner | None:
        """Show a text, a paragraph a line, in a box that warns; nothing where there is no text."""
        return Banner(title, text) if text else None

    def card(self, title: str = "Settings", /, **items: object) -> Card:
        """Show settings as a small card, one line each; texts are escaped."""
        return Card(title, {name: str(value) for name, value in items.items()})


@dataclass(frozen=True)
class Verbatim:
    """Text shown line by line as it is, whatever it holds.

    Examples
    --------
    >>> Verbatim("title: </pre><b>")._repr_html_()
    '<pre class="verbatim" tabindex="0">title: &lt;/pre&gt;&lt;b&gt;</pre>'
    """

    text: str

    def _repr_html_(self) -> str:
        # one line of HTML: a blank line would end the block where HTML stands in Markdown
        lines = html.escape(self.text.rstrip("\n")).replace("\n", "&#10;")
        return f'<pre class="verbatim" tabindex="0">{lines}</pre>'

    def __repr__(self) -> str:
        """The text."""
        return self.text


@dataclass(frozen=True)
class Card:
    """A few named settings, shown as a definition list.

    Examples
    --------
    >>> Card("Settings", {"centre": "<b>"})._repr_html_()
    '<dl class="card-settings"><dt>centre</dt><dd>&lt;b&gt;</dd></dl>'
    """

    title: str
    items: Mapping[str, str] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        lines = "".join(
            f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in self.items.items()
        )
        return f'<dl class="card-settings">{lines}</dl>'

    def __repr__(self) -> str:
        """One line a setting."""
        return "\n".join([self.title, *(f"  {name}: {text}" for name, text in self.items.items())])


@dataclass(frozen=True)
class Banner:
    """A box that warns, as the book draws an admonition.

    Examples
    --------
    >>> Banner("Pilot study", "n < 20")._repr_html_()
    '<div class="admonition warning"><p class="admonition-title">Pilot study</p><p>n &lt; 20</p></div>'
    """

    title: str
    text: str

    def _repr_html_(self) -> str:
        said = "".join(f"<p>{html.escape(line)}</p>" for line in self.text.splitlines())
        return f'<div class="admonition warning"><p class="admonition-title">{html.escape(self.title)}</p>{said}</div>'

    def __repr__(self) -> str:
        """Both in one line."""
        return f"{self.title}: {self.text}"


def page(folder: str | Path, *, title: str | None = None, simulated: bool = False, study: str = "") -> Page:
    """Open the results of one page; the folder is made when absent.

    Parameters
    ----------
    folder : str or Path
        `results/<study>/<page>`.
    title : str or None
        Question that the page asks.
    simulated : bool
        Whether any number on the page comes from simulated data; figures and tables then say so.
    study : str
        Short name of the study.

    Returns
    -------
    Page
        With `numbers`, `figure`, `table` and `card`.

    Examples
    --------
    >>> import tempfile
    >>> results = page(tempfile.mkdtemp())
    >>> results.numbers(auc=0.81, n=116)
    >>> read_numbers(results.folder)
    {'auc': 0.81, 'n': 116}
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return Page(folder, title, bool(simulated), study)


def read_numbers(folder: str | Path) -> dict[str, object]:
    """Read the numbers that another page kept: the mapping in `<folder>/numbers.json`."""
    return json.loads((Path(folder) / "numbers.json").read_text(encoding="utf-8"))


def _check(name: str, prefix: str) -> None:
    if not (name.startswith(prefix) and _SLUG.fullmatch(name)):
        raise ValueError(f"name must be {prefix!r} and lower-case words joined by hyphens, not {name!r}")


def _plain(name: str, value: object) -> object:
    """Glue prints a Python scalar with a format; of a numpy scalar it would print the type too."""
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{name} must be one number or text, not {type(value).__name__}")


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _glue(name: str, value: object) -> None:
    """Hand a value to the text of the book; outside a notebook there is no text to hand it to.

    The same output as `myst_nb.glue(name, value, display=False)`, whose import costs two seconds in every notebook
    because it brings all of Sphinx.
    """
    from IPython import get_ipython

    if get_ipython() is None:
        return
    from IPython.display import display

    prefix = "application/papermill.record/"
    display(
        {f"{prefix}text/plain": repr(value)}, raw=True, metadata={"scrapbook": {"name": name, "mime_prefix": prefix}}
    )
