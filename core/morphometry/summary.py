"""Objects of one class over many images: a row per image, and the mean over images with its interval.

Images of one specimen (or stack) make one figure, the ratio of their sums: objects over area, sum of sizes over number
of objects. So an image of which little is labelled, or with few objects, weighs as little as it says. Specimens weigh
alike. Where nobody recorded specimens, numbers and shares per area are the ratio of the sums over all images.

Objects of one image are not independent of each other, so an interval is never over objects: images, or specimens where
they are known, are what is drawn. Lord et al. 2020, 10.1083/jcb.202001064.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.evaluation.intervals import Membership, Scale, UnitKind, Units, mean_with_interval, units_of
from core.labels.numbering import CountedBy
from core.morphometry.class_figures import ClassFigure, Ratio
from core.morphometry.coverage import NM2_PER_UM2, area_um2
from core.morphometry.doubts import Changes, CountInterval, Doubts, count_interval, mean_interval
from core.morphometry.edges import LEAST_FIT, edge_weights, weighted_quantiles
from core.morphometry.measures import Measure
from core.morphometry.objects import ObjectTable
from core.wording import counted

DENSITY_UM2: Final = 100.0
"""Objects are counted per so many µm²."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects count.

    Parameters
    ----------
    class_id
        Of this class.
    least_um2, least_px
        Smaller ones are left out; the one that goes with the units.
    whole_only
        Leave out objects that are cut off by the image's edge or by pixels that nobody labelled.
    physical
        Physical units; of images without a pixel size nothing counts then.
    """

    class_id: int
    least_um2: float = 0.0
    least_px: int = 0
    whole_only: bool = True
    physical: bool = True

    def chosen(self, table: ObjectTable, *, cut_too: bool = False) -> NDArray[np.bool_]:
        """True for the objects that count."""
        fits: NDArray[np.bool_] = table.class_id == self.class_id
        if not self.physical:
            fits &= table.area_px >= self.least_px
        elif table.pixel_size_nm is None:
            fits &= False
        else:
            fits &= table.area_px * table.pixel_size_nm**2 / NM2_PER_UM2 >= self.least_um2
        if self.whole_only and not cut_too:
            fits &= ~table.cut
        return fits


@dataclass(frozen=True, slots=True)
class ImageObjects:
    """The objects of one image.

    Parameters
    ----------
    image_id, name, specimen
        Which image; specimen "" where nobody recorded it.
    version
        Of the table: two with the same version hold the same, so the figures of one are those of the other.
    table
        Its objects, of all classes.
    condition
        What was done to the specimen, "" where not recorded.
    stack
        That it is a plane of, "" for none.
    doubts
        Unanswered places where one object may be two, or two one.
    confirmed
        Share of the image's pixels, 0 to 1, that a person has confirmed; NaN where nobody knows.
    """

    image_id: str
    name: str
    specimen: str
    version: str
    table: ObjectTable = field(compare=False, repr=False)
    condition: str = ""
    stack: str = ""
    doubts: Doubts = field(default_factory=Doubts.none, compare=False, repr=False)
    confirmed: float = field(default=float("nan"), compare=False)

    @property
    def membership(self) -> Membership:
        """What intervals count the image to."""
        return Membership(self.specimen, self.stack)

    @property
    def unit(self) -> str:
        """What belongs together: images of one specimen, else planes of one stack; "" for an image that is alone."""
        return self.specimen or self.stack


@dataclass(frozen=True, eq=False, slots=True)
class ImageSummary:
    """One image's figures.

    Parameters
    ----------
    image
        Which.
    objects
        How many of the class there are, of the smallest size or larger, also those that are cut off.
    cut
        How many of these are cut off.
    density
        Objects per 100 µm² of labelled image, NaN without a pixel size; each object counts as ``part`` of
        `core.morphometry.objects.ObjectTable` says.
    area_fraction
        Share of the labelled pixels, 0 to 1, that these objects cover, also those that are cut off; NaN without any.
    values
        float64, the measure of the objects that count; undefined ones left out.
    selection
        Which objects these are.
    counted_by
        What the objects are.
    changes
        What answers to questions may do to ``objects``.
    weights
        float64, how many objects each of ``values`` stands for, because edges and gaps cut large ones more often than
        small ones; None: one each.
    too_large
        Cut objects, as ``objects``, that would lie whole hardly anywhere in the labelled region: sizes of whole objects
        do not stand for them.
    """

    image: ImageObjects
    objects: int
    cut: int
    density: float
    area_fraction: float
    values: NDArray[np.float64]
    selection: Selection
    counted_by: CountedBy = CountedBy.PIECES
    changes: Changes = field(default_factory=Changes.none)
    weights: NDArray[np.float64] | None = None
    too_large: int = 0

    @property
    def frame(self) -> float:
        """The area that ``density`` belongs to: µm², pixels where the pixel size is unknown."""
        return _field(self.image.table, self.image.table.frame_px)

    @property
    def labelled(self) -> float:
        """The area that ``area_fraction`` belongs to, in the same unit."""
        return _field(self.image.table, self.image.table.labelled_px)

    @property
    def weight(self) -> NDArray[np.float64]:
        """How many objects each of ``values`` stands for."""
        return np.ones(len(self.values)) if self.weights is None else self.weights

    @property
    def interval(self) -> CountInterval | None:
        """Of ``objects``, from unanswered questions; None where nothing is in doubt."""
        return count_interval(self.objects, self.changes)

    @property
    def density_per_object(self) -> float:
        """What one object more adds to ``density``, NaN without a pixel size."""
        field_um2 = area_um2(self.image.table.frame_px, self.image.table.pixel_size_nm)
        return DENSITY_UM2 / field_um2 if field_um2 else float("nan")

    @property
    def mean(self) -> float:
        """Mean of the objects, NaN without any."""
        return float(np.average(self.values, weights=self.weight)) if len(self.values) else float("nan")

    @property
    def median(self) -> float:
        """Median of the objects, NaN without any."""
        if not len(self.values):
            return float("nan")
        return float(weighted_quantiles(self.values, self.weight, (0.5,))[0])

    @property
    def deviation(self) -> float:
        """Standard deviation of the objects, NaN with fewer than two."""
        count = len(self.values)
        if count < 2:
            return float("nan")
        variance = float(np.average((self.values - self.mean) ** 2, weights=self.weight))
        return float(np.sqrt(variance * count / (count - 1)))


@dataclass(frozen=True, slots=True)
class Overall:
    """The mean over specimens (else stacks, else images) with its interval.

    Parameters
    ----------
    mean, low, high
        Of the units' figures, each the ratio of its images' sums; the interval is NaN with fewer than three units.
    images
        How many images have a mean.
    units, unit_kind
        What the mean and its interval are over, and how many have a figure.
    """

    mean: float
    low: float
    high: float
    images: int
    units: int
    unit_kind: UnitKind


def summarise(images: Sequence[ImageObjects], measure: Measure, selection: Selection) -> list[ImageSummary]:
    """One row per image, in the given order."""
    return [_image(image, measure, selection) for image in images]


def overall(rows: Sequence[ImageSummary]) -> Overall:
    """The mean over specimens of the means of their objects, with its 95 % interval."""
    return _overall(rows, [row.mean for row in rows], [float(row.weight.sum()) for row in rows])


def overall_median(rows: Sequence[ImageSummary]) -> Overall:
    """The mean over specimens of the medians of their objects, with its 95 % interval."""
    units = _units(rows)
    medians = np.full(len(rows), np.nan)
    for unit in range(units.count):
        places = [place for place in np.flatnonzero(units.index == unit).tolist() if len(rows[place].values)]
        if places:
            values = np.concatenate([rows[place].values for place in places])
            weights = np.concatenate([rows[place].weight for place in places])
            medians[places] = weighted_quantiles(values, weights, (0.5,))
    return _overall(rows, medians.tolist())


def overall_density(rows: Sequence[ImageSummary]) -> Overall:
    """The mean over specimens of the number of objects per 100 µm²; without specimens of all images together."""
    return _overall(rows, [row.density for row in rows], [row.frame for row in rows], per_area=True)


def total_interval(rows: Sequence[ImageSummary]) -> CountInterval | None:
    """The interval of the number of objects in all images together, from unanswered questions."""
    return count_interval(sum(row.objects for row in rows), Changes.joined(row.changes for row in rows))


def density_doubt(rows: Sequence[ImageSummary]) -> tuple[float, float] | None:
    """How far answers may move `overall_density`'s mean: low and high; None where nothing is in doubt.

    Differences between images or specimens are not in it; they are `Overall`'s.
    """
    if not any(len(row.changes) for row in rows):
        return None
    weights = _density_weights(rows)
    effects = [weight * row.density_per_object for weight, row in zip(weights, rows, strict=True)]
    return mean_interval(overall_density(rows).mean, [row.changes for row in rows], effects)


def overall_share(rows: Sequence[ImageSummary]) -> Overall:
    """The mean over specimens of the share of the area, 0 to 1; without specimens of all images together."""
    values, areas = [row.area_fraction for row in rows], [row.labelled for row in rows]
    return _overall(rows, values, areas, Scale.SHARE, per_area=True)


def overall_figure(rows: Sequence[ImageSummary], figure: ClassFigure) -> Overall:
    """The mean over specimens of a figure of the class; without specimens of all images together."""
    ratios = figure_ratios(rows, figure)
    return _overall(rows, [each.value for each in ratios], [each.below for each in ratios], per_area=True)


def figure_ratios(rows: Sequence[ImageSummary], figure: ClassFigure) -> list[Ratio]:
    """A figure of the class in each image, of all objects that are large enough, also those that are cut off."""
    return [
        figure.measured(
            row.image.table,
            row.selection.chosen(row.image.table, cut_too=True),
            physical=row.selection.physical,
        )
        for row in rows
    ]


def too_large_words(rows: Sequence[ImageSummary], *, whole_only: bool) -> str:
    """That objects are too large for the labelled regions, so that means of whole ones are too small; "" if none is."""
    number = sum(row.too_large for row in rows)
    if not number or not whole_only:
        return ""
    return (
        f"{counted(number, 'cut-off object')} hardly fit into the labelled regions or the image, so mean sizes do not "
        "stand for them and are too small. Label larger regions, or images at a lower magnification."
    )


def told_apart(images: Sequence[ImageObjects], class_id: int) -> bool:
    """Whether ids tell the objects of a class apart in any of the images."""
    return any(class_id in image.table.classes_by_id for image in images)


def typical_size_nm(images: Sequence[ImageObjects]) -> float | None:
    """The median of the known pixel sizes, None where none is known."""
    sizes = sorted(each.table.pixel_size_nm for each in images if each.table.pixel_size_nm is not None)
    return sizes[len(sizes) // 2] if sizes else None


def _overall(
    rows: Sequence[ImageSummary],
    values: list[float],
    weights: Sequence[float] | None = None,
    scale: Scale = Scale.POSITIVE,
    *,
    per_area: bool = False,
) -> Overall:
    """Of figures of images, which in their unit count by ``weights`` (None: all alike)."""
    units, figures = _units(rows), np.array(values, np.float64)
    known = np.isfinite(figures)
    weight = np.ones(len(rows)) if weights is None else np.array(weights, np.float64)
    totals = np.bincount(units.index[known], (figures * weight)[known], units.count)
    below = np.bincount(units.index[known], weight[known], units.count).astype(np.float64)
    means = np.full((units.count, 1), np.nan)
    np.divide(totals, below, out=means[:, 0], where=below > 0)
    each = Units(units.kind, np.arange(units.count), units.count)
    pooled = per_area and units.kind is not UnitKind.SPECIMENS
    found = mean_with_interval(means, each, scale, weights=below if pooled else None)
    mean, low, high = (float(of[0]) for of in (found.mean, found.low, found.high))
    return Overall(mean, low, high, int(known.sum()), int(found.units[0]), units.kind)


def _units(rows: Sequence[ImageSummary]) -> Units:
    return units_of([row.image.membership for row in rows])


def _density_weights(rows: Sequence[ImageSummary]) -> list[float]:
    """How much each image counts in the mean that `overall_density` gives; NaN where it has no value."""
    units, known = _units(rows), np.isfinite([row.density for row in rows])
    area = np.array([row.frame for row in rows])
    of_unit = np.bincount(units.index[known], area[known], units.count)
    share = np.full(len(rows), np.nan)
    if units.kind is UnitKind.SPECIMENS:
        share[known] = area[known] / (np.count_nonzero(of_unit) * of_unit[units.index[known]])
    else:
        share[known] = area[known] / of_unit.sum()
    return [float(each) for each in share]


def _field(table: ObjectTable, pixels: int) -> float:
    return float(pixels) if table.pixel_size_nm is None else pixels * table.pixel_size_nm**2 / NM2_PER_UM2


def _image(image: ImageObjects, measure: Measure, selection: Selection) -> ImageSummary:
    table = image.table
    every = selection.chosen(table, cut_too=True)
    chosen = selection.chosen(table)
    values = selected(measure, table, selection)
    weights = edge_weights(table.fits)[chosen]
    values, weights = values[np.isfinite(values)], weights[np.isfinite(values)]
    values.setflags(write=False)
    unknown = selection.physical and table.pixel_size_nm is None
    size_nm = table.pixel_size_nm
    frame_um2 = area_um2(table.frame_px, size_nm)
    covered = float(table.area_px[every].sum())
    return ImageSummary(
        image=image,
        objects=int(np.count_nonzero(every)),
        cut=int(np.count_nonzero(every & table.cut)),
        density=float(table.part[every].sum()) / frame_um2 * DENSITY_UM2 if frame_um2 else float("nan"),
        area_fraction=float("nan") if unknown or not table.labelled_px else covered / table.labelled_px,
        values=values,
        selection=selection,
        counted_by=table.counted_by(selection.class_id),
        changes=image.doubts.of_class(selection.class_id).changes(_least_px(selection, size_nm)),
        weights=weights if selection.whole_only else None,
        too_large=int(np.count_nonzero(every & table.cut & (table.fits < LEAST_FIT))),
    )


def selected(measure: Measure, table: ObjectTable, selection: Selection) -> NDArray[np.float64]:
    """A measure of the objects that count; what is too small does not count as a neighbour either."""
    every = selection.chosen(table, cut_too=True)
    counted_ones = table.where(every)
    return measure.of(counted_ones, physical=selection.physical)[selection.chosen(table)[every]]


def some_evenly(values: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """A share of sorted values, evenly over them, the least and the greatest among them: their distribution stays.

    >>> some_evenly(np.array([1.0, 2, 3, 4, 5]), 0.6).tolist()
    [1.0, 3.0, 5.0]
    """
    if share >= 1 or len(values) < 3:
        return values
    count = max(round(len(values) * share), 2)
    return np.asarray(values[np.linspace(0, len(values) - 1, count).round().astype(int)])


def _least_px(selection: Selection, size_nm: float | None) -> float:
    """The smallest object that counts, in pixels; infinite where nothing counts."""
    if not selection.physical:
        return float(selection.least_px)
    return float("inf") if size_nm is None else selection.least_um2 * NM2_PER_UM2 / size_nm**2
