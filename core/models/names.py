"""Names of models, so that no two look the same in a list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

MAX_NAME_LENGTH: Final = 120
"""Characters of a name to show."""


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """The wanted name, else the first one free with a number in brackets after it.

    Names that differ in white space or capitals only count as the same.

    >>> free_name("Liver  compact", ["liver compact", "Liver compact (2)"])
    'Liver compact (3)'
    >>> free_name("Liver", ["Kidney"])
    'Liver'
    """
    wanted = " ".join(wanted.split())
    known = {_alike(name) for name in taken}
    candidate, number = wanted, 1
    while _alike(candidate) in known:
        number += 1
        mark = f" ({number})"
        candidate = f"{wanted[: MAX_NAME_LENGTH - len(mark)].rstrip()}{mark}"
    return candidate


def _alike(name: str) -> str:
    """What two names share that people cannot tell apart."""
    return " ".join(name.split()).casefold()
