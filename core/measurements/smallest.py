"""The smallest object of each class that counts at first: learned by a model, else a number of pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from core.label_scheme import LabelScheme
from core.learning.object_sizes import ProjectRules
from core.measurements.sources import MeasuredMap
from core.morphometry.coverage import NM2_PER_UM2, SMALL_PX, area_um2

_HALF_DIGIT: Final = 0.005
"""Taken off so that three digits round down and not up."""


@dataclass(frozen=True, slots=True)
class Smallest:
    """From which area on objects of each class are seen by objects of others.

    Parameters
    ----------
    areas
        Class id and area; of other classes every object is seen.
    physical
        Whether areas are in µm² and not in pixels.
    """

    areas: tuple[tuple[int, float], ...] = ()
    physical: bool = True

    def px(self, pixel_size_nm: float | None) -> dict[int, float]:
        """The areas in pixels of an image; none in µm² where its pixel size is unknown."""
        if not self.physical:
            return dict(self.areas)
        if pixel_size_nm is None:
            return {}
        return {class_id: area * NM2_PER_UM2 / pixel_size_nm**2 for class_id, area in self.areas}

    def to_json(self) -> dict[str, float]:
        """Areas by class id as text, as jobs keep them."""
        return {str(class_id): area for class_id, area in self.areas}

    @classmethod
    def from_json(cls, areas: Mapping[str, float], *, physical: bool) -> Smallest:
        """The inverse of `to_json`."""
        return cls(tuple(sorted((int(class_id), float(area)) for class_id, area in areas.items())), physical)


def smallest_of_classes(rules: ProjectRules, scheme: LabelScheme, size_nm: float | None) -> Smallest:
    """`usual_smallest` of every class.

    Parameters
    ----------
    rules
        Of the project, or of the model that made the label maps.
    scheme
        The classes.
    size_nm
        Of the typical image; None: unknown, areas are in pixels.
    """
    areas = tuple((class_id, usual_smallest(rules, class_id, size_nm)[0]) for class_id in sorted(scheme.ids))
    return Smallest(areas, physical=size_nm is not None)


def smallest_of_maps(rules: ProjectRules, scheme: LabelScheme, maps: Sequence[MeasuredMap]) -> Smallest:
    """`smallest_of_classes` at the median of the known pixel sizes of the images, as the Measure page has it."""
    sizes = sorted(each.image.pixel_size.nm for each in maps if each.image.pixel_size.nm is not None)
    return smallest_of_classes(rules, scheme, sizes[len(sizes) // 2] if sizes else None)


def usual_smallest(rules: ProjectRules, class_id: int, size_nm: float | None) -> tuple[float, bool]:
    """The size below which pieces of a class are left out at first, and whether a model has learned it.

    In µm², in pixels where no pixel size is known.
    """
    if size_nm is None:
        pixels = rules.rules.smallest_px(class_id, None)
        return (speck(None), False) if pixels is None else (float(round(pixels)), True)
    area = rules.rules.smallest_um2(class_id, size_nm)
    return (speck(size_nm), False) if area is None else (_rounded_down(area), True)


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
