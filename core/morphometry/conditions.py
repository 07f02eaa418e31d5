"""Conditions beside each other (control, treated): by how much a figure differs, and whether that can be chance.

What is compared are means of specimens, never objects or images of one specimen: those are not independent, and a test
over them finds a difference between any two animals. Lord et al. 2020, 10.1083/jcb.202001064; Welch 1947,
10.2307/2332510; Holm 1979, Scandinavian Journal of Statistics 6:65-70.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.evaluation import intervals
from core.label_scheme import LabelScheme
from core.morphometry.class_figures import AREA_FRACTION, ClassFigure, class_figures
from core.morphometry.condition_names import by_number, conditions
from core.morphometry.measures import Measure, Quantity, measures_of
from core.morphometry.several import NO_TEST, Together, any_differ
from core.morphometry.summary import (
    DENSITY_UM2,
    ImageObjects,
    ImageSummary,
    Selection,
    figure_ratios,
    summarise,
    told_apart,
)
from core.morphometry.t_test import NO_EFFECT, Effect, Tested, effect_size, power, smallest_found, t_test

_NO_OUTCOMES: Final = frozenset(
    ("confidence", "grey_mean", "grey_sd", "form_factor", "eccentricity", "feret", "least_feret", "line_length")
)
"""Measures that say nothing about tissue, depend on staining and microscope, or say what another says: comparing them
too would only make the others less sure."""


_ON_RATIOS: Final = (Quantity.AREA, Quantity.LENGTH, Quantity.DISTANCE, Quantity.PER_LENGTH)
"""Quantities that conditions multiply rather than add to; shares and shapes are compared as they are."""


class ComparedBy(StrEnum):
    """On which scale conditions are compared."""

    DIFFERENCE = "difference"
    """Means of specimens, as they are."""
    RATIO = "ratio"
    """Sizes, distances and numbers by the logarithms of the specimens' means: geometric means and their ratio. Figures
    of a few large objects are skewed, and spread grows with size; on this scale neither matters."""


class Design(StrEnum):
    """How the specimens of two conditions belong together."""

    INDEPENDENT = "independent"
    """Every specimen is in one of them: Welch's t-test."""
    PAIRED = "paired"
    """Half of them at least are in both: paired t-test over these."""
    MIXED = "mixed"
    """Some are in both, but too few: neither test holds."""
    UNRECORDED = "specimen not recorded"
    """Nobody said which images show one animal or donor, so that nothing can be said to be independent: images of one
    animal in place of animals find a difference where there is none in two to four of ten comparisons."""


@dataclass(frozen=True, slots=True)
class UnitMean:
    """What counts as one: a specimen (or stack) with its images, or an image whose specimen nobody recorded.

    Parameters
    ----------
    key
        Tells units apart; the same specimen has the same in every condition. A stack or an image without a specimen is
        never the same as another one.
    name
        To be shown.
    image_ids
        Its images that have a figure; of a unit without any, all.
    mean
        Over its images, NaN where none has a figure.
    objects
        How many are behind it.
    recorded
        Whether it is a specimen that somebody recorded.
    weight
        Of figures per area, the area that they are of: without specimens, images weigh by it.
    """

    key: str
    name: str
    image_ids: tuple[str, ...]
    mean: float
    objects: int
    recorded: bool = True
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one figure between two conditions.

    Parameters
    ----------
    reference, mean
        Means of the units' means of the reference and of the other condition; NaN without any.
    low, high
        95 % interval of ``mean - reference``; NaN where there is none.
    p
        Two-sided, of Welch's or the paired t-test; NaN where there is none.
    reference_units, units
        How many units have a figure; of pairs, how many have both.
    design
        How they belong together.
    alone
        Of pairs: how many units do not count because the other half, or its figure, is missing.
    error, freedom
        Standard error of the difference and the test's degrees of freedom; NaN where there is no test.
    by
        On which scale: with ``RATIO`` means are geometric, ``low`` and ``high`` are those of the ratio times the
        reference's mean, and ``error`` is that of the difference of natural logarithms.
    effect
        Hedges' g, on that scale.
    """

    reference: float
    mean: float
    low: float
    high: float
    p: float
    reference_units: int
    units: int
    design: Design
    alone: int = 0
    error: float = math.nan
    freedom: float = math.nan
    by: ComparedBy = ComparedBy.DIFFERENCE
    effect: Effect = NO_EFFECT

    @property
    def value(self) -> float:
        """The difference, in the figure's unit."""
        return self.mean - self.reference

    def percent(self, value: float) -> float:
        """A difference in per cent of the reference's mean; NaN where that is 0 or less."""
        return 100 * value / self.reference if self.reference > 0 else float("nan")

    def chance(self, percent: float) -> float:
        """Share of such studies, 0 to 1, that find a true increase of so many per cent; NaN where there was no test."""
        if not self.reference > 0:
            return float("nan")
        size = math.log1p(percent / 100) if self.by is ComparedBy.RATIO else self.reference * percent / 100
        return power(size, self.error, self.freedom)

    @property
    def smallest(self) -> float:
        """The true increase that 80 % of such studies find, in the figure's unit; NaN where there was no test."""
        size = smallest_found(self.error, self.freedom)
        return self.reference * math.expm1(size) if self.by is ComparedBy.RATIO else size


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of one condition beside the reference.

    Parameters
    ----------
    name, title, unit
        Of the figure: its key, as shown to people, and its unit.
    condition
        Which, beside the reference.
    difference
        Between them.
    p_adjusted
        Holm's, over all figures and conditions that were compared at once; NaN as ``difference.p``.
    together
        Of the figure: one test over all conditions, where there are three or more.
    """

    name: str
    title: str
    unit: str
    condition: str
    difference: Difference
    p_adjusted: float = float("nan")
    together: Together = NO_TEST

    @property
    def percent(self) -> float:
        """The difference in per cent of the reference's mean; NaN where that is 0 or less."""
        return self.difference.percent(self.difference.value)


