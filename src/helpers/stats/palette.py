"""One look for a model across the book: colour, line style and marker, readable without colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours in an order of falling contrast on white; yellow is left out (too light for lines).
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#56B4E9", "#E69F00")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
REFERENCE = "#767676"  # for diagonals, "all" and "none"; 4.5:1 on white


@dataclass(frozen=True)
class Style:
    """Look of one model.

    Parameters
    ----------
    color : str
        Hexadecimal colour.
    linestyle : str or tuple
        As matplotlib takes it.
    marker : str

    Examples
    --------
    >>> Style("#0072B2", "-", "o").line()
    {'color': '#0072B2', 'linestyle': '-'}
    """

    color: str
    linestyle: str | tuple
    marker: str

    def line(self) -> dict:
        """Keyword arguments for a line."""
        return {"color": self.color, "linestyle": self.linestyle}

    def point(self) -> dict:
        """Keyword arguments for points without a line."""
        return {"color": self.color, "marker": self.marker, "linestyle": "none"}


def styles(names: Sequence[str]) -> dict[str, Style]:
    """Give each name its look, by the order of the names.

    The same list always gives the same looks: pass all models of a study, in the order of `study.yaml`,
    wherever some of them are drawn. After seven names the line styles shift, so 49 names stay distinct.

    Parameters
    ----------
    names : sequence of str
        Models; repeated names count once.

    Returns
    -------
    dict of str to Style

    Examples
    --------
    >>> look = styles(["image", "video"])
    >>> look["image"].color, look["video"].linestyle
    ('#0072B2', '--')
    """
    look = {}
    for index, name in enumerate(dict.fromkeys(names)):
        turn, at = divmod(index, len(COLORS))
        shifted = (at + turn) % len(LINES)
        look[name] = Style(COLORS[at], LINES[shifted], MARKERS[shifted])
    return look


def label(name: str) -> str:
    """A name as the label of a line: matplotlib leaves labels that begin with an underscore out of the legend.

    Examples
    --------
    >>> label("video"), len(label("_v2"))
    ('video', 4)
    """
    return f"\u200b{name}" if name.startswith("_") else name  # a space without width


def axes(ax: Axes | None = None, *, width: float = 4.6, height: float = 4.6) -> Axes:
    """Return the axes given, or those of a new figure.

    Parameters
    ----------
    ax : matplotlib Axes or None
    width, height : float
        Size of a new figure, in inches.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> axes(width=3, height=2).figure.get_size_inches().tolist()
    [3.0, 2.0]
    """
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def roc_square(ax: Axes | None = None) -> Axes:
    """Return square axes for ROC curves, with the diagonal of chance.

    Parameters
    ----------
    ax : matplotlib Axes or None
        None makes a new figure.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> roc_square().get_xlabel()
    '1 − specificity'
    """
    ax = axes(ax)
    ax.plot([0, 1], [0, 1], color=REFERENCE, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
    ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal", xlabel="1 − specificity", ylabel="Sensitivity")
    return ax


def grid(count: int, *, columns: int, width: float, height: float, **options: object) -> tuple[Figure, list[Axes]]:
    """Return a figure of equal axes, row by row; places that are left over stay empty.

    Parameters
    ----------
    count : int
        Number of axes.
    columns : int
        Most axes in a row.
    width, height : float
        Of one axes, in inches.
    **options
        Of `matplotlib.pyplot.subplots`.

    Returns
    -------
    figure : matplotlib Figure
    axes : list of `count` Axes

    Examples
    --------
    >>> figure, panels = grid(3, columns=2, width=2, height=2)
    >>> len(panels), figure.get_size_inches().tolist()
    (3, [4.0, 4.0])
    """
    import matplotlib.pyplot as plt

    wide = min(columns, count)
    rows = -(-count // wide)
    size = (width * wide, height * rows)
    figure, made = plt.subplots(rows, wide, figsize=size, squeeze=False, layout="constrained", **options)
    for ax in made.flat[count:]:
        ax.remove()
    return figure, list(made.flat[:count])


def label_edges(axes: Sequence[Axes], *, columns: int) -> None:
    """Keep labels and tick labels at the lower and left edge of a grid only, also above places that stayed empty.

    Parameters
    ----------
    axes : sequence of Axes
        From `grid`, row by row.
    columns : int
        As given to `grid`.

    Examples
    --------
    >>> figure, panels = grid(3, columns=2, width=2, height=2)
    >>> labelled = [ax.set(xlabel="x", ylabel="y") for ax in panels]
    >>> label_edges(panels, columns=2)
    >>> [ax.get_xlabel() for ax in panels], [ax.get_ylabel() for ax in panels]
    (['', 'x', 'x'], ['y', '', 'y'])
    """
    for place, ax in enumerate(axes):
        below, left = place + columns >= len(axes), place % columns == 0
        ax.tick_params(labelbottom=below, labelleft=left)
        if not below:
            ax.set_xlabel("")
        if not left:
            ax.set_ylabel("")
