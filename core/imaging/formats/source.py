"""What every file format gives: planes of raw pixels with what they mean, and the checks that all share."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import ImageError
from core.imaging.image import PixelSize
from core.imaging.orientation import UPRIGHT, in_words
from core.imaging.pixel_size import SizeStatement

MAX_PAGES: Final = 100_000
"""Of one file; a header that declares more is wrong, or meant to keep us busy."""

DEFLATE_GROWTH: Final = 1_100.0
"""Times that Deflate data (PNG, gzip, TIFF) can grow: 1,032 by its definition, and some room."""

_MAX_BYTES_PER_PX: Final = 8
"""Memory of a plane, per pixel that the limit allows: a sparse mask may be tiny in its file, but not beyond this."""

_BOMB_FREE_BYTES: Final = 64 * 1024**2
"""Planes up to this size are harmless, however small the file."""

# What decoders raise on damaged input: struct.error on a short header; OSError and EOFError on a short body;
# zlib.error, imagecodecs' errors (RuntimeError) and PIL's SyntaxError on damaged streams; the rest on senseless fields.
DECODE_ERRORS: Final = (
    struct.error, OSError, EOFError, zlib.error, RuntimeError, SyntaxError, ValueError, KeyError, IndexError, TypeError,
    AttributeError, AssertionError, OverflowError, ZeroDivisionError, MemoryError, NotImplementedError,
)  # fmt: skip


class Channels(Enum):
    """What the last axis of a plane's pixels means; `GREY` and `PALETTE` have none."""

    GREY = "grey"
    GREY_ALPHA = "grey with alpha"
    RGB = "RGB"
    RGB_ALPHA = "RGB with alpha"
    CMYK = "CMYK"
    PALETTE = "palette"


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """One plane as the file holds it.

    Parameters
    ----------
    pixels
        Shape (rows, columns) or (rows, columns, samples), any real data type, native byte order.
    channels
        The meaning of the samples.
    palette
        For `Channels.PALETTE`: uint8, shape (colours, 3).
    palette_alpha
        For `Channels.PALETTE`: uint8, shape (colours,), opacity of each colour; None: all are opaque.
    white_is_zero
        Whether small values are bright.
    as_written
        Whether the program that wrote the file stores an array's values whatever it says about white.
    lossy
        Name of the compression where it may have changed values; "" where it cannot.
    notices
        What the format's reader noticed.
    pixel_size
        The page's own, where it is another than the file's.
    """

    pixels: NDArray[Any]
    channels: Channels = Channels.GREY
    palette: NDArray[np.uint8] | None = None
    palette_alpha: NDArray[np.uint8] | None = None
    white_is_zero: bool = False
    as_written: bool = False
    lossy: str = ""
    notices: tuple[str, ...] = ()
    pixel_size: PixelSize | None = None


@dataclass(frozen=True, slots=True)
class Storage:
    """How a file stores what is read: for people, reading needs none of it.

    Parameters
    ----------
    compression
        "none", "LZW", ...
    orientation
        What is done to the stored pixels so that they are upright, 1 to 8 as TIFF numbers them.
    axes
        What columns and rows run along, where the file says so: "x to the left, y to the front".
    sizes
        Every statement about the size of a pixel, with what became of it.
    read
        Which of the file's pages are read, where it holds others too: "page 2 of 2".
    lossy
        Whether the compression changes values.
    """

    compression: str = "none"
    orientation: int = UPRIGHT
    axes: str = ""
    sizes: tuple[SizeStatement, ...] = ()
    read: str = ""
    lossy: bool = False

    @property
    def orientation_text(self) -> str:
        """The orientation in words."""
        return in_words(self.orientation)


class Source(Protocol):
    """An opened file of one format."""

    format: str
    pages: int
    shape_yx: tuple[int, int]
    dtype: np.dtype[Any]
    pixel_size: PixelSize
    notices: tuple[str, ...]
    storage: Storage

    def page_name(self, page: int) -> str:
        """What distinguishes a page, for example "z 3"."""

    def read(self, page: int) -> Plane:
        """One plane. Raises one of `DECODE_ERRORS` or an `ImageError`."""

    def close(self) -> None:
        """Let go of the file."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to open.

    Parameters
    ----------
    path
        The file.
    name
        What to call it in messages; differs from the path for uploads.
    max_px
        Largest plane that may be read.
    """

    path: Path
    name: str
    max_px: int

    @property
    def file_bytes(self) -> int:
        """Size of the file."""
        return self.path.stat().st_size


