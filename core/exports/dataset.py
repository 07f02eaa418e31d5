"""A project's images as a dataset folder that imports again, with what the project knows of each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.datasets.case import CaseFacts, Layout, Split
from core.datasets.image_facts import facts_of
from core.datasets.writing import WrittenCase, describe_dataset, file_ids, objects_folder
from core.exports.choice import ChosenMap
from core.exports.files import Made
from core.exports.label_maps import made_by, maker_of
from core.exports.pixels import Rows, confirmed_rows, image_rows
from core.exports.request import Form
from core.imaging.png_writing import write_png
from core.imaging.pyramid import open_pyramid
from core.label_scheme import IGNORE_ID
from core.labels.files import (
    FileFacts,
    write_image_tiff_by_rows,
    write_label_png_by_rows,
    write_label_tiff_by_rows,
    write_object_tiff_by_rows,
)
from core.learning.merged_objects import MergedIds
from core.store.records import ImageRecord, ProjectRecord, RevisionKind
from core.store.store import Store

_PNG_LEVEL: Final = 3
"""Grain does not get smaller with more effort."""

_BAND_ROWS: Final = 512


class DatasetFiles:
    """The files of a dataset folder, image by image, and what dataset.json says of them.

    Parameters
    ----------
    store, project
        Where the images are.
    form
        `Form.DATASET` or `Form.NNUNET`.
    """

    def __init__(self, store: Store, project: ProjectRecord, form: Form) -> None:
        self._store, self._project = store, project
        self._layout = Layout.NNUNET if form is Form.NNUNET else Layout.CRISTAE
        self._ids = file_ids(project.scheme, self._layout)
        self._cases: list[WrittenCase] = []
        self._has_ignore = False
        self.remarks: dict[str, list[str]] = {}
        """Image id to what was left out of it."""

    def image_files(self, chosen: ChosenMap, stem: str, work: Path) -> Iterator[Made]:
        """The image, and its label map where it has one; the case is known once both are written."""
        image = chosen.image
        kind = chosen.revision.kind if chosen.revision is not None else None
        confirmed = kind in (RevisionKind.REFERENCE, RevisionKind.CORRECTION)
        split = image.split if confirmed else Split.POOL
        labelled = kind is not None and (self._layout is Layout.CRISTAE or split is not Split.POOL)
        made = [self._image(image, stem, split, work)]
        ignored = False
        if labelled:
            path, ignored = self._labels(chosen, stem, split, work)
            made += [path, *self._objects(chosen, stem, split, work)]
        yield from made
        self._has_ignore |= ignored
        self._note(chosen, labelled=labelled)
        self._cases.append(
            WrittenCase(stem, image.pixel_size.nm, split, _group(image), labelled, self._facts(chosen, labelled))
        )

    def describe(self) -> dict[str, Any]:
        """dataset.json."""
        return describe_dataset(
            self._cases, self._project.scheme, self._layout, has_ignore=self._has_ignore, title=self._project.name
        )

    def _note(self, chosen: ChosenMap, *, labelled: bool) -> None:
        """What is missing of an image."""
        if chosen.revision is None:
            self.remarks[chosen.image.id] = [chosen.reason]
        elif not labelled:
            self.remarks[chosen.image.id] = [
                ("Its label map: nnU-Net folders contain labels only for training and test images, and no predictions.")
            ]

    def _facts(self, chosen: ChosenMap, labelled: bool) -> CaseFacts:
        image, revision = chosen.image, chosen.revision
        predicted = labelled and revision is not None and revision.kind is RevisionKind.PREDICTION
        return CaseFacts(
            name=image.name,
            split=image.split,
            **facts_of(image),
            stack=image.stack,
            z_index=image.z_index,
            predicted_by=maker_of(self._store, revision) if predicted and revision is not None else "",
        )

    def _image(self, image: ImageRecord, stem: str, split: Split, work: Path) -> Made:
        rows = image_rows(open_pyramid(self._store.images.pyramid_path(image.id)))
        facts = FileFacts(pixel_size_nm=image.pixel_size.nm, image=image.name)
        dtype = np.dtype(image.dtype)
        if self._layout is Layout.NNUNET or dtype == np.float32:
            path = work / "image.tif"
            write_image_tiff_by_rows(path, image.shape_yx, dtype, rows, facts)
        else:
            path = work / "image.png"
            write_png(
                path, image.shape_yx, rows, dtype=dtype, pixel_size_nm=facts.pixel_size_nm, texts=facts.texts,
                level=_PNG_LEVEL, grain=True,
            )  # fmt: skip
        if self._layout is Layout.NNUNET:
            part = "imagesTr" if split is Split.TRAIN else "imagesTs"
            return f"{part}/{stem}_0000.tif", path
        return f"images/{stem}{path.suffix}", path

    def _labels(self, chosen: ChosenMap, stem: str, split: Split, work: Path) -> tuple[Made, bool]:
        """The label map, and whether it has pixels that nobody reviewed."""
        image, scheme = chosen.image, self._project.scheme
        confirmed = confirmed_rows(self._store, image, chosen.layers)
        ignored = _has_ignore(confirmed, image.shape_yx[0])

        def rows(top: int, bottom: int) -> Any:
            return self._ids[confirmed(top, bottom)]

        if self._layout is Layout.NNUNET:
            path = work / "labels.tif"
            facts = FileFacts(pixel_size_nm=image.pixel_size.nm, image=image.name)  # ids differ from the project's
            write_label_tiff_by_rows(path, image.shape_yx, rows, facts)
            part = "labelsTr" if split is Split.TRAIN else "labelsTs"
            return (f"{part}/{stem}.tif", path), ignored
        path = work / "labels.png"
        made = made_by(self._store, chosen.layers[-1]) if len(chosen.layers) == 1 else "references and corrections"
        facts = FileFacts(pixel_size_nm=image.pixel_size.nm, scheme=scheme, image=image.name, made_by=made)
        write_label_png_by_rows(path, image.shape_yx, rows, facts)
        return (f"labels/{stem}.png", path), ignored

    def _objects(self, chosen: ChosenMap, stem: str, split: Split, work: Path) -> Iterator[Made]:
        """The ids of the label map's objects, where it has any."""
        image = chosen.image
        merged = MergedIds(self._store, [layer.id for layer in chosen.layers], image.shape_yx)
        if merged.class_ids:
            path = work / "objects.tif"
            facts = FileFacts(pixel_size_nm=image.pixel_size.nm, image=image.name)
            write_object_tiff_by_rows(path, image.shape_yx, merged.rows, facts)
            yield f"{objects_folder(self._layout, split)}/{stem}.tif", path


def _has_ignore(rows: Rows, height: int) -> bool:
    bands = range(0, height, _BAND_ROWS)
    return any(bool((rows(top, min(top + _BAND_ROWS, height)) == IGNORE_ID).any()) for top in bands)


def _group(image: ImageRecord) -> str:
    """What stays on one side of a validation split: the stack, else the specimen; "" for an image of its own."""
    return image.stack or image.specimen
