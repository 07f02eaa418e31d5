"""One image of an import: what belongs to it, whether it can be used, and its labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.datasets.case import Split
from core.datasets.folder import DESCRIPTION_FILE
from core.datasets.image_facts import ImageFacts, facts_of, read_facts_of
from core.errors import (
    CristaeError,
    DatasetError,
    ImageError,
    LabelMapError,
    Refusal,
    UnclearMaskError,
    UnclearObjectsError,
    UnknownColorsError,
)
from core.imaging.formats.source import Channels
from core.imaging.image import PixelSize, PixelSizeSource
from core.imaging.image_content import content_hash
from core.imaging.placement import Placement
from core.imaging.reader import open_micrograph
from core.imaging.row_bands import value_counts
from core.label_scheme import IGNORE_ID, LabelScheme
from core.labels.bands import opened_labels
from core.labels.found_colors import color_of
from core.labels.importing import STRAY_SHARE
from core.labels.masks import match_masks
from core.labels.planes import equal_channels
from core.labels.polarity import DOUBT, Foreground
from core.labels.reading import LabelReading, LabelSource, unmatched_masks, with_objects
from core.labels.report import LabelImport
from core.outside.boundary import file_boundary
from core.outside.links import require_no_link

PREDICTED_BY_CHARS: Final = 100
"""As long as the name of any other program that made predictions."""


_MOST_VALUES: Final = 32
"""Different values of a label image, from which on they may be ids of objects."""


@dataclass(frozen=True, slots=True)
class ImportCase(ImageFacts):
    """One image of an import and what belongs to it; nothing is opened yet.

    Parameters
    ----------
    name
        What the image shall be called.
    image_path, label_paths
        Files; no label path for an image without labels.
    class_ids
        For masks in folders named by class: the class of each label path. Empty: classes are found by file name.
    source
        How the labels are given; None: found out from the files (`guessed_source`).
    values
        For label images: pairs of value in the file and class id; empty: values are ids.
    exact_values
        Whether a pixel with another value than these refuses the file, as where a dataset.json says them; otherwise a
        few pass for soft edges.
    colors
        For labels by colour: pairs of colour (0xrrggbb) and class id; empty: the project's colours.
    foreground
        For masks that leave it open: whether the object is light or dark; None: as each file suggests.
    foregrounds
        The same for single masks, where they differ: pairs of place in ``label_paths`` and answer.
    objects_path
        Ids of the objects of the label map in ``label_paths``; None: it has none.
    split, stack, z_index
        Its place in the project.
    known_place
        Stack and z come from where the image was exported, not from its name: planes that look the same all stay.
    predicted_by
        What made the labels, where no person has confirmed them: they stay a prediction. "": they are a reference.
    pixel_size_nm, pixel_size_source
        Instead of what the image file says: as entered, or as a dataset.json says; None: as the file says.
    """

    name: str
    image_path: Path
    label_paths: tuple[Path, ...] = ()
    class_ids: tuple[int, ...] = ()
    source: LabelSource | None = None
    values: tuple[tuple[int, int], ...] = ()
    exact_values: bool = False
    split: Split = Split.POOL
    stack: str = ""
    z_index: int | None = None
    pixel_size_nm: float | None = None
    pixel_size_source: PixelSizeSource = PixelSizeSource.USER
    known_place: bool = False
    predicted_by: str = ""
    colors: tuple[tuple[int, int], ...] = ()
    foreground: Foreground | None = None
    foregrounds: tuple[tuple[int, Foreground], ...] = ()
    objects_path: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file of the case."""
        return (self.image_path, *self.label_paths, *((self.objects_path,) if self.objects_path else ()))

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a job's parameters."""
        return {
            "name": self.name,
            "image_path": str(self.image_path),
            "label_paths": [str(path) for path in self.label_paths],
            "class_ids": list(self.class_ids),
            "source": self.source.value if self.source else None,
            "values": [list(pair) for pair in self.values],
            "exact_values": self.exact_values,
            "colors": [list(pair) for pair in self.colors],
            "foreground": self.foreground.value if self.foreground else None,
            "foregrounds": [[place, answer.value] for place, answer in self.foregrounds],
            "split": self.split.value,
            **facts_of(self),
            "stack": self.stack,
            "z_index": self.z_index,
            "pixel_size_nm": self.pixel_size_nm,
            "pixel_size_source": self.pixel_size_source.value,
            "known_place": self.known_place,
            "predicted_by": self.predicted_by,
            "objects_path": str(self.objects_path) if self.objects_path else None,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ImportCase:
        """The inverse of `to_json`.

        Raises
        ------
        DatasetError
            Something is missing or of the wrong kind.
        """
        try:
            size, z_index = value.get("pixel_size_nm"), value.get("z_index")
            return cls(
                name=str(value["name"]),
                image_path=Path(value["image_path"]),
                label_paths=tuple(Path(path) for path in value.get("label_paths", ())),
                class_ids=tuple(int(class_id) for class_id in value.get("class_ids", ())),
                source=LabelSource(value["source"]) if value.get("source") else None,
                values=tuple((int(old), int(new)) for old, new in value.get("values", ())),
                exact_values=bool(value.get("exact_values", False)),
                colors=tuple((int(color), int(new)) for color, new in value.get("colors", ())),
                foreground=Foreground(value["foreground"]) if value.get("foreground") else None,
                foregrounds=tuple((int(place), Foreground(each)) for place, each in value.get("foregrounds", ())),
                split=Split(value.get("split", Split.POOL)),
                **read_facts_of(value),
                stack=str(value.get("stack", "")),
                z_index=None if z_index is None else int(z_index),
                pixel_size_nm=None if size is None else float(size),
                pixel_size_source=PixelSizeSource(value.get("pixel_size_source", PixelSizeSource.USER)),
                known_place=bool(value.get("known_place", False)),
                predicted_by=str(value.get("predicted_by", ""))[:PREDICTED_BY_CHARS],
                objects_path=Path(value["objects_path"]) if value.get("objects_path") else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(f"A case of the import cannot be used: {error!r}.", "Plan the import again.") from error

    def pixel_size(self, of_file: PixelSize) -> PixelSize:
        """The pixel size that counts, with its provenance."""
        if self.pixel_size_nm is None or self.pixel_size_nm == of_file.nm:
            return of_file
        if self.pixel_size_source is PixelSizeSource.FILE:
            return PixelSize(self.pixel_size_nm, PixelSizeSource.FILE, DESCRIPTION_FILE)
        return PixelSize.from_user(self.pixel_size_nm)


class Question(StrEnum):
    """What only a person can say about the labels of a case."""

    FOREGROUND = "foreground"
    """Whether the object of a mask is light or dark."""

    COLORS = "colors"
    """Which colour is which class."""

    OBJECT_CLASS = "object class"
    """Which class the objects with ids are."""


@dataclass(frozen=True, slots=True)
class ImportCheck:
    """What the files of a case hold.

    Parameters
    ----------
    case
        As planned.
    shape_yx, pages
        Of the image; None and 0 where it cannot be read.
    label_shape_yx
        Of the first label file, None without labels or where it cannot be read.
    pixel_size
        With its provenance.
    notes
        What was noticed and what reading the labels will change, one sentence each.
    refusal
        Why the case cannot be imported, None where it can.
    question
        What a person has to say before it can be, None where nothing is open.
    source
        How its labels are given; None without labels, or where they were not looked into.
    content
        `content_hash` of an image of one page, by which a project knows it; "" where its pixels were not looked at.
    doubtful
        Places in the case's ``label_paths`` of masks whose light or dark part may be the object.
    """

    case: ImportCase
    shape_yx: tuple[int, int] | None
    pages: int
    label_shape_yx: tuple[int, int] | None
    pixel_size: PixelSize
    notes: tuple[str, ...] = ()
    refusal: Refusal | None = None
    question: Question | None = None
    source: LabelSource | None = None
    doubtful: tuple[int, ...] = ()
    content: str = ""


def check_import(case: ImportCase, scheme: LabelScheme, *, deep: bool, max_px: int) -> ImportCheck:
    """Open the files of a case.

    Parameters
    ----------
    case
        From `core.datasets.import_plan.plan_import`.
    scheme
        The project's classes.
    deep
        Read the pixels too; otherwise only what the headers say.
    max_px
        Largest image, in pixels.
    """
    shape: tuple[int, int] | None = None
    size = PixelSize()
    pages = 0
    notes: tuple[str, ...] = ()
    label_shape: tuple[int, int] | None = None
    source: LabelSource | None = None
    placement: Placement | None = None
    content = ""
    try:
        refuse_links(case)
        with file_boundary(case.name), open_micrograph(case.image_path, max_px=max_px) as file:
            placement = file.placement
            shape, pages, size, notes = file.shape_yx, file.pages, case.pixel_size(file.pixel_size), file.notices
            if deep and pages == 1 and not (case.known_place and case.stack):  # planes are known by their place too
                content = content_hash(file.read())
        if case.label_paths:
            with file_boundary(case.label_paths[0].name, kind=LabelMapError):
                label_shape = _label_shape(case.label_paths[0])
                _check_labels_fit(case, scheme, pages)
                source = found_source(case, scheme) if deep else case.source
                if label_shape != shape or deep:
                    notes += read_labels(case, scheme, shape, placement).report.sentences
    except CristaeError as error:
        refusal = Refusal.at(case.name, error)
        question = _question(error)
        unclear = doubtful_masks(case, scheme, shape, placement) if shape and question is Question.FOREGROUND else ()
        return ImportCheck(case, shape, pages, label_shape, size, notes, refusal, question, source, unclear, content)
    remarked = any(DOUBT in note for note in notes)
    unclear = doubtful_masks(case, scheme, shape, placement) if remarked else ()
    return ImportCheck(case, shape, pages, label_shape, size, notes, source=source, doubtful=unclear, content=content)


def without_mixed_stacks(checks: Sequence[ImportCheck]) -> tuple[ImportCheck, ...]:
    """The same checks, where images of different shapes are not taken for planes of one stack.

    Numbered names only suggest a stack: ``rat3_9.png`` and ``rat3_10.png`` may be any two images of one animal. Planes
    of a stack have one shape. What an exported dataset says about its stacks stays.
    """
    shapes: dict[str, set[tuple[int, int]]] = {}
    for check in checks:
        if check.case.stack and check.shape_yx and not check.case.known_place:
            shapes.setdefault(check.case.stack, set()).add(check.shape_yx)
    mixed = {stack for stack, found in shapes.items() if len(found) > 1}
    return tuple(
        replace(check, case=replace(check.case, stack="", z_index=None), notes=(*check.notes, _not_a_stack(check.case)))
        if check.case.stack in mixed and not check.case.known_place
        else check
        for check in checks
    )


def _not_a_stack(case: ImportCase) -> str:
    return (
        f"The names of these images look like sections of a stack {case.stack!r}, but the images differ in size, so "
        "they are imported as single images. Enter a stack if they are one."
    )


def doubtful_masks(
    case: ImportCase, scheme: LabelScheme, shape_yx: tuple[int, int], placement: Placement | None = None
) -> tuple[int, ...]:
    """Places in ``label_paths`` of the masks whose light or dark part may be the object, each read on its own."""
    if len(case.label_paths) < 2:
        return (0,)
    found = []
    for place, path in enumerate(case.label_paths):
        ids = case.class_ids[place : place + 1]
        alone = replace(
            case, label_paths=(path,), class_ids=ids, source=LabelSource.MASKS, foreground=None, foregrounds=()
        )
        try:
            notes = read_labels(alone, scheme, shape_yx, placement).report.sentences
        except UnclearMaskError:
            found.append(place)
        except CristaeError:  # another fault of this file is told when all are read
            continue
        else:
            if any(DOUBT in note for note in notes):
                found.append(place)
    return tuple(found)


def _question(error: CristaeError) -> Question | None:
    """What a person could say to make a refused case usable."""
    if isinstance(error, UnclearMaskError):
        return Question.FOREGROUND
    if isinstance(error, UnclearObjectsError):
        return Question.OBJECT_CLASS
    return Question.COLORS if isinstance(error, UnknownColorsError) else None


def refuse_links(case: ImportCase) -> None:
    """Refuse a case with a file that is a link.

    Raises
    ------
    ImageError, LabelMapError
        Names the file.
    """
    require_no_link(case.image_path, ImageError)
    for path in case.paths[1:]:
        require_no_link(path, LabelMapError)


def read_labels(
    case: ImportCase, scheme: LabelScheme, shape_yx: tuple[int, int], placement: Placement | None = None
) -> LabelImport:
    """The label map of a case.

    Parameters
    ----------
    case, scheme
        As for `check_import`.
    shape_yx, placement
        Of the image: rows and columns, and where its header places it.

    Raises
    ------
    LabelMapError
        As for `LabelReading.read`; a file is a link.
    """
    refuse_links(case)
    source = found_source(case, scheme)
    reading = LabelReading(
        source,
        scheme,
        colors={color_of(number): class_id for number, class_id in case.colors} or None,
        values=dict(case.values) or None,
        stray_share=0 if case.exact_values else STRAY_SHARE,
        foreground=case.foreground,
        foregrounds={case.label_paths[place]: answer for place, answer in case.foregrounds},
        only_in_doubt=True,
    )
    if case.class_ids:
        return reading.read_by_class(dict(zip(case.class_ids, case.label_paths, strict=True)), shape_yx, placement)
    labels = reading.read(case.label_paths, shape_yx, placement)
    if case.objects_path is None:
        return labels
    return with_objects(labels, case.objects_path, scheme, placement)


def found_source(case: ImportCase, scheme: LabelScheme) -> LabelSource:
    """How the labels of a case are given: as said, else as its files look.

    Raises
    ------
    LabelMapError
        As `guessed_source`.
    """
    if case.class_ids:
        return LabelSource.OBJECTS if case.source is LabelSource.OBJECTS else LabelSource.MASKS
    return case.source or guessed_source(case.label_paths, scheme)


def guessed_source(paths: Collection[Path], scheme: LabelScheme) -> LabelSource:
    """How labels are given: several files or one named by a class are masks; a colour picture has a colour per class.

    Raises
    ------
    LabelMapError
        A single file cannot be read, or two files fit one class.
    """
    if len(paths) != 1 or match_masks(paths, scheme)[0]:
        return LabelSource.MASKS
    values: set[int] = set()
    palette: NDArray[np.uint8] | None = None
    numbers: set[int] = set()
    with opened_labels(next(iter(paths)), None) as file:
        for _, plane in file.bands():
            if plane.channels in (Channels.RGB, Channels.RGB_ALPHA) and not equal_channels(plane.pixels):
                return LabelSource.RGB
            if plane.channels is Channels.GREY and plane.pixels.dtype.kind in "iu" and not _are_ids(numbers):
                numbers.update(value_counts(plane.pixels)[0].tolist())
            if plane.channels is not Channels.PALETTE:
                continue
            palette = plane.palette
            values.update(value_counts(plane.pixels)[0].tolist())
    if palette is None and _are_ids(numbers):
        return LabelSource.OBJECTS
    found = np.array(sorted(values), np.int64)
    return LabelSource.RGB if _shows_classes(palette, found, scheme) else LabelSource.IMAGE


def _are_ids(numbers: Collection[int]) -> bool:
    """Whether there are more values than classes, or than an 8-bit label map, has: each is an object."""
    return len(numbers) > _MOST_VALUES and (max(numbers) > IGNORE_ID or len(numbers) == max(numbers) + 1)


def _shows_classes(palette: NDArray[np.uint8] | None, found: NDArray[np.int64], scheme: LabelScheme) -> bool:
    """Whether a palette picture has the classes' colours, but numbers that are no classes, or others'."""
    if palette is None or not len(found) or int(found.max()) >= len(palette):
        return False
    known = {(0, 0, 0): 0, **{item.rgb(): item.id for item in scheme.classes}}
    meant = [known.get((int(red), int(green), int(blue))) for red, green, blue in palette[found]]
    return None not in meant and any(meant) and meant != found.tolist()


def _check_labels_fit(case: ImportCase, scheme: LabelScheme, pages: int) -> None:
    """Refuse what names and page counts alone rule out."""
    if pages > 1:
        raise ImageError(
            f"{case.image_path.name} is a stack of {pages} pages, but labels must belong to single images.",
            "Save image and labels section by section (in Fiji: Image > Stacks > Stack to Images), or import the "
            "stack without labels.",
        )
    twice = {class_id for class_id in case.class_ids if case.class_ids.count(class_id) > 1}
    if twice:
        raise LabelMapError(f"{case.name} has several masks of one class.", "Keep only one of them.")
    if not case.class_ids and (len(case.label_paths) > 1 or case.source is LabelSource.MASKS):
        unmatched = match_masks(case.label_paths, scheme)[1]
        if unmatched and case.source in (None, LabelSource.MASKS):
            raise unmatched_masks(unmatched, scheme)


def _label_shape(path: Path) -> tuple[int, int] | None:
    """As the header says; None where it cannot be read, which reading explains."""
    try:
        with open_micrograph(path) as file:
            return file.shape_yx
    except ImageError:
        return None
