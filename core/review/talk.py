"""What is said of a submitted revision: comments in a thread, numbered marks on the image, and who shall look at it."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.access.roles import ALLOWED, Permission, refusal, require_within, role_within
from core.errors import AccessError, DecidedError, NotFoundError, ReviewError
from core.review.decisions import REASON_CHARS
from core.review.double_annotation import require_visible_within
from core.review.lineage import lineage
from core.review.records import Box, Comment, Mark, ReviewState
from core.review.rows import named, subject
from core.store.audit import note
from core.store.base import new_id, now
from core.store.people import clean_name, person_key
from core.store.review_tables import ReviewCommentRow, ReviewMarkRow, ReviewRow
from core.store.reviews import OPEN_STATES
from core.store.store import Store
from core.store.tables import ImageRow, RevisionRow

LABEL_CHARS = 100
"""As wide as the column."""


def versions(store: Store, revision_id: str) -> tuple[str, ...]:
    """This revision and the earlier ones that it took the place of, oldest first."""
    found, wave = [revision_id], [revision_id]
    with store.database.reading() as session:
        while wave:
            before = select(ReviewRow.revision_id).where(ReviewRow.superseded_by.in_(wave))
            wave = [each for each in session.scalars(before.order_by(ReviewRow.created_at)) if each not in found]
            found = [*wave, *found]
    return tuple(found)


def comment(store: Store, revision_id: str, who: str, text: str) -> Comment:
    """Add to the thread.

    Raises
    ------
    NotFoundError
        The revision has no review.
    AccessError
        ``who`` may not comment in this project.
    ReviewError
        It is empty or too long.
    """
    author, text = named(who), text.strip()
    if not 0 < len(text) <= REASON_CHARS:
        raise ReviewError(f"The comment has {len(text)} characters.", f"Write 1 to {REASON_CHARS}.")
    with store.database.writing() as session:
        it = subject(session, revision_id)
        require_within(session, store.settings, it.project.id, author, Permission.COMMENT)
        require_visible_within(session, it, author)
        row = ReviewCommentRow(id=new_id(), revision_id=revision_id, author=author, created_at=now(), text=text)
        session.add(row)
    return _comment(row)


def thread(store: Store, revision_id: str) -> tuple[Comment, ...]:
    """The comments on a revision and on the versions before it, oldest first."""
    wanted = select(ReviewCommentRow).where(ReviewCommentRow.revision_id.in_(versions(store, revision_id)))
    with store.database.reading() as session:
        rows = session.scalars(wanted.order_by(ReviewCommentRow.created_at, ReviewCommentRow.id))
        return tuple(_comment(row) for row in rows)


def add_mark(store: Store, revision_id: str, who: str, box: Box, label: str, note_text: str = "") -> Mark:
    """Draw a box on the image, with words; it gets the next number of this review.

    Parameters
    ----------
    box
        In pixels of the image; what lies outside is cut off.

    Raises
    ------
    NotFoundError
        The revision has no review.
    AccessError
        ``who`` is no reviewer.
    DecidedError
        The review is over.
    ReviewError
        The box lies outside the image, or the words are missing or too long.
    """
    author, label, note_text = named(who), label.strip(), note_text.strip()
    if not (label or note_text) or len(label) > LABEL_CHARS or len(note_text) > REASON_CHARS:
        raise ReviewError(
            f"The mark has a label of {len(label)} and a note of {len(note_text)} characters.",
            f"Give it a label of at most {LABEL_CHARS} or a note of at most {REASON_CHARS} characters.",
        )
    with store.database.writing() as session:
        it = subject(session, revision_id)
        require_within(session, store.settings, it.project.id, author, Permission.REVIEW)
        require_visible_within(session, it, author)
        if it.state not in OPEN_STATES or it.review.superseded_by is not None:
            raise DecidedError("The review is finished, so the mark would not be seen.", "Mark the newest version.")
        inside = box.within((it.image.height_px, it.image.width_px))
        if inside is None:
            raise ReviewError(
                f"The box at row {box.row}, column {box.column} is outside the image.", "Draw it on the image."
            )
        last = session.scalar(select(func.max(ReviewMarkRow.number)).where(ReviewMarkRow.revision_id == revision_id))
        row = ReviewMarkRow(
            revision_id=revision_id, number=(last or 0) + 1, row=inside.row, column=inside.column,
            height=inside.height, width=inside.width, label=label, note=note_text, author=author, created_at=now(),
            resolved_by="", resolved_at=None,
        )  # fmt: skip
        session.add(row)
        note(session, author, "marked", it.project.id, revision_id, number=row.number, label=label, note=note_text)
    return _mark(row)


def resolve_mark(store: Store, revision_id: str, number: int, who: str, *, resolved: bool = True) -> Mark:
    """Say that a mark is dealt with, or open it again: the author of the revision, or a reviewer.

    Raises
    ------
    NotFoundError
        There is no such mark.
    AccessError
        ``who`` neither made the revision nor is a reviewer.
    """
    person = named(who)
    with store.database.writing() as session:
        it = subject(session, revision_id)
        needed = Permission.PAINT if it.made_by(person) else Permission.REVIEW
        require_within(session, store.settings, it.project.id, person, needed)
        require_visible_within(session, it, person)
        row = _found_mark(session, revision_id, number)
        if resolved is (row.resolved_at is None):
            row.resolved_by, row.resolved_at = (person, now()) if resolved else ("", None)
            what = "mark_resolved" if resolved else "mark_reopened"
            note(session, person, what, it.project.id, revision_id, number=number)
    return _mark(row)


def remove_mark(store: Store, revision_id: str, number: int, who: str) -> None:
    """Take back a mark of one's own. Its number is not given again while later ones are there.

    Raises
    ------
    NotFoundError
        There is no such mark.
    AccessError
        It is somebody else's.
    """
    person = named(who)
    with store.database.writing() as session:
        it = subject(session, revision_id)
        require_within(session, store.settings, it.project.id, person, Permission.REVIEW)
        require_visible_within(session, it, person)
        row = _found_mark(session, revision_id, number)
        if person_key(row.author) != person_key(person):
            raise AccessError(f"Mark {number} belongs to {row.author}.", "Mark it as resolved instead.")
        session.delete(row)
        note(session, person, "mark_removed", it.project.id, revision_id, number=number, label=row.label)


def marks(store: Store, revision_id: str) -> tuple[Mark, ...]:
    """The marks on a revision by number."""
    wanted = select(ReviewMarkRow).where(ReviewMarkRow.revision_id == revision_id).order_by(ReviewMarkRow.number)
    with store.database.reading() as session:
        return tuple(_mark(row) for row in session.scalars(wanted))


def earlier_marks(store: Store, revision_id: str) -> tuple[Mark, ...]:
    """The marks on the submissions before this one that nobody approved, oldest first; resolved ones too."""
    earlier = {*versions(store, revision_id), *lineage(store, revision_id).unapproved} - {revision_id}
    wanted = (
        select(ReviewMarkRow)
        .join(ReviewRow, ReviewRow.revision_id == ReviewMarkRow.revision_id)
        .where(ReviewMarkRow.revision_id.in_(earlier))
        .order_by(ReviewRow.created_at, ReviewMarkRow.number)
    )
    with store.database.reading() as session:
        return tuple(_mark(row) for row in session.scalars(wanted))


def asked_changes(store: Store, image_id: str, author: str) -> tuple[str, ...]:
    """Ids of this author's corrections of an image that a reviewer wants changed, oldest first."""
    wanted = (
        select(ReviewRow.revision_id, RevisionRow.author)
        .join(RevisionRow, RevisionRow.id == ReviewRow.revision_id)
        .join(ImageRow, ImageRow.id == RevisionRow.image_id)
        .where(ImageRow.id == image_id, ReviewRow.superseded_by.is_(None))
        .where(ReviewRow.state == ReviewState.CHANGES_REQUESTED.value)
        .order_by(ReviewRow.created_at, ReviewRow.revision_id)
    )
    with store.database.reading() as session:
        rows = session.execute(wanted).all()
    return tuple(revision_id for revision_id, name in rows if person_key(name) == person_key(author))


