"""Touching objects told apart: from a label map, and the pixels that part objects, to ids of objects.

A seeded watershed on a flat relief: the inside of an object is its seed, and parting pixels go, step by step, to the
seed that is nearest inside the class. It looks at parting pixels alone, so that it costs next to nothing where few
objects touch. Label maps do not change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from core.imaging.object_pyramid import ObjectIds
from core.imaging.row_bands import row_bands
from core.objects.necks import neck_parting
from core.objects.rules import PixelLimits
from core.objects.separation import Separation, SeparationWay
from core.objects.window import connected, piece_facts

_BESIDE: Final = ((-1, 0), (0, -1), (0, 1), (1, 0))
_ACROSS: Final = ((-1, -1), (-1, 1), (1, -1), (1, 1))
"""Neighbours, as rows and columns to go, in the order in which they are asked."""


class Parting(Protocol):
    """Pixels that part objects, by rows: an array, or bits of one."""

    def __getitem__(self, band: slice, /) -> NDArray[np.bool_]:
        """Some rows, bool."""
        ...


def object_ids(
    labels_yx: NDArray[np.uint8], parting: Parting | None, separation: Separation, limits: PixelLimits
) -> ObjectIds | None:
    """The objects of a prediction, touching ones told apart.

    Parameters
    ----------
    labels_yx
        uint8, shape (rows, columns), class ids; cleaned.
    parting
        What the network found; None: nothing, or it has not learned to find it.
    separation
        Of the model, in the ids of the label map.
    limits
        The smallest objects, in pixels of this map.

    Returns
    -------
    ObjectIds
        None where connected pieces are the objects.
    """
    if separation.way is SeparationWay.NONE or not labels_yx.size:
        return None
    if separation.way is SeparationWay.NECKS:
        parting = neck_parting(labels_yx, separation.least_depth)
    if parting is None:
        return None
    found = separated(labels_yx, parting, separation.class_ids, separation.least_seed * limits.smallest)
    return ObjectIds(found.ids_yx, separation.class_ids)


@dataclass(frozen=True, slots=True, eq=False)
class SeparatedObjects:
    """Objects of some classes.

    Parameters
    ----------
    ids_yx
        uint32, shape (rows, columns); 1 to the number of objects, 0: of none of the classes.
    class_of
        uint8, shape (objects + 1,): class of each id; 0 for id 0.
    """

    ids_yx: NDArray[np.uint32]
    class_of: NDArray[np.uint8]


def separated(
    labels_yx: NDArray[np.uint8],
    parting: Parting,
    class_ids: tuple[int, ...],
    least_px: NDArray[np.float64],
) -> SeparatedObjects:
    """Ids of the objects of some classes.

    Parameters
    ----------
    labels_yx
        uint8, shape (rows, columns), class ids; 255 is *ignore*.
    parting
        bool, same shape: pixels that the network holds for parting. Only those of ``class_ids`` count.
    class_ids
        The classes whose objects are told apart.
    least_px
        Shape (256,): parts with fewer pixels beside parting ones are no objects of their own.

    Returns
    -------
    SeparatedObjects
        Without parting pixels, the 8-connected pieces of each class.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.ones((1, 7), np.uint8)
    >>> parting = np.array([[0, 0, 1, 1, 0, 0, 0]], bool)
    >>> separated(labels, parting, (1,), np.zeros(256)).ids_yx.tolist()
    [[1, 1, 1, 2, 2, 2, 2]]
    """
    seeds, waiting = _seeds(labels_yx, parting, class_ids)
    pieces_yx, count = connected(seeds, 8)
    class_of, area_px = piece_facts(pieces_yx, seeds, count)
    ids_yx = np.ascontiguousarray(pieces_yx).astype(np.uint32, copy=False)
    del pieces_yx, seeds
    if not waiting.size:
        return SeparatedObjects(ids_yx, class_of)
    grid = _Grid(labels_yx)
    small = area_px < least_px[class_of]
    small[0] = False
    waiting, kept = _without_small(ids_yx, grid, waiting, small)
    left = _spread(ids_yx.ravel(), grid, waiting)
    numbers, extra = _pieces_of(left, grid)
    ids_yx.ravel()[left] = numbers + np.uint32(len(class_of))
    return _renumbered(ids_yx, np.append(class_of, extra), np.append(kept, np.ones(len(extra), bool)))


def _seeds(
    labels_yx: NDArray[np.uint8], parting: Parting, class_ids: tuple[int, ...]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The classes without their parting pixels, and where those are, in reading order."""
    chosen = np.zeros(256, bool)
    chosen[list(class_ids)] = True
    seeds = np.empty(labels_yx.shape, np.uint8)
    found: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    for band in row_bands(labels_yx.shape):
        own = chosen[labels_yx[band]]
        parts = own & parting[band]
        found.append(np.flatnonzero(parts) + band.start * labels_yx.shape[1])
        seeds[band] = np.where(own & ~parts, labels_yx[band], 0)
    return seeds, np.concatenate(found)


