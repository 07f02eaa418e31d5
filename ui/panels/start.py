"""The Segment page without an image: drop a file, or pick one."""

from __future__ import annotations

import streamlit as st

from core.access import Permission
from core.errors import NotFoundError
from core.jobs.rows import Priority, job, submit
from core.settings import current_settings
from core.store.records import JobRecord, JobState
from core.web.uploads import find_upload
from ui import context
from ui.access import gate
from ui.errors import explaining, plain
from ui.panels.arrivals import arrival_notes, arrived
from ui.panels.jobs import POLL_S, job_bar, job_problem
from ui.panels.overview import example_images, own_and_examples, own_images
from ui.person import person
from ui.state import Query, StateKey, query
from ui.uploader import uploader


def start_panel() -> None:
    """Uploader, running imports, examples and recent images."""
    st.title("Segment a micrograph", anchor=False)
    chosen = context.offered_models().get(query(Query.MODEL) or "")
    if chosen:
        st.caption(f":material/model_training: With the model {plain(chosen.card.name)}. Choose an image, or drop one.")
    if gate(Permission.ADD_IMAGES):
        for upload in uploader(key="segment-upload"):
            _ingest(upload.upload_id, upload.name)
    if st.session_state.get(StateKey.INGEST_JOBS):
        _ingesting()
    arrival_notes()
    own, examples = own_and_examples()
    own_images(own)
    example_images(examples, "Examples", "Synthetic tissue, drawn by a program.")


def _ingest(upload_id: str, name: str) -> None:
    """Queue the import of an upload."""
    project = context.uploads_project()
    row = submit(
        "ingest",
        {"upload_id": upload_id, "project_id": project.id, "name": name},
        by=person(),
        priority=Priority.INTERACTIVE,
    )
    waiting = st.session_state.setdefault(StateKey.INGEST_JOBS, [])
    waiting.append(row.id)
    # a file that failed before is still told of, and is none of several that are dropped together
    st.session_state[StateKey.SEVERAL_FILES] = sum(not job(job_id).finished for job_id in waiting) > 1


@st.fragment(run_every=POLL_S)
@explaining
def _ingesting() -> None:
    """Progress of this tab's imports."""
    waiting: list[str] = st.session_state.get(StateKey.INGEST_JOBS, [])
    for job_id in list(waiting):
        row = job(job_id)
        if row.state is JobState.SUCCEEDED:
            waiting.remove(job_id)
            arrived(row)
        elif row.finished:
            st.markdown(f"**{plain(str(row.params.get('name', 'The file')))}**")
            if job_problem(row, key="ingest", again=_still_there(row)):
                st.rerun(scope="fragment")
            if st.button("Dismiss", key=f"dismiss-{job_id}", type="tertiary"):
                waiting.remove(job_id)
                st.rerun()
        else:
            job_bar(row, key="ingest", about=str(row.params.get("name", "")))


def _still_there(row: JobRecord) -> bool:
    """Whether the upload can be read once more; one that cannot be used is deleted."""
    try:
        find_upload(current_settings(), str(row.params.get("upload_id")))
    except NotFoundError:
        return False
    return True
