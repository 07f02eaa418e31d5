"""How a model tells touching objects of a class apart: what its card says of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.label_scheme import IGNORE_ID


class SeparationWay(StrEnum):
    """What the network puts out beside the classes, or what stands in for it."""

    NONE = "none"
    """Connected pieces are the objects."""

    SEAMS = "seams"
    """For some classes one output more: pixels of the class with another object close by."""

    RIMS = "rims"
    """For some classes one output more: pixels of the class outside the cores of its objects."""

    NECKS = "necks"
    """No output: pieces are split at narrow places of their outlines. A fallback for networks that never learned it."""


@dataclass(frozen=True, slots=True)
class Separation:
    """Part of a model's card.

    Parameters
    ----------
    way
        Which.
    class_ids
        The classes whose touching objects are told apart, ids of the model's scheme.
    least_seed
        A part below this share of the class's smallest object is no object of its own but belongs to its neighbour.
    least_depth
        With `SeparationWay.NECKS`, class id to the relative depth of a neck from which a piece is split there.
    pairs
        Class id to the pairs of touching objects in the training labels.
    scores
        What it did to the validation part: class id to figures, those without separation for comparison.
    odds
        How likely a doubtful place is two objects, learned from held-out labels (`core.objects.odds`); (): not learned.
    """

    way: SeparationWay = SeparationWay.NONE
    class_ids: tuple[int, ...] = ()
    least_seed: float = 0.25
    least_depth: dict[int, float] = field(default_factory=dict)
    pairs: dict[int, int] = field(default_factory=dict)
    scores: dict[int, dict[str, float | None]] = field(default_factory=dict)
    odds: tuple[float, ...] = ()

    def translated(self, table: NDArray[np.uint8]) -> Separation:
        """For label maps whose ids were replaced.

        Parameters
        ----------
        table
            uint8, shape (256,): new id of each id. Classes that become background (0) or *ignore* are left out.
        """
        kept = {old: int(table[old]) for old in self.class_ids if int(table[old]) not in (0, IGNORE_ID)}
        if not kept:
            return Separation()
        depths = {kept[old]: depth for old, depth in self.least_depth.items() if old in kept}
        class_ids = tuple(sorted(set(kept.values())))
        return replace(self, class_ids=class_ids, least_depth=depths, pairs={}, scores={})

    @property
    def learned(self) -> bool:
        """Whether the network has outputs for it."""
        return self.way in (SeparationWay.SEAMS, SeparationWay.RIMS)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Separation:
        """The inverse of `to_json`."""
        by_class = {
            name: {int(key): value for key, value in values.get(name, {}).items()}
            for name in ("least_depth", "pairs", "scores")
        }
        odds = tuple(values.get("odds", ()))
        return cls(
            SeparationWay(values["way"]), tuple(values["class_ids"]), values["least_seed"], **by_class, odds=odds
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "way": str(self.way),
            "class_ids": list(self.class_ids),
            "least_seed": self.least_seed,
            "least_depth": {str(key): value for key, value in self.least_depth.items()},
            "pairs": {str(key): value for key, value in self.pairs.items()},
            "scores": {str(key): value for key, value in self.scores.items()},
            **({"odds": list(self.odds)} if self.odds else {}),
        }


UNSEPARATED: Final = Separation()
"""Connected pieces are the objects."""
