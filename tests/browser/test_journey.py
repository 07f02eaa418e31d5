"""The main job, as a user does it: drop a micrograph, see its organelles, take them away, come back by the link."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from core.imaging.image import PixelSizeSource
from core.imaging.pyramid import open_pyramid
from core.phantom.phantom import generate_phantom
from core.settings import ROOT
from core.store.records import ImageRecord, RevisionKind
from core.store.store import Store
from tests.browser.conftest import Server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (ROOT / "models" / "starter").is_dir(), reason="the starter model is not there"),
]

PREDICTION_TIMEOUT_MS = 180_000

VIEWER = """() => {
  for (const e of document.querySelectorAll("*")) {
    const v = e.shadowRoot?.[Symbol.for("cristae.viewer")];
    if (v) return v;
  }
  return null;
}"""


def ask(page: Page, expression: str) -> Any:
    """The value of an expression of `v`, the viewer's object."""
    return page.evaluate(f"() => {{ const v = ({VIEWER})(); return {expression}; }}")


def drop(page: Page, server: Server, path: Path) -> None:
    """Go to the Segment page and choose a file."""
    page.goto(f"{server.url}/segment")
    expect(page.get_by_role("group", name="Drop micrographs here")).to_be_visible(timeout=60_000)
    page.locator("input[type=file]").set_input_files(path)


def write_ome_tiff(path: Path, pixels: NDArray[np.uint8], nm: float | None) -> Path:
    """An OME-TIFF with its pixel size, or without."""
    size = {} if nm is None else {"PhysicalSizeX": nm, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": nm,
                                  "PhysicalSizeYUnit": "nm"}  # fmt: skip
    tifffile.imwrite(path, pixels, ome=True, metadata={"axes": "YX", **size})
    return path


def test_upload_see_isolate_zoom_download_reload_and_share(
    page: Page, browser: Browser, app_server: Server, tmp_path: Path
) -> None:
    phantom = generate_phantom(77, 700)
    drop(page, app_server, write_ome_tiff(tmp_path / "Leber ü.ome.tif", phantom.image_yx, 8.0))

    # the image is there, then its masks and their table
    expect(page.get_by_text("Leber ü.ome.tif")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("8 nm per pixel, from the file")).to_be_visible()
    expect(page.get_by_text("Trained on synthetic tissue", exact=False).first).to_be_visible()
    expect(page.get_by_role("button", name="Downloads")).to_be_visible(timeout=PREDICTION_TIMEOUT_MS)
    store = Store(app_server.settings)
    image = next(item for item in store.images.all() if item.name == "Leber ü.ome.tif")
    (revision,) = store.revisions.of_image(image.id, kind=RevisionKind.PREDICTION)
    labels = np.asarray(open_pyramid(store.revisions.pyramid_path(revision.id)).read(0, slice(None), slice(None)))
    assert labels.shape == (700, 700)
    assert (labels == phantom.labels_yx).mean() > 0.6  # it is the starter's segmentation of this very image
    assert [row["pixels"] for row in revision.coverage] == [int((labels == i).sum()) for i in range(6)]

    # hide a class in the legend, zoom with the wheel
    page.wait_for_function(f"() => ({VIEWER})()?.placed")
    page.get_by_role("checkbox", name="Show mitochondria").click()
    expect(page.get_by_role("checkbox", name="Show mitochondria")).to_have_attribute("aria-checked", "false")
    before = ask(page, "v.base.place().zoom")
    page.locator(".surface").hover(position={"x": 300, "y": 300})
    page.mouse.wheel(0, -600)
    page.wait_for_function(f"() => ({VIEWER})().base.place().zoom > {before} * 1.2")

    # take the label map away
    page.get_by_role("button", name="Downloads").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Label map, TIFF").click()
    target = tmp_path / "taken.tif"
    download.value.save_as(target)
    assert np.array_equal(tifffile.imread(target), labels)
    assert download.value.suggested_filename.endswith("labels.tif")

    # a reload and a link in another session open the same image, model and view
    page.keyboard.press("Escape")
    page.wait_for_timeout(800)
    address, zoom = page.url, ask(page, "v.base.place().zoom")
    assert f"image={image.id}" in address
    assert "model=starter" in address
    page.reload()
    _same_place(page, zoom)
    other = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
    other.goto(address)
    expect(other.get_by_text("Leber ü.ome.tif")).to_be_visible(timeout=60_000)
    _same_place(other, zoom)
    other.context.close()
    assert len(store.revisions.of_image(image.id)) == 1  # nothing was computed twice


