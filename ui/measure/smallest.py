"""The smallest object that counts on the Measure page, in words."""

from __future__ import annotations

from collections.abc import Callable

from core.label_scheme import LabelScheme
from core.learning.object_sizes import ProjectRules
from core.measurements.smallest import Smallest
from core.morphometry.coverage import SMALL_PX
from ui.state import Query, set_query


def other_class(changed: Callable[[], None]) -> None:
    """Another class has another smallest object: a size typed for the one before is forgotten."""
    changed()
    for name in (Query.LEAST_UM2, Query.LEAST_PX):
        set_query(name, None)


def smallest_words(rules: ProjectRules, usual: float, unit: str, learned: bool) -> str:
    """Where the size that is proposed comes from."""
    if learned and rules.model is not None:
        return f"{usual:g} {unit} is the smallest object size that {rules.model.card.name} learned from labels."
    return (
        f"By default, objects of fewer than {SMALL_PX} px are excluded: most are prediction noise, and their shape "
        "is meaningless."
    )


def neighbours_words(smallest: Smallest, scheme: LabelScheme) -> str:
    """Which objects of other classes distances and contacts are to."""
    unit = "µm²" if smallest.physical else "px"
    sizes = {area for _, area in smallest.areas}
    if len(sizes) == 1:
        which = f"{sizes.pop():g} {unit}"
    else:
        which = ", ".join(f"{scheme.name_of(class_id)} {area:g} {unit}" for class_id, area in smallest.areas)
    return f"Distances and contacts are to objects of at least this size: {which}. Specks do not count."
