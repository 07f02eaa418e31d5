"""A plain warning wherever a model is used that was not trained long enough, with what to do about it."""

from __future__ import annotations

import streamlit as st

from core.access.roles import Permission
from core.errors import NotFoundError
from core.learning.continuation import train_longer
from core.models.store import StoredModel
from core.training.verdict import undertrained_warning
from ui import context
from ui.access import allowed
from ui.errors import explained, plain
from ui.pages import RESULTS_PAGE, TRAIN_PAGE
from ui.person import person
from ui.state import Query


def undertrained_notice(model: StoredModel, *, key: str, evaluate: bool = True) -> None:
    """Nothing for a model that was trained enough.

    Parameters
    ----------
    key
        Names the buttons on their page.
    evaluate
        Whether to offer an evaluation; not where one is about to be started.
    """
    text = undertrained_warning(model.card)
    if not text:
        return
    st.warning(plain(text), icon=":material/hourglass_bottom:")
    longer_buttons(model, key=key, evaluate=evaluate)


def longer_buttons(model: StoredModel, *, key: str, evaluate: bool = True) -> None:
    """*Train on* and *Evaluate*, for whoever may, where the project that the model was trained on is here."""
    project_id = model.project_id
    if not project_id or not _is_here(project_id) or not allowed(Permission.TRAIN, project_id):
        return
    with st.container(horizontal=True, gap="small", width="content"):
        longer = st.button(
            "Train further", icon=":material/model_training:", key=f"{key}-longer-{model.id}",
            help="Fine-tunes this model on the same images with the same settings. This model is kept.",
        )  # fmt: skip
        asked = evaluate and st.button(
            "Evaluate", icon=":material/analytics:", key=f"{key}-evaluate-{model.id}",
            help="Evaluates it on the project's test set.",
        )  # fmt: skip
    target = {Query.PROJECT.value: project_id}
    if asked:
        target |= {Query.MODEL.value: model.id, Query.SECTION.value: "new"}
        st.switch_page(RESULTS_PAGE, query_params=target)
    if longer:
        begun = ""
        with explained():
            begun = train_longer(context.store(), model.id, by=person()).id
        if begun:
            st.switch_page(TRAIN_PAGE, query_params=target | {Query.JOB.value: begun})


def _is_here(project_id: str) -> bool:
    try:
        context.store().projects.get(project_id)
    except NotFoundError:
        return False
    return True
