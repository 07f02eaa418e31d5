"""The Jobs page: what runs and waits, live; what has ended, searched and paged."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import streamlit as st

from core.engine.engine_state import EngineHealth, engine_state
from core.jobs.history import FINISHED, finished_jobs, subjects
from core.jobs.kinds import TASKS
from core.jobs.rows import active_jobs
from core.settings import changed_settings, current_settings
from core.store.records import JobRecord, JobState
from ui import context
from ui.errors import explaining, plain, show_error
from ui.jobs.job_detail import actions, running_facts
from ui.parts.job_bars import job_title
from ui.parts.names import JOB_STATES
from ui.parts.options import choices, titled
from ui.parts.units import duration_text
from ui.person import person
from ui.state import Query, query, set_query

LIVE_S: Final = 1.0
IDLE_S: Final = 5.0
"""How often the live list looks into the database, while something runs and while nothing does."""

SHOWN: Final = 20
"""Waiting jobs drawn one by one; a batch may have hundreds."""

PER_PAGE: Final = 20


def live_list() -> None:
    """The engine and what it has to do; draws itself again, quicker while something runs."""
    busy = bool(active_jobs(person=person()))
    st.fragment(run_every=LIVE_S if busy else IDLE_S)(_live_list)(busy)


@explaining
def _live_list(was_busy: bool) -> None:
    rows = active_jobs(person=person())
    if bool(rows) != was_busy:
        st.rerun()
    _engine()
    running = [row for row in rows if row.state is JobState.RUNNING]
    waiting = [row for row in rows if row.state is JobState.QUEUED]
    held = [row for row in rows if row.state is JobState.HELD]
    about = subjects(context.store(), rows)
    if not rows:
        st.info(
            "No jobs are running or queued. Segmentations, imports and trainings appear here.",
            icon=":material/task_alt:",
        )
    for row in held[:SHOWN]:
        _held(row, about[row.id])
    if len(held) > SHOWN:
        st.caption(f"and {len(held) - SHOWN:,} more that need input")
    for row in running:
        if row.id == query(Query.JOB):
            continue  # shown above, with everything
        _running(row, about[row.id])
    for position, row in enumerate(waiting[:SHOWN], start=1):
        _waiting(row, about[row.id], position)
    if len(waiting) > SHOWN:
        st.caption(f"and {len(waiting) - SHOWN:,} more queued")


def _engine() -> None:
    """One line about the engine, or why there is none."""
    state = engine_state(current_settings())
    if state.health is EngineHealth.FAILED:
        show_error(f"The engine cannot start, so no jobs can run. {state.cause}", state.remedy)
    elif state.health is EngineHealth.STARTING:
        st.caption(":orange[:material/hourglass_top:] The engine is starting. New jobs run as soon as it is ready.")
    else:
        since = (
            duration_text((datetime.now(state.began_at.tzinfo) - state.began_at).total_seconds())
            if (state.began_at)
            else ""
        )
        where = f"on {state.host}" + (", a scheduler of your own" if state.external else f", process {state.pid}")
        st.caption(f":green[:material/check_circle:] The engine has been running {plain(where)} for {since}.")
    if state.leaving:
        st.info(
            "The settings or the program have changed. Running jobs finish with the old version; queued jobs "
            "start afterwards with the new one.",
            icon=":material/sync:",
        )
    changed = changed_settings()
    if changed:
        st.info(
            f"The settings file has changed since the server started ({plain(', '.join(changed))}). Restart the server "
            "to use the new settings; no job is lost.",
            icon=":material/restart_alt:",
        )


def _running(row: JobRecord, subject: str) -> None:
    """A running job, with its buttons."""
    with st.container(border=True, key=f"running-{row.id}"):
        head, buttons = st.columns([3, 1.6], vertical_alignment="center")
        head.markdown(_headline(row, subject))
        with buttons:
            actions(row, key="live")
        words = [plain(row.message)] if row.message else []
        words.append(f"{row.progress:.0%}")
        if row.eta_s is not None and row.progress > 0:
            words.append(f"about {duration_text(row.eta_s)} left")
        st.progress(min(max(row.progress, 0.0), 1.0), text=" · ".join(words))
        st.caption(" · ".join(running_facts(row)))


def _waiting(row: JobRecord, subject: str, position: int) -> None:
    """A waiting job, with its place in the queue."""
    with st.container(border=True, key=f"waiting-{row.id}"):
        head, buttons = st.columns([3, 1.6], vertical_alignment="center")
        head.markdown(f":gray-badge[waiting, no. {position}] {_headline(row, subject)}")
        facts = [f"requested {_ago(row.created_at)}" + (f" by {plain(row.author)}" if row.author else "")]
        facts += [plain(row.message)] if row.message else []
        head.caption(" · ".join(facts))
        with buttons:
            actions(row, key="live")


def _held(row: JobRecord, subject: str) -> None:
    """A job that waits for a person, with the way to answer."""
    with st.container(border=True, key=f"held-{row.id}"):
        head, buttons = st.columns([3, 1.6], vertical_alignment="center")
        head.markdown(f":orange-badge[{JOB_STATES[row.state]}] {_headline(row, subject)}")
        head.caption(f"{plain(row.message)}. Asked {_ago(row.created_at)}.")
        with buttons:
            actions(row, key="live")


def _headline(row: JobRecord, subject: str) -> str:
    return f"**{job_title(row)}**" + (f" · {plain(subject)}" if subject else "")


def _ago(when: datetime) -> str:
    return duration_text((datetime.now(when.tzinfo) - when).total_seconds()) + " ago"


def finished_list() -> None:
    """The jobs that have ended: search, choose, page; a click on a row opens it."""
    st.subheader("Finished", anchor=False)
    search, states, kinds = st.columns([1.6, 1.6, 1.2], vertical_alignment="bottom")
    text = search.text_input("Search", placeholder="image, model, person, error…", key="jobs-text")
    chosen = states.pills("State", FINISHED, selection_mode="multi", format_func=titled(JOB_STATES), key="jobs-states")
    titles = {name: task.title for name, task in TASKS.items()}
    of_kind = choices("Kind", titles, key="jobs-kinds", placeholder="All kinds", place=kinds)
    page = int(st.session_state.get("jobs-page", 1)) - 1
    found = finished_jobs(
        context.store(), text=text, states=chosen or (), kinds=of_kind, page=page, per_page=PER_PAGE, person=person()
    )
    if not found.jobs and page > 0:  # the list has become shorter than the page that was open
        found = finished_jobs(
            context.store(), text=text, states=chosen or (), kinds=of_kind, per_page=PER_PAGE, person=person()
        )
    if not found.total:
        searched = bool(text or chosen or of_kind)
        st.caption("No finished jobs match. Try a broader search." if searched else "No finished jobs yet.")
        return
    _table(found.jobs)
    pages = -(-found.total // PER_PAGE)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{found.total:,} finished {'job' if found.total == 1 else 'jobs'}")
        if pages > 1:
            st.pagination(pages, key="jobs-page")


def _table(rows: tuple[JobRecord, ...]) -> None:
    """One page; choosing a row puts the job into the address."""
    about = subjects(context.store(), rows)
    open_id = query(Query.JOB)
    table: dict[str, list[Any]] = {
        "State": [JOB_STATES[row.state] for row in rows],
        "Job": [job_title(row) for row in rows],
        "Subject": [about[row.id] for row in rows],
        "Ended": [row.finished_at for row in rows],
        "Duration": [_took(row) for row in rows],
        "Attempts": [row.attempts for row in rows],
        "Requested by": [row.author for row in rows],
        "Message": [row.error_cause or row.message for row in rows],
    }
    key = f"jobs-table-{rows[0].id}-{len(rows)}-{open_id}"  # a new list, or a closed job, begins with nothing chosen
    event = st.dataframe(
        table,
        hide_index=True,
        placeholder="–",
        key=key,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "Ended": st.column_config.DatetimeColumn(format="distance"),
            "Attempts": st.column_config.NumberColumn(width="small"),
        },
    )
    chosen = event["selection"]["rows"]
    if chosen and chosen[0] < len(rows) and rows[chosen[0]].id != open_id:
        set_query(Query.JOB, rows[chosen[0]].id)
        st.rerun()


def _took(row: JobRecord) -> str:
    if row.started_at is None or row.finished_at is None:
        return ""
    return duration_text((row.finished_at - row.started_at).total_seconds())
