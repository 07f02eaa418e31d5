"""A model of too few iterations is named wherever it is used, with what to do about it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.imaging.pyramid import write_label_pyramid
from core.jobs.rows import jobs
from core.learning.snapshot import take_snapshot
from core.learning.start import TrainingPlan, start_training
from core.models.card import TrainingSummary
from core.models.store import StoredModel
from core.store.records import ImageRecord, JobState, RevisionKind, Split
from core.store.store import Store
from tests.models import write_model
from tests.pages.conftest import open_page, texts
from tests.pages.test_train_page import change


@pytest.fixture
def short(store: Store, image: ImageRecord) -> StoredModel:
    """Twenty-four iterations on an image of the project."""
    revision = store.revisions.begin(image.id, RevisionKind.REFERENCE)
    write_label_pyramid(store.revisions.pyramid_path(revision.id), np.ones(image.shape_yx, np.uint8), pixel_size_nm=8.0)
    store.revisions.complete(revision.id, coverage=[{"class_id": 1, "pixels": 10}])
    training = TrainingSummary(
        images=1, iterations=24, epochs=5, minutes=10.0, computing_s=120.0, waiting_s=480.0, loss_falling=True, seed=3,
        settings={"minutes": 10.0, "epochs": None, "validation_fraction": 0.2},
    )  # fmt: skip
    model = write_model(
        store.settings.models_dir / "mine", preset="compact", training=training, project_id=image.project_id,
        created="2024-01-01T00:00:00+00:00",
    )  # fmt: skip
    snapshot = take_snapshot(store, image.project_id, [image.id])
    (model.path / "snapshot.json").write_text(json.dumps(snapshot.to_json()), encoding="utf-8")
    return model


def words(page: AppTest) -> str:
    assert not page.exception
    return texts(page).replace("\\", "")


def test_its_training_is_not_done(store: Store, image: ImageRecord, short: StoredModel, app: AppTest) -> None:
    """It said "Done" in green, at a mean Dice of 0.18 and with three classes near zero."""
    row = start_training(store, TrainingPlan(image.project_id, [image.id], "Other"))
    result = {
        "model_id": short.id,
        "epochs": 5,
        "iterations": 24,
        "seconds": 600.0,
        "waiting_s": 480.0,
        "mean_dice": 0.18,
    }
    change(store, row, state=JobState.SUCCEEDED.value, result=result)
    page = open_page(app, "train_page.py", project=image.project_id, job=row.id)
    told = words(page)
    assert not page.success
    assert "Stopped early: 24 iterations, loss still falling. 5 epochs in 10 min, 8 min of it waiting" in told
    page.button(key=f"train-{row.id}-longer-{short.id}").click().run()
    longer = jobs(kinds=["train"])[0].params
    assert (longer["parent_id"], longer["name"], longer["image_ids"]) == (short.id, "Mine (2)", [image.id])
    assert (longer["minutes"], longer["seed"], longer["validation_fraction"]) == (10.0, 3, 0.2)
    assert longer["learning_rate"] == 0.002, "as from scratch: it has hardly begun"


@pytest.mark.parametrize(
    ("script", "query"),
    [
        ("segment_page.py", {"image": "image"}),
        ("models_page.py", {}),
        ("results_page.py", {"project": "project"}),
        ("train_page.py", {"project": "project", "section": "rounds"}),
    ],
)
def test_every_use_warns(
    store: Store, image: ImageRecord, short: StoredModel, app: AppTest, script: str, query: dict[str, str]
) -> None:
    store.images.update(image.id, split=Split.TRAIN)
    ids = {"image": image.id, "project": image.project_id}
    app.session_state["person"] = "Ada"
    page = open_page(app, script, **{name: ids.get(value, value) for name, value in query.items()})
    told = words(page)
    assert (
        "Undertrained: Mine ran 24 iterations and its loss was still falling; this preset needs at least 200." in told
    )
    lists = [box.options for box in page.selectbox if any("Mine" in option for option in box.options)]
    assert all(any(option.endswith("24 iterations · undertrained") for option in options) for options in lists)
    assert lists or script == "models_page.py"


def test_evaluate_leads_to_its_evaluation(image: ImageRecord, short: StoredModel, app: AppTest) -> None:
    page = open_page(app, "segment_page.py", image=image.id)
    page.button(key=f"segment-{image.id}-evaluate-{short.id}").click().run()
    assert not page.exception
    box = next(each for each in page.selectbox if each.label == "Model")
    assert box.value == short.id
