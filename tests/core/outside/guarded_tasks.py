"""What the tests of the guard have its child do: functions of a module, so that it finds them by name."""

from __future__ import annotations

import ctypes
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.imaging.image import PixelSize, PixelSizeSource
from core.outside.child import report_progress
from core.outside.guarded import guarded


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A value of several kinds of fields."""

    path: Path
    size: PixelSize
    names: tuple[str, ...]
    nothing: int | None = None


def process_id() -> int:
    """Which process runs this."""
    return os.getpid()


def process_id_by_a_guarded_call() -> int:
    return guarded(process_id)


def echoed(wrapped: Wrapped, *, times: int = 1) -> tuple[Wrapped, ...]:
    """The same, several times over."""
    return (wrapped,) * times


def drawn(rows: int, columns: int) -> tuple[PixelSize, NDArray[Any]]:
    """A value and an array."""
    return PixelSize(8.0, PixelSizeSource.FILE, "made"), np.arange(rows * columns, dtype=np.uint16).reshape(
        rows, columns
    )


def refused() -> int:
    """An error of our tree."""
    raise LabelMapError("a.png has no label.", "Draw one.")


def surprised() -> int:
    """An error that is none of ours."""
    raise LookupError("nobody thought of this")


def printing() -> str:
    """Output that must not get between the frames."""
    print("x" * 100_000)
    os.write(1, b"y" * 100_000)
    return "done"


def looping() -> int:
    """Never ends, and keeps a core busy."""
    number = 0
    while True:
        number += 1


def waiting(seconds: float) -> int:
    """Does nothing for a while."""
    time.sleep(seconds)
    return 1


def stepping(steps: int, busy_s: float) -> int:
    """Busy for a while, saying so now and then."""
    for _ in range(steps):
        until = time.process_time() + busy_s
        while time.process_time() < until:
            pass
        report_progress()
    return steps


def hoarding(mib: int) -> int:
    """Takes memory."""
    held = [np.ones(1024**2 // 8) for _ in range(mib)]
    return len(held)


def crashing() -> int:
    """As a fault in a decoder of C."""
    ctypes.string_at(0)
    return 0