def unit_means(rows: Sequence[ImageSummary]) -> tuple[UnitMean, ...]:
    """The mean of the objects of each specimen, of the measure that the rows of one condition are about; by name."""
    return _unit_ratios(rows, [(row.mean, float(row.weight.sum())) for row in rows], by_area=False)


def unit_densities(rows: Sequence[ImageSummary]) -> tuple[UnitMean, ...]:
    """Objects per 100 µm² of each specimen, over the area of all its images."""
    return _unit_ratios(rows, [(row.density, row.frame) for row in rows], by_area=True)


def unit_shares(rows: Sequence[ImageSummary]) -> tuple[UnitMean, ...]:
    """Share of the labelled area of each specimen, in per cent, over all its images."""
    return _unit_ratios(rows, [(100 * row.area_fraction, row.labelled) for row in rows], by_area=True)


def unit_figures(rows: Sequence[ImageSummary], figure: ClassFigure) -> tuple[UnitMean, ...]:
    """A figure of the class of each specimen, over all its images."""
    ratios = figure_ratios(rows, figure)
    return _unit_ratios(rows, [(each.value, each.below) for each in ratios], by_area=True)


def _unit_ratios(
    rows: Sequence[ImageSummary], ratios: Sequence[tuple[float, float]], *, by_area: bool
) -> tuple[UnitMean, ...]:
    """The ratio of each unit's sums, from the ratio of each image and what it is divided by."""
    found: dict[str, list[tuple[ImageSummary, float, float]]] = {}
    for row, (value, below) in zip(rows, ratios, strict=True):
        found.setdefault(unit_key(row.image), []).append((row, value, below))
    units = []
    for key, members in found.items():
        defined = [member for member in members if member[1] == member[1]]
        total = sum(below for _, _, below in defined)
        mean = sum(value * below for _, value, below in defined) / total if total else float("nan")
        ids = tuple(row.image.image_id for row, _, _ in defined or members)
        first = members[0][0].image
        objects = sum(len(row.values) for row, _, _ in defined)
        weight = total if by_area and total else 1.0
        units.append(UnitMean(key, first.unit or first.name, ids, mean, objects, bool(first.specimen), weight))
    return tuple(sorted(units, key=lambda unit: by_number(unit.name)))


