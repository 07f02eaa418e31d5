"""Bringing a model in from a file: drop it, say what it does not know, import it as a job."""

from __future__ import annotations

import streamlit as st

from core.access.models import may_manage_store
from core.access.roles import Permission
from core.jobs.kinds import ImportModelParams, ImportModelResult
from core.jobs.rows import Priority, job, submit
from core.store.records import JobState
from ui import context
from ui.access import allowed, may_name_folders, visible_projects
from ui.errors import explaining, plain
from ui.parts.job_bars import POLL_S, job_bar, job_problem
from ui.parts.options import choice
from ui.parts.pixel_size_field import pixel_size_field
from ui.parts.units import bytes_text
from ui.person import person
from ui.state import Query, StateKey, set_query
from ui.uploader import uploader


def import_panel(*, expanded: bool) -> None:
    """Drop zone, path, name, pixel size, button; while it runs, its progress."""
    waiting = st.session_state.get(StateKey.MODEL_IMPORT)
    with st.expander("Import a model", icon=":material/upload:", expanded=expanded or waiting is not None):
        if waiting is not None:
            running = not job(waiting).finished
            st.fragment(run_every=POLL_S if running else None)(_progress)(waiting)
        _form()


def _form() -> None:
    """What to import."""
    st.caption(
        "A results folder of nnU-Net v2 as a zip, a zip of nnUNetv2\\_export\\_model\\_to\\_zip, "
        "or a bundle from another Cristae."
    )
    for file in uploader(key="model-drop", label="Drop a model (.zip) here", accept=(".zip",), multiple=False):
        st.session_state[StateKey.MODEL_UPLOAD] = (file.upload_id, file.name, file.size_bytes)
    upload = st.session_state.get(StateKey.MODEL_UPLOAD)
    if upload:
        st.markdown(f":green[:material/check:] **{plain(upload[1])}** uploaded ({bytes_text(upload[2])}).")
    path, name, size = st.columns([2, 1.4, 1])
    may_name = may_name_folders()
    given_path = path.text_input(
        "Or a path on the server",
        key="model-path",
        disabled=bool(upload) or not may_name,
        placeholder="/data/nnUNet_results/Dataset001" if may_name else "disabled on this server, or admins only",
    )
    given_name = name.text_input("Name", key="model-name", placeholder="from the model", max_chars=120)
    with size:
        trained = pixel_size_field(
            "Trained at",
            key="model-size",
            help=(
                "nnU-Net models do not record the pixel size; Cristae bundles do. Leave empty if unknown; you "
                "can add it later."
            ),
        )
    owner = owner_choice(key="model-owner")
    with st.container(horizontal=True):
        start = st.button(
            "Import",
            type="primary",
            icon=":material/upload:",
            disabled=trained.refused or not (upload or given_path.strip()),
        )
        if upload and st.button("Change file", type="tertiary"):
            st.session_state.pop(StateKey.MODEL_UPLOAD)
            st.rerun()
    if start:
        params = ImportModelParams(
            upload_id=upload[0] if upload else "",
            path="" if upload else given_path.strip(),
            project_id=owner,
            name=given_name.strip(),
            pixel_size_nm=trained.nm or None,
        )
        row = submit(params, by=person(), priority=Priority.INTERACTIVE)
        st.session_state.pop(StateKey.MODEL_UPLOAD, None)
        st.session_state[StateKey.MODEL_IMPORT] = row.id
        st.rerun()


def owner_choice(*, key: str) -> str:
    """Let a person choose the project that a model is for; "" for all."""
    projects = {project.id: project.name for project in visible_projects() if allowed(Permission.TRAIN, project.id)}
    for_all = [""] if may_manage_store(context.store(), person()) else []
    names = dict.fromkeys(for_all, "All projects") | projects
    if not names:
        return ""
    return choice(
        "Project", names, key=key,
        help=("Members of the project can use, download and edit the model. A model of all projects is visible to "
             "everyone."),
    )  # fmt: skip


@explaining
def _progress(job_id: str) -> None:
    """The import that was asked for; the new model is shown first once it is there."""
    row = job(job_id)
    if not row.finished:
        job_bar(row, key="import")
        return
    if row.state is JobState.SUCCEEDED:
        st.session_state.pop(StateKey.MODEL_IMPORT, None)
        set_query(Query.MODEL, ImportModelResult.of(row).model_id)
        st.rerun()
    again = row.state is not JobState.FAILED or bool(ImportModelParams.from_json(row.params).path)
    if job_problem(row, key="import", again=again):
        st.rerun()
    if st.button("Close", key="import-close", type="tertiary"):
        st.session_state.pop(StateKey.MODEL_IMPORT, None)
        st.rerun()
