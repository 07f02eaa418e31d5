"""The files of one image in a package of files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.exports.label_maps import (
    MAX_OVERLAY_PX,
    LabelledImage,
    label_rows,
    ome_zarr_files,
    write_label_map,
    write_objects,
    write_overlay,
)
from core.exports.names import distinct_stems
from core.exports.pixels import image_rows
from core.imaging.png_writing import write_png
from core.imaging.pyramid import open_pyramid
from core.label_scheme import IGNORE_ID
from core.labels.files import FileFacts, write_image_tiff_by_rows
from core.store.records import ImageRecord
from core.store.store import Store


class Part(StrEnum):
    """A kind of file in a package of files."""

    LABELS_TIFF = "label-tiff"
    LABELS_PNG = "label-png"
    OBJECT_IDS = "object-ids"
    """A 32-bit picture of ids for each label map that tells objects apart."""
    MASKS = "masks"
    """A black and white picture for each class."""
    OVERLAYS = "overlays"
    COVERAGE = "coverage"
    """One table of areas over all images."""
    OBJECTS = "objects"
    """One table of objects over all images; what is not measured yet is measured."""
    MICROGRAPHS = "micrographs"
    OME_ZARR = "ome-zarr"


PART_TITLES: Final = {
    Part.LABELS_TIFF: "Label maps, TIFF",
    Part.LABELS_PNG: "Label maps, PNG",
    Part.OBJECT_IDS: "Object ids, TIFF",
    Part.MASKS: "Masks per class",
    Part.OVERLAYS: "Overlays",
    Part.COVERAGE: "Table of areas",
    Part.OBJECTS: "Table of objects",
    Part.MICROGRAPHS: "Micrographs",
    Part.OME_ZARR: "OME-Zarr",
}
"""As people call them."""

USUAL_PARTS: Final = (Part.LABELS_TIFF, Part.OBJECT_IDS, Part.OVERLAYS, Part.COVERAGE)

Made = tuple[str, Path | bytes]
"""Path in the package, and the file or its content."""


def image_files(source: LabelledImage, part: Part, stem: str, work: Path, *, full_size: bool) -> Iterator[Made]:
    """Make the files of one part of an image with a label map.

    Parameters
    ----------
    source
        The image and its label map.
    part
        Any but tables.
    stem
        Of the files' names.
    work
        An empty folder for them; each file is read before the next is asked for.
    full_size
        Of overlays.
    """
    yield from _MAKERS[part](source, stem, work, full_size)


def micrograph_file(store: Store, image: ImageRecord, stem: str, work: Path) -> Made:
    """The image itself as a TIFF with its pixel size."""
    pyramid = open_pyramid(store.images.pyramid_path(image.id))
    path = work / f"{stem}.tif"
    facts = FileFacts(pixel_size_nm=image.pixel_size.nm, image=image.name)
    write_image_tiff_by_rows(path, image.shape_yx, np.dtype(image.dtype), image_rows(pyramid), facts)
    return f"micrographs/{stem}.tif", path


def _label_tiff(source: LabelledImage, stem: str, work: Path, _: bool) -> Iterator[Made]:
    path = work / f"{stem}.tif"
    write_label_map(source, path)
    yield f"label_maps_tiff/{path.name}", path


def _label_png(source: LabelledImage, stem: str, work: Path, _: bool) -> Iterator[Made]:
    path = work / f"{stem}.png"
    write_label_map(source, path)
    yield f"label_maps_png/{path.name}", path


def _object_ids(source: LabelledImage, stem: str, work: Path, _: bool) -> Iterator[Made]:
    if source.has_objects:
        path = work / f"{stem}.tif"
        write_objects(source, path)
        yield f"object_ids/{path.name}", path


def _overlay(source: LabelledImage, stem: str, work: Path, full_size: bool) -> Iterator[Made]:
    path = work / f"{stem}.png"
    write_overlay(source, {"max_px": str(MAX_OVERLAY_PX)} if full_size else {}, path)
    yield f"overlays/{path.name}", path


def _masks(source: LabelledImage, stem: str, work: Path, _: bool) -> Iterator[Made]:
    """White where the class is; a picture of its own says where nobody has reviewed."""
    endings = distinct_stems(item.name for item in source.scheme.classes)
    read = label_rows(source.labels)
    for item, ending in zip(source.scheme.classes, endings, strict=True):
        path = work / f"{stem}_{ending}.png"
        _write_mask(path, source, read, item.id, item.name)
        yield f"masks/{stem}/{path.name}", path
    ignored = any(bool((read(top, min(top + 512, rows)) == IGNORE_ID).any()) for top, rows in _bands(source))
    if ignored:
        path = work / f"{stem}_not_reviewed.png"
        _write_mask(path, source, read, IGNORE_ID, "not annotated (ignore)")
        yield f"masks_not_reviewed/{stem}.png", path


def _bands(source: LabelledImage) -> Iterator[tuple[int, int]]:
    rows = source.image.shape_yx[0]
    return ((top, rows) for top in range(0, rows, 512))


def _write_mask(
    path: Path, source: LabelledImage, read: Callable[[int, int], NDArray[np.uint8]], value: int, name: str
) -> None:
    facts = replace(source.facts, scheme=None)
    texts = {**facts.texts, "Description": f"255: {name}; 0: other classes"}

    def rows(top: int, bottom: int) -> NDArray[np.uint8]:
        return np.where(read(top, bottom) == value, np.uint8(255), np.uint8(0))

    write_png(path, source.image.shape_yx, rows, pixel_size_nm=facts.pixel_size_nm, texts=texts)


def _micrograph(source: LabelledImage, stem: str, work: Path, _: bool) -> Iterator[Made]:
    yield micrograph_file(source.store, source.image, stem, work)


def _ome_zarr(source: LabelledImage, stem: str, work: Path, _: bool) -> Iterator[Made]:
    for inside, content in ome_zarr_files(source):
        yield f"ome_zarr/{stem}.ome.zarr/{inside}", content


_MAKERS: Final[dict[Part, Callable[[LabelledImage, str, Path, bool], Iterator[Made]]]] = {
    Part.LABELS_TIFF: _label_tiff,
    Part.LABELS_PNG: _label_png,
    Part.OBJECT_IDS: _object_ids,
    Part.MASKS: _masks,
    Part.OVERLAYS: _overlay,
    Part.MICROGRAPHS: _micrograph,
    Part.OME_ZARR: _ome_zarr,
}
"""A new kind of file is a part with its title, a function and a row; page and command offer every part."""
