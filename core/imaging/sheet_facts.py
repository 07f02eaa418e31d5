"""What a sample sheet says: a table that people keep in a spreadsheet, with a row per image or per specimen.

Cells are separated by commas, semicolons or tabs; the first row names the columns, as labs do: "Mouse ID" is a
specimen, "treatment" a condition.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import DatasetError
from core.imaging.dataset_case import Split
from core.imaging.reader import case_stem

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
class Names:
    """What a sheet may call an image: its own name, that of its stack, that of its specimen; "" for none."""

    image: str
    stack: str = ""
    specimen: str = ""


@dataclass(frozen=True, slots=True)
class SheetFacts:
    """What a sheet says.

    Parameters
    ----------
    said
        Key of each image that it means to what it says: name of a column, as in `COLUMNS`, to the text of the cell;
        empty cells say nothing. A split is one there is, a pixel size a positive number.
    strays
        Names in the sheet that no image (or specimen) has.
    ignored
        Heads of columns that mean nothing here.
    """

    said: Mapping[str, Mapping[str, str]]
    strays: tuple[str, ...]
    ignored: tuple[str, ...]


def read_facts(text: str | bytes, images: Mapping[str, Names]) -> SheetFacts:
    """Read a sheet and find the images that it speaks of.

    An image is found by its name, with or without the file's ending or folder, whatever the case of the letters; else
    all planes of the stack of that name are meant. Several images of one name are all meant. Without a column of images
    it says something of the images of each specimen.

    Parameters
    ----------
    text
        As a file or as pasted.
    images
        By any key.

    Raises
    ------
    DatasetError
        It is no table, names neither images nor specimens, says nothing of them, contradicts itself, or has a split or
        pixel size that there is not.
    """
    heads, rows = _read(text)
    meant = [_ALSO.get(re.sub(r"[^a-z0-9]", "", head.casefold())) for head in heads]
    by = _named_by(heads, meant)
    said: dict[str, dict[str, str]] = {}
    strays: dict[str, None] = {}
    find = _finder(images, by)
    for number, cells in rows:
        row = {name: cell for name, cell in zip(meant, cells, strict=False) if name and cell}
        name = row.pop(by, "")
        if not name or not row:
            continue
        found = find(name)
        if not found:
            strays[name] = None
        for key in found:
            _say(said.setdefault(key, {}), row, number, name)
    ignored = tuple(head for head, each in zip(heads, meant, strict=True) if each is None and head)
    return SheetFacts(said, tuple(strays), ignored)


def nm_of(cell: str, row: int = 0) -> float:
    """A pixel size in nm, with a decimal point or comma.

    Raises
    ------
    DatasetError
        It is no positive number; the error names the row.
    """
    try:
        nm = float(cell.replace(",", "."))
    except ValueError:
        nm = math.nan
    if not 0 < nm < math.inf:
        raise DatasetError(f"{cell!r} is no pixel size (row {row}).", "Write it in nm, for example 8 or 4.6.")
    return nm


def _named_by(heads: list[str], meant: list[str | None]) -> str:
    """Which column says what is spoken of."""
    twice = [name for name, count in Counter(each for each in meant if each).items() if count > 1]
    if twice:
        same = ", ".join(repr(head) for head, each in zip(heads, meant, strict=True) if each == twice[0])
        raise DatasetError(f"The columns {same} both mean the {twice[0]}.", "Keep one of them.")
    by = "image" if "image" in meant else "specimen"
    if by not in meant or not [each for each in meant if each in _FIELDS and each != by]:
        raise DatasetError(
            f"The first row is {', '.join(heads[:6])}.",
            "It must name a column image (or specimen) and at least one more: specimen, condition, split, stack, "
            "pixel_size_nm.",
        )
    return by


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


def _finder(images: Mapping[str, Names], by: str) -> Callable[[str], list[str]]:
    """From a name in the sheet to the keys of the images that it means."""
    ways: list[dict[str, list[str]]] = [{} for _ in range(3)]
    for key, names in images.items():
        known = (names.image, case_stem(Path(names.image)), names.stack) if by == "image" else (names.specimen,)
        for way, name in zip(ways, known, strict=False):
            if name:
                way.setdefault(name.casefold(), []).append(key)

    def find(name: str) -> list[str]:
        bare = re.split(r"[/\\]", name)[-1]
        tried = (name, bare, case_stem(Path(bare))) if by == "image" else (name,)
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
            nm_of(value, number)
