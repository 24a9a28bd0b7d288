"""The book as people read it: with a keyboard, a screen reader, in the dark, on a phone, and quickly."""

from __future__ import annotations

import contextlib
import functools
import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import browser
from browser import CONTRAST, DARK, STILL, violations
from helpers.book import audit, front, pictures, publish
from helpers.book.mend import pages_of

pytestmark = pytest.mark.build

OPEN = "document.querySelectorAll('details').forEach(one => one.open = true)"
BYTES = """() => performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))
  .reduce((sum, one) => sum + one.encodedBodySize, 0)"""


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A miniature book with each kind of page, a figure with its TIFFs among them."""
    folder = tmp_path_factory.mktemp("reading")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(Path(__file__).resolve().parents[1])
        studies = browser.results(folder / "results")
        site = publish.stage(folder / "site", studies=studies, results=folder / "results")
        return publish.build(site, folder / "out").parent


@pytest.fixture(scope="module")
def address(book: Path) -> Iterator[str]:
    """The book on this machine, as a server hands it out."""
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(quiet, directory=str(book)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_axe_finds_no_violation_on_any_page_in_light_and_dark(book: Path) -> None:
    pages = [path for path in pages_of(book) if path != book / "index.html"]  # it leads on to the front page at once
    names = {page.relative_to(book).as_posix() for page in pages}
    assert names >= {"intro.html", "glossary.html", "changelog.html", "citation.html", "references.html", "search.html"}
    assert names >= {"gone/absent.html", "olnm/discrimination.html", "olnm/train/index.html", "genindex.html"}
    with browser.reader() as (page, seen):
        for path in pages:
            page.goto(path.as_uri())
            page.add_style_tag(content=STILL)
            page.evaluate(OPEN)
            assert violations(page) == [], path
            page.evaluate(DARK)
            assert violations(page, CONTRAST) == [], f"{path} in the dark"
    assert seen.errors == []


def test_axe_finds_no_violation_on_a_phone(book: Path) -> None:
    with browser.reader(width=390) as (page, _):
        for name in ("intro", "olnm/discrimination", "how_numbers_are_made"):
            page.goto((book / f"{name}.html").as_uri())
            page.add_style_tag(content=STILL)
            page.evaluate(OPEN)
            assert violations(page) == [], name


def test_axe_would_find_something(book: Path) -> None:
    with browser.reader() as (page, _):
        page.set_content("<html lang=en><title>A</title><main><h1>A</h1><img src='a.png'></main>")
        assert any(fault.startswith("image-alt") for fault in violations(page))


def test_every_page_is_light(book: Path, address: str) -> None:
    heavy = {}
    with browser.reader() as (page, seen):
        for path in pages_of(book):
            name = path.relative_to(book).as_posix()
            if name == "index.html":
                continue
            page.goto(f"{address}/{name}")
            heavy |= {name: size} if (size := page.evaluate(BYTES)) > audit.LIMIT else {}
    assert heavy == {}
    assert [error for error in seen.errors if not error.startswith("failed: ")] == []  # left before a font had come


def test_a_word_of_the_glossary_explains_itself_by_keyboard_and_by_mouse(book: Path) -> None:
    with browser.reader() as (page, seen):
        page.goto((book / "real/discrimination.html").as_uri())
        word = page.locator("a.explained").first
        tip = page.locator(f"#{word.get_attribute('aria-describedby')}")
        assert word.inner_text() == "AUC"
        assert tip.get_attribute("role") == "tooltip"
        assert not tip.is_visible()
        for _ in range(100):  # links before the word, those of the sidebar among them
            page.keyboard.press("Tab")
            if word.evaluate("one => one === document.activeElement"):
                break
        assert tip.is_visible()
        assert tip.inner_text().startswith("Area under the ROC curve")
        box = tip.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 1280
        page.keyboard.press("Tab")
        assert not tip.is_visible()
        word.hover()
        assert tip.is_visible()
        spot = tip.bounding_box()
        page.mouse.move(spot["x"] + spot["width"] / 2, spot["y"] + spot["height"] / 2)
        assert tip.is_visible(), "the definition can be read with the pointer on it"
        page.keyboard.press("Escape")
        assert not tip.is_visible(), "Escape puts it away"
        page.mouse.move(1, 1)
        word.hover()
        assert tip.is_visible(), "until the word is entered again"
        word.click()
        page.wait_for_url("**/glossary.html#term-AUC")
    assert seen.errors == []


def test_a_definition_may_leave_the_box_of_its_result(book: Path) -> None:
    """What is out of sight is laid out late, in boxes that cut off what leaves them; not the one that is in use."""
    style = "one => getComputedStyle(one).contentVisibility"
    everywhere = "all => all.every((one) => getComputedStyle(one).contentVisibility === 'visible')"
    with browser.reader() as (page, seen):
        page.goto((book / "olnm/discrimination.html").as_uri())
        page.wait_for_selector("html.laid-out")
        assert page.locator(".result").evaluate_all(everywhere), "once it can be used, the page is laid out to its end"
        page.evaluate("document.documentElement.classList.remove('laid-out')")  # as it is until then
        result = page.locator(".result").first
        assert result.evaluate(style) == "auto"
        result.hover()
        assert result.evaluate(style) == "visible"
        page.evaluate(
            """() => {
                const line = document.createElement("p"), last = document.querySelector(".result");
                line.innerHTML = '<a class="explained" href="#x">word</a><span class="explanation">A<br>B<br>C</span>';
                last.append(line);
            }"""
        )
        page.locator(".result > p > a.explained").first.hover()
        whole = """() => {
            const tip = document.querySelector(".result > p > .explanation"), box = tip.getBoundingClientRect();
            const out = tip.closest(".result").getBoundingClientRect().bottom < box.bottom;
            return out && document.elementFromPoint(box.left + 20, box.bottom - 4) === tip;
        }"""
        assert page.evaluate(whole)
        page.mouse.move(1, 1)
        page.emulate_media(media="print")
        assert page.locator(".result").evaluate_all(everywhere)
    assert seen.errors == []


def test_only_the_first_use_of_a_word_is_explained(book: Path) -> None:
    text = (book / "real/discrimination.html").read_text(encoding="utf-8")
    assert len(re.findall(r'class="explained" href="\.\./glossary\.html#term-AUC"', text)) == 2, "once, and as {term}"
    assert "explained" not in (book / "glossary.html").read_text(encoding="utf-8")


def test_the_front_page_tells_each_study_in_a_minute(book: Path) -> None:
    with browser.reader() as (page, seen):
        page.goto((book / "intro.html").as_uri())
        simulated, real, gone = page.locator(".front-study").all()
        assert "no number here is a finding about patients" in simulated.inner_text()
        assert "Real data" in real.inner_text()
        assert browser.QUESTION in real.locator(".front-question").inner_text()
        assert real.locator(".front-answer").inner_text() == "The AUC is 0.81 in 116 patients (27 events)."
        picture = real.locator("img.front-picture")
        assert picture.get_attribute("alt") == "A rising line."
        picture.scroll_into_view_if_needed()
        assert picture.evaluate("one => one.decode().then(() => one.naturalWidth)") > 0
        assert "Data not in this copy" in gone.inner_text()
        real.locator("summary").click()
        cards = real.locator(".sd-col .sd-card")
        assert cards.count() == 2
        assert "The AUC is 0.81" in cards.nth(1).inner_text()
        for way in ("For clinicians", "For engineers and statisticians"):
            assert page.locator(".front-ways .sd-card-title", has_text=way).count() == 1
        real.get_by_role("link", name="Read from the first chapter").click()
        page.wait_for_url("**/real/cohort.html")
    assert seen.errors == []


def test_every_form_of_a_result_can_be_taken_along(book: Path) -> None:
    with browser.reader() as (page, _):
        page.goto((book / "real/discrimination.html").as_uri())
        links = {link.inner_text(): link for link in page.locator(".result-downloads a").all()}
        figure = ["SVG", "PNG", "TIFF 300 dpi", "TIFF 600 dpi"]
        assert [name for name in links if name != "CSV"] == [*figure, "XLSX", "DOCX", "LaTeX"]
        for name, link in links.items():
            assert (book / "real" / link.get_attribute("href")).resolve().is_file(), name


def test_no_button_leads_to_a_server_that_is_not_there(book: Path) -> None:
    for path in pages_of(book):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"launch-buttons|mybinder|colab\.research|thebelab|jupyterhub", text), path


def test_citation_and_changes_have_pages(book: Path) -> None:
    with browser.reader() as (page, _):
        page.goto((book / "citation.html").as_uri())
        assert "The ThyroBook developers (2026)" in page.locator(".citation-box").inner_text()
        assert "@software{thyrobook2026," in page.locator(".citation-box pre").inner_text()
        page.goto((book / "changelog.html").as_uri())
        assert page.get_by_role("heading", name="Changelog", level=1).is_visible()


def test_printed_pages_show_no_aids(book: Path) -> None:
    with browser.reader() as (page, _):
        page.goto((book / "olnm/discrimination.html").as_uri())
        page.emulate_media(media="print")
        assert page.locator(".simulated-banner").is_visible()
        assert page.locator("figure img").is_visible()
        for aid in (".result-downloads", ".explanation", "video"):
            assert not page.locator(aid).first.is_visible(), aid


def _pretend(monkeypatch: pytest.MonkeyPatch, out: Path, pages: dict[str, str]) -> None:
    """A builder that writes some pages and says that all went well."""

    def run(*_: object, **__: object) -> object:
        for name, text in pages.items():
            (out / "_build/html").mkdir(parents=True, exist_ok=True)
            (out / "_build/html" / name).write_text(text, encoding="utf-8")
        return type("Done", (), {"returncode": 0, "stderr": ""})()

    monkeypatch.setattr(publish.subprocess, "run", run)


def test_a_dead_link_or_a_heavy_page_stops_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heavy = "<img src='a.svg'>" + "x" * audit.LIMIT
    pages = {"a.html": "<a href='b.html#gone'></a><a href='c.html'></a><img src='d.png'>", "b.html": heavy, "a.svg": ""}
    _pretend(monkeypatch, tmp_path / "out", pages)
    (tmp_path / "site").mkdir()
    with pytest.raises(publish.BuildError) as caught:
        publish.build(tmp_path / "site", tmp_path / "out")
    said = str(caught.value).splitlines()
    assert said[0] == "the book has 4 faults:"
    assert said[1:4] == ["a.html: no anchor 'b.html#gone'", "a.html: no file 'c.html'", "a.html: no file 'd.png'"]
    assert said[4] == "b.html: 3.0 MB, more than 3.0 MB"
    assert not (tmp_path / "out/_build").exists(), "else the next build would skip the page and pass"


def test_a_link_out_of_the_book_is_found(tmp_path: Path) -> None:
    (tmp_path / "private.txt").write_text("x")
    (tmp_path / "html").mkdir()
    page = "<a href='../private.txt'>a</a><a href='https://doi.org/x'>b</a><a id='ü' href='#%C3%BC'>c</a>"
    (tmp_path / "html/a.html").write_text(page, encoding="utf-8")
    assert audit.faults(tmp_path / "html") == ["a.html: '../private.txt' leads out of the book"]


def test_a_sentence_computed_from_nothing_is_a_fault_and_a_name_or_code_is_none(tmp_path: Path) -> None:
    page = "<p>Dr. Nan of the NaN-group, banana</p><pre>nan</pre><code>x = nan</code><script>nan</script>"
    (tmp_path / "a.html").write_text(page + "<a href='https://x.org/nan'>doi:10.1/nan</a>", encoding="utf-8")
    assert audit.faults(tmp_path) == []
    (tmp_path / "a.html").write_text(page + "<p>The share is nan% (nan to 3).</p>", encoding="utf-8")
    assert audit.faults(tmp_path) == ["a.html: no number in “The share is nan% (nan to 3).”"]


def test_a_box_that_names_a_number_that_was_not_kept_is_refused(tmp_path: Path) -> None:
    box = ":::{admonition} In short\nThe AUC is {glue:text}`auc:.2f`.\n:::"
    with pytest.raises(ValueError, match="the box In short names 'auc'"):
        front.summary(box, tmp_path)
    (tmp_path / "numbers.json").write_text('{"auc": null}')
    assert front.summary(box, tmp_path) == "The AUC is –."


@contextlib.contextmanager
def _picture(path: Path) -> Iterator[object]:
    from PIL import Image

    with Image.open(path) as image:
        yield image


def test_the_small_pictures_are_small_and_the_same_twice(tmp_path: Path) -> None:
    from helpers.book.figures import write_figure

    write_figure(tmp_path, "fig-a", browser.figure())
    png = (tmp_path / "fig-a.png").read_bytes()
    (tmp_path / "b.png").write_bytes(small := pictures.small(png, width=200))
    assert small == pictures.small(png, width=200)
    with _picture(tmp_path / "b.png") as image:
        assert image.width == 200
    assert len(small) < len(png) / 2


def test_a_drawing_made_of_photographs_is_shown_as_a_light_picture(tmp_path: Path) -> None:
    import matplotlib.pyplot as plt
    import numpy as np

    from helpers.book.figures import write_figure

    drawn, axes = plt.subplots(figsize=(8, 4))
    axes.imshow(np.random.default_rng(1).normal(size=(400, 800)), cmap="gray")
    write_figure(tmp_path, "fig-speckle", drawn)
    write_figure(tmp_path, "fig-line", browser.figure())
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(files["fig-speckle.svg"]) > pictures.HEAVY
    made = pictures.for_screen(files)
    assert list(made) == ["fig-speckle.webp"]
    assert made == pictures.for_screen(files)
    assert len(made["fig-speckle.webp"]) < len(files["fig-speckle.svg"])
    (tmp_path / "seen.webp").write_bytes(made["fig-speckle.webp"])
    with _picture(tmp_path / "seen.webp") as image:
        assert image.width == pictures.WIDE


def test_a_page_weighs_what_it_loads_and_nothing_that_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "heavy.html").write_text("x" * 5000)
    (tmp_path / "big.svg").write_text("x" * 2000)
    head = '<link rel="next" title="Heavy" href="heavy.html"/><link rel="index" href="heavy.html"/>'
    page = f'{head}<a href="heavy.html">on</a><img src="big.svg">'
    (tmp_path / "light.html").write_text(page)
    assert audit.weight(tmp_path / "light.html") == 2000 + len(page)
    assert audit.faults(tmp_path, limit=2000) == [
        f"{name}: 0.0 MB, more than 0.0 MB" for name in ("heavy.html", "light.html")
    ]
    (tmp_path / "heavy.html").unlink()
    assert audit.faults(tmp_path) == ["light.html: no file 'heavy.html'"]
