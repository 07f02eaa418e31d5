"""Dropped files that wait for their import, named in the page's address so that they survive a reload."""

from __future__ import annotations

import streamlit as st

from core.errors import NotFoundError
from core.settings import current_settings
from core.store.import_batch import ImportBatch, own_batch
from ui.errors import plain
from ui.person import person
from ui.state import Query, query, set_query


def waiting_files() -> ImportBatch | None:
    """The batch of the address; None where there is none, or it is of somebody else, which is said."""
    batch_id = query(Query.BATCH)
    if not batch_id:
        return None
    try:
        return own_batch(current_settings(), batch_id, by=person())
    except NotFoundError as error:
        st.warning(plain(f"{error.cause} {error.remedy}"), icon=":material/link_off:")
        set_query(Query.BATCH, None)
        return None
