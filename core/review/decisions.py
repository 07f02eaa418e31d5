"""Deciding on submitted revisions. Each decision and its line in the audit log are one transaction.

The ways between the states::

    submitted ──> approved            by a reviewer; approved ──> rejected takes it back
              ──> rejected            by a reviewer
              ──> changes_requested   by a reviewer; a newer submission takes its place
              ──> withdrawn           by the author, also from changes_requested

    rejected, changes_requested ──> submitted   by who decided or an admin, while the author has not gone on
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core.access.roles import Permission, require_within
from core.errors import AccessError, DecidedError, ReviewError
from core.review.double_annotation import require_visible_within
from core.review.records import Decision, Review
from core.review.rows import named, review_within
from core.store.audit import note
from core.store.base import now
from core.store.database import Transaction
from core.store.drafts import open_authors_within
from core.store.image_revisions import correctors_since_within
from core.store.people import person_key
from core.store.review_records import OPEN_STATES, ReviewRecord, ReviewState, Subject
from core.store.review_threads import add_comment_within
from core.store.reviews import (
    approved_within,
    change_review_within,
    restore_replaced_within,
    review_state_within,
    subject_within,
)
from core.store.revisions import add_authors_within
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
        return review_within(session, revision_id)


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
                f"Revision {fixed_id[:40]} is not {reviewer}'s correction of revision {revision_id[:40]}.",
                "Open the revision in the editor, fix and submit it, then approve.",
            )
        add_authors_within(session, fixed_id, [*it.authors, reviewer])
        fixed = subject_within(session, fixed_id)
        _settle(session, it, reviewer, ReviewState.APPROVED, reason, superseded_by=fixed_id, fixed_by=fixed_id)
        _settle(session, fixed, reviewer, ReviewState.APPROVED, reason, fixes=revision_id)
        return review_within(session, fixed_id)


def take_back_approval(store: Store, revision_id: str, who: str, reason: str) -> Review:
    """Reject what was approved: no later training learns from it. Trainings that have used it keep their snapshot.

    A correction that was approved together with a reviewer's fixes goes with them. Audit log and thread tell of it.

    Raises
    ------
    NotFoundError, AccessError
        As for `decide`.
    ReviewError
        It is not approved, a version with fixes stands in its place, or the reason is missing.
    """
    reviewer = named(who)
    reason = _checked_reason(reason, needed=True)
    with store.database.writing() as session:
        it = _approved(session, store, revision_id, reviewer)
        corrected = [subject_within(session, earlier_id) for earlier_id in approved_within(session, revision_id)]
        for approved in (*corrected, it):
            _settle(session, approved, reviewer, ReviewState.REJECTED, reason, was=ReviewState.APPROVED.value)
            add_comment_within(session, approved.revision.id, reviewer, f"Withdrew the approval: {reason}")
        return review_within(session, revision_id)


def reopen(store: Store, revision_id: str, who: str, reason: str) -> Review:
    """Take back a rejection or a request for changes: the correction waits for review again, as before.

    Audit log and thread tell of it, and of what had been decided.

    Raises
    ------
    NotFoundError
        The revision has no review.
    AccessError
        ``who`` is no reviewer, or neither decided it nor is an admin.
    ReviewError
        It is neither rejected nor asked to be changed, its author has gone on meanwhile, or the reason is missing.
    """
    reviewer = named(who)
    reason = _checked_reason(reason, needed=True)
    with store.database.writing() as session:
        it = _to_reopen(session, store, revision_id, reviewer)
        was, before, by = it.state, it.review.reason, it.review.decided_by
        _change(session, it, state=ReviewState.SUBMITTED, decided_by="", decided_at=None, reason="")
        note(
            session, reviewer, "reopened", it.project.id, revision_id, image_id=it.image.id, image=it.image.name,
            authors=list(it.authors), reason=reason, was=was.value, decided_by=by, reason_then=before,
        )  # fmt: skip
        what = "the rejection" if was is ReviewState.REJECTED else "the request for changes"
        of = "" if person_key(by) == person_key(reviewer) else f" of {by}"
        add_comment_within(session, revision_id, reviewer, f"Withdrew {what}{of}: {reason}")
        return review_within(session, revision_id)


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
        it = subject_within(session, revision_id)
        require_within(session, store.settings, it.project.id, author, Permission.PAINT)
        if not it.made_by(author):
            require_within(session, store.settings, it.project.id, author, Permission.MANAGE)
        if it.state not in OPEN_STATES or it.review.superseded_by is not None:
            raise _over(it)
        was = it.state.value
        _settle(session, it, author, ReviewState.WITHDRAWN, "", was=was)
        restore_replaced_within(session, revision_id)
        return review_within(session, revision_id)


def may_decide(store: Store, revision_id: str, who: str, decision: Decision = Decision.APPROVE) -> str:
    """Why a person cannot decide so on a revision, in a sentence; "" where they can. For pages: `decide` asks again."""
    with store.database.reading() as session:
        try:
            it = _undecided(session, store, revision_id, named(who))
            if decision is Decision.APPROVE:
                _not_their_own(it, who)
        except (AccessError, ReviewError) as error:
            return error.cause
    return ""


def may_take_back(store: Store, revision_id: str, who: str) -> str:
    """Why a person cannot take a decision back, in a sentence; "" where they can. For pages, as `may_decide`."""
    with store.database.reading() as session:
        try:
            person = named(who)
            if subject_within(session, revision_id).state is ReviewState.APPROVED:
                _approved(session, store, revision_id, person)
            else:
                _to_reopen(session, store, revision_id, person)
        except (AccessError, ReviewError) as error:
            return error.cause
    return ""


def _undecided(session: Transaction, store: Store, revision_id: str, reviewer: str) -> Subject:
    """A review that waits for a decision, and that this person may decide."""
    it = subject_within(session, revision_id)
    require_within(session, store.settings, it.project.id, reviewer, Permission.REVIEW)
    require_visible_within(session, it, reviewer)
    if it.state is not ReviewState.SUBMITTED or it.review.superseded_by is not None:
        raise _over(it)
    return it


def _approved(session: Transaction, store: Store, revision_id: str, reviewer: str) -> Subject:
    """A review whose approval this person may take back."""
    it = subject_within(session, revision_id)
    require_within(session, store.settings, it.project.id, reviewer, Permission.REVIEW)
    require_visible_within(session, it, reviewer)
    if it.state is not ReviewState.APPROVED:
        raise ReviewError(f"The revision is not approved: {_outcome(it.review)}.", "Reload the page.")
    above = review_state_within(session, it.review.superseded_by) if it.review.superseded_by else None
    if above is ReviewState.APPROVED:
        raise ReviewError(
            "It was approved together with a reviewer's fixes and replaced by the fixed version.",
            "Undo the approval of the fixed version; this also undoes the approval of this one.",
        )
    return it


def _to_reopen(session: Transaction, store: Store, revision_id: str, reviewer: str) -> Subject:
    """A review that was rejected or asked to be changed, which this person may put back into the queue."""
    it = subject_within(session, revision_id)
    require_within(session, store.settings, it.project.id, reviewer, Permission.REVIEW)
    require_visible_within(session, it, reviewer)
    if it.state not in (ReviewState.REJECTED, ReviewState.CHANGES_REQUESTED):
        raise ReviewError(f"There is no decision to undo: {_outcome(it.review)}.", "Reload the page.")
    if person_key(it.review.decided_by) != person_key(reviewer):
        require_within(session, store.settings, it.project.id, reviewer, Permission.MANAGE)
    if it.review.superseded_by is not None or _has_gone_on(session, it):
        raise ReviewError(
            f"{it.revision.author} has continued working on this image.", ("Review their next submission.")
        )
    return it


def _has_gone_on(session: Transaction, it: Subject) -> bool:
    """Whether an author has an open draft of the image, or has submitted another correction since the decision."""
    later = correctors_since_within(session, it.revision, it.review.decided_at)
    return any(it.made_by(name) for name in (*open_authors_within(session, it.image.id), *later))


def _not_their_own(it: Subject, reviewer: str) -> None:
    if it.made_by(reviewer) and not it.project.approve_own:
        raise AccessError(
            f"{reviewer} is the author of this revision, and in this project people may not approve their own work.",
            "Ask another person to review it; an admin can allow it in the project's options.",
        )


def _settle(
    session: Transaction, it: Subject, who: str, state: ReviewState, reason: str, *,
    superseded_by: str | None = None, **details: str | None,
) -> None:  # fmt: skip
    """Write a decision, and its line in the audit log."""
    above = {} if superseded_by is None else {"superseded_by": superseded_by}
    _change(session, it, state=state, decided_by=who, decided_at=now(), reason=reason, **above)
    note(
        session, who, state.value, it.project.id, it.revision.id,
        image_id=it.image.id, image=it.image.name, authors=list(it.authors), reason=reason, **details,
    )  # fmt: skip


def _change(session: Transaction, it: Subject, **values: Any) -> None:
    """Set columns of a review, unless somebody else was quicker after it was read."""
    if not change_review_within(session, it.review, **values):
        raise _over(subject_within(session, it.revision.id))


def _over(it: Subject) -> DecidedError:
    if it.review.superseded_by is not None and it.state in OPEN_STATES:
        return DecidedError(
            f"{it.revision.author} has submitted a newer version of this revision.", "Open the newer one in the queue."
        )
    return DecidedError(
        f"{_outcome(it.review)[0].upper()}{_outcome(it.review)[1:]}.", ("Continue with the next review.")
    )


def _outcome(row: ReviewRecord) -> str:
    """Who decided what and when, as a clause."""
    if row.state is ReviewState.SUBMITTED:
        return "it is awaiting a decision"
    what = {
        ReviewState.APPROVED: "approved it",
        ReviewState.REJECTED: "rejected it",
        ReviewState.CHANGES_REQUESTED: "requested changes",
        ReviewState.WITHDRAWN: "withdrew it",
    }[row.state]
    return f"{row.decided_by} {what} {_moment(row.decided_at)}"


def _moment(at: datetime | None) -> str:
    return "" if at is None else f"on {at:%Y-%m-%d} at {at:%H:%M} UTC"


def _checked_reason(reason: str, *, needed: bool) -> str:
    reason = reason.strip()
    if needed and not reason:
        raise ReviewError("A reason is required.", "Explain the decision to the author in one sentence.")
    if len(reason) > REASON_CHARS:
        raise ReviewError(f"The reason has {len(reason)} characters.", f"Use at most {REASON_CHARS}.")
    return reason
