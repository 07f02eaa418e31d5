"""Who is asked to annotate which image, and what they have submitted; what follows is said in `core.review`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.store.base import now
from core.store.people import person_key
from core.store.review_records import Assignment, ReviewState
from core.store.review_tables import AnnotationAssignmentRow, ReviewRow
from core.store.tables import ImageRow, RevisionRow


def assignments_within(session: Session, project_id: str, image_id: str | None = None) -> tuple[Assignment, ...]:
    """Within a transaction: who is asked to annotate images of a project, or one of them, by image and person."""
    wanted = (
        select(AnnotationAssignmentRow)
        .join(ImageRow, ImageRow.id == AnnotationAssignmentRow.image_id)
        .where(ImageRow.project_id == project_id, ImageRow.trashed_at.is_(None))
        .order_by(ImageRow.name, ImageRow.id, AnnotationAssignmentRow.person)
    )
    if image_id is not None:
        wanted = wanted.where(ImageRow.id == image_id)
    rows = session.scalars(wanted).all()
    if not rows:
        return ()
    work = _submitted(session, {row.image_id for row in rows})
    assignments = []
    for row in rows:
        at, revision_id = work.get((row.image_id, row.person), (None, ""))
        since = revision_id if at is not None and at >= row.assigned_at else None
        assignments.append(Assignment(row.image_id, row.name, row.blind, row.assigned_by, row.assigned_at, since))
    return tuple(assignments)


def is_asked_within(session: Session, image_id: str, person: str) -> bool:
    """Within a transaction: whether the person with this key is asked to annotate an image."""
    return session.get(AnnotationAssignmentRow, (image_id, person)) is not None


def add_assignment_within(session: Session, image_id: str, name: str, *, blind: bool, by: str) -> None:
    """Within a transaction: ask a person to annotate an image."""
    session.add(
        AnnotationAssignmentRow(
            image_id=image_id, person=person_key(name), name=name, blind=blind, assigned_by=by, assigned_at=now()
        )
    )
    session.flush()


def remove_assignment_within(session: Session, image_id: str, person: str) -> str | None:
    """Within a transaction: ask the person with this key no more. Returns their name; None: they were not asked."""
    row = session.get(AnnotationAssignmentRow, (image_id, person))
    if row is None:
        return None
    session.delete(row)
    return row.name


def _submitted(session: Session, image_ids: set[str]) -> dict[tuple[str, str], tuple[datetime | None, str]]:
    """By image and key of the person: when they last submitted, and which revision."""
    wanted = (
        select(RevisionRow.image_id, RevisionRow.author, RevisionRow.completed_at, RevisionRow.id)
        .join(ReviewRow, ReviewRow.revision_id == RevisionRow.id)
        .where(RevisionRow.image_id.in_(image_ids))
        .where(ReviewRow.state != ReviewState.WITHDRAWN.value)
        .order_by(RevisionRow.completed_at, RevisionRow.id)
    )
    return {
        (image_id, person_key(author)): (completed_at, revision_id)
        for image_id, author, completed_at, revision_id in session.execute(wanted)
    }
