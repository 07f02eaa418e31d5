"""Panels of the overview page."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.jobs.rows import submit
from core.segmentation.model_store import StoredModel
from core.store.records import ImageRecord, RevisionKind
from ui import context
from ui.errors import plain
from ui.person import person


def begin() -> None:
    """The empty state: two ways to begin."""
    with st.container(border=True):
        st.subheader("Nothing here yet", anchor=False)
        st.markdown("Drop a micrograph on the Segment page, or look around with synthetic examples first.")
        if st.button("Make the demo project", icon=":material/science:"):
            submit("demo", {"rounds": True}, author=person())
            st.rerun()


def image_notes(images: Sequence[ImageRecord]) -> dict[str, str]:
    """One line on each image: which label maps it has."""
    notes = {}
    for image in images:
        revisions = context.store().revisions(image.id)
        makers = sorted({item.model_id or "" for item in revisions if item.kind is RevisionKind.PREDICTION} - {""})
        by = plain(makers[0]) if len(makers) == 1 else f"{len(makers)} models"
        parts = [f"segmented by {by}"] if makers else []
        if any(item.kind is RevisionKind.REFERENCE for item in revisions):
            parts.append("has reference labels")
        notes[image.id] = ", ".join(parts) or "not segmented yet"
    return notes


def model_card(model: StoredModel | None) -> None:
    """The model that is used where none is chosen, with its warning."""
    st.subheader("Model in use", anchor=False)
    if model is None:
        st.info(
            "There is no model yet. Train one on the Train page, or import one on the Models page.",
            icon=":material/model_training:",
        )
        return
    with st.container(border=True):
        st.markdown(f"**{plain(model.card.name)}**  \n{plain(model.card.description)}")
        if model.card.warning:
            st.warning(plain(model.card.warning), icon=":material/warning:")
        size = "unknown" if model.pixel_size_nm is None else f"{model.pixel_size_nm:g} nm"
        classes = ", ".join(item.name for item in model.scheme.classes)
        st.caption(
            plain(f"Origin: {(model.card.origin or 'unknown').rstrip('.')}. Pixel size: {size}. Classes: {classes}.")
        )
