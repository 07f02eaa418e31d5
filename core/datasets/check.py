"""Looking through a dataset folder: what is in it, and every problem with its remedy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.datasets.case import Case, DatasetFolder, Split
from core.datasets.folder import load_image, load_labels, open_dataset
from core.datasets.leakage import Place, straddling
from core.errors import CristaeError
from core.imaging.image_content import content_hash
from core.imaging.reader import SUFFIXES, case_stem
from core.label_scheme import IGNORE_ID
from core.outside.boundary import file_boundary
from core.wording import some_of

_LOOK: Final = "Compare the label map with its image, and correct it if this is unintended."


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a dataset.

    Parameters
    ----------
    where
        Name of the case or file; empty where the whole is concerned.
    cause, remedy
        As in `CristaeError`.
    fatal
        Whether training or scoring cannot work; otherwise it is a remark.
    """

    where: str
    cause: str
    remedy: str
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class CaseCheck:
    """A case whose files could be read.

    Parameters
    ----------
    case
        The case.
    shape_yx
        Rows and columns.
    class_pixels
        Id to number of pixels, background and ignore included; None without labels.
    digest
        Of the image's pixels: equal images have equal ones.
    """

    case: Case
    shape_yx: tuple[int, int]
    class_pixels: Mapping[int, int] | None
    digest: str


@dataclass(frozen=True, slots=True)
class DatasetCheck:
    """What a look through a dataset found.

    Parameters
    ----------
    folder
        None where the description itself cannot be used.
    cases
        Those whose files could be read.
    problems
        All, in the order in which they were found.
    """

    folder: DatasetFolder | None
    cases: tuple[CaseCheck, ...]
    problems: tuple[Problem, ...]

    @property
    def usable(self) -> bool:
        """Whether there is nothing but remarks."""
        return not any(problem.fatal for problem in self.problems)

    def class_pixels(self, *splits: Split) -> Counter[int]:
        """Pixels of each id over the labelled cases of some splits; all splits where none is named."""
        total: Counter[int] = Counter()
        for item in self.cases:
            if item.class_pixels is not None and (not splits or item.case.split in splits):
                total.update(item.class_pixels)
        return total

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        return {
            "format": "cristae-dataset-check",
            "version": 1,
            "usable": self.usable,
            "classes": [] if self.folder is None else self.folder.scheme.to_json(),
            "cases": [
                {
                    "name": item.case.name,
                    "split": item.case.split.value,
                    "group": item.case.group,
                    "rows": item.shape_yx[0],
                    "columns": item.shape_yx[1],
                    "pixel_size_nm": item.case.pixel_size_nm,
                    "class_pixels": item.class_pixels and {str(i): n for i, n in sorted(item.class_pixels.items())},
                }
                for item in self.cases
            ],
            "problems": [
                {"where": p.where, "cause": p.cause, "remedy": p.remedy, "fatal": p.fatal} for p in self.problems
            ],
        }


def check_dataset(path: Path, *, on_case: Callable[[int, int], None] | None = None) -> DatasetCheck:
    """Read all of a dataset folder, one case at a time, and collect what is wrong instead of stopping at the first.

    Parameters
    ----------
    path
        As for `open_dataset`.
    on_case
        Called with how many cases are done and how many there are.

    Returns
    -------
    DatasetCheck
        A description that cannot be used is its only problem.
    """
    try:
        folder = open_dataset(path)
    except CristaeError as error:
        return DatasetCheck(None, (), (Problem("", error.cause, error.remedy),))
    cases: list[CaseCheck] = []
    problems: list[Problem] = []
    for number, case in enumerate(folder.cases, start=1):
        try:
            with file_boundary(case.name):
                checked, remarks = _checked(case)
            cases.append(checked)
            problems += remarks
        except CristaeError as error:
            problems.append(Problem(case.name, error.cause, error.remedy))
        if on_case is not None:
            on_case(number, len(folder.cases))
    check = DatasetCheck(folder, tuple(cases), ())
    found = (
        _stray_labels(folder),
        _twins(cases),
        _straddling(folder),
        _training(folder, check),
        _remarks(folder, check),
    )
    return DatasetCheck(folder, check.cases, (*problems, *(p for part in found for p in part)))


