"""What a sample sheet says: a table that people keep in a spreadsheet, with a row per image or per specimen.

Cells are separated by commas, semicolons or tabs; the first row names the columns, as labs do: "Mouse ID" is a
specimen, "treatment" a condition.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.datasets.case import Split
from core.datasets.image_facts import FACTS
from core.errors import DatasetError, ImageError
from core.imaging.lengths import parse_pixel_size_nm
from core.imaging.reader import SUFFIXES, case_stem
from core.wording import some_of

COLUMNS: Final = ("image", *FACTS, "split", "stack", "pixel_size_nm", "image_id")
"""Of the sheet as it is written; the last one tells images of one name apart."""

MAX_BYTES: Final = 1_000_000
"""Some ten thousand rows; what is larger is no sample sheet."""

_ALSO: Final[dict[str, str]] = {
    **dict.fromkeys(("image", "images", "imagename", "name", "file", "filename", "filepath", "path"), "image"),
    **{head: name for name, fact in FACTS.items() for head in (name.replace("_", ""), *fact.heads)},
    "split": "split",
    "stack": "stack",
    "imageid": "image_id",
    **dict.fromkeys(("pixelsizenm", "pixelsize", "nmperpixel", "nmpx"), "pixel_size_nm"),
}  # fmt: skip
"""Heads of columns, in small letters and digits alone, to what they mean."""

_FIELDS: Final = COLUMNS[1:-1]

_GUARDED: Final = ("'=", "'+", "'-", "'@")
"""How our own files begin a cell that a spreadsheet would else run; the apostrophe is no part of it."""


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
    unclear
        Names that several images have: it is not known which is meant, so nothing is said of them.
    ignored
        Heads of columns that mean nothing here.
    """

    said: Mapping[str, Mapping[str, str]]
    strays: tuple[str, ...]
    unclear: tuple[str, ...]
    ignored: tuple[str, ...]


