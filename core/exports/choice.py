"""Which label map of an image is taken away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from core.access.models import shown_name
from core.errors import DatasetError
from core.exports.request import COUNTS, TRAINING
from core.learning.training_labels import training_labels
from core.measurements.sources import Source, SourceKind, approved_maps, counting_maps, predictions_by_maker
from core.models.store import ModelStore
from core.review.double_annotation import hidden_revisions
from core.store.records import ImageRecord, RevisionKind, RevisionRecord
from core.store.store import Store

_NONE: Final[Mapping[str, str]] = {
    COUNTS: "It has no label map.",
    TRAINING: "It has no reference and no approved correction.",
    SourceKind.APPROVED.value: "It has no approved correction.",
    SourceKind.REFERENCE.value: "It has no reference.",
}


@dataclass(frozen=True, slots=True)
class ChosenMap:
    """An image and the label map that goes along.

    Parameters
    ----------
    image
        The image.
    layers
        One label map; of `TRAINING` several, oldest first, each counting where it is confirmed; empty: there is none.
    reason
        Why there is none; "" where there is.
    """

    image: ImageRecord
    layers: tuple[RevisionRecord, ...] = ()
    reason: str = ""

    @property
    def revision(self) -> RevisionRecord | None:
        """The newest of the layers, None where there is none."""
        return self.layers[-1] if self.layers else None


def chosen_maps(
    store: Store, project_id: str, labels: str, person: str | None, image_ids: Sequence[str] | None = None
) -> tuple[ChosenMap, ...]:
    """The label map of every image that an export takes.

    What a blind assignment hides from the person is as if it were not there.

    Parameters
    ----------
    store
        Where images and label maps are.
    project_id
        Of the images.
    labels
        As in `core.exports.request.ExportRequest`.
    person
        Who asks; None: nothing is hidden.
    image_ids
        In this order; images that are gone are left out. None: all images of the project.

    Raises
    ------
    DatasetError
        ``labels`` means nothing.
    """
    known = {image.id: image for image in store.images.all(project_id)}
    images = known.values() if image_ids is None else [known[image_id] for image_id in image_ids if image_id in known]
    layers = _layers(store, project_id, labels, person)
    reason = _NONE.get(labels, "It has no prediction from this source.")
    return tuple(
        ChosenMap(image, layers[image.id]) if image.id in layers else ChosenMap(image, reason=reason)
        for image in images
    )


def label_choices(store: Store, project_id: str, person: str) -> dict[str, str]:
    """Every choice of label maps that gives at least one, with its name on screen; `COUNTS` first."""
    choices = {COUNTS: "Preferred label map", TRAINING: "Training labels"}
    if approved_maps(store, project_id, person):
        choices[SourceKind.APPROVED.value] = "Approved corrections"
    if store.revisions.newest_of_project(project_id, RevisionKind.REFERENCE):
        choices[SourceKind.REFERENCE.value] = "References"
    models = ModelStore(store.settings.models_dir)
    for source in sorted(predictions_by_maker(store, project_id), key=lambda each: each.key):
        choices[source.key] = f"Predictions of {_maker(store, models, source, person)}"
    return choices


def kinds_in_words(chosen: Iterable[ChosenMap]) -> str:
    """What the label maps are: "12 approved corrections, 18 predictions"; "" where there are none."""
    return revisions_in_words(each.revision for each in chosen if each.revision is not None)


def revisions_in_words(revisions: Iterable[RevisionRecord]) -> str:
    """As `kinds_in_words`, of label maps themselves."""
    counts = Counter(revision.kind for revision in revisions)
    words = {
        RevisionKind.CORRECTION: "approved correction",
        RevisionKind.PREDICTION: "prediction",
        RevisionKind.REFERENCE: "reference",
    }
    return ", ".join(
        f"{counts[kind]:,} {word}{'' if counts[kind] == 1 else 's'}" for kind, word in words.items() if counts[kind]
    )


def _layers(store: Store, project_id: str, labels: str, person: str | None) -> dict[str, tuple[RevisionRecord, ...]]:
    """Image id to its label maps."""
    if labels == TRAINING:
        hidden = frozenset[str]() if person is None else hidden_revisions(store, project_id, person)
        learned = training_labels(store, project_id)
        layers = {i: tuple(layer for layer in found.layers if layer.id not in hidden) for i, found in learned.items()}
        return {image_id: found for image_id, found in layers.items() if found}
    if labels == SourceKind.APPROVED:
        return _alone(approved_maps(store, project_id, person))
    if labels == SourceKind.REFERENCE:
        return _alone(store.revisions.newest_of_project(project_id, RevisionKind.REFERENCE))
    if labels == COUNTS:
        return _alone(counting_maps(store, project_id, person))
    for source, revisions in predictions_by_maker(store, project_id).items():
        if source.key == labels:
            return _alone(revisions)
    if labels.split(":")[0] in (SourceKind.MODEL, SourceKind.IMPORTED):
        return {}
    raise DatasetError(
        f"There are no label maps named {labels[:60]!r}.",
        f"Choose {COUNTS}, {TRAINING}, approved, reference, model:ID or imported:NAME.",
    )


def _alone(revisions: Mapping[str, RevisionRecord]) -> dict[str, tuple[RevisionRecord, ...]]:
    return {image_id: (revision,) for image_id, revision in revisions.items()}


def _maker(store: Store, models: ModelStore, source: Source, person: str) -> str:
    return source.made_by if source.kind is SourceKind.IMPORTED else shown_name(store, models, source.made_by, person)
