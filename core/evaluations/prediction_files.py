"""Predictions that another program made, as label maps in files: which image each belongs to, and reading them.

Names first: `plan_predictions` opens nothing. `check_prediction` looks into the files of one image, `read_prediction`
reads them as a prediction: every pixel says something, so that pixels marked 255 (ignore) become background.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.datasets.import_case import ImportCase
from core.datasets.import_check import doubtful_masks, guessed_source
from core.errors import CristaeError, DatasetError, LabelMapError, UnclearMaskError, UnclearObjectsError
from core.imaging.guarded_limits import label_limits
from core.imaging.reader import open_micrograph
from core.label_scheme import IGNORE_ID, LabelScheme
from core.labels.found_colors import color_of
from core.labels.masks import Overlap
from core.labels.polarity import DOUBT, Foreground
from core.labels.reading import LabelReading, LabelSource, image_files, objects_beside, pair_by_name
from core.labels.report import LabelImport, LabelReport
from core.outside.boundary import file_boundary
from core.outside.guarded import Subject, guarded_with
from core.outside.links import require_no_link
from core.store.records import ImageRecord


@dataclass(frozen=True, slots=True)
class PredictionCase:
    """The files that hold the prediction of one image.

    Parameters
    ----------
    image_id, image_name
        Of the store.
    shape_yx
        Of the image: the label map must have the same.
    paths
        One label image, or one mask per class.
    source
        How the labels are given; None: found out from the files.
    foreground
        For masks that leave it open: whether the object is light or dark; None: as each file suggests.
    foregrounds
        The same for single masks, where they differ: pairs of place in ``paths`` and answer.
    colors
        For labels by colour: pairs of colour (0xrrggbb) and class id; empty: the project's colours.
    class_ids
        The class of each file, where its name does not say it; empty: names say it.
    """

    image_id: str
    image_name: str
    shape_yx: tuple[int, int]
    paths: tuple[Path, ...]
    source: LabelSource | None = None
    foreground: Foreground | None = None
    foregrounds: tuple[tuple[int, Foreground], ...] = ()
    colors: tuple[tuple[int, int], ...] = ()
    class_ids: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a job's parameters."""
        return {
            "image_id": self.image_id,
            "image_name": self.image_name,
            "shape_yx": list(self.shape_yx),
            "paths": [str(path) for path in self.paths],
            "source": self.source.value if self.source else None,
            "foreground": self.foreground.value if self.foreground else None,
            "foregrounds": [[place, answer.value] for place, answer in self.foregrounds],
            "colors": [list(pair) for pair in self.colors],
            "class_ids": list(self.class_ids),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> PredictionCase:
        """The inverse of `to_json`.

        Raises
        ------
        DatasetError
            Something is missing or of the wrong kind.
        """
        try:
            rows, columns = values["shape_yx"]
            return cls(
                str(values["image_id"]),
                str(values["image_name"]),
                (int(rows), int(columns)),
                tuple(Path(path) for path in values["paths"]),
                LabelSource(values["source"]) if values.get("source") else None,
                Foreground(values["foreground"]) if values.get("foreground") else None,
                tuple((int(place), Foreground(each)) for place, each in values.get("foregrounds", ())),
                tuple((int(color), int(class_id)) for color, class_id in values.get("colors", ())),
                tuple(int(class_id) for class_id in values.get("class_ids", ())),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(
                f"A prediction to import cannot be used: {error!r}.", "Select the files again."
            ) from error


@dataclass(frozen=True, slots=True)
class PredictionPlan:
    """What belongs to what, by name.

    Parameters
    ----------
    cases
        One per image that has files, in the order of the images.
    missing
        Images without a file.
    strays
        Names of files that belong to no image.
    ambiguous
        Names that several images bear: nobody can say whose the files are.
    """

    cases: tuple[PredictionCase, ...]
    missing: tuple[ImageRecord, ...] = ()
    strays: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PredictionCheck:
    """What the files of a case hold.

    Parameters
    ----------
    case
        As planned.
    shape_yx
        Of the first file; None where it cannot be read.
    notes
        What reading will change, one sentence each.
    cause, remedy
        Why it cannot be used; "" where it can.
    doubtful
        Places in the case's ``paths`` of masks whose light or dark part may be the object.
    source
        How the labels are given; None where they were not looked into.
    asks_class
        Whether somebody must say of which class the objects in the files are.
    """

    case: PredictionCase
    shape_yx: tuple[int, int] | None
    notes: tuple[str, ...] = ()
    cause: str = ""
    remedy: str = ""
    doubtful: tuple[int, ...] = ()
    source: LabelSource | None = None
    asks_class: bool = False

    @property
    def usable(self) -> bool:
        """Whether it can be imported."""
        return not self.cause


def plan_predictions(
    images: Sequence[ImageRecord], files: Collection[Path], source: LabelSource | None = None
) -> PredictionPlan:
    """Give each file to the image whose name it bears.

    Parameters
    ----------
    images
        Of one project.
    files
        Label maps; only their names count.
    source
        How they are given; None: found out for each image.
    """
    names = [image.name for image in images]
    ambiguous = sorted({name for name in names if names.count(name) > 1})
    by_path = {Path(image.id) / Path(image.name).name: image for image in images if image.name not in ambiguous}
    pairing = pair_by_name(by_path, sorted(files))
    cases = [
        PredictionCase(by_path[path].id, by_path[path].name, by_path[path].shape_yx, found, _source_of(found, source))
        for path, found in pairing.files.items()
        if found
    ]
    missing = [by_path[path] for path, found in pairing.files.items() if not found]
    strays = tuple(path.name for path in pairing.strays)
    return PredictionPlan(tuple(cases), tuple(missing), strays, tuple(ambiguous))


def _source_of(files: Sequence[Path], source: LabelSource | None) -> LabelSource | None:
    """How the labels are given, as far as names say: of two files one may hold the ids of the objects of the other."""
    return LabelSource.IMAGE if source is None and len(files) == 2 and len(objects_beside(files)) == 1 else source


def prediction_files(folder: Path) -> tuple[Path, ...]:
    """The label maps of a folder on the server.

    Raises
    ------
    DatasetError
        There is no such folder, it may not be read, or it has none.
    """
    try:
        return image_files(folder)
    except PermissionError as error:
        raise DatasetError(
            f"The server has no permission to read {folder}.",
            "Give its user read permission, or drop the files instead.",
        ) from error


def check_prediction(case: PredictionCase, scheme: LabelScheme, *, deep: bool) -> PredictionCheck:
    """Open the files of one image.

    Parameters
    ----------
    case
        From `plan_predictions`.
    scheme
        The project's classes.
    deep
        Read the pixels too; otherwise only what the header says.
    """
    shape: tuple[int, int] | None = None
    source: LabelSource | None = None
    try:
        for path in case.paths:
            require_no_link(path, LabelMapError)
        with file_boundary(case.paths[0].name), open_micrograph(case.paths[0]) as file:
            shape = file.shape_yx
        if shape != case.shape_yx:
            raise LabelMapError(
                f"The label map is {shape[0]} x {shape[1]} px but {case.image_name} is {case.shape_yx[0]} x "
                f"{case.shape_yx[1]} px.",
                "Export the prediction at the image's full size.",
            )
        with file_boundary(case.paths[0].name):
            source = case.source or guessed_source(case.paths, scheme) if deep else case.source
            notes = read_prediction(case, scheme).report.sentences if deep else ()
    except CristaeError as error:
        unclear = _doubtful(case, scheme) if isinstance(error, UnclearMaskError) else ()
        asks = isinstance(error, UnclearObjectsError)
        return PredictionCheck(case, shape, (), error.cause, error.remedy, unclear, source, asks_class=asks)
    unclear = _doubtful(case, scheme) if any(DOUBT in note for note in notes) else ()
    return PredictionCheck(case, shape, tuple(notes), doubtful=unclear, source=source)


def _doubtful(case: PredictionCase, scheme: LabelScheme) -> tuple[int, ...]:
    """Places in ``paths`` of the masks whose light or dark part may be the object."""
    alike = ImportCase(name=case.image_name, image_path=case.paths[0], label_paths=case.paths)
    return doubtful_masks(alike, scheme, case.shape_yx)


def read_prediction(case: PredictionCase, scheme: LabelScheme) -> LabelImport:
    """The label map of a case, without *ignore*; of overlapping masks the first class wins.

    Parameters
    ----------
    case, scheme
        As for `check_prediction`.

    Raises
    ------
    LabelMapError
        As for `LabelReading.read`.
    ImageError
        A file cannot be read.
    """
    for path in case.paths:
        require_no_link(path, LabelMapError)
    source = case.source or guessed_source(case.paths, scheme)
    reading = LabelReading(
        source,
        scheme,
        overlap=Overlap.FIRST,
        colors={color_of(number): class_id for number, class_id in case.colors} or None,
        foreground=case.foreground,
        foregrounds={case.paths[place]: answer for place, answer in case.foregrounds},
        only_in_doubt=True,
    )
    if case.class_ids:
        read = reading.read_by_class(dict(zip(case.class_ids, case.paths, strict=True)), case.shape_yx)
    else:
        read = reading.read(case.paths, case.shape_yx)
    ignored = read.labels_yx == IGNORE_ID
    if not ignored.any():
        return read
    labels = np.where(ignored, np.uint8(0), read.labels_yx)
    remark = (
        f"{np.count_nonzero(ignored):,} ignore pixels became background, because a prediction has a class for "
        "every pixel."
    )
    return LabelImport.of(labels, list(read.report.counts), [*read.report.remarks, remark], read.objects)


def check_prediction_guarded(case: PredictionCase, scheme: LabelScheme, *, deep: bool) -> PredictionCheck:
    """`check_prediction` in a guarded process."""
    try:
        limits, subject = label_limits(case.paths, case.shape_yx), Subject(case.paths[0].name, LabelMapError)
        return guarded_with(limits, subject, check_prediction, case, scheme, deep=deep)
    except CristaeError as error:
        return PredictionCheck(case, None, cause=error.cause, remedy=error.remedy)


def read_prediction_guarded(case: PredictionCase, scheme: LabelScheme) -> LabelImport:
    """`read_prediction` in a guarded process.

    Raises
    ------
    LabelMapError, ImageError
        As there; also where reading took too much memory or time, or crashed.
    """
    limits, subject = label_limits(case.paths, case.shape_yx), Subject(case.paths[0].name, LabelMapError)
    report, packed = guarded_with(limits, subject, prediction_of_case, case, scheme)
    return LabelImport.unpacked(report, packed, case.shape_yx)


def prediction_of_case(case: PredictionCase, scheme: LabelScheme) -> tuple[LabelReport, NDArray[np.uint8]]:
    """Within the guarded process: `read_prediction`."""
    read = read_prediction(case, scheme)
    return read.report, read.packed()
