"""Measuring in a browser: from label maps to figures, from a row to the object in the image, and a table as a file."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.label_scheme import LabelScheme
from core.store import RevisionKind, Store
from tests.browser.conftest import Server

pytestmark = pytest.mark.browser

SIZE = 256
SCHEME = LabelScheme.from_names({"mitochondria": 1, "ER": 2})
HEADER_PX, ROW_PX = 36, 35


@pytest.fixture
def project_id(app_server: Server) -> str:
    """Two images with three mitochondria each, of known sizes."""
    return made(app_server, "To be measured", {"first": (10, 20, 30), "second": (10, 20, 30)})


def made(server: Server, name: str, images: Mapping[str, tuple[int, int, int]]) -> str:
    """A project with label maps of square mitochondria with these edges in px, and some ER."""
    store = Store(server.settings)
    project = store.projects.create(name, SCHEME)
    for number, (image_name, edges) in enumerate(images.items()):
        pixels = np.random.default_rng(number).integers(0, 255, (SIZE, SIZE)).astype(np.uint8)
        image = store.images.add(project.id, Image(pixels, PixelSize.from_user(10.0), image_name))
        labels = np.zeros((SIZE, SIZE), np.uint8)
        for place, edge in enumerate(edges):
            labels[20 + 70 * place :, 20 + 70 * place :][:edge, :edge] = 1
        labels[200, 5:100] = 2
        begun = store.revisions.begin(image.id, RevisionKind.REFERENCE)
        write_label_pyramid(store.revisions.pyramid_path(begun.id), labels, pixel_size_nm=10.0)
        store.revisions.complete(begun.id)
    store.close()
    return project.id


def click_row(table: Locator, row: int) -> None:
    """A cell of the first column; the table is a canvas."""
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box is not None
    table.page.mouse.click(box["x"] + 60, box["y"] + HEADER_PX + ROW_PX * row + ROW_PX / 2)


def test_from_label_maps_to_an_object_and_to_a_file(
    app_server: Server, page: Page, project_id: str, tmp_path: Path
) -> None:
    page.goto(f"{app_server.url}/measure?project={project_id}")
    page.get_by_role("button", name="Measure 2 label maps").click()
    expect(page.get_by_text("6 in 2 images")).to_be_visible()
    expect(page.locator(".figure-host .main-svg").first).to_be_visible()
    tables = page.locator('[data-testid="stDataFrame"]')
    expect(tables).to_have_count(2)

    click_row(tables.nth(0), 1)
    chosen = page.get_by_role("combobox", name="Image", exact=True)
    expect(chosen).to_have_value(re.compile("^second"))
    chosen.click()
    page.get_by_role("option", name=re.compile("^first")).click()
    expect(chosen).to_have_value(re.compile("^first"))
    page.wait_for_timeout(1500)
    expect(chosen).to_have_value(re.compile("^first"))  # the marked row does not take it back

    click_row(tables.nth(1), 2)
    expect(page).to_have_url(re.compile(r"#view="))  # the viewer has gone to the smallest one

    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("^All .* objects, CSV")).click()
    path = tmp_path / "objects.csv"
    download.value.save_as(path)
    rows = list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
    areas = sorted(float(row["area_um2"]) for row in rows if row["class"] == "mitochondria")
    assert areas == pytest.approx([0.01, 0.01, 0.04, 0.04, 0.09, 0.09])
    assert {row["labels"] for row in rows} == {"Reference labels"}


def test_a_sample_sheet_puts_conditions_beside_each_other(app_server: Server, page: Page, tmp_path: Path) -> None:
    edges = {"one.tif": (10, 10, 10), "two.tif": (12, 12, 12), "three.tif": (20, 20, 20), "four.tif": (24, 24, 24)}
    project_id = made(app_server, "Two conditions", edges)
    page.goto(f"{app_server.url}/data?project={project_id}")
    page.get_by_role("button", name="Sample sheet").click()
    cells = page.get_by_role("textbox", name="Paste cells from a spreadsheet")
    rows = ["image\tmouse\tgroup", "one\tm1\tfed", "two\tm2\tfed", "three\tm3\tcontrol", "four\tm4\tcontrol"]
    cells.fill("\n".join(rows))
    cells.blur()
    page.get_by_role("button", name="Change 4 images").click()
    expect(page.get_by_role("dialog")).to_be_hidden()

    page.goto(f"{app_server.url}/measure?project={project_id}&class=1")
    page.get_by_role("button", name="Measure 4 label maps").click()
    expect(page.get_by_text("Difference, fed from control")).to_be_visible()
    expect(page.locator(".figure-host").first).to_contain_text("p = 0.13")
    expect(page.get_by_text("All measures of mitochondria compared with control")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Comparison, CSV").click()
    path = tmp_path / "comparison.csv"
    download.value.save_as(path)
    found = {row["measure"]: row for row in csv.DictReader(path.read_text("utf-8-sig").splitlines())}
    assert float(found["Area"]["condition_mean"]) == pytest.approx((0.01 + 0.0144) / 2)
    assert float(found["Area"]["reference_mean"]) == pytest.approx((0.04 + 0.0576) / 2)
    assert found["Area"]["reference_units"] == "2"
    assert float(found["Area"]["p"]) == pytest.approx(0.133079)
