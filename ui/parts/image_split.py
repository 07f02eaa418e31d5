"""Training, test or pool for many images at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from core.curation.images import change_image
from core.store.records import ImageRecord, Split
from core.wording import counted
from ui import context
from ui.errors import explained
from ui.person import person
from ui.state import StateKey

_WAYS: Final = {
    Split.TRAIN: ("Train", "Used for training, if labelled."),
    Split.TEST: ("Test", "Used only to evaluate models, never for training."),
    Split.POOL: ("Pool", "Not yet assigned: the next images to correct."),
}


def split_popover(images: Sequence[ImageRecord], *, key: str) -> None:
    """A button that opens three: where the ticked images belong.

    Parameters
    ----------
    key
        Names the buttons on their page.
    """
    turn = st.session_state.get(StateKey.TABLE_VERSION, 0)  # a new one is closed
    with st.popover("Split", icon=":material/call_split:", disabled=not images, key=f"{key}-{turn}"):
        st.markdown(f"**{counted(len(images), 'image')}** to")
        for split, (label, words) in _WAYS.items():
            left, right = st.columns([1, 3], vertical_alignment="center")
            if left.button(label, key=f"{key}-{split}", width="stretch"):
                _move(images, split)
            right.caption(words)


def _move(images: Sequence[ImageRecord], split: Split) -> None:
    """Change those that are elsewhere; the table is drawn anew."""
    with explained():
        for image in images:
            if image.split is not split:
                change_image(context.store(), image.id, by=person(), split=split)
        st.session_state["split-changed"] = True
    if st.session_state.pop("split-changed", False):
        st.session_state[StateKey.TABLE_VERSION] = st.session_state.get(StateKey.TABLE_VERSION, 0) + 1
        st.rerun()
