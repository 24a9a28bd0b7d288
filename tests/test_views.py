"""Views: the numbers of Python and of the page's script are the same, and a browser without a network shows them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import browser
import views
from helpers.book.views import page as view_page
from helpers.book.views import replay, threshold, view
from helpers.book.views.markup import element, fixed
from helpers.stats import reader_tables
from helpers.stats.decision import decision_curve
from helpers.stats.operating_points import operating_point

SCRIPT = Path("book/_assets/views.js").read_text(encoding="utf-8")
SET = """([id, value]) => {
  const own = document.querySelector(`[data-c="${id}"] :is(input, select)`);
  if (own.type === "checkbox") { if (own.checked !== Boolean(value)) own.click(); return; }
  own.value = value;
  own.dispatchEvent(new Event(own.tagName === "SELECT" ? "change" : "input"));
}"""
SLOTS = """(wanted) => Object.fromEntries(wanted.map(([key, name]) => {
  const node = document.querySelector(`[data-m="${key}"]`);
  return [`${key}:${name}`, name === "text" ? node.textContent : node.getAttribute(name)];
}))"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, view.View]:
    return views.every(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="module")
def book(made: dict[str, view.View], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return views.book(tmp_path_factory.mktemp("book"), made)


@pytest.fixture(scope="module")
def opened(book: Path):
    """One browser for the tests that only read and move controls."""
    with browser.reader() as (page, seen):
        yield page, seen


def some_states(one: view.View, seed: int = 0) -> list[dict[str, int]]:
    generator = np.random.default_rng(seed)
    sizes = {}
    for c in one.controls:
        sizes[c.id] = 2 if c.kind == "switch" else len(c.options) + (c.kind == "filter" and not c.always)
    out = [{name: int(generator.integers(size)) for name, size in sizes.items()} for _ in range(6)]
    for state in out:  # a filter may leave another case than the one that was drawn: take one that is left
        for name in {c.filters for c in one.controls if c.filters}:
            items = one.matching(state, name)
            if items:
                state[name] = items[-1]
    return [s for s in out if all(one.matching(s, c.filters) for c in one.controls if c.filters)] + [one.start()]


@pytest.mark.parametrize("kind", views.PAGES)
def test_the_page_shows_the_numbers_of_python(kind, made, book, opened):
    page, seen = opened
    one = made[kind]
    page.goto((book / f"{views.PAGES[kind]}.html").as_uri())
    page.wait_for_selector(".tb-view.live")
    for state in some_states(one):
        # filters first: they decide which cases there are
        for control in sorted(one.controls, key=lambda c: c.kind != "filter"):
            page.evaluate(SET, [control.id, state[control.id]])
        marks = one.marks(state)
        wanted = [(key, name) for key, own in marks.items() for name in own if name != "href"]
        shown = page.evaluate(SLOTS, wanted)
        for key, name in wanted:
            value, found = marks[key][name], shown[f"{key}:{name}"]
            same = float(found) == value if isinstance(value, int | float) else found == (value or "")
            assert same, (state, key, name, value, found)
    assert page.evaluate("window.hacked") is None
    assert not seen.errors and not seen.outside


@pytest.mark.parametrize("kind", views.PAGES)
def test_a_view_answers_keyboard_and_mouse(kind, made, book, opened):
    page, seen = opened
    page.goto((book / f"{views.PAGES[kind]}.html").as_uri())
    scene = page.locator(".tb-view .v-scene")
    slider, choice = page.locator(".tb-view input[type=range]"), page.locator(".tb-view select:enabled")
    before = scene.inner_html()
    if slider.count():
        slider.first.focus()
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        assert slider.first.input_value() == "1"
        assert slider.first.get_attribute("aria-valuetext")
        outline = slider.first.evaluate("one => getComputedStyle(one).outlineStyle")
        assert outline != "none", "focus is seen"
    else:
        page.locator(".tb-view input[type=checkbox]").first.focus()
        page.keyboard.press("Space")
    by_key = scene.inner_html()
    assert by_key != before
    if kind in ("attention", "outlines"):
        page.get_by_role("button", name="Next case").click()
    elif slider.count():
        box = slider.first.bounding_box()
        page.mouse.click(box["x"] + 0.7 * box["width"], box["y"] + box["height"] / 2)
    else:
        choice.first.select_option(index=1)
    assert scene.inner_html() != by_key
    assert not seen.errors and not seen.outside


def test_filters_leave_the_cases_that_fit(made, book, opened):
    page, _ = opened
    page.goto((book / "explain.html").as_uri())
    one = made["attention"]
    page.evaluate(SET, ["center", 1 + one.control("center").options.index(views.EVIL)])
    items = one.matching(one.start() | {"center": 1 + one.control("center").options.index(views.EVIL)}, "case")
    assert 0 < len(items) < len(one.control("case").options)
    shown = page.locator("[data-c=case] select option").all_inner_texts()
    assert shown == [one.control("case").options[i] for i in items]
    assert page.locator("[data-c=case] .v-count").inner_text() == f"1 of {len(items)}"
    assert views.EVIL in page.locator("[data-c=center] select").inner_text()
    assert page.locator(".v-picture image").first.evaluate("one => one.href.baseVal").startswith("../_downloads/")


def test_a_clip_plays_and_stops_at_its_end(made, book, opened):
    page, _ = opened
    page.goto((book / "inputs.html").as_uri())
    page.evaluate(SET, ["time", 9])
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('[data-c=time] input').value === '11'", timeout=5000)
    page.wait_for_function("document.querySelector('.v-play').textContent === 'Play'", timeout=5000)
    box = page.locator("[data-m=clip_window]").get_attribute("viewBox")
    assert box == made["contrast"].marks(made["contrast"].start() | {"time": 11})["clip_window"]["viewBox"]


def test_dark_print_and_phone(made, book, opened):
    page, seen = opened
    page.set_viewport_size({"width": 390, "height": 844})
    ink = "getComputedStyle(document.querySelector('.tb-view')).color"
    low = "all => all.filter(one => one.offsetHeight < 44).length"
    for kind, name in views.PAGES.items():
        page.emulate_media(media="screen", color_scheme="light")
        page.goto((book / f"{name}.html").as_uri())
        page.wait_for_selector(".tb-view.live")
        assert page.evaluate("document.documentElement.scrollWidth") <= 391, kind
        assert page.locator(".tb-view :is(button, select)").evaluate_all(low) == 0, f"{kind}: too small for a finger"
        light = page.evaluate(ink)
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
        assert page.evaluate(ink) != light
        page.emulate_media(media="print")
        assert not page.locator(".tb-view .v-controls").is_visible()
        assert page.locator(".tb-view .v-scene").is_visible()
        told = page.locator(".tb-view .v-told")
        assert told.is_visible(), "on paper the controls are words"
        assert told.inner_text() == view_page.told(made[kind], made[kind].start())
        assert page.evaluate(ink) == "rgb(0, 0, 0)", "on paper ink is black"
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 1280, "height": 900})
    assert not seen.errors and not seen.outside


