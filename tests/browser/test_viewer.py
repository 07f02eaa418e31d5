"""The viewer in a browser: what is drawn, what stays, what keys do, how it behaves in trouble."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import LabelPyramidWriter
from core.label_scheme import DEFAULT_SCHEME
from core.store.records import ImageRecord, RevisionRecord
from core.store.store import Store
from tests.browser.conftest import Server, free_port, streamlit_server

pytestmark = pytest.mark.browser

APP = Path(__file__).parent / "viewer_app" / "app.py"
SIZE = 2300  # five tiles a side, the last ones not whole
GREY = 100

INSTANCE = """() => {
  for (const e of document.querySelectorAll("*")) {
    const v = e.shadowRoot?.[Symbol.for("cristae.viewer")];
    if (v) return v;
  }
  return null;
}"""

SHOW_PANELS = f"""(visibility) => {{
  for (const name of [".legend", ".scale", ".navigator", ".adjust", ".progress-text"])
    for (const e of ({INSTANCE})().element.querySelectorAll(name)) e.style.visibility = visibility;
}}"""


class World:
    """A store with pictures whose every pixel is known, behind a server of its own."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.store = Store(server.settings)
        self.project = self.store.projects.create("browser", DEFAULT_SCHEME, 8.0)
        self.labels = np.zeros((SIZE, SIZE), np.uint8)
        self.labels[600:1700, 300:1200] = 1  # crosses tile borders at 512, 1024, 1536
        self.labels[600:1700, 1200:2000] = 2
        self.image = self.add_image("flat.tif", PixelSize.from_user(8.0))
        self.revision = self.add_revision(self.image)

    def add_image(self, name: str, pixel_size: PixelSize, dtype: str = "uint8", seed: int = 0) -> ImageRecord:
        pixels = np.full((SIZE, SIZE), GREY, dtype)
        pixels[0, :2] = (0, 200)
        pixels[1, 0] = seed  # another content, so another image
        return self.store.images.add(self.project.id, Image(pixels, pixel_size, name))

    def add_revision(self, image: ImageRecord) -> RevisionRecord:
        record = self.store.revisions.begin(image.id, "prediction")
        writer = LabelPyramidWriter(self.store.revisions.pyramid_path(record.id), self.labels.shape, pixel_size_nm=8.0)
        writer.write(0, 0, self.labels, np.full(self.labels.shape, 204, np.uint8))
        writer.finish()
        return self.store.revisions.complete(record.id)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with streamlit_server(APP, tmp_path_factory.mktemp("viewer")) as server:
        yield World(server)


class Viewer:
    """What a test does with the viewer on a page."""

    def __init__(self, page: Page, world: World) -> None:
        self.page = page
        self.world = world

    def open(self, image: ImageRecord | None = None, view: str = "") -> Viewer:
        image = image or self.world.image
        fragment = f"#view={view}@{image.id}" if view else ""
        self.page.goto("about:blank")  # another fragment alone would not load the page anew
        self.page.goto(f"{self.world.server.url}/?image={image.id}{fragment}")
        self.settle()
        return self

    def settle(self) -> None:
        """Wait until everything in view is there and nothing moves."""
        self.page.wait_for_function(
            f"""() => {{
              const v = ({INSTANCE})();
              if (!v?.placed || !v.base.isOpen || !v.base.item.getFullyLoaded()) return false;
              const view = v.base.view();
              if (Math.abs(v.base.zoom(true) / v.base.zoom() - 1) > 0.002) return false;
              const layers = v.overlays.entries.map((e) => e.layer);
              return layers.every((l) => !l.visible || (l.tiles.running.size === 0 && l.tiles.wanted.length === 0));
            }}""",
            timeout=30_000,
        )
        self.page.wait_for_timeout(250)

    def ask(self, expression: str) -> Any:
        """The value of an expression of `v`, the viewer's object."""
        return self.page.evaluate(f"() => {{ const v = ({INSTANCE})(); return {expression}; }}")

    def picture(self) -> NDArray[np.uint8]:
        """The image area as it is seen, without the panels over it."""
        self.page.evaluate(SHOW_PANELS, "hidden")
        png = self.page.locator(".surface").screenshot()
        self.page.evaluate(SHOW_PANELS, "")
        return np.asarray(PIL.Image.open(io.BytesIO(png)).convert("RGB"))

    def on_screen(self, row: float, col: float) -> tuple[int, int]:
        """Where an image pixel is in `picture`, as row and column."""
        view = self.ask("v.base.view()")
        return round((row + 0.5 - view["y0"]) * view["scale"]), round((col + 0.5 - view["x0"]) * view["scale"])

    def color_at(self, row: float, col: float) -> tuple[int, int, int]:
        y, x = self.on_screen(row, col)
        red, green, blue = self.picture()[y, x]
        return int(red), int(green), int(blue)

    def hover(self) -> None:
        self.page.locator(".surface").hover(position={"x": 200, "y": 150})

    def press(self, *keys: str) -> None:
        self.hover()
        for key in keys:
            self.page.keyboard.press(key)
        self.page.wait_for_timeout(300)

    def place(self) -> tuple[float, float, float]:
        place = self.ask("v.base.place()")
        return place["row"], place["col"], place["zoom"]


