"""The Segment page: what it shows, what it queues, how it says no."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.imaging.image import Image
from core.imaging.pyramid import write_label_pyramid
from core.jobs.rows import jobs, submit
from core.jobs.transitions import claim, succeed
from core.label_scheme import DEFAULT_SCHEME
from core.morphometry.coverage import coverage_table
from core.store.records import ImageRecord, RevisionKind
from core.store.store import Store
from tests.models import write_model
from tests.pages.conftest import open_page, texts

PAGE = "segment_page.py"


@pytest.fixture
def model(store: Store) -> str:
    """A model in the store; its weights are never used here."""
    return write_model(store.settings.models_dir / "tiny", warning="Only for tests.").id


def test_without_an_image_it_offers_the_drop_zone(app: AppTest) -> None:
    page = open_page(app, PAGE)
    assert not page.exception
    assert "Segment a micrograph" in texts(page)


def test_an_unknown_image_is_explained(app: AppTest) -> None:
    page = open_page(app, PAGE, image="0123456789abcdef")
    assert not page.exception
    assert len(page.error) == 1
    assert "no image" in page.error[0].value


def test_a_link_to_a_model_that_is_gone_shows_the_default_and_says_so(
    image: ImageRecord, model: str, app: AppTest
) -> None:
    page = open_page(app, PAGE, image=image.id, model="other")
    assert not page.exception
    assert "There is no model other here" in page.warning[0].value
    assert "Tiny" in page.warning[0].value
    next(button for button in page.button if button.label == "Segment").click().run()
    assert jobs()[0].params["model_id"] == model


def test_an_image_without_a_model_says_what_is_missing(image: ImageRecord, app: AppTest) -> None:
    page = open_page(app, PAGE, image=image.id)
    assert not page.exception
    assert "There is no model yet" in texts(page)
    assert "liver \\*1\\*.tif" in texts(page)


def test_the_button_queues_a_prediction_with_its_options(image: ImageRecord, model: str, app: AppTest) -> None:
    page = open_page(app, PAGE, image=image.id)
    assert "Only for tests." in texts(page)
    page.select_slider[0].set_value(0.75)
    next(button for button in page.button if button.label == "Segment").click().run()
    assert not page.exception
    (job,) = jobs()
    assert job.kind == "predict"
    assert job.params == {"image_id": image.id, "model_id": model, "step": 0.75, "mirroring": False}


def test_an_unknown_pixel_size_is_asked_for(store: Store, image: ImageRecord, model: str, app: AppTest) -> None:
    unknown = store.add_image(image.project_id, Image(np.ones((40, 40), np.uint8)))
    page = open_page(app, PAGE, image=unknown.id)
    assert "Pixel size unknown" in texts(page)
    page.number_input[0].set_value(5.5)
    next(button for button in page.button if button.label == "Use this size").click().run()
    assert not page.exception
    assert store.image(unknown.id).pixel_size.nm == 5.5
    (job,) = jobs()  # segmented at once
    assert job.params["image_id"] == unknown.id


def test_the_coverage_table_follows_the_pixel_size(store: Store, image: ImageRecord, model: str, app: AppTest) -> None:
    labels = np.zeros(image.shape_yx, np.uint8)
    labels[:10, :10] = 1
    revision = store.begin_revision(image.id, RevisionKind.PREDICTION, model_id=model)
    write_label_pyramid(store.label_pyramid_path(revision.id), labels, pixel_size_nm=8.0)
    rows = coverage_table(labels, DEFAULT_SCHEME, 8.0)
    store.complete_revision(
        revision.id, coverage=[row.to_json() for row in rows], summary={"pixel_size_nm": 8.0, "notices": ["A remark."]}
    )
    page = open_page(app, PAGE, image=image.id)
    assert not page.exception
    table = page.dataframe[0].value
    assert table["pixels"].tolist() == [64 * 96 - 100, 100, 0, 0, 0, 0]
    assert table["area"].tolist()[1] == pytest.approx(100 * 64 / 1e6)
    assert "A remark." in texts(page)


def test_masks_made_before_are_shown_when_they_are_asked_for_again(
    store: Store, image: ImageRecord, model: str, app: AppTest
) -> None:
    """The newest masks were shown whatever was asked for: going back to an earlier pixel size changed nothing."""
    revisions = []
    for label in (1, 2):
        labels = np.full(image.shape_yx, label, np.uint8)
        revision = store.begin_revision(image.id, RevisionKind.PREDICTION, model_id=model)
        write_label_pyramid(store.label_pyramid_path(revision.id), labels, pixel_size_nm=8.0)
        rows = coverage_table(labels, DEFAULT_SCHEME, 8.0)
        store.complete_revision(revision.id, coverage=[row.to_json() for row in rows], summary={"pixel_size_nm": 8.0})
        revisions.append(revision.id)
    row = claim(store, submit("predict", {"image_id": image.id, "model_id": model}), "here")
    assert row is not None
    assert succeed(store, row.id, row.attempts, {"revision_id": revisions[0], "reused": True})
    page = open_page(app, PAGE, image=image.id)
    assert page.dataframe[0].value["pixels"].tolist()[:3] == [0, 64 * 96, 0]


def test_the_planes_of_a_stack_are_segmented_together(
    store: Store, image: ImageRecord, model: str, app: AppTest
) -> None:
    planes = [
        store.add_image(image.project_id, Image(np.full((40, 40), z, np.uint8)), stack="s.tif", z_index=z)
        for z in range(3)
    ]
    page = open_page(app, PAGE, image=planes[1].id)
    assert not page.exception
    assert page.slider[0].value == 2
    next(button for button in page.button if button.label == "Segment 3 planes").click().run()
    assert {job.params["image_id"] for job in jobs()} == {plane.id for plane in planes}
    assert any(button.label == "All planes done or under way" for button in page.button)
    page.slider[0].set_value(3).run()
    assert page.query_params["image"] in (planes[2].id, [planes[2].id])
