"""Which label maps a training learns from: the newest reference of an image, and the corrections that were approved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.label_scheme import IGNORE_ID
from core.review.label_maps import LabelMap, bands
from core.review.records import ReviewState
from core.store.records import RevisionKind, RevisionRecord
from core.store.store import Store

COVERED: Final = "covered"
"""In a correction's details: pixels per class id (as text) that its author has confirmed."""


@dataclass(frozen=True, slots=True)
class TrainingLabels:
    """The label maps of one image that are learned from.

    Parameters
    ----------
    layers
        Oldest first. Where a later one is confirmed, it counts; where none is, the pixel is *ignore*.
    """

    layers: tuple[RevisionRecord, ...]

    @property
    def corrections(self) -> tuple[RevisionRecord, ...]:
        """Those that were approved in review."""
        return tuple(layer for layer in self.layers if layer.kind is RevisionKind.CORRECTION)

    @property
    def summary(self) -> RevisionRecord:
        """The reference, of which corrections change little, or the first correction with the pixels of all."""
        references = [layer for layer in self.layers if layer.kind is RevisionKind.REFERENCE]
        if references:
            return references[0]
        rows: dict[int, dict[str, Any]] = {}
        for layer in self.layers:
            for row in confirmed_rows(layer):
                before = rows.get(row["class_id"], {}).get("pixels", 0)
                rows[row["class_id"]] = {**row, "pixels": before + row["pixels"]}
        return replace(self.layers[0], coverage=tuple(rows.values()))


def training_labels(store: Store, project_id: str, image_ids: Sequence[str] | None = None) -> dict[str, TrainingLabels]:
    """What there is to learn from in a project, by image; images without any are left out.

    Which split an image is in does not matter here: `core.learning.snapshot.take_snapshot` refuses the test set.
    """
    references = store.revisions.newest_of_project(project_id, RevisionKind.REFERENCE)
    approved = _approved(store, project_id)
    result = {}
    for image_id in references.keys() | approved.keys() if image_ids is None else dict.fromkeys(image_ids):
        layers = [references[image_id]] if image_id in references else []
        if image_id in approved:
            corrections = store.revisions.of_image(image_id, kind=RevisionKind.CORRECTION)
            layers += [correction for correction in corrections if correction.id in approved[image_id]]
        if layers:
            result[image_id] = TrainingLabels(tuple(sorted(layers, key=_age)))
    return result


def labels_to_learn_from(store: Store, project_id: str) -> dict[str, RevisionRecord]:
    """`TrainingLabels.summary` of every image that has any: what `core.learning.checks.check_training` takes."""
    return {image_id: labels.summary for image_id, labels in training_labels(store, project_id).items()}


def merged_labels(store: Store, revision_ids: Sequence[str], shape_yx: tuple[int, int]) -> NDArray[np.uint8]:
    """Label maps laid over one another: each counts where it was confirmed, later ones over earlier ones.

    Parameters
    ----------
    revision_ids
        Oldest first.
    shape_yx
        Of the image.

    Returns
    -------
    ndarray
        uint8, class ids; 255 where nobody has confirmed anything.
    """
    maps = [LabelMap(store, revision_id, shape_yx) for revision_id in revision_ids]
    merged = np.full(shape_yx, IGNORE_ID, np.uint8)
    for band in bands(shape_yx[0]):
        for label_map in maps:
            labels = label_map.confirmed(band)
            np.copyto(merged[band], labels, where=labels != IGNORE_ID)
    return merged


def _approved(store: Store, project_id: str) -> dict[str, set[str]]:
    """Ids of the approved corrections by image."""
    result: dict[str, set[str]] = defaultdict(set)
    for review in store.reviews.of_project(project_id):
        if review.state is ReviewState.APPROVED:
            result[review.image_id].add(review.revision_id)
    return result


def _age(revision: RevisionRecord) -> tuple[Any, str]:
    return revision.completed_at or revision.created_at, revision.id


def confirmed_rows(revision: RevisionRecord) -> Sequence[dict[str, Any]]:
    """Pixels per class that its author has confirmed."""
    covered = revision.details.get(COVERED)
    if not isinstance(covered, dict):
        return revision.coverage
    return [{"class_id": int(class_id), "pixels": int(pixels)} for class_id, pixels in covered.items()]
