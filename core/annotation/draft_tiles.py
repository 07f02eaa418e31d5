"""A draft as pixels: a label map that somebody began from, and the tiles that were changed since."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.annotation.draft_post import tile_shape
from core.cache import MB, Cache
from core.errors import NotFoundError
from core.imaging.downsample import halve_majority
from core.imaging.pyramid import TILE_PX, Pyramid

Plane = NDArray[np.uint8]

_KEPT_BYTES: Final = 32 * MB
"""Tiles whose smaller copies stay in memory, up to 44 kB each."""

_PACK_LEVEL: Final = 1
"""Label maps are long runs: the fastest level packs them well."""


class DraftPlane(StrEnum):
    """What a draft holds of every pixel."""

    LABELS = "labels"
    COVERAGE = "coverage"


def pack_tile(labels_yx: Plane, coverage_yx: NDArray[np.bool_]) -> bytes:
    """Both planes of a tile, for the database."""
    return zlib.compress(labels_yx.tobytes() + coverage_yx.astype(np.uint8).tobytes(), _PACK_LEVEL)


def unpack_tile(data: bytes, shape_yx: tuple[int, int]) -> tuple[Plane, Plane]:
    """Labels and coverage (0 or 1), uint8, as `pack_tile` took them."""
    planes = np.frombuffer(zlib.decompress(data), np.uint8).reshape(2, *shape_yx)
    return planes[0], planes[1]


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


class DraftTiles:
    """Tiles of drafts on every level. Safe to share by threads."""

    def __init__(self, limit_bytes: int = _KEPT_BYTES) -> None:
        self._small: Cache[tuple[tuple[Plane, Plane], ...]] = Cache(
            "smaller tiles of drafts", "painted tiles on smaller levels", limit_bytes=limit_bytes
        )

    def tile(self, source: DraftSource, plane: DraftPlane, level: int, row: int, column: int) -> Plane:
        """One tile, uint8.

        Raises
        ------
        NotFoundError
            There is no such level or tile.
        """
        shapes = source.level_shapes
        shape = tile_shape(shapes[level], row, column) if 0 <= level < len(shapes) else (0, 0)
        if shape == (0, 0):
            raise NotFoundError(f"There is no tile {row}, {column} at level {level}.", "Reload the page.")
        whole = source.base_tile(level, row, column) if plane is DraftPlane.LABELS else np.zeros(shape, np.uint8)
        wanted = [place for place in source.changed if (place[0] >> level, place[1] >> level) == (row, column)]
        if not wanted:
            return whole
        result = whole.copy()
        edge = TILE_PX >> level
        for place, planes in self._at_level(source, wanted, level):
            small = planes[0 if plane is DraftPlane.LABELS else 1]
            top, left = place[0] * edge - row * TILE_PX, place[1] * edge - column * TILE_PX
            result[top : top + small.shape[0], left : left + small.shape[1]] = small
        return result

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


def class_counts(labels_yx: Plane, coverage_yx: NDArray[np.bool_] | None = None) -> dict[str, int]:
    """Pixels of each class id (as text, for JSON) that is there; within the coverage where one is given.

    >>> class_counts(np.array([[0, 3], [3, 3]], np.uint8), np.array([[True, True], [False, True]]))
    {'0': 1, '3': 2}
    """
    counted = labels_yx if coverage_yx is None else labels_yx[coverage_yx]
    counts = np.bincount(counted.ravel(), minlength=1)
    return {str(class_id): int(counts[class_id]) for class_id in np.flatnonzero(counts)}
