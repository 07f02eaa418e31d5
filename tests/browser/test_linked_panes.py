"""The linked panes in a browser: one view for all, errors in their colours, swipe, flicker, and what is missing."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import LabelPyramidWriter
from core.label_scheme import DEFAULT_SCHEME
from core.store.store import Store
from tests.browser.conftest import Server, streamlit_server
from tests.browser.test_viewer import APP, INSTANCE, near

pytestmark = pytest.mark.browser

SIZE = 1100  # three tiles a side
GREY = 100
RED, BLUE, GREEN, YELLOW = (255, 0, 0), (0, 0, 255), (0, 255, 0), (255, 255, 0)
RIGHT, TOO_MUCH, MISSED = (232, 232, 232), (230, 159, 0), (86, 180, 233)

HIT = (200, 200)  # mitochondria, correct
OVERLOOKED = (200, 400)  # mitochondria, taken for background
CONFUSED = (800, 200)  # nucleus, taken for ER
INVENTED = (200, 700)  # background, taken for lipid droplets
UNREVIEWED = (200, 1030)  # not annotated, predicted as mitochondria


class World:
    """An image with a hand-made pair of label maps, behind a server of its own."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.store = Store(server.settings)
        project = self.store.projects.create("panes", DEFAULT_SCHEME, 8.0)
        pixels = np.full((SIZE, SIZE), GREY, np.uint8)
        pixels[0, :2] = (0, 200)
        self.image = self.store.images.add(project.id, Image(pixels, PixelSize.from_user(8.0), "flat.tif"))
        low, high = self.image.window
        self.grey = round(min(255.0, max(0.0, (GREY - low) * 255 / (high - low))))
        reference = np.zeros((SIZE, SIZE), np.uint8)
        reference[100:500, 100:500] = 1
        reference[600:1000, 100:500] = 2
        reference[:, 1000:] = 255
        prediction = np.zeros((SIZE, SIZE), np.uint8)
        prediction[100:500, 100:300] = 1
        prediction[600:1000, 100:500] = 2
        prediction[600:1000, 100:300] = 3
        prediction[100:300, 600:800] = 4
        prediction[100:500, 1000:1060] = 1
        self.reference = self.add(reference, "reference")
        self.prediction = self.add(prediction, "prediction")
        self.other = self.add(np.full((SIZE, SIZE), 5, np.uint8), "prediction")

    def add(self, labels: NDArray[np.uint8], kind: str) -> str:
        record = self.store.revisions.begin(self.image.id, kind)
        writer = LabelPyramidWriter(self.store.revisions.pyramid_path(record.id), labels.shape, pixel_size_nm=8.0)
        writer.write(0, 0, labels, np.full(labels.shape, 204, np.uint8))
        writer.finish()
        return self.store.revisions.complete(record.id).id


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with streamlit_server(APP, tmp_path_factory.mktemp("panes")) as server:
        yield World(server)


class Panes:
    """What a test does with the panes on a page."""

    def __init__(self, page: Page, world: World) -> None:
        self.page = page
        self.world = world

    def open(self, view: str = "", *, reference: str | None = "", **asked: str) -> Panes:
        query = {"image": self.world.image.id, "prediction": self.world.prediction, **asked}
        if reference is not None:
            query["reference"] = reference or self.world.reference
        fragment = f"#view={view}@{self.world.image.id}" if view else ""
        words = "&".join(f"{name}={value}" for name, value in query.items())
        self.page.goto("about:blank")
        self.page.goto(f"{self.world.server.url}/compare?{words}{fragment}")
        self.settle()
        return self

    def settle(self) -> None:
        """Wait until everything in view is there and nothing moves."""
        self.page.wait_for_function(
            f"""() => {{
              const v = ({INSTANCE})();
              if (!v?.placed || !v.base.isOpen || !v.base.item.getFullyLoaded() || v.guest.refit) return false;
              if (Math.abs(v.base.zoom(true) / v.base.zoom() - 1) > 0.002) return false;
              if (!v.base.hasSize(v.guest.grid.width, v.guest.grid.height)) return false;
              return v.overlays.entries.every(({{ layer: l }}) => !l.tiles.running.size && !l.tiles.wanted.length);
            }}"""
        )
        self.page.wait_for_timeout(300)

    def ask(self, expression: str) -> Any:
        return self.page.evaluate(f"() => {{ const v = ({INSTANCE})(); return {expression}; }}")

    def place(self) -> tuple[float, float, float]:
        place = self.ask("v.base.place()")
        return place["row"], place["col"], place["zoom"]

    def at(self, row: float, col: float) -> tuple[int, int]:
        """Where an image pixel is in each pane: x, y."""
        view = self.ask("v.base.view()")
        return round((col + 0.5 - view["x0"]) * view["scale"]), round((row + 0.5 - view["y0"]) * view["scale"])

    def colors(self, title: str, spot: tuple[int, int], reach: int = 12) -> list[tuple[int, ...]]:
        """Colours around a place of the image in a pane, the most frequent first; each fills at least a fifth."""
        self.page.mouse.move(2, 2)
        png = self.page.get_by_role("group", name=title, exact=True).screenshot()
        picture = np.asarray(PIL.Image.open(io.BytesIO(png)).convert("RGB"))
        x, y = self.at(*spot)
        part = picture[y - reach : y + reach, x - reach : x + reach].reshape(-1, 3)
        found, counts = np.unique(part, axis=0, return_counts=True)
        order = np.argsort(counts)[::-1]
        return [tuple(int(v) for v in found[i]) for i in order if counts[i] * 5 >= len(part)]

    def mixed(self, *layers: tuple[tuple[int, int, int], float]) -> tuple[int, ...]:
        """The image's grey under colours of such opacities."""
        seen = np.full(3, self.world.grey, float)
        for color, opacity in layers:
            seen = np.array(color) * opacity + seen * (1 - opacity)
        return tuple(round(float(v)) for v in seen)