@pytest.mark.parametrize("kind", views.PAGES)
def test_axe_finds_no_violation_in_light_and_dark(kind, made, book, opened):
    """The whole page with its view, as it opens and after its controls were moved."""
    page, seen = opened
    page.emulate_media(media="screen", color_scheme="light")
    page.goto((book / f"{views.PAGES[kind]}.html").as_uri())
    page.wait_for_selector(".tb-view.live")
    page.add_style_tag(content=browser.STILL)
    assert browser.violations(page) == []
    for name, place in some_states(made[kind], seed=1)[0].items():
        page.evaluate(SET, [name, place])
    assert browser.violations(page, browser.CONTRAST) == [], "after a move"
    page.evaluate(browser.DARK)
    assert browser.violations(page, browser.CONTRAST) == [], "in the dark"
    assert not seen.errors and not seen.outside


def test_without_its_script_a_view_is_a_plain_figure(made):
    for kind, one in made.items():
        places = {file: f"x/{file}" for file in one.files}
        html = view_page.html(one, places, name="fig-x")
        assert "{{" not in html.split('<script type="application/json">')[0], kind
        assert views.EVIL not in html, kind
        assert html.count("<script") == 1
        assert html.count("</script") == 1


def test_a_view_is_kept_whole(made, tmp_path):
    for kind, one in made.items():
        view.write(one, tmp_path, "fig-a")
        assert view.read(tmp_path, "fig-a").render() == one.render(), kind
    (tmp_path / "fig-a.view.json").write_text('{"format": 1, "kind": "outlines"', encoding="utf-8")
    with pytest.raises(ValueError, match="not a whole view"):
        view.read(tmp_path, "fig-a")


def test_no_file_outside_is_read(made, tmp_path):
    view.write(made["outlines"], tmp_path, "fig-a")
    path = tmp_path / "fig-a.view.json"
    path.write_text(path.read_text().replace('"raw.webp"]', '"../../secret.png"]'), encoding="utf-8")
    with pytest.raises(ValueError, match="secret"):
        view.read(tmp_path, "fig-a")


def test_the_explorer_has_the_numbers_of_the_chapters():
    part, frozen = views.panel()
    one = threshold.build(part, frozen, settings=views.settings(), names=list(part.risks))
    for m, (name, risk) in enumerate(part.risks.items()):
        state = one.start() | {"model": m, "threshold": one.control("threshold").frozen[m]}
        marks, point = one.marks(state), operating_point(part.label, risk, float(frozen[name]))
        for key in ("tp", "fp", "fn", "tn"):
            assert marks[key]["text"] == str(point.counts[key])
        for key in ("sensitivity", "specificity", "accuracy", "ppv", "npv"):
            found = point.estimates[key]
            assert marks[key]["text"] == threshold.share(found.value, found.low, found.high)
        assert marks["status"]["text"] == threshold.HERE
        curve = decision_curve(part.label, {name: risk}, thresholds=[0.3], resamples=0)
        at = one.start() | {"model": m, "threshold": one.control("threshold").options.index("30 %")}
        shown = one.marks(at)["nb"]["text"].split(" ")[0]
        assert shown == fixed(float(curve.at(0.3, name)), 3)
        assert one.marks(at)["status"]["text"] == threshold.LOOK


