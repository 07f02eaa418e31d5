"""Where dropped images go and what segments them: chosen before the drop, remembered after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import streamlit as st

from core.access.roles import Permission
from core.batches.plan import SegmentPlan
from core.batches.target import FIRST_PROJECT, makes_first_project, upload_projects
from core.models.store import StoredModel
from core.store.records import ProjectRecord
from ui import context
from ui.access import allowed, visible_projects
from ui.errors import plain
from ui.parts.class_match import class_match, matched_classes
from ui.parts.first_labels import first_labels
from ui.parts.names import model_choice
from ui.parts.new_project import new_project
from ui.parts.no_model import no_model
from ui.parts.options import choice
from ui.parts.pixel_size_field import pixel_size_field
from ui.parts.project_picker import link_notice
from ui.person import person
from ui.state import Query, StateKey, query, set_query

NEW: Final = ""
"""The project that is made for the first image."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen.

    Parameters
    ----------
    project
        None: the first project is made when the first image arrives.
    """

    project: ProjectRecord | None
    model: StoredModel
    plan: SegmentPlan


def choice_panel(*, key: str) -> Choice | None:
    """Project and model, side by side; None as long as something is missing or asked, which is said."""
    projects = _projects()
    if not projects:
        st.info(
            "You may not add images to any project. Ask an admin of a project for the role annotator.",
            icon=":material/lock:",
        )
        return None
    with st.container(key=f"{key}-choice"):
        left, middle, right = st.columns([2.6, 2.2, 1.3], vertical_alignment="bottom")
    with left:
        project = _project(projects, key)
    with middle:
        model = _model(project, key)
    if model is None:
        no_model(key=key)
        first_labels(project, key=key)
        return None
    with right:
        plan = _plan(project, model, key)
    if model.card.warning:
        st.caption(f":orange[:material/warning:] {plain(model.card.warning)}")
    if project is not None:
        if not class_match(project, model, key=key):
            return None
        matched_classes(project, model, key=key)
    if plan is None:
        return None
    return Choice(project, model, plan)


def chosen_project() -> ProjectRecord | None:
    """The project that was looked at last, also where there is no model to segment its images with."""
    asked = query(Query.PROJECT) or st.session_state.get(StateKey.PROJECT)
    return next((project for project in visible_projects() if project.id == asked), None)


def _projects() -> dict[str, ProjectRecord | None]:
    """Those that the person may add images to, in the order of `upload_projects`; the one that would be made first."""
    used = (query(Query.PROJECT), st.session_state.get(StateKey.PROJECT))
    first: dict[str, ProjectRecord | None] = {NEW: None} if makes_first_project(context.store(), person()) else {}
    return first | {project.id: project for project in upload_projects(context.store(), person(), used=used)}


def _project(projects: dict[str, ProjectRecord | None], key: str) -> ProjectRecord | None:
    """The list of projects, and a button that makes one."""
    link_notice(query(Query.PROJECT), [visible_project.id for visible_project in visible_projects()])
    ids = list(projects)
    names = {each: f"{FIRST_PROJECT} (new)" if project is None else project.name for each, project in projects.items()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = choice(
            "Project",
            names,
            key=f"{key}-project-{ids[0]}",
            width="stretch",
            help="Images are added to this project. Their label maps use its classes.",
        )
        if allowed(Permission.MANAGE) and st.button("New project", icon=":material/add:", key=f"{key}-new-project"):
            new_project()
    if chosen != NEW:
        st.session_state[StateKey.PROJECT] = chosen
    if chosen != (query(Query.PROJECT) or NEW):
        set_query(Query.PROJECT, chosen or None)
    return projects[chosen]


def _model(project: ProjectRecord | None, key: str) -> StoredModel | None:
    """The list of models; the one of the address, else the one that the project uses, is chosen."""
    wanted = query(Query.MODEL)
    proposed = context.current_model(project.id if project else None)
    models = context.offered_models(wanted)
    if not models or proposed is None:
        return None
    models = {proposed.id: proposed, **models}
    start = wanted if wanted in models else proposed.id
    chosen = model_choice(
        "Model",
        models,
        first=start,
        key=f"{key}-model-{project.id if project else NEW}-{start}",
        help="The model that segments the images. The project's current model is listed first.",
    )
    if chosen != start:
        set_query(Query.MODEL, chosen)
        st.rerun()
    return models[chosen]


def _plan(project: ProjectRecord | None, model: StoredModel, key: str) -> SegmentPlan | None:
    """The pixel size of files that lack it, where the model needs one; None while what is typed is none."""
    if model.pixel_size_nm is None:
        return SegmentPlan(model_id=model.id)
    usual = project.pixel_size_nm if project else None
    size = pixel_size_field(
        "Pixel size if unknown",
        value_nm=usual,
        placeholder="ask me",
        key=f"{key}-size-{project.id if project else NEW}",
        help="If empty, images without a pixel size in their file wait until you enter it once for all. A size in "
        "the file takes precedence. Images are rescaled to the model's training pixel size "
        f"({model.pixel_size_nm:g} nm), so a wrong pixel size gives a wrong segmentation.",
    )
    return None if size.refused else SegmentPlan(model_id=model.id, assumed_nm=size.nm)