class _Grid:
    """Neighbours of pixels that are given by their place in reading order, inside one class."""

    def __init__(self, labels_yx: NDArray[np.uint8]) -> None:
        self.rows, self.columns = labels_yx.shape
        self.labels = np.ascontiguousarray(labels_yx).ravel()

    def beside(self, at: NDArray[np.int64], down: int, right: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which of the pixels have a neighbour of their own class in one direction, and these neighbours."""
        row, column = np.divmod(at, self.columns)
        row += down
        column += right
        there = np.flatnonzero((row >= 0) & (row < self.rows) & (column >= 0) & (column < self.columns))
        near = at[there] + down * self.columns + right
        same = self.labels[near] == self.labels[at[there]]
        return there[same], near[same]


def _without_small(
    ids_yx: NDArray[np.uint32], grid: _Grid, waiting: NDArray[np.int64], small: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Small seeds beside parting pixels wait as these do; and which seeds are kept. Changes ``ids_yx``."""
    flat, beside = ids_yx.ravel(), np.zeros(len(small), bool)
    for down, right in (*_BESIDE, *_ACROSS) if small.any() else ():
        beside[flat[grid.beside(waiting, down, right)[1]]] = True
    given_up = small & beside
    if not given_up.any():
        return waiting, ~given_up
    more = [waiting]
    for band in row_bands(ids_yx.shape):
        more.append(np.flatnonzero(given_up[ids_yx[band]]) + band.start * grid.columns)
        ids_yx[band][given_up[ids_yx[band]]] = 0
    return np.sort(np.concatenate(more)), ~given_up


def _spread(flat: NDArray[np.uint32], grid: _Grid, waiting: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give waiting pixels the ids beside them, all at once, until none is left or none can be reached; those left.

    After the first round only pixels beside those that were reached last are looked at: where a network holds most of a
    class for parting, there are hundreds of rounds.
    """
    looked_at = waiting
    while True:
        taken = _ids_beside(flat, grid, looked_at, _BESIDE)
        if not taken.any():
            looked_at = waiting = waiting[flat[waiting] == 0]
            taken = _ids_beside(flat, grid, waiting, _ACROSS)
            if not taken.any():
                return waiting
        reached = looked_at[taken != 0]
        flat[reached] = taken[taken != 0]
        beside = np.concatenate([grid.beside(reached, down, right)[1] for down, right in _BESIDE])
        looked_at = np.unique(beside[flat[beside] == 0])


def _ids_beside(
    flat: NDArray[np.uint32], grid: _Grid, at: NDArray[np.int64], steps: tuple[tuple[int, int], ...]
) -> NDArray[np.uint32]:
    """For each pixel the id of its first neighbour that has one, 0 where none has."""
    taken = np.zeros(at.size, np.uint32)
    for down, right in steps:
        there, near = grid.beside(at, down, right)
        free = taken[there] == 0
        taken[there[free]] = flat[near[free]]
    return taken


def _pieces_of(at: NDArray[np.int64], grid: _Grid) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Connected pieces of some pixels: number of each, from 0, and the class of each piece."""
    if not at.size:
        return np.zeros(0, np.uint32), np.zeros(0, np.uint8)
    ends: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    for down, right in ((1, 0), (0, 1), (1, 1), (1, -1)):
        there, near = grid.beside(at, down, right)
        place = np.searchsorted(at, near)
        known = (place < at.size) & (at[np.minimum(place, at.size - 1)] == near)
        ends.append((there[known], place[known]))
    one, other = (np.concatenate(side) for side in zip(*ends, strict=True))
    links = coo_array((np.ones(one.size, bool), (one, other)), shape=(at.size, at.size))
    count, numbers = connected_components(links, directed=False)
    classes = np.zeros(count, np.uint8)
    classes[numbers] = grid.labels[at]
    return numbers.astype(np.uint32), classes


def _renumbered(ids_yx: NDArray[np.uint32], class_of: NDArray[np.uint8], kept: NDArray[np.bool_]) -> SeparatedObjects:
    """Without the numbers that were given up."""
    if not kept.all():
        table = np.where(kept, np.cumsum(kept) - 1, 0).astype(np.uint32)
        for band in row_bands(ids_yx.shape):
            ids_yx[band] = table[ids_yx[band]]
    return SeparatedObjects(ids_yx, class_of[kept])
