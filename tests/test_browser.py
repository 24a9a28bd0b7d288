"""The built book in a real browser, opened from disk with the network refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest

import browser
from helpers.book import publish

pytestmark = pytest.mark.build

WIDTHS = """() => Promise.all([...document.querySelectorAll('main img')].map(image => {
  image.loading = 'eager';
  return image.decode().then(() => image.naturalWidth, () => 0);
}))"""


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A miniature book of two studies, built with warnings as errors."""
    folder = tmp_path_factory.mktemp("book")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(Path(__file__).resolve().parents[1])
        studies = browser.results(folder / "results")
        site = publish.stage(folder / "site", studies=studies, results=folder / "results", changelog=None)
        return publish.build(site, folder / "out").parent


def test_every_page_reads_without_a_network(book: Path) -> None:
    found = {path for path in book.rglob("*.html") if not {"_static", "_sources"} & set(path.parts)}
    found -= {book / "index.html"}  # it leads on to the first page at once
    assert {path.stem for path in found} >= {"intro", "glossary", "references", "discrimination", "absent", "index"}
    with browser.reader() as (page, seen):
        for path in sorted(found):
            page.goto(path.as_uri(), wait_until="load")
            pictures = page.evaluate(WIDTHS)
            assert all(width > 0 for width in pictures), path
            assert page.evaluate("window.hacked") is None, path
            banner = page.locator(".simulated-banner").count()
            simulated = "olnm" in path.relative_to(book).parts
            assert banner == int(simulated), path
            if simulated:
                text = page.locator(".simulated-banner").inner_text()
                assert "no number on this page is a finding about patients" in text
    assert seen.outside == []
    assert seen.errors == []


def test_a_page_keeps_its_height_while_its_pictures_arrive_and_has_all_of_them_unasked(book: Path) -> None:
    with browser.reader() as (page, _):
        page.set_viewport_size({"width": 1280, "height": 300})
        page.route("**/*.svg", lambda route: None)  # never answered: pictures are still on their way
        page.goto((book / "olnm" / "discrimination.html").as_uri(), wait_until="domcontentloaded")
        page.evaluate("document.documentElement.classList.add('laid-out')")
        before = page.evaluate("document.documentElement.scrollHeight")
        page.unroute_all(behavior="ignoreErrors")
        page.goto((book / "olnm" / "discrimination.html").as_uri(), wait_until="load")
        page.wait_for_function("[...document.querySelectorAll('main img')].every(one => one.complete)", timeout=10_000)
        assert page.locator("main img[loading=lazy]").count() == 0
        assert page.evaluate("document.documentElement.scrollHeight") == pytest.approx(before, abs=2)


def test_names_of_files_and_settings_are_text(book: Path) -> None:
    with browser.reader() as (page, seen):
        page.goto((book / "real" / "cohort.html").as_uri())
        assert page.locator("table.result-grid td").all_inner_texts() == [
            f"media/{browser.PICTURE}.png",
            browser.PICTURE,
        ]
        said = page.locator("pre.verbatim").inner_text()
        assert (
            said.split("\n")[:4] == ["title: |", "", "  x", "```"] and browser.EVIL in said and browser.PICTURE in said
        )
        page.goto((book / "intro.html").as_uri())
        assert page.locator(".front-question").all_inner_texts() == [browser.QUESTION]
        assert page.locator("img.front-picture").first.get_attribute("alt") == "A rising line."
        assert page.evaluate("window.hacked") is None
    assert seen.errors == []


def test_the_front_door_leads_to_the_first_page(book: Path) -> None:
    with browser.reader() as (page, _):
        page.goto((book / "index.html").as_uri())
        page.wait_for_url("**/intro.html")
        assert page.locator(".sd-card a").count() >= 3


def test_no_page_names_a_script_of_another_host(book: Path) -> None:
    for path in book.rglob("*.html"):
        content = path.read_text(encoding="utf-8")
        for host in ("cdn.jsdelivr.net", "cdnjs.", "unpkg.com", "googleapis.com"):
            assert host not in content, path


@pytest.mark.parametrize("study", ["olnm", "real"])
def test_a_chapter_as_a_reader_sees_it(book: Path, study: str) -> None:
    with browser.reader() as (page, seen):
        page.goto((book / study / "discrimination.html").as_uri())
        assert (
            "The AUC is 0.81 in 116 patients (27 events)."
            in page.locator(".admonition", has_text="In short").inner_text()
        )
        figure = page.locator("figcaption").inner_text()
        table = page.locator("table.result-grid caption").inner_text()
        number = figure.split()[1]
        assert figure.startswith("Figure ")
        assert "Who is told apart? ROC curve, n = 116" in figure
        assert table.startswith(f"Table {number} How well")
        assert page.get_by_role("link", name=f"Figure {number}").count() == 2
        page.wait_for_selector("mjx-container", timeout=10_000)
        fonts = page.evaluate(
            "document.fonts.ready.then(() => [...document.fonts].filter(f => f.status === 'error').length)"
        )
        assert fonts == 0
        cells = page.locator("table.result-grid tbody td").all_inner_texts()
        assert cells[:2] == [browser.EVIL, "0.812"]
        header = page.locator("table.result-grid thead th")
        assert header.all_inner_texts() == ["Model", "AUC", f"centre {browser.EVIL}"]
        alt = page.locator("figure img").get_attribute("alt")
        assert alt == "A rising line."
        for kind in ("SVG", "PNG", "CSV", "XLSX", "DOCX"):
            links = page.locator(".result-downloads a", has_text=kind).all()
            assert links, kind
            assert all((book / study / link.get_attribute("href")).resolve().is_file() for link in links)
        assert page.locator(".result-methods a[href='https://doi.org/10.2307/2531595']").count() == 1
        assert page.get_by_text('results = "results').count() <= 1, "the defaults are not shown"
    assert seen.outside == []