@dataclass(frozen=True, slots=True)
class Format:
    """One row of the table of formats.

    Parameters
    ----------
    name
        For people.
    suffixes
        Lower case, with the dot. Only used to notice a wrong one.
    matches
        Whether a file is of this format, from its first 4 KiB and its path.
    open
        Opens it; raises one of `DECODE_ERRORS` or an `ImageError`.
    also
        Kinds of it that people know by a name of their own.
    """

    name: str
    suffixes: tuple[str, ...]
    matches: Callable[[bytes, Path], bool]
    open: Callable[[Request], Source]
    also: tuple[str, ...] = ()


@contextmanager
def explained_decode_errors(name: str, format_name: str) -> Iterator[None]:
    """Turn what decoders raise into an `ImageError` that names the file.

    Raises
    ------
    ImageError
        The file is damaged, or stored in a way that is not supported.
    """
    try:
        yield
    except MemoryError as error:
        raise ImageError(
            f"{name} does not fit into the memory of this machine.",
            "Crop or split the image, or open it on a machine with more memory.",
        ) from error
    except DECODE_ERRORS as error:
        raise ImageError(
            f"{name} is a {format_name} file that is truncated, damaged or of an unusual kind{_in_words(error)}.",
            "Copy it again from its source; if it opens in Fiji, save it there as TIFF without compression.",
        ) from error


def _in_words(error: BaseException) -> str:
    """What a decoder says, in brackets; nothing where it is only a number."""
    reason = " ".join(str(error).split())[:200]
    return f" (its decoder says: {reason})" if any(letter.isalpha() for letter in reason) else ""


def check_size(
    request: Request,
    shape_yx: tuple[int, int],
    bytes_per_px: float,
    *,
    stored_bytes: int = 0,
    growth: float | None = None,
) -> None:
    """Refuse a plane that has no pixels, too many, or more than its file can hold, before decoding it.

    A small file alone is no reason: a mask of one object shrinks to a ten-thousandth.

    Parameters
    ----------
    request
        The file and the limit.
    shape_yx, bytes_per_px
        As the header declares.
    stored_bytes
        For pixels stored without compression: how much the file must hold at least.
    growth
        How many times the file's compression can grow at most; None where it has no bound.

    Raises
    ------
    ImageError
        Says which.
    """
    rows, columns = shape_yx
    size = f"{columns:,} x {rows:,} px (width x height)"
    if rows < 1 or columns < 1:
        raise ImageError(f"{request.name} declares {size}, an image without pixels.", "Export it again.")
    if rows * columns > request.max_px:
        raise ImageError(
            f"{request.name} declares {size}, more than the limit of {request.max_px:,} pixels.",
            "Crop it, or raise CRISTAE_MAX_IMAGE_PX if this size is correct.",
        )
    decoded = rows * columns * bytes_per_px
    held = request.file_bytes
    if stored_bytes > held:
        raise ImageError(
            f"{request.name} is truncated: it declares {size}, which needs {stored_bytes:,} bytes in all, but the file "
            f"holds only {held:,}.",
            "The copy or upload was interrupted; copy it again.",
        )
    if decoded > _MAX_BYTES_PER_PX * request.max_px:
        raise ImageError(
            f"{request.name} declares {size} of {bytes_per_px:g} bytes, {decoded / 1e9:.1f} GB in memory.",
            f"Save it with fewer bits or channels per pixel; {_MAX_BYTES_PER_PX} bytes for each of the "
            f"{request.max_px:,} pixels of CRISTAE_MAX_IMAGE_PX are allowed.",
        )
    if growth is not None and decoded > _BOMB_FREE_BYTES and decoded > growth * held:
        raise ImageError(
            f"{request.name} declares {size}, but the file holds only {held:,} bytes, too few for any such image.",
            "It is truncated or has a wrong header; copy or export it again.",
        )
