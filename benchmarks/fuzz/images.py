"""Good images of every format and kind, small, made here; and what is done with a damaged one."""

from __future__ import annotations

import gzip
import io
import struct
from pathlib import Path
from typing import Any

import imagecodecs
import nibabel
import numpy as np
import tifffile
from PIL import Image as PilImage

from benchmarks.fuzz.attempts import Attempt, attempt
from core.imaging.reader import open_micrograph

_MAX_PX = 4_000_000
"""Larger ones are refused: what is looked for are errors, not large images."""


def seeds() -> dict[str, bytes]:
    """Name with ending, and content."""
    grey = np.random.default_rng(7).integers(0, 256, (24, 36), np.uint8)
    color = np.stack([grey, grey[::-1], grey[:, ::-1]], axis=-1)
    stack = np.stack([grey, grey // 2, 255 - grey])
    found = {f"{name}.tif": content for name, content in _tiffs(grey, color, stack).items()}
    found |= {
        "grey.png": bytes(imagecodecs.png_encode(grey)),
        "grey16.png": bytes(imagecodecs.png_encode(grey.astype(np.uint16) * 257)),
        "rgba.png": _pil(np.dstack([color, grey]), "PNG"),
        "palette.png": _pil(grey, "PNG", mode="P", dpi=(96, 96)),
        "bits.png": _pil(grey > 99, "PNG"),
        "grey.jpg": _pil(grey, "JPEG"),
        "cmyk.jpg": _pil(color, "JPEG", mode="CMYK"),
        "bytes.mrc": _mrc(stack.view(np.int8), 0),
        "float.mrc": _mrc(stack.astype(np.float32), 2),
        "half.mrc": _mrc(stack[:, :, :18], 101, columns=36),
        "volume.nii": _nifti(stack.astype(np.int16).T),
        "line.nii": _nifti(grey[None]),
        "packed.nii.gz": gzip.compress(_nifti(stack.T)),
        "second.nii": bytes(nibabel.Nifti2Image(stack.T, np.eye(4)).to_bytes()),
    }
    return found


def attempt_image(path: Path) -> Attempt:
    """Open and read every page of a file that may be damaged. Runs in a guarded process."""
    return attempt(lambda: _read(path))


def _read(path: Path) -> None:
    with open_micrograph(path, max_px=_MAX_PX) as file:
        for page in range(min(file.pages, 5)):
            file.page_name(page)
            file.read(page)
            sum(len(plane.pixels) for _, plane in file.bands(page))
        file.read(file.pages - 1)


def _tiffs(grey: np.ndarray, color: np.ndarray, stack: np.ndarray) -> dict[str, bytes]:
    fei = "[User]\r\nDate=1\r\n[Scan]\r\nPixelWidth=8.5e-009\r\nPixelHeight=8.5e-009\r\n[Image]\r\nResolutionY=20\r\n"
    zeiss = "0\r\n0\r\n0\r\n1.1e-008\r\nAP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = 11.00 nm\r\n"
    made: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
        "plain": (grey, {}),
        "big_endian": (stack.astype(np.uint16), {"byteorder": ">"}),
        "bigtiff": (stack, {"bigtiff": True}),
        "lzw": (grey, {"compression": "lzw", "predictor": True}),
        "zlib_tiles": (stack, {"compression": "zlib", "tile": (16, 16)}),
        "zstd": (grey.astype(np.float32), {"compression": "zstd"}),
        "jpeg": (grey, {"compression": "jpeg"}),
        "packbits": (grey > 99, {"compression": "packbits"}),
        "bits": (grey > 99, {}),
        "palette": (grey, {"photometric": "palette", "colormap": np.arange(768, dtype=np.uint16).reshape(3, 256)}),
        "rgb": (color, {"photometric": "rgb"}),
        "planar": (np.moveaxis(color, -1, 0), {"photometric": "rgb", "planarconfig": "separate"}),
        "white_zero": (grey.astype(np.int16), {"photometric": "miniswhite"}),
        "imagej": (stack, {"imagej": True, "metadata": {"axes": "ZYX", "unit": "nm"}, "resolution": (0.1, 0.1)}),
        "ome": (stack, {"ome": True, "metadata": {"axes": "ZYX", "PhysicalSizeX": 0.008, "PhysicalSizeY": 0.008}}),
        "ome_channels": (np.stack([stack, stack]), {"ome": True, "bigtiff": True, "metadata": {"axes": "CZYX"}}),
        "contiguous": (stack, {"truncate": True}),
        "fei": (grey, {"extratags": [(34682, 2, None, fei, True), (274, 3, 1, 6, True)]}),
        "zeiss": (grey, {"extratags": [(34118, 2, None, zeiss, True)], "resolution": (96, 96)}),
    }
    return {name: _tiff(pixels, **options) for name, (pixels, options) in made.items()}


def _tiff(pixels: np.ndarray, **options: Any) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, pixels, **{"photometric": "minisblack", **options})
    return out.getvalue()


def _pil(pixels: np.ndarray, kind: str, mode: str | None = None, **options: Any) -> bytes:
    out = io.BytesIO()
    picture = PilImage.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(out, kind, **options)
    return out.getvalue()


def _mrc(volume: np.ndarray, mode: int, columns: int = 0) -> bytes:
    sections, rows, width = volume.shape
    columns = columns or width
    head = bytearray(1024)
    head[:16] = struct.pack("<4i", columns, rows, sections, mode)
    head[28:52] = struct.pack("<3i3f", columns, rows, sections, 80.0 * columns, 80.0 * rows, 80.0 * sections)
    head[64:88] = struct.pack("<3i3f", 1, 2, 3, 0, 255, 100)
    head[208:216] = b"MAP DD\0\0"
    return bytes(head) + np.ascontiguousarray(volume).tobytes()


def _nifti(volume: np.ndarray) -> bytes:
    image = nibabel.Nifti1Image(volume, np.diag([8e-6, 8e-6, 8e-6, 1.0]))
    image.header.set_xyzt_units("mm")
    return bytes(image.to_bytes())
