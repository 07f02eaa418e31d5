"""Of two things with the same name, the second can be chosen, everywhere."""

from __future__ import annotations

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.jobs.rows import jobs
from core.learning.start import TrainingPlan, start_training
from core.models.store import StoredModel
from core.store.records import ImageRecord, RevisionKind, Split
from core.store.store import Store
from tests.models import write_model
from tests.pages.conftest import open_page, texts


@pytest.fixture
def twins(store: Store) -> tuple[StoredModel, StoredModel]:
    """Two models of one name, as an earlier version could store them; the newer one first."""
    made = []
    for model_id, day in (("liver-2", "02"), ("liver", "01")):
        folder = store.settings.models_dir / model_id
        write_model(folder, name="Liver compact", created=f"2024-01-{day}T10:00:00+00:00")
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        card["training"] |= {"minutes": 10.0, "iterations": 1240}
        (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
        made.append(store.settings.models_dir / model_id)
    from core.models.store import open_model

    return open_model(made[0]), open_model(made[1])


def box(page: AppTest, label: str) -> object:
    return next(each for each in page.selectbox if each.label == label)


def reference(store: Store, image: ImageRecord) -> None:
    revision = store.revisions.begin(image.id, RevisionKind.REFERENCE)
    write_label_pyramid(store.revisions.pyramid_path(revision.id), np.ones(image.shape_yx, np.uint8), pixel_size_nm=8.0)
    store.revisions.complete(revision.id, coverage=[{"class_id": 1, "pixels": 10}])


def test_models_on_segment(store: Store, image: ImageRecord, twins: tuple[StoredModel, ...], app: AppTest) -> None:
    """The second could not be chosen, and whoever tried segmented with the first."""
    page = open_page(app, "segment_page.py", image=image.id)
    assert page.selectbox[0].options == [
        "Liver compact · 2024-01-02, 10 min, 1,240 iterations",
        "Liver compact · 2024-01-01, 10 min, 1,240 iterations",
    ]
    assert page.selectbox[0].value == "liver-2"
    page.selectbox[0].select_index(1).run()
    next(button for button in page.button if button.label == "Segment").click().run()
    assert jobs()[0].params["model_id"] == "liver"


def test_models_on_results_and_train(
    store: Store, image: ImageRecord, twins: tuple[StoredModel, ...], app: AppTest
) -> None:
    """The wrong model was scored, twice."""
    store.images.update(image.id, split=Split.TEST)
    reference(store, image)
    page = open_page(app, "results_page.py", project=image.project_id)
    box(page, "Model").select_index(1).run()  # type: ignore[attr-defined]
    next(button for button in page.button if button.label == "Evaluate").click().run()
    assert store.evaluations.of_project(image.project_id)[0].model_id == "liver"
    store.images.update(image.id, split=Split.TRAIN)
    page = open_page(app, "train_page.py", project=image.project_id)
    box(page, "Start from").select_index(2).run()  # type: ignore[attr-defined]
    next(button for button in page.button if button.label == "Train").click().run()
    assert jobs(kinds=["train"])[0].params["parent_id"] == "liver"


def test_images_on_correct(store: Store, image: ImageRecord, app: AppTest) -> None:
    other = store.images.add(
        image.project_id, Image(np.zeros((64, 96), np.uint8), PixelSize.from_user(4.0), image.name)
    )
    app.session_state["person"] = "Ada"
    page = open_page(app, "correct_page.py", project=image.project_id)
    assert [text.split(" · ")[-1] for text in box(page, "Image").options] == [  # type: ignore[attr-defined]
        "8 nm per pixel, entered", "4 nm per pixel, entered",
    ]  # fmt: skip
    box(page, "Image").select_index(1).run()  # type: ignore[attr-defined]
    assert page.query_params["image"] == other.id
    box(page, "Image").select_index(0).run()  # type: ignore[attr-defined]
    assert page.query_params["image"] == image.id


def test_forms_propose_free_names_and_taken_ones_are_made_unequal(
    store: Store, image: ImageRecord, app: AppTest
) -> None:
    """The same name was proposed for every training."""
    reference(store, image)
    page = open_page(app, "train_page.py", project=image.project_id)
    field = next(each for each in page.text_input if each.label == "Name of the model")
    assert field.value == "My images compact"
    row = start_training(store, TrainingPlan(image.project_id, [image.id], field.value))
    assert row.params["name"] == "My images compact"
    page.run()
    field = next(each for each in page.text_input if each.label == "Name of the model")
    assert field.value == "My images compact (2)"
    field.set_value("my  images COMPACT").run()
    assert "the new model will be named my images COMPACT (2)" in texts(page).replace("\\", "")
    row = start_training(store, TrainingPlan(image.project_id, [image.id], "my  images COMPACT"))
    assert row.params["name"] == "my images COMPACT (2)"
