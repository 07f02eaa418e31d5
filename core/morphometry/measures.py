"""What is told of objects: a row each. A new measure is one entry of `MEASURES`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.label_scheme import LabelClass, LabelScheme
from core.morphometry.objects import ObjectTable
from core.morphometry.spacing import nearest_px

Floats = NDArray[np.float64]


class Quantity(Enum):
    """Kinds of figures: unit where the pixel size is known, that unit in nm, its power; unit where it is not known."""

    AREA = ("µm²", 1000.0, 2, "px")
    LENGTH = ("µm", 1000.0, 1, "px")
    DISTANCE = ("nm", 1.0, 1, "px")
    SHARE = ("%", 1.0, 0, "%")
    NUMBER = ("", 1.0, 0, "")
    PER_LENGTH = ("µm⁻¹", 1000.0, -1, "px⁻¹")

    def unit(self, *, physical: bool) -> str:
        """The unit, "" for plain numbers."""
        return self.value[0] if physical else self.value[3]

    def factor(self, pixel_size_nm: float) -> float:
        """What a figure in pixels is multiplied with.

        >>> Quantity.AREA.factor(500.0), Quantity.DISTANCE.factor(500.0), Quantity.NUMBER.factor(500.0)
        (0.25, 500.0, 1.0)
        """
        _, unit_nm, power, _ = self.value
        return float((pixel_size_nm / unit_nm) ** power)


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of an object.

    Parameters
    ----------
    name
        Key in files and addresses.
    title
        As shown to people.
    quantity
        What kind of figure.
    formula
        In one line.
    in_px
        From a table to float64, shape (n,), in pixels.
    source
        DOI of the paper that defines it, "" for arithmetic.
    needs_size
        Whether there is none without a pixel size.
    """

    name: str
    title: str
    quantity: Quantity
    formula: str
    in_px: Callable[[ObjectTable], Floats]
    source: str = ""
    needs_size: bool = False

    def of(self, table: ObjectTable, *, physical: bool) -> Floats:
        """The figure of every object.

        Parameters
        ----------
        table
            Of a label map.
        physical
            In physical units by the table's own pixel size, NaN where that is unknown; else in pixels.

        Returns
        -------
        ndarray
            float64, shape (n,); NaN for undefined.
        """
        size_nm = table.pixel_size_nm
        if size_nm is None and (physical or self.needs_size):
            return np.full(len(table), np.nan)
        factor = self.quantity.factor(size_nm) if physical and size_nm is not None else 1.0
        return np.asarray(self.in_px(table), np.float64) * factor

    def unit(self, *, physical: bool) -> str:
        """The unit that `of` speaks in."""
        return self.quantity.unit(physical=physical)

    def column(self, *, physical: bool) -> str:
        """Name with its unit in plain letters, for the head of a column.

        >>> MEASURES[0].column(physical=True), MEASURES[5].column(physical=True)
        ('area_um2', 'aspect_ratio')
        """
        unit = self.unit(physical=physical).replace("µ", "u").replace("²", "2").replace("%", "percent")
        return f"{self.name}_{unit}" if unit else self.name

    @property
    def words(self) -> str:
        """The title within a sentence.

        >>> MEASURES[0].words
        'area'
        """
        return self.title[:1].lower() + self.title[1:]

    def heading(self, *, physical: bool) -> str:
        """Title with its unit.

        >>> MEASURES[0].heading(physical=True)
        'Area (µm²)'
        """
        unit = self.unit(physical=physical)
        return f"{self.title} ({unit})" if unit else self.title


def _neighbour(table: ObjectTable) -> Floats:
    """Of each class by itself."""
    found = np.full(len(table), np.nan)
    for class_id in np.unique(table.class_id):
        own = table.class_id == class_id
        found[own] = nearest_px(np.column_stack([table.row[own], table.column[own]]))
    return found


def _eccentricity(table: ObjectTable) -> Floats:
    return np.sqrt(np.maximum(1 - (table.minor_px / table.major_px) ** 2, 0.0))


def _circularity(table: ObjectTable) -> Floats:
    return np.minimum(4 * np.pi * table.filled_px / table.outer_px**2, 1.0)


