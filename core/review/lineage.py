"""What a submitted revision is held against in review, and the submissions on the way there that nobody approved."""

from __future__ import annotations

from dataclasses import dataclass

from core.review.records import ReviewState
from core.store.records import RevisionKind
from core.store.review_tables import ReviewRow
from core.store.store import Store
from core.store.tables import RevisionRow


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
    with store.database.reading() as session:
        while above is not None:
            row = session.get_one(RevisionRow, above)
            review = session.get(ReviewRow, above)
            if row.kind != RevisionKind.CORRECTION.value:
                break
            if review is not None and review.state == ReviewState.APPROVED.value:
                break
            unapproved.append(above)
            above = row.parent_id
    return Lineage(above, tuple(unapproved))
