"""Take away on the pages: the dialog asks for the right export, heavy files become jobs, roles and the filter hold."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.exports.files import Part
from core.exports.request import COUNTS, TRAINING, Form
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.jobs.rows import jobs
from core.jobs.transitions import claim, succeed
from core.label_scheme import DEFAULT_SCHEME
from core.store.records import ImageRecord, RevisionKind
from core.store.store import Store
from tests.pages.conftest import open_page, texts


@pytest.fixture
def images(store: Store) -> list[ImageRecord]:
    """A project of three images, two of them with references."""
    project = store.projects.create("Liver", DEFAULT_SCHEME, 8.0)
    made = []
    for number in range(3):
        pixels = np.full((16, 20), 40 + number, np.uint8)
        made.append(store.images.add(project.id, Image(pixels, PixelSize.from_user(8.0), f"liver {number}.tif")))
        if number < 2:
            begun = store.revisions.begin(made[-1].id, RevisionKind.REFERENCE)
            labels = np.full(pixels.shape, number + 1, np.uint8)
            write_label_pyramid(
                store.revisions.pyramid_path(begun.id), labels, pixel_size_nm=8.0, scheme=DEFAULT_SCHEME
            )
            store.revisions.complete(begun.id)
    return made


def press(page: AppTest, label: str) -> AppTest:
    """The button of this label, pressed."""
    return next(button for button in page.button if button.label == label).click().run()


def opened(app: AppTest, project_id: str) -> AppTest:
    """The dialog for all images, from the Data page."""
    page = press(open_page(app, "data_page.py", project=project_id), "Export 3 images")
    assert not page.exception
    return page


def test_the_dialog_says_what_there_is_and_asks_for_it(app: AppTest, store: Store, images: list[ImageRecord]) -> None:
    page = opened(app, images[0].project_id)
    assert "2 references. 1 image without a label map." in texts(page)
    page = press(page, "Create zip")
    (row,) = jobs(kinds=["export"], store=store)
    request = row.params["request"]
    assert request["image_ids"] == [image.id for image in images]
    assert (request["labels"], request["form"]) == (COUNTS, Form.FILES)
    assert request["parts"] == [Part.LABELS_TIFF, Part.OBJECT_IDS, Part.OVERLAYS, Part.COVERAGE]
    assert [button.key for button in page.button if button.label == "Cancel"] != []


def test_a_dataset_folder_proposes_what_people_have_confirmed(
    app: AppTest, store: Store, images: list[ImageRecord]
) -> None:
    page = opened(app, images[0].project_id)
    form = next(group for group in page.button_group if group.label == "Format")
    form.set_value(Form.DATASET).run()
    press(page, "Create zip")
    (row,) = jobs(kinds=["export"], store=store)
    assert (row.params["request"]["labels"], row.params["request"]["form"]) == (TRAINING, Form.DATASET)


def test_a_finished_export_offers_its_file_on_the_jobs_page(
    app: AppTest, store: Store, images: list[ImageRecord]
) -> None:
    press(opened(app, images[0].project_id), "Create zip")
    (row,) = jobs(kinds=["export"], store=store)
    assert claim(store, row, "here")
    folder = store.settings.data_dir / "exports" / row.id
    folder.mkdir(parents=True)
    (folder / "Liver.zip").write_bytes(b"zip")
    succeed(store, row.id, 1, {"file": "Liver.zip", "size_bytes": 3, "left_out": ["liver 2.tif: It has no label map."]})
    page = open_page(app, "jobs_page.py", job=row.id)
    assert not page.exception
    assert f"api/exports/{row.id}" in _links(page)
    assert "1 skipped" in str([each.label for each in page.expander])
    (folder / "Liver.zip").unlink()
    page = open_page(app, "jobs_page.py", job=row.id)
    assert "has expired" in texts(page)
    assert f"api/exports/{row.id}" not in _links(page)


def test_files_of_a_large_image_are_prepared_as_jobs(
    app: AppTest, store: Store, images: list[ImageRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = store.revisions.begin(images[0].id, RevisionKind.PREDICTION, details={"maker": "another program"})
    labels = np.ones((16, 20), np.uint8)
    write_label_pyramid(store.revisions.pyramid_path(begun.id), labels, pixel_size_nm=8.0, scheme=DEFAULT_SCHEME)
    store.revisions.complete(begun.id)
    address = f"api/revisions/{begun.id}/download"
    page = open_page(app, "segment_page.py", image=images[0].id)
    assert f"{address}/ome-zarr.zip" in _links(page)
    monkeypatch.setattr("core.exports.heavy.LARGE_IMAGE_PX", 10)
    page = open_page(app, "segment_page.py", image=images[0].id)
    assert f"{address}/ome-zarr.zip" not in _links(page)
    assert f"{address}/coverage.csv" in _links(page)
    press(page, "Prepare: OME-Zarr, zip")
    (row,) = jobs(kinds=["export"], store=store)
    assert (row.params["what"], row.params["file"], row.params["revision_id"]) == (
        "revision", "ome-zarr.zip", begun.id,
    )  # fmt: skip


def _links(page: AppTest) -> str:
    """Addresses of all link buttons."""
    return " ".join(element.proto.url for element in page.get("link_button"))
