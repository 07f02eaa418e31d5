"""A sample sheet: what a lab knows of its images, as a table that people keep in a spreadsheet.

A row per image says its specimen, condition, split, stack and pixel size; a table without a column of images says the
condition of specimens. Reading changes nothing: `plan_sheet` says what would change, `apply_sheet` does it.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from core.access import Permission, require
from core.curation import cancel_predictions, change_image
from core.errors import DatasetError
from core.imaging.image import PixelSize
from core.imaging.reader import case_stem
from core.store.records import ImageRecord, Split
from core.store.store import Store

COLUMNS: Final = ("image", "specimen", "condition", "split", "stack", "pixel_size_nm")
"""Of the sheet as it is written."""

MAX_BYTES: Final = 1_000_000
"""Some ten thousand rows; what is larger is no sample sheet."""

_ALSO: Final[dict[str, str]] = {
    **dict.fromkeys(("image", "images", "imagename", "name", "file", "filename", "filepath", "path"), "image"),
    **dict.fromkeys(
        ("specimen", "specimens", "specimenid", "animal", "animalid", "mouse", "mouseid", "rat", "donor", "donorid",
         "patient", "patientid", "subject", "subjectid", "individual"),
        "specimen",
    ),
    **dict.fromkeys(("condition", "conditions", "treatment", "group", "genotype", "arm", "diet"), "condition"),
    "split": "split",
    "stack": "stack",
    **dict.fromkeys(("pixelsizenm", "pixelsize", "nmperpixel", "nmpx"), "pixel_size_nm"),
}  # fmt: skip
"""Heads of columns, in small letters and digits alone, to what they mean."""

_FIELDS: Final = COLUMNS[1:]


@dataclass(frozen=True, slots=True)
class SheetChange:
    """What a sheet says of an image that is not so yet.

    Parameters
    ----------
    image
        As it is now.
    fields
        Name of each field to its new value, as `core.curation.change_image` takes them.
    """

    image: ImageRecord
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SheetPlan:
    """What a sheet would change.

    Parameters
    ----------
    changes
        Images that would change, in the order of the images.
    same
        How many images it names that are so already.
    strays
        Names in the sheet that no image (or specimen) has.
    ignored
        Heads of columns that mean nothing here.
    """

    changes: tuple[SheetChange, ...]
    same: int
    strays: tuple[str, ...]
    ignored: tuple[str, ...] = field(default=())


def sheet_of(images: Sequence[ImageRecord]) -> pd.DataFrame:
    """The sheet as it is now, to be filled in and read again."""
    rows = [
        (each.name, each.specimen, each.condition, str(each.split), each.stack, each.pixel_size.nm) for each in images
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def plan_sheet(text: str | bytes, images: Sequence[ImageRecord]) -> SheetPlan:
    """Read a sheet and find the images that it speaks of; empty cells leave things as they are.

    An image is found by its name, with or without the file's ending, whatever the case of the letters; else all planes
    of the stack of that name are meant. Several images of one name are all meant.

    Parameters
    ----------
    text
        Comma, semicolon or tab between cells, as a file or as pasted from a spreadsheet; the first row names columns.
    images
        Of the project.

    Raises
    ------
    DatasetError
        It is no table, names neither images nor specimens, says nothing of them, contradicts itself, or has a split or
        pixel size that there is not.
    """
    heads, rows = _read(text)
    meant = [_ALSO.get(re.sub(r"[^a-z0-9]", "", head.casefold().replace("µ", "u"))) for head in heads]
    twice = [name for name, count in Counter(each for each in meant if each).items() if count > 1]
    if twice:
        same = ", ".join(repr(head) for head, each in zip(heads, meant, strict=True) if each == twice[0])
        raise DatasetError(f"The columns {same} both mean the {twice[0]}.", "Keep one of them.")
    key = "image" if "image" in meant else "specimen"
    if key not in meant or not [each for each in meant if each in _FIELDS and each != key]:
        raise DatasetError(
            f"The first row is {', '.join(heads[:6])}.",
            "It must name a column image (or specimen) and at least one more: specimen, condition, split, stack, "
            "pixel_size_nm.",
        )
    said: dict[str, dict[str, str]] = {}
    strays: dict[str, None] = {}
    find = _finder(images, key)
    by_id = {image.id: image for image in images}
    for number, cells in rows:
        row = {name: cell for name, cell in zip(meant, cells, strict=False) if name and cell}
        name = row.pop(key, "")
        if not name or not row:
            continue
        found = find(name)
        if not found:
            strays[name] = None
        for image in found:
            _say(said.setdefault(image.id, {}), row, number, name)
    changes = [_changed(by_id[image_id], row) for image_id, row in said.items()]
    order = {image.id: place for place, image in enumerate(images)}
    wanted = sorted((each for each in changes if each.fields), key=lambda each: order[each.image.id])
    ignored = tuple(head for head, each in zip(heads, meant, strict=True) if each is None and head)
    return SheetPlan(tuple(wanted), len(changes) - len(wanted), tuple(strays), ignored)


def apply_sheet(store: Store, plan: SheetPlan, *, by: str) -> int:
    """Change the images as planned; predictions under way with another pixel size are cancelled. Returns how many.

    Raises
    ------
    AccessError
        ``by`` may not manage the project; nothing is changed then.
    NotFoundError
        An image was deleted for good meanwhile; those before it are changed.
    """
    for project_id in {change.image.project_id for change in plan.changes}:
        require(store, project_id, by, Permission.MANAGE)
    for change in plan.changes:
        change_image(store, change.image.id, by=by, **change.fields)
    cancel_predictions(store, [each.image.id for each in plan.changes if "pixel_size" in each.fields])
    return len(plan.changes)


def _read(text: str | bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Heads, and rows with their number as a spreadsheet counts them."""
    if len(text) > MAX_BYTES:
        raise DatasetError(f"The table has {len(text):,} bytes.", "Keep one row per image and the columns named here.")
    content = _decoded(text) if isinstance(text, bytes) else text
    content = content.lstrip("\ufeff")
    if "\0" in content or content.startswith("PK"):
        raise DatasetError(
            "This is no table of text.", "Save the sheet as CSV (in Excel: Save as > CSV UTF-8), or paste its cells."
        )
    first = next((line for line in content.splitlines() if line.strip()), "")
    separator = max("\t;,", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(content, newline=""), delimiter=separator))
    except csv.Error as error:
        raise DatasetError(f"The table cannot be read: {error}.", "Save the sheet as CSV again.") from error
    numbered = [(number, [cell.strip() for cell in row]) for number, row in enumerate(rows, start=1) if any(row)]
    if not numbered:
        raise DatasetError("The table is empty.", "Paste the cells with the first row that names the columns.")
    return numbered[0][1], numbered[1:]


