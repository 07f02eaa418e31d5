"""The micrographs that the journeys use: crops of sections that are given, or synthetic tissue."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image as Picture

from core.phantom import generate_phantom

SYNTHETIC_NM: Final = 8.0
MARGIN_PX: Final = 64
_SUFFIXES: Final = (".png", ".tif", ".tiff")


def write_images(folder: Path, count: int, size_px: int, sections: Path | None, pixel_nm: float) -> list[Path]:
    """Square OME-TIFFs with their pixel size.

    Parameters
    ----------
    folder
        Is made.
    count, size_px
        How many, and how large.
    sections
        A folder of grey images that the crops are cut from, as many from each; None: synthetic tissue.
    pixel_nm
        Of the sections.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(count):
        pixels = _synthetic(number, size_px) if sections is None else _crop(sections, number, size_px)
        paths.append(folder / f"tissue_{_letters(number)}.ome.tif")
        nm = SYNTHETIC_NM if sections is None else pixel_nm
        sizes = {"PhysicalSizeX": nm, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": nm, "PhysicalSizeYUnit": "nm"}
        tifffile.imwrite(paths[-1], pixels, ome=True, metadata={"axes": "YX", **sizes})
    return paths


def _letters(number: int) -> str:
    """Names with numbers would be taken for the planes of a stack."""
    first, second = divmod(number, 26)
    return f"{chr(97 + first)}{chr(97 + second)}"


def _synthetic(number: int, size_px: int) -> NDArray[np.uint8]:
    return generate_phantom(4000 + number, size_px, pixel_size_nm=SYNTHETIC_NM).image_yx


def _crop(sections: Path, number: int, size_px: int) -> NDArray[np.uint8]:
    """The next place of the next section."""
    files = sorted(path for path in sections.iterdir() if path.suffix.lower() in _SUFFIXES)
    if not files:
        raise SystemExit(f"{sections} has no PNG or TIFF. Name the folder with the sections.")
    turn, index = divmod(number, len(files))
    pixels = np.asarray(Picture.open(files[index]).convert("L"))
    rows, columns = (max(1, extent // size_px) for extent in pixels.shape)
    row, column = divmod(turn % (rows * columns), columns)
    return np.ascontiguousarray(pixels[row * size_px :, column * size_px :][:size_px, :size_px])
