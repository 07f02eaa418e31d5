"""Figures of a class in an image, which no single object has: surfaces, lines, spread. A new one is an entry below.

Stereology of sections: Weibel 1979, Stereological Methods; Howard and Reed 2005, Unbiased Stereology.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.evaluation.settings import EvaluationSettings
from core.label_scheme import LabelScheme
from core.morphometry.measures import Quantity
from core.morphometry.objects import ObjectTable
from core.morphometry.spacing import evenness

AREA_FRACTION: Final = "Area fraction (Vv)"
"""Share of the area: on sections that lie at random, the share of the volume."""

_LONG: Final = 3.0
"""Times its width that a profile's line must be long to be called elongated."""


class Ratio(NamedTuple):
    """A figure of an image: of several images it is the ratio of the sums.

    Parameters
    ----------
    above, below
        NaN and 0 where there is none.
    """

    above: float
    below: float

    @property
    def value(self) -> float:
        """NaN where there is none."""
        return self.above / self.below if self.below > 0 else math.nan


@dataclass(frozen=True, slots=True)
class ClassFigure:
    """One figure.

    Parameters
    ----------
    name
        Key in files.
    title
        As shown to people.
    quantity
        What kind of figure.
    formula
        In one line.
    of
        From a table and the objects that count, bool of shape (n,), in pixels.
    network
        Whether it is for classes that form sheets or networks: True only these, False only others, None for all.
    """

    name: str
    title: str
    quantity: Quantity
    formula: str
    of: Callable[[ObjectTable, NDArray[np.bool_]], Ratio]
    network: bool | None = None

    def measured(self, table: ObjectTable, chosen: NDArray[np.bool_], *, physical: bool) -> Ratio:
        """The figure of an image.

        Parameters
        ----------
        table, chosen
            Objects, and which of them count.
        physical
            In physical units by the table's pixel size, NaN where that is unknown; else in pixels.
        """
        found = self.of(table, chosen)
        if not physical:
            return found
        if table.pixel_size_nm is None:
            return Ratio(math.nan, 0.0)
        return Ratio(found.above * self.quantity.factor(table.pixel_size_nm), found.below)

    def unit(self, *, physical: bool) -> str:
        """Of the figure."""
        return self.quantity.unit(physical=physical)

    def column(self, *, physical: bool) -> str:
        """Name with its unit in plain letters, for the head of a column.

        >>> CLASS_FIGURES[0].column(physical=True), CLASS_FIGURES[0].column(physical=False)
        ('surface_density_per_um', 'surface_density_per_px')
        """
        unit = {"µm⁻¹": "_per_um", "px⁻¹": "_per_px", "µm": "_um", "px": "_px", "%": "_percent"}
        return self.name + unit.get(self.unit(physical=physical), "")


def _surface(table: ObjectTable, chosen: NDArray[np.bool_]) -> Ratio:
    return _defined(4 / math.pi * table.boundary_px[chosen].sum(), table.labelled_px)


def _line_density(table: ObjectTable, chosen: NDArray[np.bool_]) -> Ratio:
    return _defined(table.line_px[chosen].sum(), table.labelled_px)


def _width(table: ObjectTable, chosen: NDArray[np.bool_]) -> Ratio:
    return _defined(table.area_px[chosen].sum(), table.line_px[chosen].sum())


def _branches(table: ObjectTable, chosen: NDArray[np.bool_]) -> Ratio:
    return _defined(table.branch_points[chosen].sum(), table.line_px[chosen].sum())


def _elongated(table: ObjectTable, chosen: NDArray[np.bool_]) -> Ratio:
    """By the length and mean width of each profile; one without any line is compact."""
    area, line = table.area_px[chosen].astype(np.float64), table.line_px[chosen]
    if np.isnan(line).any():
        return Ratio(math.nan, 0.0)
    return _defined(100 * area[line * line >= _LONG * area].sum(), area.sum())


def _evenness(table: ObjectTable, chosen: NDArray[np.bool_]) -> Ratio:
    """Only of images that are labelled everywhere: gaps would look like order."""
    rows, columns = table.shape_yx
    if table.labelled_px < rows * columns:
        return Ratio(math.nan, 0.0)
    centres = np.column_stack([table.row[chosen], table.column[chosen]])
    return _defined(evenness(centres, table.shape_yx), 1.0)


def _defined(above: float, below: float) -> Ratio:
    above, below = float(above), float(below)
    return Ratio(above, below) if math.isfinite(above) and math.isfinite(below) else Ratio(math.nan, 0.0)


CLASS_FIGURES: Final = (
    ClassFigure(
        "surface_density", "Surface density Sv", Quantity.PER_LENGTH,
        "4/π · length of boundary per labelled area: surface per volume, if sections lie at random", _surface,
    ),
    ClassFigure(
        "nearest_neighbour_ratio", "Nearest neighbour ratio", Quantity.NUMBER,
        "mean distance to the nearest centre beside that of points at random; below 1 clustered, above 1 apart",
        _evenness, network=False,
    ),
    ClassFigure(
        "line_density", "Length per area", Quantity.PER_LENGTH, "length of middle lines per labelled area",
        _line_density, network=True,
    ),
    ClassFigure(
        "line_width", "Mean width", Quantity.LENGTH, "area / length of middle lines", _width, network=True,
    ),
    ClassFigure(
        "branch_density", "Branch points per length", Quantity.PER_LENGTH,
        "places where three lines or more meet per length of middle lines", _branches, network=True,
    ),
    ClassFigure(
        "elongated", "Area in elongated profiles", Quantity.SHARE,
        "per cent of its area in profiles at least 3 times as long as wide (length of lines, area / length): of ER "
        "mostly sheets; compact ones are mostly tubules", _elongated, network=True,
    ),
)  # fmt: skip
"""Of a class in an image."""


def class_figures(scheme: LabelScheme, class_id: int) -> tuple[ClassFigure, ...]:
    """Those of a class: networks have lines, others have a spread.

    >>> from core.label_scheme import DEFAULT_SCHEME
    >>> [figure.name for figure in class_figures(DEFAULT_SCHEME, 1)]
    ['surface_density', 'nearest_neighbour_ratio']
    """
    network = class_id not in EvaluationSettings().objects(scheme)
    return tuple(figure for figure in CLASS_FIGURES if figure.network in (None, network))
