"""Views of a study's results in JupyterLab, one call each::

    from helpers.book import widgets
    widgets.threshold("results/olnm")       # what would another threshold do?
    widgets.contrast("results/olnm")        # contrast clips, frame by frame
    widgets.attention("results/olnm")       # heat maps of the judged cases
    widgets.replay("results/calcified")     # readers, case by case
    widgets.outlines("results/lymphnode")   # drawn by hand and by a network
    widgets.cohort("results/olnm")          # who is left after some filters?

The first five show what the book shows, from the same file and so with the same numbers. Where a result is missing,
or not whole, the widget is a note that names the command which makes it, so that a notebook runs on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.book.views.markup import element
from helpers.book.widgets.cohort_filter import CohortFilter
from helpers.book.widgets.found import find, study_folder
from helpers.book.widgets.panel import Panel, look, styled
from helpers.data.errors import StudyError

if TYPE_CHECKING:
    import ipywidgets

__all__ = ["attention", "cohort", "contrast", "outlines", "replay", "threshold"]


def threshold(results: str | Path) -> ipywidgets.Widget:
    """Threshold explorer: ROC point, calibration mark, net benefit, two-by-two table and one hundred patients.

    Parameters
    ----------
    results : path
        Results of a study, `results/<study>`.

    Returns
    -------
    ipywidgets.Widget
        The view, or a note when the page `discrimination` was not made.
    """
    return _shown("threshold", results)


def contrast(results: str | Path) -> ipywidgets.Widget:
    """Contrast scrubber: B-mode and contrast side by side, time-intensity curve under a cursor; see `threshold`."""
    return _shown("contrast", results)


def attention(results: str | Path) -> ipywidgets.Widget:
    """Case browser for heat maps, of the networks and their control; see `threshold`."""
    return _shown("attention", results)


def replay(results: str | Path) -> ipywidgets.Widget:
    """Replay of a reader study, case by case; see `threshold`."""
    return _shown("replay", results)


def outlines(results: str | Path) -> ipywidgets.Widget:
    """Segmentation browser, the worst case first; see `threshold`."""
    return _shown("outlines", results)


def cohort(results: str | Path) -> ipywidgets.Widget:
    """Cohort filter: how many patients, cases and events are left, and their Table 1.

    Parameters
    ----------
    results : path
        Results of a study; its folder is taken from what they record.

    Returns
    -------
    ipywidgets.Widget
        The filter, or a note when the study's tables are not there.
    """
    return _noted(lambda: CohortFilter(study_folder(results)).widget)


def _shown(kind: str, results: str | Path) -> ipywidgets.Widget:
    def made() -> ipywidgets.Widget:
        view, simulated = find(kind, results)
        return Panel(view, simulated=simulated).widget

    return _noted(made)


def _noted(made: Callable[[], ipywidgets.Widget]) -> ipywidgets.Widget:
    """A widget, or what a user must do to have it."""
    import ipywidgets

    try:
        return made()
    except StudyError as error:
        return ipywidgets.VBox(
            [look(), ipywidgets.HTML(styled("note", element("p", str(error), class_="v-status"), simulated=False))]
        )
