"""Rules for the objects of a model's classes: the smallest plausible object, the largest hole to fill.

Areas are kept in µm², so that they hold at any pixel size; in pixels where the pixel size of the labels was unknown.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelMapError

NM2_PER_UM2: Final = 1e6


class AreaUnit(StrEnum):
    """What the areas of rules are measured in."""

    UM2 = "um2"
    PX = "px"
    """The pixel size of the labels was unknown."""


class RuleSource(StrEnum):
    """Where a rule comes from."""

    VALIDATION = "validation"
    """Learned from training labels, and the best of several for objects of the validation part."""

    LABELS = "labels"
    """Learned from training labels, cross-checked between images."""

    DEFAULT = "default"
    """Nobody learned one."""

    PERSON = "person"
    """Set by somebody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRule:
    """The rule of one class.

    Parameters
    ----------
    class_id
        In the label scheme of the rules' owner.
    smallest
        Pieces with a smaller area are removed; 0 removes nothing.
    smallest_cut
        The same for pieces that touch the edge of the image or *ignore*: more of them may lie beyond.
    largest_hole
        Background enclosed by one piece, up to this area, becomes part of the class; 0 fills nothing.
    thin
        Whether the class is made of sheets, tubes or nets, judged by its labels.
    objects
        Whole objects it was learned from.
    source
        Where it comes from.

    Raises
    ------
    LabelMapError
        An area is negative or not finite.
    """

    class_id: int
    smallest: float = 0.0
    smallest_cut: float = 0.0
    largest_hole: float = 0.0
    thin: bool = False
    objects: int = 0
    source: RuleSource = RuleSource.DEFAULT

    def __post_init__(self) -> None:
        for name in ("smallest", "smallest_cut", "largest_hole"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise LabelMapError(
                    f"The object rule of class {self.class_id} has {name} = {value}.", "Use an area of 0 or more."
                )

    def scaled(self, factor: float) -> ObjectRule:
        """All areas times a factor."""
        areas = {name: getattr(self, name) * factor for name in ("smallest", "smallest_cut", "largest_hole")}
        return dataclasses.replace(self, **areas)


@dataclass(frozen=True, slots=True, eq=False)
class PixelLimits:
    """Rules in pixels of one image.

    Parameters
    ----------
    smallest, smallest_cut, largest_hole
        float64, shape (256,), by class id; 0 where there is no rule.
    """

    smallest: NDArray[np.float64]
    smallest_cut: NDArray[np.float64]
    largest_hole: NDArray[np.float64]

    @property
    def removes(self) -> bool:
        """Whether any piece could be too small."""
        return bool(max(self.smallest.max(), self.smallest_cut.max()) > 1)

    @property
    def fills(self) -> bool:
        """Whether any hole could be filled."""
        return bool(self.largest_hole.max() >= 1)


@dataclass(frozen=True, slots=True)
class ObjectRules:
    """The rules of a model's or project's classes; at most one for each.

    Raises
    ------
    LabelMapError
        Two rules for one class.
    """

    rules: tuple[ObjectRule, ...] = ()
    unit: AreaUnit = AreaUnit.UM2

    def __post_init__(self) -> None:
        ids = [rule.class_id for rule in self.rules]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise LabelMapError(
                f"There are several object rules for the classes {twice}.", ("Keep one rule per class.")
            )

    def of(self, class_id: int) -> ObjectRule:
        """The rule of a class; one that changes nothing where there is none."""
        return next((rule for rule in self.rules if rule.class_id == class_id), ObjectRule(class_id=class_id))

    def limits(self, pixel_size_nm: float | None) -> PixelLimits:
        """The rules in pixels.

        Parameters
        ----------
        pixel_size_nm
            Edge of a pixel of the image; where it is unknown, give that of the model, which took the image to have it.

        Returns
        -------
        PixelLimits
            All 0 where areas are in µm² and no pixel size is known.
        """
        if self.unit is AreaUnit.PX:
            pixels_per_unit = 1.0
        elif pixel_size_nm is None:
            pixels_per_unit = 0.0
        else:
            pixels_per_unit = NM2_PER_UM2 / pixel_size_nm**2
        tables = {name: np.zeros(256) for name in ("smallest", "smallest_cut", "largest_hole")}
        for rule in self.rules:
            for name, table in tables.items():
                table[rule.class_id] = getattr(rule, name) * pixels_per_unit
        return PixelLimits(**tables)

    def converted(self, unit: AreaUnit, pixel_size_nm: float | None) -> ObjectRules:
        """The same rules in another unit; no rules where that takes a pixel size and none is known."""
        if unit is self.unit:
            return self
        if pixel_size_nm is None:
            return ObjectRules((), unit)
        factor = pixel_size_nm**2 / NM2_PER_UM2
        if unit is AreaUnit.PX:
            factor = 1 / factor
        return ObjectRules(tuple(rule.scaled(factor) for rule in self.rules), unit)

    def smallest_um2(self, class_id: int, pixel_size_nm: float | None) -> float | None:
        """The smallest object of a class in µm²; None where there is no rule, or no pixel size that it takes."""
        return self.converted(AreaUnit.UM2, pixel_size_nm).of(class_id).smallest or None

    def smallest_px(self, class_id: int, pixel_size_nm: float | None) -> float | None:
        """The smallest object of a class in pixels; None where there is no rule, or no pixel size that it takes."""
        return self.converted(AreaUnit.PX, pixel_size_nm).of(class_id).smallest or None

    def translated(self, table: NDArray[np.uint8]) -> ObjectRules:
        """The rules for label maps whose ids were replaced.

        Parameters
        ----------
        table
            uint8, shape (256,): new id of each id. Rules of classes that become background (0) or *ignore* are left
            out; of several that become one class, the first is kept.
        """
        rules: dict[int, ObjectRule] = {}
        for rule in self.rules:
            class_id = int(table[rule.class_id])
            if class_id not in (0, 255):
                rules.setdefault(class_id, dataclasses.replace(rule, class_id=class_id))
        return dataclasses.replace(self, rules=tuple(rules.values()))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"unit": str(self.unit), "rules": [dataclasses.asdict(rule) for rule in self.rules]}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ObjectRules:
        """The inverse of `to_json`.

        Raises
        ------
        LabelMapError
            The values are no rules.
        """
        try:
            rules = (ObjectRule(**{**item, "source": RuleSource(item["source"])}) for item in values["rules"])
            return cls(tuple(rules), AreaUnit(values["unit"]))
        except (KeyError, TypeError, ValueError) as error:
            raise LabelMapError(f"The object rules cannot be read ({error}).", "Learn them again.") from error
