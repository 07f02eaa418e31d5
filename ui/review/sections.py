"""The sections of the Review page."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import streamlit as st

from ui.address import kept_in_address
from ui.parts.options import titled
from ui.state import Query


class Section(StrEnum):
    """The parts of the page, as named in its address."""

    QUEUE = "queue"
    AGREEMENT = "agreement"
    PEOPLE = "people"
    LOG = "log"


_TITLES: Final = {
    Section.QUEUE: ":material/rate_review: Queue",
    Section.AGREEMENT: ":material/group_work: Agreement",
    Section.PEOPLE: ":material/group: People",
    Section.LOG: ":material/history_edu: Log",
}


def section_choice() -> Section:
    """Which part is shown."""
    key = "review-section"
    changed = kept_in_address(Query.SECTION, key, list(Section), Section.QUEUE)
    chosen = st.segmented_control(
        "Section", list(Section), format_func=titled(_TITLES), key=key, on_change=changed,
        required=True, label_visibility="collapsed",
    )  # fmt: skip
    return Section(chosen or Section.QUEUE)
