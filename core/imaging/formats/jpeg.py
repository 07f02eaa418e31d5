"""JPEG: grey, colour and CMYK. For images only: its compression changes values, so it is no format for labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import JpegImagePlugin

from core.errors import ImageError
from core.imaging.formats.source import Channels, Format, Plane, Request, check_size
from core.imaging.image import UNKNOWN_PIXEL_SIZE
from core.imaging.pixel_size import print_resolution

_CHANNELS = {"L": Channels.GREY, "RGB": Channels.RGB, "CMYK": Channels.CMYK}
_BYTES_PER_PX = {"L": 1, "RGB": 3, "CMYK": 4}
_NM_PER_INCH = 25.4e6


class JpegSource:
    """An opened JPEG file."""

    format = "JPEG"
    pages = 1
    notices: tuple[str, ...] = ("JPEG is lossy: fine detail may be artefacts of compression.",)

    def __init__(self, request: Request) -> None:
        path = request.path
        self._path = path
        with JpegImagePlugin.JpegImageFile(path) as picture:  # not Image.open: its size check is a global setting
            columns, rows = picture.size
            if picture.mode not in _CHANNELS:
                raise ImageError(f"{request.name} is a JPEG of kind {picture.mode}.", "Save it as TIFF or PNG.")
            self.shape_yx = rows, columns
            check_size(request, self.shape_yx, _BYTES_PER_PX[picture.mode])
            dpi = picture.info.get("dpi", (0, 0))
        self.dtype: np.dtype[Any] = np.dtype(np.uint8)
        self.pixel_size = UNKNOWN_PIXEL_SIZE
        if len(dpi) == 2:
            self.pixel_size = print_resolution(float(dpi[0]), float(dpi[1]), _NM_PER_INCH, "JPEG resolution")

    def page_name(self, page: int) -> str:
        """A JPEG has one page."""
        return ""

    def read(self, page: int) -> Plane:
        """The decoded pixels."""
        with JpegImagePlugin.JpegImageFile(self._path) as picture:
            picture.load()
            return Plane(np.asarray(picture), _CHANNELS[picture.mode])

    def close(self) -> None:
        """Nothing is held open."""


JPEG = Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), lambda head, _: head.startswith(b"\xff\xd8\xff"), JpegSource)
