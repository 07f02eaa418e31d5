"""The files of a dataset's cases, read in a guarded process: a dataset folder may come from anywhere."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.datasets.case import Case
from core.errors import DatasetError, ImageError, LabelMapError
from core.imaging.guarded_limits import label_limits
from core.imaging.guarded_micrograph import open_guarded
from core.imaging.image import Image, PixelSize, PixelSizeSource
from core.imaging.reader import check_single, placement_of
from core.label_scheme import IGNORE_ID
from core.labels.importing import read_label_image
from core.labels.planes import read_label_plane
from core.labels.report import LabelImport, LabelReport
from core.outside.guarded import Subject, guarded_with
from core.outside.links import is_link, require_no_link

DESCRIPTION_FILE: Final = "dataset.json"

MOST_ID: Final = 2**32 - 1
"""Largest id of an object."""


def load_image(case: Case) -> Image:
    """The image of a case, with the pixel size of the dataset.

    Raises
    ------
    ImageError
        It cannot be read, is a stack, or took too much memory or time.
    """
    image = read_one_image(case.image_path)
    if case.pixel_size_nm is None or case.pixel_size_nm == image.pixel_size.nm:
        return image
    size = PixelSize(case.pixel_size_nm, PixelSizeSource.FILE, DESCRIPTION_FILE)
    return Image(image.pixels_yx, size, image.name, image.notices)


def load_case(case: Case) -> tuple[Image, NDArray[np.uint8]]:
    """Image and label map of a case.

    Returns
    -------
    Image, ndarray
        The label map is uint8 of the image's shape: 0, ids of the scheme, 255 where nobody has looked.

    Raises
    ------
    DatasetError
        The case has no label map.
    ImageError, LabelMapError
        A file cannot be read, has another size or unknown values.
    """
    if case.label_path is None:
        raise DatasetError(f"{case.name} has no label map.", "Add one, or remove the case.")
    image = load_image(case)
    return image, load_labels(case, image.shape).labels_yx


def load_objects(case: Case, shape_yx: tuple[int, int]) -> NDArray[np.uint32] | None:
    """The ids of the objects of a case, uint32 of the image's shape, 0: no id; None where it has none.

    Raises
    ------
    LabelMapError
        The file cannot be read, has another size, or holds anything but whole numbers from 0 to 2³² - 1.
    DatasetError
        It is a link.
    """
    if case.objects_path is None:
        return None
    require_no_link(case.objects_path)
    limits, subject = label_limits((case.objects_path,), shape_yx), Subject(case.objects_path.name, LabelMapError)
    return guarded_with(limits, subject, objects_of_case, replace(case, facts=None), shape_yx)


def case_digest(image: Image, labels_yx: NDArray[np.uint8], ids_yx: NDArray[np.uint32] | None = None) -> str:
    """sha256 (hex) of what a training learned from a case, as a model's card has it to know the data again.

    Parameters
    ----------
    ids_yx
        Ids of objects, where the training used them.

    Examples
    --------
    >>> one = Image(np.zeros((2, 2), np.uint8))
    >>> case_digest(one, np.zeros((2, 2), np.uint8)) == case_digest(one, np.ones((2, 2), np.uint8))
    False
    """
    digest = hashlib.sha256(np.ascontiguousarray(image.pixels_yx).data)
    digest.update(np.ascontiguousarray(labels_yx).data)
    if ids_yx is not None:
        digest.update(np.ascontiguousarray(ids_yx).data)
    return digest.hexdigest()


def load_labels(case: Case, shape_yx: tuple[int, int]) -> LabelImport:
    """The label map of a case, and what reading it did.

    Parameters
    ----------
    case
        With a label map.
    shape_yx
        Of its image.

    Raises
    ------
    DatasetError
        The case has no label map.
    LabelMapError
        It cannot be read, has another size or unknown values, lies elsewhere than its image, or took too much memory
        or time.
    """
    if case.label_path is None:
        raise DatasetError(f"{case.name} has no label map.", "Add one, or remove the case.")
    require_no_link(case.label_path)
    limits, subject = label_limits((case.label_path,), shape_yx), Subject(case.label_path.name, LabelMapError)
    report, labels_yx = guarded_with(limits, subject, labels_of_case, replace(case, facts=None), shape_yx)
    return LabelImport(labels_yx, report)


def objects_of_case(case: Case, shape_yx: tuple[int, int]) -> NDArray[np.uint32]:
    """Within the guarded process: the ids of the objects of a case."""
    if case.objects_path is None:
        raise DatasetError(f"{case.name} has no ids of objects.", "Add them, or leave them out.")
    plane, name = read_label_plane(case.objects_path, shape_yx, placement=placement_of(case.image_path))
    values = plane.pixels
    if values.ndim != 2:
        raise LabelMapError(
            f"{name} has {values.shape[2]} channels; ids of objects have one.", "Save it as grey values."
        )
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    whole = np.issubdtype(values.dtype, np.integer) or bool((values == np.floor(values)).all())
    if low < 0 or high > MOST_ID or not whole:
        raise LabelMapError(
            f"{name} holds values from {low:g} to {high:g}" + ("." if whole else ", not all of them whole."),
            "Ids of objects are whole numbers from 0 (no object) to 4,294,967,295.",
        )
    return values.astype(np.uint32)


def read_one_image(path: Path) -> Image:
    """A file that must hold one 2D image, and is no link.

    Raises
    ------
    ImageError
        It cannot be read, is a stack, or took too much memory or time.
    DatasetError
        It is a link.
    """
    require_no_link(path)
    with open_guarded(path) as file:
        check_single(file)
        return file.read()


def size_in_file(image: Path) -> float | None:
    """The pixel size in nm in an image's own header; whether it can be read at all shows when it is loaded."""
    if is_link(image):
        return None
    try:
        return open_guarded(image).pixel_size.nm
    except ImageError:
        return None


def labels_of_case(case: Case, shape_yx: tuple[int, int]) -> tuple[LabelReport, NDArray[np.uint8]]:
    """Within the guarded process: the label map of a case."""
    if case.label_path is None:
        raise DatasetError(f"{case.name} has no label map.", "Add one, or remove the case.")
    values = None
    if case.ignore_value != IGNORE_ID:
        values = {0: 0, **{i: i for i in case.scheme.ids}, IGNORE_ID: IGNORE_ID, case.ignore_value: IGNORE_ID}
    read = read_label_image(
        case.label_path,
        case.scheme,
        shape_yx,
        value_map=values,
        stray_share=0,
        placement=placement_of(case.image_path),
    )
    return read.report, read.labels_yx
