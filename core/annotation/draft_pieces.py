"""Giving each connected piece of a class in a draft an object id of its own: each stays an object from then on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from core.annotation.draft_ids import DraftPixels, Place
from core.annotation.draft_post import tile_shape
from core.annotation.draft_tiles import DraftSource, Ids, Plane, class_counts, pack_tile, unpack_tile
from core.errors import AnnotationError
from core.imaging.pyramid import TILE_PX
from core.labels.numbering import connected_pieces
from core.store.records import DraftRecord, DraftTileRecord
from core.store.store import Store

_HOLDER: Final = "object ids"
"""Names the posts that give ids; the tab that asked for them holds the draft."""


def start_ids(store: Store, draft: DraftRecord, source: DraftSource, class_id: int, holder: str) -> int:
    """Give every piece of a class that has no id one. Nothing is confirmed by that, and it is no step of undo.

    Reads the draft twice, a row of tiles at a time: about ten seconds for 16,384 x 16,384 px.

    Parameters
    ----------
    class_id
        Of the project's classes.
    holder
        The browser tab that has the draft.

    Returns
    -------
    int
        How many pieces got an id.

    Raises
    ------
    AnnotationError
        No piece of the class is without an id.
    DraftClosedError, DraftHeldError, StorageFullError
        As `Drafts.write_tiles`; then nothing is changed.
    """
    numbers = _Numbers(source, class_id)
    count = numbers.count
    if count == 0:
        raise AnnotationError("Every object of this class has an id already.", "Choose another class.")
    first = DraftPixels(source).free_ids(count)[0]
    tiles = [
        _packed(source, place, labels, np.where(own > 0, own + np.uint32(first - 1), ids))
        for place, labels, ids, own in numbers.tiles()
        if own.any()
    ]
    store.require_free_space(sum(len(data) for _, data in tiles))
    store.drafts.write_tiles(draft.id, _HOLDER, draft.version, tiles, seconds=0.0, strokes=0, sent_by=holder)
    return count


class _Numbers:
    """The pieces without ids of one class, numbered from 1 over the whole draft."""

    def __init__(self, source: DraftSource, class_id: int) -> None:
        self._source, self._class_id = source, class_id
        self._offsets: list[int] = []
        pairs: list[NDArray[np.int64]] = [np.zeros((0, 2), np.int64)]
        total, last = 0, np.zeros(source.shape_yx[1], np.int64)
        for _, pieces, found in self._rows():
            self._offsets.append(total)
            here = np.where(pieces > 0, pieces + np.int64(total), 0)
            pairs.append(_touching(last, here[0]))
            total, last = total + found, here[-1]
        joined = np.concatenate(pairs)
        graph = coo_array((np.ones(len(joined), bool), (joined[:, 0], joined[:, 1])), shape=(total + 1, total + 1))
        _, self._number = connected_components(graph, directed=False)  # 0 touches nothing: it is number 0
        self.count = int(self._number.max(initial=0))

    def tiles(self) -> Iterator[tuple[Place, Plane, Ids, NDArray[np.uint32]]]:
        """Row and column, labels, ids and numbers (0: none) of each tile."""
        for row, (pixels, pieces, _) in enumerate(self._rows()):
            lookup = self._number[self._offsets[row] :].astype(np.uint32)
            numbers = np.where(pieces > 0, lookup[np.minimum(pieces, len(lookup) - 1)], np.uint32(0))
            for column in range(-(-self._source.shape_yx[1] // TILE_PX)):
                labels, ids = pixels.tile((row, column))
                left = column * TILE_PX
                yield (row, column), labels, ids, numbers[:, left : left + labels.shape[1]]

    def _rows(self) -> Iterator[tuple[DraftPixels, NDArray[np.int64], int]]:
        """Each row of tiles, its pieces numbered from 1, and how many there are."""
        height, width = self._source.shape_yx
        for top in range(0, height, TILE_PX):
            pixels = DraftPixels(self._source)
            labels, ids = pixels.window(slice(top, min(top + TILE_PX, height)), slice(0, width))
            pieces, count = connected_pieces(((labels == self._class_id) & (ids == 0)).astype(np.uint8))
            yield pixels, pieces.astype(np.int64), count


def _touching(above: NDArray[np.int64], below: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of numbers that touch across the border of two rows, corners included."""
    found = []
    for shift in (-1, 0, 1):
        one = above[max(-shift, 0) : len(above) - max(shift, 0)]
        other = below[max(shift, 0) : len(below) - max(-shift, 0)]
        both = (one > 0) & (other > 0)
        found.append(np.column_stack([one[both], other[both]]))
    return np.unique(np.concatenate(found), axis=0)


def _packed(source: DraftSource, place: Place, labels: Plane, ids: Ids) -> tuple[DraftTileRecord, bytes]:
    """A tile for the store, with the coverage that it has."""
    shape = tile_shape(source.shape_yx, *place)
    covered = np.zeros(shape, bool)
    if place in source.changed:
        covered = unpack_tile(source.read([place])[place], shape)[1] > 0
    record = DraftTileRecord(
        *place, 0, class_counts(labels), class_counts(labels, covered), class_counts(source.base_tile(0, *place))
    )
    return record, pack_tile(labels, covered, ids)
