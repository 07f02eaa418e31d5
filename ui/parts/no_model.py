"""What is said where there is no model yet, and the ways to get one."""

from __future__ import annotations

import streamlit as st

from core.access.roles import Permission
from core.models.shipped import add_starter, shipped_starter
from ui import context
from ui.access import allowed
from ui.errors import plain
from ui.pages import MODELS_PAGE


def no_model(*, key: str, link: bool = True) -> None:
    """Say so; offer the starter model where the program comes with it, and the way to the Models page.

    Parameters
    ----------
    key
        Names the button on its page.
    link
        Whether to lead to the Models page.
    """
    starter = shipped_starter() if allowed(Permission.TRAIN) else None
    with st.container(border=True):
        st.markdown(":material/model_training: **There is no model yet.**")
        if starter is not None:
            st.caption(
                f"{plain(starter.card.name)} is included. {plain(starter.card.warning)} You can also import a "
                "model on the Models page, or train one on the Train page."
            )
            if st.button(
                "Use the starter model", key=f"{key}-starter", icon=":material/download_done:", type="primary"
            ):
                add_starter(context.models())
                st.rerun()
        else:
            st.caption("Import one on the Models page, or train one on the Train page.")
        if link:
            st.page_link(MODELS_PAGE, label="Models page", icon=":material/inventory_2:")
