"""Choosing the project that a page is about."""

from __future__ import annotations

from collections.abc import Callable, Collection

import streamlit as st

from core.access.roles import Permission
from core.store.records import ProjectRecord
from ui import context
from ui.access import allowed, visible_projects
from ui.parts.new_project import new_project
from ui.parts.options import choice
from ui.person import person_field
from ui.state import Query, StateKey, query, set_query


def link_notice(asked: str | None, projects: Collection[str]) -> None:
    """Say that the project of a link is not among those of the person; whether it exists is not said."""
    if asked and asked not in projects:
        st.warning(
            ("This link points to a project that does not exist or that you cannot access. Another project is shown."),
            icon=":material/link_off:",
        )


def project_picker(
    *, key: str, with_new: bool = False, first: Callable[[], str | None] = lambda: None
) -> ProjectRecord | None:
    """A list of the projects; the choice is kept in the address, so that a copied link opens the same one.

    Parameters
    ----------
    key
        Names the widget on its page.
    with_new
        Also a button that makes a project.
    first
        Tells the project to show as long as none was chosen; None: the newest.

    Returns
    -------
    ProjectRecord or None
        None where there is no project yet.
    """
    projects = {project.id: project for project in visible_projects()}
    with_new = with_new and allowed(Permission.MANAGE)
    if not projects and context.store().projects.all():
        st.info("You have no role in any project. Ask an admin for one.", icon=":material/lock:")
        person_field(key=f"{key}-nobody")
        return None
    if not projects:
        if with_new and st.button("New project", icon=":material/add:", type="primary", key=f"{key}-new"):
            new_project()
        return None
    link_notice(query(Query.PROJECT), projects)
    ids = list(projects)
    asked = (query(Query.PROJECT), st.session_state.get(StateKey.PROJECT))
    wanted = next((i for i in asked if i in projects), None) or first() or ids[-1]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = choice(
            "Project",
            {project_id: project.name for project_id, project in projects.items()},
            first=wanted,
            key=f"{key}-{wanted}",
            width="stretch",
        )
        if with_new and st.button("New project", icon=":material/add:", key=f"{key}-new"):
            new_project()
    st.session_state[StateKey.PROJECT] = chosen
    if chosen != query(Query.PROJECT):
        set_query(Query.PROJECT, chosen)
    return projects[chosen]
