"""What the server remembers so as not to read or draw it again, and how full that is."""

from __future__ import annotations

import streamlit as st

from core.access.roles import Permission
from core.cache import caches, forget_everything
from ui.access import allowed
from ui.parts.units import bytes_text


def memory_panel() -> None:
    """Every cache of the server with its size and limit, for those who manage projects."""
    if not allowed(Permission.MANAGE):
        return
    known = caches()
    used, most = sum(cache.size_bytes for cache in known), sum(cache.limit_bytes for cache in known)
    with st.expander(
        f"Memory of the server: {bytes_text(used)} of at most {bytes_text(most)}", icon=":material/memory:"
    ):
        st.table(
            [
                {
                    "Cache": cache.name,
                    "Holds": cache.what,
                    "Entries": cache.entries,
                    "Size": bytes_text(cache.size_bytes),
                    "Limit": bytes_text(cache.limit_bytes),
                }
                for cache in known
            ],
        )
        st.caption("Everything here can be read or drawn again. Sizes are estimates.")
        if st.button("Empty the caches", icon=":material/delete_sweep:", type="tertiary", key="memory-forget"):
            forget_everything()
            st.rerun()
