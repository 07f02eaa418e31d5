"""What writers of pyramids in blocks share: readable meanwhile, marked until complete, no remains of a failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from core.errors import LabelMapError
from core.files import explained_os_errors, replacing
from core.imaging.pyramid_layout import UNFINISHED, mark_unfinished, remove_unfinished
from core.imaging.sharded_plane import ShardedPlane

_FLUSH_EVERY_S: Final = 0.5
"""Written blocks are on disk, for the viewer, after this time at the latest (with the next write)."""

_FLUSH_SHARE: Final = 8
"""A flush is followed by at least this many times its own duration without one: at most about 1/9 of the time."""


class BlockWriter:
    """Keeps the files of a pyramid up to date while its planes are written. Safe to share by threads.

    Parameters
    ----------
    path
        The pyramid's folder.
    shape_yx
        Rows, columns.
    create
        Makes the levels in a folder of another name, which then takes its own.
    open_planes
        Opens what was made.

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
        create: Callable[[Path], None],
        open_planes: Callable[[], list[ShardedPlane]],
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
            create(temporary)
        self._planes = open_planes()

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
            raise LabelMapError(f"{self.path.name} is finished or discarded.", "Start a new label map.")

    def _check_place(self, row: int, col: int, shape: tuple[int, ...]) -> None:
        """Refuse a block that reaches beyond the map."""
        rows, columns = self.shape_yx
        if row < 0 or col < 0 or row + shape[0] > rows or col + shape[1] > columns:
            raise LabelMapError(
                f"A block of {shape[0]} x {shape[1]} px at row {row}, column {col} reaches beyond the label map of "
                f"{rows} x {columns} px.",
                "Cut the block at the image's edge.",
            )
