"""Grey values as the network expects them: nnU-Net's schemes, computed once on the whole image.

Every scheme is a clip followed by ``(x - offset) / scale``, so nothing but these numbers need be kept: tiles are
normalised as they are cut, and a float copy of the image never exists. Training and prediction both come here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import PredictionError
from core.segmentation.resampling import resample_image

EPSILON: Final = 1e-8
"""Smallest divisor, nnU-Net's: a constant image becomes zeros, not NaN."""

CHUNK_PX: Final = 4_000_000
"""Pixels looked at at a time while measuring, so that temporary float64 arrays stay below 64 MB."""


@dataclass(frozen=True, slots=True)
class Normalization:
    """``(clip(x, low, high) - offset) / scale``.

    Parameters
    ----------
    offset, scale
        Scale is positive.
    low, high
        Clip limits; infinite where nothing is clipped.
    """

    offset: float
    scale: float
    low: float = -math.inf
    high: float = math.inf

    def apply(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """Normalised copy, float32, same shape."""
        values = pixels.astype(np.float32)
        if self.low > -math.inf or self.high < math.inf:
            np.clip(values, self.low, self.high, out=values)
        values -= np.float32(self.offset)
        values /= np.float32(self.scale)
        return values


@dataclass(frozen=True, slots=True)
class NormalizationScheme:
    """How a model wants its images.

    Parameters
    ----------
    name
        Class name from the plans, for example "ZScoreNormalization".
    properties
        The plans' foreground intensity properties of the channel, for "CTNormalization".
    masked
        Whether only tissue counts, and everything else becomes 0: the plans' ``use_mask_for_norm``, which the z-score
        alone knows.
    """

    name: str = "ZScoreNormalization"
    properties: Mapping[str, Any] | None = None
    masked: bool = False

    @classmethod
    def of_plans(cls, plans: Mapping[str, Any], configuration: Mapping[str, Any]) -> NormalizationScheme:
        """That of the one channel, from nnU-Net's plans and the configuration in use, inheritance resolved."""
        name = str(configuration["normalization_schemes"][0])
        wanted = configuration.get("use_mask_for_norm") or [False]
        properties = plans.get("foreground_intensity_properties_per_channel", {}).get("0")
        return cls(name, properties, bool(wanted[0]) and name == "ZScoreNormalization")

    def measure(self, image_yx: NDArray[Any]) -> tuple[Normalization, NDArray[np.bool_] | None]:
        """The numbers for one framed image, and the mask of its tissue; None where nothing is masked.

        Raises
        ------
        PredictionError
            As `measure`.
        """
        mask = tissue_mask(image_yx) if self.masked else None
        return measure(self.name, image_yx, self.properties, mask), mask

    def normalize(self, image_yx: NDArray[Any]) -> NDArray[np.float32]:
        """A whole framed image as the network sees it; see `measure`."""
        normalization, mask = self.measure(image_yx)
        return apply(normalization, image_yx, mask)

    def normalize_resampled(self, image_yx: NDArray[Any], factor: float) -> NDArray[np.float32]:
        """A framed image at another pixel size as the network sees it.

        With a mask it is normalised before it is resampled, as nnU-Net does: resampled grey values blur the edge of
        the tissue into the black around it, so that the mask no longer fits.
        """
        if self.masked:
            return resample_image(self.normalize(image_yx), factor)
        return self.normalize(resample_image(image_yx, factor))


def apply(normalization: Normalization, pixels: NDArray[Any], mask: NDArray[np.bool_] | None) -> NDArray[np.float32]:
    """Normalised copy of an image or a part of it, 0 outside the mask's same part."""
    values = normalization.apply(pixels)
    return values if mask is None else np.where(mask, values, np.float32(0))


def tissue_mask(image_yx: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Non-zero pixels; None where that is everything, or nothing.

    Holes stay holes. nnU-Net fills them in three dimensions, and in a single section every hole is open to both sides:
    its `crop_to_nonzero` fills none in an image of shape (1, 1, rows, columns), which is how it reads 2D images.
    """
    mask: NDArray[np.bool_] = image_yx != 0
    return None if mask.all() or not mask.any() else mask


def measure(
    scheme: str,
    image_yx: NDArray[Any],
    properties: Mapping[str, Any] | None = None,
    mask_yx: NDArray[np.bool_] | None = None,
) -> Normalization:
    """Find the numbers of one of nnU-Net's schemes for one image.

    Parameters
    ----------
    scheme
        Class name from the plans, for example "ZScoreNormalization".
    image_yx
        The whole image, any real dtype, at least one pixel.
    properties
        The plans' foreground intensity properties of the channel, for "CTNormalization".
    mask_yx
        Z-score only these pixels, as plans with ``use_mask_for_norm`` want; None: all.

    Raises
    ------
    PredictionError
        A scheme that nnU-Net does not have, missing properties, or grey values that the scheme cannot take.
    """
    if scheme == "ZScoreNormalization":
        mean, std = _mean_std(image_yx, mask_yx)
        return Normalization(mean, max(std, EPSILON))
    if scheme == "CTNormalization":
        return _fixed_window(properties)
    if scheme == "NoNormalization":
        return Normalization(0.0, 1.0)
    low, high = float(image_yx.min()), float(image_yx.max())
    if scheme == "RescaleTo01Normalization":
        return Normalization(low, max(high - low, EPSILON))
    if scheme == "RGBTo01Normalization":
        if low < 0 or high > 255:
            raise PredictionError(
                f"The image's grey values run from {low:g} to {high:g}, but this model requires 0 to 255.",
                "Convert the image to 8 bits, or choose another model.",
            )
        return Normalization(0.0, 255.0)
    raise PredictionError(
        f"The model normalises images with {scheme!r}, which is not an nnU-Net scheme.",
        "Use a model trained with a standard nnU-Net normalisation.",
    )


def _fixed_window(properties: Mapping[str, Any] | None) -> Normalization:
    """The training set's window and statistics (nnU-Net's CT scheme)."""
    names = ("mean", "std", "percentile_00_5", "percentile_99_5")
    missing = [name for name in names if name not in (properties or {})]
    if properties is None or missing:
        raise PredictionError(
            f"The model's plans lack the intensity properties {', '.join(missing)}.", "Import the model again."
        )
    mean, std, low, high = (float(properties[name]) for name in names)
    return Normalization(mean, max(std, EPSILON), low, high)


def _mean_std(image_yx: NDArray[Any], mask_yx: NDArray[np.bool_] | None) -> tuple[float, float]:
    """Mean and standard deviation in float64, chunk by chunk, two passes."""
    count = image_yx.size if mask_yx is None else int(mask_yx.sum())
    if count == 0:
        return 0.0, 1.0
    mean = sum(float(chunk.sum(dtype=np.float64)) for chunk in _chunks(image_yx, mask_yx)) / count
    squares = sum(float(np.square(chunk.astype(np.float64) - mean).sum()) for chunk in _chunks(image_yx, mask_yx))
    return mean, math.sqrt(squares / count)


def _chunks(image_yx: NDArray[Any], mask_yx: NDArray[np.bool_] | None) -> Iterator[NDArray[Any]]:
    """Bands of rows, masked where there is a mask."""
    rows = max(CHUNK_PX // image_yx.shape[1], 1)
    for start in range(0, image_yx.shape[0], rows):
        band = image_yx[start : start + rows]
        yield band if mask_yx is None else band[mask_yx[start : start + rows]]
