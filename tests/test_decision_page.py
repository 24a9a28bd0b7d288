"""What the chapter on decisions says and draws: every run of thresholds, the way, both references, nothing cut off."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers.book import findings, tables
from helpers.book import sentences_decision as sentences
from helpers.stats import class_choices, decision_panels
from helpers.stats.decision import decision_curve
from helpers.stats.decision_range import grid, named, spans

GRID = grid(0.05, 0.4, 0.01)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def benefits(split: str = "Test", **models: list[float]) -> pd.DataFrame:
    """Net benefit at five thresholds, where acting on all is best up to 20 % and acting on none above."""
    strategies = models | {"all": [0.2, 0.1, -0.1, -0.2, -0.3], "none": [0.0] * 5}
    rows = {"split": split, "threshold": [0.1, 0.2, 0.3, 0.4, 0.5]}
    parts = [pd.DataFrame(rows | {"strategy": name, "net_benefit": value}) for name, value in strategies.items()]
    return pd.concat(parts, ignore_index=True).assign(probability_best=1 / len(strategies))


def weak(n: int = 120, resamples: int = 100):
    """A model whose risks say little: at low risks acting on all is better, at high ones acting on none."""
    rng = np.random.default_rng(5)
    y = np.arange(n) % 4 == 0
    risk = np.clip(0.25 + 0.05 * y + rng.normal(0, 0.15, n), 0.01, 0.9)
    return decision_curve(y, {"weak": risk}, thresholds=GRID, resamples=resamples)


def test_gaps_between_runs_are_not_bridged():
    table = benefits(a=[0.3, 0.1, 0.1, -0.1, 0.1])
    assert sentences.answer(table) == (
        "Between risks of 10% and 50% the point estimate of net benefit is above acting on all and on none for these. "
        "Test: a at 3 of 5 thresholds (10%, 30%, 50%). Where one is not, acting on all (up to 20%) or on none (from "
        "40%) is at least as good."
    )
    every = pd.Series(np.arange(11) % 2 == 0, index=grid(0.1, 0.2, 0.01))
    assert sentences._where(every) == "at 6 of 11 thresholds (in 6 runs between 10% and 20%)"
    assert spans([0.1, 0.2], [False, False]) == []


def test_runs_of_thresholds_equal_a_slow_walk():
    rng = np.random.default_rng(2)
    for _ in range(50):
        chosen, want = rng.random(12) < 0.5, []
        for k, holds in enumerate(chosen):
            if holds and k and chosen[k - 1]:
                want[-1] = (want[-1][0], GRID[k])
            elif holds:
                want.append((GRID[k], GRID[k]))
        assert spans(GRID[:12], chosen) == want


def test_the_answer_names_every_split_and_the_best_model_first():
    both = pd.concat([benefits(a=[0.1] * 5, b=[0.3] * 5), benefits("External test", a=[0.3, 0, 0, 0, 0], b=[0.0] * 5)])
    said = sentences.answer(both)
    assert (
        "Test: b over the whole range; a at 3 of 5 thresholds (30% to 50%). Where one is not, acting on all is" in said
    )
    assert "External test: a at 1 of 5 thresholds (10%); b nowhere." in said
    many = benefits(**{f"m{k}": [0.01 * (k + 1)] * 5 for k in range(7)}, best=[0.3] * 5)
    assert "best over the whole range; m0 and m1 at 3 of 5 thresholds" in sentences.answer(many)
    assert "; the other 5 at 3 of 5 thresholds. Where" in sentences.answer(many)


def test_the_caption_says_which_strategy_is_highest_where():
    table = benefits(a=[0.2, 0.2, 0.2, -0.1, 0.0], b=[0.1, 0.2, 0.1, -0.1, 0.0])
    assert findings.of("fig-decision", table) == (
        "Test: the point estimate of net benefit is highest for acting on none at 2 of 5 thresholds (40% to 50%), "
        "acting on all at 1 of 5 thresholds (10%) and a tied with b at 1 of 5 thresholds (20%), then 1 more."
    )


def gaps(second: str, difference: list[float], half: float = 0.05, first: str = "a") -> pd.DataFrame:
    value = np.array(difference)
    rows = {"split": "Test", "first": first, "second": second, "threshold": [0.1, 0.2, 0.3], "difference": value}
    return pd.DataFrame(rows | {"low": value - half, "high": value + half})


def test_a_difference_has_a_direction():
    up_and_down = gaps("clinical", [0.1, 0.0, -0.1])
    assert findings.of("fig-difference", up_and_down) == (
        "Test, beyond the pointwise band: a is above clinical at 1 of 3 thresholds (10%) and below it at 1 of 3 "
        "thresholds (30%)."
    )
    assert findings.of("fig-difference", gaps("clinical", [0, 0, 0], 1e-17)).endswith("a is as clinical everywhere.")
    more = [gaps("clinical", [0.01 * k, 0.1 * (k > 2), 0.1 * (k > 3)], first=f"m{k}") for k in range(5)]
    said = findings.of("fig-difference", pd.concat(more))
    assert said.index("m4") < said.index("m3") and said.endswith("; 2 more pairs in the figure.")


def test_one_model_is_held_against_the_better_reference():
    """Acting on all is the worse choice at high thresholds: beating it there is no merit."""
    worse = pd.concat([gaps("all", [0.0, 0.2, 0.4]), gaps("none", [0.3, 0.0, -0.1])])
    assert findings.of("fig-difference", worse) == (
        "Test, beyond the pointwise band: a is above the better of acting on all and acting on none nowhere and below "
        "it at 1 of 3 thresholds (30%)."
    )
    curve = weak()
    made = decision_panels.differences({"Test": curve}, against=["weak"])
    assert set(made["second"]) == {"all", "none"}
    table = curve.frame().pivot(index="threshold", columns="strategy", values="net_benefit")
    least = made.groupby("threshold")["difference"].min()
    want = table["weak"] - table[["all", "none"]].max(axis=1)
    np.testing.assert_allclose(least, want, atol=1e-12)
    titles = [ax.get_title() for ax in decision_panels.plot_differences(made, names=["weak"]).axes]
    assert titles == ["weak less\nacting on all", "weak less\nacting on none"]


def test_the_surest_are_named_with_their_rivals():
    table = benefits(a=[0.1] * 5).assign(split="Test")
    share = table["strategy"].map({"a": 0.39, "none": 0.33, "all": 0.28})
    said = sentences.surest(table.assign(probability_best=share))
    assert said.endswith("Test: a in 39%, acting on none in 33% and acting on all in 28%.")
    assert findings.of("fig-best", table.assign(probability_best=share)) == said


def test_the_table_counts_interventions_for_models_only():
    curve = weak()
    shown, columns = decision_panels.shown(decision_panels.frame({"Test": curve}), GRID)
    looks = decision_panels.looks(shown)
    assert "exchange rate of the threshold (–: given for models only)" in looks.pop("caption_note")
    printed = tables.display_frame(shown, columns=columns, **looks)
    avoided = printed.set_index("Strategy")["Net interventions avoided per 100"]
    assert set(avoided[[named("all"), named("none")]]) == {"–"} and not avoided["weak"].isin(["–"]).any()
    frame = curve.frame().query("strategy == 'weak'").set_index("threshold")
    y_rate = frame.loc[0.4, ["tp_rate", "fp_rate"]]
    spared, missed = 0.75 - y_rate["fp_rate"], 0.25 - y_rate["tp_rate"]
    assert avoided["weak"].iloc[-1] == f"{100 * (spared - missed * 0.6 / 0.4):.1f}".replace("-", "−")
    assert not printed.apply(lambda column: column.str.startswith("-")).any(axis=None)


def test_figures_name_the_references_as_the_text_does():
    curves = {"Test": weak()}
    figure = decision_panels.plot(curves, declared=(0.05, 0.4), bands=["weak"])
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == ["acting on all", "acting on none", "weak", "weak, 95 % limits"]
    best = decision_panels.plot_best(curves)
    assert [text.get_text() for text in best.axes[0].get_yticklabels()] == ["weak", "acting on all", "acting on none"]
    assert class_choices.LOOKS["formats"]["strategy"]("none") == "acting on none"


def test_limits_are_drawn_of_the_models_asked_for():
    rng = np.random.default_rng(0)
    y, names = np.arange(60) % 3 == 0, [f"m{k}" for k in range(5)]
    curve = decision_curve(y, {name: rng.random(60) for name in names}, thresholds=GRID, resamples=20)
    assert len(decision_panels.plot({"Test": curve}, declared=(0.05, 0.4), bands=["m1", "m3"]).axes[0].collections) == 2
    assert len(curve.plot(declared=(0.05, 0.4)).collections) == 5


@pytest.mark.parametrize(("called", "inside"), [(0.12, True), (0.8, False)])
def test_a_line_that_does_harm_stays_in_the_figure_unless_it_would_flatten_the_others(called, inside):
    y = np.arange(100) % 5 == 0
    wrong = ~y & (np.arange(100) < 100 * called)
    curve = decision_curve(y, {"a": np.where(wrong, 0.9, 0.01)}, thresholds=grid(0.05, 0.4, 0.01))
    low, high = curve.plot().get_ylim()
    least = curve.frame().query("strategy == 'a'")["net_benefit"].min()
    assert least < -0.05 and (least >= low) == inside and low >= -high / 2 - 1e-12


def test_numbers_of_the_best_stand_inside_and_in_every_row_of_a_tie():
    y = np.arange(400) % 4 == 0
    risk = np.where(y, 0.99, 0.01)
    curve = decision_curve(y, {"a": risk, "b": risk}, thresholds=grid(0.1, 0.5, 0.01), resamples=20)
    figure = decision_panels.plot_best({"Test": curve, "External test": curve})
    figure.canvas.draw()
    for ax in figure.axes[:2]:
        frame = ax.get_window_extent()
        boxes = [text.get_window_extent() for text in ax.texts]
        assert len(boxes) == 10 and {text.get_text() for text in ax.texts} == {"50"}
        assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 for box in boxes)
        assert {text.get_position()[1] for text in ax.texts} == {0, 1}
