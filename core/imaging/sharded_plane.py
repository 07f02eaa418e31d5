"""Shards of a pyramid held in memory while blocks of any size and order are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.imaging.pyramid_layout import Array, shard_bounds

_HELD: Final = 32
"""Shards kept in memory, 4 MiB each, per kind of pixels, however small the image."""

_HELD_ROWS: Final = 3
"""Rows of shards kept in any case: a band of blocks that crosses two rows, and the levels above it."""


class _Shard:
    """The pixels of one shard in memory, and what of them is newer than the disk and than the level above."""

    __slots__ = ("changed", "on_disk", "pixels", "written_px")

    def __init__(self, pixels: NDArray[Any]) -> None:
        self.pixels = pixels
        self.on_disk = True
        self.changed: tuple[int, int, int, int] | None = None  # within the shard: row, end, column, end
        self.written_px = 0

    def put(self, row: int, column: int, block: NDArray[Any]) -> None:
        rows, columns = block.shape
        self.pixels[row : row + rows, column : column + columns] = block
        box = (row, row + rows, column, column + columns)
        old = self.changed or box
        self.changed = (min(old[0], box[0]), max(old[1], box[1]), min(old[2], box[2]), max(old[3], box[3]))
        self.on_disk = False
        self.written_px += block.size


class ShardedPlane:
    """One kind of pixels (labels, confidence, object ids) on all levels, written through a cache of whole shards.

    Parameters
    ----------
    levels
        Full resolution first.
    halve
        From pixels of a level to those of the next.
    """

    def __init__(self, levels: tuple[Array, ...], halve: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
        self._levels = levels
        self._halve = halve
        self._shard_px = levels[0].shard_px
        self._held: dict[tuple[int, int, int], _Shard] = {}  # level, row, column of the shard; oldest use first
        self._most = max(_HELD, _HELD_ROWS * -(-levels[0].shape[1] // self._shard_px))

    @property
    def crowded(self) -> bool:
        """Whether the cache should be written out."""
        return len(self._held) > self._most

    def put(self, level: int, row: int, column: int, block: NDArray[Any]) -> None:
        """Take over a block that may cross shards."""
        rows, columns = block.shape
        for shard_row in range(row // self._shard_px, (row + rows - 1) // self._shard_px + 1):
            for shard_column in range(column // self._shard_px, (column + columns - 1) // self._shard_px + 1):
                top, bottom, left, right = shard_bounds(
                    (shard_row, shard_column), self._levels[level].shape, self._shard_px
                )
                r0, r1, c0, c1 = max(row, top), min(row + rows, bottom), max(column, left), min(column + columns, right)
                shard = self._shard(level, shard_row, shard_column)
                shard.put(r0 - top, c0 - left, block[r0 - row : r1 - row, c0 - column : c1 - column])

    def flush(self) -> None:
        """Bring the upper levels up to date, write what is new, forget what is full."""
        for level in range(len(self._levels) - 1):
            for (at, shard_row, shard_column), shard in list(self._held.items()):
                if at == level and shard.changed is not None:
                    self._lift(level, shard_row, shard_column, shard)
        for (level, shard_row, shard_column), shard in self._held.items():
            if not shard.on_disk:
                self._levels[level].write(shard_row * self._shard_px, shard_column * self._shard_px, shard.pixels)
                shard.on_disk = True
                shard.changed = None
        self._held = {
            key: shard
            for index, (key, shard) in enumerate(self._held.items())
            if shard.written_px < shard.pixels.size and index >= len(self._held) - self._most // 2
        }

    def _lift(self, level: int, shard_row: int, shard_column: int, shard: _Shard) -> None:
        """Halve the changed part of a shard into the level above."""
        if shard.changed is None:
            return
        top, bottom, left, right = shard.changed
        top, left = top - top % 2, left - left % 2
        source = shard.pixels[top : bottom + bottom % 2, left : right + right % 2]
        self.put(
            level + 1,
            (shard_row * self._shard_px + top) // 2,
            (shard_column * self._shard_px + left) // 2,
            self._halve(source),
        )

    def _shard(self, level: int, row: int, column: int) -> _Shard:
        """The shard from memory, else from disk; it becomes the most recently used."""
        key = (level, row, column)
        shard = self._held.pop(key, None)
        if shard is None:
            top, bottom, left, right = shard_bounds((row, column), self._levels[level].shape, self._shard_px)
            pixels = self._levels[level].read(slice(top, bottom), slice(left, right))
            shard = _Shard(np.array(pixels))
        self._held[key] = shard
        return shard
