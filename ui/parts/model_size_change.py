"""Saying at which pixel size a model was trained: at once where that costs nothing, else after saying what it costs."""

from __future__ import annotations

import streamlit as st

from core.access.models import owner_of
from core.access.roles import Permission
from core.curation.models import set_model_pixel_size
from core.curation.pixel_size_change import change_of_model_size
from core.wording import significant
from ui import context
from ui.errors import explained, plain
from ui.parts.dialog_rights import asks
from ui.parts.kept_dialog import close_dialog, forget_dialog, kept_dialog
from ui.parts.pixel_size_change import SizesPlan, show_consequences
from ui.person import person


def use_model_size(model_id: str, nm: float) -> None:
    """Set the pixel size of a model's training in nm, for good; ask first where predictions become outdated."""
    if change_of_model_size(context.store(), model_id, nm).outdates:
        _confirm(model_id, nm)
    _apply(model_id, nm)


@kept_dialog("model pixel size")
@st.dialog("Set pixel size of the training?", on_dismiss=forget_dialog)
@asks(Permission.TRAIN, lambda model_id, nm: [owner_of(context.models().get(model_id))])
def _confirm(model_id: str, nm: float) -> None:
    """Say what it costs, and wait for a yes."""
    change = change_of_model_size(context.store(), model_id, nm)
    title = (
        f"**{plain(context.models().get(model_id).card.name)}**: unknown → **{significant(nm, 5)} nm** per pixel. This "
        "cannot be changed later."
    )
    show_consequences(SizesPlan((title,), change=change))
    with st.container(horizontal=True):
        if st.button("Set pixel size", type="primary", icon=":material/straighten:"):
            _apply(model_id, nm)
        if st.button("Cancel"):
            close_dialog()


def _apply(model_id: str, nm: float) -> None:
    """Store it."""
    with explained():
        set_model_pixel_size(context.store(), context.models(), model_id, nm, by=person())
        close_dialog()
