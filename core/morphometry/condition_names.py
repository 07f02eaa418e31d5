"""Names of conditions: in which order they stand, which one is the reference, which are spelled alike."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Final

from core.morphometry.summary import ImageObjects

_REFERENCE_WORDS: Final = frozenset(
    ("control", "controls", "ctrl", "ctl", "untreated", "vehicle", "sham", "mock", "placebo", "wt", "wildtype",
     "intact", "baseline", "before", "healthy", "normal", "naive")
)  # fmt: skip
_REFERENCES_ALONE: Final = _REFERENCE_WORDS | {"pre", "dmso", "chow", "none"}
"""The condition with the fewest other words beside one of these is what others are compared with, until somebody says
otherwise; the latter make a reference only where no other word stands beside them ("10 µM in DMSO" is none)."""


def conditions(images: Iterable[ImageObjects], reference: str | None = None) -> tuple[str, ...]:
    """The recorded conditions, the reference first (None: the likely one), the others as `ordered` has them."""
    names = ordered(image.condition for image in images)
    return names if reference is None else tuple(sorted(names, key=lambda name: name != reference))


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once but "": the likely reference first, then as people sort.

    >>> ordered(["dose 10", "dose 2", "", "Vehicle", "dose 2"])
    ('Vehicle', 'dose 2', 'dose 10')
    """
    known = sorted({name for name in names if name}, key=by_number)
    likely = min(known, key=_strangeness, default="")
    return tuple(sorted(known, key=lambda name: name != likely or _strangeness(name) == math.inf))


def spelled_alike(names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Names that differ in letters' case or in spaces only: most likely one was meant.

    >>> spelled_alike(["Control", "control ", "treated", "Control", ""])
    (('Control', 'control '),)
    """
    found: dict[str, set[str]] = {}
    for name in names:
        found.setdefault("".join(name.split()).casefold(), set()).add(name)
    return tuple(tuple(sorted(each)) for each in found.values() if len(each) > 1)


def _strangeness(name: str) -> float:
    """How far from a usual name of a reference: its other words; infinite where it has none of the usual ones."""
    words = re.findall(r"[^\W\d_]+", re.sub(r"wild[ _-]?type", "wildtype", name.casefold()))
    others = [word for word in words if word not in _REFERENCE_WORDS]
    if words and set(words) <= _REFERENCES_ALONE:
        return len(others) / 10
    return len(others) if len(others) < len(words) else math.inf


def by_number(name: str) -> tuple[tuple[int, int, str], ...]:
    """Numbers in names by their value."""
    parts = re.split(r"(\d+)", name.casefold())
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part)
