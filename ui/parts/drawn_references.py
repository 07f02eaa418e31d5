"""Offered where scores need a truth: approved corrections of test images as their reference labels."""

from __future__ import annotations

import streamlit as st

from core.access.roles import Permission
from core.learning.drawn_references import drawn_images, make_references
from core.store.records import ProjectRecord
from core.wording import counted, some_of
from ui import context
from ui.access import allowed
from ui.errors import explained, plain
from ui.person import person


def drawn_references(project: ProjectRecord, *, key: str) -> None:
    """One button for all test images that people have annotated; nothing where there is none.

    Parameters
    ----------
    key
        Names the button on its page.
    """
    drawn = drawn_images(context.store(), project.id, person())
    if not drawn or not allowed(Permission.TRAIN, project.id):
        return
    names = some_of([each.image.name for each in drawn])
    what = "approved corrections but no reference yet"
    if all(each.before for each in drawn):
        what = f"approved corrections newer than {'its reference' if len(drawn) == 1 else 'their references'}"
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"{key}-drawn"):
        verb = "has" if len(drawn) == 1 else "have"
        st.markdown(
            f":material/brush: **{counted(len(drawn), 'test image')}** ({plain(names)}) {verb} {what}. Use the "
            "confirmed pixels as reference labels? Only these pixels are scored.",
            width="stretch",
        )
        if st.button("Use as reference", type="primary", icon=":material/done_all:", key=f"{key}-use-drawn"):
            with explained():
                make_references(context.store(), project.id, by=person())
                st.session_state["drawn-references"] = True
            if st.session_state.pop("drawn-references", False):
                st.rerun()
