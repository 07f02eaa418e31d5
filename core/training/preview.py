"""The picture that a training shows of itself: one fixed crop, its reference, and what the model makes of it now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.files import write_bytes

PREVIEW_FOLDER: Final = "preview"

IMAGE_FILE: Final = "image.png"
REFERENCE_FILE: Final = "reference.png"

PREDICTIONS: Final = "epoch-*.png"
"""Named by the epoch; the last in order is the newest."""


@dataclass(frozen=True, slots=True, eq=False)
class PreviewCrop:
    """Arrays of one crop, all of the same shape (rows, columns).

    Parameters
    ----------
    image_yx
        Any number type; its 1st to 99th percentile is shown.
    reference_yx, prediction_yx
        uint8: 0 background, k the k-th class, 255 ignore.
    """

    image_yx: NDArray[np.float32]
    reference_yx: NDArray[np.uint8]
    prediction_yx: NDArray[np.uint8]


def write_preview(work: Path, crop: PreviewCrop | None, epoch: int) -> None:
    """Write the three pictures of an epoch into the work folder; only the newest prediction is kept.

    Raises
    ------
    OSError
        The disk is full.
    """
    if crop is None:
        return
    folder = work / PREVIEW_FOLDER
    folder.mkdir(exist_ok=True)
    low, high = np.percentile(crop.image_yx, (1, 99))
    shown = np.clip((crop.image_yx - low) / max(high - low, 1e-6), 0, 1) * 255
    _write(folder / IMAGE_FILE, shown.astype(np.uint8))
    _write(folder / REFERENCE_FILE, crop.reference_yx)
    newest = folder / f"epoch-{epoch:06d}.png"
    _write(newest, crop.prediction_yx)
    for old in folder.glob(PREDICTIONS):
        if old != newest:
            old.unlink(missing_ok=True)


def _write(path: Path, pixels: NDArray[np.uint8]) -> None:
    import imagecodecs

    write_bytes(path, bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels), level=3)))