def _decoded(content: bytes) -> str:
    """Text as spreadsheets write it: UTF-8, what Excel calls Unicode text, or a Western code page."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _finder(images: Sequence[ImageRecord], key: str) -> Callable[[str], list[ImageRecord]]:
    """From a name in the sheet to the images that it means."""
    ways: list[dict[str, list[ImageRecord]]] = [{} for _ in range(3)]
    for image in images:
        names = (image.name, case_stem(Path(image.name)), image.stack) if key == "image" else (image.specimen,)
        for way, name in zip(ways, names, strict=False):
            if name:
                way.setdefault(name.casefold(), []).append(image)

    def find(name: str) -> list[ImageRecord]:
        bare = re.split(r"[/\\]", name)[-1] if key == "image" else name
        tried = (name, bare, case_stem(Path(bare))) if key == "image" else (name,)
        return next((way[each.casefold()] for way in ways for each in tried if each.casefold() in way), [])

    return find


def _say(said: dict[str, str], row: Mapping[str, str], number: int, name: str) -> None:
    """Take over what a row says of an image."""
    for each, value in row.items():
        if said.setdefault(each, value) != value:
            raise DatasetError(
                f"The table says of {name} both {said[each]!r} and {value!r} (row {number}).", f"Keep one {each}."
            )
        if each == "split" and value.casefold() not in tuple(Split):
            raise DatasetError(f"There is no split {value!r} (row {number}).", f"Write one of {', '.join(Split)}.")
        if each == "pixel_size_nm":
            _nm(value, number)


def _nm(value: str, number: int = 0) -> float:
    """A pixel size, with a decimal point or comma."""
    try:
        nm = float(value.replace(",", "."))
    except ValueError:
        nm = math.nan
    if not 0 < nm < math.inf:
        raise DatasetError(f"{value!r} is no pixel size (row {number}).", "Write it in nm, for example 8 or 4.6.")
    return nm


def _changed(image: ImageRecord, row: Mapping[str, str]) -> SheetChange:
    """What is not so yet."""
    fields: dict[str, Any] = {}
    for name in ("specimen", "condition", "stack"):
        if name in row and row[name] != getattr(image, name):
            fields[name] = row[name]
    if "stack" in fields:
        fields["z_index"] = image.z_index
    if "split" in row and row["split"].casefold() != image.split:
        fields["split"] = Split(row["split"].casefold())
    if "pixel_size_nm" in row and _nm(row["pixel_size_nm"]) != image.pixel_size.nm:
        fields["pixel_size"] = PixelSize.from_user(_nm(row["pixel_size_nm"]))
    return SheetChange(image, fields)
