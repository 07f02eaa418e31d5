"""Copying and moving ticked images to another project: what happens is said before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import streamlit as st

from core.access.roles import Permission
from core.jobs.kinds import JobKind, TransferParams, TransferResult
from core.jobs.rows import active_jobs, jobs
from core.store.records import JobRecord, JobState, ProjectRecord
from core.transfers.plan import TransferMode, TransferPlan, plan_transfer
from core.transfers.run import start_transfer
from core.wording import counted
from ui import context
from ui.access import allowed, sees_job, visible_projects
from ui.errors import explained, explaining, plain
from ui.pages import DATA_PAGE
from ui.parts.dialog_rights import asks
from ui.parts.job_bars import POLL_S, job_bar, job_problem
from ui.parts.kept_dialog import close_dialog, forget_dialog, kept_dialog, opening
from ui.parts.options import choice, titled
from ui.person import person
from ui.state import Query, StateKey

_MODES: Final = {TransferMode.COPY: "Copy", TransferMode.MOVE: "Move"}

_LISTED: Final = 100
"""Images that stay, in the list."""


def transfer_button(image_ids: tuple[str, ...], *, key: str) -> None:
    """Opens the dialog for images of one project; drawn where there is another project to go to."""
    projects = {image.project_id for image in context.store().images.all() if image.id in set(image_ids)}
    if len(visible_projects()) < 2:
        return
    several = len(projects) > 1
    if st.button(
        "Copy or move", icon=":material/drive_file_move:", disabled=len(projects) != 1, key=key,
        help="Select images of one project." if several else None,
    ):  # fmt: skip
        transfer_images(image_ids, next(iter(projects)))


@kept_dialog("transfer images")
@st.dialog("Copy or move to another project", width="large", on_dismiss=forget_dialog)
@asks(Permission.VIEW, lambda image_ids, source_id: [source_id])
def transfer_images(image_ids: tuple[str, ...], source_id: str) -> None:
    """Where to, how, and what that does to the label maps."""
    key = f"transfer-{opening()}"
    projects = {project.id: project for project in visible_projects() if project.id != source_id}
    mode = _mode(source_id, key)
    needed = Permission.MANAGE if mode is TransferMode.MOVE else Permission.ADD_IMAGES
    targets = {project.id: project for project in projects.values() if allowed(needed, project.id)}
    if not targets:
        st.info(
            "You may not add images to another project. Ask an admin of a project.",
            icon=":material/lock:",
        )
        return
    target_id = choice("Target project", _names(targets), key=f"{key}-target-{mode}")
    plan = plan_transfer(context.store(), image_ids, source_id, target_id, mode, person=person())
    for sentence in sentences(plan):
        st.markdown(f"- {plain(sentence)}")
    _refused(plan)
    with st.container(horizontal=True):
        label = f"{_MODES[mode]} {counted(len(plan.going), 'image')}"
        if st.button(
            label, type="primary", icon=":material/drive_file_move:", disabled=not plan.going, key=f"{key}-go"
        ):
            with explained():
                ids = [each.image.id for each in plan.going]
                row = start_transfer(context.store(), ids, source_id, target_id, mode, by=person())
                st.session_state.setdefault(StateKey.TRANSFERS_BEGUN, []).append(row.id)
                st.session_state[StateKey.TABLE_VERSION] = st.session_state.get(StateKey.TABLE_VERSION, 0) + 1
                close_dialog()
        if st.button("Cancel", key=f"{key}-cancel"):
            close_dialog()


def _mode(source_id: str, key: str) -> TransferMode:
    """Copy, or move where the person may take images away."""
    modes = [TransferMode.COPY, *([TransferMode.MOVE] if allowed(Permission.MANAGE, source_id) else [])]
    chosen = st.segmented_control(
        "Mode", modes, default=TransferMode.COPY, format_func=titled(_MODES), key=f"{key}-mode",
        label_visibility="collapsed",
    )  # fmt: skip
    return chosen or TransferMode.COPY


def _names(projects: Mapping[str, ProjectRecord]) -> dict[str, str]:
    return {project_id: project.name for project_id, project in projects.items()}


def sentences(plan: TransferPlan) -> list[str]:
    """What happens, one thing each."""
    whole = [each for each in plan.going if each.keeps_history]
    anew = [each for each in plan.going if not each.keeps_history]
    maps, left = sum(each.label_maps for each in anew), sum(each.left_behind for each in anew)
    said = []
    if whole:
        said.append(
            f"{counted(len(whole), 'image')} with all label maps, drafts, reviews and comments: the classes have the "
            "same numbers there."
        )
    if anew and plan.mode is TransferMode.MOVE:
        said.append(
            f"{counted(len(anew), 'image')}: class numbers differ in the target project, so a converted copy is "
            "created. The original, with its history, moves to the trash of its project."
        )
    if anew:
        said.append(
            f"{counted(maps, 'label map')} included: the newest reference, the newest prediction of each model and "
            "the newest approved correction. Approved corrections must be reviewed again."
        )
    if left:
        where = "the original in the trash" if plan.mode is TransferMode.MOVE else "the original"
        said.append(f"{counted(left, 'other label map')}, drafts and comments stay with {where}.")
    for name, count in plan.lost.items():
        said.append(
            f"The class {name} will be lost in {counted(count, 'image')}, because {plan.target.name} does not have "
            "it. It becomes ignore (255) in references and corrections, and background in predictions."
        )
    if anew and plan.unknown:
        said.append(
            f"{plan.target.name} also has {', '.join(plan.unknown)}. The label maps contain background there; "
            "check them before training."
        )
    return said


def _refused(plan: TransferPlan) -> None:
    """The images that stay, with reasons."""
    if not plan.refused:
        return
    with st.expander(f"{counted(len(plan.refused), 'image')} stay", icon=":material/block:", expanded=not plan.going):
        for each in plan.refused[:_LISTED]:
            st.markdown(f"**{plain(each.image.name)}**: {plain(each.refusal)}")


def transfers_panel(project_id: str) -> None:
    """Transfers under way from or to a project, and the last one that did not end well."""
    if _active(project_id):
        _under_way(project_id)
        return
    recent = jobs(kinds=[JobKind.TRANSFER], project_id=project_id, into=True)
    last = next((row for row in recent if sees_job(row)), None)
    dismissed: list[str] = st.session_state.setdefault(StateKey.SEEN_IMPORTS, [])
    if last is None or last.id in dismissed:
        return
    stayed = TransferResult.of(last).stayed
    begun_here = last.id in st.session_state.get(StateKey.TRANSFERS_BEGUN, ())
    if last.state is JobState.SUCCEEDED and not stayed and not begun_here:
        return
    with st.container(border=True):
        if begun_here and TransferResult.of(last).went:
            _went(last, project_id)
        if last.state is not JobState.SUCCEEDED and job_problem(last, key="transfer"):
            st.rerun()
        for name, reason in stayed[:_LISTED]:
            st.markdown(f"**{plain(str(name))}** stayed: {plain(str(reason))}")
        if st.button("Close", key=f"transfer-close-{last.id}", type="tertiary", icon=":material/close:"):
            dismissed.append(last.id)
            st.rerun()


def _went(row: JobRecord, project_id: str) -> None:
    """How many images were copied or moved, and the way to them."""
    params = TransferParams.from_json(row.params)
    target = {project.id: project for project in visible_projects()}.get(params.target_id)
    if target is None:
        return
    done = "moved" if params.mode == TransferMode.MOVE.value else "copied"
    st.markdown(f"**{counted(len(row.result['went']), 'image')} {done}** to {plain(target.name)}.")
    if target.id != project_id:
        st.page_link(
            DATA_PAGE, label=f"Open {plain(target.name)}", icon=":material/arrow_forward:",
            query_params={Query.PROJECT.value: target.id},
        )  # fmt: skip


@st.fragment(run_every=POLL_S)
@explaining
def _under_way(project_id: str) -> None:
    """Live bars; the page is drawn anew when the last one has ended."""
    active = _active(project_id)
    if not active:
        st.rerun()
    for row in active:
        job_bar(row, key="transfer", about=counted(len(TransferParams.from_json(row.params).image_ids), "image"))


def _active(project_id: str) -> list[JobRecord]:
    """Those that this person may see: whoever has no role where images come from is not told their names."""
    return list(active_jobs(kinds=[JobKind.TRANSFER], project_id=project_id, into=True, person=person()))
