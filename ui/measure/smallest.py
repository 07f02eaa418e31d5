"""The smallest object that counts on the Measure page: learned by a model, else a number of pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from core.learning.object_sizes import ProjectRules
from core.morphometry.coverage import SMALL_PX, area_um2
from ui.state import Query, set_query

_HALF_DIGIT: Final = 0.005
"""Taken off so that three digits round down and not up."""


def other_class(changed: Callable[[], None]) -> None:
    """Another class has another smallest object: a size typed for the one before is forgotten."""
    changed()
    for name in (Query.LEAST_UM2, Query.LEAST_PX):
        set_query(name, None)


def usual_smallest(rules: ProjectRules, class_id: int, size_nm: float | None) -> tuple[float, bool]:
    """The size below which pieces of a class are left out at first, and whether a model has learned it."""
    if size_nm is None:
        pixels = rules.rules.smallest_px(class_id, None)
        return (speck(None), False) if pixels is None else (float(round(pixels)), True)
    area = rules.rules.smallest_um2(class_id, size_nm)
    return (speck(size_nm), False) if area is None else (_rounded_down(area), True)


def smallest_words(rules: ProjectRules, usual: float, unit: str, learned: bool) -> str:
    """Where the size that is proposed comes from."""
    if learned and rules.model is not None:
        return f"{usual:g} {unit} is the smallest object size that {rules.model.card.name} learned from labels."
    return (
        f"By default, objects of fewer than {SMALL_PX} px are excluded: most are prediction noise, and their shape "
        "is meaningless."
    )


def speck(size_nm: float | None) -> float:
    """The size below which pieces are left out at first: of `SMALL_PX` typical pixels, never more than that."""
    area = area_um2(SMALL_PX, size_nm)
    if area is None:
        return float(SMALL_PX)
    return _rounded_down(area)


def _rounded_down(area: float) -> float:
    """Three significant digits, never more than the area."""
    rounded = float(f"{area:.3g}")
    return rounded if rounded <= area else float(f"{area * (1 - _HALF_DIGIT):.3g}")
