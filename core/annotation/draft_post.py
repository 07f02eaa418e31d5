"""What a browser sends while somebody paints: changed tiles with what was done, in one packed body."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import AnnotationError, PostTooLargeError
from core.imaging.pyramid import TILE_PX

MOST_TILES: Final = 32
"""Of one post."""

_ID_BYTES: Final = 4

MOST_BYTES: Final = 64 * 1024 + MOST_TILES * (2 + _ID_BYTES) * TILE_PX**2
"""Of a post once unpacked: a header, and two planes of bytes and one of object ids a tile."""

_LONGEST_TOOL: Final = 40
_MOST_SECONDS: Final = 24 * 3600.0


@dataclass(frozen=True, slots=True, eq=False)
class TileEdit:
    """A tile as it is now.

    Parameters
    ----------
    row, column
        Of tiles.
    labels_yx
        uint8, class ids.
    coverage_yx
        bool, same shape: whether a person has confirmed the pixel.
    ids_yx
        uint32, same shape: the object of each pixel, 0 where it has no id; None: the browser does not say.
    """

    row: int
    column: int
    labels_yx: NDArray[np.uint8]
    coverage_yx: NDArray[np.bool_]
    ids_yx: NDArray[np.uint32] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class DraftPost:
    """Changed tiles, and the work behind them.

    Parameters
    ----------
    tiles
        Each place once.
    tool
        The last one used.
    seconds, strokes
        Since the post before.
    """

    tiles: tuple[TileEdit, ...]
    tool: str
    seconds: float
    strokes: int


def tile_shape(shape_yx: tuple[int, int], row: int, column: int) -> tuple[int, int]:
    """Rows and columns of a tile of an image, cut at its edge; (0, 0) where there is none.

    >>> tile_shape((600, 512), 1, 0), tile_shape((600, 512), 0, 1)
    ((88, 512), (0, 0))
    """
    height, width = (min(n - at * TILE_PX, TILE_PX) for n, at in zip(shape_yx, (row, column), strict=True))
    return (height, width) if height > 0 and width > 0 and row >= 0 and column >= 0 else (0, 0)


def read_post(body: bytes, shape_yx: tuple[int, int]) -> DraftPost:
    """Unpack a post and check that its tiles are of this image.

    Parameters
    ----------
    body
        gzip over: length of the header (uint32, little-endian), the header (JSON), labels and coverage of each tile,
        and its object ids (uint32, little-endian) where the header says so.
    shape_yx
        Of the image.

    Raises
    ------
    AnnotationError
        It is not packed like this, or a tile is not one of the image.
    PostTooLargeError
        It has more tiles or bytes than a post may have.
    """
    content = _unpacked(body)
    header, offset = _header(content)
    entries = header.get("tiles")
    if not isinstance(entries, list) or not entries:
        raise _senseless("it contains no tiles")
    if len(entries) > MOST_TILES:
        raise _too_large(f"{len(entries)} tiles; at most {MOST_TILES} are allowed")
    tiles = []
    for entry in entries:
        place, shape = _place(entry, shape_yx)
        count = shape[0] * shape[1]
        planes = np.frombuffer(content, np.uint8, 2 * count, offset) if len(content) >= offset + 2 * count else None
        if planes is None:
            raise _senseless("it ends before its last tile")
        offset += 2 * count
        coverage = planes[count:].reshape(shape)
        if coverage.max() > 1:
            raise _senseless(f"a coverage value is {coverage.max()}, not 0 or 1")
        ids, offset = _ids(content, offset, shape) if entry.get("ids") is True else (None, offset)
        tiles.append(TileEdit(*place, planes[:count].reshape(shape), coverage.astype(bool), ids))
    if offset != len(content):
        raise _senseless(f"{len(content) - offset} bytes follow its last tile")
    if len({(tile.row, tile.column) for tile in tiles}) < len(tiles):
        raise _senseless("a tile is in it twice")
    return DraftPost(tuple(tiles), *_stroke(header.get("stroke")))


def _ids(content: bytes, offset: int, shape: tuple[int, int]) -> tuple[NDArray[np.uint32], int]:
    """The object ids of a tile, and where what follows begins."""
    end = offset + shape[0] * shape[1] * _ID_BYTES
    if len(content) < end:
        raise _senseless("it ends before its last tile")
    return np.frombuffer(content[offset:end], "<u4").astype(np.uint32).reshape(shape), end


def _unpacked(body: bytes) -> bytes:
    unpack = zlib.decompressobj(wbits=31)
    try:
        content = unpack.decompress(body, MOST_BYTES + 1)
    except zlib.error as error:
        raise _senseless("it is not gzip") from error
    if len(content) > MOST_BYTES:
        raise _too_large(f"more than {MOST_BYTES:,} bytes after decompression")
    if not unpack.eof:
        raise _senseless("it is truncated")
    return content


def _header(content: bytes) -> tuple[dict[str, Any], int]:
    """The header, and where the first tile begins."""
    try:
        (length,) = struct.unpack_from("<I", content)
        header = json.loads(content[4 : 4 + length].decode("utf-8"))
    except (struct.error, ValueError, RecursionError) as error:
        raise _senseless("its header cannot be read") from error
    if not isinstance(header, dict):
        raise _senseless("its header is not an object")
    return header, 4 + length


def _place(entry: Any, shape_yx: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Row and column of a tile, and its shape."""
    names = ("row", "column", "height", "width")
    values = [value for name in names if type(value := entry.get(name)) is int] if isinstance(entry, dict) else []
    if len(values) != len(names):
        raise _senseless("a tile has no row, column, height and width")
    row, column, height, width = values
    wanted = tile_shape(shape_yx, row, column)
    if (height, width) != wanted or wanted == (0, 0):
        raise AnnotationError(
            f"Tile {row}, {column} came with {height} x {width} px; in an image of {shape_yx[0]} x {shape_yx[1]} px it "
            f"has {wanted[0]} x {wanted[1]}.",
            "Reload the page: the image may have changed.",
        )
    return (row, column), wanted


def _stroke(value: Any) -> tuple[str, float, int]:
    """Tool, seconds and strokes; nothing where they are missing or senseless, for pixels matter more."""
    if not isinstance(value, dict):
        return "", 0.0, 0
    seconds, strokes = value.get("seconds"), value.get("strokes")
    return (
        str(value.get("tool") or "")[:_LONGEST_TOOL],
        float(seconds) if isinstance(seconds, int | float) and 0 <= seconds <= _MOST_SECONDS else 0.0,
        strokes if type(strokes) is int and 0 <= strokes < 2**31 else 0,
    )


def _senseless(why: str) -> AnnotationError:
    return AnnotationError(f"The changes sent by the browser are invalid: {why}.", "Reload the page and try again.")


def _too_large(why: str) -> PostTooLargeError:
    return PostTooLargeError(f"The browser sent too much at once: {why}.", ("Reload the page; saved changes are kept."))
