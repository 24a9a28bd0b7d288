"""A view in JupyterLab: its controls as widgets, its scene drawn anew in every state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.book.figures import MARK
from helpers.book.views.markup import Markup, element
from helpers.book.views.pictures import cropped
from helpers.book.views.view import Control, View

if TYPE_CHECKING:
    import ipywidgets

STYLE = Path(__file__).parents[4] / "book" / "_assets" / "views.css"  # one look here and in the book


def styled(kind: str, scene: str, *, simulated: bool) -> str:
    """A scene in the frame that the style sheet knows."""
    mark = element("p", f"{MARK}: no number here is a finding about patients.", class_="v-status") if simulated else ""
    inside = element("div", mark, Markup(scene), class_=f"tb-view live v-{kind}")
    return str(inside)


def look() -> ipywidgets.HTML:
    """The book's style sheet, once for each widget."""
    import ipywidgets

    return ipywidgets.HTML(f"<style>{STYLE.read_text(encoding='utf-8')}</style>", layout={"display": "none"})


class Panel:
    """Controls and scene of one view.

    Parameters
    ----------
    view : View
    simulated : bool

    Attributes
    ----------
    widget : ipywidgets.VBox
    controls : dict of str to ipywidgets.Widget
    state : dict of str to int
    """

    def __init__(self, view: View, *, simulated: bool) -> None:
        import ipywidgets

        self.view, self.simulated = view, simulated
        self.state = view.start()
        self.picture = cropped(view.files)
        self.scene = ipywidgets.HTML()
        self.controls: dict[str, Any] = {}
        self.counts: dict[str, Any] = {}
        rows = [self._made(control) for control in view.controls]
        self.widget = ipywidgets.VBox([look(), *rows, self.scene])
        self._draw()

    def set(self, name: str, value: int) -> None:
        """Move a control, as a hand would."""
        own = self.controls[name]
        own.value = bool(value) if self.view.control(name).kind == "switch" else value

    def _made(self, control: Control) -> ipywidgets.Widget:
        import ipywidgets

        style, layout = {"description_width": "13rem"}, {"width": "min(42rem, 98%)"}
        look = {"description": control.label, "style": style, "layout": layout}
        if control.kind == "switch":
            own: Any = ipywidgets.Checkbox(value=bool(control.start), indent=False, **look)
        elif control.kind == "range":
            places = [(text, i) for i, text in enumerate(control.options)]
            own = ipywidgets.SelectionSlider(options=places, value=control.start, continuous_update=True, **look)
        else:
            own = ipywidgets.Dropdown(options=self._options(control), value=control.start, **look)
        self.controls[control.id] = own
        own.observe(lambda change: self._changed(control.id, int(change["new"])), names="value")
        more = self._buttons(control, own)
        return ipywidgets.HBox([own, *more]) if more else own

    def _options(self, control: Control) -> list[tuple[str, int]]:
        if control.kind == "filter":
            start = [] if control.always else [("All", 0)]
            return start + [(text, i + len(start)) for i, text in enumerate(control.options)]
        return [(control.options[i], i) for i in self.view.matching(self.state, control.id)]

    def _buttons(self, control: Control, own: Any) -> list[ipywidgets.Widget]:
        import ipywidgets

        if control.frozen:
            button = ipywidgets.Button(description=control.frozen_label, layout={"width": "auto"})
            button.on_click(lambda _: self.set(control.id, self._frozen(control)))
            return [button]
        if control.play:
            play = ipywidgets.Play(min=0, max=len(control.options) - 1, value=control.start, interval=control.play)
            ipywidgets.jslink((play, "value"), (own, "index"))
            return [play]
        if any(other.filters == control.id for other in self.view.controls):
            made = [ipywidgets.Button(description=text, tooltip=said, layout={"width": "3rem"}) for text, said in STEPS]
            for button, step in zip(made, (-1, 1)):
                button.on_click(lambda _, step=step: self._step(control.id, step))
            self.counts[control.id] = ipywidgets.Label()
            return [*made, self.counts[control.id]]
        return []

    def _frozen(self, control: Control) -> int:
        return control.frozen[self.state[control.frozen_by] if control.frozen_by else 0]

    def _step(self, name: str, step: int) -> None:
        items = self.view.matching(self.state, name)
        at = items.index(self.state[name]) + step if self.state[name] in items else 0
        if 0 <= at < len(items):
            self.set(name, items[at])

    def _changed(self, name: str, value: int) -> None:
        if self.state[name] == value:
            return
        self.state[name] = value
        wanted = self.view.control(name).filters
        if wanted:
            items = self.view.matching(self.state, wanted)
            if items and self.state[wanted] not in items:
                self.state[wanted] = items[0]
            own = self.controls[wanted]
            kept = self.state[wanted]  # a new list of options moves the choice to its first
            own.options = self._options(self.view.control(wanted)) or [("No such case", kept)]
            own.value = self.state[wanted] = kept
        self._draw()

    def _draw(self) -> None:
        for name, label in self.counts.items():
            items = self.view.matching(self.state, name)
            at = items.index(self.state[name]) + 1 if self.state[name] in items else 0
            label.value = f"{at} of {len(items)}" if items else "No such case"
        scene = self.view.render(self.state, picture=self.picture)
        self.scene.value = styled(self.view.kind, scene, simulated=self.simulated)


STEPS = (("‹", "Previous case"), ("›", "Next case"))
