"""Files that are not read, recognised so that the message can say what they are."""

from __future__ import annotations

from typing import Final

_MAGICS: Final = (
    (0, b"GIF8", "a GIF"),
    (0, b"BM", "a BMP"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"%PDF", "a PDF"),
    (8, b"WEBP", "a WebP"),
    (4, b"ftyp", "a HEIF, AVIF or video file"),
    (0, b"\x00\x00\x00\x0cjP  ", "a JPEG 2000"),
    (0, b"\xffO\xffQ", "a JPEG 2000"),
    (128, b"DICM", "a DICOM file"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"7z\xbc\xaf", "a 7-Zip archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"\x00\x00\x00\x03\x00\x00", "a Gatan DM3 file"),
    (0, b"\x00\x00\x00\x04\x00\x00\x00\x00", "a Gatan DM4 file"),
    (0, b"\x97\x01", "an FEI SER file"),
    (0, b"ZISRAWFILE", "a Zeiss CZI file"),
    (0, b"p\x00\x00\x00", "a Leica LIF file"),
    (0, b"\xd0\xcf\x11\xe0", "an old Office or Zeiss ZVI file"),
    (0, b"gimp xcf", "a GIMP file"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"\x93NUMPY", "a NumPy file"),
)
"""Position, bytes, what they mean."""


def describe(head: bytes) -> str:
    """What a file that no reader knows seems to be, as in "it looks like a GIF".

    Examples
    --------
    >>> describe(b"row,column,area")
    'a text file'
    >>> describe(bytes([7, 0, 9]))
    'something unknown'
    """
    for at, magic, what in _MAGICS:
        if head[at : at + len(magic)] == magic:
            return what
    try:
        text = head[: len(head) // 4 * 4 or None].decode("utf-8")
    except UnicodeDecodeError as error:
        text = head[: error.start].decode("utf-8") if error.start > len(head) - 8 else "\0"
    return "a text file" if all(c.isprintable() or c in "\r\n\t\f\ufeff" for c in text) else "something unknown"