def assign(store: Store, revision_id: str, assignee: str, *, by: str) -> None:
    """Ask a person to review a revision; "" asks nobody.

    Raises
    ------
    NotFoundError
        The revision has no review.
    AccessError
        ``by`` or the assignee is no reviewer.
    DecidedError
        The review is over.
    ReviewError
        The assignee made the revision, and the project does not allow approving one's own work.
    """
    person, assignee = named(by), clean_name(assignee)
    with store.database.writing() as session:
        it = subject(session, revision_id)
        require_within(session, store.settings, it.project.id, person, Permission.REVIEW)
        require_visible_within(session, it, person)
        if it.state not in OPEN_STATES:
            raise DecidedError("The review is finished.", "Reload the page.")
        if assignee:
            role = role_within(session, store.settings, it.project.id, assignee)
            if role is None or Permission.REVIEW not in ALLOWED[role]:
                raise refusal(assignee, role, Permission.REVIEW)
            if it.made_by(assignee) and not it.project.approve_own:
                raise ReviewError(
                    (
                        f"{assignee} is the author of this revision, and in this project people may not approve their "
                        "own work."
                    ),
                    "Ask another person.",
                )
        before, it.review.assignee = it.review.assignee, assignee
        note(session, person, "assigned", it.project.id, revision_id, before=before, after=assignee)


def _found_mark(session: Session, revision_id: str, number: int) -> ReviewMarkRow:
    row = session.get(ReviewMarkRow, (revision_id, number))
    if row is None:
        raise NotFoundError(f"There is no mark {number} on this revision.", "Reload the page.")
    return row


def _comment(row: ReviewCommentRow) -> Comment:
    return Comment(row.id, row.revision_id, row.author, row.created_at, row.text)


def _mark(row: ReviewMarkRow) -> Mark:
    box = Box(row.row, row.column, row.height, row.width)
    return Mark(
        row.revision_id, row.number, box, row.label, row.note, row.author, row.created_at, row.resolved_by,
        row.resolved_at,
    )  # fmt: skip
