"""What is said of a submitted revision: comments in a thread, numbered marks on the image, and who shall look at it."""

from __future__ import annotations

from core.access.roles import ALLOWED, Permission, refusal, require_within, role_within
from core.errors import AccessError, DecidedError, ReviewError
from core.review.decisions import REASON_CHARS
from core.review.double_annotation import require_visible_within
from core.review.lineage import lineage
from core.review.records import Box, Comment, Mark
from core.review.rows import named
from core.store.audit import note
from core.store.people import clean_name, person_key
from core.store.review_records import OPEN_STATES
from core.store.review_threads import (
    add_comment_within,
    add_mark_within,
    mark_within,
    remove_mark_within,
    resolve_mark_within,
)
from core.store.reviews import change_review_within, subject_within
from core.store.store import Store

LABEL_CHARS = 100
"""As wide as the column."""


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
        it = subject_within(session, revision_id)
        require_within(session, store.settings, it.project.id, author, Permission.COMMENT)
        require_visible_within(session, it, author)
        return add_comment_within(session, revision_id, author, text)


def thread(store: Store, revision_id: str) -> tuple[Comment, ...]:
    """The comments on a revision and on the versions before it, oldest first."""
    return store.review_threads.comments(store.reviews.versions(revision_id))


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
        it = subject_within(session, revision_id)
        require_within(session, store.settings, it.project.id, author, Permission.REVIEW)
        require_visible_within(session, it, author)
        if it.state not in OPEN_STATES or it.review.superseded_by is not None:
            raise DecidedError("The review is finished, so the mark would not be seen.", "Mark the newest version.")
        inside = box.within(it.image.shape_yx)
        if inside is None:
            raise ReviewError(
                f"The box at row {box.row}, column {box.column} is outside the image.", "Draw it on the image."
            )
        mark = add_mark_within(session, revision_id, inside, label=label, note=note_text, author=author)
        note(session, author, "marked", it.project.id, revision_id, number=mark.number, label=label, note=note_text)
    return mark


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
        it = subject_within(session, revision_id)
        needed = Permission.PAINT if it.made_by(person) else Permission.REVIEW
        require_within(session, store.settings, it.project.id, person, needed)
        require_visible_within(session, it, person)
        mark = mark_within(session, revision_id, number)
        if resolved is (mark.resolved_at is None):
            mark = resolve_mark_within(session, revision_id, number, person if resolved else "")
            what = "mark_resolved" if resolved else "mark_reopened"
            note(session, person, what, it.project.id, revision_id, number=number)
    return mark


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
        it = subject_within(session, revision_id)
        require_within(session, store.settings, it.project.id, person, Permission.REVIEW)
        require_visible_within(session, it, person)
        mark = mark_within(session, revision_id, number)
        if person_key(mark.author) != person_key(person):
            raise AccessError(f"Mark {number} belongs to {mark.author}.", "Mark it as resolved instead.")
        remove_mark_within(session, revision_id, number)
        note(session, person, "mark_removed", it.project.id, revision_id, number=number, label=mark.label)


def marks(store: Store, revision_id: str) -> tuple[Mark, ...]:
    """The marks on a revision by number."""
    return store.review_threads.marks([revision_id])


def earlier_marks(store: Store, revision_id: str) -> tuple[Mark, ...]:
    """The marks on the submissions before this one that nobody approved, oldest first; resolved ones too."""
    earlier = {*store.reviews.versions(revision_id), *lineage(store, revision_id).unapproved} - {revision_id}
    return store.review_threads.marks(earlier)


def asked_changes(store: Store, image_id: str, author: str) -> tuple[str, ...]:
    """Ids of this author's corrections of an image that a reviewer wants changed, oldest first."""
    asked = store.reviews.asked_to_change(image_id)
    return tuple(revision_id for revision_id, name in asked if person_key(name) == person_key(author))


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
        it = subject_within(session, revision_id)
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
        if not change_review_within(session, it.review, assignee=assignee):
            raise DecidedError("The review is finished.", "Reload the page.")
        note(session, person, "assigned", it.project.id, revision_id, before=it.review.assignee, after=assignee)
