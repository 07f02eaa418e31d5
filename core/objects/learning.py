"""Rules for objects learned from labels: how small an object of a class can be, how large a hole, whether it is thin.

The smallest object is read from areas and not from numbers of objects: below it lies one hundredth of the area that a
class has in the labels. Stray pixels are many pieces and little area, and a net of membranes is one piece that has
most of the area, so that the same rule suits both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.imaging.object_pyramid import ObjectIds
from core.imaging.row_bands import row_bands
from core.label_scheme import IGNORE_ID
from core.labels.numbering import number_objects
from core.objects.rules import NM2_PER_UM2, AreaUnit, ObjectRule, ObjectRules, RuleSource
from core.objects.window import Window, at_edge, beside_ignored, connected, enclosing_class, piece_facts

AREA_SHARE: Final = 0.01
"""Share of a class's area that may lie in pieces below the smallest object."""

LOST_SHARE: Final = 0.02
"""Share of a class's area in an image that rules from the other images may remove; more, and the rule is lowered."""

FEW_OBJECTS: Final = 10
"""With so many whole objects half of the size found is taken: few objects say little about the smallest."""

LEAST_WHOLE: Final = 3
"""With fewer whole objects those that an edge cuts are looked at too: a nucleus is rarely all there."""

SPECK_WIDTHS: Final = 4.0
"""A piece of a thin class below so many squares of its width is no strip but a speck. Predictions break nets, so that
the pieces of a net in the labels say nothing about its pieces in a prediction."""

THIN_RATIO: Final = 6.0
"""Perimeter² / (4 pi area), from which on a class is thin. A disc has 1, an ellipse four times as long as wide 1.9, a
strip twenty times as long as wide 7, a net of membranes hundreds."""


@dataclass(slots=True)
class _ClassAreas:
    """What the label maps show of one class, in the unit of the rules."""

    whole: list[NDArray[np.float64]] = field(default_factory=list)
    """Areas of the pieces that are all there, one array for each label map."""
    cut: list[NDArray[np.float64]] = field(default_factory=list)
    """Areas of the pieces that the edge or *ignore* cuts."""
    holes: list[NDArray[np.float64]] = field(default_factory=list)
    """Areas of the background that one piece of the class encloses."""
    outlines: list[NDArray[np.float64]] = field(default_factory=list)
    """Shape (pieces, 2): perimeter and area of all pieces."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledImage:
    """Labels to learn from.

    Parameters
    ----------
    labels_yx
        uint8, shape (rows, columns), class ids; 255 is *ignore*.
    pixel_size_nm
        None where unknown.
    objects
        Ids of its objects, same shape; None: connected pieces are objects.
    """

    labels_yx: NDArray[np.uint8]
    pixel_size_nm: float | None
    objects: ObjectIds | None = None


def learn_rules(images: Iterable[LabelledImage], class_ids: Sequence[int]) -> ObjectRules:
    """Rules of the classes from label maps that people made.

    Parameters
    ----------
    images
        Looked at one by one. If one of them has no pixel size, areas are in pixels.
    class_ids
        The classes.

    Returns
    -------
    ObjectRules
        A rule for every class that the labels show; source `RuleSource.LABELS`.
    """
    measured = [(image.pixel_size_nm, _measure(image, class_ids)) for image in images]
    known = all(size is not None for size, _ in measured)
    areas: dict[int, _ClassAreas] = defaultdict(_ClassAreas)
    for size, by_class in measured:
        factor = size**2 / NM2_PER_UM2 if known and size is not None else 1.0
        for class_id, found in by_class.items():
            for name in ("whole", "cut", "holes"):
                getattr(areas[class_id], name).append(getattr(found, name)[0] * factor)
            areas[class_id].outlines.append(found.outlines[0] * (np.sqrt(factor), factor))
    rules = tuple(_rule(class_id, areas[class_id]) for class_id in class_ids if class_id in areas)
    return ObjectRules(rules, AreaUnit.UM2 if known else AreaUnit.PX)


def smallest_area(areas: NDArray[np.float64], share: float = AREA_SHARE) -> float:
    """The area below which at most this share of the whole area lies; 0 without areas.

    >>> import numpy as np
    >>> smallest_area(np.array([1.0, 1.0, 40.0, 160.0]))
    40.0
    """
    if not areas.size:
        return 0.0
    ordered = np.sort(areas)
    below = np.cumsum(ordered)
    return float(ordered[np.searchsorted(below, share * below[-1], side="right")])


def _rule(class_id: int, areas: _ClassAreas) -> ObjectRule:
    whole, cut = np.concatenate(areas.whole), np.concatenate(areas.cut)
    seen = areas.whole if len(whole) >= LEAST_WHOLE else [*areas.whole, *areas.cut]
    smallest = _cautious(np.concatenate(seen), seen)
    thin = _is_thin(areas)
    if thin:
        smallest = min(smallest, SPECK_WIDTHS * _width(areas) ** 2)
    # With too few cut pieces of their own, an edge may leave any part of an object: a quarter is asked for.
    smallest_cut = min(_cautious(cut, areas.cut) if cut.size > FEW_OBJECTS else smallest / 4, smallest)
    holes = np.concatenate(areas.holes)
    has_holes = holes.sum() > AREA_SHARE * (whole.sum() + cut.sum())  # less is slips of the brush
    largest_hole = min(smallest, smallest_area(holes)) if has_holes else smallest
    return ObjectRule(
        class_id=class_id,
        smallest=smallest,
        smallest_cut=smallest_cut,
        largest_hole=largest_hole,
        thin=thin,
        objects=int(np.count_nonzero(whole >= smallest)),
        source=RuleSource.LABELS,
    )


def _cautious(areas: NDArray[np.float64], by_image: list[NDArray[np.float64]]) -> float:
    """The smallest area, lower where objects are few, and so that every image would keep its objects by the others."""
    found = smallest_area(areas)
    count = int(np.count_nonzero(areas >= found))
    found *= count / (count + FEW_OBJECTS)
    for left_out in by_image:
        if left_out.size > FEW_OBJECTS:
            found = min(found, smallest_area(left_out, LOST_SHARE))
    return found


def _is_thin(areas: _ClassAreas) -> bool:
    """Whether most of the class's area is in pieces with a long outline."""
    perimeter, area = np.concatenate(areas.outlines).T
    ratio = perimeter**2 / (4 * np.pi * area)
    order = np.argsort(ratio)
    below = np.cumsum(area[order])
    return bool(ratio[order][np.searchsorted(below, below[-1] / 2)] >= THIN_RATIO)