def _same_place(page: Page, zoom: float) -> None:
    """The viewer comes up at this zoom."""
    page.wait_for_function(f"() => ({VIEWER})()?.placed", timeout=60_000)
    page.wait_for_function(f"() => Math.abs(({VIEWER})().base.place().zoom / {zoom} - 1) < 0.02", timeout=20_000)


def test_an_unknown_pixel_size_is_asked_for_and_then_used(page: Page, app_server: Server, tmp_path: Path) -> None:
    phantom = generate_phantom(78, 300, pixel_size_nm=16.0)
    drop(page, app_server, write_ome_tiff(tmp_path / "unknown.tif", phantom.image_yx, None))
    expect(page.get_by_text("Pixel size unknown.")).to_be_visible(timeout=60_000)
    page.get_by_role("textbox", name="Pixel size (nm per pixel)").fill("16")
    page.get_by_role("button", name="Set size").click()
    expect(page.get_by_text("enlarged by 2", exact=False)).to_be_visible(timeout=PREDICTION_TIMEOUT_MS)
    store = Store(app_server.settings)
    image = _image(store, "unknown.tif")
    revision = store.revisions.of_image(image.id, kind=RevisionKind.PREDICTION)[0]
    assert revision.details["summary"]["scale_factor"] == pytest.approx(2.0)


def test_several_pixel_sizes_can_be_tried_on_a_crop(page: Page, app_server: Server, tmp_path: Path) -> None:
    phantom = generate_phantom(79, 300)
    drop(page, app_server, write_ome_tiff(tmp_path / "try.tif", phantom.image_yx, None))
    page.get_by_role("button", name="Try sizes on a crop").click(timeout=60_000)
    choice = page.get_by_role("button", name="8 nm per pixel", exact=True)
    expect(choice).to_be_visible(timeout=PREDICTION_TIMEOUT_MS)
    choice.click()
    expect(page.get_by_text("8 nm per pixel, chosen by eye", exact=False)).to_be_visible(timeout=60_000)
    size = _image(Store(app_server.settings), "try.tif").pixel_size
    assert (size.nm, size.source, size.detail) == (8, PixelSizeSource.USER, "chosen by eye")


def test_a_broken_file_is_explained_and_the_page_goes_on(page: Page, app_server: Server, tmp_path: Path) -> None:
    whole = write_ome_tiff(tmp_path / "whole.tif", np.full((500, 500), 7, np.uint8), 8.0).read_bytes()
    broken = tmp_path / "broken.tif"
    broken.write_bytes(whole[: len(whole) // 2])
    before = len(Store(app_server.settings).images.all())
    drop(page, app_server, broken)
    expect(page.get_by_role("alert").first).to_be_visible(timeout=60_000)
    words = page.get_by_role("alert").first.inner_text()
    assert "broken.tif" in words or "truncated" in words.lower() or "cut" in words.lower()
    assert "Traceback" not in page.locator("body").inner_text()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("group", name="Drop micrographs here")).to_be_visible()
    assert len(Store(app_server.settings).images.all()) == before


def test_the_file_after_a_broken_one_is_opened(page: Page, app_server: Server, tmp_path: Path) -> None:
    broken = tmp_path / "empty.tif"
    broken.write_bytes(b"II*\0")
    drop(page, app_server, broken)
    expect(page.get_by_role("alert").first).to_be_visible(timeout=60_000)
    good = write_ome_tiff(tmp_path / "after.tif", np.full((300, 300), 9, np.uint8), 8.0)
    page.locator("input[type=file]").set_input_files(good)
    expect(page.get_by_text("after").first).to_be_visible(timeout=60_000)
    page.wait_for_url(lambda url: "image=" in url, timeout=60_000)


def _image(store: Store, name: str) -> ImageRecord:
    """The image of this name."""
    return next(item for item in store.images.all() if item.name == name)