def difference(
    reference: Sequence[UnitMean], other: Sequence[UnitMean], by: ComparedBy = ComparedBy.DIFFERENCE
) -> Difference:
    """Compare a condition with the reference.

    An interval and a p value need specimens that somebody recorded, two with a figure on each side and some spread
    among them. Specimens that are in both make pairs, if they are half of all at least: the others do not count then.

    Parameters
    ----------
    reference, other
        Units of each, as `unit_means` gives them.
    by
        On which scale. Where a mean of a unit is 0 or less there is no ratio: then as they are.
    """
    first, second = ({unit.key: unit.mean for unit in units} for units in (reference, other))
    every, shared = first.keys() | second.keys(), first.keys() & second.keys()
    half = 2 * len(shared) >= len(every)
    design = Design.INDEPENDENT if not shared else Design.PAIRED if half else Design.MIXED
    alone = 0
    if design is Design.PAIRED:
        keys = [key for key in first if np.isfinite(first[key]) and np.isfinite(second.get(key, math.nan))]
        a, b = np.array([first[key] for key in keys]), np.array([second[key] for key in keys])
        alone = len(every) - len(keys)
    else:
        a, b = (np.array([mean for mean in means.values() if np.isfinite(mean)]) for means in (first, second))
    if not all(unit.recorded for unit in (*reference, *other)):
        design = Design.UNRECORDED
    if by is ComparedBy.RATIO and not (len(a) and len(b) and min(a.min(), b.min()) > 0):
        by = ComparedBy.DIFFERENCE
    if by is ComparedBy.RATIO:
        a, b = np.log(a), np.log(b)
    found, effect = Tested(), NO_EFFECT
    if design in (Design.INDEPENDENT, Design.PAIRED):
        found = t_test(a, b, paired=design is Design.PAIRED)
        effect = effect_size(a, b, paired=design is Design.PAIRED)
    middle, low, high = _mean(a), found.low, found.high
    if by is ComparedBy.RATIO:
        middle = math.exp(middle)
        low, high = (middle * math.expm1(end) for end in (low, high))
    other_middle = math.exp(_mean(b)) if by is ComparedBy.RATIO else _mean(b)
    if design is Design.UNRECORDED and by is ComparedBy.DIFFERENCE:
        middle, other_middle = _weighted(reference), _weighted(other)
    return Difference(
        middle, other_middle, low, high, found.p, len(a), len(b), design, alone, found.error, found.freedom, by, effect
    )


def mean_of(means: Sequence[float], by: ComparedBy) -> float:
    """Of specimens' means: geometric where they are compared by ratios and all are above 0; NaN without any.

    >>> mean_of([1.0, 4.0], ComparedBy.RATIO), mean_of([1.0, 4.0], ComparedBy.DIFFERENCE)
    (2.0, 2.5)
    """
    values = np.array(means, np.float64)
    if by is ComparedBy.RATIO and len(values) and values.min() > 0:
        return math.exp(_mean(np.log(values)))
    return _mean(values)


def scale_of(quantity: Quantity, by: ComparedBy) -> ComparedBy:
    """On which scale figures of a kind are compared where somebody asked for ``by``."""
    return by if quantity in _ON_RATIOS else ComparedBy.DIFFERENCE


def compare(
    images: Sequence[ImageObjects],
    scheme: LabelScheme,
    selection: Selection,
    reference: str,
    by: ComparedBy = ComparedBy.DIFFERENCE,
) -> tuple[Compared, ...]:
    """Every figure of the objects of a class, of every condition beside the reference.

    Parameters
    ----------
    images
        With their objects; those without a condition do not count.
    scheme
        The classes.
    selection
        Which objects count.
    reference
        One of `conditions`.
    by
        On which scale sizes, distances and numbers are compared.

    Returns
    -------
    tuple of Compared
        Number and area share first, then figures of the class, then the measures; without those that no object
        has or that are 0 everywhere.
    """
    names = conditions(images, reference)
    members = {name: tuple(image for image in images if image.condition == name) for name in names}
    others = [name for name in names if name != reference]
    found: list[Compared] = []
    for measure in compared_measures(images, scheme, selection):
        rows = {name: summarise(of, measure, selection) for name, of in members.items()}
        if not found:
            found += _of_class(rows, reference, others, by, scheme, selection)
        units = {name: unit_means(of) for name, of in rows.items()}
        if _says_something(units):
            unit = measure.unit(physical=selection.physical)
            scale = scale_of(measure.quantity, by)
            found += _each(measure.name, measure.title, unit, units, reference, others, scale)
    adjusted = intervals.holm([each.difference.p for each in found])
    return tuple(replace(each, p_adjusted=p) for each, p in zip(found, adjusted, strict=True))


def adjusted_together(compared: Mapping[int, Sequence[Compared]]) -> dict[int, tuple[Compared, ...]]:
    """What `compare` found of several classes, with p adjusted over all of them: as many as one file holds."""
    adjusted = iter(intervals.holm([each.difference.p for of_class in compared.values() for each in of_class]))
    return {
        class_id: tuple(replace(each, p_adjusted=next(adjusted)) for each in of_class)
        for class_id, of_class in compared.items()
    }