@pytest.fixture
def viewer(page: Page, world: World) -> Viewer:
    return Viewer(page, world)


def mixed(color: tuple[int, int, int], opacity: float, grey: int) -> tuple[int, ...]:
    return tuple(round(c * opacity + grey * (1 - opacity)) for c in color)


def near(color: tuple[int, ...], expected: tuple[int, ...], tolerance: int = 5) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(color, expected, strict=True))


@pytest.fixture(scope="module")
def grey(world: World) -> int:
    low, high = world.image.window
    return round(min(255.0, max(0.0, (GREY - low) * 255 / (high - low))))


@pytest.mark.parametrize(
    "view", ["", "1150,1150,0.2", "1150,1150,1", "1150,1200,6"], ids=["fit", "coarse", "pixels", "magnified"]
)
def test_masks_lie_on_the_image_in_the_schemes_colours(viewer: Viewer, grey: int, view: str) -> None:
    viewer.open(view=view)
    assert near(viewer.color_at(1140, 1180), mixed((255, 0, 0), 0.45, grey))
    assert near(viewer.color_at(1140, 1220), mixed((0, 0, 255), 0.45, grey))
    if view in ("", "1150,1150,0.2"):
        assert near(viewer.color_at(200, 200), (grey, grey, grey))


@pytest.mark.parametrize("zoom", [0.3, 0.7, 1, 2.4, 9], ids=str)
def test_outlines_are_one_to_three_pixels_wide_and_only_at_borders_of_areas(
    viewer: Viewer, grey: int, zoom: float
) -> None:
    viewer.open(view=f"1024,1024,{zoom}")
    viewer.press("o")
    viewer.settle()
    row, first = viewer.on_screen(1024, 1024)
    line = viewer.picture()[row].astype(int)
    colored = np.abs(line - grey).max(axis=1) > 30
    border = viewer.on_screen(1024, 1199.5)[1]
    if zoom < 9:
        assert 2 <= colored[border - 8 : border + 8].sum() <= 8  # a red and a blue line side by side
        assert colored[border - 8 : border + 8].sum() >= 2
    inside = colored[first - 20 : first + 20]  # the tile border at 1024 is no border of an area
    assert not inside.any()


def test_a_class_is_hidden_by_its_key_and_by_its_swatch_without_a_request(viewer: Viewer, grey: int) -> None:
    viewer.open()
    requests: list[str] = []
    viewer.page.on("request", lambda r: requests.append(r.url) if "/labels/" in r.url else None)
    viewer.press("1")
    assert near(viewer.color_at(1100, 700), (grey, grey, grey))
    assert near(viewer.color_at(1100, 1500), mixed((0, 0, 255), 0.45, grey))
    viewer.page.get_by_role("checkbox", name="Show mitochondria").click()
    viewer.page.get_by_role("checkbox", name="Show nucleus").click()
    viewer.hover()
    viewer.page.wait_for_timeout(300)
    assert near(viewer.color_at(1100, 700), mixed((255, 0, 0), 0.45, grey))
    assert near(viewer.color_at(1100, 1500), (grey, grey, grey))
    viewer.press("a")
    assert near(viewer.color_at(1100, 1500), mixed((0, 0, 255), 0.45, grey))
    assert requests == []


