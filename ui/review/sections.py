"""The sections of the Review page."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Section(StrEnum):
    """The parts of the page, as named in its address."""

    QUEUE = "queue"
    AGREEMENT = "agreement"
    PEOPLE = "people"
    LOG = "log"


SECTIONS: Final = {
    Section.QUEUE: ":material/rate_review: Queue",
    Section.AGREEMENT: ":material/group_work: Agreement",
    Section.PEOPLE: ":material/group: People",
    Section.LOG: ":material/history_edu: Log",
}