def compared_measures(images: Sequence[ImageObjects], scheme: LabelScheme, selection: Selection) -> tuple[Measure, ...]:
    """The measures of a class that conditions are compared by."""
    measures = measures_of(scheme, selection.class_id, by_id=told_apart(images, selection.class_id))
    return tuple(
        measure
        for measure in measures
        if measure.name not in _NO_OUTCOMES and (selection.physical or not measure.needs_size)
    )


def measure_difference(
    rows: Sequence[ImageSummary], reference: str, other: str, by: ComparedBy = ComparedBy.DIFFERENCE
) -> Difference:
    """Of the measure that the rows are about, between two conditions; ``by`` as `scale_of` has it for the measure."""
    first, second = ([row for row in rows if row.image.condition == name] for name in (reference, other))
    return difference(unit_means(first), unit_means(second), by)


def _of_class(
    rows: Mapping[str, Sequence[ImageSummary]],
    reference: str,
    others: Sequence[str],
    by: ComparedBy,
    scheme: LabelScheme,
    selection: Selection,
) -> list[Compared]:
    """Number per area where the pixel size is known, area share, and the figures of the class."""
    found, physical = [], selection.physical
    if physical:
        units = {name: unit_densities(of) for name, of in rows.items()}
        title = f"Objects per {DENSITY_UM2:g} µm²"
        found += _each(f"objects_per_{DENSITY_UM2:g}_um2", title, "", units, reference, others, by)
    shares = {name: unit_shares(of) for name, of in rows.items()}
    scale = scale_of(Quantity.SHARE, by)
    found += _each("area_percent", AREA_FRACTION, "%", shares, reference, others, scale)
    for figure in class_figures(scheme, selection.class_id):
        units = {name: unit_figures(of, figure) for name, of in rows.items()}
        if _says_something(units):
            unit, scale = figure.unit(physical=physical), scale_of(figure.quantity, by)
            found += _each(figure.name, figure.title, unit, units, reference, others, scale)
    return found


def _each(
    name: str,
    title: str,
    unit: str,
    units: Mapping[str, Sequence[UnitMean]],
    reference: str,
    others: Sequence[str],
    by: ComparedBy,
) -> list[Compared]:
    tests = [difference(units[reference], units[other], by) for other in others]
    independent = all(test.design is Design.INDEPENDENT for test in tests)
    together = _together(list(units.values()), by) if independent else NO_TEST
    return [
        Compared(name, title, unit, other, test, together=together) for other, test in zip(others, tests, strict=True)
    ]


def _says_something(units: Mapping[str, Sequence[UnitMean]]) -> bool:
    """Whether any unit has a figure other than 0: contacts with a class that is nowhere are 0 everywhere."""
    return any(unit.mean == unit.mean and unit.mean != 0 for of in units.values() for unit in of)


def _together(groups: Sequence[Sequence[UnitMean]], by: ComparedBy) -> Together:
    """One test over all conditions; none where a specimen is in two of those beside the reference."""
    keys = [unit.key for units in groups for unit in units]
    if len(groups) < 3 or len(set(keys)) < len(keys):
        return NO_TEST
    values = [np.array([unit.mean for unit in units if np.isfinite(unit.mean)]) for units in groups]
    ratios = by is ComparedBy.RATIO and all(len(each) and each.min() > 0 for each in values)
    return any_differ([np.log(each) for each in values] if ratios else values)


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _weighted(units: Sequence[UnitMean]) -> float:
    """Of units that nobody recorded as specimens."""
    known = [unit for unit in units if np.isfinite(unit.mean)]
    return float(np.average([u.mean for u in known], weights=[u.weight for u in known])) if known else float("nan")


def kind_of_units(images: Iterable[ImageObjects]) -> str:
    """What counts as one: "specimen", "stack", "image", or "unit" where it is not the same for all."""
    return str(intervals.kind_of_units(image.membership for image in images)).removesuffix("s")


def unit_key(image: ImageObjects) -> str:
    """A specimen is the same in every condition; a stack or an image is one of its own."""
    if image.specimen:
        return image.specimen
    return f"\0{image.condition}\0{image.stack}" if image.stack else f"\0\0{image.image_id}"
