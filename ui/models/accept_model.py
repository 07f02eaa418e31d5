"""Size and licence of a model, accepted before anything is fetched; or its files in a folder."""

from __future__ import annotations

import streamlit as st

from core.catalogue.entry import Entry
from core.catalogue.start import licence_of, start_fetch
from core.settings import current_settings
from ui import context
from ui.access import may_name_folders
from ui.errors import explained, plain
from ui.models.model_import import owner_choice
from ui.parts.units import bytes_text
from ui.person import person
from ui.state import StateKey


def accept_panel(entry: Entry) -> None:
    """The terms, a tick, a button."""
    fetching = current_settings().fetching and not entry.needs_look_up
    by_folder = may_name_folders()
    if not fetching and not by_folder:
        if not current_settings().fetching:
            _bring(entry)
        return
    with st.container(border=True, key="accept-model"):
        if entry.needs_look_up:
            st.markdown("**Without a network**")
        size = "size unknown" if entry.size_bytes is None else bytes_text(entry.size_bytes)
        st.markdown(f"**Licence:** {plain(licence_of(entry))} · **Size:** {size}")
        agreed = st.checkbox(
            f"I accept this licence ({plain(licence_of(entry))})",
            key=f"accept-{entry.id}",
            help="Your name, the licence and the time are recorded in the model's card and in the audit log.",
        )
        owner = owner_choice(key="fetch-owner")
        if fetching and st.button(
            "Fetch model", key="fetch-model", icon=":material/cloud_download:", type="primary", disabled=not agreed
        ):
            _start(entry, owner, "")
        if by_folder:
            with st.expander("Without a network", icon=":material/folder_open:", expanded=not fetching):
                _bring(entry)
                folder = st.text_input("Folder on the server", key="fetch-folder", placeholder="/data/models/liver")
                ready = agreed and bool(folder.strip())
                if st.button(
                    "Import from folder", key="fetch-from-folder", icon=":material/folder_open:", disabled=not ready
                ):
                    _start(entry, owner, folder.strip())


def _start(entry: Entry, owner: str, folder: str) -> None:
    with explained():
        row = start_fetch(
            context.store(), entry, accepted=licence_of(entry), by=person(), project_id=owner, folder=folder
        )
        st.session_state[StateKey.MODEL_FETCH] = row.id
        st.rerun()


def _bring(entry: Entry) -> None:
    """Which files to bring."""
    if entry.needs_look_up:
        st.markdown(
            f"Download the zip files from {plain(entry.source_url or entry.record_url)} on another computer, read the "
            "licence there, and copy them into one folder."
        )
        return
    st.markdown("Download these files on another computer, and copy them into one folder under these names:")
    for file in entry.files:
        st.markdown(f"- {plain(file.name)}: [{plain(file.url)}]({file.url})")
