"""The history of an image: every label map it has had, what differs between any two, and going back to one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from core.annotation.draft_start import begin_draft
from core.errors import AnnotationError
from core.review.changes import Region, changes_between, regions_between
from core.review.label_maps import LabelMap
from core.review.object_changes import ObjectChanges, object_changes
from core.review.records import Changes, ReviewState
from core.store.records import DraftRecord, RevisionRecord, RevisionState
from core.store.store import Store

MOST_REGIONS: Final = 200
"""Listed of a difference, largest first."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One revision and where it stands.

    Parameters
    ----------
    revision
        Complete.
    review
        Where its review stands; None for references and predictions, which are not reviewed.
    replaced
        Whether a newer version by the same author has taken its place in the review.
    """

    revision: RevisionRecord
    review: ReviewState | None
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two label maps of an image.

    Parameters
    ----------
    changes
        Pixels in all and per class.
    regions
        The changed pixels piece by piece (8-connected), largest first, at most `MOST_REGIONS`.
    objects
        What became of objects; None where neither has object ids, or where they are too large to compare.
    """

    changes: Changes
    regions: tuple[Region, ...]
    objects: ObjectChanges | None = None


def history(store: Store, image_id: str, *, hidden: Collection[str] = ()) -> tuple[HistoryEntry, ...]:
    """Every complete revision of an image, newest first.

    Parameters
    ----------
    hidden
        Ids that this person may not see (`core.review.double_annotation.hidden_revisions`).

    Raises
    ------
    NotFoundError
        There is no such image.
    """
    store.images.get(image_id)
    shown = [r for r in store.revisions.of_image(image_id) if r.state is RevisionState.COMPLETE and r.id not in hidden]
    standings = store.reviews.standings([revision.id for revision in shown])
    states = {key: (each.state, each.superseded_by is not None) for key, each in standings.items()}
    return tuple(HistoryEntry(revision, *states.get(revision.id, (None, False))) for revision in shown)


def difference(store: Store, before_id: str | None, after_id: str) -> Difference:
    """What changes from one revision to another of the same image; None: from an empty label map.

    Reads both label maps whole, band by band: some seconds for 16,000 x 16,000 px.

    Raises
    ------
    AnnotationError
        They are of different images.
    NotFoundError
        One of them does not exist.
    """
    after = store.revisions.get(after_id)
    if before_id is not None and store.revisions.get(before_id).image_id != after.image_id:
        raise AnnotationError("These two label maps are of different images.", "Compare revisions of one image.")
    shape = store.images.get(after.image_id).shape_yx
    one, other = LabelMap(store, before_id, shape), LabelMap(store, after_id, shape)
    changes = changes_between(one, other)
    regions = regions_between(one, other, changes.box, most=MOST_REGIONS) if changes.box else ()
    return Difference(changes, regions, object_changes(one, other))


def restore(store: Store, revision_id: str, author: str) -> DraftRecord:
    """Begin a draft that starts as an older revision, what was confirmed included; the revision stays as it is.

    Raises
    ------
    AnnotationError
        This author has an open draft of the image: it would be lost.
    AccessError, NotFoundError
        As `core.annotation.draft_start.begin_draft`.
    """
    revision = store.revisions.get(revision_id)
    draft, was_open = begin_draft(store, revision.image_id, author, revision.id)
    if was_open and draft.base_revision_id != revision.id:
        raise AnnotationError(
            "You have an open draft of this image, which would be lost.",
            "Submit or discard that draft first, then restore the older revision.",
        )
    return draft