def test_a_phone_scrolls_tables_not_the_page(book: Path) -> None:
    with browser.reader(width=390) as (page, _):
        for name in ("olnm/discrimination", "how_numbers_are_made", "intro"):
            page.goto((book / f"{name}.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= 391, name


def test_a_wide_table_scrolls_under_its_caption_and_breaks_no_interval(book: Path) -> None:
    with browser.reader(width=900) as (page, _):
        page.goto((book / "olnm" / "inputs.html").as_uri())
        box = page.locator(".pst-scrollable-table-container")
        assert box.evaluate("one => one.scrollWidth > one.clientWidth + 100"), "the table is wider than the page"
        caption = page.locator("table.result-grid caption")
        for left in (0, 400):
            box.evaluate("(one, left) => { one.scrollLeft = left; }", left)
            seen, of = caption.bounding_box(), box.bounding_box()
            assert seen["x"] >= of["x"] - 1 and seen["x"] + seen["width"] <= of["x"] + of["width"] + 1
        together = page.locator("td .together")
        assert together.count() == 36 and "(0.730–0.982)" in together.all_inner_texts()
        assert together.evaluate_all("all => all.every(one => one.getClientRects().length === 1)")


def test_search_works_from_disk(book: Path) -> None:
    with browser.reader() as (page, seen):
        page.goto((book / "search.html").as_uri() + "?q=network")
        page.wait_for_selector("ul.search li a", timeout=15_000)
        assert "How was each network trained" in page.locator("ul.search").inner_text()
    assert seen.outside == []
    assert seen.errors == []


def test_a_build_with_a_warning_fails_and_leaves_nothing(tmp_path: Path) -> None:
    cells = [nbformat.v4.new_markdown_cell("# A\n\n:::{result-figure} fig-none\n\nCaption.\n:::\n\n{ref}`nowhere`")]
    browser.save(tmp_path / "results/a/cohort", cells)
    study = publish.BookStudy("a", "A", pages=("cohort",))
    site = publish.stage(tmp_path / "site", studies=[study], results=tmp_path / "results", changelog=None)
    with pytest.raises(publish.BuildError) as caught:
        publish.build(site, tmp_path / "out")
    assert "page a/cohort: figure fig-none has no fig-none.svg, fig-none.json" in str(caught.value)
    assert "nowhere" in str(caught.value)
    assert not (tmp_path / "out/_build").exists(), "else the next build would skip the page and pass"


def test_a_book_without_a_study_leaves_none_of_its_pages(tmp_path: Path) -> None:
    studies = browser.results(tmp_path / "results")
    for chosen in (studies, [study for study in studies if study.name != "olnm"]):
        site = publish.stage(tmp_path / "site", studies=chosen, results=tmp_path / "results", changelog=None)
        index = publish.build(site, tmp_path / "out")
        assert (index.parent / "olnm").exists() == ("olnm" in {study.name for study in chosen})
    assert not list(index.parent.rglob("*olnm*"))


def test_pages_are_made_again_when_a_style_or_a_script_changes(tmp_path: Path) -> None:
    studies = browser.results(tmp_path / "results")[:1]
    text = tmp_path / "text"
    shutil.copytree("book", text)

    def made() -> tuple[Path, str, int]:
        site = publish.stage(
            tmp_path / "site", studies=studies, results=tmp_path / "results", text=text, changelog=None
        )
        page = publish.build(site, tmp_path / "out").with_name("glossary.html")
        return page, page.read_text(encoding="utf-8"), page.stat().st_mtime_ns

    page, before, at = made()
    assert made() == (page, before, at), "a book that nothing changed is not made again"
    style = text / "_assets" / "thyrobook.css"
    style.write_text(style.read_text(encoding="utf-8") + ".afterwards { color: inherit; }\n", encoding="utf-8")
    _, after, _ = made()
    assert after != before, "pages name a style sheet with its digest"
    assert ".afterwards" in (page.parent / "_static" / "thyrobook.css").read_text(encoding="utf-8")


def test_a_clip_plays_without_kernel_and_network(book: Path) -> None:
    with browser.reader() as (page, seen):
        page.goto((book / "olnm" / "discrimination.html").as_uri())
        clip = page.locator("video.result-clip")
        assert clip.get_attribute("aria-label") == "A rising line."
        assert not clip.evaluate("one => one.autoplay"), "it moves when the reader says so"
        clip.focus()
        page.keyboard.press("Space")
        page.wait_for_function("document.querySelector('video').currentTime > 0.1", timeout=10_000)
        assert clip.evaluate("one => one.duration") == pytest.approx(2, abs=0.2)
        assert clip.evaluate("one => one.error") is None
        assert page.get_by_role("link", name="MP4").get_attribute("href").endswith(".mp4")
        assert not seen.outside and not seen.errors
        page.goto((book / "real" / "discrimination.html").as_uri())
        assert page.locator("video").count() == 0
