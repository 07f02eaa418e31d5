"""Making a project, changing one, and deleting it."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from core.access.roles import Permission
from core.curation.images import delete_project, project_contents
from core.datasets.folder import read_classes
from core.errors import CristaeError
from core.label_scheme import DEFAULT_SCHEME, LabelScheme, distinct_colors
from core.projects.changes import change_project, create_project
from core.store.records import ProjectRecord
from core.wording import counted
from ui import context
from ui.access import may_name_folders, named_path
from ui.errors import show_cristae_error
from ui.parts.dialog_rights import asks
from ui.parts.kept_dialog import close_dialog, kept_dialog, opening
from ui.parts.pixel_size_field import pixel_size_field
from ui.parts.scheme import scheme_chips, scheme_editor, scheme_of_rows
from ui.person import person
from ui.state import Query, StateKey, set_query

_LIVER: Final = "Five organelles of liver"
_EMPTY: Final = "Empty"
_FILE: Final = "From a dataset.json"


@kept_dialog("new project")
@st.dialog("New project", width="large", dismissible=False)
@asks(Permission.MANAGE, lambda: [None])
def new_project() -> None:
    """Name, pixel size, classes. Only its buttons close it, so that no slip loses what was typed."""
    key = f"new-project-{opening()}"
    name = st.text_input("Name", placeholder="for example Human liver, 2026", max_chars=200, key=f"{key}-name")
    size = pixel_size_field(
        "Usual pixel size",
        placeholder="for example 8; leave empty if it varies",
        help="Suggested for images whose file does not contain it.",
        key=f"{key}-size",
    )
    begin = st.segmented_control("Classes", [_LIVER, _EMPTY, _FILE], default=_LIVER, required=True, key=f"{key}-begin")
    scheme = DEFAULT_SCHEME if begin == _LIVER else _from_file(f"{key}-path") if begin == _FILE else None
    rows = scheme_editor(scheme, key=f"{key}-{begin}-{hash(scheme)}")
    _preview(rows, scheme)
    made, cancelled = _buttons("Create project")
    if cancelled:
        close_dialog()
    if made and not size.refused:
        try:
            project = create_project(context.store(), name, scheme_of_rows(rows, scheme), size.nm, by=person())
        except CristaeError as error:
            show_cristae_error(error)
            return
        _open(project)


def edit_project(project: ProjectRecord) -> None:
    """The same for a project that is there."""
    _settings(project.id)


@kept_dialog("project settings")
@st.dialog("Project settings", width="large", dismissible=False)
@asks(Permission.MANAGE, lambda project_id: [project_id])
def _settings(project_id: str) -> None:
    """Its fields, and the way to delete it."""
    project, key = context.store().projects.get(project_id), f"edit-project-{project_id}-{opening()}"
    name = st.text_input("Name", value=project.name, max_chars=200, key=f"{key}-name")
    size = pixel_size_field(
        "Usual pixel size",
        value_nm=project.pixel_size_nm,
        placeholder="none",
        help="Suggested for images whose file does not contain it.",
        key=f"{key}-size",
    )
    scheme = distinct_colors(project.scheme)
    if scheme != project.scheme:
        st.info(
            "Some classes have the same colour. Different colours are assigned when you save.",
            icon=":material/palette:",
        )
    rows = scheme_editor(scheme, key=key)
    _preview(rows, scheme)
    saved, cancelled = _buttons("Save")
    if cancelled:
        close_dialog()
    if saved and not size.refused:
        try:
            change_project(
                context.store(), project.id, by=person(), name=name, scheme=scheme_of_rows(rows, scheme),
                pixel_size_nm=size.nm or 0,
            )  # fmt: skip
        except CristaeError as error:
            show_cristae_error(error)
            return
        close_dialog()
    _deletion(project)


def _buttons(label: str) -> tuple[bool, bool]:
    """The two ways out of a dialog: done, cancelled."""
    with st.container(horizontal=True):
        done = st.button(label, type="primary", icon=":material/check:")
        return done, st.button("Cancel")


def _deletion(project: ProjectRecord) -> None:
    """The way to delete it: what goes is said, and its name has to be typed."""
    with st.expander("Delete project", icon=":material/delete_forever:"):
        there = project_contents(context.store(), project.id)
        goes = (
            counted(there.images, "image"), counted(there.label_maps, "label map"), counted(there.rounds, "round"),
        )  # fmt: skip
        st.markdown(
            f"{goes[0]}, {goes[1]} and {goes[2]} will be deleted permanently, with all drafts, reviews and "
            "scores. This cannot be undone. Models are kept."
        )
        typed = st.text_input("Type the project name", placeholder=project.name, key=f"delete-name-{project.id}")
        if st.button("Delete permanently", icon=":material/delete_forever:", key=f"delete-project-{project.id}"):
            try:
                delete_project(context.store(), project.id, typed, by=person())
            except CristaeError as error:
                show_cristae_error(error)
                return
            st.session_state[StateKey.PROJECT] = None
            set_query(Query.PROJECT, None)
            close_dialog()


def _open(project: ProjectRecord) -> None:
    """Make it the project of the page."""
    st.session_state[StateKey.PROJECT] = project.id
    set_query(Query.PROJECT, project.id)
    close_dialog()


def _from_file(key: str) -> LabelScheme | None:
    """Classes of a dataset.json on the server."""
    if not may_name_folders():
        st.info("Reading server folders is disabled on this server, or admins only.", icon=":material/lock:")
        return None
    path = st.text_input("dataset.json, or its folder, on the server", placeholder="/data/Dataset001_Liver", key=key)
    if not path.strip():
        return None
    try:
        return read_classes(named_path(path.strip()))
    except CristaeError as error:
        show_cristae_error(error)
        return None


def _preview(rows: list[dict[str, Any]], old: LabelScheme | None) -> None:
    """The classes in their colours, or what is wrong with them."""
    try:
        scheme_chips(scheme_of_rows(rows, old))
    except CristaeError as error:
        st.caption(f"{error.cause} {error.remedy}")
