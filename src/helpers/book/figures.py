"""Write one figure for readers, journals and machines: SVG, PNG, TIFF, the CSV behind it and what it is."""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.book.files import write_bytes, write_json, write_text
from helpers.data import spreadsheet

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import LayoutEngine
    from matplotlib.transforms import Bbox
    from PIL import Image

# what journals ask of a halftone figure; TIFFs come at this and at twice as many, for lines. Drafts may have fewer
DPI = int(os.environ.get("THYROBOOK_DPI", "300"))
MOST_PIXELS = 150e6  # a drawing above this at the finer resolution has the coarser TIFF only
PHOTOGRAPH = 40 * 40  # pixels of an image that make a figure a halftone
MARK = "Simulated data"
PREDICTOR = 317  # TIFF tag: neighbours are subtracted before they are compressed
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
    """Write `<name>.svg`, `.png` (300 dpi), TIFFs (300 and 600 dpi), `.csv` and `.json`; the same bytes each time.

    Letters are drawn as outlines, so the page looks the same on every machine without its fonts; no text is read as a
    formula. Pixels are drawn once, at 600 dpi; the coarser files are means of four of them. TIFFs are RGB on white,
    compressed without loss (LZW). A figure of photographs, a halftone to a printer, has 300 dpi only: its photographs
    hold no more.

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
    ['fig-empty-300dpi.tiff', 'fig-empty-600dpi.tiff', 'fig-empty.json', 'fig-empty.png', 'fig-empty.svg']
    """
    import matplotlib as mpl

    folder, drawn = Path(folder), _as_figure(figure)
    if data is not None and not hasattr(data, "to_csv"):
        raise TypeError(f"data must be a DataFrame, not {type(data).__name__}")
    if simulated:
        _mark(drawn)
    description = f"{name}. {MARK}: no finding about patients." if simulated else f"{name}."
    svg = io.BytesIO()
    look = {"svg.hashsalt": name, "svg.fonttype": "path", "savefig.facecolor": "white", "text.parse_math": False}
    with mpl.rc_context(look):
        _without_mathematics(drawn)
        box, engine = _laid_out(drawn)
        about = {"Date": None, "Creator": "ThyroBook", "Description": description}
        drawn.savefig(svg, format="svg", bbox_inches=box, metadata=about)
        times = _times(drawn, box)
        pixels = _pixels(drawn, box, times * DPI)
    drawn.set_layout_engine(engine)
    write_bytes(folder / f"{name}.svg", re.sub(rb"\n +", b"\n", svg.getvalue()))  # a tenth is indentation
    _write_pixels(folder, name, pixels, times, description)
    if data is not None:
        write_text(folder / f"{name}.csv", spreadsheet.to_csv(data))
    about = {"kind": "figure", "methods": methods, "n": n, "name": name, "simulated": simulated}
    write_json(folder / f"{name}.json", about | ({"finding": finding} if finding else {}))
    return _released(drawn)


def _laid_out(figure: Figure) -> tuple[Bbox, LayoutEngine | None]:
    """Lay a figure out once for all files: its box in inches, and the engine that was put to rest for that."""
    import matplotlib as mpl

    figure.draw_without_rendering()
    engine = figure.get_layout_engine()
    with mpl.rc_context({"figure.autolayout": False, "figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)  # "none" would leave an engine that has every file drawn twice
    return figure.get_tightbbox().padded(0.1), engine


def _times(figure: Figure, box: Bbox) -> int:
    """How many times `DPI` a figure is drawn at: once for photographs, which hold no more, and for posters."""
    photographs = any(
        image.get_size()[0] * image.get_size()[1] > PHOTOGRAPH for ax in figure.axes for image in ax.images
    )
    return 1 if photographs or 4 * DPI**2 * box.width * box.height > MOST_PIXELS else 2


def _pixels(figure: Figure, box: Bbox, dpi: int) -> Image.Image:
    """The drawing on white, RGB."""
    import numpy as np
    from PIL import Image

    raw = io.BytesIO()
    figure.savefig(raw, format="rgba", dpi=dpi, bbox_inches=box)
    width = int(box.width * dpi + 1e-6)  # as the renderer cuts it
    pixels = np.frombuffer(raw.getbuffer(), np.uint8).reshape(-1, width, 4)
    return Image.fromarray(pixels).convert("RGB")


def _write_pixels(folder: Path, name: str, fine: Image.Image, times: int, description: str) -> None:
    """Write PNG and TIFFs of a drawing with `times` as many dots an inch as the PNG has."""
    from PIL import PngImagePlugin

    coarse, notes, png = fine.reduce(times), PngImagePlugin.PngInfo(), io.BytesIO()
    notes.add_text("Description", description)
    coarse.save(png, "PNG", dpi=(DPI, DPI), pnginfo=notes, compress_level=3)  # half the time, a tenth larger
    write_bytes(folder / f"{name}.png", png.getvalue())
    (folder / f"{name}-{2 * DPI}dpi.tiff").unlink(missing_ok=True)  # of an earlier drawing
    for dpi, drawing in {DPI: coarse, times * DPI: fine}.items():
        tiff = io.BytesIO()
        options = {"compression": "tiff_lzw", "description": description, "dpi": (dpi, dpi)}
        drawing.save(tiff, "TIFF", **options, tiffinfo={PREDICTOR: 2})
        write_bytes(folder / f"{name}-{dpi}dpi.tiff", tiff.getvalue())


def _without_mathematics(figure: Figure) -> None:
    """Draw every text as it stands: in the name of a model or centre a `$` is a dollar, not the start of a formula.

    Only the ticks of logarithmic axes are formulas, which matplotlib itself writes; those must be there to be marked.
    """
    from matplotlib.text import Text
    from matplotlib.ticker import LogFormatter

    for text in figure.findobj(Text):
        text.set_parse_math(False)
    sides = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    powers = [axis.get_ticklabels for axis in sides if isinstance(axis.get_major_formatter(), LogFormatter)]
    between = [axis.get_ticklabels for axis in sides if isinstance(axis.get_minor_formatter(), LogFormatter)]
    if powers or between:
        figure.draw_without_rendering()
    ticks = [text for labels in powers for text in labels()]
    for text in ticks + [text for labels in between for text in labels(minor=True)]:
        text.set_parse_math(True)


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
