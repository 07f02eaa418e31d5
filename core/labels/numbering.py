"""The objects of a label map: the one place that says what counts as one.

An object of a class that has ids is all its pixels with one id, whether they are connected or not, and whether they
touch another id or not. All other pixels of a class, those of a class without ids and those whose id is 0, belong to
8-connected pieces of such pixels, and each piece is an object. So nothing is left out, and nothing is joined that
somebody has told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from core.errors import LabelMapError
from core.imaging.object_pyramid import ObjectIds
from core.imaging.row_bands import row_bands

CONNECTIVITY: Final = 8
"""Pieces hang together over edges and corners."""


class CountedBy(StrEnum):
    """What the objects of a class are, in tables and files."""

    PIECES = "pieces"
    """Its 8-connected pieces: two that touch are one."""

    IDS = "ids"
    """Those that somebody or something has told apart, by their ids."""


@dataclass(frozen=True, slots=True, eq=False)
class NumberedObjects:
    """Objects numbered from 1, as they are met from the top left.

    Parameters
    ----------
    numbers_yx
        Number of the object of each pixel, unsigned integers; 0: none.
    class_of
        uint8, shape (n + 1,): class of each number; 0 for number 0.
    area_px
        int64, shape (n + 1,): pixels of each number, those of no object for number 0.
    id_of
        int64, shape (n + 1,): id of each number; 0 for pieces, which have none.
    """

    numbers_yx: NDArray[Any]
    class_of: NDArray[np.uint8]
    area_px: NDArray[np.int64]
    id_of: NDArray[np.int64]

    @property
    def count(self) -> int:
        """How many objects there are."""
        return len(self.class_of) - 1


def number_objects(
    labels_yx: NDArray[np.uint8], class_ids: Iterable[int], objects: ObjectIds | None = None
) -> NumberedObjects:
    """The objects of some classes.

    Parameters
    ----------
    labels_yx
        uint8, shape (rows, columns), class ids.
    class_ids
        Which classes; 0 and 255 have no objects.
    objects
        Ids, same shape; None: pieces are objects.

    Raises
    ------
    LabelMapError
        The ids have another shape.

    Examples
    --------
    Two that touch, and one without an id:

    >>> labels = np.array([[1, 1, 1, 0, 1]], np.uint8)
    >>> ids = ObjectIds(np.array([[9, 9, 4, 0, 0]], np.uint32), (1,))
    >>> found = number_objects(labels, (1,), ids)
    >>> found.numbers_yx.tolist(), found.id_of.tolist()
    ([[1, 1, 2, 0, 3]], [0, 9, 4, 0])
    >>> number_objects(labels, (1,)).numbers_yx.tolist()
    [[1, 1, 1, 0, 2]]
    """
    wanted_yx = of_class(labels_yx, tuple(class_ids))
    if objects is None or not objects.class_ids:
        return _pieces(wanted_yx)
    if objects.ids_yx.shape != labels_yx.shape:
        raise LabelMapError(
            f"The label map has the shape {labels_yx.shape} but its object ids {objects.ids_yx.shape}.",
            "Take both from the same label map.",
        )
    with_id_yx = objects.valid(wanted_yx)
    if not with_id_yx.any():
        return _pieces(wanted_yx)
    return _by_id(wanted_yx, objects.ids_yx, with_id_yx)


def counted_by(class_id: int, objects: ObjectIds | None) -> CountedBy:
    """What the objects of a class are."""
    return CountedBy.IDS if objects is not None and class_id in objects.class_ids else CountedBy.PIECES


def object_counts(labels_yx: NDArray[np.uint8], objects: ObjectIds) -> tuple[tuple[int, int], ...]:
    """Class and number of ids in it, for each class that has ids."""
    starts, _ = runs(labels_yx, objects.ids_yx)
    classes, ids = labels_yx.ravel()[starts].astype(np.int64), objects.ids_yx.ravel()[starts].astype(np.int64)
    pairs = np.unique((classes << 32 | ids)[ids != 0])
    return tuple((class_id, int(np.count_nonzero(pairs >> 32 == class_id))) for class_id in objects.class_ids)


def of_class(labels_yx: NDArray[np.uint8], class_ids: tuple[int, ...]) -> NDArray[np.uint8]:
    """A copy in which every other class, and 255, is 0."""
    table = np.zeros(256, np.uint8)
    table[list(class_ids)] = class_ids
    return table[labels_yx]


def connected_pieces(labels_yx: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """8-connected pieces of equal values other than 0: 0 or 1 to n per pixel, and n. One pass over all classes."""
    import cc3d

    writeable = labels_yx if labels_yx.flags.writeable else labels_yx.copy()  # its wrapper takes no read-only array
    pieces, count = cc3d.connected_components(writeable, connectivity=CONNECTIVITY, return_N=True)
    return pieces, int(count)


def runs(*maps_yx: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and lengths of the stretches, in reading order, in which none of the maps changes."""
    starts = _starts(maps_yx, by_row=False)
    return starts, np.diff(starts, append=maps_yx[0].size)


