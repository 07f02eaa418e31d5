"""Which label maps of a project can be measured: references, approved corrections, predictions of each model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from core.learning.current_model import current_model
from core.learning.training_labels import training_labels
from core.models.store import ModelStore
from core.review.double_annotation import hidden_revisions
from core.store.label_maps import program_of
from core.store.records import ImageRecord, RevisionKind, RevisionRecord
from core.store.store import Store


class SourceKind(StrEnum):
    """Where label maps come from."""

    COUNTS = "counts"
    """The label map that counts: `counting_maps`."""
    APPROVED = "approved"
    """The newest approved correction of an image, whole: what nobody has confirmed in it is its prediction's."""
    REFERENCE = "reference"
    """The newest reference labels of an image."""
    MODEL = "model"
    """The newest prediction of a model."""
    IMPORTED = "imported"
    """The newest prediction that another program made."""


@dataclass(frozen=True, slots=True)
class Source:
    """Label maps of one kind.

    Parameters
    ----------
    kind
        Where they come from.
    made_by
        For predictions the id of the model, or the name of the other program; else "".
    """

    kind: SourceKind
    made_by: str = ""

    @property
    def key(self) -> str:
        """As it stands in addresses and files.

        >>> Source(SourceKind.MODEL, "starter").key
        'model:starter'
        """
        return f"{self.kind}:{self.made_by}" if self.made_by else str(self.kind)


REFERENCES: Final = Source(SourceKind.REFERENCE)
COUNTING: Final = Source(SourceKind.COUNTS)


@dataclass(frozen=True, slots=True)
class MeasuredMap:
    """A label map that is or can be measured.

    Parameters
    ----------
    image
        Its image.
    revision
        The label map.
    """

    image: ImageRecord
    revision: RevisionRecord


def sources(store: Store, project_id: str, *, person: str | None = None) -> dict[Source, tuple[MeasuredMap, ...]]:
    """What there is to measure in a project: what people have checked first, then each maker of predictions.

    Where some images have an approved correction and others only a prediction or a reference, the label map that counts
    comes before: else those who correct a few images would measure these alone, or all of them uncorrected.

    Parameters
    ----------
    person
        Who looks: what a blind assignment hides from them is left out. None: the program itself.

    Returns
    -------
    dict
        Source to its label maps, one per image that has one, planes of a stack together, then by the images' names.
    """
    approved = approved_maps(store, project_id, person)
    counting = counting_maps(store, project_id, person) if approved else {}
    found = {
        COUNTING: counting if len(counting) > len(approved) else {},
        Source(SourceKind.APPROVED): approved,
        REFERENCES: store.revisions.newest_of_project(project_id, RevisionKind.REFERENCE),
    }
    made = predictions_by_maker(store, project_id)
    found |= {source: made[source] for source in sorted(made, key=lambda each: each.key)}
    images = sorted(store.images.all(project_id), key=lambda image: (image.stack, image.z_index or 0, image.name))
    return {
        source: tuple(MeasuredMap(image, revisions[image.id]) for image in images if image.id in revisions)
        for source, revisions in found.items()
        if revisions
    }


def approved_maps(store: Store, project_id: str, person: str | None = None) -> dict[str, RevisionRecord]:
    """The newest approved correction of each image that this person may see."""
    labels = training_labels(store, project_id)
    hidden = hidden_revisions(store, project_id, person) if person is not None else frozenset()
    seen = {
        image_id: [correction for correction in each.corrections if correction.id not in hidden]
        for image_id, each in labels.items()
    }
    return {image_id: corrections[-1] for image_id, corrections in seen.items() if corrections}


def counting_maps(store: Store, project_id: str, person: str | None = None) -> dict[str, RevisionRecord]:
    """The label map that counts, by image: one rule for what is measured and what is taken away.

    What people made comes before what a network made: its newest approved correction, else its newest reference, else
    the newest prediction of the project's own model, else the newest prediction of any.

    Parameters
    ----------
    person
        As of `sources`.
    """
    references = store.revisions.newest_of_project(project_id, RevisionKind.REFERENCE)
    return {**_of_own_model(store, project_id), **references, **approved_maps(store, project_id, person)}


def predictions_by_maker(store: Store, project_id: str) -> dict[Source, dict[str, RevisionRecord]]:
    """The newest complete prediction of each image, by who made it."""
    result: dict[Source, dict[str, RevisionRecord]] = {}
    for row in store.revisions.predictions_of_project(project_id):
        made = Source(SourceKind.MODEL, row.model_id) if row.model_id else _imported(row)
        result.setdefault(made, {})[row.image_id] = row
    return result


def _of_own_model(store: Store, project_id: str) -> dict[str, RevisionRecord]:
    """Predictions of the model that was promoted or trained in the project; of other images the newest there is."""
    made = predictions_by_maker(store, project_id)
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


def _imported(row: RevisionRecord) -> Source:
    return Source(SourceKind.IMPORTED, program_of(row))
