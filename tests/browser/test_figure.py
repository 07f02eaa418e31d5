"""A figure in a real browser: drawn from our own server, clicked, taken away in three formats."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, streamlit_server

pytestmark = pytest.mark.browser

SCRIPT = Path(__file__).parent / "figure_app" / "app.py"
DICE = ".figure-host[aria-label='Figure dice']"
METRICS = ".figure-host[aria-label='Figure metrics']"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with streamlit_server(SCRIPT, tmp_path_factory.mktemp("figure")) as running:
        yield running


@pytest.fixture
def opened(page: Page, server: Server) -> Page:
    page.goto(server.url)
    expect(page.locator(f"{DICE}[data-ready]")).to_be_visible(timeout=30_000)
    return page


def taken(page: Page, what: str) -> tuple[str, bytes]:
    """Name and content of a download."""
    with page.expect_download() as arriving:
        page.get_by_role("button", name=f"({what})", exact=False).first.click()
    return arriving.value.suggested_filename, Path(arriving.value.path()).read_bytes()


def test_a_click_on_a_point_tells_the_image_once(opened: Page) -> None:
    points = opened.locator(f"{DICE} .scatterlayer .point")
    expect(points).to_have_count(2)
    box = points.nth(1).bounding_box()
    assert box is not None
    opened.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)  # Plotly listens on a layer above
    expect(opened.get_by_text("clicked second")).to_be_visible()
    opened.get_by_role("button", name="Again").click()
    expect(opened.get_by_text("clicked None")).to_be_visible()
    runs = opened.get_by_text("runs ").inner_text()
    opened.wait_for_timeout(800)
    assert opened.get_by_text("runs ").inner_text() == runs, "no click, no run"


def test_picture_drawing_and_numbers_can_be_taken_away(opened: Page) -> None:
    name, png = taken(opened, "PNG")
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    width = opened.locator(f"{DICE} .figure-plot").evaluate("element => element.offsetWidth")
    assert (name, picture.size) == ("dice.png", (3 * width, 900))
    assert picture.getpixel((2, 2)) == (255, 255, 255), "a paper is white"
    name, svg = taken(opened, "SVG")
    assert name == "dice.svg"
    assert svg.lstrip().startswith(b"<svg")
    assert b"mitochondria" in svg
    name, table = taken(opened, "CSV")
    rows = list(csv.DictReader(io.StringIO(table.decode())))
    assert name == "dice.csv"
    assert [(row["image"], float(row["dice"])) for row in rows] == [("", 0.7), ("first", 0.4), ("second", 1.0)]


def test_text_follows_the_theme(server: Server, page: Page) -> None:
    def text_color() -> str:
        page.goto(server.url)
        expect(page.locator(f"{DICE}[data-ready]")).to_be_visible(timeout=30_000)
        color: str = page.locator(f"{DICE} .xtick text").first.evaluate("element => getComputedStyle(element).fill")
        return color

    page.emulate_media(color_scheme="light")
    light = text_color()
    page.emulate_media(color_scheme="dark")
    assert text_color() != light


def test_it_fits_a_narrow_window(opened: Page) -> None:
    opened.set_viewport_size({"width": 420, "height": 800})
    expect(opened.locator(f"{DICE} .figure-plot svg.main-svg").first).to_have_attribute("width", "388", timeout=5000)


def test_text_follows_a_theme_that_changes_while_it_is_shown(opened: Page) -> None:
    opened.locator(DICE).evaluate("element => element.style.setProperty('--st-text-color', 'rgb(1, 2, 3)')")
    expect(opened.locator(f"{DICE} .xtick text").first).to_have_css("fill", "rgb(1, 2, 3)")


def test_the_drawing_uses_fonts_that_every_machine_has(opened: Page) -> None:
    _, svg = taken(opened, "SVG")
    assert b"Arial" in svg
    assert b"Source Sans" not in svg, "measured in one font and set in another, names are cut off"


def test_a_heatmap_scrolls_rather_than_squeezes_its_numbers(opened: Page) -> None:
    opened.set_viewport_size({"width": 320, "height": 800})
    wide = opened.locator(f"{METRICS} .figure-plot")
    scroll = wide.locator("..")
    expect(wide.locator("svg.main-svg").first).to_be_visible()
    assert wide.evaluate("element => element.offsetWidth") > scroll.evaluate("element => element.clientWidth")
    assert opened.evaluate("document.documentElement.scrollWidth") <= 320, "the page itself does not scroll sideways"
