"""PNG: all bit depths and colour types; 16-bit colour stays 16-bit."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import PngImagePlugin

from core.errors import ImageError
from core.imaging.formats.source import DEFLATE_GROWTH, Channels, Format, Plane, Request, Storage, check_size
from core.imaging.orientation import UPRIGHT, known_orientation, orientation_notice, upright, upright_shape
from core.imaging.pixel_size import SizeStatement, choose_size, print_statement

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PALETTE_TYPE: Final = 3
_CHANNELS: Final = {1: Channels.GREY, 2: Channels.GREY_ALPHA, 3: Channels.RGB, 4: Channels.RGB_ALPHA}
_SAMPLES_OF_TYPE: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_NM_PER_METRE: Final = 1e9
_SHORT_CHUNK_BYTES: Final = 1024**2
"""Chunks that are looked into are smaller; of others only the length counts."""
_MOST_CHUNKS: Final = 10_000
"""In front of the pixels."""
_EXIF_ORIENTATION: Final = 274


class PngSource:
    """An opened PNG file."""

    format = "PNG"
    pages = 1

    def __init__(self, request: Request) -> None:
        path = request.path
        self._path = path
        with path.open("rb") as file:
            head = file.read(33)
        columns, rows, self._depth, self._type = struct.unpack(">IIBB", head[16:26])
        bytes_per_px = _SAMPLES_OF_TYPE[self._type] * max(self._depth, 8) / 8
        check_size(request, (rows, columns), bytes_per_px, growth=DEFLATE_GROWTH * max(8 / max(self._depth, 1), 1))
        statements: list[SizeStatement] = []
        self._orientation = UPRIGHT
        for kind, data in _chunks_before_pixels(path, request.name):
            if kind == b"pHYs":
                statements += _physical_size(data)
            elif kind == b"eXIf":
                self._orientation = _exif_orientation(data)
        found = choose_size(statements)
        self.shape_yx = upright_shape((rows, columns), self._orientation)
        self.samples = _SAMPLES_OF_TYPE[self._type]
        self.dtype: np.dtype[Any] = np.dtype(np.uint16 if self._depth == 16 else np.uint8)
        self.pixel_size = found.size
        self.notices = (*found.notices, *orientation_notice(self._orientation, "The EXIF orientation"))
        self.storage = Storage("Deflate", self._orientation, sizes=found.statements)

    def page_name(self, page: int) -> str:
        """A PNG has one page."""
        return ""

    def read(self, page: int) -> Plane:
        """The pixels, upright; a palette image as indices."""
        if self._type == _PALETTE_TYPE:
            return self._read_palette()
        pixels = imagecodecs.png_decode(self._path.read_bytes())
        if pixels.ndim == 3 and pixels.shape[2] == 1:
            pixels = pixels[:, :, 0]
        samples = 1 if pixels.ndim == 2 else pixels.shape[2]
        return Plane(np.ascontiguousarray(upright(pixels, self._orientation)), _CHANNELS[samples])

    def close(self) -> None:
        """Nothing is held open."""

    def _read_palette(self) -> Plane:
        with PngImagePlugin.PngImageFile(self._path) as picture:  # not Image.open: its size check is a global setting
            picture.load()
            palette = np.array(picture.getpalette("RGB") or [0, 0, 0], dtype=np.uint8).reshape(-1, 3)
            pixels = upright(np.asarray(picture), self._orientation)
            alpha = _palette_alpha(picture, len(palette))
            return Plane(np.ascontiguousarray(pixels), Channels.PALETTE, palette, alpha)


def _palette_alpha(picture: PngImagePlugin.PngImageFile, colors: int) -> NDArray[np.uint8] | None:
    """The tRNS chunk: opacity of each colour; None where all are opaque."""
    given = picture.info.get("transparency")
    if given is None:
        return None
    alpha = np.full(colors, 255, dtype=np.uint8)
    if isinstance(given, bytes):
        alpha[: min(len(given), colors)] = np.frombuffer(given, np.uint8)[:colors]
    elif 0 <= int(given) < colors:
        alpha[int(given)] = 0
    return alpha


def _chunks_before_pixels(path: Path, name: str) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of the small chunks in front of the pixels; ends early where the file is damaged."""
    with path.open("rb") as file:
        file.seek(len(_SIGNATURE))
        for _ in range(_MOST_CHUNKS):
            head = file.read(8)
            if len(head) < 8:
                return
            length, kind = struct.unpack(">I4s", head)
            if kind in (b"IDAT", b"IEND"):
                return
            if length > _SHORT_CHUNK_BYTES:
                file.seek(length + 4, 1)
                continue
            data, checksum = file.read(length), file.read(4)
            if zlib.crc32(kind + data).to_bytes(4, "big") == checksum:  # a damaged one is as good as none
                yield kind, data
    raise ImageError(
        f"{name} has more than {_MOST_CHUNKS:,} chunks in front of its pixels.",
        "The file is damaged or malicious; export it again.",
    )


def _physical_size(data: bytes) -> tuple[SizeStatement, ...]:
    """The pHYs chunk, where it means a length and not only a ratio."""
    if len(data) < 9:
        return ()
    x_per_m, y_per_m, unit = struct.unpack(">IIB", data[:9])
    return print_statement("PNG pHYs", x_per_m, y_per_m, _NM_PER_METRE) if unit == 1 else ()


def _exif_orientation(data: bytes) -> int:
    """The orientation in an eXIf chunk; upright where there is none or it is damaged."""
    exif = PilImage.Exif()
    try:
        exif.load(data)
        return known_orientation(exif.get(_EXIF_ORIENTATION))
    except (SyntaxError, ValueError, KeyError, OSError, struct.error, TypeError):
        return UPRIGHT


PNG = Format("PNG", (".png",), lambda head, _: head.startswith(_SIGNATURE), PngSource)
