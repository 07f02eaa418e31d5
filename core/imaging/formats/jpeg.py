"""JPEG: grey, colour and CMYK. For images only: its compression changes values, so it is no format for labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import JpegImagePlugin

from core.errors import ImageError
from core.imaging.formats.source import Channels, Format, Plane, Request, Storage, check_size
from core.imaging.orientation import known_orientation, orientation_notice, upright, upright_shape
from core.imaging.pixel_size import choose_size, print_statement

_CHANNELS = {"L": Channels.GREY, "RGB": Channels.RGB, "CMYK": Channels.CMYK}
_BYTES_PER_PX = {"L": 1, "RGB": 3, "CMYK": 4}
_NM_PER_INCH = 25.4e6
_GROWTH = 3_000.0
"""Times that JPEG data can grow: at best some bits for a block of 64 pixels."""
_EXIF_ORIENTATION = 274
_NOTICES = ("JPEG is lossy: fine details may be compression artefacts.",)


class JpegSource:
    """An opened JPEG file."""

    format = "JPEG"
    pages = 1

    def __init__(self, request: Request) -> None:
        path = request.path
        self._path = path
        with JpegImagePlugin.JpegImageFile(path) as picture:  # not Image.open: its size check is a global setting
            columns, rows = picture.size
            if picture.mode not in _CHANNELS:
                raise ImageError(f"{request.name} is a JPEG of kind {picture.mode}.", "Save it as TIFF or PNG.")
            check_size(request, (rows, columns), _BYTES_PER_PX[picture.mode], growth=_GROWTH)
            dpi = picture.info.get("dpi", (0, 0))
            self._orientation = known_orientation(picture.getexif().get(_EXIF_ORIENTATION))
        self.shape_yx = upright_shape((rows, columns), self._orientation)
        self.dtype: np.dtype[Any] = np.dtype(np.uint8)
        stated = print_statement("JPEG resolution", float(dpi[0]), float(dpi[1]), _NM_PER_INCH) if len(dpi) == 2 else ()
        found = choose_size(stated)
        self.pixel_size = found.size
        self.notices = (*_NOTICES, *found.notices, *orientation_notice(self._orientation, "The EXIF orientation"))
        self.storage = Storage("JPEG", self._orientation, sizes=found.statements, lossy=True)

    def page_name(self, page: int) -> str:
        """A JPEG has one page."""
        return ""

    def read(self, page: int) -> Plane:
        """The decoded pixels, upright."""
        with JpegImagePlugin.JpegImageFile(self._path) as picture:
            picture.load()
            pixels = upright(np.asarray(picture), self._orientation)
            return Plane(np.ascontiguousarray(pixels), _CHANNELS[picture.mode])

    def close(self) -> None:
        """Nothing is held open."""


JPEG = Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), lambda head, _: head.startswith(b"\xff\xd8\xff"), JpegSource)
