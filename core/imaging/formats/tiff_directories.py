"""The chain of page directories of a TIFF, walked by ourselves before any library follows it.

A chain may bite its own tail, lead out of the file, or declare more than any file can hold; libraries then run on for
hours or fill the memory. Format: TIFF 6.0, section 2, and the BigTIFF proposal.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

from core.errors import ImageError
from core.imaging.formats.source import MAX_PAGES, Request

_VALUE_BYTES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8,
                       18: 8}  # fmt: skip
"""Bytes of one value of each field type; 16 to 18 are BigTIFF's."""

_ESSENTIAL: Final = {256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 320, 322, 323, 324, 325, 338, 339}
"""Tags without which the pixels cannot be found or understood: size, strips, tiles, samples, colours."""

_STRIPS: Final = (273, 279, 324, 325)
_DESCRIPTION: Final = 270

_MOST_STRIPS: Final = 4_000_000
"""Of one page. A 40,000 x 40,000 px image in strips of a row has 40,000, in tiles of 64 px 390,625."""

_MOST_FIELDS: Final = 4_000
"""Of one directory; makers of microscopes write a hundred."""

_LONGEST_DESCRIPTION: Final = 64 * 1024**2
"""Bytes of a description that is read; OME's of 100,000 planes takes some 20 MB."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What a TIFF's chain of directories says.

    Parameters
    ----------
    pages
        Number of directories.
    description
        The first page's, where OME and ImageJ say what the file holds.
    """

    pages: int
    description: str


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where classic TIFF and BigTIFF differ."""

    order: str
    big: bool

    @property
    def count_format(self) -> str:
        """Of the number of fields."""
        return self.order + ("Q" if self.big else "H")

    @property
    def field_format(self) -> str:
        """Tag, type, count, value or its place."""
        return self.order + ("HHQ8s" if self.big else "HHI4s")

    @property
    def place_format(self) -> str:
        """Of an offset into the file."""
        return self.order + ("Q" if self.big else "I")

    def place(self, value: bytes) -> int:
        """An offset."""
        return int(struct.unpack(self.place_format, value)[0])


def walk_directories(request: Request) -> Outline:
    """Follow the chain to its end, reading no pixels.

    Raises
    ------
    ImageError
        The chain is a loop, leads out of the file, or declares too many pages, fields or strips.
    """
    file_bytes = request.file_bytes
    seen: set[int] = set()
    description = ""
    with request.path.open("rb") as file:
        layout, at = _header(file, request)
        while at:
            if at in seen:
                raise ImageError(
                    f"The pages of {request.name} form a loop: page {len(seen):,} leads back to an earlier one.",
                    "The file is damaged or malicious; export it again.",
                )
            if len(seen) >= MAX_PAGES:
                raise ImageError(
                    f"{request.name} declares more than {MAX_PAGES:,} pages.", "Split it into smaller stacks."
                )
            seen.add(at)
            at, found = _directory(file, layout, at, request, file_bytes, want_description=len(seen) == 1)
            description = description or found
    return Outline(len(seen), description)


def truncated(request: Request) -> ImageError:
    """The error of a file whose directories lead beyond its end."""
    return ImageError(
        f"{request.name} is truncated: its content should extend beyond its {request.file_bytes:,} bytes.",
        "The copy or upload was interrupted; copy it again from the microscope computer.",
    )


def _header(file: BinaryIO, request: Request) -> tuple[_Layout, int]:
    """Byte order, kind, and where the first directory is."""
    head = file.read(16).ljust(16, b"\0")
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"+\0", b"\0+")
    layout = _Layout(order, big)
    at = layout.place(head[8:16] if big else head[4:8])
    if at >= request.file_bytes:
        raise truncated(request)
    return layout, at


def _directory(
    file: BinaryIO, layout: _Layout, at: int, request: Request, file_bytes: int, *, want_description: bool
) -> tuple[int, str]:
    """Check one directory; where the next one is (0: nowhere), and the description."""
    field_bytes = struct.calcsize(layout.field_format)
    count_bytes, place_bytes = struct.calcsize(layout.count_format), struct.calcsize(layout.place_format)
    file.seek(at)
    head = file.read(count_bytes)
    if at >= file_bytes or len(head) < count_bytes:
        raise truncated(request)
    fields = int(struct.unpack(layout.count_format, head)[0])
    if fields > _MOST_FIELDS:
        raise ImageError(
            f"A page of {request.name} declares {fields:,} fields, more than any page has.",
            "The file is damaged; copy or export it again.",
        )
    body = file.read(fields * field_bytes)
    behind = file.read(place_bytes)
    if len(body) < fields * field_bytes:
        raise truncated(request)
    description = ""
    for field in struct.iter_unpack(layout.field_format, body):
        _check_field(field, layout, request, file_bytes)
        if want_description and field[0] == _DESCRIPTION:
            description = _text(file, field, layout, file_bytes)
    if len(behind) < place_bytes:  # the last page of a file that ends with its directory and forgets the zero
        return 0, description
    following = layout.place(behind)
    if following >= file_bytes:
        raise truncated(request)
    return following, description


def _check_field(field: tuple[int, int, int, bytes], layout: _Layout, request: Request, file_bytes: int) -> None:
    """Refuse an essential field whose values are outside the file, and more strips than pages have."""
    code, kind, count, value = field
    if code not in _ESSENTIAL:
        return
    if code in _STRIPS and count > _MOST_STRIPS:
        raise ImageError(
            f"A page of {request.name} declares {count:,} strips or tiles, more than any image has.",
            "The file is damaged; copy or export it again.",
        )
    size = _VALUE_BYTES.get(kind, 1) * count
    if size > len(value) and layout.place(value) + size > file_bytes:
        raise truncated(request)


def _text(file: BinaryIO, field: tuple[int, int, int, bytes], layout: _Layout, file_bytes: int) -> str:
    """The value of a text field; nothing where it is not in the file or beyond all reason."""
    _, _, count, value = field
    if count <= len(value):
        return value[:count].rstrip(b"\0").decode("utf-8", "replace")
    at = layout.place(value)
    if count > _LONGEST_DESCRIPTION or at + count > file_bytes:
        return ""
    back = file.tell()
    file.seek(at)
    text = file.read(count).rstrip(b"\0").decode("utf-8", "replace")
    file.seek(back)
    return text
