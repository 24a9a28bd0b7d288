"""Write one figure for readers, journals and machines: SVG, PNG, the CSV behind it and what it is."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.book.files import write_bytes, write_json, write_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

DPI = 300  # what journals ask of a halftone figure
MARK = "Simulated data"
_MARK_ID = "simulated-mark"


def write_figure(
    folder: str | Path,
    name: str,
    figure: object,
    *,
    data: pd.DataFrame | None = None,
    methods: str = "",
    n: int | None = None,
    finding: str = "",
    simulated: bool = False,
) -> Figure:
    """Write `<name>.svg`, `.png` (300 dpi), `.csv` and `.json`; the same figure gives the same bytes.

    Letters are drawn as outlines, so the page looks the same on every machine without its fonts.

    Parameters
    ----------
    folder : str or Path
        Where the files go.
    name : str
        Stem of the files, such as `fig-roc`.
    figure : matplotlib Figure or Axes
        What is drawn. A figure that pyplot holds is released from it, so that it is shown once.
    data : DataFrame or None
        The numbers behind the figure, one row a mark; no CSV when None.
    methods : str
        How the numbers were made, in a sentence; `doi:10.1000/xyz` becomes a link in the book.
    n : int or None
        Cases drawn.
    finding : str
        What the figure shows, in a computed sentence; it leads the caption.
    simulated : bool
        Write "Simulated data" under the lower right corner and into the files' descriptions.

    Returns
    -------
    Figure
        The figure, for JupyterLab to show.

    Raises
    ------
    TypeError
        If `figure` is neither a figure nor axes, or `data` is no DataFrame.

    Examples
    --------
    >>> import tempfile, matplotlib.figure
    >>> folder = Path(tempfile.mkdtemp())
    >>> figure = matplotlib.figure.Figure()
    >>> _ = write_figure(folder, "fig-empty", figure, simulated=True)
    >>> sorted(path.name for path in folder.iterdir())
    ['fig-empty.json', 'fig-empty.png', 'fig-empty.svg']
    """
    import matplotlib as mpl

    folder, drawn = Path(folder), _as_figure(figure)
    if data is not None and not hasattr(data, "to_csv"):
        raise TypeError(f"data must be a DataFrame, not {type(data).__name__}")
    if simulated:
        _mark(drawn)
    description = f"{name}. {MARK}: no finding about patients." if simulated else f"{name}."
    svg, png = io.BytesIO(), io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "path", "savefig.facecolor": "white"}):
        about = {"Date": None, "Creator": "ThyroBook", "Description": description}
        drawn.savefig(svg, format="svg", bbox_inches="tight", metadata=about)
        about = {"Software": None, "Description": description}
        drawn.savefig(png, format="png", dpi=DPI, bbox_inches="tight", metadata=about)
    _forget_tiffs(folder / f"{name}.svg", svg.getvalue())
    write_bytes(folder / f"{name}.svg", svg.getvalue())
    write_bytes(folder / f"{name}.png", png.getvalue())
    if data is not None:
        write_text(folder / f"{name}.csv", data.to_csv(index=False, lineterminator="\n"))
    about = {"kind": "figure", "methods": methods, "n": n, "name": name, "simulated": simulated}
    write_json(folder / f"{name}.json", about | ({"finding": finding} if finding else {}))
    return _released(drawn)


def _forget_tiffs(svg: Path, drawn: bytes) -> None:
    """Remove TIFFs of an earlier drawing; `make tiff` draws them anew."""
    if not (svg.is_file() and svg.read_bytes() == drawn):
        for old in svg.parent.glob(f"{svg.stem}-*dpi.tiff"):
            old.unlink()


def _as_figure(figure: object) -> Figure:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    if isinstance(figure, Axes):
        figure = figure.get_figure(root=True)
    if not isinstance(figure, Figure):
        raise TypeError(f"figure must be a matplotlib Figure or Axes, not {type(figure).__name__}")
    return figure


def _mark(figure: Figure) -> None:
    """Write the mark below the figure's own area: the tight box grows, so it covers nothing drawn."""
    if any(text.get_gid() == _MARK_ID for text in figure.texts):
        return
    mark = figure.text(0.995, -0.01, MARK, ha="right", va="top", fontsize=7, color="#8a4b00", style="italic")
    mark.set_gid(_MARK_ID)
    mark.set_in_layout(True)


def _released(figure: Figure) -> Figure:
    """Take this one figure out of pyplot: a notebook would show it twice, and keep it in memory."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and pyplot.fignum_exists(getattr(figure, "number", -1)):
        pyplot.close(figure)
    return figure
