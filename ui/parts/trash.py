"""Deleted images: undo at once, or take them out of the trash later."""

from __future__ import annotations

import streamlit as st

from core.access.roles import Permission
from core.curation.images import restore_images
from core.store.records import ImageRecord
from core.store.trash import TRASH_DAYS
from ui import context
from ui.access import allowed
from ui.parts.names import image_details
from ui.parts.options import choices
from ui.person import person
from ui.state import StateKey


def undo_bar() -> None:
    """What this tab has deleted last, with a way back."""
    ids: list[str] = st.session_state.get(StateKey.LAST_TRASHED, [])
    if not ids:
        return
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        words = "1 image deleted." if len(ids) == 1 else f"{len(ids)} images deleted."
        st.markdown(f":material/delete: {words}")
        if st.button("Undo", icon=":material/undo:", key="data-undo"):
            restore_images(context.store(), ids, by=person())
            st.session_state.pop(StateKey.LAST_TRASHED, None)
            st.rerun()
        if st.button("Close", type="tertiary", icon=":material/close:", key="data-undo-close"):
            st.session_state.pop(StateKey.LAST_TRASHED, None)
            st.rerun()


def trashed_notice(image: ImageRecord) -> None:
    """Say that an image which a link has led to lies in the trash, with the way back for those who may."""
    if image not in context.store().trash.images(image.project_id):
        return
    may_restore = allowed(Permission.MANAGE, image.project_id)
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        who = "" if may_restore else " Admins of the project can restore it."
        st.markdown(f":material/delete: This image is in the trash of its project.{who}")
        if may_restore and st.button("Restore", icon=":material/restore_from_trash:", key=f"restore-{image.id}"):
            restore_images(context.store(), [image.id], by=person())
            st.rerun()


def trash_popover(project_id: str) -> None:
    """What is in the trash; nothing is drawn while it is empty."""
    trashed = {image.id: image for image in context.store().trash.images(project_id)}
    if not trashed:
        return
    with st.popover(f"Trash ({len(trashed)})", icon=":material/delete:"):
        st.caption(f"Deleted images stay here for {TRASH_DAYS} days, with their labels and predictions.")
        names = {image_id: image.name for image_id, image in trashed.items()}
        chosen = choices("Images", names, details=image_details(trashed), key="data-trash", placeholder="all")
        label = f"Restore {len(chosen)}" if chosen else "Restore all"
        if st.button(label, icon=":material/restore_from_trash:", key="data-restore"):
            restore_images(context.store(), chosen or list(trashed), by=person())
            st.session_state.pop(StateKey.LAST_TRASHED, None)
            st.rerun()
