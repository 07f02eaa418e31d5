"""Label files from outside, read in a guarded process in any of the ways in which labels are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import ImageError, LabelMapError
from core.imaging.guarded_limits import label_limits
from core.imaging.guarded_micrograph import GuardedMicrograph, open_guarded
from core.imaging.object_pyramid import ObjectIds
from core.imaging.placement import Placement
from core.label_scheme import LabelScheme
from core.labels.found_colors import color_of, number_of
from core.labels.object_files import fitted_objects, read_ids
from core.labels.reading import LabelReading, with_objects
from core.labels.report import LabelImport, LabelReport, RuleCount
from core.outside.guarded import Subject, guarded_with
from core.outside.links import require_no_link
from core.wording import some_of


def read_guarded(
    reading: LabelReading,
    paths: Sequence[Path],
    shape_yx: tuple[int, int],
    placement: Placement | None = None,
    *,
    class_ids: Sequence[int] = (),
    objects: Path | None = None,
) -> LabelImport:
    """The label map of an image, read in a guarded process.

    Parameters
    ----------
    reading, paths, shape_yx, placement
        As for `LabelReading.read`.
    class_ids
        For masks whose classes are known: the class of each file, as for `LabelReading.read_by_class`.
    objects
        Ids of the objects of the label map, of all its classes.

    Raises
    ------
    LabelMapError
        As there; also where reading took too much memory or time, or crashed.
    """
    subject = Subject(shown_names(paths), LabelMapError)
    report, packed = guarded_with(
        label_limits(paths, shape_yx),
        subject,
        labels_of_files,
        replace(reading, colors=None),
        tuple((number_of(color), class_id) for color, class_id in (reading.colors or {}).items()),
        tuple(paths),
        tuple(class_ids),
        shape_yx,
        placement,
        objects,
    )
    return LabelImport.unpacked(report, packed, shape_yx)


def read_masks_guarded(
    reading: LabelReading, masks: Mapping[int, Path], shape_yx: tuple[int, int], placement: Placement | None = None
) -> LabelImport:
    """The label map of an image from masks whose classes are known, class id to file; see `read_guarded`.

    Raises
    ------
    LabelMapError
        As there.
    """
    return read_guarded(reading, tuple(masks.values()), shape_yx, placement, class_ids=tuple(masks))


def objects_guarded(
    path: Path, labels_yx: NDArray[np.uint8], scheme: LabelScheme
) -> tuple[ObjectIds | None, list[RuleCount], list[str]]:
    """The ids of the objects of a label map that is there already, read in a guarded process; see `fitted_objects`.

    Raises
    ------
    LabelMapError
        As for `read_ids`; the file is a link; reading took too much memory or time, or crashed.
    """
    require_no_link(path, LabelMapError)
    shape_yx = (labels_yx.shape[0], labels_yx.shape[1])
    limits, subject = label_limits((path,), shape_yx), Subject(path.name, LabelMapError)
    counts, remarks, ids_yx = guarded_with(limits, subject, ids_of_file, path, shape_yx)
    objects, fitted, noticed = fitted_objects(labels_yx, ids_yx.copy(), scheme, path.name)
    return objects, [*counts, *fitted], [*remarks, *noticed]


def ids_of_file(
    path: Path, shape_yx: tuple[int, int]
) -> tuple[tuple[RuleCount, ...], tuple[str, ...], NDArray[np.uint32]]:
    """Within the guarded process: `read_ids`."""
    read = read_ids(path, shape_yx)
    return read.counts, read.remarks, read.ids_yx


def open_label_file(path: Path) -> GuardedMicrograph:
    """The header of a label file: its size, and the pixel size that it states.

    Raises
    ------
    LabelMapError
        It cannot be read.
    """
    try:
        return open_guarded(path)
    except ImageError as error:
        raise LabelMapError(f"Label file: {error.cause}", error.remedy) from error


def shown_names(paths: Sequence[Path]) -> str:
    """The files for messages: "a.png and 2 more"."""
    return some_of((path.name for path in paths), 1) or "no file"


def labels_of_files(
    reading: LabelReading,
    colors: tuple[tuple[int, int], ...],
    paths: tuple[Path, ...],
    class_ids: tuple[int, ...],
    shape_yx: tuple[int, int],
    placement: Placement | None,
    objects: Path | None = None,
) -> tuple[LabelReport, NDArray[np.uint8]]:
    """Within the guarded process: read, with colours as numbers, 0xrrggbb."""
    full = replace(reading, colors={color_of(number): class_id for number, class_id in colors} or None)
    if class_ids:
        read = full.read_by_class(dict(zip(class_ids, paths, strict=True)), shape_yx, placement)
    else:
        read = full.read(paths, shape_yx, placement)
    if objects is not None:
        read = with_objects(read, objects, full.scheme, placement)
    return read.report, read.packed()
