"""What a submitted revision is held against in review, and the submissions on the way there that nobody approved."""

from __future__ import annotations

from dataclasses import dataclass

from core.review.records import ReviewState
from core.store.records import RevisionKind
from core.store.store import Store


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a revision comes from.

    Parameters
    ----------
    before_id
        The nearest label map above it that counts by itself: an approved correction, a reference or a prediction.
        None: it was begun from nothing.
    unapproved
        Corrections in between that were never approved, nearest first.
    """

    before_id: str | None
    unapproved: tuple[str, ...]


def lineage(store: Store, revision_id: str) -> Lineage:
    """What a reviewer has to see of a revision: all that changed since the last label map that counts.

    A resubmission is made from the author's earlier submission, of which nobody has approved anything.

    Raises
    ------
    NotFoundError
        There is no such revision.
    """
    above, unapproved = store.revisions.get(revision_id).parent_id, list[str]()
    while above is not None:
        revision = store.revisions.get(above)
        if revision.kind is not RevisionKind.CORRECTION:
            break
        standing = store.reviews.standing(above)
        if standing is not None and standing.state is ReviewState.APPROVED:
            break
        unapproved.append(above)
        above = revision.parent_id
    return Lineage(above, tuple(unapproved))
