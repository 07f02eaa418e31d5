"""Planning an import: which images there are, which labels belong to each, and what cannot be used.

Names only: the files of a case are opened by `core.datasets.import_check.check_import`. Nothing is written anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.datasets.case import Case, Split, guessed_groups
from core.datasets.folder import DESCRIPTION_FILE, open_dataset
from core.datasets.image_facts import facts_of
from core.datasets.import_case import ImportCase
from core.errors import DatasetError, Refusal
from core.imaging.image import PixelSizeSource
from core.imaging.reader import case_stem
from core.label_scheme import IGNORE_ID, LabelScheme
from core.labels.masks import match_masks
from core.labels.reading import LabelSource, image_files, objects_beside, pair_by_name
from core.outside.links import require_no_link

_LAST_NUMBER: Final = re.compile(r"\d+(?!.*\d)")
_IMAGE_FOLDERS: Final = ("images", "image", "raw")
_LABEL_FOLDERS: Final = ("labels", "label", "masks", "mask")


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """Cases by name, and what belongs to none."""

    cases: tuple[ImportCase, ...]
    refusals: tuple[Refusal, ...] = ()


def plan_import(
    folder: Path,
    scheme: LabelScheme,
    *,
    labels: Path | None = None,
    source: LabelSource | None = None,
    leave_out: Sequence[str] = (),
) -> ImportPlan:
    """Find the images of a folder and the labels that belong to each by name.

    Parameters
    ----------
    folder
        A dataset folder of Cristae or nnU-Net (with dataset.json); or one with images/ and, if there are labels,
        labels/ or masks/; or one of images. With ``labels``: a folder of images in any case.
    scheme
        The project's classes. Classes of a dataset.json are found in it by name.
    labels
        Folder of the labels, where they are somewhere else. Files may lie in folders named by class.
    source
        How labels are given; None: found out for each image.
    leave_out
        Names of label files that are not to be used.

    Raises
    ------
    DatasetError
        No such folder, or none that may be read; no images; a dataset.json that cannot be used; a class of it that the
        project does not have.
    """
    _check_readable(folder, labels)
    try:
        if labels is None and (folder / DESCRIPTION_FILE).is_file() and not _flat(folder):
            return _of_dataset(folder, scheme)
        images = _subfolder(folder, _IMAGE_FOLDERS) or folder
        if labels is None and images != folder:
            beside = _subfolder(folder, _LABEL_FOLDERS)
            labels = beside if beside and any(beside.iterdir()) else None
        return _of_folders(images, labels, scheme, source, frozenset(leave_out))
    except PermissionError as error:
        raise _not_allowed(Path(error.filename or folder)) from error


def _of_dataset(folder: Path, scheme: LabelScheme) -> ImportPlan:
    """The cases of a dataset folder, class ids translated by name."""
    refusals: list[Refusal] = []
    dataset = open_dataset(folder, on_problem=lambda name, e: refusals.append(Refusal.at(name, e)))
    values = _translation(dataset.scheme, scheme, folder)
    cases = [_of_case(case, values) for case in dataset.cases]
    return ImportPlan(tuple(cases), tuple(refusals))


def _of_case(case: Case, values: Mapping[int, int]) -> ImportCase:
    """A case of a dataset folder; what a project knew of it counts before what its name suggests."""
    mapped = {**values, IGNORE_ID: IGNORE_ID, case.ignore_value: IGNORE_ID}
    grouped = case.group != case.name
    planned = ImportCase(
        case.name,
        case.image_path,
        (case.label_path,) if case.label_path else (),
        source=LabelSource.IMAGE,
        values=tuple(sorted(mapped.items())),
        exact_values=True,
        split=case.split,
        stack=_stack_name(case.group) if grouped else "",
        z_index=_last_number(case.name) if grouped else None,
        pixel_size_nm=case.pixel_size_nm,
        pixel_size_source=PixelSizeSource.FILE,
        objects_path=case.objects_path if case.label_path else None,
    )
    if case.facts is None:
        return planned
    facts = case.facts
    return replace(
        planned,
        name=facts.name,
        split=facts.split,
        **facts_of(facts),
        stack=facts.stack,
        z_index=facts.z_index if facts.stack else None,
        known_place=True,
        predicted_by=facts.predicted_by,
    )


def _translation(theirs: LabelScheme, ours: LabelScheme, folder: Path) -> dict[int, int]:
    """Their class ids to ours, by name."""
    known = {item.name.casefold(): item.id for item in ours.classes}
    missing = [item.name for item in theirs.classes if item.name.casefold() not in known]
    if missing:
        raise DatasetError(
            f"{folder.name} has classes that the project does not have: {', '.join(missing)}.",
            "Add them to the project's classes under the same names (Project settings), or create a project with "
            "the classes of this dataset.json.",
        )
    return {0: 0, **{item.id: known[item.name.casefold()] for item in theirs.classes}}


def _of_folders(
    images: Path, labels: Path | None, scheme: LabelScheme, source: LabelSource | None, leave_out: frozenset[str]
) -> ImportPlan:
    """Images and the label files that bear their names."""
    paths = image_files(images)
    if labels is not None and labels.resolve() == images.resolve():
        raise DatasetError(
            f"Image folder and label folder are the same: {images}.", "Put the labels into a separate folder."
        )
    owned: dict[Path, list[tuple[Path, int]]] = {path: [] for path in paths}
    refusals = []
    for class_id, found_files in _label_files(labels, scheme) if labels else ():
        pairing = pair_by_name(paths, [file for file in found_files if file.name not in leave_out])
        for image, found in pairing.files.items():
            owned[image] += [(file, class_id) for file in found]
        refusals += [_stray(path, images) for path in pairing.strays]
    groups = guessed_groups([case_stem(path) for path in paths])
    cases: dict[str, ImportCase] = {}
    for path, files in owned.items():
        name = case_stem(path)
        if name.casefold() in cases:
            other = cases[name.casefold()].image_path.name
            refusals.append(
                Refusal(f"{other} and {path.name} have the same name.", "Rename one of them.", where=path.name)
            )
            continue
        objects: Path | None = None
        if len(files) == 2 and source in (None, LabelSource.IMAGE) and not any(class_id for _, class_id in files):
            objects, files = _with_objects(files, scheme)
        by_folder = bool(files) and all(class_id for _, class_id in files)
        grouped = groups[name] != name
        cases[name.casefold()] = ImportCase(
            name,
            path,
            tuple(file for file, _ in files),
            class_ids=tuple(class_id for _, class_id in files) if by_folder else (),
            source=LabelSource.IMAGE if objects else source,
            objects_path=objects,
            split=Split.TRAIN if files else Split.POOL,
            stack=_stack_name(groups[name]) if grouped else "",
            z_index=_last_number(name) if grouped else None,
        )
    return ImportPlan(tuple(cases.values()), tuple(refusals))


def _with_objects(files: list[tuple[Path, int]], scheme: LabelScheme) -> tuple[Path | None, list[tuple[Path, int]]]:
    """Of two files of an image, the one with the ids of the objects of the other, which is its label map."""
    beside = [path for path in objects_beside(path for path, _ in files) if not match_masks([path], scheme)[0]]
    if len(beside) != 1:
        return None, files
    return beside[0], [(path, class_id) for path, class_id in files if path != beside[0]]


def _label_files(labels: Path, scheme: LabelScheme) -> Iterator[tuple[int, tuple[Path, ...]]]:
    """Class id (0: not said) and files, of the folder and of its folders named by class."""
    classes = {_plain(item.name): item.id for item in scheme.classes}
    folders = [(classes[_plain(path.name)], path) for path in sorted(labels.iterdir()) if _plain(path.name) in classes]
    folders = [(class_id, folder) for class_id, folder in folders if folder.is_dir()]
    for class_id, folder in folders:
        require_no_link(folder)
        yield class_id, image_files(folder)
    if not folders:
        yield 0, image_files(labels)
        return
    try:
        yield 0, image_files(labels)
    except DatasetError:  # everything lies in the folders
        return


def _check_readable(*folders: Path | None) -> None:
    """Refuse folders that are not there or that this user may not list."""
    for folder in folders:
        if folder is None:
            continue
        try:
            if not folder.is_dir():
                what = "a file, not a folder" if folder.exists() else "not on this server"
                raise DatasetError(f"{folder} is {what}.", "Enter the path of a folder on the server.")
            next(folder.iterdir(), None)
        except PermissionError as error:
            raise _not_allowed(folder) from error


def _not_allowed(folder: Path) -> DatasetError:
    return DatasetError(
        f"The server has no permission to read {folder}.",
        "Give its user the right to read the folder, or drop the files here instead.",
    )


def _flat(folder: Path) -> bool:
    """Whether a folder with a dataset.json has its images beside it, not in folders."""
    return not any((folder / name).is_dir() for name in ("images", "imagesTr"))


def _subfolder(folder: Path, names: tuple[str, ...]) -> Path | None:
    found = next((folder / name for name in names if (folder / name).is_dir()), None)
    if found is not None:
        require_no_link(found)
    return found


def _stray(path: Path, images: Path) -> Refusal:
    return Refusal(
        f"{path.name} matches no image in {images.name}.",
        "Rename it so that it begins with the image name, or remove it.",
        where=path.name,
    )


def _stack_name(group: str) -> str:
    """A guessed group without the sign for its number: "vnc_#" is the stack "vnc"."""
    return group.replace("#", "").strip("_-. ") or group


def _last_number(name: str) -> int | None:
    found = _LAST_NUMBER.search(name)
    return int(found.group()) if found and len(found.group()) < 10 else None


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
