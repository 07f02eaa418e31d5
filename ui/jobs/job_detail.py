"""One job: everything about it, its log, and what can be done."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import streamlit as st

from core.engine.usage import job_usage
from core.errors import JobError
from core.jobs.history import subjects
from core.jobs.kinds import TASKS, ExportResult, JobKind
from core.jobs.rows import job, log_tail, request_finish, request_pause, retry
from core.store.records import JobControl, JobRecord, JobState
from ui import context
from ui.access import may_run_again, may_steer, sees_job
from ui.errors import explaining, plain, show_error
from ui.pages import MODELS_PAGE, SEGMENT_PAGE
from ui.parts.cancelling import cancel_button
from ui.parts.job_bars import again_label, job_title
from ui.parts.kept_files import download_button, left_out
from ui.parts.scroll import scroll_to
from ui.parts.units import bytes_text, duration_text
from ui.person import person
from ui.state import Query, set_query

LOG_LINES: Final = 60
LIVE_S: Final = 1.5

BADGES: Final = {
    JobState.QUEUED: ("waiting", "gray"),
    JobState.HELD: ("needs input", "orange"),
    JobState.RUNNING: ("running", "blue"),
    JobState.SUCCEEDED: ("done", "green"),
    JobState.FAILED: ("failed", "red"),
    JobState.CANCELLED: ("cancelled", "gray"),
    JobState.INTERRUPTED: ("interrupted", "orange"),
    JobState.PAUSED: ("paused", "orange"),
}


def actions(row: JobRecord, *, key: str) -> None:
    """The buttons that make sense for a job as it is."""
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="xsmall"):
        may_change = may_steer(row)
        if may_change and row.state is JobState.RUNNING:
            _steering(row, key)
        if not may_change:
            pass
        elif not row.finished:
            if row.state is JobState.HELD:
                target = {
                    Query.IMAGE.value: str(row.image_id),
                    Query.MODEL.value: str(row.model_id),
                }
                st.page_link(SEGMENT_PAGE, label="Answer", icon=":material/edit:", query_params=target)
            if cancel_button(row, key=f"{key}-cancel", icon=":material/stop_circle:"):
                st.rerun()
        elif (
            row.state is not JobState.SUCCEEDED
            and may_run_again(row)
            and st.button(again_label(row), key=f"{key}-retry-{row.id}", icon=":material/replay:", type="primary")
        ):
            retry(row.id, by=person())
            st.rerun()
        if (
            may_change
            and row.state in (JobState.INTERRUPTED, JobState.PAUSED)
            and cancel_button(row, key=f"{key}-drop", label="Discard", icon=":material/delete:")
        ):
            st.rerun()
        if key == "live" and st.button(
            "Details", key=f"{key}-open-{row.id}", icon=":material/open_in_full:", type="tertiary"
        ):
            set_query(Query.JOB, row.id)
            st.rerun()


def _steering(row: JobRecord, key: str) -> None:
    """Pause, and end early with what there is, where the kind can."""
    kind = TASKS.get(row.kind)
    asked = row.cancel_requested or row.control is not JobControl.NONE
    if kind and kind.pausable:
        label = "Pausing" if row.control is JobControl.PAUSE else "Pause"
        if st.button(label, key=f"{key}-pause-{row.id}", icon=":material/pause:", disabled=asked):
            request_pause(row.id, by=person())
            st.rerun()
    if kind and kind.finishable:
        label = "Finishing" if row.control is JobControl.FINISH else "Finish now"
        if st.button(
            label,
            key=f"{key}-finish-{row.id}",
            icon=":material/flag:",
            disabled=asked,
            help="Stops the training and keeps the best model so far.",
        ):
            request_finish(row.id, by=person())
            st.rerun()


def running_facts(row: JobRecord) -> list[str]:
    """Where a job runs, what it takes, who asked and since when."""
    facts = []
    usage = job_usage(row)
    if usage is not None:
        facts.append(plain(f"{usage.place or 'worker'} on {usage.host}, process {usage.pid}"))
        if usage.processes:
            facts.append(f"{bytes_text(usage.memory_bytes)} memory")
            cores = "measuring" if usage.cores is None else f"{usage.cores:.1f} cores"
            facts.append(f"{cores}, {usage.processes} process" + ("es" if usage.processes > 1 else ""))
    facts.append(f"attempt {row.attempts} of {row.max_attempts}")
    if row.author:
        facts.append(f"requested by {plain(row.author)}")
    if row.started_at:
        facts.append(f"running for {_since(row.started_at)}")
    return facts


def job_detail(job_id: str) -> None:
    """The job of the address; live while it is not finished."""
    row = job(job_id)
    if not sees_job(row):
        st.info("This job belongs to a project in which you have no role.", icon=":material/lock:")
        _close_button()
        return
    finished = row.finished
    scroll_to("", token=job_id, key="job-scroll")  # a row chosen at the end of the page opens at its top
    st.fragment(run_every=None if finished else LIVE_S)(_detail)(job_id, finished)


@explaining
def _detail(job_id: str, was_finished: bool) -> None:
    row = job(job_id)
    if row.finished != was_finished:
        st.rerun()
    with st.container(border=True, key="job-detail"):
        _head(row)
        _outcome(row)
        if row.kind == JobKind.EXPORT:
            left_out(list(ExportResult.of(row).left_out))
        if not row.finished:
            st.progress(min(max(row.progress, 0.0), 1.0), text=plain(row.message) or None)
        st.caption(" · ".join(running_facts(row) if row.state is JobState.RUNNING else _facts(row)))
        log = log_tail(row.id, lines=LOG_LINES)
        with st.expander("Log", expanded=row.state is not JobState.SUCCEEDED, icon=":material/article:"):
            if log:
                st.code(log, language=None, height=260 if log.count("\n") > 9 else "content", wrap_lines=True)
            else:
                st.caption("The log is empty.")
        with st.expander("Parameters and result", icon=":material/data_object:"):
            st.caption(f"Job {row.id}, kind {row.kind}, priority {row.priority}")
            st.json({"asked": row.params, "result": row.result}, expanded=1)


def _head(row: JobRecord) -> None:
    """Title, state, buttons."""
    title, buttons = st.columns([3, 2], vertical_alignment="center")
    subject = subjects(context.store(), [row])[row.id]
    word, color = BADGES[row.state]
    title.markdown(f"#### {job_title(row)}" + (f" · {plain(subject)}" if subject else "") + f" :{color}-badge[{word}]")
    with (
        buttons,
        st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="xsmall"),
    ):
        actions(row, key="detail")
        _result_links(row)
        _close_button()


def _close_button() -> None:
    """Back to the list."""
    if st.button("Close", key="detail-close", icon=":material/close:", type="tertiary"):
        set_query(Query.JOB, None)
        st.rerun()


def _result_links(row: JobRecord) -> None:
    """To what the job has made."""
    images = row.result.get("image_ids") or [row.image_id]
    model_id = row.result.get("model_id")
    if row.kind in (JobKind.INGEST, JobKind.PREDICT, JobKind.SCALE_TRIAL) and images and images[0]:
        wanted = {"image": str(images[0])}
        if row.model_id:
            wanted["model"] = row.model_id
        st.page_link(SEGMENT_PAGE, label="Open the image", icon=":material/image:", query_params=wanted)
    if row.kind == JobKind.EXPORT and row.state is JobState.SUCCEEDED:
        download_button(row, width="content")
    if row.kind == JobKind.FETCH_MODEL and row.result.get("model_ids"):
        model_id = row.result["model_ids"][0]
    if (
        row.kind in (JobKind.TRAIN, JobKind.IMPORT_MODEL, JobKind.FETCH_MODEL)
        and row.state is JobState.SUCCEEDED
        and model_id
    ):
        wanted = {"model": str(model_id)}
        st.page_link(MODELS_PAGE, label="Open the model", icon=":material/model_training:", query_params=wanted)


def _outcome(row: JobRecord) -> None:
    """How it ended, where that needs words."""
    if row.state is JobState.FAILED:
        show_error(row.error_cause or "The job failed.", row.error_remedy)
    elif row.state is JobState.PAUSED:
        st.info("Paused. Resume continues from the last checkpoint.", icon=":material/pause_circle:")
    elif row.state is JobState.INTERRUPTED:
        error = JobError(
            "The process or machine that ran this job stopped.",
            ("Try again: the job continues from its last checkpoint, if it has one."),
        )
        st.warning(f"{plain(row.error_cause or error.cause)} {plain(row.error_remedy or error.remedy)}")


def _facts(row: JobRecord) -> list[str]:
    """Who, when, how long, how often."""
    facts = [
        f"requested {row.created_at.astimezone():%Y-%m-%d %H:%M}" + (f" by {plain(row.author)}" if row.author else "")
    ]
    if row.started_at and row.finished_at:
        facts.append(f"took {duration_text((row.finished_at - row.started_at).total_seconds())}")
    facts.append(f"{row.attempts} of {row.max_attempts} attempts")
    if row.worker:
        facts.append(plain(f"ran on {row.worker}"))
    return facts


def _since(when: datetime) -> str:
    return duration_text((datetime.now(when.tzinfo) - when).total_seconds())
