"""Writing a label pyramid block by block, while others read it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import zarr
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.files import explained_os_errors, replacing
from core.imaging.downsample import halve_majority, halve_mean
from core.imaging.pyramid_layout import (
    CONFIDENCE,
    SHARD_PX,
    UNFINISHED,
    Array,
    create_levels,
    mark_unfinished,
    open_levels,
    remove_unfinished,
    shard_bounds,
)
from core.label_scheme import IGNORE_ID, LabelScheme

_FLUSH_EVERY_S: Final = 0.5
"""Written blocks are on disk, for the viewer, after this time at the latest (with the next write)."""

_FLUSH_SHARE: Final = 8
"""A flush is followed by at least this many times its own duration without one: at most about 1/9 of the time."""

_HELD: Final = 32
"""Shards kept in memory, 4 MiB each, per kind (labels, confidence), however small the image."""

_HELD_ROWS: Final = 3
"""Rows of shards kept in any case: a band of blocks that crosses two rows, and the levels above it."""

_NO_CONFIDENCE: Final = 0
"""Confidence of pixels not yet written."""


class _Shard:
    """The pixels of one shard in memory, and what of them is newer than the disk and than the level above."""

    __slots__ = ("changed", "on_disk", "pixels", "written_px")

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self.pixels = pixels
        self.on_disk = True
        self.changed: tuple[int, int, int, int] | None = None  # within the shard: row, end, column, end
        self.written_px = 0

    def put(self, row: int, column: int, block: NDArray[np.uint8]) -> None:
        rows, columns = block.shape
        self.pixels[row : row + rows, column : column + columns] = block
        box = (row, row + rows, column, column + columns)
        old = self.changed or box
        self.changed = (min(old[0], box[0]), max(old[1], box[1]), min(old[2], box[2]), max(old[3], box[3]))
        self.on_disk = False
        self.written_px += block.size


class _Plane:
    """One kind of pixels (labels or confidence) on all levels, written through a cache of whole shards."""

    def __init__(self, levels: tuple[Array, ...], halve: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> None:
        self._levels = levels
        self._halve = halve
        self._held: dict[tuple[int, int, int], _Shard] = {}  # level, row, column of the shard; oldest use first
        self._most = max(_HELD, _HELD_ROWS * -(-levels[0].shape[1] // SHARD_PX))

    @property
    def crowded(self) -> bool:
        """Whether the cache should be written out."""
        return len(self._held) > self._most

    def put(self, level: int, row: int, column: int, block: NDArray[np.uint8]) -> None:
        """Take over a block that may cross shards."""
        rows, columns = block.shape
        for shard_row in range(row // SHARD_PX, (row + rows - 1) // SHARD_PX + 1):
            for shard_column in range(column // SHARD_PX, (column + columns - 1) // SHARD_PX + 1):
                top, bottom, left, right = shard_bounds((shard_row, shard_column), self._levels[level].shape)
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
                self._levels[level].write(shard_row * SHARD_PX, shard_column * SHARD_PX, shard.pixels)
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
            (shard_row * SHARD_PX + top) // 2,
            (shard_column * SHARD_PX + left) // 2,
            self._halve(source),
        )

    def _shard(self, level: int, row: int, column: int) -> _Shard:
        """The shard from memory, else from disk; it becomes the most recently used."""
        key = (level, row, column)
        shard = self._held.pop(key, None)
        if shard is None:
            top, bottom, left, right = shard_bounds((row, column), self._levels[level].shape)
            pixels = self._levels[level].read(slice(top, bottom), slice(left, right))
            shard = _Shard(np.array(pixels, dtype=np.uint8))
        self._held[key] = shard
        return shard


class LabelPyramidWriter:
    """Writes a label map, and a confidence map beside it, in blocks of any size and order.

    The pyramid stands at its final path from the start and may be read meanwhile, by this and by other processes:
    unwritten pixels are 255 (ignore), levels above 0 follow within about half a second. Until `finish` it bears a mark
    (`is_unfinished`); one left by a crash is removed by `discard`, `remove_unfinished`, or by a new writer at the path.
    As a context manager it finishes when the block ends well and discards when it does not. Safe to share by threads.

    Parameters
    ----------
    path
        The pyramid's folder. Parents are made.
    shape_yx
        Rows, columns.
    pixel_size_nm
        None where unknown.
    with_confidence
        Whether there is a confidence map, uint8, 0 where unwritten.
    scheme
        Written as colours for other viewers.
    name
        Shown by other viewers.

    Raises
    ------
    LabelMapError
        The path holds something already, or the shape has no pixels.
    StorageFullError
        The device is full, or the folder cannot be written. Then nothing is left.
    """

    def __init__(
        self,
        path: Path,
        shape_yx: tuple[int, int],
        *,
        pixel_size_nm: float | None,
        with_confidence: bool = True,
        scheme: LabelScheme | None = None,
        name: str = "labels",
    ) -> None:
        if min(shape_yx) < 1:
            raise LabelMapError(f"A label map has shape {shape_yx}.", "It needs at least one pixel.")
        remove_unfinished(path)
        if path.exists():
            raise LabelMapError(f"{path.name} exists already.", "Remove it first, or write to another name.")
        self.path = path
        self.shape_yx = shape_yx
        self.version = 0
        """How many times the files have changed; a reader that sees a new one may fetch its tiles again."""
        self._lock = threading.RLock()
        self._last_flush_s = time.monotonic() - _FLUSH_EVERY_S / 2  # the first blocks show sooner
        self._pause_s = _FLUSH_EVERY_S
        self._open = True
        with replacing(path) as temporary:  # so that nobody opens it before its metadata is there
            mark_unfinished(temporary)
            common: Any = {"shape_yx": shape_yx, "dtype": np.uint8, "pixel_size_nm": pixel_size_nm}
            create_levels(temporary, fill_value=IGNORE_ID, name=name, scheme=scheme, **common)
            if with_confidence:
                create_levels(temporary / CONFIDENCE, fill_value=_NO_CONFIDENCE, name=CONFIDENCE, **common)
        self._planes = [_Plane(open_levels(zarr.open_group(path, mode="r+")), halve_majority)]
        if with_confidence:
            self._planes.append(_Plane(open_levels(zarr.open_group(path / CONFIDENCE, mode="r+")), halve_mean))

    def write(
        self, row: int, col: int, labels_u8: NDArray[np.uint8], confidence_u8: NDArray[np.uint8] | None = None
    ) -> None:
        """Write a block; what was there before is replaced.

        Parameters
        ----------
        row, col
            Of the block's first pixel.
        labels_u8
            uint8, shape (rows, columns).
        confidence_u8
            Same shape; 0 (none) to 255 (certain). Ignored where the pyramid has no confidence.

        Raises
        ------
        LabelMapError
            The block is not uint8, reaches beyond the label map, or a confidence is missing or of another shape.
        StorageFullError
            The device is full, or the folder cannot be written.
        """
        blocks = [labels_u8] if len(self._planes) == 1 else [labels_u8, confidence_u8]
        with self._lock:
            self._check_open()
            checked = [self._checked(row, col, block, labels_u8.shape) for block in blocks]
            if labels_u8.size == 0:
                return
            with explained_os_errors(self.path):
                for plane, block in zip(self._planes, checked, strict=True):
                    plane.put(0, row, col, block)
                if self._due():
                    self._flush()

    def flush(self) -> None:
        """Make everything written so far readable for others, on all levels."""
        with self._lock, explained_os_errors(self.path):
            self._check_open()
            self._flush()

    def finish(self) -> None:
        """Write what is still in memory and take the mark away. The pyramid is complete."""
        with self._lock, explained_os_errors(self.path):
            self._check_open()
            self._flush()
            (self.path / UNFINISHED).unlink()
            self._open = False

    def discard(self) -> None:
        """Remove everything, unless `finish` came before. May be called twice."""
        with self._lock:
            if self._open:
                self._open = False
                remove_unfinished(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None:
            self.discard()
        elif self._open:
            try:
                self.finish()
            except BaseException:
                self.discard()
                raise

    def _flush(self) -> None:
        began = time.monotonic()
        for plane in self._planes:
            plane.flush()
        self.version += 1
        self._last_flush_s = time.monotonic()
        self._pause_s = max(_FLUSH_EVERY_S, _FLUSH_SHARE * (self._last_flush_s - began))

    def _due(self) -> bool:
        return time.monotonic() - self._last_flush_s >= self._pause_s or any(plane.crowded for plane in self._planes)

    def _check_open(self) -> None:
        if not self._open:
            raise LabelMapError(f"{self.path.name} is finished or discarded.", "Begin a new label map.")

    def _checked(
        self, row: int, col: int, block: NDArray[np.uint8] | None, shape: tuple[int, ...]
    ) -> NDArray[np.uint8]:
        """The block, if it fits."""
        if block is None or block.shape != shape or block.ndim != 2 or block.dtype != np.uint8:
            what = "nothing" if block is None else f"{block.dtype} of shape {block.shape}"
            raise LabelMapError(
                f"A block of labels has shape {shape}, and {what} came with it.",
                "Give 2D uint8 arrays of one shape for labels and confidence.",
            )
        rows, columns = self.shape_yx
        if row < 0 or col < 0 or row + shape[0] > rows or col + shape[1] > columns:
            raise LabelMapError(
                f"A block of {shape[0]} x {shape[1]} px at row {row}, column {col} reaches beyond the label map of "
                f"{rows} x {columns} px.",
                "Cut the block at the image's edge.",
            )
        return block


def write_label_pyramid(
    path: Path,
    labels_yx: NDArray[np.uint8],
    *,
    pixel_size_nm: float | None,
    confidence_yx: NDArray[np.uint8] | None = None,
    scheme: LabelScheme | None = None,
    name: str = "labels",
) -> None:
    """Write a whole label map at once.

    Parameters
    ----------
    path
        The pyramid's folder; must not exist.
    labels_yx
        uint8, shape (rows, columns).
    pixel_size_nm
        None where unknown.
    confidence_yx
        uint8, same shape.
    scheme, name
        As for `LabelPyramidWriter`.

    Raises
    ------
    LabelMapError
        As for `LabelPyramidWriter`.
    StorageFullError
        The device is full, or the folder cannot be written. Then nothing is left.
    """
    rows, columns = labels_yx.shape
    with_confidence = confidence_yx is not None
    with LabelPyramidWriter(
        path, (rows, columns), pixel_size_nm=pixel_size_nm, with_confidence=with_confidence, scheme=scheme, name=name
    ) as writer:
        for row in range(0, rows, SHARD_PX):
            part = slice(row, row + SHARD_PX)
            writer.write(row, 0, labels_yx[part], confidence_yx[part] if confidence_yx is not None else None)
