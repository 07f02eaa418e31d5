"""What this person may do, asked before anything that changes something is drawn.

A widget that is not drawn cannot be pressed: the server takes no value for it. So a page that asks here is as closed as
a route that does.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.access.import_roots import allowed_path, may_name_paths, require_naming
from core.access.roles import Permission, may, projects_of, require, require_anywhere
from core.errors import AccessError
from core.jobs.rights import may_change_job, may_run_job, may_see_job
from core.learning.start import TRAINED_ON
from core.settings import Access, current_settings
from core.store.records import ImageRecord, JobRecord, ProjectRecord
from ui import context
from ui.errors import plain
from ui.person import person


def allowed(permission: Permission, project_id: str | None = None) -> bool:
    """Whether this person may do it in a project; None: in any, for what belongs to none."""
    return refusal_of(permission, project_id) is None


def refusal_of(permission: Permission, project_id: str | None = None) -> AccessError | None:
    """Why this person may not do it in a project (None: in any), and what to ask for; None where they may."""
    if current_settings().access is Access.OPEN:
        return None
    try:
        if project_id is None:
            require_anywhere(context.store(), person(), permission)
        else:
            require(context.store(), project_id, person(), permission)
    except AccessError as error:
        return error
    return None


def gate(permission: Permission, project_id: str | None = None) -> bool:
    """`allowed`; where not, it is said who may."""
    error = refusal_of(permission, project_id)
    if error is not None:
        st.info(plain(f"{error.cause} {error.remedy}"), icon=":material/lock:")
    return error is None


def may_name_folders(project_id: str | None = None) -> bool:
    """Whether this person may name files on the server; None: for what belongs to no project."""
    return may_name_paths(context.store(), person(), project_id)


def named_path(text: str, project_id: str | None = None) -> Path:
    """What this person has typed, as a path that may be read.

    Raises
    ------
    AccessError
        It may not.
    """
    require_naming(context.store(), person(), project_id)
    return allowed_path(current_settings(), text)


def may_steer(row: JobRecord) -> bool:
    """Whether this person may stop a job."""
    return may_change_job(context.store(), row, person())


def may_run_again(row: JobRecord) -> bool:
    """Whether this person may queue a job again, or let a held one go."""
    return may_run_job(context.store(), row, person())


def sees_job(row: JobRecord) -> bool:
    """Whether this person may look at a job."""
    return may_see_job(context.store(), row, person())


def visible_projects() -> tuple[ProjectRecord, ...]:
    """The projects that this person may see."""
    projects = context.store().projects.all()
    if current_settings().access is Access.OPEN:
        return projects
    seen = projects_of(context.store(), person(), [project.id for project in projects])
    return tuple(project for project in projects if project.id in seen)


def origin_text(origin: str) -> str:
    """Where a model comes from, as this person may know it: no name of a project that they may not see."""
    if current_settings().access is Access.OPEN or not origin.startswith(TRAINED_ON):
        return origin
    known = {f"{TRAINED_ON} {project.name!r}." for project in visible_projects()}
    return origin if origin in known else "Trained in Cristae in a project that you cannot access."


def may_as(person: str, permission: Permission, project_id: str) -> bool:
    """Whether somebody who has said who they are may do it; whoever has not may look."""
    return bool(person) and may(context.store(), project_id, person, permission)


def who_may(person: str, what: str) -> str:
    """Why there is nothing to press: who may do it, or that a name is missing."""
    return f"Only reviewers and admins of the project can {what}." if person else "Enter your name above first."


def visible_images() -> tuple[ImageRecord, ...]:
    """The images of those projects."""
    images = context.store().images.all()
    if current_settings().access is Access.OPEN:
        return images
    seen = {project.id for project in visible_projects()}
    return tuple(image for image in images if image.project_id in seen)
