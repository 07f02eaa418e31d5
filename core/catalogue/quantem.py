"""Models of the optional package quantem-core: whether it is here."""

from __future__ import annotations

from importlib.util import find_spec

from core.catalogue.entry import Entry, EntryKind
from core.errors import Refusal


def missing_package(entry: Entry) -> Refusal | None:
    """Why models of an entry cannot be used on this installation; None where they can."""
    if entry.kind is not EntryKind.QUANTEM or find_spec("quantem_em") is not None:
        return None
    return Refusal(
        f"{entry.name} needs the optional package quantem-core, which is not installed.",
        "Install it: pip install quantem-core.",
    )
