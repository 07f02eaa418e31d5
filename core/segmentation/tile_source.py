"""Tiles as the network wants them, cut from an image and normalised on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.models.store import StoredModel
from core.segmentation.normalization import Normalization, NormalizationScheme, apply
from core.segmentation.resampling import resample_image
from core.segmentation.tiling import TilePlan, padding, plan_tiles


@dataclass(frozen=True, slots=True)
class Frame:
    """The part of an image that holds anything but zeros: nnU-Net looks at nothing else.

    Parameters
    ----------
    rows, columns
        Half-open ranges in the image's own pixels.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]

    def cut(self, image_yx: NDArray[Any]) -> NDArray[Any]:
        """A view of that part."""
        return image_yx[slice(*self.rows), slice(*self.columns)]


def find_frame(image_yx: NDArray[Any]) -> Frame:
    """Smallest frame around all non-zero pixels; the whole image where there is none."""
    height, width = image_yx.shape
    if image_yx[0].any() and image_yx[-1].any() and image_yx[:, 0].any() and image_yx[:, -1].any():
        return Frame((0, height), (0, width))
    rows, columns = np.flatnonzero(image_yx.any(axis=1)), np.flatnonzero(image_yx.any(axis=0))
    if len(rows) == 0:
        return Frame((0, height), (0, width))
    return Frame((int(rows[0]), int(rows[-1]) + 1), (int(columns[0]), int(columns[-1]) + 1))


class TileSource:
    """Cuts tiles from the framed image, brought to the model's pixel size and padded to hold at least one tile.

    Parameters
    ----------
    image_yx
        The framed image, its own dtype. Only a resampled copy is made, and only where the factor is not 1.
    model
        Whose normalisation and patch size apply.
    factor
        See `core.segmentation.resampling.scale_factor`.
    step
        Of the tiles, as a fraction of their size.

    Raises
    ------
    PredictionError
        The grey values do not suit the model's normalisation, or the step is not above 0 and at most 1.
    """

    def __init__(self, image_yx: NDArray[Any], model: StoredModel, factor: float, step: float) -> None:
        scheme = NormalizationScheme.of_plans(model.plans, model.configuration)
        self._mask: NDArray[np.bool_] | None = None
        if scheme.masked and factor != 1:
            self._image = scheme.normalize_resampled(image_yx, factor)
            self._normalization = Normalization(0.0, 1.0)
        else:
            self._image = resample_image(image_yx, factor)
            self._normalization, self._mask = scheme.measure(self._image)
        self.shape_yx = (self._image.shape[0], self._image.shape[1])
        self.padding = padding(self.shape_yx, model.patch_size_px)
        height, width = (n + sum(pad) for n, pad in zip(self.shape_yx, self.padding, strict=True))
        self.plan: TilePlan = plan_tiles((height, width), model.patch_size_px, step)
        if any(sum(pad) for pad in self.padding):
            self._image = np.pad(self._normalized(slice(None), slice(None)), self.padding)
            self._mask, self._normalization = None, Normalization(0.0, 1.0)

    def tiles(self, numbers: range) -> NDArray[np.float32]:
        """Normalised tiles, float32, (tile, 1, row, column)."""
        height, width = self.plan.tile_yx
        batch = np.empty((len(numbers), 1, height, width), dtype=np.float32)
        for target, number in zip(batch, numbers, strict=True):
            row, column = self.plan.position(number)
            target[0] = self._normalized(slice(row, row + height), slice(column, column + width))
        return batch

    def window(self, row: int, column: int, shape_yx: tuple[int, int]) -> NDArray[np.float32]:
        """A window of the image as the network sees it, float32; row and column count without the padding."""
        (above, _), (before, _) = self.padding
        top, left = row + above, column + before
        return self._normalized(slice(top, top + shape_yx[0]), slice(left, left + shape_yx[1]))

    def _normalized(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        """Part of the image as the network sees it."""
        mask = None if self._mask is None else self._mask[rows, columns]
        return apply(self._normalization, self._image[rows, columns], mask)
