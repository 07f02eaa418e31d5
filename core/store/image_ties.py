"""What ties an image to its project, and what of another project is in its way; each within a transaction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from core.store.records import DraftState, ImageRecord, JobState
from core.store.review_tables import AnnotationAssignmentRow
from core.store.round_tables import RoundRow
from core.store.tables import DraftRow, DraftTileRow, EvaluationImageRow, ImageRow, JobRow


@dataclass(frozen=True, slots=True)
class Twin:
    """An image of a project that has the same content as another image."""

    name: str
    trashed: bool


def twin_within(session: Session, project_id: str, content_hash: str) -> Twin | None:
    """The image of a project with this content, one in the trash too; None: there is none."""
    wanted = select(ImageRow.name, ImageRow.trashed_at)
    row = session.execute(
        wanted.where(ImageRow.project_id == project_id, ImageRow.content_hash == content_hash)
    ).first()
    return None if row is None else Twin(row.name, row.trashed_at is not None)


def has_plane_within(session: Session, project_id: str, stack: str, z_index: int | None) -> bool:
    """Whether a project has an image, one in the trash too, at this place of a stack."""
    place = select(ImageRow.id).where(ImageRow.project_id == project_id, ImageRow.stack == stack)
    return session.scalar(place.where(ImageRow.z_index == z_index).limit(1)) is not None


def is_scored_within(session: Session, image_id: str) -> bool:
    """Whether an image is part of an evaluation."""
    scored = select(EvaluationImageRow.image_id).where(EvaluationImageRow.image_id == image_id)
    return session.scalar(scored.limit(1)) is not None


def round_using_within(session: Session, image: ImageRecord) -> int | None:
    """The number of the first round of its project that learned from an image or tests on it; None: none does."""
    rounds = select(RoundRow.number, RoundRow.snapshot, RoundRow.test_set)
    for number, snapshot, tests in session.execute(rounds.where(RoundRow.project_id == image.project_id)):
        learned = {str(case.get("image_id")) for case in (snapshot or {}).get("cases", ())}
        if image.id in learned or image.id in (tests or {}):
            return int(number)
    return None


def is_worked_on_within(
    session: Session,
    image: ImageRecord,
    states: Collection[JobState],
    *,
    but_kinds: Collection[str],
    image_kinds: Collection[str],
) -> bool:
    """Whether a job in one of these states works on an image, or on all of its project.

    Parameters
    ----------
    but_kinds
        Kinds that do not count.
    image_kinds
        Kinds that count only where they name the image: they need no other image of the project.
    """
    of_project = and_(
        JobRow.image_id.is_(None), JobRow.project_id == image.project_id, JobRow.kind.not_in(list(image_kinds))
    )
    working = select(JobRow.id).where(
        JobRow.state.in_([state.value for state in states]),
        JobRow.kind.not_in(list(but_kinds)),
        or_(JobRow.image_id == image.id, of_project),
    )
    return session.scalar(working.limit(1)) is not None


def is_assigned_within(session: Session, image_id: str) -> bool:
    """Whether somebody is asked to annotate an image."""
    asked = select(AnnotationAssignmentRow.person).where(AnnotationAssignmentRow.image_id == image_id)
    return session.scalar(asked.limit(1)) is not None


def draft_ids_within(session: Session, image_id: str) -> set[int]:
    """Ids that the changed tiles of an image's open drafts hold."""
    wanted = (
        select(DraftTileRow.counts)
        .join(DraftRow, DraftRow.id == DraftTileRow.draft_id)
        .where(DraftRow.image_id == image_id, DraftRow.state == DraftState.OPEN.value)
    )
    return {int(class_id) for counts in session.scalars(wanted) for class_id, pixels in counts.items() if pixels}
