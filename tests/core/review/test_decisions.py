"""Which decisions are possible when, by whom, and what is left of them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest
from sqlalchemy import update

from core.access.roles import Role, set_approve_own, set_member
from core.errors import AccessError, DecidedError, NotFoundError, ReviewError
from core.review import decisions
from core.review.audit_log import audit_entries
from core.review.decisions import (
    approve_with_fixes,
    decide,
    may_decide,
    may_take_back,
    reopen,
    take_back_approval,
    withdraw,
)
from core.review.discussion import thread
from core.review.records import Decision, ReviewState
from core.review.rows import review
from core.store import RevisionKind, Store, new_review
from core.store.database import Transaction
from core.store.records import ImageRecord, ProjectRecord
from core.store.review_records import Subject
from core.store.review_tables import ReviewRow
from core.store.reviews import subject_within
from core.store.tables import RevisionRow
from tests.core.review.conftest import ADMIN, add_image, add_labels, add_project

BLANK = np.zeros((4, 4), np.uint8)

Act = Callable[[Store, str], object]

ACTS: dict[str, Act] = {
    "approve": lambda store, revision_id: decide(store, revision_id, "Bo", Decision.APPROVE),
    "reject": lambda store, revision_id: decide(store, revision_id, "Bo", Decision.REJECT, "wrong organelle"),
    "request_changes": lambda store, revision_id: decide(
        store, revision_id, "Bo", Decision.REQUEST_CHANGES, "see the membrane"
    ),
    "withdraw": lambda store, revision_id: withdraw(store, revision_id, "Ada"),
    "take_back": lambda store, revision_id: take_back_approval(store, revision_id, "Bo", "seen too late"),
}

LEGAL = {
    ("", "approve"): ReviewState.APPROVED,
    ("", "reject"): ReviewState.REJECTED,
    ("", "request_changes"): ReviewState.CHANGES_REQUESTED,
    ("", "withdraw"): ReviewState.WITHDRAWN,
    ("request_changes", "withdraw"): ReviewState.WITHDRAWN,
    ("approve", "take_back"): ReviewState.REJECTED,
}


@pytest.mark.parametrize("second", list(ACTS))
@pytest.mark.parametrize("first", ["", *list(ACTS)[:4]])
def test_every_way_between_the_states(store: Store, image: ImageRecord, first: str, second: str) -> None:
    revision = add_labels(store, image, BLANK)
    if first:
        ACTS[first](store, revision.id)
    before = review(store, revision.id)
    if (first, second) in LEGAL:
        ACTS[second](store, revision.id)
        assert review(store, revision.id).state is LEGAL[first, second]
        return
    with pytest.raises(ReviewError):
        ACTS[second](store, revision.id)
    assert review(store, revision.id) == before


def test_only_corrections_have_a_review(store: Store, image: ImageRecord) -> None:
    for kind in (RevisionKind.REFERENCE, RevisionKind.PREDICTION):
        with pytest.raises(NotFoundError, match="no review"):
            review(store, add_labels(store, image, BLANK, kind).id)


def test_the_second_reviewer_is_told_what_the_first_decided(store: Store, image: ImageRecord) -> None:
    revision = add_labels(store, image, BLANK)
    decide(store, revision.id, "Bo", Decision.APPROVE)
    with pytest.raises(DecidedError, match=r"Bo approved it on \d{4}-\d\d-\d\d at \d\d:\d\d UTC"):
        decide(store, revision.id, "Cy", Decision.REJECT, "no")


def test_of_two_reviewers_at_once_one_decides(store: Store, image: ImageRecord) -> None:
    revision = add_labels(store, image, BLANK)
    start, won, lost = threading.Barrier(2), list[str](), list[str]()

    def reviewer(name: str, decision: Decision) -> None:
        start.wait()
        try:
            decide(store, revision.id, name, decision, "because")
            won.append(name)
        except DecidedError as error:
            lost.append(error.cause)

    threads = [
        threading.Thread(target=reviewer, args=each) for each in (("Bo", Decision.APPROVE), ("Cy", Decision.REJECT))
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert len(won) == len(lost) == 1
    assert lost[0].startswith(f"{won[0]} ")
    assert review(store, revision.id).decided_by == won[0]
    decisions = [each for each in audit_entries(store, image.project_id, by="") if each.what != "submitted"]
    assert [each.who for each in decisions] == won


SECOND: dict[str, Act] = {
    "approve": lambda store, revision_id: decide(store, revision_id, "Cy", Decision.APPROVE),
    "reject": lambda store, revision_id: decide(store, revision_id, "Cy", Decision.REJECT, "no"),
    "withdraw": lambda store, revision_id: withdraw(store, revision_id, "Ada"),
    "reopen": lambda store, revision_id: reopen(store, revision_id, "Bo", "too early"),
    "take_back": lambda store, revision_id: take_back_approval(store, revision_id, "Cy", "no"),
    "fixes": lambda store, revision_id: approve_with_fixes(store, revision_id, "Cy", _fixes(store, revision_id)),
}
BEFORE = {"reopen": "reject", "take_back": "approve"}
FIRST: dict[str, Act] = {
    "reopen": lambda store, revision_id: reopen(store, revision_id, "Bo", "seen too late"),
    "take_back": ACTS["take_back"],
    "approve": ACTS["reject"],
    "fixes": ACTS["reject"],
}


def _fixes(store: Store, revision_id: str) -> str:
    image_id = store.revisions.get(revision_id).image_id
    return next(each.id for each in store.revisions.of_image(image_id) if each.parent_id == revision_id)


@pytest.mark.parametrize("second", list(SECOND))
def test_a_decision_on_what_was_read_before_another_decision_changes_nothing(
    store: Store, image: ImageRecord, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL two transactions may both have read an undecided review; here the second has read it earlier."""
    revision = add_labels(store, image, BLANK)
    add_labels(store, image, BLANK + 1, author="Cy", parent=revision)
    if second in BEFORE:
        ACTS[BEFORE[second]](store, revision.id)
    with store.database.reading() as session:
        read = subject_within(session, revision.id)
    FIRST.get(second, ACTS["approve"])(store, revision.id)
    decided, entries = review(store, revision.id), list(audit_entries(store, image.project_id, by=""))
    seen: list[str] = []

    def earlier(session: Transaction, revision_id: str) -> Subject:
        if revision_id == revision.id and not seen:
            seen.append(revision_id)
            return read
        return subject_within(session, revision_id)

    monkeypatch.setattr(decisions, "subject_within", earlier)
    with pytest.raises(DecidedError):
        SECOND[second](store, revision.id)
    assert seen
    assert review(store, revision.id) == decided
    assert list(audit_entries(store, image.project_id, by="")) == entries


