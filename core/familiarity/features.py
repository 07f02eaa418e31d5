"""Numbers that describe a small window of an image as the network sees it, and what the network says about it."""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np
from numpy.typing import NDArray

WINDOW_PX: Final = 128
"""Side of a window at the model's pixel size: wide enough for a power spectrum, small enough to have many."""

LEAST_WINDOW_PX: Final = 48
"""Smaller images are not judged: their spectra say nothing."""

MOST_WINDOWS: Final = 16
"""Per image: bounds the time that they take, whatever the size of the image."""

UNSURE: Final = 0.75
"""A pixel whose winning class is less probable than this counts as unsure."""

_BANDS: Final = (64.0, 32.0, 16.0, 8.0, 4.0, 2.0)
"""Limits of the bands of the power spectrum: wavelengths in pixels."""

_FLOOR: Final = 1e-6
"""Least power and contrast, so that even grey has a logarithm."""

IMAGE_FEATURES: Final = (
    "brightness", "contrast", "skewness", "tails", "gradient",
    *(f"band {high:g}-{low:g} px" for low, high in itertools.pairwise(_BANDS)),
    "fine skewness", "fine tails",
)  # fmt: skip
"""What `image_features` gives, in its order."""

OUTPUT_FEATURES: Final = ("confidence", "unsure", "energy", "margin", "edges")
"""What `output_features` gives before the shares of background and the classes."""


def image_features(window_yx: NDArray[np.float32]) -> NDArray[np.float64]:
    """Grey values, contrast and detail of a window.

    Parameters
    ----------
    window_yx
        Normalised grey values at the model's pixel size, float32, `LEAST_WINDOW_PX` or more along each axis.

    Returns
    -------
    NDArray
        float64, one value for each of `IMAGE_FEATURES`, finite for finite input.
    """
    grey = np.asarray(window_yx, np.float64)
    mean, spread = grey.mean(), grey.std()
    centred = grey - mean
    down, across = np.diff(grey, axis=0), np.diff(grey, axis=1)
    gradient = np.sqrt((down**2).mean() + (across**2).mean())
    fine = _fine(centred)
    return np.array([
        np.clip(mean, -8, 8), _log(spread), *_shape(centred, spread), _log(gradient), *_band_powers(centred),
        *_shape(fine, fine.std()),
    ])  # fmt: skip


def _log(value: float) -> float:
    """Logarithm to the base 10 of something positive."""
    return float(np.log10(max(value, _FLOOR)))


def _shape(centred: NDArray[np.float64], spread: float) -> tuple[float, float]:
    """Robust skewness, and how heavy the tails are, of values around 0."""
    if spread < _FLOOR:
        return 0.0, 0.0
    scaled = np.clip(centred / spread, -4, 4)
    return float((scaled**3).mean()), float(np.log10((scaled**4).mean() + _FLOOR))


def _fine(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is left without everything wider than about eight pixels: the sign of membranes and granules."""
    size = 8
    total = np.cumsum(np.cumsum(np.pad(centred, ((1, 0), (1, 0))), axis=0), axis=1)
    mean = (total[size:, size:] - total[:-size, size:] - total[size:, :-size] + total[:-size, :-size]) / size**2
    half = size // 2
    return centred[half : half + mean.shape[0], half : half + mean.shape[1]] - mean


def _band_powers(centred: NDArray[np.float64]) -> list[float]:
    """Logarithms of the power in each band of wavelengths."""
    rows, columns = centred.shape
    taper = np.outer(np.hanning(rows), np.hanning(columns))
    power = np.abs(np.fft.rfft2(centred * taper)) ** 2 / (taper**2).sum() / centred.size
    frequency = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None])
    place = np.digitize(frequency.ravel(), [1 / wave for wave in _BANDS[:-1]])
    sums = np.bincount(place, power.ravel(), len(_BANDS))
    return [float(np.log10(value + _FLOOR)) for value in sums[1:]]


def output_features(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """How sure the network is in a window, how often its classes change, and what it finds.

    Parameters
    ----------
    scores
        Logits, float32 (class, row, column); background first.

    Returns
    -------
    NDArray
        float64: `OUTPUT_FEATURES`, then the square root of the share of background and of each class.
    """
    classes = len(scores)
    ordered = np.partition(scores, -2, axis=0)[-2:] if classes > 1 else np.stack([scores[0], scores[0]])
    best, second = ordered[1], ordered[0]
    total = np.exp(scores - best).sum(axis=0, dtype=np.float64)
    winner = scores.argmax(axis=0)
    confidence = 1 / total
    edges = ((winner[1:] != winner[:-1]).mean() + (winner[:, 1:] != winner[:, :-1]).mean()) / 2
    shares = np.bincount(winner.ravel(), minlength=classes) / winner.size
    return np.array([
        confidence.mean(), (confidence < UNSURE).mean(), np.clip((best + np.log(total)).mean(), -50, 50),
        np.clip((best - second).mean(), 0, 50), np.sqrt(edges), *np.sqrt(shares),
    ])  # fmt: skip


def window_starts(length: int) -> tuple[int, list[int]]:
    """Side and first pixels of windows along an axis, spread evenly over it; at most the root of `MOST_WINDOWS`."""
    side = min(length, WINDOW_PX)
    half = max(side // 2, 1)  # windows may overlap by half, so that small images have more than one, too
    count = min(round(MOST_WINDOWS**0.5), 1 + (length - side) // half)
    return side, [round(start) for start in np.linspace(0, length - side, count)]
