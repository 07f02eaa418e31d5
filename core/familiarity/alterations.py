"""Images made foreign: what a verdict must recognise, made of an image that the model knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Alteration = Callable[[NDArray[np.float32], np.random.Generator], NDArray[np.float32]]


def _inverted(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    return np.asarray(image.max() + image.min() - image, np.float32)


def _enlarged(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Half as much field at twice the size: as of another magnification."""
    height, width = (max(length // 2, 1) for length in image.shape)
    part = image[height // 2 : height // 2 + height, width // 2 : width // 2 + width]
    return np.asarray(ndimage.zoom(part, 2, order=1), np.float32)


def _shrunk(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Half the size, four times beside itself mirrored, so that its size stays."""
    even = image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]
    small = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2).mean(axis=(1, 3), dtype=np.float32)
    return np.block([[small, small[:, ::-1]], [small[::-1], small[::-1, ::-1]]])


def _blurred(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    return np.asarray(ndimage.gaussian_filter(image, 4), np.float32)


def _noisy(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    return image + rng.normal(0, float(image.std()) * 1.5, image.shape).astype(np.float32)


def _resin(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Empty embedding: a slow shade with the noise of a camera."""
    shade = ndimage.gaussian_filter(rng.normal(size=image.shape), 40)
    noise = ndimage.gaussian_filter(rng.normal(size=image.shape), 0.7)
    grey = shade / max(shade.std(), 1e-9) + noise / max(noise.std(), 1e-9)
    return np.asarray(image.mean() + 0.2 * image.std() * grey, np.float32)


ALTERATIONS: Final[dict[str, Alteration]] = {
    "inverted": _inverted,
    "enlarged": _enlarged,
    "blurred": _blurred,
    "shrunk": _shrunk,
    "noisy": _noisy,
    "resin": _resin,
}
"""By name, those first that are hardest to recognise by grey values alone."""


def altered(image_yx: NDArray[Any], name: str, seed: int = 0) -> NDArray[np.float32]:
    """An image made foreign.

    Parameters
    ----------
    image_yx
        Grey values of any dtype.
    name
        One of `ALTERATIONS`.
    seed
        Of the noise.

    Returns
    -------
    NDArray
        float32, of about the same shape.
    """
    return ALTERATIONS[name](np.asarray(image_yx, np.float32), np.random.default_rng(seed))