def _width(areas: _ClassAreas) -> float:
    """Mean width of a thin class: a strip has two long edges."""
    perimeter, area = np.concatenate(areas.outlines).sum(axis=0)
    return float(2 * area / perimeter)


def _measure(image: LabelledImage, class_ids: Sequence[int]) -> dict[int, _ClassAreas]:
    """One label map, in pixels: one array in each list."""
    labels_yx = image.labels_yx
    window = Window(labels_yx, None, None, last=True)
    found = number_objects(labels_yx, range(1, IGNORE_ID), image.objects)
    pieces_yx, count, class_of, area_px = found.numbers_yx, found.count, found.class_of, found.area_px
    cut = at_edge(pieces_yx, window, count) | beside_ignored(pieces_yx, window, count)
    perimeter_px = _perimeters(pieces_yx, count)
    hole_class, hole_px = _holes(window)
    areas = {}
    for class_id in class_ids:
        own = class_of == class_id
        if own.any():
            areas[class_id] = _ClassAreas(
                [area_px[own & ~cut].astype(float)],
                [area_px[own & cut].astype(float)],
                [hole_px[hole_class == class_id].astype(float)],
                [np.column_stack([perimeter_px[own], area_px[own]])],
            )
    return areas


def _holes(window: Window) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Enclosing class and pixels of every piece of background (4-connected); class 0 where it is no hole."""
    pieces_yx, count = connected((window.labels_yx == 0).astype(np.uint8), 4)
    _, area_px = piece_facts(pieces_yx, window.labels_yx, count)
    inner = ~at_edge(pieces_yx, window, count)
    inner[0] = False
    return enclosing_class(pieces_yx, window, inner), area_px


def _perimeters(pieces_yx: NDArray[Any], count: int) -> NDArray[np.float64]:
    """Length of the outline of each piece, from how often rows and columns cross it. The image's edge is no outline."""
    crossings = np.zeros(count + 1)
    for one, other in ((pieces_yx[1:], pieces_yx[:-1]), (pieces_yx[:, 1:], pieces_yx[:, :-1])):
        for band in row_bands(one.shape):
            differ = one[band] != other[band]
            for side in (one[band][differ], other[band][differ]):
                crossings += np.bincount(side, minlength=count + 1)
    return crossings * np.pi / 4