def _starts(maps_yx: Sequence[NDArray[Any]], *, by_row: bool) -> NDArray[np.int64]:
    """Where a stretch begins; with each row anew, or only where a map changes."""
    columns = maps_yx[0].shape[1]
    found = [np.zeros(0, np.int64)]
    for band in row_bands(maps_yx[0].shape):
        changes = np.zeros((band.stop - band.start) * columns, bool)
        for item in maps_yx:
            flat = item[band].ravel()
            changes[1:] |= flat[1:] != flat[:-1]
            if changes.size and (not band.start or flat[0] != item[band.start - 1, -1]):
                changes[0] = True
        if by_row:
            changes[::columns] = True
        found.append(np.flatnonzero(changes) + band.start * columns)
    return np.concatenate(found)


def parts_of_ids(ids_yx: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Of how many 8-connected parts each id is.

    It looks at stretches of rows and not at pixels: a map of numbers beside that of the ids would need as much memory.

    Returns
    -------
    ndarray, ndarray
        The ids, ascending, without 0; the parts of each.

    Examples
    --------
    >>> ids, parts = parts_of_ids(np.array([[7, 0, 7], [0, 7, 9], [0, 0, 0], [9, 0, 7]], np.uint32))
    >>> ids.tolist(), parts.tolist()
    ([7, 9], [2, 2])
    """
    columns = ids_yx.shape[1]
    starts = _starts((ids_yx,), by_row=True)
    stops = np.append(starts[1:], ids_yx.size)
    ids = ids_yx.reshape(-1)[starts]
    inside = ids != 0
    starts, stops, ids = starts[inside], stops[inside], ids[inside]
    left = starts // max(columns, 1) * columns
    # stretches of the row above that reach from the pixel before this one's first to the pixel behind its last
    first = np.searchsorted(stops, np.maximum(starts - 1, left) - columns, side="right")
    behind = np.searchsorted(starts, np.minimum(stops + 1, left + columns) - columns, side="left")
    number = np.maximum(behind - first, 0)
    below = np.repeat(np.arange(len(ids)), number)
    above = np.arange(len(below)) - np.repeat(np.cumsum(number) - number, number) + np.repeat(first, number)
    same = ids[below] == ids[above]
    links = coo_array((np.ones(int(same.sum()), bool), (below[same], above[same])), shape=(len(ids), len(ids)))
    _, piece = connected_components(links, directed=False)
    pairs = np.unique(ids.astype(np.uint64) << np.uint64(32) | piece.astype(np.uint64)) >> np.uint64(32)
    found, parts = np.unique(pairs, return_counts=True)
    return found.astype(np.uint32), parts


def _pieces(wanted_yx: NDArray[np.uint8]) -> NumberedObjects:
    """Where nothing has an id."""
    pieces_yx, count = connected_pieces(wanted_yx)
    starts, lengths = runs(pieces_yx)
    numbers = pieces_yx.ravel()[starts]
    class_of = np.zeros(count + 1, np.uint8)
    class_of[numbers] = wanted_yx.ravel()[starts]
    area_px = np.bincount(numbers, lengths, count + 1).astype(np.int64)
    return NumberedObjects(pieces_yx, class_of, area_px, np.zeros(count + 1, np.int64))


def _by_id(wanted_yx: NDArray[np.uint8], ids_yx: NDArray[np.uint32], with_id_yx: NDArray[np.bool_]) -> NumberedObjects:
    """Objects with ids, and the pieces of what has none."""
    pieces_yx, _ = connected_pieces(np.where(with_id_yx, np.uint8(0), wanted_yx))
    starts, lengths = runs(wanted_yx, ids_yx, pieces_yx)
    of_class_id = wanted_yx.ravel()[starts].astype(np.int64)
    has_id, ids = with_id_yx.ravel()[starts], ids_yx.ravel()[starts].astype(np.int64)
    # class, then whether the rest is an id or the number of a piece: one key for one object, 0 for none
    key = of_class_id << 40 | np.where(has_id, 1 << 32 | ids, pieces_yx.ravel()[starts].astype(np.int64))
    keys, first, place = np.unique(key, return_index=True, return_inverse=True)
    inside = keys > 0
    order = np.argsort(first[inside], kind="stable")
    rank = np.zeros(len(keys), np.uint32)
    rank[np.flatnonzero(inside)[order]] = np.arange(1, len(order) + 1, dtype=np.uint32)
    numbers = rank[place]
    count = len(order)
    class_of, id_of = np.zeros(count + 1, np.uint8), np.zeros(count + 1, np.int64)
    class_of[numbers] = of_class_id
    id_of[numbers] = np.where(has_id, ids, 0)
    area_px = np.bincount(numbers, lengths, count + 1).astype(np.int64)
    return NumberedObjects(np.repeat(numbers, lengths).reshape(wanted_yx.shape), class_of, area_px, id_of)
