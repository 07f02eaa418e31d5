"""The C library's memory allocator, told to keep what a program frees.

A network on the processor allocates the same large arrays at every iteration. glibc takes each of them from the system
and gives it back, and the system clears its pages every time. Measured: training took 0.75 of the time without that,
with the same peak of memory (docs/benchmarks.md).
"""

from __future__ import annotations

import ctypes
import platform
from typing import Final

TRIM_THRESHOLD: Final = -1
TOP_PAD: Final = -2
MMAP_MAX: Final = -4
"""Parameters of ``mallopt`` in <malloc.h>."""

NEVER: Final = -1
GROW_BY: Final = 64 << 20
"""Bytes by which the heap grows at once."""


def keep_freed_memory() -> bool:
    """Large arrays come from the heap, which never shrinks: for a process of its own that ends with its work.

    Returns
    -------
    bool
        Whether the allocator could be told; False with any other than glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    options = ((MMAP_MAX, 0), (TRIM_THRESHOLD, NEVER), (TOP_PAD, GROW_BY))
    library = ctypes.CDLL(None)
    return all(library.mallopt(name, value) == 1 for name, value in options)
