"""The Segment page without an image: drop a file, or pick one."""

from __future__ import annotations

import streamlit as st

from core.access import Permission
from core.demo import demo_project
from core.errors import NotFoundError
from core.jobs.rows import Priority, job, submit
from core.settings import current_settings
from core.store.records import JobRecord, JobState
from core.web.uploads import find_upload
from ui import context
from ui.access import gate, visible_images
from ui.errors import explaining, plain
from ui.gallery import gallery
from ui.panels.jobs import POLL_S, job_bar, job_problem
from ui.panels.overview import image_notes
from ui.panels.predict import begin_prediction
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
    demo = demo_project(context.store())
    images = context.newest_first(visible_images())
    own = [image for image in images if demo is None or image.project_id != demo.id][: context.RECENT]
    examples = sorted((image for image in images if demo and image.project_id == demo.id), key=lambda image: image.name)
    if own:
        st.subheader("Your images", anchor=False)
        gallery(own, image_notes(own), key="own")
    if examples:
        st.subheader("Examples", anchor=False)
        st.caption("Synthetic tissue, drawn by a program.")
        gallery(examples, image_notes(examples), key="examples")


def _ingest(upload_id: str, name: str) -> None:
    """Queue the import of an upload."""
    project = context.uploads_project()
    row = submit(
        "ingest",
        {"upload_id": upload_id, "project_id": project.id, "name": name},
        author=person(),
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
            _arrived(row)
        elif row.finished:
            st.markdown(f"**{plain(str(row.params.get('name', 'The file')))}**")
            if job_problem(row, key="ingest", again=_still_there(row)):
                st.rerun(scope="fragment")
            if st.button("Dismiss", key=f"dismiss-{job_id}", type="tertiary"):
                waiting.remove(job_id)
                st.rerun()
        else:
            job_bar(row, key="ingest")


def _still_there(row: JobRecord) -> bool:
    """Whether the upload can be read once more; one that cannot be used is deleted."""
    try:
        find_upload(current_settings(), str(row.params.get("upload_id")))
    except NotFoundError:
        return False
    return True


def _arrived(row: JobRecord) -> None:
    """Open the image and have it segmented; of several files, segment each and stay with the gallery."""
    image_ids: list[str] = row.result.get("image_ids", [])
    if not image_ids:
        return
    if st.session_state.get(StateKey.SEVERAL_FILES):
        model = context.models().default()
        if model:
            begin_prediction(image_ids[0], model.id, priority=Priority.NORMAL)
    else:
        st.session_state[StateKey.PREDICT_NEXT] = image_ids[0]
        st.query_params[Query.IMAGE.value] = image_ids[0]
    st.rerun()
