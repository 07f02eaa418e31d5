"""Good label files of every kind, small, made here; and what is done with a damaged one."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

import nibabel
import numpy as np
import tifffile
from PIL import Image as PilImage

from benchmarks.fuzz.attempts import Attempt, attempt
from core.datasets.import_check import guessed_source
from core.imaging.placement import Placement
from core.label_scheme import DEFAULT_SCHEME, IGNORE_ID
from core.labels.colors import find_colors
from core.labels.found_colors import proposed_classes
from core.labels.importing import read_label_image, read_masks, read_rgb_labels

_SHAPE: Final = (24, 36)

_PLACE: Final = Placement((0.0, 0.0, 0.0), (0.0, 8e-6, 0.0), (8e-6, 0.0, 0.0))


def seeds() -> dict[str, bytes]:
    """Name with ending, and content; the name begins with how the file is read."""
    labels = np.zeros(_SHAPE, np.uint8)
    labels[2:10, 3:20], labels[12:20, 5:30], labels[20:, 30:] = 1, 3, IGNORE_ID
    mask = labels == 1
    colors = np.array([(0, 0, 0), *(item.rgb() for item in DEFAULT_SCHEME.classes)], np.uint8)
    painted = colors[np.where(labels == IGNORE_ID, 0, labels)]
    opaque = np.dstack([painted, np.where(mask, 255, 0).astype(np.uint8)])
    ids = np.where(mask, 7, np.where(labels == 3, 300, 0)).astype(np.uint16)
    falling = np.repeat(np.arange(255, -1, -1, dtype=np.uint8)[:, None], 3, axis=1)
    return {
        "labels_plain.png": _png(labels),
        "labels_palette.png": _palette(np.where(labels == IGNORE_ID, 0, labels), colors, transparency=0),
        "labels_int32.tif": _tiff(labels.astype(np.int32), compression="zlib"),
        "labels_float.tif": _tiff(labels.astype(np.float32), compression="zstd"),
        "labels_bits.tif": _tiff(mask),
        "labels_place.nii": _nifti(labels),
        "masks_plain.png": _png(mask * np.uint8(255)),
        "masks_alpha.png": _png(np.where(opaque[..., 3:] > 0, opaque, 0)),
        "masks_fiji.tif": _tiff(mask * np.uint8(255), photometric="miniswhite", description="ImageJ=1.54f\n"),
        "masks_falling.png": _palette(mask * np.uint8(255), falling),
        "masks_ids.png": _png(ids),
        "masks_ids.tif": _tiff(ids, compression="lzw"),
        "colours_plain.png": _png(painted),
        "colours_alpha.png": _png(opaque),
        "colours_planar.tif": _tiff(np.moveaxis(painted, -1, 0), photometric="rgb", planarconfig="separate"),
        "colours_codes.png": _png(np.dstack([labels % 6 * 0, labels % 6 * 0, labels % 6])),
        "colours_palette.png": _palette(np.where(labels == IGNORE_ID, 0, labels), colors),
    }


def attempt_labels(path: Path) -> Attempt:
    """Read a label file that may be damaged, in the way that its name begins with. Runs in a guarded process."""
    return attempt(lambda: _read(path))


def _read(path: Path) -> None:
    way = path.name.partition("_")[0]
    if way == "labels":
        read_label_image(path, DEFAULT_SCHEME, _SHAPE, value_map={1: 2, -1: IGNORE_ID}, placement=_PLACE)
    elif way == "masks":
        read_masks({1: path}, DEFAULT_SCHEME, _SHAPE)
    else:
        found = find_colors(path)
        proposed_classes(found, DEFAULT_SCHEME)
        read_rgb_labels(path, DEFAULT_SCHEME, _SHAPE)
    guessed_source([path], DEFAULT_SCHEME)


def _png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    PilImage.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def _palette(indices: np.ndarray, colors: np.ndarray, **options: Any) -> bytes:
    out = io.BytesIO()
    picture = PilImage.fromarray(indices.astype(np.uint8), "L").convert("P")
    picture.putpalette(colors.ravel().tolist())
    picture.putdata(indices.astype(np.uint8).ravel().tolist())
    picture.save(out, "PNG", **options)
    return out.getvalue()


def _tiff(pixels: np.ndarray, **options: Any) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, pixels, **options)
    return out.getvalue()


def _nifti(labels: np.ndarray) -> bytes:
    affine = np.diag([-8e-6, 8e-6, 8e-6, 1.0])
    affine[0, 3] = (labels.shape[1] - 1) * 8e-6
    return bytes(nibabel.Nifti1Image(labels.T[..., None], affine).to_bytes())
