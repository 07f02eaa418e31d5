"""Which compressed TIFF data may have changed values: their first piece says so where the number alone does not."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

HEAD_BYTES: Final = 64 * 1024
"""Of a piece; its header comes first."""


def lossy_name(compression: int, head: bytes, *, integers: bool) -> str:
    """What to call a compression that may have changed values; "" where it cannot have.

    Parameters
    ----------
    compression
        TIFF tag 259.
    head
        The first bytes of the first strip or tile.
    integers
        Whether the pixels are integers.

    Examples
    --------
    >>> lossy_name(7, bytes.fromhex("ffd8ffc0"), integers=True)
    'JPEG'
    >>> lossy_name(5, b"", integers=True)
    ''
    """
    if compression not in _LOSSY:
        return ""
    name, lossless = _LOSSY[compression]
    return "" if lossless(head, integers) else name


def _jpeg_is_lossless(head: bytes, integers: bool) -> bool:
    """Process 14 (lossless JPEG) or JPEG-LS, by the start of frame."""
    at = 2
    while at + 4 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if marker in (0xC3, 0xC7, 0xCB, 0xCF, 0xF7):
            return True
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return False
        at += 2 + int(struct.unpack(">H", head[at + 2 : at + 4])[0])
    return False


def _jpeg2000_is_lossless(head: bytes, integers: bool) -> bool:
    """The reversible 5/3 transform, by the coding style of the main header."""
    at = _codestream_start(head) + 2
    while at >= 2 and at + 4 <= len(head) and head[at] == 0xFF:
        marker, length = head[at + 1], int(struct.unpack(">H", head[at + 2 : at + 4])[0])
        if marker == 0x52:
            return at + 14 <= len(head) and head[at + 13] == 1
        if marker == 0x90 or length < 2:  # tiles begin; or the file is damaged
            return False
        at += 2 + length
    return False


def _codestream_start(head: bytes) -> int:
    """Where JPEG 2000 data begin: at once, or in a box of a JP2 file; -2 where they are not found."""
    if head.startswith(b"\xff\x4f"):
        return 0
    at = 0
    while at + 8 <= len(head):
        length, kind = struct.unpack(">I4s", head[at : at + 8])
        if kind == b"jp2c":
            return at + (16 if length == 1 else 8)
        if length < 8:
            return -2
        at += length
    return -2


def _webp_is_lossless(head: bytes, integers: bool) -> bool:
    """A chunk of lossless pixels, by the list of chunks."""
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return False
    at = 12
    while at + 8 <= len(head):
        kind, length = struct.unpack("<4sI", head[at : at + 8])
        if kind in (b"VP8L", b"VP8 "):
            return bool(kind == b"VP8L")
        at += 8 + length + length % 2
    return False


def _lerc_is_lossless(head: bytes, integers: bool) -> bool:
    """An allowed error of at most half a grey value leaves integers as they are."""
    if not head.startswith(b"Lerc2 "):
        return False
    version = int.from_bytes(head[6:10], "little", signed=True)
    at = 10 + (4 if version >= 3 else 0) + 4 * (7 if version >= 4 else 6)
    if at + 8 > len(head):
        return False
    error = float(struct.unpack("<d", head[at : at + 8])[0])
    return error <= (0.5 if integers else 0.0)


def _never(head: bytes, integers: bool) -> bool:
    return False


_LOSSY: Final[dict[int, tuple[str, Callable[[bytes, bool], bool]]]] = {
    6: ("JPEG", _jpeg_is_lossless),
    7: ("JPEG", _jpeg_is_lossless),
    22610: ("JPEG XR", _never),
    33003: ("JPEG 2000", _jpeg2000_is_lossless),
    33004: ("JPEG 2000", _jpeg2000_is_lossless),
    33005: ("JPEG 2000", _jpeg2000_is_lossless),
    33007: ("JPEG", _jpeg_is_lossless),
    34712: ("JPEG 2000", _jpeg2000_is_lossless),
    34887: ("LERC", _lerc_is_lossless),
    34892: ("JPEG", _jpeg_is_lossless),
    34933: ("PNG", lambda head, integers: True),
    34934: ("JPEG XR", _never),
    50001: ("WebP", _webp_is_lossless),
    50002: ("JPEG XL", _never),
    52546: ("JPEG XL", _never),
}
"""Tag value: name, and how to tell from the first bytes that nothing was changed."""
