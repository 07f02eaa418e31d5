"""Finding the places to ask about: where touching objects were hardly separated, and where one object nearly was.

*Pairs* are two objects that touch. *Halves* are parts that an object would fall into if pixels that part it weakly
counted too, or at its necks; the parts are put together again, the likeliest to be one first, and each step is a place.
Objects are looked at one by one in their boxes, so that a large image needs little more memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.imaging.object_pyramid import ObjectIds
from core.imaging.row_bands import row_bands
from core.labels.numbering import number_objects
from core.objects.borders import Borders, Measured, merge_steps
from core.objects.necks import LEAST_HALF_PX, cores
from core.objects.odds import GUESS, NECK_DEPTH, Odds, neck_odds, probability
from core.objects.questions import MOST_ASKED, SURE, Question, Questions
from core.objects.rules import PixelLimits
from core.objects.separation import Separation, SeparationWay
from core.objects.window import connected

MOST_BOX_PX: Final = 4_000_000
"""Larger objects are not looked at for halves, and a cut whose smaller part is larger is not asked about."""

MOST_NECKS: Final = 3000
"""Objects of a label map that are looked at for necks, the largest first: objects that are two are large ones."""

ASK_DEPTH: Final = 0.25
"""Relative depth of a neck from which it is a place."""

MOST_WEAK: Final = 5000
"""Objects of a label map that are looked at for weak cuts, those with most weakly parting pixels first."""

LEAST_WEAK_PX: Final = 3
"""An object with fewer weakly parting pixels has no cut of them."""

Box = tuple[slice, slice]


@runtime_checkable
class Levels(Protocol):
    """How strongly each pixel parts objects, as `core.segmentation.parting.PartingRows`."""

    def levels(self, rows: slice, columns: slice = ..., /) -> NDArray[np.uint8]:
        """Part of it, uint8, 0 to 3."""
        ...


class NoLevels:
    """Of a network that has not learned to part objects."""

    def __init__(self, shape_yx: tuple[int, ...]) -> None:
        self._nothing = np.broadcast_to(np.uint8(0), shape_yx)

    def levels(self, rows: slice, columns: slice = slice(None), /) -> NDArray[np.uint8]:
        """Part of it, uint8, 0."""
        return self._nothing[rows, columns]


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A cut, before anybody decides whether it is asked about.

    Parameters
    ----------
    class_id, two, ids, row, column
        As in `Question`.
    measured
        Level and width of the cut.
    area_px
        Pixels of both parts, the smaller first.
    box
        Of the smaller part.
    side_yx
        bool, shape of the box: the smaller part; None: all pixels of the first of ``ids`` there.
    rest_box
        Of the other object, or of the whole of the one.
    """

    class_id: int
    two: bool
    measured: Measured
    ids: tuple[int, int]
    row: int
    column: int
    area_px: tuple[int, int]
    box: Box
    side_yx: NDArray[np.bool_] | None
    rest_box: Box

    def rest(self, ids_yx: NDArray[np.uint32]) -> tuple[NDArray[np.bool_], Box]:
        """The other part, and its box."""
        rest = ids_yx[self.rest_box] == (self.ids[1] or self.ids[0])
        if self.side_yx is not None:
            inner = tuple(
                slice(part.start - outer.start, part.stop - outer.start)
                for part, outer in zip(self.box, self.rest_box, strict=True)
            )
            rest[inner] &= ~self.side_yx
        return rest, self.rest_box

    def side(self, ids_yx: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """The smaller part in the box."""
        return ids_yx[self.box] == self.ids[0] if self.side_yx is None else self.side_yx


def find_questions(
    labels_yx: NDArray[np.uint8],
    objects: ObjectIds,
    parting: Levels,
    least_px: NDArray[np.float64],
    odds: Mapping[int, Odds],
    *,
    guessed: bool,
    most: int = MOST_ASKED,
) -> Questions:
    """The doubtful places of a label map.

    Parameters
    ----------
    labels_yx
        uint8, shape (rows, columns), class ids; cleaned.
    objects
        Its objects, ids from 1 without gaps, each in one class.
    parting
        What the network found.
    least_px
        Shape (256,): parts with fewer pixels are no objects.
    odds
        By class.
    guessed
        Whether these are a guess.
    most
        Questions that are asked.
    """
    places = list(find_places(labels_yx, objects, parting, least_px, odds))
    p, classes = np.zeros(len(places)), np.array([place.class_id for place in places], np.uint8)
    for class_id, own in odds.items():
        at = np.flatnonzero(classes == class_id)
        p[at] = probability([places[number].measured for number in at.tolist()], own)
    found = p.tolist()
    asked = np.flatnonzero((p >= SURE) & (p <= 1 - SURE))
    order = asked[np.argsort(np.abs(p[asked] - 0.5), kind="stable")].tolist()
    questions = [_question(places[at], found[at], objects.ids_yx, masked=rank < most) for rank, at in enumerate(order)]
    rows, columns = labels_yx.shape
    areas = [places[at].area_px for at in order]
    return Questions.of(questions, areas, (rows, columns), guessed=guessed, most=most)


def _question(place: Place, p: float, ids_yx: NDArray[np.uint32], *, masked: bool) -> Question:
    rows, columns = place.box
    box = (rows.start, columns.start, rows.stop, columns.stop)
    side, at = np.zeros((1, 1), bool), [place.row, place.column]
    if masked:
        side = place.side(ids_yx)
        pixels = np.argwhere(side) + np.array([rows.start, columns.start])
        at = pixels[int(np.abs(pixels - np.array(at)).sum(axis=1).argmin())].tolist()
    return Question(0, place.class_id, place.two, p, place.ids, at[0], at[1], box, side)


def find_places(
    labels_yx: NDArray[np.uint8],
    objects: ObjectIds,
    parting: Levels,
    least_px: NDArray[np.float64],
    odds: Mapping[int, Odds],
) -> Iterator[Place]:
    """All cuts between touching objects, and all that would halve one; parameters as for `find_questions`."""
    ids_yx = objects.ids_yx
    count = int(ids_yx.max(initial=0))
    if not count:
        return
    area_px, weak_px = np.zeros((2, count + 1), np.int64)
    class_of = np.zeros(count + 1, np.uint8)
    for band in row_bands(ids_yx.shape):
        flat = ids_yx[band].ravel()
        area_px += np.bincount(flat, minlength=count + 1)
        weak = parting.levels(band).ravel() == 1
        if weak.any():
            weak_px += np.bincount(flat[weak], minlength=count + 1)
        class_of[flat] = labels_yx[band].ravel()
    boxes = ndimage.find_objects(ids_yx.view(np.int32) if count < 2**31 else ids_yx.astype(np.int64))
    yield from _pairs(labels_yx, objects, parting, area_px, boxes)
    large = (area_px >= 2 * np.maximum(least_px[class_of], np.pi * LEAST_HALF_PX**2)) & np.isin(class_of, list(odds))
    large[0] = False
    with_necks = np.zeros(count + 1, bool)
    with_necks[np.argsort(-area_px, kind="stable")[: MOST_NECKS + 1]] = True
    weakly = np.zeros(count + 1, bool)
    weakly[np.argsort(-weak_px, kind="stable")[:MOST_WEAK]] = True
    weakly &= weak_px >= LEAST_WEAK_PX
    for number in np.flatnonzero(large & (with_necks | weakly)).tolist():
        box = boxes[number - 1]
        if box is None or _size(box) > MOST_BOX_PX:
            continue
        own = ids_yx[box] == number
        class_id = int(class_of[number])
        levels = np.where(own, parting.levels(*box), np.uint8(0))
        parting_yx = levels > 0
        middles = cores(own, box, ids_yx.shape, ASK_DEPTH) if with_necks[number] else []
        if len(middles) > 1:
            parting_yx |= own & ~np.logical_or.reduce(middles)
        if parting_yx.any():
            yield from _halves(
                own, parting_yx, levels, box, class_id, number, float(least_px[class_id]), odds[class_id]
            )


def _pairs(
    labels_yx: NDArray[np.uint8],
    objects: ObjectIds,
    parting: Levels,
    area_px: NDArray[np.int64],
    boxes: Sequence[Any],
) -> Iterator[Place]:
    """Two objects of a class that touch."""
    borders, chosen = Borders(), np.zeros(256, bool)
    chosen[list(objects.class_ids)] = True
    for band in row_bands(labels_yx.shape):
        rows = slice(band.start, min(band.stop + 1, labels_yx.shape[0]))
        borders.add(objects.ids_yx[rows], labels_yx[rows], chosen, parting.levels(rows), band)
    for border in borders.found():
        small, large = sorted(border.pair, key=lambda number: (area_px[number], number))
        areas, box = (int(area_px[small]), int(area_px[large])), boxes[small - 1]
        if _size(box) <= MOST_BOX_PX:
            yield Place(
                border.class_id, True, border.measured(areas[0]), (small, large), border.row, border.column, areas, box,
                None, boxes[large - 1],
            )  # fmt: skip


def _halves(
    own: NDArray[np.bool_],
    parting_yx: NDArray[np.bool_],
    levels: NDArray[np.uint8],
    box: Box,
    class_id: int,
    number: int,
    least_px: float,
    odds: Odds,
) -> Iterator[Place]:
    """The cuts of an object that these parting pixels would make."""
    parts = _parts(own, parting_yx, least_px)
    for cut in merge_steps(parts, levels, lambda measured: float(probability([measured], odds)[0])):
        one, other = (np.isin(parts, np.array(side, np.uint32)) for side in (cut.one, cut.other))
        small = min(one, other, key=np.count_nonzero)
        small_px = int(np.count_nonzero(small))
        if small_px < max(least_px, 1):
            continue
        rows, columns = ndimage.find_objects(small.astype(np.uint8))[0]
        top, left = box[0].start, box[1].start
        outer = slice(rows.start + top, rows.stop + top), slice(columns.start + left, columns.stop + left)
        areas = small_px, int(np.count_nonzero(own)) - small_px
        row, column = cut.row + top, cut.column + left
        side = small[rows, columns]
        yield Place(class_id, False, cut.measured, (number, 0), row, column, areas, outer, side, box)


def _parts(own: NDArray[np.bool_], parting_yx: NDArray[np.bool_], least_px: float) -> NDArray[np.uint32]:
    """Number of the part of each pixel of an object; pixels that part it, and small parts, go to the nearest part."""
    pieces, count = connected((own & ~parting_yx).astype(np.uint8), 8)
    large = np.bincount(pieces.ravel(), minlength=count + 1) >= max(least_px, 1)
    large[0] = False
    if np.count_nonzero(large) < 2:
        return own.astype(np.uint32)
    numbers = np.where(large, np.cumsum(large), 0).astype(np.uint32)[pieces]
    nearest = ndimage.distance_transform_edt(numbers == 0, return_distances=False, return_indices=True)
    return np.where(own, numbers[tuple(nearest)], np.uint32(0))


def _size(box: Box) -> int:
    return int((box[0].stop - box[0].start) * (box[1].stop - box[1].start))


def questions_of(
    labels_yx: NDArray[np.uint8],
    objects: ObjectIds | None,
    parting: Levels | None,
    separation: Separation,
    limits: PixelLimits,
) -> Questions:
    """The doubtful places of a prediction, from how its touching objects were separated.

    Parameters
    ----------
    labels_yx
        uint8, shape (rows, columns), class ids; cleaned.
    objects
        As `core.objects.separating.object_ids` gave them; None: nothing was separated, and nothing is in doubt.
    parting
        What the network found; None: nothing.
    separation
        Of the model, in the ids of the label map.
    limits
        The smallest objects, in pixels of this map.
    """
    rows, columns = labels_yx.shape
    if objects is None:
        return Questions.none((rows, columns))
    if separation.way is SeparationWay.NECKS:
        odds = {class_id: neck_odds(separation.least_depth.get(class_id, NECK_DEPTH)) for class_id in objects.class_ids}
        parting = None
    else:
        odds = dict.fromkeys(objects.class_ids, separation.odds or GUESS)
    levels = NoLevels(labels_yx.shape) if parting is None else parting
    least_px = separation.least_seed * limits.smallest
    guessed = separation.way is SeparationWay.NECKS or not separation.odds
    return find_questions(labels_yx, objects, levels, least_px, odds, guessed=guessed)


def neck_questions(labels_yx: NDArray[np.uint8], class_ids: Sequence[int], least_px: NDArray[np.float64]) -> Questions:
    """The doubtful places of a label map whose pieces are its objects: their necks.

    Parameters
    ----------
    labels_yx
        uint8, shape (rows, columns), class ids.
    class_ids
        The classes that are looked at.
    least_px
        Shape (256,): parts with fewer pixels are no objects.
    """
    numbered = number_objects(labels_yx, class_ids)
    objects = ObjectIds(numbered.numbers_yx.astype(np.uint32, copy=False), tuple(class_ids))
    odds = dict.fromkeys(class_ids, neck_odds())
    found = find_questions(labels_yx, objects, NoLevels(labels_yx.shape), least_px, odds, guessed=True)
    return replace(found, ids=np.zeros_like(found.ids))
