"""What reading a file from outside may take in a guarded process, by the size that its header declares."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from core.outside.guarded import GIB, Limits

_BYTES_PER_BUSY_S: Final = 20_000_000
"""A processor second's worth of file to open or decode, at the very least."""

_PX_PER_BUSY_S: Final = 2_000_000
"""The same in pixels, for compressed files."""

_COPIES: Final = 8
"""How often a plane may be in memory while it is read: the file, its samples, luminance, masks of what is finite."""

_LABEL_BYTES_PER_PX: Final = 24
"""Of memory: masks of 8 bytes per pixel are held three times; colours and values need a fifth of that."""

_LABEL_PX_PER_BUSY_S: Final = 400_000
"""Pixels that a processor second suffices for, at the very least."""


def open_limits(path: Path) -> Limits:
    """What opening a file may take: more for a larger one, whose stack has more pages to look at."""
    with suppress(OSError):
        return Limits(busy_s=20 + path.stat().st_size / _BYTES_PER_BUSY_S)
    return Limits()


def read_limits(path: Path, shape_yx: tuple[int, int], bytes_per_px: int) -> Limits:
    """What reading a page of a file may take."""
    px = shape_yx[0] * shape_yx[1]
    file_bytes = 0
    with suppress(OSError):
        file_bytes = path.stat().st_size
    return Limits(
        memory_bytes=2 * GIB + px * max(bytes_per_px, 4) * _COPIES,
        busy_s=20 + px / _PX_PER_BUSY_S + file_bytes / _BYTES_PER_BUSY_S,
    )


def label_limits(paths: Sequence[Path], shape_yx: tuple[int, int]) -> Limits:
    """What reading label files of an image may take."""
    px = shape_yx[0] * shape_yx[1] * max(len(paths), 1)
    file_bytes = 0
    for path in paths:
        with suppress(OSError):
            file_bytes += path.stat().st_size
    return Limits(
        memory_bytes=2 * GIB + shape_yx[0] * shape_yx[1] * _LABEL_BYTES_PER_PX + file_bytes,
        busy_s=30 + px / _LABEL_PX_PER_BUSY_S,
    )