@pytest.fixture
def panes(page: Page, world: World) -> Panes:
    return Panes(page, world)


def assert_colors(found: list[tuple[int, ...]], *expected: tuple[int, ...]) -> None:
    assert len(found) == len(expected), found
    for color in expected:
        assert any(near(color, seen, 6) for seen in found), (color, found)


FILL, STRIPE, BETWEEN = 0.65, 0.9, 0.9 * 0.22


@pytest.mark.parametrize("view", ["", "550,550,0.24"], ids=["fit", "coarse"])
def test_each_pane_shows_its_map(panes: Panes, view: str) -> None:
    panes.open(view)
    grey = panes.mixed()
    assert_colors(panes.colors("Image", CONFUSED), grey)
    assert_colors(panes.colors("Reference", CONFUSED), panes.mixed((BLUE, 0.45)))
    assert_colors(panes.colors("Prediction", CONFUSED), panes.mixed((GREEN, 0.45)))
    assert_colors(panes.colors("Reference", OVERLOOKED), panes.mixed((RED, 0.45)))
    assert_colors(panes.colors("Prediction", OVERLOOKED), grey)


def test_errors_are_filled_with_what_was_said_and_striped_with_what_it_is(panes: Panes) -> None:
    panes.open()
    assert_colors(panes.colors("Errors", HIT), panes.mixed())
    assert_colors(panes.colors("Errors", OVERLOOKED), panes.mixed((RED, STRIPE)), panes.mixed((RED, BETWEEN)))
    assert_colors(
        panes.colors("Errors", CONFUSED),
        panes.mixed((GREEN, FILL), (BLUE, STRIPE)),
        panes.mixed((GREEN, FILL), (BLUE, BETWEEN)),
    )
    assert_colors(panes.colors("Errors", INVENTED), panes.mixed((YELLOW, FILL)))
    assert_colors(panes.colors("Errors", UNREVIEWED, 4), panes.mixed(((110, 116, 126), FILL * 150 / 255)))


def test_errors_of_one_class_have_three_colours(panes: Panes) -> None:
    panes.open(**{"class": "1"})
    assert_colors(panes.colors("Errors", HIT), panes.mixed((RIGHT, FILL * 150 / 255)))
    assert_colors(panes.colors("Errors", OVERLOOKED), panes.mixed((MISSED, FILL)))
    assert_colors(panes.colors("Errors", CONFUSED), panes.mixed())
    expect(panes.page.locator(".error-key")).to_contain_text("Errors of mitochondria")
    panes.open(**{"class": "2"})
    assert_colors(panes.colors("Errors", CONFUSED), panes.mixed((MISSED, FILL)))
    panes.open(reference=panes.world.prediction, prediction=panes.world.reference, **{"class": "1"})
    assert_colors(panes.colors("Errors", OVERLOOKED), panes.mixed((TOO_MUCH, FILL)))


