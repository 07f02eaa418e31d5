"""A page of a TIFF band by band: a row of strips or tiles at a time, so that a large plane need not be in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

BAND_BYTES: Final = 16 * 1024**2
"""Strips are gathered up to this: files of one row per strip would else give thousands of bands."""

_CONTIGUOUS: Final = 1


def can_be_read_in_bands(page: Any) -> bool:
    """Whether a page is stored in several strips or tiles, or as it is, with the samples of a pixel together."""
    key = page.keyframe
    if int(key.planarconfig) != _CONTIGUOUS and int(key.samplesperpixel) > 1:
        return False
    if int(key.imagedepth) != 1 or key.dtype is None:
        return False
    return bool(page.is_memmappable) or _segment_rows(key) < int(key.imagelength)


def stored_bands(page: Any, path: Path) -> Iterator[NDArray[Any]]:
    """Pieces of full width, from top to bottom: shape (rows, columns), with several samples (rows, columns, samples).

    Parameters
    ----------
    page
        Of a TIFF, as `can_be_read_in_bands` likes it.
    path
        Its file.
    """
    yield from _rows_of_file(page, path) if page.is_memmappable else _rows_of_segments(page)


def _rows_of_file(page: Any, path: Path) -> Iterator[NDArray[Any]]:
    """Of a page that lies in the file as it is."""
    key = page.keyframe
    columns, samples = int(key.imagewidth), int(key.samplesperpixel)
    dtype = np.dtype(key.dtype).newbyteorder(page.parent.byteorder)
    row_px = columns * samples
    height = max(BAND_BYTES // max(row_px * dtype.itemsize, 1), 1)
    with path.open("rb") as file:
        file.seek(page.dataoffsets[0])
        for top in range(0, int(key.imagelength), height):
            rows = min(height, int(key.imagelength) - top)
            band = np.fromfile(file, dtype, rows * row_px)
            yield _shaped(band.reshape(rows, columns, samples)).astype(dtype.newbyteorder("="), copy=False)


def _rows_of_segments(page: Any) -> Iterator[NDArray[Any]]:
    """Of strips or tiles, gathered to full rows of them."""
    key = page.keyframe
    columns, samples, dtype = int(key.imagewidth), int(key.samplesperpixel), np.dtype(key.dtype)
    height = _segment_rows(key)
    gathered = max(BAND_BYTES // max(height * columns * samples * dtype.itemsize, 1), 1) * height
    for top, segments in _by_band(page, gathered):
        rows = min(gathered, int(key.imagelength) - top)
        band = np.full((rows, columns, samples), key.nodata, dtype)
        for pixels, row, column in segments:
            place = band[row - top : row - top + pixels.shape[0], column : column + pixels.shape[1]]
            place[...] = pixels[: place.shape[0], : place.shape[1]]
        yield _shaped(band)


def _by_band(page: Any, height: int) -> Iterator[tuple[int, list[tuple[NDArray[Any], int, int]]]]:
    """First row of each band, and its decoded segments with their row and column; absent ones are left out."""
    top = 0
    found: list[tuple[NDArray[Any], int, int]] = []
    # One worker: several would decode all that 16 MB of packed segments hold before the first is taken.
    for pixels, (_, _, row, column, _), _ in page.segments(maxworkers=1, buffersize=BAND_BYTES):
        if row >= top + height:
            yield top, found
            top, found = row // height * height, []
        if pixels is not None:
            found.append((pixels[0], int(row), int(column)))
    yield top, found


def _segment_rows(key: Any) -> int:
    """Rows of a strip or tile."""
    rows = int(key.tilelength) if key.is_tiled else int(key.rowsperstrip)
    return max(min(rows, int(key.imagelength)), 1)


def _shaped(band: NDArray[Any]) -> NDArray[Any]:
    return band[..., 0] if band.shape[2] == 1 else band
