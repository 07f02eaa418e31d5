"""Segmenting a selection, or a whole project, again with another model."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.jobs.rows import jobs
from core.store.records import ImageRecord, RevisionKind
from core.store.store import Store
from tests.models import write_model
from tests.pages.conftest import open_page, texts

SIZE = PixelSize.from_user(8.0)


@pytest.fixture
def images(store: Store, image: ImageRecord) -> list[ImageRecord]:
    """Three images, and two models: one has segmented the first image in 4 s."""
    for name in ("old", "new"):
        write_model(store.settings.models_dir / name)
    others = [
        store.images.add(image.project_id, Image(np.full((64, 96), n, np.uint8), SIZE, f"{n}.tif")) for n in (1, 2)
    ]
    revision = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id="old")
    write_label_pyramid(store.revisions.pyramid_path(revision.id), np.zeros((64, 96), np.uint8), pixel_size_nm=8.0)
    store.revisions.complete(revision.id, summary={"pixel_size_nm": 8.0, "seconds": 4.0})
    return [image, *others]


def press(page: AppTest, label: str) -> AppTest:
    """Click the button of this label."""
    return next(button for button in page.button if button.label == label).click().run()


def model_box(page: AppTest) -> Selectbox:
    """The list of models in the dialog."""
    return next(box for box in page.selectbox if "again-" in str(box.key))


def test_a_whole_project_is_segmented_again_with_another_model(
    store: Store, images: list[ImageRecord], app: AppTest
) -> None:
    """Images that were there could only be segmented one by one."""
    page = press(open_page(app, "segment_page.py"), "Segment all 3 images")
    assert not page.exception
    model_box(page).set_value("old").run()
    assert "1 image already segmented with this model, 2 to do." in texts(page)
    assert "About 8 s, from earlier predictions with this model." in texts(page)
    model_box(page).set_value("new").run()
    page = press(page, "Segment 3 images")
    assert not page.exception
    asked = jobs(kinds=["predict"])
    assert {row.params["image_id"] for row in asked} == {image.id for image in images}
    assert {row.params["model_id"] for row in asked} == {"new"}
    assert len({row.batch_id for row in asked}) == 1
    assert any(str(bar.proto.text).startswith("**0 of 3 images segmented**") for bar in page.get("progress"))


def test_ticked_images_are_segmented_again(store: Store, images: list[ImageRecord], app: AppTest) -> None:
    page = open_page(app, "segment_page.py")
    page.toggle[0].set_value(True).run()
    for box in [box for box in page.checkbox if box.label.startswith("Select ")][:2]:
        box.check()
    page.run()
    assert "**2 images** selected" in texts(page)
    page = press(page, "Segment 2 images again")
    model_box(page).set_value("new").run()
    page = press(page, "Segment 2 images")
    assert len(jobs(kinds=["predict"])) == 2


def test_images_that_are_there_are_segmented_again_only_where_that_is_asked(
    store: Store, images: list[ImageRecord], app: AppTest
) -> None:
    page = press(open_page(app, "segment_page.py"), "Segment all 3 images")
    model_box(page).set_value("old").run()
    assert any(button.label == "Segment 2 images" for button in page.button)
    next(box for box in page.checkbox if box.label == "Segment these again too").check().run()
    press(page, "Segment 3 images")
    assert len(jobs(kinds=["predict"])) == 3
