"""What somebody is asked to annotate on their own, said on the Correct page."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.annotation.progress import ImageProgress, is_asked
from core.store.records import ImageRecord, ProjectRecord
from ui import context
from ui.errors import plain
from ui.state import Query, set_query


def asked_line(project: ProjectRecord, image: ImageRecord, known: Mapping[str, ImageProgress]) -> None:
    """Which images this person is asked to annotate unseen by others, and a way to the first one.

    Parameters
    ----------
    image
        The one that is open.
    known
        How far each image of the project is.
    """
    asked = [image for image in context.store().images.all(project.id) if is_asked(known, image.id)]
    if not asked:
        return
    names = ", ".join(each.name for each in asked)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(
            plain(
                f"You have been assigned {names} for independent annotation: nobody sees the others' work until "
                "all annotators have submitted."
            ),
            icon=":material/person_edit:",
        )
        if image.id not in {each.id for each in asked} and st.button(
            plain(f"Open {asked[0].name}"), icon=":material/arrow_forward:", key="correct-asked"
        ):
            set_query(Query.IMAGE, asked[0].id)
            st.rerun()
