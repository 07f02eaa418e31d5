"""Deciding on submitted revisions. Each decision and its line in the audit log are one transaction.

The ways between the states::

    submitted ──> approved            by a reviewer; approved ──> rejected takes it back
              ──> rejected            by a reviewer
              ──> changes_requested   by a reviewer; a newer submission takes its place
              ──> withdrawn           by the author, also from changes_requested
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from core.access import Permission, require_within
from core.errors import AccessError, DecidedError, ReviewError
from core.review.records import Decision, Review, ReviewState
from core.review.rows import Subject, authors_of, named, record, subject
from core.store.audit import note
from core.store.base import now
from core.store.people import person_key
from core.store.review_tables import ReviewRow
from core.store.reviews import OPEN_STATES
from core.store.store import Store

REASON_CHARS = 4000
"""Longest reason or comment: a page of text."""


def decide(store: Store, revision_id: str, who: str, decision: Decision, reason: str = "") -> Review:
    """Approve, request changes or reject. Of two reviewers at once, the second is told what the first decided.

    Parameters
    ----------
    who
        The reviewer.
    reason
        Needed unless approving.

    Raises
    ------
    NotFoundError
        The revision has no review.
    AccessError
        ``who`` is no reviewer (any more), or would approve their own work though the project does not allow it.
    DecidedError
        It was decided, withdrawn or replaced by a newer version.
    ReviewError
        The reason is missing or too long.
    """
    reviewer = named(who)
    reason = _checked_reason(reason, needed=decision is not Decision.APPROVE)
    with store.database.writing() as session:
        it = _undecided(session, store, revision_id, reviewer)
        if decision is Decision.APPROVE:
            _not_their_own(it, reviewer)
        _settle(session, it, reviewer, decision.state, reason)
        return record((it.review, it.revision, it.image))


def approve_with_fixes(store: Store, revision_id: str, who: str, fixed_id: str, reason: str = "") -> Review:
    """Approve a revision together with a reviewer's own small fixes on top of it; both names stay with the result.

    Parameters
    ----------
    revision_id
        The annotator's revision.
    fixed_id
        The reviewer's, submitted from a draft on ``revision_id``.

    Returns
    -------
    Review
        That of the fixed revision, approved; the annotator's is approved too and points to it.

    Raises
    ------
    NotFoundError, AccessError, DecidedError
        As for `decide`.
    ReviewError
        The fixes are somebody else's, or were not made on this revision.
    """
    reviewer = named(who)
    reason = _checked_reason(reason, needed=False)
    with store.database.writing() as session:
        it, fixed = (_undecided(session, store, each, reviewer) for each in (revision_id, fixed_id))
        _not_their_own(it, reviewer)
        if fixed.revision.parent_id != it.revision.id or person_key(fixed.revision.author) != person_key(reviewer):
            raise ReviewError(
                f"Revision {fixed_id[:40]} is not {reviewer}'s own work on revision {revision_id[:40]}.",
                "Open the revision in the editor, mend it, submit, and approve then.",
            )
        authors = [*authors_of(it.revision), reviewer]
        fixed.revision.details = {**fixed.revision.details, "authors": list(dict.fromkeys(authors))}
        it.review.superseded_by = fixed.revision.id
        _settle(session, it, reviewer, ReviewState.APPROVED, reason, fixed_by=fixed.revision.id)
        _settle(session, fixed, reviewer, ReviewState.APPROVED, reason, fixes=it.revision.id)
        return record((fixed.review, fixed.revision, fixed.image))


def take_back_approval(store: Store, revision_id: str, who: str, reason: str) -> Review:
    """Reject what was approved: no later training learns from it. Trainings that have used it keep their snapshot.

    Raises
    ------
    NotFoundError, AccessError
        As for `decide`.
    ReviewError
        It is not approved, or the reason is missing.
    """
    reviewer = named(who)
    reason = _checked_reason(reason, needed=True)
    with store.database.writing() as session:
        it = subject(session, revision_id)
        require_within(session, store.settings, it.project.id, reviewer, Permission.REVIEW)
        if it.state is not ReviewState.APPROVED:
            raise ReviewError(f"The revision is not approved: {_outcome(it.review)}.", "Reload the page.")
        _settle(session, it, reviewer, ReviewState.REJECTED, reason, was=ReviewState.APPROVED.value)
        return record((it.review, it.revision, it.image))


def withdraw(store: Store, revision_id: str, who: str) -> Review:
    """Take a submission back before it is approved or rejected; the version that it replaced returns to the queue.

    Raises
    ------
    NotFoundError
        The revision has no review.
    AccessError
        ``who`` neither made it nor is an admin.
    DecidedError
        It was decided, withdrawn or replaced by a newer version.
    """
    author = named(who)
    with store.database.writing() as session:
        it = subject(session, revision_id)
        require_within(session, store.settings, it.project.id, author, Permission.PAINT)
        if not it.made_by(author):
            require_within(session, store.settings, it.project.id, author, Permission.MANAGE)
        if it.state not in OPEN_STATES or it.review.superseded_by is not None:
            raise _over(it)
        was = it.state.value
        _settle(session, it, author, ReviewState.WITHDRAWN, "", was=was)
        session.execute(
            update(ReviewRow)
            .where(ReviewRow.superseded_by == revision_id, ReviewRow.state.in_(OPEN_STATES))
            .values(superseded_by=None)
        )
        return record((it.review, it.revision, it.image))


def may_decide(store: Store, revision_id: str, who: str) -> str:
    """Why a person cannot approve a revision, in a sentence; "" where they can. For pages: `decide` asks again."""
    with store.database.reading() as session:
        try:
            it = _undecided(session, store, revision_id, named(who))
            _not_their_own(it, who)
        except (AccessError, ReviewError) as error:
            return error.cause
    return ""


def _undecided(session: Session, store: Store, revision_id: str, reviewer: str) -> Subject:
    """A review that waits for a decision, and that this person may decide."""
    it = subject(session, revision_id)
    require_within(session, store.settings, it.project.id, reviewer, Permission.REVIEW)
    if it.state is not ReviewState.SUBMITTED or it.review.superseded_by is not None:
        raise _over(it)
    return it


def _not_their_own(it: Subject, reviewer: str) -> None:
    if it.made_by(reviewer) and not it.project.approve_own:
        raise AccessError(
            f"{reviewer} made this revision, and in this project nobody approves their own work.",
            "Ask somebody else to review it; an admin can allow it in the project's options.",
        )


def _settle(session: Session, it: Subject, who: str, state: ReviewState, reason: str, **details: str | None) -> None:
    """Write a decision, and its line in the audit log."""
    it.review.state = state.value
    it.review.decided_by, it.review.decided_at, it.review.reason = who, now(), reason
    note(
        session, who, state.value, it.project.id, it.revision.id,
        image_id=it.image.id, image=it.image.name, authors=list(authors_of(it.revision)), reason=reason, **details,
    )  # fmt: skip


def _over(it: Subject) -> DecidedError:
    if it.review.superseded_by is not None and it.state in OPEN_STATES:
        return DecidedError(
            f"{it.revision.author} has submitted a newer version of this revision.", "Open the newer one in the queue."
        )
    return DecidedError(f"{_outcome(it.review)[0].upper()}{_outcome(it.review)[1:]}.", "Go on with the next review.")


def _outcome(row: ReviewRow) -> str:
    """Who decided what and when, as a clause."""
    if row.state == ReviewState.SUBMITTED.value:
        return "it waits for a decision"
    what = {
        ReviewState.APPROVED.value: "approved it",
        ReviewState.REJECTED.value: "rejected it",
        ReviewState.CHANGES_REQUESTED.value: "asked for changes",
        ReviewState.WITHDRAWN.value: "withdrew it",
    }[row.state]
    return f"{row.decided_by} {what} {_moment(row.decided_at)}"


def _moment(at: datetime | None) -> str:
    return "" if at is None else f"on {at:%Y-%m-%d} at {at:%H:%M} UTC"


def _checked_reason(reason: str, *, needed: bool) -> str:
    reason = reason.strip()
    if needed and not reason:
        raise ReviewError("There is no reason.", "Say in a sentence why, so that the author can learn from it.")
    if len(reason) > REASON_CHARS:
        raise ReviewError(f"The reason has {len(reason)} characters.", f"Use at most {REASON_CHARS}.")
    return reason
