"""Asked once after a training: whether the project uses its new model from now on."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from core.access.roles import Permission
from core.learning.current_model import model_to_ask_about
from core.rounds.promotion import decline_model, promote_model
from core.store.records import ProjectRecord
from core.training.verdict import undertrained_warning
from ui import context
from ui.access import allowed
from ui.errors import explained, plain
from ui.parts.names import model_details
from ui.parts.options import unequal
from ui.person import person

REASON = "Chosen after training."
"""Stands in the audit log where a model was promoted by this question."""


def new_model_question(project: ProjectRecord, *, key: str) -> None:
    """Ask about the newest model that was trained here, unless somebody has answered; an answer counts for everybody.

    Parameters
    ----------
    key
        Names the buttons on their page.
    """
    if not allowed(Permission.TRAIN, project.id):
        return
    asked = model_to_ask_about(context.store(), context.models(), project.id)
    if asked is None:
        return
    known = {model.id: model for model in (asked.model, *([asked.before] if asked.before else []))}
    texts = unequal({model_id: model.card.name for model_id, model in known.items()}, model_details(known))
    kept = f"Keep {texts[asked.before.id]}" if asked.before else "Not now"
    undertrained = undertrained_warning(asked.model.card)
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"{key}-new-model"):
        st.markdown(
            f":material/model_training: Make **{plain(texts[asked.model.id])}** the current model of "
            f"{plain(project.name)}? New predictions use the current model."
            + (f" {plain(undertrained)}" if undertrained else "")
        )
        first: Literal["primary", "secondary"]
        second: Literal["primary", "secondary"]
        first, second = ("secondary", "primary") if undertrained else ("primary", "secondary")
        use = st.button("Promote model", type=first, icon=":material/upgrade:", key=f"{key}-use-new")
        keep = st.button(kept, type=second, key=f"{key}-keep-old")
    if use or keep:
        with explained():
            if use:
                promote_model(context.store(), project.id, asked.model.id, person(), REASON)
            else:
                decline_model(context.store(), project.id, asked.model.id, person())
            st.session_state["model-answered"] = True
        if st.session_state.pop("model-answered", False):
            st.rerun()
