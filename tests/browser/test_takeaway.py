"""Everything of many images in few clicks: counted in the browser, and the zip looked into."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from playwright.sync_api import Download, Page, expect

from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.label_scheme import DEFAULT_SCHEME
from core.models.store import STARTER_ID
from core.morphometry.coverage import coverage_table
from core.store import RevisionKind, Store
from tests.browser.conftest import Server

pytestmark = pytest.mark.browser

IMAGES = 30
"""As many as a morning at the microscope gives."""

MOST_CLICKS = 4

WAIT_MS = 120_000


@pytest.fixture(scope="module")
def thirty(app_server: Server) -> tuple[str, list[str]]:
    """A project of segmented images: its id and theirs."""
    store = Store(app_server.settings)
    project = store.projects.create("Thirty", DEFAULT_SCHEME, 8.0)
    ids = []
    for number in range(IMAGES):
        labels = np.zeros((24, 32), np.uint8)
        labels[4:12, number % 16 : number % 16 + 9] = 1 + number % 5
        pixels = np.full(labels.shape, 60 + number, np.uint8)
        image = store.images.add(project.id, Image(pixels, PixelSize.from_user(8.0), f"liver {number:02}.tif"))
        made = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id=STARTER_ID)
        path = store.revisions.pyramid_path(made.id)
        write_label_pyramid(path, labels, pixel_size_nm=8.0, scheme=DEFAULT_SCHEME)
        rows = coverage_table(labels, DEFAULT_SCHEME, 8.0)
        store.revisions.complete(made.id, coverage=[row.to_json() for row in rows])
        ids.append(image.id)
    store.close()
    return project.id, ids


class Clicks:
    """Clicks of the person, counted by the page itself, and what arrived."""

    def __init__(self, page: Page) -> None:
        self.count = 0
        self.files: list[Download] = []
        page.context.expose_function("clicked", self._clicked)
        page.context.add_init_script(
            "addEventListener('click', (event) => event.isTrusted && event.detail && window.clicked(), true)"
        )
        page.on("download", self._arrived)
        page.context.on("page", lambda opened: opened.on("download", self._arrived))

    def _clicked(self) -> None:
        self.count += 1

    def _arrived(self, file: Download) -> None:
        self.files.append(file)

    def arrived(self, page: Page, count: int) -> list[Download]:
        """Wait for files."""
        for _ in range(WAIT_MS // 100):
            if len(self.files) >= count:
                break
            page.wait_for_timeout(100)
        assert len(self.files) >= count
        return self.files


def test_thirty_images_leave_with_four_clicks(
    app_server: Server, page: Page, thirty: tuple[str, list[str]], tmp_path: Path
) -> None:
    project_id, _ = thirty
    clicks = Clicks(page)
    page.goto(f"{app_server.url}/data?project={project_id}")
    page.get_by_role("button", name=f"Export {IMAGES} images").click(timeout=WAIT_MS)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(f"{IMAGES} predictions.")).to_be_visible(timeout=WAIT_MS)
    dialog.get_by_role("button", name="Create zip").click()
    dialog.get_by_role("link", name=re.compile("^Download Thirty_.*zip")).click(timeout=WAIT_MS)
    (file,) = clicks.arrived(page, 1)
    assert clicks.count <= MOST_CLICKS
    file.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        archive.extractall(tmp_path)
    (root,) = (path for path in tmp_path.iterdir() if path.is_dir())
    label_maps = sorted((root / "label_maps_tiff").iterdir())
    assert [path.name for path in label_maps] == [f"liver_{number:02}.tif" for number in range(IMAGES)]
    assert int((tifffile.imread(label_maps[7]) == 3).sum()) == 72
    assert len(list((root / "overlays").iterdir())) == IMAGES
    assert (root / "tables" / "coverage.csv").read_text("utf-8-sig").count("\n") == 1 + 6 * IMAGES
    assert (root / "manifest.json").is_file()

    # The same files one by one, as before: six clicks an image.
    before = clicks.count
    page.goto(f"{app_server.url}/segment?project={project_id}")
    page.get_by_role("button", name="liver 29.tif").click(timeout=WAIT_MS)
    page.get_by_role("button", name="Downloads").click(timeout=WAIT_MS)
    for number, name in enumerate(("Label map, TIFF", "Overlay image", "Table, CSV"), start=2):
        page.get_by_role("link", name=name).click()
        clicks.arrived(page, number)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Another image").click()
    page.wait_for_timeout(500)
    assert (clicks.count - before) * IMAGES >= 180


def test_a_dataset_folder_of_ticked_images_on_a_narrow_screen(
    app_server: Server, page: Page, thirty: tuple[str, list[str]], tmp_path: Path
) -> None:
    _, ids = thirty
    page.set_viewport_size({"width": 800, "height": 900})
    clicks = Clicks(page)
    page.goto(f"{app_server.url}/segment?image={ids[0]}")
    page.get_by_role("button", name="Export", exact=True).click(timeout=WAIT_MS)
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="Dataset folder").click(timeout=WAIT_MS)
    expect(dialog.get_by_text("Can be imported again on the Data page")).to_be_visible(timeout=WAIT_MS)
    width = dialog.evaluate("element => element.scrollWidth - element.clientWidth")
    assert width <= 1  # nothing is cut off
    dialog.get_by_role("button", name="Create zip").click()
    dialog.get_by_role("link", name=re.compile("^Download liver")).click(timeout=WAIT_MS)
    (file,) = clicks.arrived(page, 1)
    file.save_as(tmp_path / "set.zip")
    with zipfile.ZipFile(tmp_path / "set.zip") as archive:
        names = {name.split("/", 1)[1] for name in archive.namelist()}
    assert names == {
        "images/liver_00.png", "labels/liver_00.png", "dataset.json", "manifest.json", "manifest.csv", "README.txt",
    }  # fmt: skip
