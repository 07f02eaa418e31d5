"""One image, several annotators, none of whom sees what the others do until all have submitted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.access.roles import ALLOWED, Permission, refusal, require_within, role_within
from core.errors import AccessError, ReviewError
from core.review.records import ReviewState
from core.review.rows import Subject, named
from core.store.audit import note
from core.store.base import found, now
from core.store.people import clean_name, person_key
from core.store.records import DraftState, RevisionKind, RevisionState
from core.store.review_tables import AnnotationAssignmentRow, ReviewRow
from core.store.store import Store
from core.store.tables import DraftRow, ImageRow, RevisionRow


@dataclass(frozen=True, slots=True)
class Assignment:
    """A person who is asked to annotate an image.

    Parameters
    ----------
    blind
        Without seeing the work of the others who are asked.
    revision_id
        The newest that they submitted since; None: they have not.
    """

    image_id: str
    person: str
    blind: bool
    assigned_by: str
    assigned_at: datetime
    revision_id: str | None


@dataclass(frozen=True, slots=True)
class OwnWork:
    """What a person is asked to do on their own, and has not submitted yet.

    Parameters
    ----------
    asked_by
        Who asks.
    base_revision_id
        The label map that all who are asked begin from; None: an empty one.
    """

    asked_by: str
    base_revision_id: str | None


def ask_to_annotate(store: Store, image_id: str, people: Iterable[str], *, by: str, blind: bool = True) -> None:
    """Ask people to annotate an image, each for themselves. Whoever was asked before stays as they are.

    Raises
    ------
    NotFoundError
        There is no such image.
    AccessError
        ``by`` is no reviewer, or somebody who is asked may not paint.
    ReviewError
        Nobody is named, or somebody has begun already, and not from the label map that all shall begin from.
    """
    asking = named(by)
    names = {person_key(name): clean_name(name) for name in people if clean_name(name)}
    if not names:
        raise ReviewError("No annotators selected.", "Select the annotators of the image.")
    with store.database.writing() as session:
        image = found(session, ImageRow, image_id, "image")
        require_within(session, store.settings, image.project_id, asking, Permission.REVIEW)
        for key, name in names.items():
            role = role_within(session, store.settings, image.project_id, name)
            if role is None or Permission.PAINT not in ALLOWED[role]:
                raise refusal(name, role, Permission.PAINT)
            if session.get(AnnotationAssignmentRow, (image_id, key)) is None:
                if blind:
                    _require_nothing_begun(session, image_id, name)
                session.add(
                    AnnotationAssignmentRow(
                        image_id=image_id, person=key, name=name, blind=blind, assigned_by=asking, assigned_at=now()
                    )
                )
                note(session, asking, "asked_to_annotate", image.project_id, image_id, person=name, blind=blind)


def excuse(store: Store, image_id: str, person: str, *, by: str) -> None:
    """Ask a person no more; nothing happens where they were not asked.

    Raises
    ------
    NotFoundError
        There is no such image.
    AccessError
        ``by`` is no reviewer.
    """
    asking = named(by)
    with store.database.writing() as session:
        image = found(session, ImageRow, image_id, "image")
        require_within(session, store.settings, image.project_id, asking, Permission.REVIEW)
        row = session.get(AnnotationAssignmentRow, (image_id, person_key(person)))
        if row is not None:
            session.delete(row)
            note(session, asking, "excused", image.project_id, image_id, person=row.name)


def assignments(store: Store, project_id: str, *, image_id: str | None = None) -> tuple[Assignment, ...]:
    """Who is asked to annotate which images of a project, and what they have submitted."""
    with store.database.reading() as session:
        return _assignments(session, project_id, image_id)


def own_work(store: Store, image_id: str, person: str) -> OwnWork | None:
    """What a person is asked to annotate of an image unseen by others; None: nothing, or they have submitted it.

    All who are asked begin from the same label map: the newest prediction that was there when the first of them was
    asked, else an empty one. No correction: what somebody confirmed there would count as the work of both.
    """
    key = person_key(person)
    with store.database.reading() as session:
        project_id = found(session, ImageRow, image_id, "image").project_id
        asked = [each for each in _assignments(session, project_id, image_id) if each.blind]
        mine = next((each for each in asked if person_key(each.person) == key), None)
        if mine is None or mine.revision_id is not None:
            return None
        wanted = (
            select(RevisionRow.id)
            .where(RevisionRow.image_id == image_id, RevisionRow.kind == RevisionKind.PREDICTION.value)
            .where(RevisionRow.state == RevisionState.COMPLETE.value)
            .where(RevisionRow.completed_at <= min(each.assigned_at for each in asked))
            .order_by(RevisionRow.completed_at.desc(), RevisionRow.id)
            .limit(1)
        )
        return OwnWork(mine.assigned_by, session.scalar(wanted))


def hidden_revisions(store: Store, project_id: str, person: str, *, image_id: str | None = None) -> frozenset[str]:
    """Corrections that a person may not see yet: of others who annotate the same image blind, beside them.

    They are hidden until each of those who are asked has submitted. Nothing is hidden from people who are not asked.
    """
    key = person_key(person)
    with store.database.reading() as session:
        hiding = _hiding(_assignments(session, project_id, image_id), key)
        if not hiding:
            return frozenset()
        wanted = select(RevisionRow.id, RevisionRow.image_id, RevisionRow.author).where(
            RevisionRow.image_id.in_(hiding), RevisionRow.kind == RevisionKind.CORRECTION.value
        )
        rows = session.execute(wanted).all()
    return frozenset(row_id for row_id, image, author in rows if person_key(author) in hiding[image] - {key})


def hidden_authors(store: Store, image_id: str, person: str) -> frozenset[str]:
    """Keys of the people whose work on an image, drafts too, is hidden from a person."""
    with store.database.reading() as session:
        project_id = found(session, ImageRow, image_id, "image").project_id
        key = person_key(person)
        return _hiding(_assignments(session, project_id, image_id), key).get(image_id, frozenset()) - {key}


def require_visible(store: Store, revision_id: str, person: str) -> None:
    """Refuse what a blind assignment hides.

    Raises
    ------
    NotFoundError
        There is no such revision.
    AccessError
        It is hidden from this person as yet.
    """
    revision = store.revisions.get(revision_id)
    if revision.kind is RevisionKind.CORRECTION and person_key(revision.author) in hidden_authors(
        store, revision.image_id, person
    ):
        raise _unseen()


def require_visible_within(session: Session, it: Subject, person: str) -> None:
    """`require_visible` within the transaction of what is asked for.

    Raises
    ------
    AccessError
        It is hidden from this person as yet.
    """
    key, author = person_key(person), person_key(it.revision.author)
    hidden = _hiding(_assignments(session, it.project.id, it.image.id), key).get(it.image.id, frozenset())
    if it.revision.kind == RevisionKind.CORRECTION.value and author in hidden - {key}:
        raise _unseen()


def _unseen() -> AccessError:
    return AccessError(
        "You are annotating this image independently.",
        "Others' work becomes visible once all annotators have submitted.",
    )


def _require_nothing_begun(session: Session, image_id: str, name: str) -> None:
    wanted = select(DraftRow.author).where(DraftRow.image_id == image_id, DraftRow.state == DraftState.OPEN.value)
    if any(person_key(author) == person_key(name) for author in session.scalars(wanted)):
        raise ReviewError(
            (f"{name} already has an open draft of this image, but all annotators must start from the same label map."),
            f"Assign the image again once {name} has submitted or discarded the draft.",
        )


def _hiding(rows: Sequence[Assignment], key: str) -> dict[str, frozenset[str]]:
    """By image: everybody who annotates blind, where this person is one of them and somebody has not submitted."""
    by_image: dict[str, list[Assignment]] = defaultdict(list)
    for row in rows:
        if row.blind:
            by_image[row.image_id].append(row)
    result = {}
    for image_id, asked in by_image.items():
        keys = frozenset(person_key(each.person) for each in asked)
        if key in keys and any(each.revision_id is None for each in asked):
            result[image_id] = keys
    return result


def _assignments(session: Session, project_id: str, image_id: str | None) -> tuple[Assignment, ...]:
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
    submitted = (
        select(RevisionRow.image_id, RevisionRow.author, RevisionRow.completed_at, RevisionRow.id)
        .join(ReviewRow, ReviewRow.revision_id == RevisionRow.id)
        .where(RevisionRow.image_id.in_({row.image_id for row in rows}))
        .where(ReviewRow.state != ReviewState.WITHDRAWN.value)
        .order_by(RevisionRow.completed_at, RevisionRow.id)
    )
    work: dict[tuple[str, str], tuple[datetime | None, str]] = {}
    for image, author, completed_at, revision_id in session.execute(submitted):
        work[image, person_key(author)] = (completed_at, revision_id)
    result = []
    for row in rows:
        at, revision_id = work.get((row.image_id, row.person), (None, ""))
        since = revision_id if at is not None and at >= row.assigned_at else None
        result.append(Assignment(row.image_id, row.name, row.blind, row.assigned_by, row.assigned_at, since))
    return tuple(result)