def test_all_panes_move_as_one_and_each_tile_is_fetched_once(panes: Panes, page: Page) -> None:
    tiles: list[str] = []
    page.on("request", lambda r: tiles.append(r.url) if "/tiles/" in r.url or "/labels/" in r.url else None)
    panes.open()
    for title, gesture in (("Errors", "drag"), ("Prediction", "wheel"), ("Image", "drag")):
        before = panes.place()
        box = page.get_by_role("group", name=title, exact=True).bounding_box()
        assert box
        page.mouse.move(box["x"] + 150, box["y"] + 120)
        if gesture == "wheel":
            page.mouse.wheel(0, -400)
        else:
            page.mouse.down()
            page.mouse.move(box["x"] + 190, box["y"] + 140, steps=6)
            page.mouse.up()
        panes.settle()
        row, col, zoom = panes.place()
        if gesture == "wheel":
            assert zoom > 1.2 * before[2]
        else:
            assert (before[0] - row, before[1] - col) == pytest.approx((20 / zoom, 40 / zoom), rel=0.06)
        assert panes.place() == (row, col, zoom)  # at rest
    assert len(tiles) == len(set(tiles))
    spot = (530, 400)  # in the gap between the two squares
    for title in ("Image", "Reference", "Prediction", "Errors"):
        assert_colors(panes.colors(title, spot, 3), panes.mixed())


def test_the_cursor_is_shown_in_all_panes_and_the_readout_tells_the_pair(panes: Panes, page: Page) -> None:
    panes.open()
    line = page.locator(".status-line")
    for spot, text in (
        (CONFUSED, "reference: nucleus, predicted: ER"), (OVERLOOKED, "reference: mitochondria, predicted: background"),
        (HIT, "mitochondria, correct"), (UNREVIEWED, "not annotated"),
    ):  # fmt: skip
        x, y = panes.at(*spot)
        page.get_by_role("group", name="Image", exact=True).hover(position={"x": x, "y": y}, force=True)
        expect(line).to_contain_text(text)
    crosses = page.locator(".cross:visible")
    assert crosses.count() == 4
    assert crosses.evaluate_all("all => new Set(all.map((e) => e.getAttribute('style'))).size") == 1
    page.mouse.move(2, 2)
    expect(crosses).to_have_count(0)


def test_a_place_is_flown_to_and_outlined_in_every_pane_until_the_next(panes: Panes, page: Page) -> None:
    panes.open()
    page.get_by_text("a", exact=True).click()
    expect(page.get_by_text("runs: 2")).to_be_visible()  # a busy machine takes its time to run the script again
    page.wait_for_timeout(900)
    panes.settle()
    row, col, zoom = panes.place()
    assert (row, col) == pytest.approx((750, 330), abs=1)
    assert zoom > 1
    boxes = page.locator(".place-frame .focus").evaluate_all("all => all.map((e) => e.getBoundingClientRect().height)")
    assert boxes == pytest.approx([100 * zoom + 6] * 4, abs=4)
    page.get_by_role("group", name="Errors", exact=True).hover()
    page.keyboard.press("0")
    page.wait_for_timeout(700)
    page.get_by_text("swipe", exact=True).click()  # a rerun with the same token
    page.wait_for_timeout(700)
    assert panes.place()[2] < 0.6
    assert page.locator(".place-frame .focus").count() == 1


def test_the_view_stays_when_the_mode_changes_and_stands_in_the_address(panes: Panes, page: Page) -> None:
    panes.open("700,300,1.5")
    page.get_by_text("flicker", exact=True).click()
    expect(page.locator(".pane")).to_have_count(1)
    page.wait_for_timeout(600)
    assert panes.place() == pytest.approx((700, 300, 1.5), rel=0.01)
    assert "#view=700,300,1.5@" in page.url
    assert page.get_by_text("runs: 2").count() == 1
    page.get_by_text("panes", exact=True).click()
    page.wait_for_timeout(600)
    panes.settle()
    assert panes.place() == pytest.approx((700, 300, 1.5), rel=0.01)


def test_swipe_shows_the_reference_left_and_the_prediction_right(panes: Panes, page: Page) -> None:
    panes.open(mode="swipe")
    divider = page.get_by_role("slider", name="Divider")
    box = page.locator(".pane").bounding_box()
    assert box
    is_, said = panes.mixed((BLUE, 0.45)), panes.mixed((GREEN, 0.45))
    assert_colors(panes.colors("Reference", CONFUSED), is_)
    grip = divider.bounding_box()
    assert grip
    page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 20, box["y"] + 60, steps=4)
    page.mouse.up()
    assert divider.get_attribute("aria-valuenow") == str(round(100 * 20 / box["width"]))
    assert_colors(panes.colors("Reference", CONFUSED), said)
    before = panes.place()
    divider.focus()
    page.keyboard.press("End")
    assert divider.get_attribute("aria-valuenow") == "100"
    page.keyboard.press("ArrowLeft")
    assert divider.get_attribute("aria-valuenow") == "98"
    assert_colors(panes.colors("Reference", CONFUSED), is_)
    assert panes.place() == before


