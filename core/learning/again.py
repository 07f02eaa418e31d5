"""Training a model again from what is kept with it: its snapshot of label maps, and what was asked of its training."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.datasets.folder import load_case, open_dataset
from core.datasets.loading import case_digest, load_objects
from core.errors import DatasetError, ModelError, NotFoundError, TrainingError
from core.learning.snapshot import SNAPSHOT_FILE, Progress, Snapshot, write_snapshot
from core.models.store import ModelStore, StoredModel
from core.store.store import Store
from core.training.model_writing import REQUEST_FILE
from core.training.request import TrainRequest


def kept_snapshot(model: StoredModel) -> Snapshot:
    """The label maps that a model was trained on.

    Raises
    ------
    TrainingError
        None are kept with it: it was not trained from a project.
    DatasetError
        What is kept cannot be read.
    """
    return Snapshot.from_json(_kept(model, SNAPSHOT_FILE))


def models_that_learned(models: Iterable[StoredModel], revision_id: str) -> tuple[StoredModel, ...]:
    """Models in whose snapshot a label map is; those without a snapshot that can be read are left out."""
    found = []
    for model in models:
        with suppress(TrainingError, DatasetError):
            if any(revision_id in case.revision_ids for case in kept_snapshot(model).cases):
                found.append(model)
    return tuple(found)


def training_again(store: Store, model: StoredModel, out: Path, *, on_progress: Progress | None = None) -> TrainRequest:
    """Write the model's dataset once more, and ask for the same training.

    Parameters
    ----------
    model
        Trained from a project of this store.
    out
        Folder of the new model; the dataset is written beside it, as ``.<name>.dataset``.

    Returns
    -------
    TrainRequest
        The model's own, with the new dataset and ``out``.

    Raises
    ------
    TrainingError
        The model was not trained from a project here, or images, label maps or its parent have gone or changed; all
        of them are named.
    DatasetError
        The snapshot cannot be read.
    StorageFullError
        There is no room for the dataset.
    """
    snapshot = kept_snapshot(model)
    asked = TrainRequest.from_json(_kept(model, REQUEST_FILE))
    parent = _parent(store, asked)
    gone = _gone(store, snapshot)
    if gone:
        raise _different(model, gone)
    folder = write_snapshot(store, snapshot, out.with_name(f".{out.name}.dataset"), on_progress=on_progress)
    changed = _changed(folder, snapshot, model.card.training.snapshot)
    if changed:
        raise _different(model, changed)
    return replace(asked, dataset=folder, out=out, parent=parent, threads=store.settings.threads, resume=False)


def _kept(model: StoredModel, name: str) -> dict[str, Any]:
    try:
        values = json.loads((model.path / name).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise TrainingError(
            f"The training settings of {model.id} are missing: its folder has no {name}.",
            "Only models trained in a project on this server can be trained again.",
        ) from error
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"{model.path / name} cannot be read ({error}).", "Restore the file from a backup of the model's folder."
        ) from error
    if not isinstance(values, dict):
        raise TrainingError(f"{model.path / name} contains no JSON object.", "Restore the file from a backup.")
    return values


def _gone(store: Store, snapshot: Snapshot) -> list[str]:
    """What the store has no more, or has otherwise, as clauses."""
    sentences = []
    for case in snapshot.cases:
        try:
            image = store.images.get(case.image_id)
        except NotFoundError:
            sentences.append(f"the image {case.name} has been deleted")
            continue
        if image.content_hash != case.content_hash:
            sentences.append(f"the image {case.name} has changed pixels")
        try:
            for revision_id in case.revision_ids:
                store.revisions.get(revision_id)
        except NotFoundError:
            sentences.append(f"the label map of {case.name} has been deleted")
    return sentences


def _changed(folder: Path, snapshot: Snapshot, digests: Mapping[str, str]) -> list[str]:
    """Cases whose pixels and labels are not those that the model's card has the SHA-256 of, as clauses."""
    names = {case.image_id: case.name for case in snapshot.cases}
    sentences = []
    for case in open_dataset(folder).cases:
        if case.name not in digests:  # left out then, because nobody had looked at any of its pixels
            continue
        image, labels = load_case(case)
        known = {case_digest(image, labels), case_digest(image, labels, load_objects(case, image.shape))}
        if digests[case.name] not in known:  # with the ids of objects where the training used them
            sentences.append(f"pixels or labels of {names.get(case.name, case.name)} have changed")
    return sentences


def _different(model: StoredModel, clauses: list[str]) -> TrainingError:
    return TrainingError(
        f"{model.id} cannot be trained again: {'; '.join(clauses)}.",
        "Restore images and label maps from the trash, or train a new model on the Train page.",
    )


def _parent(store: Store, asked: TrainRequest) -> Path | None:
    """The parent's folder, wherever the model store is now."""
    if asked.parent is None:
        return None
    try:
        return ModelStore(store.settings.models_dir).get(asked.parent.name).path
    except (ModelError, NotFoundError) as error:
        raise TrainingError(
            f"The parent model, {asked.parent.name}, is not in the store.",
            "Restore it from the trash on the Models page, or import it.",
        ) from error