def read_facts(text: str | bytes, images: Mapping[str, Names]) -> SheetFacts:
    """Read a sheet and find the images that it speaks of.

    An image is found by its key, where the sheet has a column image_id; else by its name, with or without folder and
    the ending of its file, whatever the case of the letters; else all planes of the stack of that name are meant.
    Without a column of images it says something of the images of each specimen.

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
    unclear: dict[str, None] = {}
    find = _finder(images, by)
    for number, cells in rows:
        if any(cells[len(heads) :]):
            raise DatasetError(
                f"Row {number} has {len(cells)} cells, and the first row has {len(heads)}.",
                "Name every column; put cells that contain a separator in quotes.",
            )
        row = {name: cell for name, cell in zip(meant, cells, strict=False) if name and cell}
        key, name = row.pop("image_id", ""), row.pop(by, "")
        if not (name or key) or not row:
            continue
        found = [key] if key in images else find(name)
        if not found:
            strays[name or key] = None
        if len(found) > 1 and by == "image" and not _one_stack(found, images):
            unclear[name] = None
            continue
        for each in found:
            _say(said.setdefault(each, {}), row, number, name or key)
    ignored = tuple(head for head, each in zip(heads, meant, strict=True) if each is None and head)
    return SheetFacts(said, tuple(strays), tuple(unclear), ignored)


def read_sheet(path: Path) -> bytes:
    """The content of a sample sheet; of a file that is too large to be one no more than shows that.

    Raises
    ------
    DatasetError
        It is no file, or may not be read.
    """
    try:
        if not path.is_file():
            raise DatasetError(f"{path} cannot be read: there is no such file.", "Choose a sample sheet (.csv).")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}.", "Choose a sample sheet (.csv).") from error


def _one_stack(keys: Sequence[str], images: Mapping[str, Names]) -> bool:
    """Whether these are planes of one stack."""
    stacks = {images[key].stack for key in keys}
    return len(stacks) == 1 and "" not in stacks


def nm_of(cell: str, row: int = 0) -> float:
    """A pixel size in nm, as `core.imaging.lengths.parse_pixel_size_nm` reads it.

    Raises
    ------
    DatasetError
        It is none that a micrograph can have, or not clear; the error names the row.
    """
    try:
        return parse_pixel_size_nm(cell)
    except ImageError as error:
        raise DatasetError(f"Row {row}, pixel size {cell!r}: {error.cause}", error.remedy) from error


def _named_by(heads: list[str], meant: list[str | None]) -> str:
    """Which column says what is spoken of."""
    twice = [name for name, count in Counter(each for each in meant if each).items() if count > 1]
    if twice:
        same = ", ".join(repr(head) for head, each in zip(heads, meant, strict=True) if each == twice[0])
        raise DatasetError(f"The columns {same} both contain the {twice[0]}.", "Keep one of them.")
    by = "image" if {"image", "image_id"} & set(meant) else "specimen"
    if not {by, "image_id"} & set(meant) or not [each for each in meant if each in _FIELDS and each != by]:
        raise DatasetError(
            f"The first row is {some_of(heads, 6)}.",
            f"It must contain a column image (or specimen) and at least one of: {', '.join(_FIELDS)}.",
        )
    return by


def _read(text: str | bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Heads, and rows with their number as a spreadsheet counts them."""
    if len(text) > MAX_BYTES:
        raise DatasetError(
            f"The table has more than {MAX_BYTES:,} bytes.", "Keep one row per image and the columns named here."
        )
    content = _decoded(text) if isinstance(text, bytes) else text
    content = unicodedata.normalize("NFC", content.lstrip("\ufeff"))
    if "\0" in content or content.startswith("PK\x03\x04"):
        raise DatasetError(
            "This is not a text table.", "Save the sheet as CSV (in Excel: Save as > CSV UTF-8), or paste its cells."
        )
    declaration, _, rest = content.partition("\n")
    of_excel = re.fullmatch(r"\s*sep=(.)\s*", declaration)  # a line that Excel reads and nobody sees
    first = next((line for line in content.splitlines() if line.strip()), "")
    separator = of_excel.group(1) if of_excel else max("\t;,", key=first.count)
    lines = io.StringIO(rest if of_excel else content, newline="")
    try:
        rows = list(csv.reader(lines, delimiter=separator, strict=True))
    except csv.Error as error:
        raise DatasetError(f"The table cannot be read: {error}.", "Look for an unclosed quotation mark.") from error
    numbered = [(number, [_plain(cell) for cell in row]) for number, row in enumerate(rows, start=1 + bool(of_excel))]
    filled = [(number, row) for number, row in numbered if any(row)]
    if not filled:
        raise DatasetError("The table is empty.", "Paste the cells including the first row with column names.")
    return filled[0][1], filled[1:]


def _plain(cell: str) -> str:
    """A cell without spaces around it, and without the apostrophe that our own files put before signs."""
    cell = cell.strip()
    return cell[1:] if cell.startswith(_GUARDED) else cell


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
        known = (names.image, _stem(names.image), names.stack) if by == "image" else (names.specimen,)
        for way, name in zip(ways, known, strict=False):
            if name:
                way.setdefault(name.casefold(), []).append(key)

    def find(name: str) -> list[str]:
        bare = re.split(r"[/\\]", name)[-1]
        tried = (name, bare, _stem(bare)) if by == "image" else (name,)
        return next((way[each.casefold()] for way in ways for each in tried if each.casefold() in way), [])

    return find


def _stem(name: str) -> str:
    """A name without the ending of an image's file; "M1_0.5" has none."""
    return case_stem(Path(name)) if name.lower().endswith(SUFFIXES) else name


def _say(said: dict[str, str], row: Mapping[str, str], number: int, name: str) -> None:
    """Take over what a row says of an image."""
    for each, cell in row.items():
        value = cell.casefold() if each == "split" else cell
        if said.setdefault(each, value) != value:
            raise DatasetError(
                f"{name} has two values of {each}: {said[each]!r} and {value!r} (row {number}).", f"Keep one {each}."
            )
        if each == "split" and value not in tuple(Split):
            raise DatasetError(f"There is no split {value!r} (row {number}).", f"Use one of {', '.join(Split)}.")
        if each == "pixel_size_nm":
            nm_of(value, number)
