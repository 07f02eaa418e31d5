"""Stopping a job: at once, or after a question where work would be thrown away."""

from __future__ import annotations

import streamlit as st

from core.jobs.kinds import TASKS
from core.jobs.rows import request_cancel
from core.store.records import JobRecord, JobState
from ui.person import person


def cancel_button(row: JobRecord, *, key: str, label: str = "Cancel", icon: str | None = None) -> bool:
    """A button that asks an unfinished job to stop. A training that has begun is only thrown away when that is said.

    Parameters
    ----------
    key
        Names the button on its page.

    Returns
    -------
    bool
        Whether it was asked to stop just now: draw what shows the job anew.
    """
    kind = TASKS.get(row.kind)
    loses_work = kind is not None and kind.pausable and row.state is not JobState.QUEUED
    if row.cancel_requested or not loses_work:
        text = "Stopping" if row.cancel_requested else label
        wanted = st.button(text, key=f"{key}-{row.id}", icon=icon, disabled=row.cancel_requested, width="stretch")
    else:
        with st.popover(label, icon=icon, width="stretch"):
            st.markdown("The training progress will be lost. *Pause* and *Finish now* keep it.")
            wanted = st.button("Discard training", key=f"{key}-{row.id}", type="primary")
    if wanted:
        request_cancel(row.id, by=person())
    return wanted