def test_palette_opacity_and_hiding(viewer: Viewer, grey: int) -> None:
    viewer.open()
    safe = DEFAULT_SCHEME[1].rgb(safe=True)
    viewer.press("p")
    assert near(viewer.color_at(1100, 700), mixed(safe, 0.45, grey))
    viewer.press("]", "]")
    assert near(viewer.color_at(1100, 700), mixed(safe, 0.65, grey))
    viewer.press("h")
    assert near(viewer.color_at(1100, 700), (grey, grey, grey))
    viewer.press("h")
    viewer.page.keyboard.down("Space")
    viewer.page.wait_for_timeout(300)
    assert near(viewer.color_at(1100, 700), (grey, grey, grey))
    viewer.page.keyboard.up("Space")
    viewer.page.wait_for_timeout(300)
    assert near(viewer.color_at(1100, 700), mixed(safe, 0.65, grey))
    viewer.open()  # remembered by the browser
    assert near(viewer.color_at(1100, 700), mixed(safe, 0.65, grey))


def test_isolating_from_the_legend_tells_python_and_python_can_isolate(viewer: Viewer, grey: int) -> None:
    viewer.open()
    viewer.page.get_by_role("button", name="mitochondria", exact=True).click()
    expect(viewer.page.get_by_text("clicked: 1")).to_be_visible()
    viewer.hover()
    viewer.page.wait_for_timeout(400)
    assert near(viewer.color_at(1100, 1500), (grey, grey, grey))
    viewer.page.get_by_role("button", name="only nucleus").click()
    viewer.page.wait_for_function(f"() => ({INSTANCE})().state.isolated === 2")
    viewer.hover()
    viewer.page.wait_for_timeout(400)
    assert near(viewer.color_at(1100, 1500), mixed((0, 0, 255), 0.45, grey))
    assert near(viewer.color_at(1100, 700), (grey, grey, grey))


def test_the_view_survives_reruns_and_stands_in_the_address(viewer: Viewer, page: Page) -> None:
    viewer.open(view="900,1000,1.5")
    row, col, zoom = viewer.place()
    assert (round(row), round(col), round(zoom, 3)) == (900, 1000, 1.5)
    viewer.press("ArrowRight", "+")
    viewer.settle()
    before = viewer.place()
    page.wait_for_timeout(500)
    address = page.url
    for button in ("rerun", "query"):
        page.get_by_role("button", name=button).click()
        page.wait_for_timeout(800)
        assert viewer.place() == pytest.approx(before)
    page.wait_for_timeout(1200)
    assert "more=" in page.url and page.url.split("#")[1] == address.split("#")[1]
    other = page.context.new_page()
    other.goto(page.url)
    copy = Viewer(other, viewer.world)
    copy.settle()
    assert copy.place() == pytest.approx(before, rel=0.01)
    other.close()


def test_a_link_to_another_view_is_followed_without_a_reload(viewer: Viewer, page: Page) -> None:
    viewer.open(view="900,1000,1.5")
    page.evaluate("() => { window.still = true; }")
    page.goto(f"{viewer.world.server.url}/?image={viewer.world.image.id}#view=500,600,4@{viewer.world.image.id}")
    page.wait_for_timeout(800)
    assert viewer.place() == pytest.approx((500, 600, 4), rel=0.01)
    assert page.evaluate("() => window.still")


def test_another_image_opens_whole_and_one_instance_is_left(viewer: Viewer, page: Page) -> None:
    second = viewer.world.add_image("second.tif", PixelSize(), seed=7)
    viewer.open(view="900,1000,3")
    viewer.open(second)
    assert viewer.place()[2] < 0.5
    expect(page.locator(".status-line")).to_contain_text("pixel size unknown")
    assert page.locator(".viewer").count() == 1
    assert page.locator(".legend:visible").count() == 0  # no masks, no classes


def test_leaving_the_page_lets_go_of_everything(viewer: Viewer, page: Page) -> None:
    viewer.open()
    page.evaluate(f"() => {{ window.old = ({INSTANCE})(); }}")
    page.get_by_role("link", name="Upload").click()
    page.wait_for_function("() => window.old.closed === true")
    assert page.evaluate("() => window.old.base === null && window.old.overlays === null")
    assert page.locator("canvas").count() == 0


def told_scale(page: Page) -> tuple[float, str]:
    """nm that a CSS pixel is worth by the bar, and the end of the status line."""
    label = page.locator(".scale-label").inner_text()
    number, unit = label.split()
    nm = float(number) * {"nm": 1, "µm": 1000}[unit]
    width = page.locator(".scale-line").evaluate("e => e.getBoundingClientRect().width")
    return nm / width, page.locator(".about").inner_text().split(" · ")[-1]


