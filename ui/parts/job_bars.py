"""Jobs on screen: progress with the time left, cancel, what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import streamlit as st

from core.jobs.history import subjects
from core.jobs.kinds import TASKS, JobKind
from core.jobs.rows import active_jobs, retry
from core.store.records import JobRecord, JobState
from ui import context
from ui.access import may_run_again, may_steer
from ui.errors import explaining, plain, show_error
from ui.parts.cancelling import cancel_button
from ui.parts.units import duration_text
from ui.person import person

POLL_S: Final = 0.7
"""How often a progress bar looks into the database while something runs."""


def job_bar(job: JobRecord, *, key: str, about: str = "") -> None:
    """One unfinished job: what it does and to what, how far it is, a button to stop it for those who may."""
    left, right = st.columns([5, 1.4], vertical_alignment="center")
    left.progress(min(max(job.progress, 0.0), 1.0), text=_line(job, about))
    if may_steer(job):
        with right:
            asked = cancel_button(job, key=f"{key}-cancel")
        if asked:
            st.rerun(scope="fragment")


def job_problem(job: JobRecord, *, key: str, again: bool = True) -> bool:
    """Say how a job ended when it did not end well, and offer to try again where that can help.

    Returns
    -------
    bool
        Whether it was queued again.
    """
    if job.state is JobState.FAILED:
        show_error(job.error_cause or "The job failed.", job.error_remedy)
    elif job.state is JobState.CANCELLED:
        st.info("Cancelled. No partial results were kept.", icon=":material/cancel:")
    elif job.state is JobState.PAUSED:
        st.info("Paused. Resume continues from the last checkpoint.", icon=":material/pause_circle:")
    elif job.state is JobState.INTERRUPTED:
        st.warning(
            "The engine stopped during this job. The job restarts automatically if possible.", icon=":material/power:"
        )
    if (
        again
        and may_run_again(job)
        and st.button(again_label(job), key=f"{key}-retry-{job.id}", icon=":material/replay:")
    ):
        retry(job.id, by=person())
        return True
    return False


def again_label(job: JobRecord) -> str:
    """What queueing an ended job again means."""
    return "Resume" if job.state is JobState.PAUSED else "Try again"


def job_title(job: JobRecord) -> str:
    """What a job of its kind does."""
    return TASKS[job.kind].title if job.kind in TASKS else job.kind


@st.fragment(run_every=POLL_S)
@explaining
def live_jobs(kind: JobKind, project_id: str, *, key: str, remark: Callable[[JobRecord], str] | None = None) -> None:
    """Bars of the jobs of a kind in a project; the page is drawn anew when the last of them has ended.

    Parameters
    ----------
    key
        Begins the keys of the buttons.
    remark
        What stands below a job's bar; "" for nothing.
    """
    rows = active_jobs(kinds=[kind], project_id=project_id)
    if not rows:
        st.rerun()
    with st.container(border=True):
        for row in rows:
            job_bar(row, key=key)
            if remark is not None and (words := remark(row)):
                st.caption(words)


def running_jobs() -> None:
    """Everything that runs or waits; nothing is drawn when there is nothing."""
    if active_jobs(person=person()):
        _running_jobs()


@st.fragment(run_every=POLL_S)
@explaining
def _running_jobs() -> None:
    """Live list; the page is drawn anew when the last job has ended."""
    jobs = active_jobs(person=person())
    if not jobs:
        st.rerun()
    about = subjects(context.store(), jobs[:8])
    with st.container(border=True):
        for job in jobs[:8]:
            job_bar(job, key="running", about=about[job.id])
        if len(jobs) > 8:
            st.caption(f"and {len(jobs) - 8} more")


def _line(job: JobRecord, about: str) -> str:
    """One line about a job."""
    what = f"{job_title(job)} · {plain(about)}" if about else job_title(job)
    if job.state is JobState.HELD:
        return f"{what}: {plain(job.message)}"
    if job.state is JobState.QUEUED:
        return f"{what}: queued"
    parts = [what, plain(job.message)] if job.message else [what]
    if job.eta_s is not None and job.progress > 0:
        parts.append(f"{duration_text(job.eta_s)} left")
    return " · ".join(parts)
