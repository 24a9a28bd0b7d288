"""What the threshold explorer looks like: three plots, a hundred patients, the 2 x 2 table and its measures."""

from __future__ import annotations

from helpers.book.views.markup import SLOT, Markup, Plot, element
from helpers.data.study import Study
from helpers.stats import models

FLOOR = -0.25  # of the standardised net benefit that is drawn
TICKS = (1.0, 0.75, 0.5, 0.25, 0.0, FLOOR)
UNIT = tuple((v, f"{v:g}") for v in (0, 0.25, 0.5, 0.75, 1))
SHARES = {"sensitivity": "Sensitivity", "specificity": "Specificity", "accuracy": "Accuracy"}
RATIOS = {"lr_positive": "LR+", "lr_negative": "LR−"}
ROC = Plot()
CALIBRATION = Plot()
BENEFIT = Plot(y=(FLOOR, 1.0), left=62)


def scene(settings: Study, part: models.Panel) -> Markup:
    """Everything that changes with the sliders, with slots for what is computed.

    Parameters
    ----------
    settings : Study
        Names of the outcome, and the declared range of decisions.
    part : Panel
        The judged cases.

    Returns
    -------
    Markup
    """
    positive, negative = settings.outcome.positive, settings.outcome.negative
    low, high = settings.decision.low, settings.decision.high
    diagonal = {"class_": "v-ref", "x1": 0, "x2": ROC.wide, "y1": ROC.high, "y2": 0}
    roc = ROC.draw(
        element("line", **diagonal),
        element("path", key="roc_line", class_="v-line", d=SLOT, stroke=SLOT),
        title="ROC curve with the chosen point",
        xlabel="1 − specificity",
        ylabel="Sensitivity",
        xticks=UNIT,
        yticks=UNIT,
        over=[
            element("circle", key="roc_frozen", class_="v-frozen-ring", r=10, cx=SLOT, cy=SLOT),
            element("circle", key="roc_point", class_="v-point", r=6, cx=SLOT, cy=SLOT),
        ],
    )
    upright = {"class_": "v-frozen", "x1": SLOT, "x2": SLOT, "y1": 0, "y2": ROC.high}
    risks = CALIBRATION.draw(
        element("line", **diagonal),
        element("path", key="cal_band", class_="v-band", d=SLOT, fill=SLOT),
        element("path", key="cal_line", class_="v-line", d=SLOT, stroke=SLOT),
        element("line", key="cal_frozen", **upright),
        title="Calibration curve with the chosen risk",
        xlabel="Predicted risk",
        ylabel="Share who had it",
        xticks=UNIT,
        yticks=UNIT,
        over=[element("circle", key="cal_point", class_="v-point", r=6, cx=SLOT, cy=SLOT, display=SLOT)],
    )
    left, right = BENEFIT.at_x(low), BENEFIT.at_x(high)
    benefit = BENEFIT.draw(
        element("rect", class_="v-declared", x=left, y=0, width=right - left, height=BENEFIT.high),
        element("line", class_="v-ref", x1=0, x2=BENEFIT.wide, y1=BENEFIT.at_y(0), y2=BENEFIT.at_y(0)),
        element("path", key="nb_all", class_="v-all", d=SLOT),
        element("path", key="nb_model", class_="v-line", d=SLOT, stroke=SLOT),
        element("line", key="nb_frozen", **upright),
        title="Net benefit over the threshold",
        xlabel="Threshold",
        ylabel="Net benefit",
        xticks=UNIT,
        yticks=[(tick, Markup(f"tick{i}")) for i, tick in enumerate(TICKS)],
        over=[element("circle", key="nb_point", class_="v-point", r=6, cx=SLOT, cy=SLOT, display=SLOT)],
    )
    plots = element(
        "div",
        _panel("Whom does it tell apart?", roc, element("p", "Ring: the frozen threshold.", class_="v-note")),
        _panel("Do the risks hold?", risks, element("p", SLOT, key="cal_text", class_="v-note")),
        _panel(
            "Is it worth acting on?",
            benefit,
            element("p", "Grey: acting on all, acting on none. Shaded: the declared range.", class_="v-note"),
            element("p", "A point below the axis is not drawn; its number is among the measures.", class_="v-note"),
        ),
        class_="v-row v-three",
    )
    dots = [
        element("circle", key=f"dot{i}", class_=SLOT, cx=10 + 20 * (i % 20), cy=10 + 20 * (i // 20), r=7.5)
        for i in range(100)
    ]
    legend = [
        element("li", element("span", class_=f"v-key {kind}"), text)
        for kind, text in (("tp", "found"), ("fn", "missed"), ("fp", "false alarm"), ("tn", "rightly left alone"))
    ]
    hundred = element(
        "div",
        element("p", SLOT, key="words", class_="v-words"),
        element("svg", *dots, class_="v-dots", viewBox="0 0 400 100", role="img", aria_label="One hundred cases"),
        element("ul", *legend, class_="v-legend"),
        class_="v-panel v-hundred",
    )
    under = element("div", _two_by_two(positive, negative), _measures(), class_="v-row v-two")
    status = element("p", SLOT, key="status", class_="v-status")
    return element("div", status, plots, hundred, under, class_="v-scene")


def _panel(title: str, *inside: Markup) -> Markup:
    return element("div", element("p", title, class_="v-title"), *inside, class_="v-panel")


def _two_by_two(positive: str, negative: str) -> Markup:
    def cell(key: str) -> Markup:
        return element("td", element("span", SLOT, key=key), class_=f"v-cell {key}")

    rows = [
        element("tr", element("td"), element("th", positive, scope="col"), element("th", negative, scope="col")),
        element("tr", element("th", "at or above", scope="row"), cell("tp"), cell("fp")),
        element("tr", element("th", "below", scope="row"), cell("fn"), cell("tn")),
    ]
    return _panel("These cases", element("table", *rows, class_="v-cells"))


def _measures() -> Markup:
    names = (
        SHARES
        | {"ppv": "PPV", "npv": "NPV"}
        | RATIOS
        | {"nb": "Net benefit", "nb_everyone": "Net benefit, acting on all"}
    )
    rows = [
        element("tr", element("th", title, scope="row"), element("td", SLOT, key=key)) for key, title in names.items()
    ]
    return _panel("Measures (95 % CI)", element("table", *rows, class_="v-measures"))
