"""Calibrated confidence: one temperature by which scores are divided, so that stated and real accuracy agree.

Guo et al. 2017, "On Calibration of Modern Neural Networks". The winning class of a pixel never changes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

LOWEST: Final = 0.25
HIGHEST: Final = 8.0
"""Temperatures that are tried lie between these."""

LEAST_PIXELS: Final = 2000
"""Fewer labelled pixels fit no temperature."""

MOST_PIXELS: Final = 60_000
"""More are thinned out evenly."""

_BINS: Final = 15
_STEPS: Final = 40
"""Of the golden-section search: far beyond what is printed."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a model's confidence is calibrated.

    Parameters
    ----------
    temperature
        Scores are divided by it before the softmax; 1: as the network gives them. Above 0.
    error_before, error_after
        Expected calibration error on pixels that the temperature was not fitted on; None: not measured.
    pixels
        Labelled pixels that it was fitted on, of images or parts that were not trained on.
    """

    temperature: float = 1.0
    error_before: float | None = None
    error_after: float | None = None
    pixels: int = 0

    @property
    def sentence(self) -> str:
        """For people: whether the confidence is calibrated, and what that changes."""
        if self.error_before is None or self.error_after is None:
            return "Confidence is not calibrated: too few labelled pixels beside the training."
        errors = f"expected calibration error {self.error_before:.3f}, calibrated {self.error_after:.3f}"
        if self.temperature == 1:
            return f"Confidence needs no calibration ({errors.split(',')[0]})."
        return f"Confidence is calibrated with a temperature of {self.temperature:.2f} ({errors})."

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ValueError(f"temperature {self.temperature} is not above 0")


def fitted(groups: Sequence[tuple[NDArray[np.float32], NDArray[np.integer]]]) -> Calibration:
    """The temperature with the least negative log-likelihood, and what it is worth on pixels beside those.

    Parameters
    ----------
    groups
        Scores, float32 (pixel, class), and the index of the true class of each pixel; one pair for each window. Each
        second window tests what was fitted on the others, and the other way round; the temperature kept is of all.

    Returns
    -------
    Calibration
        Temperature 1 where there are fewer than `LEAST_PIXELS` pixels, or where it does not help on the test pixels.
    """
    kept = [pair for pair in groups if len(pair[1])]
    total = sum(len(truth) for _, truth in kept)
    if total < LEAST_PIXELS or len(kept) < 2:
        return Calibration()
    stride = max(total // MOST_PIXELS, 1)
    halves = [_joined(kept[start::2], stride) for start in (0, 1)]
    before, after = [], []
    for half, other in ((0, 1), (1, 0)):
        temperature = _best(*halves[half])
        before.append(calibration_error(*halves[other], 1.0))
        after.append(calibration_error(*halves[other], temperature))
    error_before, error_after = round(float(np.mean(before)), 4), round(float(np.mean(after)), 4)
    if error_after >= error_before:
        return Calibration(1.0, error_before, error_before, total)
    return Calibration(round(_best(*_joined(kept, stride)), 3), error_before, error_after, total)


def calibration_error(scores: NDArray[np.float32], truth: NDArray[np.integer], temperature: float) -> float:
    """Expected calibration error of the winner's probability over 15 equal bins, 0 to 1."""
    confidence = np.exp(-_minus_log(scores, scores.argmax(axis=1), temperature))
    right = scores.argmax(axis=1) == truth
    place = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    apart = np.bincount(place, right, _BINS) - np.bincount(place, confidence, _BINS)
    return float(np.abs(apart).sum() / len(truth))


def _joined(
    pairs: Sequence[tuple[NDArray[np.float32], NDArray[np.integer]]], stride: int
) -> tuple[NDArray[np.float32], NDArray[np.integer]]:
    return np.concatenate([pair[0][::stride] for pair in pairs]), np.concatenate([pair[1][::stride] for pair in pairs])


def _minus_log(scores: NDArray[np.float32], chosen: NDArray[np.integer], temperature: float) -> NDArray[np.float64]:
    """Minus the logarithm of the probability of the chosen class of each pixel."""
    scaled = scores.astype(np.float64) / temperature
    best = scaled.max(axis=1)
    return np.asarray(
        np.log(np.exp(scaled - best[:, None]).sum(axis=1)) + best - scaled[np.arange(len(scaled)), chosen]
    )


def _best(scores: NDArray[np.float32], truth: NDArray[np.integer]) -> float:
    """Golden-section search over the logarithm of the temperature."""
    low, high, ratio = math.log(LOWEST), math.log(HIGHEST), (math.sqrt(5) - 1) / 2
    for _ in range(_STEPS):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if _minus_log(scores, truth, math.exp(left)).sum() <= _minus_log(scores, truth, math.exp(right)).sum():
            high = right
        else:
            low = left
        if high - low < 1e-3:
            break
    return math.exp((low + high) / 2)
