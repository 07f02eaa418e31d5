"""The one rule for a project's current model, reason by reason, and the question after a training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.label_scheme import DEFAULT_SCHEME
from core.learning.current_model import Reason, current_model, model_to_ask_about, opening_model
from core.models.card import TrainingSummary
from core.models.store import STARTER_ID, ModelStore
from core.rounds.promotion import decline_model, promote_model
from core.store import RevisionKind, Store
from core.store.records import ImageRecord, ProjectRecord
from tests.models import write_model


@pytest.fixture
def project(store: Store) -> ProjectRecord:
    return store.projects.create("liver", DEFAULT_SCHEME)


@pytest.fixture
def models(store: Store) -> ModelStore:
    """The starter, and two that know no project."""
    for model_id, created in ((STARTER_ID, "2020"), ("old", "2021"), ("other", "2022")):
        write_model(store.settings.models_dir / model_id, created=f"{created}-01-01T00:00:00+00:00")
    return ModelStore(store.settings.models_dir)


def add_image(store: Store, project: ProjectRecord, value: int = 0) -> ImageRecord:
    return store.images.add(project.id, Image(np.full((4, 4), value, np.uint8), PixelSize.from_user(8.0), f"{value}"))


def predicted(store: Store, image: ImageRecord, model_id: str) -> None:
    revision = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id=model_id)
    write_label_pyramid(store.revisions.pyramid_path(revision.id), np.zeros((4, 4), np.uint8), pixel_size_nm=8.0)
    store.revisions.complete(revision.id)


def found(store: Store, models: ModelStore, project: ProjectRecord, image_id: str | None = None) -> tuple[str, Reason]:
    current = current_model(store, models, project.id, image_id)
    assert current is not None
    return current.model.id, current.reason


def test_each_reason_counts_before_the_next(store: Store, models: ModelStore, project: ProjectRecord) -> None:
    one, two, three = (add_image(store, project, value) for value in range(3))
    assert found(store, models, project) == (STARTER_ID, Reason.DEFAULT)
    predicted(store, one, "old")
    predicted(store, two, "old")
    predicted(store, three, "other")
    assert found(store, models, project) == ("old", Reason.MOST_USED)
    assert found(store, models, project, three.id) == ("other", Reason.MADE_PREDICTION)
    predicted(store, three, "old")
    assert found(store, models, project, three.id) == ("old", Reason.MADE_PREDICTION)
    for number in (1, 2):
        write_model(models.models_dir / f"own-{number}", project_id=project.id, created=f"2023-01-0{number}T00:00:00")
    assert found(store, models, project, three.id) == ("own-2", Reason.TRAINED_HERE)
    promote_model(store, project.id, "own-1", "Ada", "It is better.")
    assert found(store, models, project, three.id) == ("own-1", Reason.PROMOTED)


def test_another_projects_models_and_predictions_do_not_count(
    store: Store, models: ModelStore, project: ProjectRecord
) -> None:
    other = store.projects.create("nerve", DEFAULT_SCHEME)
    write_model(models.models_dir / "nerve-1", project_id=other.id, created="2024-01-01T00:00:00+00:00")
    predicted(store, add_image(store, other), "old")
    assert found(store, models, project) == (STARTER_ID, Reason.DEFAULT)
    assert found(store, models, other) == ("nerve-1", Reason.TRAINED_HERE)


def test_what_is_gone_archived_or_turned_down_is_not_proposed(
    store: Store, models: ModelStore, project: ProjectRecord
) -> None:
    for number in (1, 2, 3):
        write_model(models.models_dir / f"own-{number}", project_id=project.id, created=f"2023-01-0{number}T00:00:00")
    models.archive("own-3", True)
    decline_model(store, project.id, "own-2", "Ada")
    assert found(store, models, project) == ("own-1", Reason.TRAINED_HERE)
    predicted(store, add_image(store, project), "own-2")  # as an evaluation does
    assert found(store, models, project) == ("own-1", Reason.TRAINED_HERE)
    promote_model(store, project.id, "own-1", "Ada", "It is mine.")
    models.delete("own-1")
    assert found(store, models, project) == (STARTER_ID, Reason.DEFAULT)
    promote_model(store, project.id, "own-3", "Ada", "After all.")
    assert found(store, models, project) == ("own-3", Reason.PROMOTED)  # archived, but somebody's choice


def test_an_undertrained_model_does_not_take_the_place_of_a_trained_one(
    store: Store, models: ModelStore, project: ProjectRecord
) -> None:
    """A training of 24 iterations on a busy machine became the model of the project."""
    for number, iterations in ((1, 24), (2, 1000), (3, 24)):
        write_model(
            models.models_dir / f"own-{number}", project_id=project.id, created=f"2023-01-0{number}T00:00:00",
            preset="compact", training=TrainingSummary(iterations=iterations),
        )  # fmt: skip
    assert found(store, models, project) == ("own-2", Reason.TRAINED_HERE)
    asked = model_to_ask_about(store, models, project.id)
    assert asked is not None
    assert (asked.model.id, asked.before.id if asked.before else "") == ("own-3", "own-2"), "asked all the same"
    models.delete("own-2")
    assert found(store, models, project) == ("own-3", Reason.TRAINED_HERE)


def test_without_a_project_or_models(store: Store, tmp_path: Path, models: ModelStore) -> None:
    assert current_model(store, ModelStore(tmp_path / "none"), None) is None
    current = current_model(store, models, None)
    assert current is not None
    assert (current.model.id, current.reason, current.own) == (STARTER_ID, Reason.DEFAULT, False)


def test_cards_of_earlier_versions_know_their_project_by_their_snapshot(
    store: Store, models: ModelStore, project: ProjectRecord
) -> None:
    model = write_model(models.models_dir / "own", created="2023-01-01T00:00:00+00:00")
    card = json.loads((model.path / "card.json").read_text(encoding="utf-8"))
    del card["project_id"]
    (model.path / "card.json").write_text(json.dumps(card), encoding="utf-8")
    assert found(store, models, project)[1] is Reason.DEFAULT
    (model.path / "snapshot.json").write_text(json.dumps({"project_id": project.id}), encoding="utf-8")
    assert found(store, models, project) == ("own", Reason.TRAINED_HERE)


def test_an_image_opens_with_its_masks(store: Store, models: ModelStore, project: ProjectRecord) -> None:
    """It opened bare, with the default model, though another one had segmented it."""
    image = add_image(store, project)
    predicted(store, image, "other")
    predicted(store, image, "old")
    write_model(models.models_dir / "own", project_id=project.id, created="2023-01-01T00:00:00+00:00")

    def opened() -> str:
        model = opening_model(store, models, project.id, image.id)
        assert model is not None
        return model.id

    assert found(store, models, project, image.id)[0] == "own"
    assert opened() == "old"
    models.archive("old", True)
    assert opened() == "old"
    models.delete("old")
    assert opened() == "other"
    predicted(store, image, "own")
    assert opened() == "own"
    assert opening_model(store, models, project.id, add_image(store, project, 1).id).id == "own"  # type: ignore[union-attr]


def test_a_new_model_is_asked_about_once(store: Store, models: ModelStore, project: ProjectRecord) -> None:
    assert model_to_ask_about(store, models, project.id) is None
    write_model(models.models_dir / "own-1", project_id=project.id, created="2023-01-01T00:00:00+00:00")
    asked = model_to_ask_about(store, models, project.id)
    assert asked is not None
    assert (asked.model.id, asked.before.id if asked.before else "") == ("own-1", STARTER_ID)
    decline_model(store, project.id, "own-1", "Ada")
    decline_model(store, project.id, "own-1", "Ada")
    assert model_to_ask_about(store, models, project.id) is None
    promote_model(store, project.id, "own-1", "Ada", "After all.")
    assert store.model_choices.declined(project.id) == frozenset()
    write_model(models.models_dir / "earlier", project_id=project.id, created="2023-02-01T00:00:00+00:00")
    assert model_to_ask_about(store, models, project.id) is None  # made before that choice
    write_model(models.models_dir / "own-2", project_id=project.id, created="2999-01-01T00:00:00+00:00")
    asked = model_to_ask_about(store, models, project.id)
    assert asked is not None
    assert (asked.model.id, asked.before.id if asked.before else "") == ("own-2", "own-1")