def test_a_net_benefit_below_the_axis_has_no_point_and_keeps_its_number():
    part, frozen = views.panel()
    one = threshold.build(part, frozen, settings=views.settings(), names=["clinical"])
    rare, seen = one.control("prevalence").options.index("10 %"), set()
    for place in range(len(one.control("threshold").options)):
        marks = one.marks(one.start() | {"threshold": place, "prevalence": rare})
        benefit = float(marks["nb"]["text"].split(" ")[0].replace("−", "-"))
        if abs(benefit / 0.1 - threshold.FLOOR) > 0.01:
            drawn = marks["nb_point"]["display"] == "inline"
            assert drawn == (benefit / 0.1 > threshold.FLOOR)
            seen.add(drawn)
    assert seen == {True, False}


def test_another_prevalence_follows_bayes():
    part, frozen = views.panel()
    one = threshold.build(part, frozen, settings=views.settings(), names=["clinical"])
    place = one.control("prevalence").options.index("10 %")
    marks = one.marks(one.start() | {"prevalence": place})
    point = operating_point(part.label, part.risks["clinical"], float(frozen["clinical"]))
    for name, found in point.at_prevalence(0.1).items():
        key = name.removesuffix("_at_prevalence")
        assert marks[key]["text"] == threshold.share(found.value, found.low, found.high)
    sensitivity, specificity = point.sensitivity.value, point.specificity.value
    odds = float(frozen["clinical"]) / (1 - float(frozen["clinical"]))
    assert marks["nb"]["text"].split(" ")[0] == fixed(0.1 * sensitivity - 0.9 * (1 - specificity) * odds, 3)
    dots = [marks[f"dot{i}"]["class"].split()[1] for i in range(100)]
    counts = {kind: dots.count(kind) for kind in ("tp", "fn", "fp", "tn")}
    assert counts["tp"] + counts["fn"] == 10
    assert counts["tp"] == round(10 * sensitivity)
    assert marks["words"]["text"].startswith("Of 100 such patients, 10 have it")
    words = [int(v) for v in re.findall(r"\d+", marks["words"]["text"].split(views.EVIL)[1])]
    assert words == [counts["tp"] + counts["fp"], counts["tp"], counts["fp"], counts["fn"], counts["tn"]]


def test_the_variance_at_any_prevalence_is_that_of_the_decision_curve():
    part, frozen = views.panel()
    one = threshold.build(part, frozen, settings=views.settings(), names=["clinical"])
    place, at = 40, one.control("prevalence").options.index("45 %")
    a, b, c = one.numbers["variance"][0][place]
    p = one.numbers["prevalence"][at]
    risk, t = part.risks["clinical"], threshold.clean_thresholds(threshold.GRID)[place]
    t = one.numbers["odds"][place] / (1 + one.numbers["odds"][place])
    hit, false = np.mean(risk[part.label == 1] >= t), np.mean(risk[part.label == 0] >= t)
    n1, n0 = (part.label == 1).sum(), (part.label == 0).sum()
    slow = p**2 * hit * (1 - hit) / n1 + ((1 - p) * t / (1 - t)) ** 2 * false * (1 - false) / n0
    assert a * p**2 + b * p * (1 - p) + c * (1 - p) ** 2 == pytest.approx(slow, rel=1e-9)


def test_the_replay_ends_at_the_points_of_the_chapter():
    read = views.reading()
    rating = read.cube.rating
    found = replay.running(rating >= read.cut, ~np.isnan(rating), np.asarray(read.cube.label) == 1)
    table = reader_tables.performance(read).set_index(["modality", "reader"])
    for name, values in zip(("sensitivity", "specificity"), found):
        for m, modality in enumerate(("unaided", "aided")):
            wanted = [table.loc[(modality, reader), name] for reader in read.readers]
            assert values[m, :, -1].tolist() == pytest.approx(wanted)


def test_wrong_input_is_named():
    part, frozen = views.panel()
    with pytest.raises(ValueError, match="names: other"):
        threshold.build(part, frozen, settings=views.settings(), names=["other"])
    with pytest.raises(ValueError, match="none given"):
        threshold.build(part, frozen, settings=views.settings(), names=[])


def test_text_cannot_become_markup_or_a_slot():
    made = element("text", "{{a:b}}<b>", data_x='"><script>')
    assert "<b>" not in made and "<script>" not in made and "{{" not in made


def test_the_script_is_small_and_names_no_host():
    assert len(SCRIPT) < 20_000
    assert not re.search(r"https?://|fetch\(|XMLHttpRequest|innerHTML|eval\(|localStorage|import\(", SCRIPT)
