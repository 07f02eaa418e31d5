"""Deciding on a correction: approve, ask for changes, reject, mend it oneself, talk about it."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.access.roles import Permission, may
from core.annotation.history import restore
from core.engine.engine import ensure_engine
from core.learning.again import models_that_learned
from core.review.decisions import (
    approve_with_fixes,
    decide,
    may_decide,
    may_take_back,
    reopen,
    take_back_approval,
)
from core.review.discussion import assign, comment, thread
from core.review.queue import next_review
from core.review.records import Decision, Review, ReviewState
from core.review.rows import review as review_of
from core.rounds.new_work import rounds_that_learned
from core.settings import current_settings
from core.store.people import person_key
from core.store.records import RevisionKind
from ui import context
from ui.errors import explained, plain
from ui.pages import CORRECT_PAGE, TRAIN_PAGE
from ui.parts.names import REVIEW_STATES
from ui.state import Query, set_query

_WAITING: Final = (ReviewState.SUBMITTED, ReviewState.CHANGES_REQUESTED)

_DECIDED: Final = (ReviewState.APPROVED, ReviewState.REJECTED, ReviewState.CHANGES_REQUESTED)

_LABELS: Final = {
    Decision.APPROVE: ("Approve", ":material/check:"),
    Decision.REQUEST_CHANGES: ("Request changes", ":material/edit_note:"),
    Decision.REJECT: ("Reject", ":material/block:"),
}


def decision_panel(review: Review, person: str) -> None:
    """The three answers, or what was answered and a way to take it back."""
    if review.state not in _WAITING or review.superseded_by:
        _decided(review)
        _onward(review, person)
        _take_back_panel(review, person)
        return
    if review.state is ReviewState.CHANGES_REQUESTED:
        _decided(review)
        _take_back_panel(review, person)
    _with_fixes(review, person)
    why_not = {each: may_decide(context.store(), review.revision_id, person, each) for each in _LABELS}
    reason = st.text_area(
        "Reason", key=f"review-reason-{review.revision_id}", placeholder="Required unless you approve", height=80
    )
    pressed: Decision | None = None
    with st.container(horizontal=True):
        for decision, (label, icon) in _LABELS.items():
            if st.button(
                label, icon=icon, key=f"review-{decision}",
                type="primary" if decision is Decision.APPROVE else "secondary",
                disabled=bool(why_not[decision]), help=plain(why_not[decision]) or None,
            ):  # fmt: skip
                pressed = decision
        fixing = st.button(
            "Fix it myself", icon=":material/brush:", key="review-fix", type="tertiary",
            help="Opens your own draft of this correction. Once submitted, it is reviewed under both names.",
        )  # fmt: skip
    if pressed is not None:  # what is refused is said below the buttons, not between them
        _decide(review, person, pressed, reason)
    if fixing:
        _fix(review, person)
    for sentence in dict.fromkeys(each for each in why_not.values() if each):
        st.caption(plain(sentence))


def _onward(review: Review, person: str) -> None:
    """What comes after a decision: the next correction that waits, else a training on what is approved."""
    if review.superseded_by or not may(context.store(), review.project_id, person, Permission.REVIEW):
        return
    following = next_review(context.store(), review.project_id, person)
    if following is None:
        st.caption("No other corrections are awaiting review.")
        if review.state is ReviewState.APPROVED:
            st.page_link(
                TRAIN_PAGE, label="Train a model", icon=":material/model_training:",
                query_params={Query.PROJECT.value: review.project_id},
            )  # fmt: skip
    elif st.button(f"Review next: {plain(following.image_name)}", icon=":material/arrow_forward:", key="review-onward"):
        set_query(Query.REVISION, following.revision_id)
        st.rerun()


def _take_back_panel(review: Review, person: str) -> None:
    """For those who may: taking a decision back, with a reason."""
    if review.state not in _DECIDED:
        return
    store, approved = context.store(), review.state is ReviewState.APPROVED
    why_not = may_take_back(store, review.revision_id, person)
    with st.popover("Undo decision", icon=":material/undo:", type="tertiary", disabled=bool(why_not),
                    help=plain(why_not) or None, key="review-take-back"):  # fmt: skip
        if approved:
            st.markdown("The correction will count as rejected and is excluded from future trainings.")
            if learners := _learners(review):
                st.warning(
                    plain(f"{learners} already used it for training and stay unchanged."), icon=":material/school:"
                )
        else:
            st.markdown("The correction will be awaiting review again.")
        reason = st.text_area("Reason", key=f"take-back-reason-{review.revision_id}", height=80)
        if st.button("Undo decision", type="primary", key="review-take-back-go"):
            with explained():
                (take_back_approval if approved else reopen)(store, review.revision_id, person, reason)
                st.session_state["review-decided"] = True
    if st.session_state.pop("review-decided", False):
        st.rerun()


def _learners(review: Review) -> str:
    """Rounds and models that have learned from it; "" where none has."""
    rounds = rounds_that_learned(context.store(), review.project_id, review.revision_id)
    made = {round_.model_id for round_ in rounds}
    models = [model for model in models_that_learned(context.seen_models(), review.revision_id) if model.id not in made]
    return ", ".join([*(f"Round {round_.number}" for round_ in rounds), *(model.card.name for model in models)])


def talk_panel(review: Review, person: str) -> None:
    """The thread, and who is asked to look at it."""
    for entry in thread(context.store(), review.revision_id):
        with st.chat_message("user", avatar=":material/person:"):
            st.caption(plain(f"{entry.author} · {entry.created_at:%Y-%m-%d %H:%M} UTC"))
            st.markdown(plain(entry.text))
    with st.form(f"comment-{review.revision_id}", clear_on_submit=True, border=False):
        text = st.text_area("Comment", height=70, key=f"comment-text-{review.revision_id}")
        if st.form_submit_button("Send", icon=":material/send:") and text.strip():
            with explained():
                comment(context.store(), review.revision_id, person, text)
                st.session_state["review-sent"] = True
            if st.session_state.pop("review-sent", False):
                st.rerun()
    with st.popover(review.assignee or "Not assigned", icon=":material/assignment_ind:", type="tertiary"):
        name = st.text_input("Assign to", value=review.assignee, key=f"assign-{review.revision_id}")
        if st.button("Assign", key=f"assign-go-{review.revision_id}"):
            with explained():
                assign(context.store(), review.revision_id, name, by=person)
                st.session_state["review-assigned"] = True
            if st.session_state.pop("review-assigned", False):
                st.rerun()


def _decide(review: Review, person: str, decision: Decision, reason: str) -> None:
    with explained():
        decide(context.store(), review.revision_id, person, decision, reason)
        if decision is Decision.APPROVE:
            _wake_rounds(review.project_id)
        st.session_state["review-decided"] = True
    if st.session_state.pop("review-decided", False):
        st.rerun()


def _wake_rounds(project_id: str) -> None:
    """Where rounds follow by themselves, the engine has to be there to start the next one."""
    last = next(reversed(context.store().rounds.of_project(project_id)), None)
    if last is not None and last.plan.get("again_after") is not None:
        ensure_engine(current_settings())


def _fix(review: Review, person: str) -> None:
    with explained():
        restore(context.store(), review.revision_id, person)
        st.session_state["review-fixing"] = True
    if st.session_state.pop("review-fixing", False):
        target = {Query.PROJECT.value: review.project_id, Query.IMAGE.value: review.image_id}
        st.switch_page(CORRECT_PAGE, query_params=target)


def _with_fixes(review: Review, person: str) -> None:
    """A reviewer's own draft on somebody's correction: both are approved together."""
    store = context.store()
    if review.parent_id is None or store.revisions.get(review.parent_id).kind is not RevisionKind.CORRECTION:
        return
    fixed = review_of(store, review.parent_id)
    mine = person_key(person) in {person_key(name) for name in review.authors}
    theirs = person_key(person) not in {person_key(name) for name in fixed.authors}
    if not (mine and theirs and fixed.state in _WAITING):
        return
    why_not = may_decide(store, fixed.revision_id, person)
    if st.button(
        plain(f"Approve {', '.join(fixed.authors)}'s correction with fixes"), icon=":material/done_all:",
        type="primary", key="review-with-fixes", disabled=bool(why_not),
        help=plain(why_not) or "The result keeps both names",
    ):  # fmt: skip
        with explained():
            approve_with_fixes(store, fixed.revision_id, person, review.revision_id)
            st.session_state["review-decided"] = True
        if st.session_state.pop("review-decided", False):
            st.rerun()


def _decided(review: Review) -> None:
    """What was decided, by whom and why."""
    text = f"{REVIEW_STATES[review.state]}".capitalize()
    if review.decided_by:
        when = f" on {review.decided_at:%Y-%m-%d %H:%M} UTC" if review.decided_at else ""
        text += f" by {review.decided_by}{when}"
    if review.reason:
        text += f": {review.reason}"
    st.info(plain(text), icon=":material/gavel:")
    if review.superseded_by and st.button("Replaced by a newer version: open it", key="review-newer"):
        set_query(Query.REVISION, review.superseded_by)
        st.rerun()
