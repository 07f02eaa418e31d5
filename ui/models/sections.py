"""The sections of the Models page."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ui.parts.get_model import GET_SECTION


class Section(StrEnum):
    """As named in the address."""

    STORE = "store"
    GET = GET_SECTION


SECTIONS: Final = MappingProxyType({Section.STORE: "Models here", Section.GET: "Get a model"})
"""Their titles."""
