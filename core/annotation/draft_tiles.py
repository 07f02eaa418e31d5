"""A draft as pixels: a label map that somebody began from, and the tiles that were changed since."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.annotation.draft_post import tile_shape
from core.cache import MB, Cache
from core.errors import NotFoundError
from core.imaging.downsample import halve_majority
from core.imaging.pyramid import TILE_PX, Pyramid
from core.labels.numbering import of_class
from core.store.records import DraftRecord
from core.store.store import Store

Plane = NDArray[np.uint8]

_KEPT_BYTES: Final = 32 * MB
"""Tiles whose smaller copies stay in memory, up to 44 kB each."""

_PACK_LEVEL: Final = 1
"""Label maps are long runs: the fastest level packs them well."""


Ids = NDArray[np.uint32]


class DraftPlane(StrEnum):
    """What a draft holds of every pixel."""

    LABELS = "labels"
    COVERAGE = "coverage"


def pack_tile(labels_yx: Plane, coverage_yx: NDArray[np.bool_], ids_yx: Ids | None = None) -> bytes:
    """The planes of a tile, for the database.

    Parameters
    ----------
    ids_yx
        uint32: the object of every pixel of the tile, whoever gave it; None: nobody has touched its objects.
    """
    packed = zlib.compress(labels_yx.tobytes() + coverage_yx.astype(np.uint8).tobytes(), _PACK_LEVEL)
    # a stream of its own, so that readers of the other two planes do not unpack it
    return packed if ids_yx is None else packed + zlib.compress(ids_yx.astype("<u4").tobytes(), _PACK_LEVEL)


def unpack_tile(data: bytes, shape_yx: tuple[int, int]) -> tuple[Plane, Plane]:
    """Labels and coverage (0 or 1), uint8, as `pack_tile` took them."""
    planes = np.frombuffer(zlib.decompressobj().decompress(data), np.uint8).reshape(2, *shape_yx)
    return planes[0], planes[1]


def unpack_ids(data: bytes, shape_yx: tuple[int, int]) -> Ids | None:
    """Object ids, uint32, as `pack_tile` took them."""
    first = zlib.decompressobj()
    first.decompress(data)
    if not first.unused_data:
        return None
    return np.frombuffer(zlib.decompress(first.unused_data), "<u4").astype(np.uint32).reshape(shape_yx)


@dataclass(frozen=True, slots=True)
class DraftSource:
    """Where the pixels of a draft are.

    Parameters
    ----------
    draft_id
        Names it in the memory of smaller copies.
    level_shapes
        Rows and columns of each level, level 0 first.
    base
        What the draft was begun from; None: background everywhere.
    changed
        Version of each tile that was ever changed, by (row, column).
    read
        The packed pixels of one of these.
    """

    draft_id: str
    level_shapes: tuple[tuple[int, int], ...]
    base: Pyramid | None
    changed: dict[tuple[int, int], int]
    read: Callable[[Collection[tuple[int, int]]], dict[tuple[int, int], bytes]]

    @property
    def shape_yx(self) -> tuple[int, int]:
        """Of the image."""
        return self.level_shapes[0]

    def base_tile(self, level: int, row: int, column: int) -> Plane:
        """Labels before the draft."""
        rows, columns = tile_shape(self.level_shapes[level], row, column)
        if self.base is None:
            return np.zeros((rows, columns), np.uint8)
        return np.ascontiguousarray(self.base.tile(level, row, column), dtype=np.uint8)


def draft_source(
    store: Store, draft: DraftRecord, shape_yx: tuple[int, int], base: Pyramid | None, levels: int = 1
) -> DraftSource:
    """The pixels of a stored draft.

    Parameters
    ----------
    shape_yx
        Of the image.
    base
        The label map that the draft was begun from, in the project's classes.
    levels
        Of the image's pyramid, full resolution included.
    """
    shapes = [shape_yx]
    while len(shapes) < levels:
        shapes.append((-(-shapes[-1][0] // 2), -(-shapes[-1][1] // 2)))
    return DraftSource(
        draft.id,
        tuple(shapes),
        base,
        {(tile.row, tile.column): tile.version for tile in store.drafts.tiles(draft.id)},
        partial(store.drafts.tile_data, draft.id),
    )


class DraftTiles:
    """Tiles of drafts on every level. Safe to share by threads."""

    def __init__(self, limit_bytes: int = _KEPT_BYTES) -> None:
        self._small: Cache[tuple[tuple[Plane, Plane], ...]] = Cache(
            "smaller tiles of drafts", "painted tiles on smaller levels", limit_bytes=limit_bytes
        )
        self._small_ids: Cache[Ids] = Cache(
            "smaller object tiles of drafts", "object ids of painted tiles on smaller levels", limit_bytes=limit_bytes
        )

    def tile(self, source: DraftSource, plane: DraftPlane, level: int, row: int, column: int) -> Plane:
        """One tile, uint8.

        Raises
        ------
        NotFoundError
            There is no such level or tile.
        """
        shape = self._shape(source, level, row, column)
        whole = source.base_tile(level, row, column) if plane is DraftPlane.LABELS else np.zeros(shape, np.uint8)
        wanted = _under(source, level, row, column)
        if not wanted:
            return whole
        result = whole.copy()
        edge = TILE_PX >> level
        for place, planes in self._at_level(source, wanted, level):
            small = planes[0 if plane is DraftPlane.LABELS else 1]
            top, left = place[0] * edge - row * TILE_PX, place[1] * edge - column * TILE_PX
            result[top : top + small.shape[0], left : left + small.shape[1]] = small
        return result

    @staticmethod
    def _shape(source: DraftSource, level: int, row: int, column: int) -> tuple[int, int]:
        """Of a tile that there is."""
        shapes = source.level_shapes
        shape = tile_shape(shapes[level], row, column) if 0 <= level < len(shapes) else (0, 0)
        if shape == (0, 0):
            raise NotFoundError(f"There is no tile {row}, {column} at level {level}.", "Reload the page.")
        return shape

    def ids(self, source: DraftSource, level: int, row: int, column: int) -> Ids:
        """Object ids of one tile, uint32: of the changed tiles that have their own, else of the label map under it.

        Raises
        ------
        NotFoundError
            There is no such level or tile.
        """
        shape = self._shape(source, level, row, column)
        base = source.base
        whole = np.zeros(shape, np.uint32)
        if base is not None and base.objects is not None:
            whole[...] = base.objects.tile(level, row, column)
            whole[of_class(source.base_tile(level, row, column), base.object_classes) == 0] = 0
        edge, wanted = TILE_PX >> level, _under(source, level, row, column)
        for place, small in self._ids_at_level(source, wanted, level):
            top, left = place[0] * edge - row * TILE_PX, place[1] * edge - column * TILE_PX
            whole[top : top + small.shape[0], left : left + small.shape[1]] = small
        return whole

    def _ids_at_level(
        self, source: DraftSource, places: list[tuple[int, int]], level: int
    ) -> Iterator[tuple[tuple[int, int], Ids]]:
        """Ids of changed tiles, as small as a level has them: the upper left of each 2 x 2, as in pyramids."""
        known = {place: self._small_ids.get((source.draft_id, *place, source.changed[place])) for place in places}
        for place, kept in known.items():
            if kept is not None and level >= 2:
                yield place, kept[:: 1 << (level - 2), :: 1 << (level - 2)]
        missing = [place for place in places if known[place] is None or level < 2]
        for place, data in source.read(missing).items():
            own = current_ids(source, place, data)
            self._small_ids.put((source.draft_id, *place, source.changed.get(place, 0)), own[::4, ::4].copy())
            yield place, own[:: 1 << level, :: 1 << level]

    def _at_level(
        self, source: DraftSource, places: list[tuple[int, int]], level: int
    ) -> Iterator[tuple[tuple[int, int], tuple[Plane, Plane]]]:
        """Both planes of changed tiles, as small as a level has them."""
        missing = []
        for place in places:
            found = self._remembered((source.draft_id, *place, source.changed[place]), level)
            if found is None:
                missing.append(place)
            else:
                yield place, found
        for place, data in source.read(missing).items():
            planes = unpack_tile(data, tile_shape(source.shape_yx, *place))
            small = [planes]
            while len(small) < len(source.level_shapes):
                last = small[-1]
                small.append((halve_majority(last[0]), halve_majority(last[1])))
            self._small.put((source.draft_id, *place, source.changed.get(place, 0)), tuple(small[2:]))
            yield place, small[level]

    def _remembered(self, key: tuple[str, int, int, int], level: int) -> tuple[Plane, Plane] | None:
        """Only levels from 2 on are kept."""
        if level < 2:
            return None
        found = self._small.get(key)
        return None if found is None else found[level - 2]


def current_ids(source: DraftSource, place: tuple[int, int], data: bytes | None) -> Ids:
    """Object ids of a tile as it is now, uint32; 0: none.

    Parameters
    ----------
    data
        The packed pixels of the tile; None: it was never changed.
    """
    shape = tile_shape(source.shape_yx, *place)
    own = None if data is None else unpack_ids(data, shape)
    if own is not None:
        return own
    if source.base is None or source.base.objects is None:
        return np.zeros(shape, np.uint32)
    before = source.base_tile(0, *place)
    labels = before if data is None else unpack_tile(data, shape)[0]
    ids = np.array(source.base.objects.tile(0, *place), np.uint32)
    ids[(labels != before) | (of_class(before, source.base.object_classes) == 0)] = 0
    return ids


def _under(source: DraftSource, level: int, row: int, column: int) -> list[tuple[int, int]]:
    """The changed tiles under a tile of a level."""
    return [place for place in source.changed if (place[0] >> level, place[1] >> level) == (row, column)]


def class_counts(labels_yx: Plane, coverage_yx: NDArray[np.bool_] | None = None) -> dict[str, int]:
    """Pixels of each class id (as text, for JSON) that is there; within the coverage where one is given.

    >>> class_counts(np.array([[0, 3], [3, 3]], np.uint8), np.array([[True, True], [False, True]]))
    {'0': 1, '3': 2}
    """
    counted = labels_yx if coverage_yx is None else labels_yx[coverage_yx]
    counts = np.bincount(counted.ravel(), minlength=1)
    return {str(class_id): int(counts[class_id]) for class_id in np.flatnonzero(counts)}
