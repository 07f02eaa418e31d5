"""Snapshots: the frozen list of images and label maps that a training uses, and the dataset folder made of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.datasets.case import Split
from core.datasets.writing import NewCase, write_dataset
from core.errors import DatasetError, JobCancelledError, NotFoundError
from core.files import write_json
from core.imaging.image import Image, PixelSize, PixelSizeSource
from core.imaging.pyramid import open_pyramid
from core.label_scheme import LabelScheme
from core.learning.merged_objects import MergedIds
from core.learning.training_labels import TrainingLabels, merged_labels, training_labels
from core.store.records import ImageRecord
from core.store.store import Store

SNAPSHOT_FILE: Final = "snapshot.json"
"""In the dataset folder, and then in the model's: what it was trained on."""

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class SnapshotCase:
    """One image with the label maps that are learned from.

    Parameters
    ----------
    revision_id
        The oldest of them, usually the reference.
    content_hash
        sha256 of the image's pixels, to find it again elsewhere.
    group
        Its stack or specimen, else its own id: validation never shares one with training.
    over
        Approved corrections and newer references over it, oldest first: each counts where it was confirmed.
    """

    image_id: str
    revision_id: str
    content_hash: str
    name: str
    group: str
    pixel_size_nm: float | None
    over: tuple[str, ...] = ()

    @property
    def revision_ids(self) -> tuple[str, ...]:
        """All of its label maps, oldest first."""
        return (self.revision_id, *self.over)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a training uses; plain values, kept with the model.

    Parameters
    ----------
    scheme
        As `LabelScheme.to_json` gives it.
    """

    project_id: str
    project: str
    scheme: list[dict[str, Any]]
    cases: tuple[SnapshotCase, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "cases": [asdict(case) for case in self.cases]}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Snapshot:
        """The inverse of `to_json`.

        Raises
        ------
        DatasetError
            These values are no snapshot.
        """
        try:
            cases = tuple(SnapshotCase(**{**case, "over": tuple(case.get("over", ()))}) for case in values["cases"])
            return cls(str(values["project_id"]), str(values["project"]), list(values["scheme"]), cases)
        except (AttributeError, KeyError, TypeError) as error:
            raise DatasetError(
                f"This is not a training snapshot: {error}.", "Choose a model trained in this app."
            ) from error


def take_snapshot(store: Store, project_id: str, image_ids: Sequence[str]) -> Snapshot:
    """Freeze what these images have to learn from: the newest reference, and the corrections that were approved.

    Raises
    ------
    NotFoundError
        There is no such project or image.
    DatasetError
        No image; an image of another project, of the test set, or without reference labels and approved corrections.
    """
    project = store.projects.get(project_id)
    if not image_ids:
        raise DatasetError("No training images selected.", "Select at least one image with reference labels.")
    images = [store.images.get(image_id) for image_id in dict.fromkeys(image_ids)]
    labels = training_labels(store, project_id, [image.id for image in images])
    for image in images:
        _check_usable(project_id, image, labels)
    cases = [_case(image, labels[image.id]) for image in images]
    return Snapshot(project.id, project.name, project.scheme.to_json(), tuple(cases))


def _check_usable(project_id: str, image: ImageRecord, labels: Mapping[str, TrainingLabels]) -> None:
    """Refuse an image that may not be learned from, or has nothing to learn."""
    if image.project_id != project_id:
        raise DatasetError(f"{image.name} belongs to another project.", "Select images of one project.")
    if image.split is Split.TEST:
        raise DatasetError(
            f"{image.name} is in the test set, and test images are never used for training.",
            "Deselect it, or assign it to another split on the Data page first.",
        )
    if image.id not in labels:
        raise DatasetError(
            f"{image.name} has no reference labels and no approved correction.",
            "Import its label map on the Data page, or correct it and approve the correction.",
        )


def _case(image: ImageRecord, labels: TrainingLabels) -> SnapshotCase:
    group = image.stack or image.specimen or image.id
    lowest, *over = (layer.id for layer in labels.layers)
    return SnapshotCase(image.id, lowest, image.content_hash, image.name, group, image.pixel_size.nm, tuple(over))


def write_snapshot(
    store: Store,
    snapshot: Snapshot,
    folder: Path,
    *,
    on_progress: Progress | None = None,
    should_cancel: Callable[[], bool] = lambda: False,
) -> Path:
    """Write the dataset folder that a training reads; one that is whole already is kept.

    Grey values keep their type (8 and 16 bits, float32); 255 stays *ignore*.

    Parameters
    ----------
    folder
        The dataset folder to make; it appears when all of it is written.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    DatasetError
        An image or label map of the snapshot has gone.
    StorageFullError
        The disk is full; nothing is left then.
    JobCancelledError
        `should_cancel` said so.
    """
    if _is_written(folder, snapshot):
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scheme = LabelScheme.from_json(snapshot.scheme)

    def cases() -> Iterator[NewCase]:
        for number, case in enumerate(snapshot.cases):
            if should_cancel():
                raise JobCancelledError("The training was cancelled.")
            if on_progress is not None:
                on_progress(number / len(snapshot.cases), f"Reading {case.name}")
            yield _new_case(store, case)

    write_dataset(folder, cases(), scheme, description=f"Snapshot of {snapshot.project}")
    write_json(folder / SNAPSHOT_FILE, snapshot.to_json())
    return folder


def _is_written(folder: Path, snapshot: Snapshot) -> bool:
    """Whether the folder holds exactly this snapshot."""
    try:
        return Snapshot.from_json(json.loads((folder / SNAPSHOT_FILE).read_text(encoding="utf-8"))) == snapshot
    except (OSError, ValueError, DatasetError):
        return False


def _new_case(store: Store, case: SnapshotCase) -> NewCase:
    """Pixels and labels of a case; its image's id is its file name, for names may occur twice."""
    try:
        image = store.images.get(case.image_id)
        for revision_id in case.revision_ids:
            store.revisions.get(revision_id)
    except NotFoundError as error:
        raise DatasetError(
            f"{case.name}, or its label map, was deleted after the training was requested.",
            "Restore it on the Data page, or start a new training without it.",
        ) from error
    pixels = open_pyramid(store.images.pyramid_path(image.id)).whole()
    labels = merged_labels(store, case.revision_ids, image.shape_yx)
    size = PixelSize(case.pixel_size_nm, image.pixel_size.source if case.pixel_size_nm else PixelSizeSource.UNKNOWN)
    return NewCase(
        case.image_id,
        Image(np.asarray(pixels), size, name=image.name),
        labels,
        Split.TRAIN,
        case.group,
        MergedIds(store, case.revision_ids, image.shape_yx).whole(),
    )
