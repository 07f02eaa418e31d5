"""Writing dataset folders, ours and nnU-Net's raw ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from core.datasets.case import CaseFacts, Layout, Split
from core.errors import DatasetError
from core.files import replacing, write_json
from core.imaging.image import ENTERED, UNKNOWN_PIXEL_SIZE, Image, PixelSize, PixelSizeSource
from core.imaging.names import is_file_stem
from core.imaging.object_pyramid import ObjectIds
from core.label_scheme import IGNORE_ID, LabelScheme
from core.labels.files import resolution_tags


@dataclass(frozen=True, slots=True, eq=False)
class NewCase:
    """A case to be written.

    Parameters
    ----------
    name
        Stem of its files.
    image
        Its pixel size goes into dataset.json.
    labels_yx
        uint8, shape of the image: 0, ids of the scheme, 255; None for a case without labels.
    split
        What it is for.
    group
        Its stack or specimen; empty: its name.
    objects
        Ids of the objects of its label map; None: it has none.
    """

    name: str
    image: Image
    labels_yx: NDArray[np.uint8] | None = None
    split: Split = Split.TRAIN
    group: str = ""
    objects: ObjectIds | None = None


@dataclass(frozen=True, slots=True)
class WrittenCase:
    """What dataset.json says of a case whose files are written.

    Parameters
    ----------
    name
        Stem of its files.
    pixel_size_nm
        None: unknown.
    split
        Where its files are; cases without confirmed labels are of the pool.
    group
        Its stack or specimen; empty: its name.
    labelled
        Whether it has a label map.
    facts
        What the project knows of it.
    """

    name: str
    pixel_size_nm: float | None
    split: Split
    group: str
    labelled: bool
    facts: CaseFacts


def describe_dataset(
    cases: Sequence[WrittenCase], scheme: LabelScheme, layout: Layout, *, has_ignore: bool, title: str
) -> dict[str, Any]:
    """dataset.json of a folder whose files are written one by one; `open_dataset` reads all of it back.

    Parameters
    ----------
    cases
        All that are written.
    scheme, layout
        As `write_dataset`.
    has_ignore
        Whether any label map has pixels that nobody reviewed.
    title
        A line for people.
    """
    blank = np.zeros((1, 1), np.uint8)
    stubs = [
        NewCase(case.name, Image(blank, _known_size(case.pixel_size_nm)), blank, case.split, case.group)
        for case in cases
    ]
    table = file_ids(scheme, layout)
    describe = _nnunet_description if layout is Layout.NNUNET else _our_description
    classes = [{**item, "id": int(table[item["id"]])} for item in scheme.to_json()]
    return {
        "description": title,
        **describe(stubs, scheme, table, has_ignore),
        "classes": classes,
        "cases": {case.name: case.facts.to_json() for case in cases},
    }


def _known_size(nm: float | None) -> PixelSize:
    return UNKNOWN_PIXEL_SIZE if nm is None else PixelSize(nm, PixelSizeSource.USER, ENTERED)


def write_dataset(
    path: Path,
    cases: Iterable[NewCase],
    scheme: LabelScheme,
    *,
    layout: Layout = Layout.CRISTAE,
    description: str = "",
) -> None:
    """Write a dataset folder; it appears when all of it is written.

    In our layout images are PNG (TIFF for float32) and label maps PNG with the scheme's ids. In nnU-Net's all are TIFF,
    and because nnU-Net wants classes numbered without gaps and *ignore* last, ids are renumbered in their order; names
    stay. Its cases of the test and pool splits go to imagesTs; pool cases keep no labels there.

    Parameters
    ----------
    path
        The new folder; may exist if it is empty.
    cases
        Taken one at a time, so that a generator needs the memory of one.
    scheme
        The classes.
    layout
        Which of the two.
    description
        A line for dataset.json.

    Raises
    ------
    DatasetError
        The folder holds something; no case; a name that is no file name or that occurs twice; labels of another shape,
        with ids that the scheme lacks, or missing for a training case.
    StorageFullError
        The device is full, or the folder cannot be written. Then nothing is left.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise DatasetError(f"{path.name} exists already and is not an empty folder.", "Name a new folder.")
    with replacing(path) as folder:
        written: dict[str, NewCase] = {}
        table = file_ids(scheme, layout)
        has_ignore = False
        for case in cases:
            _check(case, scheme, written)
            _write_images(folder, case, layout)
            if case.labels_yx is not None and not (layout is Layout.NNUNET and case.split is Split.POOL):
                has_ignore |= bool((case.labels_yx == IGNORE_ID).any())
                _write_labels(folder, case, table[case.labels_yx], layout)
                _write_objects(folder, case, layout)
            written[case.name.casefold()] = _without_pixels(case)
        if not written:
            raise DatasetError("The dataset has no cases.", "Select at least one image.")
        describe = _nnunet_description if layout is Layout.NNUNET else _our_description
        write_json(
            folder / "dataset.json",
            {"description": description, **describe(list(written.values()), scheme, table, has_ignore)},
        )


