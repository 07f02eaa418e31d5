"""What differs between two revisions, compared once."""

from __future__ import annotations

import streamlit as st

from core.annotation.history import Difference, difference
from core.cache import MB, remembered
from core.store.store import Store
from ui import context


def difference_between(before: str, after: str) -> Difference:
    """The difference of two revisions by their ids; comparing takes a moment the first time.

    Raises
    ------
    NotFoundError
        There is no such revision.
    """
    with st.spinner("Comparing…"):
        return _difference(context.store(), before, after)


@remembered("differences of revisions", "what two label maps of an image do not share", limit_bytes=32 * MB)
def _difference(store: Store, before: str, after: str) -> Difference:
    """Revisions never change, so neither does what differs between two."""
    return difference(store, before, after)
