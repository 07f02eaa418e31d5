"""What the benchmarks of painting work on: synthetic tissue with a prediction, and a browser at the Correct page."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, sync_playwright

from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.label_scheme import DEFAULT_SCHEME
from core.phantom import generate_phantom
from core.settings import Settings
from core.store import RevisionKind, Store
from tests.browser.conftest import BROWSER_FLAGS, CHROMIUM
from tests.browser.test_viewer import INSTANCE

Labels = NDArray[np.uint8]

PHANTOM_PX: Final = 2048
LONG_MS: Final = 60_000
PIXEL_NM: Final = 8.0


def tissue(size_px: int) -> tuple[NDArray[np.uint8], Labels]:
    """A square synthetic image and its labels: one phantom, mirrored from tile to tile so that nothing breaks off."""
    phantom = generate_phantom(1, min(size_px, PHANTOM_PX), pixel_size_nm=PIXEL_NM)
    n = math.ceil(size_px / PHANTOM_PX)
    return tuple(_tiled(plane, n)[:size_px, :size_px] for plane in (phantom.image_yx, phantom.labels_yx))  # type: ignore[return-value]


def _tiled(plane: NDArray[np.uint8], n: int) -> NDArray[np.uint8]:
    rows = [[plane[:: 1 - 2 * (row % 2), :: 1 - 2 * (column % 2)] for column in range(n)] for row in range(n)]
    return np.ascontiguousarray(np.block(rows))


def prepare(folder: Path, size_px: int, cache: Path | None = None) -> None:
    """Put a project with one predicted image into ``folder / "data"``, from the cache where it is there already."""
    data = folder / "data"
    kept = cache / f"painting-{size_px}" if cache else None
    if kept and kept.is_dir():
        shutil.copytree(kept, data)
        return
    store = Store(Settings(data_dir=data, min_free_bytes=0))
    project = store.projects.create("Painting", DEFAULT_SCHEME)
    pixels, labels = tissue(size_px)
    image = store.images.add(project.id, Image(pixels, PixelSize.from_user(PIXEL_NM), "synthetic"))
    begun = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id="synthetic")
    path = store.revisions.pyramid_path(begun.id)
    write_label_pyramid(path, labels, pixel_size_nm=PIXEL_NM, scheme=DEFAULT_SCHEME)
    store.revisions.complete(begun.id)
    store.close()
    if kept:
        shutil.copytree(data, kept)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser that the tests use, without a graphics card."""
    system = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM or system, args=list(BROWSER_FLAGS))
        yield browser
        browser.close()


def correct_address(url: str, settings: Settings) -> str:
    """Of the Correct page with the one image."""
    store = Store(settings)
    (project,) = store.projects.all()
    (image,) = store.images.all(project.id)
    store.close()
    return f"{url}/correct?project={project.id}&image={image.id}"


def introduce(page: Page, address: str, name: str = "Ada") -> None:
    """Open the page for the first time in a browser, up to the button that begins a draft."""
    page.goto(address)
    page.get_by_label("Your name").fill(name, timeout=LONG_MS)
    page.get_by_role("button", name="Use name").click()
    page.get_by_role("button", name="Start", exact=True).wait_for(timeout=LONG_MS)


def shown_tile(page: Page, row: int, column: int, shape_yx: tuple[int, int]) -> NDArray[np.uint8] | None:
    """A draft's tile in the browser: labels and coverage, shape (2, rows, columns); None where it is not there."""
    tile = f"({INSTANCE})()?.guest.painting?.tiles.peek({row}, {column})"
    ask = f"() => {{ const t = {tile}; return t ? [[...t.labels], [...(t.coverage ?? [])]] : null; }}"
    seen = page.evaluate(ask)
    if seen is None:
        return None
    nothing = [0] * (shape_yx[0] * shape_yx[1])
    return np.array([plane or nothing for plane in seen], np.uint8).reshape(2, *shape_yx)


def wait_saved(page: Page, timeout_ms: float = LONG_MS) -> None:
    """Until the page says that the server has everything."""
    page.locator(".save-state[data-state=saved]").wait_for(timeout=timeout_ms)