def test_flicker_alternates_stops_and_shows_the_other_while_a_key_is_held(panes: Panes, page: Page) -> None:
    panes.open(mode="flicker")
    title = page.locator(".pane-title")
    seen = page.evaluate(
        """async () => {
          const words = [];
          for (let i = 0; i < 40; i += 1) {
            const text = [...document.querySelectorAll("*")].map((e) => e.shadowRoot?.querySelector(".pane-title"))
              .find(Boolean).textContent;
            if (text !== words.at(-1)) words.push(text);
            await new Promise((done) => setTimeout(done, 50));
          }
          return words;
        }"""
    )
    assert len(seen) >= 4 and set(seen) == {"Reference", "Prediction"}
    page.get_by_role("button", name="Prediction", exact=True).click()
    page.wait_for_timeout(500)
    expect(title).to_have_text("Prediction")
    is_, said = panes.mixed((BLUE, 0.45)), panes.mixed((GREEN, 0.45))
    assert_colors(panes.colors("Reference", CONFUSED), said)
    page.locator(".pane").hover(position={"x": 100, "y": 100})
    page.keyboard.down("t")
    expect(title).to_have_text("Reference")
    assert_colors(panes.colors("Reference", CONFUSED), is_)
    page.keyboard.up("t")
    expect(title).to_have_text("Prediction")
    page.locator(".pane").hover(position={"x": 100, "y": 100})
    page.keyboard.press("k")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def test_an_image_without_reference_says_so(panes: Panes, page: Page) -> None:
    panes.open(reference=None)
    expect(page.get_by_role("group", name="Reference")).to_contain_text("This image has no reference.")
    expect(page.get_by_role("group", name="Errors")).to_contain_text("There is nothing to compare.")
    assert_colors(panes.colors("Prediction", CONFUSED), panes.mixed((GREEN, 0.45)))
    assert page.locator(".error-key:visible").count() == 0
    for mode in ("swipe", "flicker"):
        panes.open(reference=None, mode=mode)
        expect(page.get_by_role("group", name="Prediction")).to_contain_text("This image has no reference.")


def test_a_deleted_map_is_told_in_its_pane(panes: Panes, page: Page) -> None:
    panes.open(reference="r-of-nothing")
    expect(page.get_by_role("group", name="Reference").locator(".pane-note")).to_be_visible()
    expect(page.get_by_role("group", name="Errors")).to_contain_text("There is nothing to compare.")


def test_further_maps_have_a_pane_each_and_are_read_out(panes: Panes, page: Page) -> None:
    panes.open(other=panes.world.other, panes="reference,prediction,errors")
    titles = page.locator(".pane-title").all_inner_texts()
    assert titles == ["Reference", "Prediction", "before: round 1", "Errors"]
    assert_colors(panes.colors("before: round 1", HIT), panes.mixed(((255, 0, 255), 0.45)))
    x, y = panes.at(*HIT)
    page.get_by_role("group", name="before: round 1").hover(position={"x": x, "y": y}, force=True)
    expect(page.locator(".status-line")).to_contain_text("reference: mitochondria, predicted: cell boundaries")


def test_only_the_errors_pane_fetches_both_maps(panes: Panes) -> None:
    panes.open(panes="errors")
    assert_colors(panes.colors("Errors", INVENTED), panes.mixed((YELLOW, FILL)))


def test_panes_are_stacked_in_a_narrow_window_and_the_image_stays_whole(panes: Panes, page: Page) -> None:
    panes.open()
    page.set_viewport_size({"width": 420, "height": 900})
    page.wait_for_timeout(900)
    panes.settle()
    lefts = page.locator(".pane").evaluate_all("all => all.map((e) => e.getBoundingClientRect().left)")
    assert len(set(lefts)) == 1
    assert panes.ask("v.base.isFitted")
    assert_colors(panes.colors("Prediction", CONFUSED, 6), panes.mixed((GREEN, 0.45)))
    page.set_viewport_size({"width": 1400, "height": 900})
    page.wait_for_timeout(900)
    panes.settle()
    assert len(set(page.locator(".pane").evaluate_all("all => all.map((e) => e.getBoundingClientRect().left)"))) > 1
    assert panes.ask("v.base.isFitted")


def test_leaving_the_page_lets_go_of_everything(panes: Panes, page: Page) -> None:
    panes.open(mode="flicker")
    page.evaluate(f"() => {{ window.old = ({INSTANCE})(); }}")
    page.get_by_role("link", name="Upload").click()
    page.wait_for_function("() => window.old.closed === true")
    assert page.evaluate("() => window.old.base === null && window.old.guest.tool === null")
    assert page.locator("canvas").count() == 0