def _checked(case: Case) -> tuple[CaseCheck, list[Problem]]:
    """Read a case; what was noticed about its labels."""
    image, counts, remarks = load_image(case), None, []
    if case.label_path is not None:
        report = load_labels(case, image.shape).report
        counts = dict(report.class_pixels)
        remarks = [Problem(case.name, text, _LOOK, fatal=False) for text in report.remarks]
    return CaseCheck(case, image.shape, counts, content_hash(image)), remarks


def _stray_labels(folder: DatasetFolder) -> Iterator[Problem]:
    """Label files that no image asks for."""
    used = {case.label_path for case in folder.cases}
    for part in ("labels", "labelsTr", "labelsTs"):
        if not (folder.path / part).is_dir():
            continue
        for path in sorted((folder.path / part).iterdir()):
            hidden = path.name.startswith(".") or not path.name.lower().endswith(SUFFIXES)
            if not hidden and path.is_file() and path not in used:
                yield Problem(
                    f"{part}/{path.name}",
                    f"There is no image named {case_stem(path)}.",
                    "Add the image or rename the label map like its image; otherwise it is not used.",
                    fatal=False,
                )


def _twins(cases: list[CaseCheck]) -> Iterator[Problem]:
    """The same image twice; across training and test it makes every score worthless."""
    first: dict[str, CaseCheck] = {}
    for item in cases:
        other = first.setdefault(item.digest, item)
        if other is item:
            continue
        leaks = {other.case.split, item.case.split} == {Split.TRAIN, Split.TEST}
        yield Problem(
            item.case.name,
            f"{other.case.name} ({other.case.split}) and {item.case.name} ({item.case.split}) are the same image.",
            "Remove one of them; a model must not be tested on its training images."
            if leaks
            else "Remove one of them.",
            fatal=leaks,
        )


def _straddling(folder: DatasetFolder) -> Iterator[Problem]:
    """Specimens on both sides of the line between training and test."""
    for group in straddling(Place(split=case.split, specimen=case.group) for case in folder.cases):
        yield Problem(
            group.name,
            f"Its images are in the training set ({group.train}) and in the test set ({group.test}).",
            "Neighbouring sections look alike, so test scores would be too high: use one set. If they are from "
            'different specimens, say so with "groups" in dataset.json.',
            fatal=False,
        )


def _training(folder: DatasetFolder, check: DatasetCheck) -> Iterator[Problem]:
    """What keeps `train` from starting, or a class from being learned."""
    if not any(case.label_path is not None for case in folder.of_split(Split.TRAIN)):
        yield Problem("", "The training set has no labelled image.", 'List one under "train" in dataset.json.')
        return
    pixels = check.class_pixels(Split.TRAIN)
    if not pixels:
        return
    if set(pixels) == {IGNORE_ID}:
        yield Problem("", "The training labels are ignore (255) everywhere.", "Label some objects.")
    elif not any(pixels[i] for i in folder.scheme.ids):
        yield Problem("", "The training labels show background only.", "Label at least one object of one class.")
    else:
        for missing in (item.name for item in folder.scheme.classes if not pixels[item.id]):
            yield Problem(
                missing,
                f"No training image contains {missing}; it cannot be learned.",
                "Label some, or remove the class from dataset.json.",
                fatal=False,
            )


def _remarks(folder: DatasetFolder, check: DatasetCheck) -> Iterator[Problem]:
    """What works but is worth knowing."""
    tests = folder.of_split(Split.TEST)
    if not tests:
        yield Problem("", "The test set is empty.", 'List some under "test" in dataset.json.', fatal=False)
    for case in tests:
        if case.label_path is None:
            yield Problem(case.name, "The test image has no labels to score against.", "Add them to labels/.")
    sizeless = [case.name for case in folder.cases if case.pixel_size_nm is None]
    if sizeless:
        yield Problem(
            "",
            f"The pixel size of {len(sizeless)} of {len(folder.cases)} images is unknown: {some_of(sizeless)}.",
            'Add "pixel_size_nm" to dataset.json; otherwise images cannot be rescaled to the same pixel size.',
            fatal=False,
        )
    for item in check.cases:
        if item.class_pixels is not None and set(item.class_pixels) <= {IGNORE_ID}:
            yield Problem(
                item.case.name,
                "Its labels are ignore (255) everywhere.",
                "Label some pixels, or remove the image.",
                fatal=False,
            )
