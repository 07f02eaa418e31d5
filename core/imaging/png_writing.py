"""PNG written band by band: the picture need not fit into memory, and says how large a pixel is and what it shows."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

from core.files import replacing

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"

_BAND_BYTES: Final = 8 * 1024**2
"""Pixels read and compressed at once."""

_LARGEST_PER_METRE: Final = 2**31 - 1
"""The format's largest resolution: pixels below 0.47 nm cannot be written, and are named in the text alone."""

_NM_PER_METRE: Final = 1e9

_COLOR_TYPES: Final = {("gray", 1): 0, ("rgb", 3): 2, ("palette", 1): 3}

RowReader = Callable[[int, int], "NDArray[Any]"]
"""From the first row and the row behind the last to these rows, full width; called from top to bottom."""


def write_png(
    path: Path,
    shape_yx: tuple[int, int],
    read_rows: RowReader,
    *,
    dtype: np.dtype[Any] | type = np.uint8,
    samples: int = 1,
    palette: NDArray[np.uint8] | None = None,
    pixel_size_nm: float | None = None,
    texts: Mapping[str, str] | None = None,
    level: int = 6,
    grain: bool = False,
) -> None:
    """Write a grey, palette or RGB picture.

    Parameters
    ----------
    path
        Where; replaced atomically.
    shape_yx
        Rows and columns of the whole.
    read_rows
        Gives rows of the dtype, shape (rows, columns) or, with three samples, (rows, columns, 3).
    dtype
        uint8 or uint16; uint8 with a palette or three samples.
    samples
        1, or 3 for red, green, blue.
    palette
        uint8, shape (256, 3): values are indices into it.
    pixel_size_nm
        Edge of a pixel in nm, kept in pHYs; None, or below 0.47 nm, which the format cannot hold: left out.
    texts
        Keyword (1 to 79 Latin letters) to text, kept in tEXt, or in iTXt where a letter is not of Latin-1.
    level
        Of compression, 0 to 9.
    grain
        Rows are kept as differences from the one above, which makes photographs smaller and label maps larger.

    Raises
    ------
    StorageFullError
        The folder cannot be written.
    """
    kind = "palette" if palette is not None else "rgb" if samples == 3 else "gray"
    stored = np.dtype(dtype).newbyteorder(">")
    header = struct.pack(
        ">IIBBBBB", shape_yx[1], shape_yx[0], 8 * stored.itemsize, _COLOR_TYPES[kind, samples], 0, 0, 0
    )
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(_SIGNATURE)
        _chunk(file, b"IHDR", header)
        per_metre = pixels_per_metre(pixel_size_nm)
        if per_metre is not None:  # before texts, so that it is found early
            _chunk(file, b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1))
        for keyword, text in (texts or {}).items():
            _text(file, keyword, text)
        if palette is not None:
            _chunk(file, b"PLTE", np.ascontiguousarray(palette, np.uint8).tobytes())
        _pixels(file, shape_yx, read_rows, stored, samples, level, grain)
        _chunk(file, b"IEND", b"")


def pixels_per_metre(pixel_size_nm: float | None) -> int | None:
    """As pHYs holds it; None where nothing is known or the format cannot hold it.

    >>> pixels_per_metre(8.0), pixels_per_metre(0.2)
    (125000000, None)
    """
    if pixel_size_nm is None:
        return None
    count = round(_NM_PER_METRE / pixel_size_nm)
    return count if 1 <= count <= _LARGEST_PER_METRE else None


def _pixels(
    file: IO[bytes],
    shape_yx: tuple[int, int],
    read_rows: RowReader,
    stored: np.dtype[Any],
    samples: int,
    level: int,
    grain: bool,
) -> None:
    """The pixels in bands, each row behind the number of its filter (0: none, 2: difference from the row above)."""
    rows, columns = shape_yx
    width_bytes = columns * samples * stored.itemsize
    packer = zlib.compressobj(level)
    band_rows = max(1, _BAND_BYTES // width_bytes)
    above = np.zeros(width_bytes, np.uint8)
    for top in range(0, rows, band_rows):
        bottom = min(top + band_rows, rows)
        pixels = np.ascontiguousarray(read_rows(top, bottom), dtype=stored).reshape(bottom - top, -1).view(np.uint8)
        lines = np.zeros((bottom - top, 1 + width_bytes), np.uint8)
        if grain:
            lines[:, 0] = 2
            lines[0, 1:] = pixels[0] - above
            lines[1:, 1:] = pixels[1:] - pixels[:-1]
            above = pixels[-1].copy()
        else:
            lines[:, 1:] = pixels
        _chunk(file, b"IDAT", packer.compress(lines.data))
    _chunk(file, b"IDAT", packer.flush())


def _text(file: IO[bytes], keyword: str, text: str) -> None:
    """A text, as Latin-1 where that holds all of its letters."""
    try:
        _chunk(file, b"tEXt", keyword.encode("latin-1") + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        _chunk(file, b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode("utf-8"))


def _chunk(file: IO[bytes], name: bytes, content: bytes) -> None:
    if not content and name == b"IDAT":
        return
    file.write(struct.pack(">I", len(content)) + name + content)
    file.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(name))))
