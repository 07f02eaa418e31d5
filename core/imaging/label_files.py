"""Writing label maps for other programs."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image as PilImage

from core.files import replacing
from core.imaging.overlay import color_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.label_scheme import LabelScheme

_NM_PER_CM: Final = 1e7

STRIP_ROWS: Final = 512
"""Rows of a strip of a label TIFF: those of a chunk of a label pyramid, so that each chunk is read once."""

RowReader = Callable[[int, int], "NDArray[np.uint8]"]


def write_label_tiff(path: Path, labels_yx: NDArray[np.uint8], pixel_size_nm: float | None) -> None:
    """Write class ids as a deflate-compressed 8-bit TIFF that ImageJ and napari open with its pixel size.

    Parameters
    ----------
    path
        Where; replaced atomically.
    labels_yx
        uint8 class ids, shape (rows, columns).
    pixel_size_nm
        Edge of a pixel in nm; None leaves the resolution out.

    Raises
    ------
    StorageFullError
        The folder cannot be written.
    """
    write_label_tiff_by_rows(path, _shape(labels_yx), lambda top, bottom: labels_yx[top:bottom], pixel_size_nm)


def write_label_tiff_by_rows(
    path: Path, shape_yx: tuple[int, int], read_rows: RowReader, pixel_size_nm: float | None
) -> None:
    """As `write_label_tiff`, for label maps that need not fit into memory: one strip is held at a time.

    Parameters
    ----------
    path
        Where; replaced atomically.
    shape_yx
        Rows and columns of the whole.
    read_rows
        Called with the first row and the row behind the last, from top to bottom; gives uint8 class ids of full width.
    pixel_size_nm
        Edge of a pixel in nm; None leaves the resolution out.

    Raises
    ------
    StorageFullError
        The folder cannot be written.
    """
    import tifffile

    def strips() -> Iterator[bytes]:
        for top in range(0, shape_yx[0], STRIP_ROWS):
            yield zlib.compress(np.ascontiguousarray(read_rows(top, min(top + STRIP_ROWS, shape_yx[0]))).data)

    with replacing(path) as temporary:
        tifffile.imwrite(
            temporary,
            strips(),
            shape=shape_yx,
            dtype=np.uint8,
            photometric="minisblack",
            compression="zlib",
            predictor=False,
            rowsperstrip=STRIP_ROWS,
            metadata=None,
            **resolution_tags(pixel_size_nm),
        )


def _shape(labels_yx: NDArray[np.uint8]) -> tuple[int, int]:
    return labels_yx.shape[0], labels_yx.shape[1]


def resolution_tags(pixel_size_nm: float | None) -> dict[str, Any]:
    """Arguments of `tifffile.imwrite` that keep a pixel size; none where it is unknown.

    >>> resolution_tags(8.0)
    {'resolution': (1250000.0, 1250000.0), 'resolutionunit': 'CENTIMETER'}
    """
    if pixel_size_nm is None:
        return {}
    return {"resolution": (_NM_PER_CM / pixel_size_nm,) * 2, "resolutionunit": "CENTIMETER"}


def write_label_png(path: Path, labels_yx: NDArray[np.uint8], scheme: LabelScheme) -> None:
    """Write class ids as an 8-bit palette PNG: the values are the ids, the palette shows them in colour.

    Raises
    ------
    StorageFullError
        The folder cannot be written.
    """
    rows, columns = labels_yx.shape
    picture = PilImage.frombytes("P", (columns, rows), np.ascontiguousarray(labels_yx).tobytes())
    picture.putpalette(color_table(scheme).tobytes())
    with replacing(path) as temporary:
        picture.save(temporary, format="PNG")
