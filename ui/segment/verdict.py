"""What is said first about a prediction: whether the model knows such images, and what to do if it does not."""

from __future__ import annotations

import streamlit as st

from core.access.roles import Permission
from core.familiarity.verdict import Level
from core.models.store import StoredModel
from core.predictions.verdicts import verdict_on
from core.store.records import ImageRecord, RevisionRecord
from ui import context
from ui.access import allowed
from ui.errors import plain
from ui.pages import CORRECT_PAGE
from ui.parts.familiarity import verdict_reasons
from ui.parts.get_model import get_model_link
from ui.segment.pixel_size import start_trial
from ui.state import Query, set_query


def verdict_panel(image: ImageRecord, revision: RevisionRecord) -> None:
    """The verdict with its reasons; for a foreign image the ways on, each one click away."""
    verdict = verdict_on(context.store(), revision)
    verdict_reasons(verdict)
    if verdict.level not in (Level.UNSEEN, Level.DIFFERENT):
        return
    model = next((item for item in context.seen_models() if item.id == revision.model_id), None)
    may_paint = allowed(Permission.PAINT, image.project_id)
    with st.container(gap="small", key="verdict-ways"):
        _other_models(image, revision)
        get_model_link("Get a ready model")
        if may_paint and model is not None and model.pixel_size_nm is not None:
            _sizes(image, model)
        if may_paint:
            target = {Query.PROJECT.value: image.project_id, Query.IMAGE.value: image.id}
            label = "Label two regions and train"
            st.page_link(CORRECT_PAGE, label=label, icon=":material/brush:", query_params=target)


def _other_models(image: ImageRecord, revision: RevisionRecord) -> None:
    """The other models of the store, each a click away."""
    others = [model for model in context.offered_models().values() if model.id != revision.model_id]
    if not others:
        return
    with st.popover("Another model", icon=":material/model_training:", type="tertiary"):
        for model in others:
            if st.button(plain(model.card.name), key=f"verdict-{image.id}-{model.id}", type="tertiary"):
                st.session_state.pop(f"model-{image.id}", None)
                set_query(Query.MODEL, model.id)
                st.rerun()


def _sizes(image: ImageRecord, model: StoredModel) -> None:
    """The trial of several pixel sizes."""
    if st.button(
        "Try other pixel sizes", icon=":material/straighten:", key=f"verdict-sizes-{image.id}", type="tertiary"
    ):
        start_trial(image, model)
        st.rerun()
