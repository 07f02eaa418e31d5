"""Whether an image of an import can be used, what its labels are, and what a person has to say about them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.datasets.import_case import ImportCase, refuse_links
from core.errors import (
    CristaeError,
    ImageError,
    LabelMapError,
    Refusal,
    UnclearMaskError,
    UnclearObjectsError,
    UnknownColorsError,
)
from core.imaging.formats.source import Channels
from core.imaging.image import PixelSize
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
from core.labels.polarity import DOUBT
from core.labels.reading import LabelReading, LabelSource, unmatched_masks, with_objects
from core.labels.report import LabelImport
from core.outside.boundary import file_boundary

_MOST_VALUES: Final = 32
"""Different values of a label image, from which on they may be ids of objects."""


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
