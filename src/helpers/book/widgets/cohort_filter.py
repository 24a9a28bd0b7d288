"""Cohort filter: what is left after each choice, by split, with the Table 1 of those who are left."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.book.views.markup import Markup, element
from helpers.book.widgets.panel import look, styled
from helpers.data import cohort, table_view
from helpers.data.study import read as read_study

if TYPE_CHECKING:
    import ipywidgets

ALL = "all"


class CohortFilter:
    """Filters over a study's cohort table.

    Parameters
    ----------
    folder : path
        The study's folder.

    Attributes
    ----------
    widget : ipywidgets.VBox
    controls : dict of str to ipywidgets.Widget
        By column; `center` and the declared covariates.
    """

    def __init__(self, folder: str | Path) -> None:
        import ipywidgets

        self.study = read_study(folder)
        self.cases = cohort.read(folder, study=self.study)
        self.types = {c.name: c for c in self.study.covariates if self.cases[c.name].notna().any()}
        self.controls: dict[str, Any] = {}
        for name, title in {"center": "Centre", **{c.name: c.label or c.name for c in self.types.values()}}.items():
            made = self._made(name, title)
            if made is not None:
                self.controls[name] = made
                made.observe(lambda _: self._draw(), names="value")
        self.scene = ipywidgets.HTML()
        grid = {"grid_template_columns": "repeat(auto-fit, minmax(20rem, 1fr))", "width": "98%"}
        box = ipywidgets.GridBox(list(self.controls.values()), layout=grid)
        self.widget = ipywidgets.VBox([look(), box, self.scene])
        self._draw()

    def _made(self, name: str, title: str) -> ipywidgets.Widget | None:
        import ipywidgets

        shape = {"description": title, "style": {"description_width": "9rem"}, "layout": {"width": "98%"}}
        values = self.cases[name].dropna()
        if name in self.types and self.types[name].type == "continuous":
            low, high = float(values.min()), float(values.max())
            if low == high:
                return None
            digits = self.types[name].decimals
            limits = {
                "min": low,
                "max": high,
                "value": (low, high),
                "step": 10.0**-digits,
                "readout_format": f".{digits}f",
            }
            return ipywidgets.FloatRangeSlider(**limits, continuous_update=False, **shape)
        there = values.unique().tolist()
        declared = self.types[name].levels if name in self.types else sorted(there, key=str)
        levels = [(str(level), level) for level in declared if level in there]
        return ipywidgets.Dropdown(options=[(ALL, None), *levels], **shape)

    def steps(self) -> list[tuple[str, pd.DataFrame]]:
        """Cases that are left after each filter that is set, from all of them on; a missing value fails a filter."""
        left = self.cases
        out = [("All cases", left)]
        for name, control in self.controls.items():
            value = control.value
            if isinstance(value, tuple):
                if value == (control.min, control.max):
                    continue
                left = left[left[name].between(*value)]
                text = f"{control.description}: {value[0]:g} to {value[1]:g}"
            elif value is None:
                continue
            else:
                left = left[left[name] == value]
                text = f"{control.description}: {value}"
            out.append((text, left))
        return out

    def table_one(self) -> pd.DataFrame | str:
        """Table 1 of those who are left, or why there is none."""
        left = cohort.answering(self.steps()[-1][1], self.study)
        if left.empty or left["label"].nunique() < 2:
            return "No Table 1: those who are left do not have both outcomes."
        names = {0: self.study.outcome.negative, 1: self.study.outcome.positive}
        columns = [c.model_dump() for c in self.types.values() if left[c.name].notna().any()]
        try:
            table = cohort.table_one(left, "label", columns=columns, levels=names)
        except ValueError as error:
            return f"No Table 1: {error}."
        return table_view.render(table)

    def _draw(self) -> None:
        steps = self.steps()
        everyone = steps[0][1]["patient_id"].nunique()
        rows = []
        for text, left in steps:
            share = left["patient_id"].nunique() / everyone
            bar = element("i", class_="v-bar-of", style=f"width:{100 * share:.1f}%")
            counts = f"{left['patient_id'].nunique()} patients, {len(left)} cases, {int(left['label'].sum())} events"
            rows.append(element("li", element("span", text), element("b", counts), bar))
        splits = steps[-1][1].groupby("split", observed=True, sort=False)
        parts = [
            element(
                "li",
                element("span", str(name)),
                element(
                    "b",
                    f"{part['patient_id'].nunique()} patients, {len(part)} cases, {int(part['label'].sum())} events",
                ),
            )
            for name, part in splits
        ]
        made = self.table_one()
        table = element("p", made) if isinstance(made, str) else Markup(table_view.html(made))
        scene = element(
            "div",
            element("p", "Who is left?", class_="v-title"),
            element("ol", *rows, class_="v-flow"),
            element("p", "By split", class_="v-title"),
            element("ul", *parts, class_="v-flow"),
            element("p", "Table 1", class_="v-title"),
            element("div", table, class_="v-table"),
            class_="v-scene",
        )
        self.scene.value = styled("cohort", scene, simulated=self.study.simulated)
