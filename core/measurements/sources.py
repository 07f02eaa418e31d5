"""Which label maps of a project can be measured: references, approved corrections, predictions of each model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.review.double_annotation import hidden_revisions
from core.rounds.training_labels import training_labels
from core.store.records import ImageRecord, RevisionKind, RevisionRecord
from core.store.store import Store


class SourceKind(StrEnum):
    """Where label maps come from."""

    APPROVED = "approved"
    """The newest approved correction of an image, whole: what nobody has vouched for in it is its prediction's."""
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

    Parameters
    ----------
    person
        Who looks: what a blind assignment hides from them is left out. None: the program itself.

    Returns
    -------
    dict
        Source to its label maps, one per image that has one, planes of a stack together, then by the images' names.
    """
    found = {
        Source(SourceKind.APPROVED): _approved(store, project_id, person),
        REFERENCES: store.project_revisions(project_id, RevisionKind.REFERENCE),
    }
    made = _predictions(store, project_id)
    found |= {source: made[source] for source in sorted(made, key=lambda each: each.key)}
    images = sorted(store.images(project_id), key=lambda image: (image.stack, image.z_index or 0, image.name))
    return {
        source: tuple(MeasuredMap(image, revisions[image.id]) for image in images if image.id in revisions)
        for source, revisions in found.items()
        if revisions
    }


def _approved(store: Store, project_id: str, person: str | None) -> dict[str, RevisionRecord]:
    labels = training_labels(store, project_id)
    hidden = hidden_revisions(store, project_id, person) if person is not None else frozenset()
    seen = {
        image_id: [correction for correction in each.corrections if correction.id not in hidden]
        for image_id, each in labels.items()
    }
    return {image_id: corrections[-1] for image_id, corrections in seen.items() if corrections}


def _predictions(store: Store, project_id: str) -> dict[Source, dict[str, RevisionRecord]]:
    """The newest complete prediction of each image, by who made it."""
    result: dict[Source, dict[str, RevisionRecord]] = {}
    for row in store.project_predictions(project_id):
        made = Source(SourceKind.MODEL, row.model_id) if row.model_id else _imported(row)
        result.setdefault(made, {})[row.image_id] = row
    return result


def _imported(row: RevisionRecord) -> Source:
    return Source(SourceKind.IMPORTED, str(row.details.get("maker") or "another program"))
