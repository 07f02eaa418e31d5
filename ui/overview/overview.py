"""Panels of the overview page."""

from __future__ import annotations

import streamlit as st

from core.jobs.kinds import DemoParams
from core.jobs.rows import submit
from core.models.store import StoredModel
from core.store.records import ProjectRecord
from ui import context
from ui.access import origin_text, visible_projects
from ui.errors import plain
from ui.parts.no_model import no_model
from ui.parts.undertrained import undertrained_notice
from ui.person import person
from ui.state import Query, StateKey, query


def begun_project() -> ProjectRecord | None:
    """The project that was opened last, else the newest; None while there is none."""
    projects = {project.id: project for project in visible_projects()}
    asked = (query(Query.PROJECT), st.session_state.get(StateKey.PROJECT), *reversed(projects))
    return next((projects[each] for each in asked if each in projects), None)


def begin() -> None:
    """The empty state: two ways to begin."""
    with st.container(border=True):
        st.subheader("No images yet", anchor=False)
        st.markdown("Drop a micrograph on the Segment page, or try the synthetic examples first.")
        if st.button("Create demo project", icon=":material/science:"):
            submit(DemoParams(rounds=True), by=person())
            st.rerun()


def _projects_with_models() -> None:
    """The current model of each project that has one of its own."""
    lines = []
    for project in visible_projects():
        current = context.find_current_model(project.id)
        if current is not None and current.own:
            lines.append(f"{project.name}: {current.model.card.name}")
    text = "Used in projects without their own model."
    if lines:
        text += f" Current models of projects: {'; '.join(lines)}."
    st.caption(plain(text))


def model_card(model: StoredModel | None) -> None:
    """The model of projects that have none of their own, with its warning; then those that have one."""
    st.subheader("Default model", anchor=False)
    _projects_with_models()
    if model is None:
        no_model(key="overview")
        return
    with st.container(border=True):
        st.markdown(f"**{plain(model.card.name)}**  \n{plain(model.card.description)}")
        undertrained_notice(model, key="overview")
        if model.card.warning:
            st.warning(plain(model.card.warning), icon=":material/warning:")
        size = "unknown" if model.pixel_size_nm is None else f"{model.pixel_size_nm:g} nm"
        classes = ", ".join(item.name for item in model.scheme.classes)
        origin = origin_text(model.card.origin) or "unknown"
        st.caption(plain(f"Origin: {origin.rstrip('.')}. Pixel size: {size}. Classes: {classes}."))