def _check(case: NewCase, scheme: LabelScheme, written: dict[str, NewCase]) -> None:
    """Refuse a case that cannot be written."""
    if not is_file_stem(case.name):
        raise DatasetError(
            f"{case.name!r} is not a valid file name on every system.",
            "Rename the image without special characters.",
        )
    if case.name.casefold() in written:
        raise DatasetError(
            f"Two cases are named {case.name}.", ("Use different names (upper and lower case are not distinguished).")
        )
    if case.labels_yx is None:
        if case.split is Split.TRAIN:
            raise DatasetError(
                f"{case.name} is in the training set but has no label map.", "Add one, or choose another split."
            )
        return
    if case.labels_yx.shape != case.image.shape or case.labels_yx.dtype != np.uint8:
        raise DatasetError(
            f"The label map of {case.name} is {case.labels_yx.dtype} of shape {case.labels_yx.shape}, its image has "
            f"shape {case.image.shape}.",
            "Give uint8 labels of the image's shape.",
        )
    unknown = set(np.unique(case.labels_yx).tolist()) - {0, IGNORE_ID, *scheme.ids}
    if unknown:
        raise DatasetError(
            f"The label map of {case.name} contains unknown values: {sorted(unknown)}.",
            f"The class ids are {scheme.ids}.",
        )


def _without_pixels(case: NewCase) -> NewCase:
    """What dataset.json needs of a case."""
    stub = Image(np.zeros((1, 1), dtype=np.uint8), case.image.pixel_size)
    labels = None if case.labels_yx is None else np.zeros((1, 1), dtype=np.uint8)
    return NewCase(case.name, stub, labels, case.split, case.group)


def file_ids(scheme: LabelScheme, layout: Layout) -> NDArray[np.uint8]:
    """Id in memory to id in the files: uint8, shape (256,)."""
    table = np.arange(256, dtype=np.uint8)
    if layout is Layout.NNUNET:
        for number, class_id in enumerate(sorted(scheme.ids), start=1):
            table[class_id] = number
        table[IGNORE_ID] = len(scheme.ids) + 1
    return table


def _write_images(folder: Path, case: NewCase, layout: Layout) -> None:
    """The image's file."""
    pixels = case.image.pixels_yx
    if layout is Layout.NNUNET:
        part = "imagesTr" if case.split is Split.TRAIN else "imagesTs"
        _write_tiff(folder / part / f"{case.name}_0000.tif", pixels, case.image.pixel_size.nm)
    elif pixels.dtype == np.float32:
        _write_tiff(folder / "images" / f"{case.name}.tif", pixels, case.image.pixel_size.nm)
    else:
        _write_png(folder / "images" / f"{case.name}.png", pixels)


def _write_labels(folder: Path, case: NewCase, labels_yx: NDArray[np.uint8], layout: Layout) -> None:
    """The label map's file."""
    if layout is Layout.NNUNET:
        part = "labelsTr" if case.split is Split.TRAIN else "labelsTs"
        _write_tiff(folder / part / f"{case.name}.tif", labels_yx, case.image.pixel_size.nm)
    else:
        _write_png(folder / "labels" / f"{case.name}.png", labels_yx)


def objects_folder(layout: Layout, split: Split) -> str:
    """Where a dataset folder keeps ids of objects."""
    if layout is Layout.NNUNET:
        return "objectsTr" if split is Split.TRAIN else "objectsTs"
    return "objects"


def _write_objects(folder: Path, case: NewCase, layout: Layout) -> None:
    """The ids of its objects; of classes without ids there are none."""
    if case.objects is None or case.labels_yx is None:
        return
    ids_yx = np.where(case.objects.valid(case.labels_yx), case.objects.ids_yx, np.uint32(0))
    path = folder / objects_folder(layout, case.split) / f"{case.name}.tif"
    _write_tiff(path, ids_yx, case.image.pixel_size.nm)


def _write_png(path: Path, pixels: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels), level=3))


def _write_tiff(path: Path, pixels: NDArray[Any], pixel_size_nm: float | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tags = resolution_tags(pixel_size_nm)
    tifffile.imwrite(path, pixels, compression="zlib", metadata=None, photometric="minisblack", **tags)


def _sizes(cases: list[NewCase]) -> float | dict[str, float] | None:
    """One number where all agree, else one for each case that has one."""
    sizes = {case.name: case.image.pixel_size.nm for case in cases}
    known = {name: size for name, size in sizes.items() if size is not None}
    if len(known) == len(sizes) and len(set(known.values())) == 1:
        return next(iter(known.values()))
    return known or None


def _shared_description(cases: list[NewCase]) -> dict[str, Any]:
    return {"pixel_size_nm": _sizes(cases), "groups": {case.name: case.group or case.name for case in cases}}


def _our_description(
    cases: list[NewCase], scheme: LabelScheme, table: NDArray[np.uint8], has_ignore: bool
) -> dict[str, Any]:
    """dataset.json of our layout; 255 means ignore without being listed."""
    return {
        **_shared_description(cases),
        "labels": {"background": 0, **{c.name: c.id for c in scheme.classes}},
        "train": [case.name for case in cases if case.split is Split.TRAIN],
        "test": [case.name for case in cases if case.split is Split.TEST],
    }


def _nnunet_description(
    cases: list[NewCase], scheme: LabelScheme, table: NDArray[np.uint8], has_ignore: bool
) -> dict[str, Any]:
    """dataset.json of nnU-Net v2, with our two fields, which it does not mind."""
    ignore = {"ignore": int(table[IGNORE_ID])} if has_ignore else {}
    return {
        **_shared_description(cases),
        "channel_names": {"0": "EM"},
        "labels": {"background": 0, **{c.name: int(table[c.id]) for c in scheme.classes}, **ignore},
        "numTraining": sum(case.split is Split.TRAIN for case in cases),
        "file_ending": ".tif",
        "overwrite_image_reader_writer": "NaturalImage2DIO",
    }
