"""A model's training asked for once more: the same, or a refusal that names what is not."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest

from core.datasets.folder import load_case, open_dataset
from core.errors import TrainingError
from core.files import write_json
from core.imaging.pyramid import write_label_pyramid
from core.learning.again import training_again
from core.learning.snapshot import take_snapshot
from core.models.store import StoredModel, open_model
from core.store import Store
from core.store.base import remove_tree
from core.store.records import ImageRecord, ProjectRecord
from core.training.request import TrainRequest
from tests.core.rounds.conftest import add, label, some_labels
from tests.models import write_model

GREY = np.arange(256, dtype=np.uint8).reshape(16, 16)


@pytest.fixture
def image(store: Store, project: ProjectRecord) -> ImageRecord:
    image = add(store, project, "a.tif", GREY)
    label(store, image, some_labels())
    return image


@pytest.fixture
def model(store: Store, project: ProjectRecord, image: ImageRecord) -> StoredModel:
    """As a training on one image leaves it."""
    folder = store.settings.models_dir / "first"
    made = write_model(folder)
    digest = hashlib.sha256(GREY.tobytes() + some_labels().tobytes()).hexdigest()
    training = dataclasses.replace(made.card.training, snapshot={image.id: digest})
    write_json(folder / "card.json", dataclasses.replace(made.card, training=training).to_json())
    write_json(folder / "snapshot.json", take_snapshot(store, project.id, [image.id]).to_json())
    asked = TrainRequest(folder / "gone", folder, epochs=3, seed=5, resume=True, pixel_size_nm=9.0)
    write_json(folder / "request.json", asked.to_json())
    return open_model(folder)


def test_the_same_images_and_settings(store: Store, model: StoredModel, tmp_path: Path) -> None:
    label(store, store.images.all()[0], np.full((16, 16), 7, np.uint8))  # newer labels do not count
    request = training_again(store, model, tmp_path / "second")
    assert (request.epochs, request.seed, request.pixel_size_nm, request.resume) == (3, 5, 9.0, False)
    assert request.out == tmp_path / "second"
    (case,) = open_dataset(request.dataset).cases
    read, labels = load_case(case)
    np.testing.assert_array_equal(read.pixels_yx, GREY)
    np.testing.assert_array_equal(labels, some_labels())
    assert (request.dataset / "snapshot.json").is_file(), "the new model can be trained again too"


def test_what_has_gone_is_named(store: Store, model: StoredModel, image: ImageRecord, tmp_path: Path) -> None:
    store.revisions.delete(store.revisions.of_image(image.id)[0].id)
    with pytest.raises(TrainingError, match=r"label map of a\.tif has been deleted"):
        training_again(store, model, tmp_path / "second")
    store.images.delete(image.id)
    with pytest.raises(TrainingError, match=r"image a\.tif has been deleted"):
        training_again(store, model, tmp_path / "second")
    assert list(tmp_path.glob(".second*")) == []


def test_labels_that_changed_on_disk_are_named(
    store: Store, model: StoredModel, image: ImageRecord, tmp_path: Path
) -> None:
    path = store.revisions.pyramid_path(store.revisions.of_image(image.id)[0].id)
    remove_tree(path)
    write_label_pyramid(path, np.full((16, 16), 3, np.uint8), pixel_size_nm=8.0)
    with pytest.raises(TrainingError, match=r"pixels or labels of a\.tif have changed"):
        training_again(store, model, tmp_path / "second")


def test_a_parent_is_found_wherever_the_store_is_now(store: Store, model: StoredModel, tmp_path: Path) -> None:
    asked = TrainRequest(model.path, model.path, epochs=3, parent=Path("/elsewhere/old"))
    write_json(model.path / "request.json", asked.to_json())
    with pytest.raises(TrainingError, match="parent model, old, is not in the store"):
        training_again(store, model, tmp_path / "second")
    parent = write_model(store.settings.models_dir / "old")
    assert training_again(store, model, tmp_path / "second").parent == parent.path


@pytest.mark.parametrize("name", ["snapshot.json", "request.json"])
def test_a_model_from_elsewhere_says_so(store: Store, model: StoredModel, tmp_path: Path, name: str) -> None:
    (model.path / name).unlink()
    with pytest.raises(TrainingError, match=f"are missing: its folder has no {name}"):
        training_again(store, model, tmp_path / "second")
    (model.path / name).write_text("{")
    with pytest.raises(TrainingError, match="cannot be read"):
        training_again(store, model, tmp_path / "second")
