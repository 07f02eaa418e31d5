"""A round that is under way or waits for somebody: where it is, what the comparison says, the decision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Final

import pandas as pd
import streamlit as st

from core.access.roles import Permission
from core.evaluation.image_scores import ALL
from core.evaluation.words import VERDICTS
from core.rounds import decisions
from core.rounds.gate import MARGIN, MEAN_MARGIN, Judgement, Outcome
from core.rounds.timeline import round_progress
from core.store.round_records import RoundRecord, RoundState, Step, StepState
from ui import context
from ui.access import may_as, who_may
from ui.errors import explained, explaining, plain, show_error
from ui.pages import JOBS_PAGE, RESULTS_PAGE
from ui.parts.units import duration_text
from ui.state import Query
from ui.train.rounds_words import OUTCOMES, STEPS, interval_text

LIVE_S: Final = 1.5
"""How often the page looks while a round runs."""

MOST_NOTICES: Final = 2
"""More are folded."""


_ICONS: Final = {
    StepState.PENDING: ":material/radio_button_unchecked:",
    StepState.RUNNING: ":material/pending:",
    StepState.DONE: ":material/check_circle:",
    StepState.SKIPPED: ":material/do_not_disturb_on:",
    StepState.FAILED: ":material/error:",
}


def round_panel(record: RoundRecord, person: str) -> None:
    """One round that is not done; live while its jobs run."""
    with st.container(border=True):
        if record.state is RoundState.RUNNING:
            _live(record.id, f"{record.version}", person)
        else:
            _drawn(record, person)


@st.fragment(run_every=LIVE_S)
@explaining
def _live(round_id: str, version: str, person: str) -> None:
    record = context.store().rounds.get(round_id)
    if record.state is not RoundState.RUNNING:
        st.rerun()
    _drawn(record, person)


def _drawn(record: RoundRecord, person: str) -> None:
    allowed = may_as(person, Permission.TRAIN, record.project_id)
    title, actions = st.columns([3, 2], vertical_alignment="center")
    title.subheader(f"Round {record.number}", anchor=False)
    with actions.container(horizontal=True, horizontal_alignment="right"):
        _actions(record, person, allowed)
    steps_line(record)
    if record.state is RoundState.RUNNING:
        _progress(record)
    elif record.state in (RoundState.FAILED, RoundState.CANCELLED):
        show_error(record.now.cause or "The round stopped.", record.now.remedy)
    notices_list(record.notices)
    if record.comparison is not None:
        judgement_panel(record)
    if record.state is RoundState.WAITING and record.step is Step.DECIDE:
        _decision(record, person, allowed)


def notices_list(notices: Sequence[str]) -> None:
    """What to know before one trusts a round; folded where it is long."""
    folded = len(notices) > MOST_NOTICES
    title = f"{len(notices)} notes on this round"
    with st.expander(title, icon=":material/info:") if folded else nullcontext():
        for text in notices:
            st.caption(f":material/info: {plain(text)}")


def steps_line(record: RoundRecord) -> None:
    """The steps in their order, with what became of each."""
    with st.container(horizontal=True, gap="medium"):
        for step in Step:
            found = record.steps[step]
            words = f"{_ICONS[found.state]} {STEPS[step]}"
            here = step is record.step and record.state is not RoundState.DONE
            st.markdown(f"**{words}**" if here else f":gray[{words}]", width="content", help=plain(found.cause) or None)


def _progress(record: RoundRecord) -> None:
    found = round_progress(context.store(), record)
    left = f" · {duration_text(found.eta_s)} left" if found.eta_s is not None else ""
    message = found.message or ("Queued" if found.state is StepState.RUNNING else "Starting the next step")
    st.progress(min(max(found.fraction, 0.0), 1.0), text=f"{STEPS[found.step]} · {plain(message)}{left}")
    if found.job_ids and found.step in (Step.TRAIN, Step.EVALUATE):
        st.page_link(
            JOBS_PAGE, label="Job log and details", icon=":material/list_alt:",
            query_params={Query.JOB.value: found.job_ids[-1]},
        )  # fmt: skip


def _actions(record: RoundRecord, person: str, allowed: bool) -> None:
    """What can be asked of it now, besides the decision."""
    store = context.store()
    if not allowed:
        return
    if record.state in (RoundState.FAILED, RoundState.CANCELLED):
        _asked("Resume", ":material/replay:", record, lambda: decisions.retry_round(store, record.id, person))
    if record.state is RoundState.WAITING and record.now.state is StepState.PENDING:
        label = f"Next: {STEPS[record.step].lower()}"
        _asked(label, ":material/skip_next:", record, lambda: decisions.go_on(store, record.id, person), primary=True)
    if record.state is RoundState.WAITING and record.step is Step.DECIDE:
        _asked(
            "Compare again", ":material/compare_arrows:", record,
            lambda: decisions.compare_again(store, record.id, person),
            words="Scores the new model and the current model again on the present test set.",
        )  # fmt: skip
    if record.state in (RoundState.RUNNING, RoundState.WAITING):
        with st.popover("Cancel", icon=":material/close:"):
            st.markdown("Stops the round and its jobs. Finished steps are kept, so you can resume later.")
            _asked("Cancel round", "", record, lambda: decisions.cancel_round(store, record.id, person))


def _asked(
    label: str,
    icon: str,
    record: RoundRecord,
    act: Callable[[], RoundRecord],
    *,
    primary: bool = False,
    words: str = "",
) -> None:
    """A button that changes the round."""
    if st.button(
        label, icon=icon or None, key=f"round-{label}-{record.id}", type="primary" if primary else "secondary",
        help=words or None,
    ):  # fmt: skip
        changed(act)


def changed(act: Callable[[], object]) -> None:
    """Do it and draw the page anew; or say why it cannot be done."""
    flag = "round-changed"
    with explained():
        act()
        st.session_state[flag] = True
    if st.session_state.pop(flag, False):
        st.rerun()


def judgement_panel(record: RoundRecord) -> None:
    """The new model beside the one it is compared with, class by class, and what the gate makes of it."""
    judgement = Judgement.from_json(record.comparison or {})
    words = OUTCOMES[judgement.outcome]
    if judgement.outcome is Outcome.PASSED:
        st.success(words, icon=":material/verified:")
    elif judgement.outcome is Outcome.FAILED:
        st.error(words, icon=":material/gpp_bad:")
    else:
        st.info(words, icon=":material/help:")
    before = compared_with(record)
    if before:
        name = context.model_name(record.base_model_id or "")
        st.markdown(plain(f"Compared with {name}, {before}."))
    if judgement.classes:
        st.dataframe(
            judgement_table(judgement),
            hide_index=True,
            placeholder="–",
            width="stretch",
            key=f"round-classes-{record.id}",
        )
        st.caption(
            "Dice on the test set: mean over its images with the 95 % interval. The change is paired: "
            f"both models on the same images. The check passes if the interval of every class lies above -{MARGIN:g} "
            f"and that of the mean above -{MEAN_MARGIN:g}; it fails if one of them lost that much and this is not "
            "chance (p adjusted for the number of classes, Holm). Two trainings that differ in nothing but chance "
            "differ by 0.01 to 0.03 in a class."
        )
    remarks = [class_.words for class_ in judgement.classes if class_.words]
    for text in dict.fromkeys((*judgement.reasons, *remarks, judgement.caution)):
        if text:
            st.caption(f":material/info: {plain(text)}")
    if record.evaluation_id:
        query = {Query.PROJECT.value: record.project_id, Query.EVALUATION.value: record.evaluation_id}
        if record.base_evaluation_id:
            query |= {Query.SECTION.value: "compare", Query.COMPARED.value: record.base_evaluation_id}
        st.page_link(
            RESULTS_PAGE, label="Compare image by image", icon=":material/analytics:",
            query_params=query,
        )  # fmt: skip


def compared_with(record: RoundRecord) -> str:
    """What the model is that a round's new one was compared with; "" where there was none."""
    if record.base_model_id is None:
        return ""
    if record.promoted_then is None:
        return "its parent: no model had been promoted"
    return "the current model at that time"


