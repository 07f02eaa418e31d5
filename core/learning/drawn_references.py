"""References of test images from what people drew: an approved correction is the truth where it is confirmed.

Who labels everything in the app has no reference labels to evaluate a model with, only approved corrections.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.access.roles import Permission, require
from core.label_scheme import IGNORE_ID
from core.learning.merged_objects import MergedIds
from core.learning.training_labels import merged_labels, training_labels
from core.review.double_annotation import hidden_revisions
from core.store.audit import note
from core.store.label_map_writing import add_label_map
from core.store.records import ImageRecord, ProjectRecord, RevisionKind, RevisionRecord, Split
from core.store.store import Store

DRAWN_FROM: Final = "drawn_from"
"""In a reference's details: ids of the approved corrections that it was made of, oldest first."""


@dataclass(frozen=True, slots=True)
class DrawnImage:
    """A test image that people have annotated, and that no reference says so of yet.

    Parameters
    ----------
    image
        In the test set.
    corrections
        Approved, oldest first.
    before
        The reference that was made of earlier corrections; None: there is no reference.
    """

    image: ImageRecord
    corrections: tuple[RevisionRecord, ...]
    before: RevisionRecord | None = None


def drawn_images(store: Store, project_id: str, person: str | None = None) -> tuple[DrawnImage, ...]:
    """Test images whose approved corrections can become their reference.

    Those without a reference, and those whose reference was made of corrections before a newer one was approved. A
    reference from elsewhere is never replaced.

    Parameters
    ----------
    person
        Who looks: what a blind assignment hides from them is left out. None: the program itself.
    """
    labels = training_labels(store, project_id)
    hidden = hidden_revisions(store, project_id, person) if person is not None else frozenset[str]()
    references = store.revisions.newest_of_project(project_id, RevisionKind.REFERENCE)
    drawn = []
    for image in store.images.all(project_id):
        if image.split is not Split.TEST or image.id not in labels:
            continue
        corrections = tuple(correction for correction in labels[image.id].corrections if correction.id not in hidden)
        before = references.get(image.id)
        made_of = before.details.get(DRAWN_FROM) if before else []
        if corrections and made_of is not None and made_of != [correction.id for correction in corrections]:
            drawn.append(DrawnImage(image, corrections, before))
    return tuple(drawn)


def doubted(store: Store, project_id: str, references: Mapping[str, RevisionRecord]) -> frozenset[str]:
    """Images whose reference was made of a correction that is no longer approved.

    Parameters
    ----------
    references
        By image id.

    Returns
    -------
    frozenset of str
        Image ids.
    """
    drawn = {image_id: made.details[DRAWN_FROM] for image_id, made in references.items() if DRAWN_FROM in made.details}
    if not drawn:
        return frozenset()
    labels = training_labels(store, project_id, list(drawn))
    approved = {image_id: {correction.id for correction in found.corrections} for image_id, found in labels.items()}
    return frozenset(image_id for image_id, ids in drawn.items() if set(ids) - approved.get(image_id, set()))


def make_references(store: Store, project_id: str, *, by: str) -> tuple[RevisionRecord, ...]:
    """Make a reference of each of `drawn_images`: the corrections over one another, 255 where nobody has confirmed.

    Evaluations ignore what is 255. Corrections, predictions and earlier references stay.

    Raises
    ------
    AccessError
        ``by`` may not train and evaluate in the project.
    StorageFullError
        The disk is full; references that were made until then stay.
    """
    require(store, project_id, by, Permission.TRAIN)
    project = store.projects.get(project_id)
    return tuple(_made(store, project, drawn, by) for drawn in drawn_images(store, project_id, by))


def _made(store: Store, project: ProjectRecord, drawn: DrawnImage, by: str) -> RevisionRecord:
    """A complete reference, with its line in the audit log."""
    image = drawn.image
    ids = [correction.id for correction in drawn.corrections]
    labels = merged_labels(store, ids, image.shape_yx)
    objects = MergedIds(store, ids, image.shape_yx).whole()
    authors = ", ".join(dict.fromkeys(correction.author for correction in drawn.corrections if correction.author))
    details = {"name": image.name, DRAWN_FROM: ids, "confirmed_px": int((labels != IGNORE_ID).sum())}
    return add_label_map(
        store,
        image,
        labels,
        project.scheme,
        RevisionKind.REFERENCE,
        author=authors,
        parent_id=ids[-1],
        details={DRAWN_FROM: ids},
        objects=objects,
        within=lambda revision_id, session: note(session, by, "reference_made", project.id, revision_id, **details),
    )
