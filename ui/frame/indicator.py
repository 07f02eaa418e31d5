"""What runs, in the corner of every page."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.engine.engine_state import EngineHealth, engine_state
from core.jobs.rows import count_jobs
from core.settings import current_settings
from core.store.records import JobState
from ui import context
from ui.errors import explaining
from ui.pages import JOBS_PAGE
from ui.person import person
from ui.viewer.component import sizes_have_changed

EVERY_S: Final = 4.0
"""How often it looks: some small reads, about a millisecond."""


@st.fragment(run_every=EVERY_S)
@explaining
def indicator() -> None:
    """A link to the jobs with their number; nothing while nothing runs and nothing is wrong.

    It also draws the page again when the pixel size of what it shows was changed elsewhere.
    """
    if sizes_have_changed():
        st.rerun()  # scale bars and areas of this page are wrong now
    words, icon = _words()
    with st.container(key="jobs-indicator"):
        if words:
            st.page_link(JOBS_PAGE, label=words, icon=icon)


def _words() -> tuple[str, str]:
    """What to say, and its icon."""
    counted = count_jobs(person=person(), store=context.store())
    running, waiting = counted[JobState.RUNNING], counted[JobState.QUEUED]
    parts = [f"{running} running"] if running else []
    parts += [f"{waiting} waiting"] if waiting else []
    held = counted[JobState.HELD]
    parts += [f"{held} awaiting input"] if held else []
    if waiting and engine_state(current_settings()).health is EngineHealth.FAILED:
        return " · ".join([*parts, "engine cannot start"]), ":material/error:"
    return " · ".join(parts), ":material/progress_activity:" if running else ":material/hourglass_top:"