def test_a_changed_pixel_size_is_on_the_scale_bar_at_once_and_in_another_tab(viewer: Viewer, world: World) -> None:
    """The bar kept the size of before until the page was loaded anew: wrong by a factor of five."""
    image = world.add_image("changed.tif", PixelSize.from_user(8.0), seed=77)
    viewer.open(image, "600,600,2")
    nm, words = told_scale(viewer.page)
    assert (round(nm, 2), words) == (4.0, "8 nm/px")
    other = Viewer(viewer.page.context.new_page(), world).open(image, "600,600,2")
    world.store.images.set_pixel_size(image.id, PixelSize.from_user(40.0))
    viewer.page.bring_to_front()
    viewer.page.get_by_role("button", name="rerun").click()
    expect(viewer.page.locator(".about")).to_contain_text("40 nm/px")
    viewer.page.wait_for_timeout(200)
    assert round(told_scale(viewer.page)[0], 2) == 20.0
    viewer.page.locator(".surface").hover(position={"x": 200, "y": 150})
    row, rest = viewer.page.locator(".where").inner_text().removeprefix("row").split("col")
    down_um = float(rest.split("·")[1].split(",")[0])
    assert abs(down_um - float(row.replace(",", "")) * 40 / 1000) < 0.06, "the readout, too"
    world.store.images.set_pixel_size(image.id, PixelSize.from_user(16.0))
    other.page.evaluate("window.dispatchEvent(new Event('focus'))")  # somebody looks at it again; no rerun reaches it
    expect(other.page.locator(".about")).to_contain_text("16 nm/px")
    other.page.wait_for_timeout(200)
    assert round(told_scale(other.page)[0], 2) == 8.0
    other.page.close()


@pytest.mark.parametrize(
    ("view", "label"),
    [("1150,1150,1", "1 µm"), ("1150,1150,10", "100 nm"), ("1150,1150,0.2", "5 µm")],
    ids=["1", "10", "0.2"],
)
def test_the_scale_bar_is_as_long_as_it_says(viewer: Viewer, view: str, label: str) -> None:
    viewer.open(view=view)
    assert viewer.page.locator(".scale-label").inner_text() == label
    value, unit = label.split()
    nanometres = float(value) * {"nm": 1, "µm": 1000}[unit]
    width = viewer.page.locator(".scale-line").evaluate("e => e.getBoundingClientRect().width")
    assert width == pytest.approx(nanometres / 8.0 * float(view.split(",")[2]), rel=0.02)


def test_the_readout_tells_place_grey_value_class_and_confidence(viewer: Viewer) -> None:
    viewer.open(view="1150,1150,1")
    y, x = viewer.on_screen(1100, 1100)
    viewer.page.locator(".surface").hover(position={"x": x, "y": y})
    line = viewer.page.locator(".status-line")
    expect(line).to_contain_text("row 1,100  col 1,100")
    expect(line).to_contain_text("8.80, 8.80 µm")
    expect(line).to_contain_text("grey 100")
    expect(line).to_contain_text("mitochondria")
    expect(line).to_contain_text("confidence 80 %")


def test_pixels_are_crisp_beyond_one_to_one_and_smooth_below(viewer: Viewer) -> None:
    viewer.open(view="0,0,20")
    picture = viewer.picture()
    y, x = viewer.on_screen(0, 0)
    x2 = viewer.on_screen(0, 1)[1]
    edge = picture[y, x : x2 + 1, 0].astype(int)
    assert (np.abs(np.diff(edge)) > 40).sum() == 1  # one step, no ramp
    assert viewer.ask("v.base.smooth") is False
    viewer.open(view="1150,1150,0.5")
    assert viewer.ask("v.base.smooth") is True


def test_keys_of_streamlit_are_kept_from_it_and_typing_is_left_alone(viewer: Viewer, page: Page) -> None:
    viewer.open()
    runs = page.get_by_text("runs: ").inner_text()
    viewer.press("r", "c")
    page.wait_for_timeout(600)
    assert page.get_by_text("runs: ").inner_text() == runs
    assert page.get_by_role("dialog").count() == 0
    page.get_by_label("words").click()
    viewer.hover()
    page.keyboard.type("hop1")
    assert page.get_by_label("words").input_value() == "hop1"
    assert viewer.ask("v.state.overlay") is True
    page.mouse.click(5, 850)
    page.keyboard.press("h")
    assert viewer.ask("v.state.overlay") is True  # the pointer is elsewhere