def judgement_table(judgement: Judgement) -> pd.DataFrame:
    """One row per class and one for their mean."""
    rows = judgement.classes
    return pd.DataFrame(
        {
            "Class": ["mean of classes" if row.class_id == ALL else row.name for row in rows],
            "Previous model": [interval_text(row.before) for row in rows],
            "New model": [interval_text(row.after) for row in rows],
            "Change": [interval_text(row.difference, signed=True) for row in rows],
            "Images": [row.difference.images if row.difference else row.after.images for row in rows],
            "Verdict": [VERDICTS[row.verdict] if row.verdict else "–" for row in rows],
        }
    )


def _decision(record: RoundRecord, person: str, allowed: bool) -> None:
    if not allowed:
        st.caption(who_may(person, "decide"))
        return
    store = context.store()
    outcome = Judgement.from_json(record.comparison or {}).outcome
    refused = outcome is Outcome.FAILED
    reason = st.text_input(
        "Reason", key=f"round-reason-{record.id}",
        placeholder="Required to promote" if outcome in decisions.NEED_REASON else "Optional",
    )  # fmt: skip
    with st.container(horizontal=True):
        if st.button(
            "Promote anyway" if refused else "Promote model", icon=":material/upgrade:",
            type="secondary" if refused else "primary", key=f"round-promote-{record.id}",
            help="Makes it the current model and segments the pool images with it.",
        ):  # fmt: skip
            changed(lambda: decisions.promote(store, record.id, person, reason))
        if st.button(
            "Keep current model" if record.promoted_then else "Do not promote", icon=":material/block:",
            type="primary" if refused else "secondary",
            key=f"round-keep-{record.id}", help="The new model is kept on the Models page.",
        ):  # fmt: skip
            changed(lambda: decisions.keep(store, record.id, person, reason))
