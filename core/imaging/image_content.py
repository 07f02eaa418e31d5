"""Which images are the same: by their pixels, whatever their names."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np

from core.imaging.image import Image

_HASH_ROWS_BYTES: Final = 64 * 1024**2
"""Hashed at once, so that no second copy of a large image is made."""


def content_hash(image: Image, stack: str = "", z_index: int | None = None) -> str:
    """sha256 (hex) of data type, shape and pixels; names and pixel sizes do not count.

    Of a stack's plane its place counts too: a volume may have many planes that are alike, blank ones say, and keeps
    them all.

    >>> a = Image(np.zeros((2, 3), np.uint8), name="a")
    >>> content_hash(a) == content_hash(Image(np.zeros((2, 3), np.uint8), name="b"))
    True
    >>> content_hash(a) == content_hash(Image(np.zeros((3, 2), np.uint8)))
    False
    >>> content_hash(a, "s.tif", 0) == content_hash(a, "s.tif", 1)
    False
    """
    pixels = image.pixels_yx
    little = pixels.dtype.newbyteorder("<")
    digest = hashlib.sha256(f"{pixels.dtype.name} {pixels.shape}\n".encode())
    step = max(1, _HASH_ROWS_BYTES // (pixels.shape[1] * pixels.itemsize))
    for row in range(0, pixels.shape[0], step):
        digest.update(np.ascontiguousarray(pixels[row : row + step], dtype=little).data)
    alone = digest.hexdigest()
    return hashlib.sha256(f"{alone} {z_index} {stack}".encode()).hexdigest() if stack else alone
