"""Files that export jobs make: asked for, awaited, downloaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import streamlit as st

from core.errors import CristaeError
from core.exports.kept import is_kept
from core.jobs.kinds import ExportResult
from core.jobs.rows import job
from core.store.records import JobRecord, JobState
from ui import context
from ui.errors import explaining, plain, show_cristae_error
from ui.parts.job_bars import POLL_S, job_bar, job_problem
from ui.parts.units import bytes_text
from ui.state import StateKey
from ui.viewer.assets import app_root


def prepare_button(
    label: str, ask: Callable[[], JobRecord], *, slot: str, help: str = "", primary: bool = False
) -> None:
    """A button that asks for a file as a job, and below it how far the job is or the way to its file.

    Parameters
    ----------
    label
        Of the button.
    ask
        Queues the job.
    slot
        What the file is of: one job of each slot is remembered in this tab.
    help, primary
        Of the button.
    """
    key = f"prepare-{slot}"
    fresh = primary and slot not in _asked()
    kind: Literal["primary", "secondary"] = "primary" if fresh else "secondary"
    if st.button(label, icon=":material/archive:", width="stretch", key=key, help=help or None, type=kind):
        try:
            _asked()[slot] = ask().id
        except CristaeError as error:
            show_cristae_error(error)
    job_id = _asked().get(slot)
    if job_id is not None:
        st.fragment(run_every=None if job(job_id).finished else POLL_S)(_progress)(job_id, slot)


def download_button(row: JobRecord, *, width: Literal["stretch", "content"] = "stretch") -> None:
    """The way to the file of a finished export; says so where it is kept no longer."""
    if not is_kept(context.store(), row):
        st.caption(":material/delete_sweep: The file has expired. Export again.")
        return
    size = bytes_text(ExportResult.of(row).size_bytes)
    label = f"Download {plain(ExportResult.of(row).file)}, {size}"
    st.link_button(label, export_address(row.id), icon=":material/download:", type="primary", width=width)


def export_address(job_id: str) -> str:
    """Address of an export's file on our own server."""
    return f"{app_root()}api/exports/{job_id}"


def left_out(lines: Sequence[str]) -> None:
    """What a package does not hold, and why."""
    if not lines:
        return
    with st.expander(f"{len(lines):,} skipped", icon=":material/info:"):
        st.markdown("\n".join(f"- {plain(line)}" for line in lines[:50]))
        if len(lines) > 50:
            st.caption(f"and {len(lines) - 50:,} more; manifest.csv lists all of them.")


@explaining
def _progress(job_id: str, slot: str) -> None:
    """Live while the job runs; then the file."""
    row = job(job_id)
    if not row.finished:
        job_bar(row, key=f"export-{slot}")
    elif row.state is JobState.SUCCEEDED:
        download_button(row)
        left_out(list(ExportResult.of(row).left_out))
        st.caption(f"Available for {context.store().settings.export_hours:g} hours, also on the Jobs page.")
    elif job_problem(row, key=f"export-{slot}"):
        st.rerun()


def _asked() -> dict[str, str]:
    """Slot to the job that this tab has asked for."""
    jobs: dict[str, str] = st.session_state.setdefault(StateKey.EXPORTS, {})
    return jobs