def test_help_opens_and_closes(viewer: Viewer, page: Page) -> None:
    viewer.open()
    viewer.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()


def test_brightness_and_inversion_act_on_the_image_only(viewer: Viewer, grey: int) -> None:
    viewer.open()
    viewer.press("i")
    assert near(viewer.color_at(200, 200), (255 - grey,) * 3)
    assert near(viewer.color_at(1100, 700), mixed((255, 0, 0), 0.45, 255 - grey))
    viewer.press("b")
    viewer.page.get_by_role("button", name="Reset").click()
    viewer.page.wait_for_timeout(300)
    assert near(viewer.color_at(200, 200), (grey, grey, grey))


def test_the_window_of_a_16_bit_image_can_be_moved_without_losing_the_view(viewer: Viewer, page: Page) -> None:
    image = viewer.world.add_image("deep.tif", PixelSize(), dtype="uint16")
    viewer.open(image, view="1150,1150,1")
    before = viewer.color_at(1150, 1150)
    viewer.press("b")
    with page.expect_response(lambda r: "/tiles/" in r.url and "high=" in r.url):
        page.get_by_label("White at").fill("950")
    page.wait_for_timeout(800)
    viewer.settle()
    assert viewer.color_at(1150, 1150)[0] < before[0] - 10
    assert viewer.place()[2] == pytest.approx(1, rel=0.01)


def test_masks_appear_as_their_blocks_are_written(viewer: Viewer, page: Page, grey: int) -> None:
    world = viewer.world
    image = world.add_image("growing.tif", PixelSize.from_user(8.0), seed=9)
    record = world.store.revisions.begin(image.id, "prediction")
    writer = LabelPyramidWriter(world.store.revisions.pyramid_path(record.id), world.labels.shape, pixel_size_nm=8.0)
    sure = np.full((SIZE, SIZE), 250, np.uint8)
    viewer.open(image)
    assert near(viewer.color_at(700, 700), (grey, grey, grey))
    half = 1024
    writer.write(0, 0, world.labels[:half], sure[:half])
    world.store.revisions.update_details(record.id, progress=0.45)
    expect(page.locator(".progress-text")).to_have_text("Segmenting 45 %")
    page.wait_for_timeout(1200)
    viewer.settle()
    assert near(viewer.color_at(700, 700), mixed((255, 0, 0), 0.45, grey))
    assert near(viewer.color_at(1500, 700), (grey, grey, grey))
    writer.write(half, 0, world.labels[half:], sure[half:])
    writer.finish()
    world.store.revisions.complete(record.id)
    expect(page.get_by_text(f"completed: {record.id}")).to_be_visible()
    expect(page.locator(".progress")).to_be_hidden()
    viewer.settle()
    assert near(viewer.color_at(1500, 700), mixed((255, 0, 0), 0.45, grey))


def test_a_lost_server_is_told_and_overcome(page: Page, tmp_path: Path) -> None:
    port = free_port()
    with streamlit_server(APP, tmp_path, port) as server:
        world = World(server)
        viewer = Viewer(page, world).open()
    viewer.press("z")
    expect(page.locator(".trouble")).to_contain_text("The server does not respond")
    assert viewer.picture().max() > 0  # what was there stays
    with streamlit_server(APP, tmp_path, port):
        expect(page.locator(".trouble")).to_be_hidden(timeout=30_000)
        viewer.settle()
        assert viewer.color_at(1140, 1100)[0] > viewer.color_at(1140, 1300)[0] + 80


def test_an_unknown_image_says_so_inside_the_viewer(page: Page, world: World) -> None:
    body = json.dumps({"cause": "There is no image 'x'.", "remedy": "Pick another."})
    page.route("**/api/images/*", lambda route: route.fulfill(status=404, content_type="application/json", body=body))
    page.goto(f"{world.server.url}/?image={world.image.id}")
    expect(page.locator(".message")).to_contain_text("There is no image 'x'. Pick another.")
    page.unroute("**/api/images/*")
    page.get_by_role("button", name="Try again").click()
    Viewer(page, world).settle()


