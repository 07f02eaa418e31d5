"""Places that show as many kinds of texture as possible: where to begin before any model can be asked.

Pixels are sorted into kinds by brightness and roughness (k-means). The first place is the window that shows the most
kinds in good measure, each next one adds what those before it lack. Nothing is learned from labels, so it works in any
tissue; how soon it meets every organelle is measured by `benchmarks.annotator.places`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans, vq
from scipy.ndimage import gaussian_filter

from core.annotation.ranking import window_sums
from core.imaging.downsample import halve_mean

MOST: Final = 24
"""Places of one image."""

_KINDS: Final = 12

_SAMPLE: Final = 20_000
"""Pixels that the kinds are found from."""

_CELLS: Final = 64
"""Pixels along a window's edge that suffice: twice as many are halved first."""

_LONGEST: Final = 512
"""Pixels along the image's longer edge that suffice, where windows keep `_FEWEST`."""

_FEWEST: Final = 8

_ENOUGH: Final = 0.02
"""Share of a window from which on more of the same kind counts less and less."""

_STEPS: Final = 4
"""Places of a window along its own edge."""

_APART: Final = 3
"""Windows lie this many steps apart, so that a quarter of their edge overlaps at most."""


def varied_places(
    pixels_yx: NDArray[Any], *, window: int, most: int = MOST, seed: int = 0
) -> tuple[tuple[int, int], ...]:
    """Windows of an image, the richest in kinds of texture first.

    Parameters
    ----------
    pixels_yx
        uint8, uint16 or float32, shape (rows, columns), finite; any brightness and contrast.
    window
        Edge of the window in pixels of the array, 1 or more, not longer than its shorter edge.
    most
        How many at most.
    seed
        Of the pixels that the kinds are found from; the same seed gives the same places.

    Returns
    -------
    tuple
        Row and column of each window's upper left pixel; of two windows, a quarter of the edge overlaps at most. One
        at least.
    """
    kinds_yx, scale = _kinds(pixels_yx, window, np.random.default_rng(seed))
    edge = max(min(window // scale, *kinds_yx.shape), 1)
    step = max(edge // _STEPS, 1)
    shares = _shares(kinds_yx, edge, step)
    rows, columns = np.indices(shares.shape[:2])
    free = np.ones(shares.shape[:2], bool)
    shown = np.zeros(shares.shape[2])
    last_row, last_column = pixels_yx.shape[0] - window, pixels_yx.shape[1] - window
    found: list[tuple[int, int]] = []
    while len(found) < most and free.any():
        worth = np.log1p((shown + shares) / _ENOUGH).sum(axis=2)
        row, column = np.unravel_index(np.where(free, worth, -1).argmax(), free.shape)
        shown += shares[row, column]
        free &= (abs(rows - row) >= _APART) | (abs(columns - column) >= _APART)
        found.append((min(int(row) * step * scale, last_row), min(int(column) * step * scale, last_column)))
    return tuple(found)


def _kinds(pixels_yx: NDArray[Any], window: int, rng: np.random.Generator) -> tuple[NDArray[np.intp], int]:
    """The kind of texture of each pixel of a smaller image, and how much smaller that is."""
    wide = pixels_yx.astype(np.float64)
    low, middle, high = np.percentile(wide, (5, 50, 95))
    image = ((wide - middle) / (max(high - low, np.ptp(wide) / 100) or 1)).astype(np.float32)
    rough = abs(image - gaussian_filter(image, 2))
    scale = 1
    while (few := window // (scale * 2)) >= _CELLS or (few >= _FEWEST and max(image.shape) > _LONGEST):
        image, rough, scale = halve_mean(image), halve_mean(rough), scale * 2
    unit = window / scale / _CELLS
    fine, coarse = gaussian_filter(image, unit), gaussian_filter(image, 4 * unit)
    detail = np.log(gaussian_filter(abs(fine - coarse), 2 * unit) + 0.01)
    features = (fine, coarse, gaussian_filter(rough, 2 * unit), detail)
    table = np.stack([feature.ravel() for feature in features], axis=1).astype(np.float64)
    table = (table - table.mean(axis=0)) / (table.std(axis=0) + 1e-6)
    sample = table[rng.choice(len(table), min(_SAMPLE, len(table)), replace=False)]
    centres, _ = kmeans(sample, _first_centres(sample, rng), check_finite=False)
    kinds, _ = vq(table, centres, check_finite=False)
    return kinds.reshape(image.shape), scale


def _first_centres(sample: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Up to `_KINDS` pixels that differ, as k-means++ draws them (Arthur, Vassilvitskii 2007)."""
    centres = [sample[rng.integers(len(sample))]]
    away = ((sample - centres[0]) ** 2).sum(axis=1)
    while len(centres) < _KINDS and away.max() > 1e-9:
        centres.append(sample[rng.choice(len(sample), p=away / away.sum())])
        away = np.minimum(away, ((sample - centres[-1]) ** 2).sum(axis=1))
    return np.stack(centres)


def _shares(kinds_yx: NDArray[np.intp], edge: int, step: int) -> NDArray[np.float64]:
    """Share of each kind in each window, shape (rows of windows, columns of windows, kinds)."""
    masks = ((kinds_yx == kind).astype(np.float32) for kind in range(int(kinds_yx.max()) + 1))
    inside = np.stack([window_sums(mask, edge)[::step, ::step] for mask in masks], axis=2)
    shares: NDArray[np.float64] = inside.astype(np.float64) / edge**2
    return shares
