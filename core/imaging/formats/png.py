"""PNG: all bit depths and colour types; 16-bit colour stays 16-bit."""

from __future__ import annotations

import struct
from typing import Any

import imagecodecs
import numpy as np
from PIL import PngImagePlugin

from core.imaging.formats.source import Channels, Format, Plane, Request, check_size
from core.imaging.image import UNKNOWN_PIXEL_SIZE, PixelSize
from core.imaging.pixel_size import print_resolution

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE_TYPE = 3
_CHANNELS = {1: Channels.GREY, 2: Channels.GREY_ALPHA, 3: Channels.RGB, 4: Channels.RGB_ALPHA}
_SAMPLES_OF_TYPE = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_NM_PER_METRE = 1e9


class PngSource:
    """An opened PNG file."""

    format = "PNG"
    pages = 1
    notices: tuple[str, ...] = ()

    def __init__(self, request: Request) -> None:
        path = request.path
        self._path = path
        with path.open("rb") as file:
            head = file.read(33)
            columns, rows, self._depth, self._type = struct.unpack(">IIBB", head[16:26])
            self.shape_yx = rows, columns
            bytes_per_px = _SAMPLES_OF_TYPE[self._type] * max(self._depth, 8) / 8
            check_size(request, self.shape_yx, bytes_per_px)
            self.dtype: np.dtype[Any] = np.dtype(np.uint16 if self._depth == 16 else np.uint8)
            self.pixel_size = _physical_size(file.read(4096))

    def page_name(self, page: int) -> str:
        """A PNG has one page."""
        return ""

    def read(self, page: int) -> Plane:
        """The pixels; a palette image as indices."""
        if self._type == _PALETTE_TYPE:
            return self._read_palette()
        pixels = imagecodecs.png_decode(self._path.read_bytes())
        if pixels.ndim == 3 and pixels.shape[2] == 1:
            pixels = pixels[:, :, 0]
        samples = 1 if pixels.ndim == 2 else pixels.shape[2]
        return Plane(pixels, _CHANNELS[samples])

    def close(self) -> None:
        """Nothing is held open."""

    def _read_palette(self) -> Plane:
        with PngImagePlugin.PngImageFile(self._path) as picture:  # not Image.open: its size check is a global setting
            picture.load()
            palette = np.array(picture.getpalette("RGB") or [0, 0, 0], dtype=np.uint8).reshape(-1, 3)
            return Plane(np.asarray(picture), Channels.PALETTE, palette)


def _physical_size(chunks: bytes) -> PixelSize:
    """The pHYs chunk, if it comes early, as the standard wants, and means a length."""
    at = chunks.find(b"pHYs")
    if at < 0 or len(chunks) < at + 13:
        return UNKNOWN_PIXEL_SIZE
    x_per_m, y_per_m, unit = struct.unpack(">IIB", chunks[at + 4 : at + 13])
    return print_resolution(x_per_m, y_per_m, _NM_PER_METRE, "PNG pHYs") if unit == 1 else UNKNOWN_PIXEL_SIZE


PNG = Format("PNG", (".png",), lambda head, _: head.startswith(_SIGNATURE), PngSource)
