"""The people of a project and what they may do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import pandas as pd
import streamlit as st

from core.access.roles import ALLOWED, Member, Permission, Role, may, members, set_approve_own, set_member
from core.settings import Access, current_settings
from core.store.people import person_key
from core.store.records import ProjectRecord
from ui import context
from ui.errors import explained, plain
from ui.parts.options import titled
from ui.parts.side_by_side import side_by_side

_MAY: Final = {
    Permission.VIEW: "View images, label maps, scores",
    Permission.COMMENT: "Comment",
    Permission.PAINT: "Correct and submit",
    Permission.ADD_IMAGES: "Add images",
    Permission.REVIEW: "Review: decide, mark, assign",
    Permission.TRAIN: "Train, evaluate, run rounds, promote",
    Permission.MANAGE: "Manage people, classes and splits; delete; read the log",
}


def people_panel(project: ProjectRecord, person: str) -> None:
    """Who has which role, what the roles mean, and what an admin may change."""
    store = context.store()
    managing = may(store, project.id, person, Permission.MANAGE)
    _how_open(managing)
    found = members(store, project.id)
    left, right = side_by_side([1.2, 1], gap="large", key="people")
    with left:
        st.subheader("Members of this project", anchor=False)
        if found:
            st.dataframe(
                people_table(found), hide_index=True, placeholder="–", width="stretch", key=f"people-{project.id}"
            )
        else:
            st.caption("No members yet.")
        if managing:
            _change(project, person, found)
        else:
            st.caption("Only admins of the project can change roles.")
        _own_work(project, person, managing)
    with right:
        st.subheader("Permissions by role", anchor=False)
        st.dataframe(roles_table(), hide_index=True, placeholder="–", width="stretch", key="people-roles")


def people_table(found: Sequence[Member]) -> pd.DataFrame:
    """One row per person."""
    return pd.DataFrame(
        {
            "Name": [each.name for each in found],
            "Role": [each.role.value for each in found],
            "Since": [f"{each.added_at:%Y-%m-%d}" for each in found],
        }
    )


def roles_table() -> pd.DataFrame:
    """One row per thing that can be done, one column per role."""
    marks = {role.value: ["✓" if each in ALLOWED[role] else "" for each in _MAY] for role in Role}
    return pd.DataFrame({"": list(_MAY.values()), **marks})


def _how_open(managing: bool) -> None:
    """Whether the roles count at all."""
    settings = current_settings()
    if settings.access is Access.OPEN:
        st.info(
            "Access is open: everyone who can reach this page is admin, and names are not verified. This is "
            "suitable for your own machine. For a lab, set up a sign-in and `CRISTAE_ACCESS=roles`; the roles "
            "below then apply to every page and download. See docs/settings.md.",
            icon=":material/lock_open:",
        )
    elif settings.admins and managing:
        st.caption(plain(f"Admin in every project: {settings.admins}."))


_ROLES = {role: role.value for role in Role}


def _change(project: ProjectRecord, person: str, found: Sequence[Member]) -> None:
    """Give a role, change it, take it away."""
    names = [each.name for each in found]
    with st.form(f"people-give-{project.id}", border=False, clear_on_submit=True):
        name, role, press = st.columns([2, 1.2, 1], vertical_alignment="bottom")
        given = name.text_input("Name", placeholder="name used to sign in", key="people-name", max_chars=200)
        chosen = role.selectbox("Role", list(Role), index=1, format_func=titled(_ROLES), key="people-role")
        if press.form_submit_button("Give role", type="primary", width="stretch"):
            _done(lambda: set_member(context.store(), project.id, given, Role(chosen or Role.ANNOTATOR), by=person))
    if not names:
        return
    with st.popover("Remove member", icon=":material/person_remove:", type="tertiary"):
        gone = st.selectbox("Member", names, key=f"people-gone-{project.id}")
        mine = person_key(gone) == person_key(person)
        st.caption(
            "This is you. If you remove yourself, only another admin can add you again."
            if mine
            else "Their work is kept."
        )
        if st.button("Remove member", key="people-remove", type="primary"):
            _done(lambda: set_member(context.store(), project.id, gone, None, by=person))


def _own_work(project: ProjectRecord, person: str, managing: bool) -> None:
    allowed = st.toggle(
        "Reviewers may approve their own corrections", value=project.approve_own, disabled=not managing,
        key=f"people-own-{project.id}-{project.approve_own}",
        help="If off, another person must review every correction before it is used for training.",
    )  # fmt: skip
    if managing and allowed is not project.approve_own:
        _done(lambda: set_approve_own(context.store(), project.id, allowed, by=person))


def _done(act: Callable[[], None]) -> None:
    """Do it and draw anew; or say why not."""
    flag = "people-changed"
    with explained():
        act()
        st.session_state[flag] = True
    if st.session_state.pop(flag, False):
        st.rerun()
