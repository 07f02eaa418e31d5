"""A fetch on screen: its bar, how it ended, and the way on to Segment."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from core.errors import ModelError, NotFoundError
from core.jobs.kinds import FetchModelResult
from core.jobs.rows import job, request_pause
from core.store.records import JobRecord, JobState
from ui import context
from ui.access import may_steer
from ui.errors import explaining, plain
from ui.pages import MODELS_PAGE, SEGMENT_PAGE
from ui.parts.job_bars import POLL_S, job_bar, job_problem
from ui.person import person
from ui.state import Query, StateKey


def fetched_panel(row: JobRecord) -> None:
    """One fetch; drawn again while it runs."""
    with st.container(border=True, key=f"fetch-{row.id}"):
        running = not row.finished and row.state not in (JobState.PAUSED, JobState.INTERRUPTED)
        st.fragment(run_every=POLL_S if running else None)(_fetch)(row.id, running)


@explaining
def _fetch(job_id: str, was_running: bool) -> None:
    row = job(job_id)
    if row.state in (JobState.QUEUED, JobState.RUNNING, JobState.HELD):
        job_bar(row, key=f"fetch-{job_id}", about=row.title)
        offered = row.state is JobState.RUNNING and may_steer(row)
        if offered and st.button("Pause", key=f"fetch-pause-{job_id}", icon=":material/pause:"):
            request_pause(job_id, by=person())
            st.rerun(scope="fragment")
        return
    if was_running:
        st.rerun()
    if row.state is JobState.SUCCEEDED:
        _done(row)
    elif job_problem(row, key=f"fetch-{job_id}"):
        st.rerun()
    if st.session_state.get(StateKey.MODEL_FETCH) == job_id and st.button(
        "Close", key=f"fetch-close-{job_id}", type="tertiary"
    ):
        st.session_state.pop(StateKey.MODEL_FETCH)
        st.rerun()


def _done(row: JobRecord) -> None:
    """The models, each with what to do next; those among the files that could not be used."""
    result = FetchModelResult.of(row)
    for model_id in result.model_ids:
        with suppress(NotFoundError, ModelError):
            model = context.models().get(model_id)
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f":green[:material/check:] **{plain(model.card.name)}** was imported.")
                address = {Query.MODEL.value: model_id}
                st.page_link(
                    SEGMENT_PAGE, label="Segment with it", icon=":material/auto_awesome:", query_params=address
                )
                st.page_link(MODELS_PAGE, label="Show card", icon=":material/inventory_2:", query_params=address)
    if result.left_out:
        st.markdown("Skipped:")
        for each in result.left_out:
            st.markdown(f"- {plain(each.name)}: {plain(each.cause)}")