MEASURES: Final = (
    Measure(
        "area", "Area", Quantity.AREA, "pixels of the object, without its holes", lambda t: t.area_px.astype(np.float64)
    ),
    Measure(
        "diameter", "Diameter of equal area", Quantity.LENGTH, "2 · √(area / π)",
        lambda t: 2 * np.sqrt(t.area_px / np.pi),
    ),
    Measure(
        "perimeter", "Perimeter", Quantity.LENGTH,
        "length of the outer outline, holes filled (Crofton's formula, four directions)",
        lambda t: t.outer_px, "10.5566/ias.v26.p83-92",
    ),
    Measure(
        "length", "Length", Quantity.LENGTH, "major axis of the ellipse with the same second moments",
        lambda t: t.major_px,
    ),
    Measure(
        "width", "Width", Quantity.LENGTH, "minor axis of the ellipse with the same second moments",
        lambda t: t.minor_px,
    ),
    Measure(
        "aspect_ratio", "Aspect ratio", Quantity.NUMBER, "length / width; 1 if round", lambda t: t.major_px / t.minor_px
    ),
    Measure(
        "circularity", "Circularity", Quantity.NUMBER,
        "4π · filled area / perimeter², at most 1; 1 for a disc, with holes or without", _circularity,
    ),
    Measure(
        "filled_area", "Filled area", Quantity.AREA, "pixels of the object and of its holes",
        lambda t: t.filled_px.astype(np.float64),
    ),
    Measure(
        "perimeter_with_holes", "Perimeter with holes", Quantity.LENGTH,
        "length of the outer outline and of the rims of holes", lambda t: t.perimeter_px, "10.5566/ias.v26.p83-92",
    ),
    Measure(
        "form_factor", "Form factor", Quantity.NUMBER, "1 / circularity: perimeter² / (4π · filled area), at least 1",
        lambda t: 1 / _circularity(t),
    ),
    Measure(
        "solidity", "Solidity", Quantity.NUMBER, "area / area of the convex hull of its pixels; 1 without any bay",
        lambda t: t.area_px / t.hull_px,
    ),
    Measure(
        "eccentricity", "Eccentricity", Quantity.NUMBER, "√(1 − (width / length)²); 0 if round, near 1 for a line",
        _eccentricity,
    ),
    Measure(
        "feret", "Largest Feret diameter", Quantity.LENGTH, "largest distance between two parallel lines that hold it",
        lambda t: t.feret_px,
    ),
    Measure(
        "least_feret", "Smallest Feret diameter", Quantity.LENGTH,
        "smallest distance between two parallel lines that hold it", lambda t: t.least_feret_px,
    ),
    Measure(
        "line_length", "Length of middle lines", Quantity.LENGTH, "length of the object thinned to lines of one pixel",
        lambda t: t.line_px, "10.1145/357994.358023",
    ),
    Measure(
        "nearest_neighbour", "Distance to nearest centre", Quantity.LENGTH,
        "distance between the centres of the object and of the nearest other one of its class", _neighbour,
        "10.2307/1931034",
    ),
    Measure(
        "grey_mean", "Mean grey value", Quantity.NUMBER, "mean of the image's grey values in the object",
        lambda t: t.grey_mean,
    ),
    Measure(
        "grey_sd", "SD of grey values", Quantity.NUMBER,
        "standard deviation of the image's grey values in the object", lambda t: t.grey_sd,
    ),
    Measure(
        "confidence", "Confidence", Quantity.NUMBER, "mean confidence of the model within the object, 0 to 1",
        lambda t: t.confidence,
    ),
)  # fmt: skip
"""Of an object by itself."""


@lru_cache(maxsize=64)
def measures_of(scheme: LabelScheme, class_id: int, *, by_id: bool = False) -> tuple[Measure, ...]:
    """All measures of a class's objects: by themselves, then to each class.

    Parameters
    ----------
    scheme
        The classes.
    class_id
        Whose objects.
    by_id
        Whether ids tell its objects apart: then there are the distance to the nearest other one and contact with them.

    Examples
    --------
    >>> from core.label_scheme import DEFAULT_SCHEME
    >>> [measure.name for measure in measures_of(DEFAULT_SCHEME, 1)][-2:]
    ['distance_to_cell_boundaries', 'contact_with_cell_boundaries']
    """
    others = (item for item in scheme.classes if by_id or item.id != class_id)
    return (
        *MEASURES,
        *(measure for item in others for measure in measures_to(scheme, item, own=item.id == class_id)),
    )


@lru_cache(maxsize=256)
def measures_to(scheme: LabelScheme, other: LabelClass, *, own: bool = False) -> tuple[Measure, Measure]:
    """Distance to a class of a scheme, and contact with it; of its own class, to the other objects of it."""
    key, name = _key(scheme, other), f"other {other.name}" if own else other.name
    distance = Measure(
        f"distance_to_{key}",
        f"Distance to {name}",
        Quantity.DISTANCE,
        f"gap between the nearest pixels of the object and of {name}; 0 if they touch",
        lambda t: _to(t, t.gap_px, other.id),
    )
    contact = Measure(
        f"contact_with_{key}",
        f"Contact with {name}",
        Quantity.SHARE,
        f"fraction of the outline within the contact distance of {name}",
        lambda t: 100 * _to(t, t.near, other.id),
        "10.1038/cdd.2016.52",
        needs_size=True,
    )
    return distance, contact


def _key(scheme: LabelScheme, item: LabelClass) -> str:
    """A class's name in the name of a column, with its id where another class would have the same."""
    key = "_".join(item.name.split())
    same = [each for each in scheme.classes if "_".join(each.name.split()).casefold() == key.casefold()]
    return key if len(same) == 1 else f"{key}_{item.id}"


def _to(table: ObjectTable, values: Floats, class_id: int) -> Floats:
    """The column of a class; NaN where the label map's scheme does not know it."""
    if class_id not in table.class_ids:
        return np.full(len(table), np.nan)
    return values[:, table.class_ids.index(class_id)]
