"""Which label map of an image is taken away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from core.errors import CristaeError, DatasetError
from core.exporting.request import COUNTS, TRAINING
from core.learning.current_model import current_model
from core.measurements.sources import Source, SourceKind
from core.review.double_annotation import hidden_revisions
from core.rounds.training_labels import training_labels
from core.segmentation.model_store import ModelStore
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
        As in `core.exporting.request.ExportRequest`.
    person
        Who asks; None: nothing is hidden.
    image_ids
        In this order; images that are gone are left out. None: all images of the project.

    Raises
    ------
    DatasetError
        ``labels`` means nothing.
    """
    known = {image.id: image for image in store.images(project_id)}
    images = known.values() if image_ids is None else [known[each] for each in image_ids if each in known]
    hidden = frozenset[str]() if person is None else hidden_revisions(store, project_id, person)
    layers = _layers(store, project_id, labels, hidden)
    reason = _NONE.get(labels, "It has no prediction of this source.")
    return tuple(
        ChosenMap(image, layers[image.id]) if image.id in layers else ChosenMap(image, reason=reason)
        for image in images
    )


def label_choices(store: Store, project_id: str, person: str) -> dict[str, str]:
    """Every choice of label maps that gives at least one, with its name on screen; `COUNTS` first."""
    hidden = hidden_revisions(store, project_id, person)
    choices = {COUNTS: "The label map that counts", TRAINING: "What trainings learn from"}
    if _approved(store, project_id, hidden):
        choices[SourceKind.APPROVED.value] = "Approved corrections"
    if store.project_revisions(project_id, RevisionKind.REFERENCE):
        choices[SourceKind.REFERENCE.value] = "References"
    models = ModelStore(store.settings.models_dir)
    for source in sorted(_predictions(store.project_predictions(project_id)), key=lambda each: each.key):
        choices[source.key] = f"Predictions of {_maker(models, source)}"
    return choices


def kinds_in_words(chosen: Iterable[ChosenMap]) -> str:
    """What the label maps are: "12 approved corrections, 18 predictions"; "" where there are none."""
    counts = Counter(each.revision.kind for each in chosen if each.revision is not None)
    words = {
        RevisionKind.CORRECTION: "approved correction",
        RevisionKind.PREDICTION: "prediction",
        RevisionKind.REFERENCE: "reference",
    }
    return ", ".join(
        f"{counts[kind]:,} {word}{'' if counts[kind] == 1 else 's'}" for kind, word in words.items() if counts[kind]
    )


def _layers(
    store: Store, project_id: str, labels: str, hidden: frozenset[str]
) -> dict[str, tuple[RevisionRecord, ...]]:
    """Image id to its label maps."""
    if labels == TRAINING:
        learned = training_labels(store, project_id)
        layers = {i: tuple(each for each in found.layers if each.id not in hidden) for i, found in learned.items()}
        return {image_id: found for image_id, found in layers.items() if found}
    if labels == SourceKind.APPROVED:
        return _alone(_approved(store, project_id, hidden))
    if labels == SourceKind.REFERENCE:
        return _alone(store.project_revisions(project_id, RevisionKind.REFERENCE))
    made = _predictions(store.project_predictions(project_id))
    if labels == COUNTS:
        references = store.project_revisions(project_id, RevisionKind.REFERENCE)
        return _alone({**references, **_of_model(store, project_id, made), **_approved(store, project_id, hidden)})
    for source, revisions in made.items():
        if source.key == labels:
            return _alone(revisions)
    if labels.split(":")[0] in (SourceKind.MODEL, SourceKind.IMPORTED):
        return {}
    raise DatasetError(
        f"There are no label maps called {labels[:60]!r}.",
        f"Choose {COUNTS}, {TRAINING}, approved, reference, model:ID or imported:NAME.",
    )


def _alone(revisions: Mapping[str, RevisionRecord]) -> dict[str, tuple[RevisionRecord, ...]]:
    return {image_id: (revision,) for image_id, revision in revisions.items()}


def _approved(store: Store, project_id: str, hidden: frozenset[str]) -> dict[str, RevisionRecord]:
    """The newest approved correction of each image that this person may see."""
    seen = {
        image_id: [each for each in found.corrections if each.id not in hidden]
        for image_id, found in training_labels(store, project_id).items()
    }
    return {image_id: corrections[-1] for image_id, corrections in seen.items() if corrections}


def _predictions(rows: Iterable[RevisionRecord]) -> dict[Source, dict[str, RevisionRecord]]:
    """The newest complete prediction of each image, by who made it."""
    result: dict[Source, dict[str, RevisionRecord]] = {}
    for row in rows:
        maker = str(row.details.get("maker") or "another program")
        source = Source(SourceKind.MODEL, row.model_id) if row.model_id else Source(SourceKind.IMPORTED, maker)
        result.setdefault(source, {})[row.image_id] = row
    return result


def _of_model(
    store: Store, project_id: str, made: Mapping[Source, Mapping[str, RevisionRecord]]
) -> dict[str, RevisionRecord]:
    """Predictions of the model that was promoted or trained in the project; of other images the newest there is."""
    newest: dict[str, RevisionRecord] = {}
    for revisions in made.values():
        for image_id, revision in revisions.items():
            if image_id not in newest or _age(newest[image_id]) < _age(revision):
                newest[image_id] = revision
    current = current_model(store, ModelStore(store.settings.models_dir), project_id)
    if current is None or not current.own:
        return newest
    return {**newest, **made.get(Source(SourceKind.MODEL, current.model.id), {})}


def _age(revision: RevisionRecord) -> tuple[datetime, str]:
    return revision.completed_at or revision.created_at, revision.id


def _maker(models: ModelStore, source: Source) -> str:
    if source.kind is SourceKind.IMPORTED:
        return source.made_by
    try:
        return models.get(source.made_by).card.name
    except CristaeError:  # the model is gone, its predictions stay
        return source.made_by
