"""Nothing labelled yet leads on: wherever one would be stuck, the next step is one click away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from streamlit.testing.v1 import AppTest

from core.imaging.pyramid import write_label_pyramid
from core.jobs.transitions import claim, succeed
from core.label_scheme import DEFAULT_SCHEME
from core.review.decisions import decide
from core.review.records import Decision
from core.store.records import ImageRecord, RevisionKind
from core.store.store import Store
from tests.jobs import submit
from tests.models import write_model
from tests.pages.conftest import open_page, texts
from ui.state import StateKey

WORDS = "Nothing labelled yet?"
EMPTY = ("overview", "correct", "data", "measure", "results", "review", "train")


def links(page: AppTest) -> list[str]:
    """What the links of the page say."""
    return [link.proto.label for link in page.get("page_link")]


@pytest.mark.parametrize("name", EMPTY)
def test_every_page_without_a_project_leads_to_one(name: str, app: AppTest) -> None:
    """Pages said what was missing, and not how one gets it."""
    page = open_page(app, f"{name}_page.py")
    assert not page.exception
    assert WORDS in texts(page)
    assert any(button.label == "Create project" for button in page.button)


def test_a_project_that_was_just_created_is_filled_next(store: Store, app: AppTest) -> None:
    """The overview looked as before, and offered to create a project once more."""
    store.projects.create("Earlier", DEFAULT_SCHEME)
    project = store.projects.create("Own", DEFAULT_SCHEME)
    page = open_page(app, "overview_page.py")
    assert not page.exception
    assert not any(button.label == "Create project" for button in page.button)
    (link,) = (link.proto for link in page.get("page_link") if link.proto.label == "Add images")
    assert f"project={project.id}" in link.query_string


@pytest.mark.parametrize("name", ["measure", "results", "train"])
def test_pages_that_need_labels_lead_to_drawing_them(name: str, store: Store, image: ImageRecord, app: AppTest) -> None:
    write_model(store.settings.models_dir / "tiny")
    page = open_page(app, f"{name}_page.py", project=image.project_id)
    assert not page.exception
    assert WORDS in texts(page)
    assert "Draw two regions" in links(page)


def test_each_step_is_followed_by_the_next(store: Store, app: AppTest) -> None:
    project = store.projects.create("Own", DEFAULT_SCHEME)
    assert "Add images" in links(open_page(app, "train_page.py", project=project.id))
    from core.imaging.image import Image

    image = store.images.add(project.id, Image(np.ones((8, 8), np.uint8)))
    assert "Draw two regions" in links(open_page(app, "train_page.py", project=project.id))
    begun = store.revisions.begin(image.id, RevisionKind.CORRECTION, author="Ada")
    write_label_pyramid(store.revisions.pyramid_path(begun.id), np.ones((8, 8), np.uint8), pixel_size_nm=None)
    store.revisions.complete(begun.id)
    page = open_page(app, "train_page.py", project=project.id)
    assert "Approve them" in links(page)
    assert texts(page).count(":green[:material/check:]") == 3
    decide(store, begun.id, "Bo", Decision.APPROVE, "")
    assert WORDS not in texts(open_page(app, "train_page.py", project=project.id))  # there is something to learn from


def drawn(store: Store, image: ImageRecord, author: str = "Ada") -> None:
    """An approved correction of an image."""
    begun = store.revisions.begin(image.id, RevisionKind.CORRECTION, author=author)
    write_label_pyramid(store.revisions.pyramid_path(begun.id), np.ones(image.shape_yx, np.uint8), pixel_size_nm=8.0)
    store.revisions.complete(begun.id, covered={"1": image.shape_yx[0] * image.shape_yx[1]})
    decide(store, begun.id, "Bo", Decision.APPROVE, "")


def test_what_was_drawn_on_a_test_image_becomes_its_reference(store: Store, image: ImageRecord, app: AppTest) -> None:
    """Who had drawn everything in the app was told to import label maps, and could not evaluate a model."""
    write_model(store.settings.models_dir / "tiny")
    drawn(store, image)
    page = open_page(app, "results_page.py", project=image.project_id)
    assert not any(button.label == "Use as reference" for button in page.button)  # it is not in the test set
    assert "Train a model" in links(page)
    store.images.update(image.id, split="test")
    page = open_page(app, "results_page.py", project=image.project_id)
    page = next(button for button in page.button if button.label == "Use as reference").click().run()
    assert not page.exception
    assert [made.author for made in store.revisions.of_image(image.id, kind=RevisionKind.REFERENCE)] == ["Ada"]
    assert WORDS not in texts(page)
    assert any(button.label == "Evaluate" and not button.disabled for button in page.button)
    assert not any(button.label == "Use as reference" for button in page.button)


def test_a_poor_result_leads_to_a_model_of_ones_own(store: Store, image: ImageRecord, app: AppTest) -> None:
    model = write_model(store.settings.models_dir / "tiny").id
    revision = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id=model)
    write_label_pyramid(
        store.revisions.pyramid_path(revision.id), np.zeros(image.shape_yx, np.uint8), pixel_size_nm=8.0
    )
    store.revisions.complete(revision.id, summary={"pixel_size_nm": 8.0})
    page = open_page(app, "segment_page.py", image=image.id)
    assert not page.exception
    assert "Check the **pixel size**" in texts(page)
    assert "Correct this image" in links(page)


def test_none_of_the_tried_sizes_has_a_way_out(store: Store, image: ImageRecord, app: AppTest, tmp_path: Path) -> None:
    """One had to take a size that looked wrong, or was stuck."""
    model = write_model(store.settings.models_dir / "tiny").id
    Picture.new("L", (4, 4)).save(tmp_path / "t.png")
    row = claim(store, submit("scale_trial", {"image_id": image.id, "model_id": model}), "here")
    assert row is not None
    assert succeed(store, row.id, 1, {"trials": [{"pixel_size_nm": 8.0, "path": str(tmp_path / "t.png")}]})
    app.session_state[StateKey.TRIALS] = {f"{image.id} {model}": row.id}
    page = open_page(app, "segment_page.py", image=image.id, model=model)
    assert not page.exception
    next(button for button in page.button if button.label == "None of these").click().run()
    assert not page.exception
    assert "If no size looks right" in texts(page)
    assert "Correct this image" in links(page)