def test_it_fits_a_narrow_window_and_follows_a_resize(viewer: Viewer, page: Page) -> None:
    viewer.open()
    page.set_viewport_size({"width": 400, "height": 800})
    page.wait_for_timeout(600)
    boxes: Callable[[str], Any] = lambda selector: page.locator(selector).first.bounding_box()  # noqa: E731
    assert boxes(".viewer")["width"] <= 400
    assert boxes(".surface canvas")["width"] <= 400
    assert page.locator(".legend:visible").count() == 0
    viewer.press("l")
    expect(page.locator(".legend")).to_be_visible()


def _with_a_bar(world: World) -> ImageRecord:
    """A bar of 400 px from column 1600 on, in row 2100 to 2110."""
    pixels = np.full((SIZE, SIZE), GREY, np.uint8)
    pixels[2100:2110, 1600:2000] = 255
    return world.store.images.add(world.project.id, Image(pixels, name="bar.tif"))


def test_a_likely_scale_bar_is_proposed_and_its_length_typed(viewer: Viewer, world: World) -> None:
    viewer.open(_with_a_bar(world))
    viewer.press("s")
    viewer.page.wait_for_function(f"({INSTANCE})().scale.line !== null")
    assert viewer.ask("v.scale.line") == {"row0": 2105, "col0": 1600, "row1": 2105, "col1": 2000}
    field = viewer.page.get_by_label("Length of the scale bar")
    use = viewer.page.get_by_role("button", name="Use scale")
    expect(use).to_be_disabled()
    field.fill("2")
    expect(viewer.page.get_by_text("Add the unit")).to_be_visible()
    field.fill("2 µm")
    expect(viewer.page.get_by_text("400.0 px: 5 ± 0.018 nm per pixel")).to_be_visible()
    use.click()
    expect(viewer.page.get_by_text("scale: 2 µm over 400.0 px")).to_be_visible()


def test_a_line_is_drawn_level_with_shift_and_its_ends_are_moved_by_keys_and_dragged(
    viewer: Viewer, world: World
) -> None:
    viewer.open()
    viewer.press("s")
    viewer.page.wait_for_timeout(500)
    box = viewer.page.locator(".surface").bounding_box()
    assert box
    x, y = box["x"] + 420, box["y"] + 300
    mouse, keyboard = viewer.page.mouse, viewer.page.keyboard
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + 60, y + 9)
    keyboard.down("Shift")
    mouse.move(x + 100, y + 9)
    mouse.up()
    keyboard.up("Shift")
    line = viewer.ask("v.scale.line")
    assert line["row0"] == line["row1"]
    assert line["col1"] - line["col0"] == pytest.approx(100 / viewer.place()[2], abs=2)
    place = viewer.place()
    viewer.page.get_by_role("button", name="Second end of the line").focus()
    for key in ("ArrowLeft", "Shift+ArrowRight", "ArrowDown"):
        keyboard.press(key)
    moved = viewer.ask("v.scale.line")
    assert (moved["row1"] - line["row1"], round(moved["col1"] - line["col1"], 1)) == (1, 9)
    assert viewer.place() == place, "arrow keys move the end, not the image"
    mouse.move(x, y)
    mouse.down()
    mouse.move(x - 20, y)
    mouse.up()
    assert viewer.ask("v.scale.line.col0") < line["col0"]
    assert viewer.place() == place
    viewer.page.get_by_label("Length of the scale bar").press("Escape")
    assert viewer.ask("v.scale.isOpen") is False


def test_an_open_viewer_shows_a_new_pixel_size(viewer: Viewer, world: World) -> None:
    """It kept the old scale bar until the page was loaded anew."""
    image = world.add_image("resized.tif", PixelSize.from_user(8.0), seed=7)
    viewer.open(image)
    expect(viewer.page.get_by_text("8 nm/px")).to_be_visible()
    world.store.images.set_pixel_size(image.id, PixelSize.from_user(1.6))
    viewer.page.get_by_role("button", name="rerun").click()
    expect(viewer.page.get_by_text("1.6 nm/px")).to_be_visible()


@pytest.mark.parametrize("width", [800, 480])
def test_no_tool_is_cut_in_a_narrow_window(viewer: Viewer, width: int) -> None:
    """The last buttons lay outside, and only a scroll bar that was hidden led to them."""
    viewer.page.set_viewport_size({"width": width, "height": 900})
    viewer.open()
    right = viewer.ask("v.element.getBoundingClientRect().right")
    ends = viewer.ask("[...v.toolbar.element.querySelectorAll('.tool')].map((b) => b.getBoundingClientRect().right)")
    assert max(ends) <= right + 1
