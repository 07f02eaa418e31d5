"""Planning a dataset folder from a folder of images and one of labels: what pairs with what, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from core.datasets.case import Split, guessed_groups
from core.datasets.writing import NewCase
from core.errors import CristaeError, DatasetError, Refusal
from core.imaging.guarded_micrograph import open_guarded
from core.imaging.image import Image, PixelSize
from core.imaging.reader import case_stem, check_single
from core.labels.guarded_reading import read_guarded
from core.labels.reading import LabelReading, image_files, pair_by_name
from core.labels.report import LabelReport
from core.outside.boundary import file_boundary
from core.outside.links import require_no_link


@dataclass(frozen=True, slots=True)
class PlannedCase:
    """An image and the files of its labels, not opened yet.

    Parameters
    ----------
    name
        Stem of the image.
    image_path
        The image.
    label_paths
        Its label files; empty for an image that nobody has labelled.
    split
        test where asked for, else train with labels and pool without.
    group
        As `guessed_groups` has it.
    """

    name: str
    image_path: Path
    label_paths: tuple[Path, ...]
    split: Split
    group: str


@dataclass(frozen=True, slots=True)
class DatasetPlan:
    """Cases, and what is refused by names alone."""

    cases: tuple[PlannedCase, ...]
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class CheckedCase:
    """A planned case whose files have been read and found good.

    Parameters
    ----------
    case
        The plan.
    shape_yx
        Rows and columns.
    pixel_size_nm
        As asked for, else as the image file says.
    report
        What reading the labels did; None without labels.
    """

    case: PlannedCase
    shape_yx: tuple[int, int]
    pixel_size_nm: float | None
    report: LabelReport | None


def plan_dataset(images: Path, labels: Path, *, test: Sequence[str] = ()) -> DatasetPlan:
    """Pair the images of one folder with the label files of another, by `pair_by_name`. No file is opened.

    Parameters
    ----------
    images, labels
        Folders. Images without labels become the pool.
    test
        Names of test images, without their endings; ``*`` and ``?`` stand for any characters.

    Returns
    -------
    DatasetPlan
        With a refusal for each label file that belongs to no image, image names that occur twice, and names under
        ``test`` that fit no labelled image.

    Raises
    ------
    DatasetError
        A folder is missing or has no images; both are the same.
    """
    if images.resolve() == labels.resolve():
        raise DatasetError(
            f"Image folder and label folder are the same: {images}.", "Put the labels into a separate folder."
        )
    pairing = pair_by_name(image_files(images), image_files(labels))
    names = [case_stem(path) for path in pairing.files]
    groups = guessed_groups(names)
    cases: dict[str, PlannedCase] = {}
    refusals = [
        Refusal(
            f"{path.name} matches no image in {images.name}.",
            "Rename it so that it begins with the image name, or remove it.",
            where=path.name,
        )
        for path in pairing.strays
    ]
    for name, (image, paths) in zip(names, pairing.files.items(), strict=True):
        if name.casefold() in cases:
            other = cases[name.casefold()].image_path.name
            refusals.append(Refusal(f"{other} and {image.name} have the same name.", "Rename one of them.", where=name))
            continue
        tested = any(_fits(name, pattern) for pattern in test)
        split = Split.TEST if tested else Split.TRAIN if paths else Split.POOL
        cases[name.casefold()] = PlannedCase(name, image, paths, split, groups[name])
    planned = tuple(cases.values())
    return DatasetPlan(planned, (*refusals, *_test_refusals(planned, test)))


def check_case(
    case: PlannedCase, reading: LabelReading, *, pixel_size_nm: float | None = None
) -> CheckedCase | Refusal:
    """Read the files of a case and say what they hold, or why they cannot be used."""
    try:
        with file_boundary(case.name):
            new, report = read_case(case, reading, pixel_size_nm=pixel_size_nm)
    except CristaeError as error:
        return Refusal.at(case.name, error)
    return CheckedCase(case, new.image.shape, new.image.pixel_size.nm, report)


def read_case(
    case: PlannedCase, reading: LabelReading, *, pixel_size_nm: float | None = None
) -> tuple[NewCase, LabelReport | None]:
    """A case as `write_dataset` takes it.

    Parameters
    ----------
    case
        From `plan_dataset`.
    reading
        How its labels are given.
    pixel_size_nm
        Instead of what the image file says.

    Raises
    ------
    ImageError, LabelMapError
        A file cannot be read or used.
    """
    for path in (case.image_path, *case.label_paths):
        require_no_link(path)
    with open_guarded(case.image_path) as file:
        check_single(file)
        image, placement = file.read(), file.placement
    if pixel_size_nm is not None:
        image = Image(image.pixels_yx, PixelSize.from_user(pixel_size_nm), image.name, image.notices)
    if not case.label_paths:
        return NewCase(case.name, image, None, case.split, case.group), None
    labels = read_guarded(reading, case.label_paths, image.shape, placement)
    return NewCase(case.name, image, labels.labels_yx, case.split, case.group, labels.objects), labels.report


def _fits(name: str, pattern: str) -> bool:
    """The name itself, also one with brackets, or a pattern that it fits."""
    return name == pattern or fnmatchcase(name, pattern)


def _test_refusals(cases: Sequence[PlannedCase], test: Sequence[str]) -> Iterator[Refusal]:
    """Names under test that fit nothing, and test images that cannot be scored."""
    for pattern in test:
        if not any(_fits(case.name, pattern) for case in cases):
            yield Refusal(
                f"There is no image named {pattern}.", "Use image names without file extension.", where=pattern
            )
    for case in cases:
        if case.split is Split.TEST and not case.label_paths:
            yield Refusal(
                f"The test image {case.name} has no labels.",
                "Add them, or remove it from the test images.",
                where=case.name,
            )
