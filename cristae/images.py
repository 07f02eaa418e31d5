"""Micrographs and label maps in files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import ImageError
from core.imaging.image import Image, PixelSize
from core.label_scheme import LabelScheme

if TYPE_CHECKING:
    import os

    import numpy as np
    from numpy.typing import NDArray

    from cristae.segmentation import Segmentation


def read_image(path: str | os.PathLike[str], *, page: int | None = None, pixel_size_nm: float | None = None) -> Image:
    """Read a micrograph: PNG, JPEG, TIFF, OME-TIFF, MRC or NIfTI.

    Parameters
    ----------
    path
        The file.
    page
        Which page of a file with several, counted from 1. A file with one page needs none.
    pixel_size_nm
        Edge of a pixel in nm, where the file does not say or is wrong. None: as the file says.

    Returns
    -------
    Image
        ``pixels_yx`` is uint8, uint16 or float32 of shape (rows, columns), read-only; ``pixel_size.nm`` is None where
        unknown; ``notices`` say what the reader changed.

    Raises
    ------
    ImageError
        The file is missing, damaged or of no known format, it has no such page, or it has several and none is named.
    """
    from core.imaging.reader import open_micrograph

    with open_micrograph(Path(path)) as file:
        if page is None and file.pages > 1:
            raise ImageError(f"{file.name} has {file.pages} pages.", "Say which one is wanted: page=1 is the first.")
        image = file.read(0 if page is None else page - 1)
    if pixel_size_nm is None:
        return image
    return Image(image.pixels_yx, PixelSize.from_user(pixel_size_nm), image.name, image.notices)


def read_labels(path: str | os.PathLike[str], classes: LabelScheme) -> NDArray[np.uint8]:
    """Read a label map whose values are class ids: PNG, TIFF, MRC or NIfTI.

    Parameters
    ----------
    path
        The file.
    classes
        Which ids there are.

    Returns
    -------
    ndarray
        uint8, shape (rows, columns): 0 background, 1 to 253 the classes, 255 not annotated.

    Raises
    ------
    LabelMapError
        Unreadable, in colour, compressed with losses, or with values that no class has.
    """
    from core.labels.importing import read_label_image

    return read_label_image(Path(path), classes).labels_yx


def write_labels(path: str | os.PathLike[str], result: Segmentation) -> None:
    """Write the label map of a segmentation as an 8-bit TIFF: class ids, with colours, names and pixel size.

    Parameters
    ----------
    path
        Where; replaced only when the file is whole.
    result
        What `segment` gave.

    Raises
    ------
    StorageFullError
        The folder cannot be written.
    """
    from core.labels.files import FileFacts, write_label_tiff

    facts = FileFacts(
        pixel_size_nm=result.pixel_size_nm,
        scheme=result.classes,
        image=result.image_name,
        made_by=f"prediction of the model {result.model_id}",
    )
    write_label_tiff(Path(path), result.labels_yx, facts)
