"""Dataset folders: ours (images/, labels/, dataset.json) and nnU-Net's raw ones, read and written."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from core.datasets.case import Case, CaseFacts, DatasetFolder, Layout, Split, guessed_groups
from core.datasets.loading import (
    DESCRIPTION_FILE,
    load_case,
    load_image,
    load_labels,
    load_objects,
    size_in_file,
)
from core.datasets.writing import NewCase, write_dataset
from core.errors import DatasetError, ImageError, LabelMapError
from core.imaging.lengths import checked_pixel_size
from core.imaging.reader import SUFFIXES, case_stem
from core.label_scheme import IGNORE_ID, LabelScheme
from core.outside.links import require_no_link
from core.wording import some_of

__all__ = [
    "DESCRIPTION_FILE",
    "Case",
    "DatasetFolder",
    "Layout",
    "NewCase",
    "Split",
    "load_case",
    "load_image",
    "load_labels",
    "load_objects",
    "open_dataset",
    "read_classes",
    "write_dataset",
]

_MAX_DESCRIPTION_BYTES: Final = 16_000_000
"""Facts of some fifty thousand cases; a larger file is none, and needs many times its size in memory."""

_CHANNEL: Final = "_0000"


def _plausible(nm: float) -> float:
    """A pixel size of dataset.json, refused as pydantic expects it where no micrograph has it."""
    try:
        return checked_pixel_size(nm)
    except ImageError as error:
        raise ValueError(f"{error.cause} {error.remedy}".rstrip(".")) from error


_SizeNm = Annotated[float, AfterValidator(_plausible)]


class _Description(BaseModel):
    """What is read of dataset.json; the rest is left alone."""

    labels: dict[str, Any]
    pixel_size_nm: _SizeNm | dict[str, _SizeNm] | None = None
    train: list[str] = Field(default_factory=list)
    test: list[str] = Field(default_factory=list)
    groups: dict[str, str] = Field(default_factory=dict)
    channel_names: dict[str, str] = Field(default_factory=dict)
    file_ending: str = ""
    cases: dict[str, CaseFacts] = Field(default_factory=dict)
    classes: list[dict[str, Any]] = Field(default_factory=list)

    def facts_of(self, name: str) -> CaseFacts | None:
        """What a project knew of a case."""
        facts = self.cases.get(name)
        return None if facts is None else replace(facts, name=facts.name or name)

    def size_of(self, name: str) -> float | None:
        """Pixel size of a case in nm, as far as the file says."""
        return self.pixel_size_nm.get(name) if isinstance(self.pixel_size_nm, dict) else self.pixel_size_nm


OnProblem = Callable[[str, DatasetError], None]
"""Told of a case, or a file, that cannot be used, and why."""


def open_dataset(path: Path, *, on_problem: OnProblem | None = None) -> DatasetFolder:
    """Read a dataset folder's description and find the files of its cases.

    Parameters
    ----------
    path
        The folder, or its dataset.json. With imagesTr/ in it, it is an nnU-Net raw folder; otherwise images/ and
        labels/ are expected. Files belong to a case by their stem and may have any ending that Cristae reads.
    on_problem
        Told of each case that cannot be used; the others are given. None: the first is raised.

    Returns
    -------
    DatasetFolder
        Cases by name. In our layout, images that are listed neither under train nor under test are of the pool; in
        nnU-Net's, imagesTr is train, imagesTs is test where labelsTs has a label map and pool where not.

    Raises
    ------
    DatasetError
        No dataset.json, or a senseless one; a listed case without an image; a training case without labels; two files
        for one case; more than one channel.
    """
    folder = path.parent if path.is_file() else path
    described = _read_description(folder / DESCRIPTION_FILE)
    scheme, ignore_value = _scheme(described, folder)
    nnunet = (folder / "imagesTr").is_dir()
    refused: set[str] = set()
    tell = _Teller(on_problem, refused)
    found = _nnunet_files(folder, described, tell) if nnunet else _our_files(folder, described, tell)
    _check_known(folder, described, set(found) | refused, tell)
    objects = _object_files(folder, nnunet, tell)
    groups = {**guessed_groups(found), **described.groups}
    cases = tuple(
        Case(
            name=name,
            image_path=image,
            label_path=labels,
            pixel_size_nm=described.size_of(name) or size_in_file(image),
            split=split,
            group=groups[name],
            scheme=scheme,
            ignore_value=ignore_value,
            facts=described.facts_of(name),
            objects_path=objects.get(name),
        )
        for name, (image, labels, split) in sorted(found.items())
    )
    if not cases:
        raise DatasetError(f"{folder.name} has no images.", f"Put them into {'imagesTr' if nnunet else 'images'}/.")
    return DatasetFolder(folder, Layout.NNUNET if nnunet else Layout.CRISTAE, scheme, cases)


def read_classes(path: Path) -> LabelScheme:
    """The classes that a dataset.json (or the one in a folder) names; its images are not looked for.

    Raises
    ------
    DatasetError
        No such file, or a senseless one.
    """
    file = path / DESCRIPTION_FILE if path.is_dir() else path
    return _scheme(_read_description(file), file.parent)[0]


def _read_description(file: Path) -> _Description:
    """dataset.json, checked."""
    folder = file.parent
    require_no_link(file)
    try:
        size_bytes = file.stat().st_size
        if size_bytes > _MAX_DESCRIPTION_BYTES:
            raise DatasetError(
                f"{file} has {size_bytes / 1e6:.0f} MB; a dataset description may have at most "
                f"{_MAX_DESCRIPTION_BYTES / 1e6:.0f} MB.",
                "Check that it is the right file; keep only classes, splits and pixel sizes.",
            )
        value = json.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        what = f"{folder.name} has no {file.name}." if folder.is_dir() else f"There is no folder {folder}."
        raise DatasetError(
            what, "Choose a folder with images/, labels/ and dataset.json, or an nnU-Net raw folder."
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"{file} cannot be read ({error}).", "Correct it; it must be JSON in UTF-8.") from error
    try:
        return _Description.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = " > ".join(str(part) for part in first["loc"]) or "the whole"
        raise DatasetError(
            f"{file}: {where}: {first['msg']}.",
            'It needs at least "labels", for example {"background": 0, "mitochondria": 1}; see docs/formats.md.',
        ) from error


def _scheme(described: _Description, folder: Path) -> tuple[LabelScheme, int]:
    """The classes with the colours that they were exported with, and the value that means ignore."""
    scheme, ignore_value = _named_scheme(described.labels, folder)
    try:
        colored = LabelScheme.from_json(described.classes) if described.classes else scheme
    except (LabelMapError, TypeError, AttributeError):  # somebody edited it: names and ids alone count
        return scheme, ignore_value
    same = {(item.id, item.name) for item in colored.classes} == {(item.id, item.name) for item in scheme.classes}
    return (colored if same else scheme), ignore_value


def _named_scheme(labels: Mapping[str, Any], folder: Path) -> tuple[LabelScheme, int]:
    """The classes, and the value that means ignore."""
    if labels and all(key.isdecimal() and isinstance(value, str) for key, value in labels.items()):
        labels = {value: int(key) for key, value in labels.items()}  # nnU-Net v1 wrote it the other way round
    for name, value in labels.items():
        if isinstance(value, list):
            raise DatasetError(
                f"{folder.name}: {name!r} is a region made of classes {value}.",
                "Regions are not supported; use one integer per class.",
            )
        if isinstance(value, bool) or not isinstance(value, int):
            raise DatasetError(f"{folder.name}: class {name!r} has the id {value!r}.", "Use an integer.")
        if name.casefold() == "background" and value != 0:
            raise DatasetError(f"{folder.name}: background has the id {value}.", "Background is always 0.")
    ignored = [value for name, value in labels.items() if name.casefold() == "ignore"]
    zero = [name for name, value in labels.items() if value == 0 and name.casefold() != "background"]
    if zero:
        raise DatasetError(f"{folder.name}: class {zero[0]!r} has the id 0.", "0 is background; number classes from 1.")
    return LabelScheme.from_names(dict(labels)), ignored[0] if ignored else IGNORE_ID


Found = dict[str, tuple[Path, Path | None, Split]]


class _Teller:
    """Raises the first problem, or tells somebody of each and remembers whose it was."""

    def __init__(self, on_problem: OnProblem | None, refused: set[str]) -> None:
        self._on_problem, self.refused = on_problem, refused

    def of_one(self, name: str, error: DatasetError) -> None:
        """A problem with one case or file."""
        if self._on_problem is None:
            raise error
        self.refused.add(name)
        self._on_problem(name, error)

    def of_all(self, names: list[str], error: Callable[[list[str]], DatasetError]) -> None:
        """The same problem with several; raised, they are named together."""
        if names and self._on_problem is None:
            raise error(names)
        for name in names:
            self.of_one(name, error([name]))


def _our_files(folder: Path, described: _Description, tell: _Teller) -> Found:
    """Image, labels and split of each case in our layout."""
    images, labels = _by_stem(folder / "images", tell), _by_stem(folder / "labels", tell)
    both = sorted(set(described.train) & set(described.test))
    tell.of_all(
        both,
        lambda names: DatasetError(
            f"{folder.name} lists {some_of(names)} under train and test.", ("List each case only once.")
        ),
    )
    tell.of_all(
        [n for n in described.train if n in images and n not in labels and n not in both],
        lambda names: DatasetError(
            f"{len(names)} training case(s) of {folder.name} have no label map: {some_of(names)}.",
            "Put them into labels/ with the names of the images, or remove the cases from train.",
        ),
    )
    images = {name: image for name, image in images.items() if name not in tell.refused}
    splits = {**dict.fromkeys(described.train, Split.TRAIN), **dict.fromkeys(described.test, Split.TEST)}
    return {name: (image, labels.get(name), splits.get(name, Split.POOL)) for name, image in images.items()}


def _nnunet_files(folder: Path, described: _Description, tell: _Teller) -> Found:
    """Image, labels and split of each case of an nnU-Net raw folder."""
    if len(described.channel_names) > 1:
        raise DatasetError(
            f"{folder.name} has {len(described.channel_names)} channels.", "Cristae segments images of one channel."
        )
    found: Found = {}
    for part, split in (("Tr", Split.TRAIN), ("Ts", Split.TEST)):
        images = _by_stem(folder / f"images{part}", tell, described.file_ending)
        labels = _by_stem(folder / f"labels{part}", tell, described.file_ending)
        for stem, image in images.items():
            if not stem.endswith(_CHANNEL):
                error = DatasetError(
                    f"{image.parent.name}/{image.name} does not end with {_CHANNEL}.",
                    "nnU-Net images are named CASE_0000.EXTENSION, one file per channel.",
                )
                tell.of_one(stem, error)
                continue
            name = stem.removesuffix(_CHANNEL)
            if split is Split.TRAIN and name not in labels:
                error = DatasetError(
                    f"{folder.name} has no labelsTr/{name}{image.suffix}.", "Add it, or remove the image."
                )
                tell.of_one(name, error)
                continue
            if name in found:
                error = DatasetError(f"{folder.name} has {name} in imagesTr and in imagesTs.", "Keep one of them.")
                tell.of_one(name, error)
                continue
            found[name] = (image, labels.get(name), split if name in labels else Split.POOL)
    return found


def _object_files(folder: Path, nnunet: bool, tell: _Teller) -> dict[str, Path]:
    """Files with the ids of objects, by case."""
    folders = ("objectsTr", "objectsTs") if nnunet else ("objects",)
    return {name: path for part in folders for name, path in _by_stem(folder / part, tell).items()}


def _by_stem(folder: Path, tell: _Teller, ending: str = "") -> dict[str, Path]:
    """The image files of a folder by their stem."""
    found: dict[str, Path] = {}
    require_no_link(folder)
    if not folder.is_dir():
        return found
    for path in sorted(folder.iterdir()):
        if (
            path.name.startswith(".")
            or not path.is_file()
            or not path.name.lower().endswith((*SUFFIXES, ending or ".png"))
        ):
            continue
        stem = path.name.removesuffix(ending) if ending and path.name.endswith(ending) else case_stem(path)
        if stem in found:
            error = DatasetError(
                f"{folder.name}/ has two files for {stem}: {found[stem].name} and {path.name}.", "Keep one of them."
            )
            tell.of_one(stem, error)
            continue
        found[stem] = path
    return found


def _check_known(folder: Path, described: _Description, names: set[str], tell: _Teller) -> None:
    """Refuse names in dataset.json that no image has."""
    sizes = described.pixel_size_nm if isinstance(described.pixel_size_nm, dict) else {}
    for what, listed in (
        ("train", described.train),
        ("test", described.test),
        ("pixel_size_nm", sizes),
        ("groups", described.groups),
        ("cases", described.cases),
    ):
        missing = [name for name in listed if name not in names and name not in tell.refused]
        tell.of_all(missing, lambda absent, what=what: _no_image(folder, what, absent))  # type: ignore[misc]


def _no_image(folder: Path, what: str, names: list[str]) -> DatasetError:
    return DatasetError(
        f"{folder.name}/{DESCRIPTION_FILE} lists {len(names)} case(s) under {what} that have no image: "
        f"{some_of(names)}.",
        "Add the images, or remove the names. Names are file names without extension.",
    )