def test_a_version_submitted_while_the_earlier_is_approved_does_not_replace_it(
    store: Store, image: ImageRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = add_labels(store, image, BLANK)
    read = new_review._earlier_versions

    def decided_meanwhile(session: Transaction, later: RevisionRow) -> list[ReviewRow]:
        rows = read(session, later)
        for row in rows:
            session.execute(update(ReviewRow).where(ReviewRow.revision_id == row.revision_id).values(state="approved"))
        return rows

    monkeypatch.setattr(new_review, "_earlier_versions", decided_meanwhile)
    later = add_labels(store, image, BLANK + 1, parent=revision)
    assert review(store, revision.id).superseded_by is None
    assert review(store, later.id).state is ReviewState.SUBMITTED


@pytest.mark.parametrize("name", ["Ada", " ADA "])
def test_nobody_approves_their_own_work_unless_allowed(
    store: Store, project: ProjectRecord, image: ImageRecord, name: str
) -> None:
    revision = add_labels(store, image, BLANK, author="Ada")
    assert "their own work" in may_decide(store, revision.id, name)
    with pytest.raises(AccessError, match="their own work"):
        decide(store, revision.id, name, Decision.APPROVE)
    set_approve_own(store, project.id, True, by="Ada")
    assert store.projects.get(project.id).approve_own
    assert may_decide(store, revision.id, name) == ""
    assert decide(store, revision.id, name, Decision.APPROVE).state is ReviewState.APPROVED


def test_who_decides_has_a_name_and_a_reason(store: Store, image: ImageRecord) -> None:
    revision = add_labels(store, image, BLANK)
    with pytest.raises(AccessError, match="Your name is unknown"):
        decide(store, revision.id, "  ", Decision.APPROVE)
    for decision in (Decision.REJECT, Decision.REQUEST_CHANGES):
        with pytest.raises(ReviewError, match="reason is required"):
            decide(store, revision.id, "Bo", decision, " ")
    assert review(store, revision.id).state is ReviewState.SUBMITTED


def test_a_reviewer_whose_role_was_taken_away_decides_nothing_more(guarded: Store) -> None:
    project = add_project(guarded)
    revision = add_labels(guarded, add_image(guarded, project), BLANK)
    set_member(guarded, project.id, "Bo", Role.REVIEWER, by=ADMIN)
    set_member(guarded, project.id, "bo", None, by=ADMIN)
    with pytest.raises(AccessError, match="Bo has no role in this project and may not review"):
        decide(guarded, revision.id, "Bo", Decision.APPROVE)
    assert review(guarded, revision.id).state is ReviewState.SUBMITTED


def test_a_newer_submission_takes_the_place_of_the_older(store: Store, image: ImageRecord) -> None:
    first = add_labels(store, image, BLANK)
    decide(store, first.id, "Bo", Decision.REQUEST_CHANGES, "more")
    second = add_labels(store, image, BLANK, parent=first, author="ada")
    assert review(store, first.id).superseded_by == second.id
    third = add_labels(store, image, BLANK, parent=second)
    with pytest.raises(DecidedError, match="newer version"):
        decide(store, second.id, "Bo", Decision.APPROVE)
    withdraw(store, third.id, "Ada")
    assert decide(store, second.id, "Bo", Decision.APPROVE).state is ReviewState.APPROVED


def test_work_on_somebody_elses_revision_takes_no_place(store: Store, image: ImageRecord) -> None:
    first = add_labels(store, image, BLANK, author="Ada")
    add_labels(store, image, BLANK, parent=first, author="Dee")
    assert review(store, first.id).superseded_by is None


def test_withdrawing_is_for_the_author_and_admins(guarded: Store) -> None:
    project = add_project(guarded)
    revision = add_labels(guarded, add_image(guarded, project), BLANK)
    for name in ("Ada", "Bo"):
        set_member(guarded, project.id, name, Role.ANNOTATOR, by=ADMIN)
    with pytest.raises(AccessError, match="Bo is annotator"):
        withdraw(guarded, revision.id, "Bo")
    assert withdraw(guarded, revision.id, "Ada").state is ReviewState.WITHDRAWN


def test_small_fixes_keep_both_authors(store: Store, image: ImageRecord) -> None:
    first = add_labels(store, image, BLANK, author="Ada")
    fixed = add_labels(store, image, BLANK + 1, parent=first, author="Bo")
    approved = approve_with_fixes(store, first.id, "Bo", fixed.id, "one membrane")
    assert approved.authors == ("Ada", "Bo")
    assert approved.state is ReviewState.APPROVED
    below = review(store, first.id)
    assert (below.state, below.superseded_by, below.authors) == (ReviewState.APPROVED, fixed.id, ("Ada",))


def test_fixes_are_ones_own_and_on_that_revision(store: Store, image: ImageRecord) -> None:
    first = add_labels(store, image, BLANK, author="Ada")
    elsewhere = add_labels(store, image, BLANK, author="Bo")
    others = add_labels(store, image, BLANK, parent=first, author="Cy")
    for fixed in (elsewhere, others):
        with pytest.raises(ReviewError, match="correction of"):
            approve_with_fixes(store, first.id, "Bo", fixed.id)
        assert review(store, fixed.id).state is ReviewState.SUBMITTED
    assert review(store, first.id).state is ReviewState.SUBMITTED


def test_every_decision_is_in_the_log_with_its_reason(store: Store, image: ImageRecord) -> None:
    revision = add_labels(store, image, BLANK)
    decide(store, revision.id, "Bo", Decision.REJECT, "wrong class")
    lines = list(audit_entries(store, image.project_id, by=""))
    assert [(each.who, each.what, each.subject) for each in lines] == [
        ("Ada", "submitted", revision.id),
        ("Bo", "rejected", revision.id),
    ]
    assert lines[1].details["reason"] == "wrong class"


def test_images_in_the_trash_are_not_decided(store: Store, image: ImageRecord) -> None:
    revision = add_labels(store, image, BLANK)
    store.trash.put([image.id])
    with pytest.raises(NotFoundError):
        decide(store, revision.id, "Bo", Decision.APPROVE)


@pytest.mark.parametrize("decided", ["reject", "request_changes"])
def test_a_decision_pressed_by_mistake_is_taken_back_and_told(store: Store, image: ImageRecord, decided: str) -> None:
    revision = add_labels(store, image, BLANK)
    before = review(store, revision.id)
    ACTS[decided](store, revision.id)
    assert may_take_back(store, revision.id, "Bo") == ""
    reopen(store, revision.id, "Bo", "wrong button")
    assert review(store, revision.id) == before
    line = list(audit_entries(store, image.project_id, by=""))[-1]
    assert (line.who, line.what, line.details["reason"]) == ("Bo", "reopened", "wrong button")
    assert line.details["decided_by"] == "Bo"
    assert "wrong button" in thread(store, revision.id)[-1].text


def test_once_the_author_has_gone_on_the_decision_stays(store: Store, image: ImageRecord) -> None:
    first, second = (add_labels(store, image, BLANK, author=name) for name in ("Ada", "Dee"))
    for each in (first, second):
        ACTS["reject"](store, each.id)
    store.drafts.open(image.id, " ADA", None)
    assert "has continued" in may_take_back(store, first.id, "Bo")
    with pytest.raises(ReviewError, match="has continued"):
        reopen(store, first.id, "Bo", "wrong button")
    add_labels(store, image, BLANK, author="Ada", parent=first)
    assert may_take_back(store, second.id, "Bo") == "", "Dee has not"
    add_labels(store, image, BLANK, author="Dee")
    assert "has continued" in may_take_back(store, second.id, "Bo")


@pytest.mark.parametrize("done", ["", "approve", "withdraw"])
def test_there_must_be_a_decision_to_reopen(store: Store, image: ImageRecord, done: str) -> None:
    revision = add_labels(store, image, BLANK)
    if done:
        ACTS[done](store, revision.id)
    with pytest.raises(ReviewError, match="no decision to undo"):
        reopen(store, revision.id, "Bo", "wrong button")


def test_only_who_decided_or_an_admin_reopens(guarded: Store) -> None:
    project = add_project(guarded)
    revision = add_labels(guarded, add_image(guarded, project), BLANK)
    for name, role in (("Bo", Role.REVIEWER), ("Cy", Role.REVIEWER), ("Ada", Role.ANNOTATOR)):
        set_member(guarded, project.id, name, role, by=ADMIN)
    ACTS["reject"](guarded, revision.id)
    for name in ("Cy", "Ada", "Stranger"):
        assert "may not" in may_take_back(guarded, revision.id, name)
        with pytest.raises(AccessError):
            reopen(guarded, revision.id, name, "wrong button")
    reopen(guarded, revision.id, ADMIN, "wrong button")
    ACTS["approve"](guarded, revision.id)
    assert may_take_back(guarded, revision.id, "Cy") == ""
    assert "may not review" in may_take_back(guarded, revision.id, "Ada")


def test_fixes_and_what_they_mend_are_taken_back_together(store: Store, image: ImageRecord) -> None:
    first = add_labels(store, image, BLANK, author="Ada")
    fixed = add_labels(store, image, BLANK + 1, parent=first, author="Bo")
    approve_with_fixes(store, first.id, "Bo", fixed.id)
    with pytest.raises(ReviewError, match="together with a reviewer's fixes"):
        take_back_approval(store, first.id, "Bo", "wrong cell")
    take_back_approval(store, fixed.id, "Bo", "wrong cell")
    for each in (first, fixed):
        assert review(store, each.id).state is ReviewState.REJECTED
        assert any("wrong cell" in entry.text for entry in thread(store, each.id))


def test_asking_for_changes_to_ones_own_work_is_nobodys_business_but_ones_own(store: Store, image: ImageRecord) -> None:
    revision = add_labels(store, image, BLANK, author="Ada")
    assert may_decide(store, revision.id, "Ada", Decision.REQUEST_CHANGES) == ""
    ACTS["request_changes"](store, revision.id)
    for decision in Decision:
        assert "Bo requested changes" in may_decide(store, revision.id, "Cy", decision)
