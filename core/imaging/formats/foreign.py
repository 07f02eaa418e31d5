"""Files that are not read, recognised so that the message can say what they are and how to go on."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_BIO_FORMATS: Final = (
    "Open it in Fiji with File > Import > Bio-Formats and save it as TIFF there; the pixel size is kept."
)
_FIJI: Final = "Open it in Fiji and save it as TIFF there."
_AMIRA: Final = "Export it from Amira or Avizo as TIFF, or open it in Fiji and save it as TIFF there."
_TIA: Final = "Export it from TIA as TIFF, or open it in Fiji with File > Import > Bio-Formats and save it as TIFF."
_GATAN: Final = (
    "Save it as TIFF from DigitalMicrograph, or open it in Fiji with File > Import > Bio-Formats and save it as TIFF."
)
_VELOX: Final = "Export it from Velox as TIFF, or convert it with HyperSpy."
_HDF5: Final = "Export the dataset that holds the image as TIFF, in ilastik or with Fiji's HDF5 plugin."
_UNPACK: Final = "Unpack it and choose the image inside."
_RECORDER: Final = "Export it as TIFF from the program that wrote it."
_NUMPY: Final = "Save the array as TIFF, for example with tifffile.imwrite."


@dataclass(frozen=True, slots=True)
class Foreign:
    """A file of another kind.

    Parameters
    ----------
    what
        What it seems to be, with its article: "a Gatan DM3 file".
    way_out
        How it becomes a file that is read; empty where nobody knows.
    """

    what: str
    way_out: str = ""


_MAGICS: Final = (
    (0, b"GIF8", "a GIF", _FIJI),
    (0, b"BM", "a BMP", _FIJI),
    (0, b"PK\x03\x04", "a ZIP archive", _UNPACK),
    (0, b"%PDF", "a PDF", "Obtain the original micrograph: images in PDFs are often scaled and compressed."),
    (8, b"WEBP", "a WebP", _RECORDER),
    (4, b"ftyp", "a HEIF, AVIF or video file", _RECORDER),
    (0, b"\xffO\xffQ", "a JPEG 2000", _BIO_FORMATS),
    (128, b"DICM", "a DICOM file", _FIJI),
    (0, b"Rar!", "a RAR archive", _UNPACK),
    (0, b"7z\xbc\xaf", "a 7-Zip archive", _UNPACK),
    (0, b"\x1f\x8b", "a gzip archive", _UNPACK),
    (0, b"BZh", "a bzip2 archive", _UNPACK),
    (0, b"\xfd7zXZ", "an xz archive", _UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard archive", _UNPACK),
    (0, b"II\x97\x01", "an FEI SER file", _TIA),
    (0, b"JL", "an FEI EMI file (TIA)", _TIA),
    (0, b"# AmiraMesh", "an Amira mesh file", _AMIRA),
    (0, b"# Avizo", "an Avizo file", _AMIRA),
    (0, b"# HyperSurface", "an Amira surface", _AMIRA),
    (0, b"# HyperMesh", "an Amira mesh file", _AMIRA),
    (0, b"ZISRAWFILE", "a Zeiss CZI file", _BIO_FORMATS),
    (0, b"\xda\xce\xbe\n", "a Nikon ND2 file", _BIO_FORMATS),
    (0, b"OLYMPUSRAWFORMAT", "an Olympus OIR file", _BIO_FORMATS),
    (0, b"\xd0\xcf\x11\xe0", "a Zeiss ZVI, Olympus OIB, Zeiss TXRM or old Office file", _BIO_FORMATS),
    (0, b"NRRD", "an NRRD file", _FIJI),
    (0, b"# vtk", "a VTK file", _RECORDER),
    (0, b"ObjectType", "a MetaImage file", _FIJI),
    (0, b"NDims", "a MetaImage file", _FIJI),
    (0, b"SIMPLE  =", "a FITS file", _FIJI),
    (0, b"GWYP", "a Gwyddion file", "Export it from Gwyddion as TIFF."),
    (0, b"v/1\x01", "an OpenEXR file", _RECORDER),
    (0, b"gimp xcf", "a GIMP file", "Export it from GIMP as TIFF or PNG."),
    (0, b"8BPS", "a Photoshop file", "Export it from Photoshop as TIFF or PNG, flattened."),
    (0, b"\x93NUMPY", "a NumPy file", _NUMPY),
    (0, b"MATLAB 5", "a MATLAB file", "Save the image in MATLAB with imwrite, as TIFF."),
    (0, b"SQLite format 3", "an SQLite database", _RECORDER),
)
"""Position, bytes, what they mean, the way out."""

_HDF5_MAGIC: Final = b"\x89HDF\r\n\x1a\n"
_HDF5_ENDINGS: Final = {
    ".emd": ("an EMD file (HDF5)", _VELOX),
    ".ims": ("an Imaris file (HDF5)", _BIO_FORMATS),
    ".dm5": ("a Gatan DM5 file (HDF5)", "Save it as TIFF from DigitalMicrograph."),
    ".mat": ("a MATLAB file (HDF5)", "Save the image in MATLAB with imwrite, as TIFF."),
    ".h5oina": ("an Oxford Instruments file (HDF5)", _RECORDER),
}
_JPEG_2000: Final = b"\x00\x00\x00\x0cjP  "
_LIF_MARK_AT: Final = 8
_DELTAVISION: Final = (96, (b"\xa0\xc0", b"\xc0\xa0"))
_PORTABLE: Final = (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6")


def describe(head: bytes, name: str = "") -> Foreign:
    """What a file that no reader knows seems to be, as in "it looks like a GIF", and the way out.

    Parameters
    ----------
    head
        Its first bytes, 4 KiB of them at most.
    name
        Its name; the ending tells kinds of HDF5 from each other.

    Examples
    --------
    >>> describe(b"row,column,area").what
    'a text file'
    >>> describe(bytes([7, 0, 9])).what
    'an unknown format'
    >>> describe(struct.pack(">3i", 3, 8_000_000, 1)).what
    'a Gatan DM3 file'
    """
    found = _by_structure(head, Path(name).suffix.lower())
    if found is not None:
        return found
    for at, magic, what, way_out in _MAGICS:
        if head[at : at + len(magic)] == magic:
            return Foreign(what, way_out)
    if head[:2] in _PORTABLE and head[2:3].isspace():
        return Foreign("a portable bitmap (PBM, PGM, PPM)", _FIJI)
    return Foreign("a text file" if _is_text(head) else "an unknown format")


def _by_structure(head: bytes, ending: str) -> Foreign | None:
    """Kinds that a word at a place is not enough for."""
    version = struct.unpack(">i", head[:4])[0] if len(head) >= 4 else 0
    order_at = {3: 8, 4: 12}.get(version)  # DM3 has a length of 4 bytes, DM4 one of 8, then the byte order, 0 or 1
    if order_at and head[order_at : order_at + 4] in (bytes(4), b"\0\0\0\1"):
        return Foreign(f"a Gatan DM{version} file", _GATAN)
    if head.startswith(_HDF5_MAGIC):
        return Foreign(*_HDF5_ENDINGS.get(ending, ("an HDF5 file", _HDF5)))
    if head.startswith(_JPEG_2000):
        return Foreign("a Nikon ND2 file" if ending == ".nd2" else "a JPEG 2000", _BIO_FORMATS)
    if head[:4] == b"p\0\0\0" and head[_LIF_MARK_AT : _LIF_MARK_AT + 1] == b"*":
        return Foreign("a Leica LIF file", _BIO_FORMATS)
    at, words = _DELTAVISION
    if len(head) >= 1024 and head[at : at + 2] in words:
        return Foreign("a DeltaVision file", _BIO_FORMATS)
    return None


def _is_text(head: bytes) -> bool:
    """Whether it can be read as UTF-8 by people."""
    try:
        text = head[: len(head) // 4 * 4 or None].decode("utf-8")
    except UnicodeDecodeError as error:
        text = head[: error.start].decode("utf-8") if error.start > len(head) - 8 else "\0"
    return all(c.isprintable() or c in "\r\n\t\f\ufeff" for c in text)
