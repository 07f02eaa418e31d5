"""Which object each pixel of a draft belongs to, now: what was edited, and under it the ids of what it was begun from.

A changed tile may carry ids of its own (`core.annotation.draft_tiles.pack_tile`); they are the full state of the tile.
A tile without them has the ids of the label map under the draft, wherever the class is still the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.annotation.draft_post import tile_shape
from core.annotation.draft_tiles import DraftSource, Ids, Plane, current_ids, unpack_ids, unpack_tile
from core.cache import MB, Cache
from core.errors import AnnotationError
from core.imaging.object_pyramid import MOST_ID
from core.imaging.pyramid import TILE_PX, Pyramid
from core.imaging.pyramid_layout import tile_overlap
from core.labels.numbering import runs

Place = tuple[int, int]

_PLACES: Cache[IdPlaces] = Cache(
    "places of objects", "which tiles each object of a label map is in", limit_bytes=32 * MB
)

_EDITED: Cache[TileIds] = Cache("objects of drafts", "which objects are in each edited tile", limit_bytes=16 * MB)


@dataclass(frozen=True, slots=True, eq=False)
class TileIds:
    """What a changed tile of a draft says of objects.

    Parameters
    ----------
    own
        Whether it has ids of its own.
    ids
        uint32, ascending: those in it, without 0.
    class_ids
        Of the pixels with ids.
    """

    own: bool
    ids: NDArray[np.uint32]
    class_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class IdPlaces:
    """The tiles in which each id of a label map lies.

    Parameters
    ----------
    ids
        uint32, shape (n,), ascending; an id is there once for each tile.
    tiles
        int32, shape (n,): number of the tile in reading order.
    columns
        Tiles in a row of tiles.
    """

    ids: NDArray[np.uint32]
    tiles: NDArray[np.int32]
    columns: int

    @property
    def highest(self) -> int:
        """The largest id; 0 where there is none."""
        return int(self.ids[-1]) if len(self.ids) else 0

    def of(self, number: int) -> set[Place]:
        """Row and column of the tiles with an id."""
        first, last = np.searchsorted(self.ids, [number, number + 1]) if number < MOST_ID else (0, len(self.ids))
        found = self.tiles[first:last][self.ids[first:last] == number]
        return {(int(tile) // self.columns, int(tile) % self.columns) for tile in found}

    @classmethod
    def read(cls, ids: Pyramid) -> IdPlaces:
        """Of a pyramid of ids, read once in bands; kept for as long as there is room."""
        stamp = (ids.path / "zarr.json").stat()
        return _PLACES.get_or_make((ids.path, stamp.st_ino, stamp.st_mtime_ns), lambda: _read_places(ids))


def _read_places(ids: Pyramid) -> IdPlaces:
    height, width = ids.shape_yx
    columns = -(-width // TILE_PX)
    found: list[NDArray[np.uint32]] = [np.zeros(0, np.uint32)]
    tiles: list[NDArray[np.int32]] = [np.zeros(0, np.int32)]
    for row in range(-(-height // TILE_PX)):
        band = np.asarray(ids.read(0, slice(row * TILE_PX, (row + 1) * TILE_PX), slice(None)), np.uint32)
        for column in range(columns):
            here = distinct(band[:, column * TILE_PX : (column + 1) * TILE_PX])
            found.append(here[here != 0])
            tiles.append(np.full(len(found[-1]), row * columns + column, np.int32))
    every, places = np.concatenate(found), np.concatenate(tiles)
    order = np.argsort(every, kind="stable")
    return IdPlaces(every[order], places[order], columns)


def distinct(ids_yx: Ids) -> Ids:
    """The ids of a region, 0 among them, ascending."""
    starts, _ = runs(ids_yx)
    return np.unique(ids_yx.ravel()[starts])


class DraftPixels:
    """Labels and object ids of a draft as it is now. For one request: it remembers the tiles that it has read.

    Parameters
    ----------
    source
        Of the draft.
    """

    def __init__(self, source: DraftSource) -> None:
        self._source = source
        self._tiles: dict[Place, tuple[Plane, Ids]] = {}
        self._edited: dict[Place, TileIds] | None = None

    @property
    def shape_yx(self) -> tuple[int, int]:
        """Of the image."""
        return self._source.shape_yx

    @property
    def base_classes(self) -> tuple[int, ...]:
        """The classes that had ids before the draft."""
        base = self._source.base
        return () if base is None or base.objects is None else base.object_classes

    @property
    def edited(self) -> dict[Place, TileIds]:
        """The tiles that have ids of their own, by row and column."""
        if self._edited is None:
            changed, name = self._source.changed, self._source.draft_id
            known = {place: _EDITED.get((name, place, version)) for place, version in changed.items()}
            for place in [place for place, facts in known.items() if facts is None]:
                known[place] = _EDITED.put((name, place, changed[place]), self._facts(place))
            self._edited = {place: facts for place, facts in known.items() if facts is not None and facts.own}
        return self._edited

    def classes(self) -> tuple[int, ...]:
        """The classes that have ids now, ascending."""
        found = {class_id for facts in self.edited.values() for class_id in facts.class_ids}
        return tuple(sorted((found | set(self.base_classes)) - {0, 255}))

    def own_ids(self) -> Mapping[Place, Ids]:
        """Ids of the tiles that have their own, unpacked when they are asked for."""
        return _OwnIds(self._source, self.edited)

    def tile(self, place: Place) -> tuple[Plane, Ids]:
        """Labels and ids of one tile."""
        known = self._tiles.get(place)
        if known is None:
            known = self._tiles[place] = self._read(place)
        return known

    def window(self, rows: slice, columns: slice) -> tuple[Plane, Ids]:
        """Labels and ids of a region within the image."""
        shape = rows.stop - rows.start, columns.stop - columns.start
        labels, ids = np.zeros(shape, np.uint8), np.zeros(shape, np.uint32)
        for place, inside, there in tiles_under(rows, columns):
            own_labels, own_ids = self.tile(place)
            labels[inside], ids[inside] = own_labels[there], own_ids[there]
        return labels, ids

    def places(self, number: int) -> set[Place]:
        """Row and column of the tiles in which an id may lie."""
        base = self._source.base
        found: set[Place] = set()
        if base is not None and base.objects is not None:
            found = IdPlaces.read(base.objects).of(number)
        edited = {place for place, facts in self.edited.items() if number in facts.ids}
        return {place for place in found if place not in self.edited} | edited

    def free_ids(self, count: int) -> range:
        """So many ids in a row that no object of the draft has: above all others, else in the lowest gap with room.

        Raises
        ------
        AnnotationError
            There is no such gap.
        """
        base = self._source.base
        before = [] if base is None or base.objects is None else [IdPlaces.read(base.objects).ids]
        used = np.unique(np.concatenate([[0], *before, *(facts.ids for facts in self.edited.values())])).astype(
            np.int64
        )
        if used[-1] + count <= MOST_ID:
            return range(int(used[-1]) + 1, int(used[-1]) + 1 + count)
        wide = np.flatnonzero(np.diff(used) > count)
        if not len(wide):
            raise AnnotationError(
                f"No {count} ids in a row are free: ids go up to {MOST_ID:,}.",
                "Number the objects again and import them.",
            )
        first = int(used[wide[0]]) + 1
        return range(first, first + count)

    def _facts(self, place: Place) -> TileIds:
        """What a changed tile says of objects."""
        shape = tile_shape(self.shape_yx, *place)
        data = self._source.read([place])[place]
        own = unpack_ids(data, shape)
        if own is None:
            return TileIds(False, np.zeros(0, np.uint32), ())
        ids = distinct(own)
        classes = np.unique(unpack_tile(data, shape)[0][own != 0]).tolist()
        return TileIds(True, ids[ids != 0], tuple(classes))

    def _read(self, place: Place) -> tuple[Plane, Ids]:
        data = self._source.read([place])[place] if place in self._source.changed else None
        shape = tile_shape(self.shape_yx, *place)
        labels = self._source.base_tile(0, *place) if data is None else unpack_tile(data, shape)[0]
        return labels, current_ids(self._source, place, data)


def tiles_under(rows: slice, columns: slice) -> Iterable[tuple[Place, tuple[slice, slice], tuple[slice, slice]]]:
    """The tiles under a region: row and column of each, where it lies in the region, and which part of it that is."""
    for row in range(rows.start // TILE_PX, -(-rows.stop // TILE_PX)):
        for column in range(columns.start // TILE_PX, -(-columns.stop // TILE_PX)):
            (in_y, of_y), (in_x, of_x) = tile_overlap(rows, row), tile_overlap(columns, column)
            yield (row, column), (in_y, in_x), (of_y, of_x)


class _OwnIds(Mapping[Place, Ids]):
    """Ids of edited tiles: a whole draft of them would be too much to have at once."""

    def __init__(self, source: DraftSource, places: Collection[Place]) -> None:
        self._source, self._places = source, places

    def __getitem__(self, place: Place) -> Ids:
        if place not in self._places:
            raise KeyError(place)
        ids = unpack_ids(self._source.read([place])[place], tile_shape(self._source.shape_yx, *place))
        if ids is None:
            raise KeyError(place)
        return ids

    def __iter__(self) -> Iterator[Place]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
