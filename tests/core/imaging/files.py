"""Image files made in memory for the tests of this folder."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import mrcfile
import nibabel
import numpy as np
import tifffile
from PIL import Image as PilImage

GREY = np.random.default_rng(0).integers(0, 256, (60, 90), np.uint8)


def pil(pixels: np.ndarray, kind: str, mode: str | None = None, **options: Any) -> bytes:
    out = io.BytesIO()
    picture = PilImage.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(out, kind, **options)
    return out.getvalue()


def png(pixels: np.ndarray) -> bytes:
    return bytes(imagecodecs.png_encode(pixels))


def tiff(pixels: np.ndarray, **options: Any) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, pixels, **{"photometric": "minisblack", **options})
    return out.getvalue()


def mrc(folder: Path, pixels: np.ndarray, angstrom: float | None = None) -> bytes:
    path = folder / "made.mrc"
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(pixels)
        if angstrom is not None:
            file.voxel_size = angstrom
    content = path.read_bytes()
    path.unlink()
    return content


def nifti(pixels_xyz: np.ndarray, zooms: tuple[float, ...] = (1, 1, 1), unit: str = "unknown") -> bytes:
    image = nibabel.Nifti1Image(pixels_xyz, np.diag([*zooms, 1.0]))
    image.header.set_xyzt_units(unit)
    return bytes(image.to_bytes())


def png_declaring(columns: int, rows: int, packed: bytes) -> bytes:
    """A PNG whose header says what it likes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def tiff_declaring(columns: int, rows: int, *, compression: int = 1, photometric: int = 1, samples: int = 1) -> bytes:
    """A TIFF of one strip whose header says what it likes; no pixels."""
    tags = {
        256: (4, columns), 257: (4, rows), 258: (3, 8), 259: (3, compression), 262: (3, photometric), 273: (4, 8),
        277: (3, samples), 278: (4, rows), 279: (4, 10),
    }  # fmt: skip
    entries = b"".join(
        struct.pack("<HHI", code, kind, 1) + (struct.pack("<HH", value, 0) if kind == 3 else struct.pack("<I", value))
        for code, (kind, value) in tags.items()
    )
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0)
