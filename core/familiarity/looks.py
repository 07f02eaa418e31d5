"""What a model's own images look like, as numbers that are kept with it, and how far another image is from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from core.familiarity.features import IMAGE_FEATURES

LOOKS_VERSION: Final = 1
"""Of the features; statistics of another version say nothing."""

WITHIN_WEIGHT: Final = 2.0
"""The spread within images counts like this many images: few images say little about how much images differ."""

DIAGONAL: Final = 0.05
"""Share of the covariance that is taken from its diagonal: few windows do not show what goes together."""

LEAST_SPREAD: Final = 0.02
"""Standard deviation that every feature has at least: below it, the same specimen differs between two days."""

FEW_IMAGES: Final = 4
"""Fewer images are cut into parts, for leaving one out; then …"""

FEW_FACTOR: Final = 1.5
"""… their own distances count this much more, for parts of an image are more alike than images are."""

OWN_QUANTILE: Final = 0.95
FOREIGN_QUANTILE: Final = 0.1
"""The threshold lies between these quantiles of the distances of own and of altered images."""

MOST_USUAL: Final = 2.0
"""An own image is not farther away than this, whatever leaving one of few images out says: few say too much."""

SOMEWHAT: Final = 0.5
"""How far, on a logarithmic scale, from what is usual to the threshold an image is somewhat different."""

DEFAULT_RATIO: Final = 1.5
"""Threshold over the own quantile where no altered image was measured."""


@dataclass(frozen=True, slots=True, eq=False)
class SampledImage:
    """Features of the windows of one image.

    Parameters
    ----------
    features
        float64 (window, feature): image features, then output features.
    held_out
        Whether the network has not seen it.
    """

    features: NDArray[np.float64]
    held_out: bool = False


@dataclass(frozen=True, slots=True)
class KnownLooks:
    """Statistics of a model's own images.

    Parameters
    ----------
    version
        `LOOKS_VERSION` when they were made; 0: nothing is known.
    mean
        Of each feature over the images.
    covariance
        Of image features, then of output features: rows of the lower triangles.
    own_scores, altered_scores
        Distances of each image from the others, and of altered images, sorted.
    images, held_out
        How many images were measured, and how many of them the network had not seen.
    different, unseen
        From these distances on an image is somewhat different, and probably unlike anything seen.
    """

    version: int = 0
    mean: tuple[float, ...] = ()
    covariance: tuple[tuple[float, ...], ...] = ()
    own_scores: tuple[float, ...] = ()
    altered_scores: tuple[float, ...] = ()
    images: int = 0
    held_out: int = 0
    different: float = 0.0
    unseen: float = 0.0

    @property
    def known(self) -> bool:
        """Whether images can be judged."""
        return self.version == LOOKS_VERSION and bool(self.mean)

    @property
    def own_flagged(self) -> float:
        """Share of the model's own images that would be taken for unseen ones; NaN where none was measured."""
        return float(np.mean(np.array(self.own_scores) >= self.unseen)) if self.own_scores else math.nan

    @property
    def altered_missed(self) -> float:
        """Share of altered images that would not be; NaN where none was measured."""
        return float(np.mean(np.array(self.altered_scores) < self.unseen)) if self.altered_scores else math.nan

    def spread(self) -> NDArray[np.float64]:
        """Standard deviation of each feature, float64."""
        return np.concatenate([np.sqrt(np.diag(matrix)) for matrix in self._matrices()])

    def _matrices(self) -> list[NDArray[np.float64]]:
        sides = (len(IMAGE_FEATURES), len(self.mean) - len(IMAGE_FEATURES))
        return [_full(rows, side) for rows, side in zip(_split(self.covariance, sides), sides, strict=True)]

    def score(self, features: NDArray[np.float64]) -> float:
        """Distance of an image: about 1 for one of the model's own.

        Parameters
        ----------
        features
            float64 (window, feature), at least one window.
        """
        return _distance(features.mean(axis=0), np.array(self.mean), self._matrices())

    @classmethod
    def learned(cls, images: Sequence[SampledImage], altered: Sequence[NDArray[np.float64]]) -> Self:
        """Statistics of a model's own images, with a threshold from leaving each out and from altered images.

        Parameters
        ----------
        images
            The model's own; those without windows count for nothing.
        altered
            Features of altered images.

        Returns
        -------
        KnownLooks
            Nothing known where no image has two windows or more.
        """
        images = [image for image in images if len(image.features) > 1]
        if not images:
            return cls()
        mean, matrices = _statistics(images)
        parts = _parts(images)
        own = sorted(_left_out(parts, number) for number in range(len(parts))) if len(parts) > 1 else []
        few = len(images) < FEW_IMAGES
        own = [round(value * (FEW_FACTOR if few else 1.0), 3) for value in own]
        far = sorted(round(_distance(one.mean(axis=0), mean, matrices), 3) for one in altered if len(one))
        different, unseen = _thresholds(own, far)
        return cls(
            LOOKS_VERSION,
            tuple(float(f"{value:.5g}") for value in mean),
            tuple(row for matrix in matrices for row in _rows(matrix)),
            tuple(own), tuple(far), len(images), sum(image.held_out for image in images), different, unseen,
        )  # fmt: skip


def _thresholds(own: Sequence[float], far: Sequence[float]) -> tuple[float, float]:
    """From where on an image is somewhat different, and unlike what was seen."""
    usual = float(np.clip(np.quantile(own, OWN_QUANTILE), 1.0, MOST_USUAL)) if own else DEFAULT_RATIO
    odd = float(np.quantile(far, FOREIGN_QUANTILE)) if far else usual * DEFAULT_RATIO**2
    unseen = math.sqrt(usual * max(odd, usual * 1.2))
    return round(usual * (unseen / usual) ** SOMEWHAT, 3), round(unseen, 3)


def _parts(images: Sequence[SampledImage]) -> list[SampledImage]:
    """Images to leave out one by one; where there are few, parts of them."""
    if len(images) >= FEW_IMAGES:
        return list(images)
    count = math.ceil(FEW_IMAGES / len(images))
    return [
        SampledImage(part, image.held_out)
        for image in images
        for part in np.array_split(image.features, min(count, max(len(image.features) // 2, 1)))
    ]


def _left_out(parts: Sequence[SampledImage], number: int) -> float:
    """Distance of one image from the others."""
    rest = [part for place, part in enumerate(parts) if place != number]
    return _distance(parts[number].features.mean(axis=0), *_statistics(rest))


def _statistics(images: Sequence[SampledImage]) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """Mean, and the covariances of image and output features.

    What the network says is centred on images that it has not seen, where there are any: it is surer of the others.
    """
    means = np.array([image.features.mean(axis=0) for image in images])
    mean = means.mean(axis=0)
    unseen = np.array([image.held_out for image in images])
    if unseen.any():
        mean[len(IMAGE_FEATURES) :] = means[unseen, len(IMAGE_FEATURES) :].mean(axis=0)
    within = np.concatenate([image.features - own for image, own in zip(images, means, strict=True)])
    spread = within.T @ within / max(len(within) - len(images), 1)
    centred = means - mean
    between = centred.T @ centred / max(len(images) - 1, 1)
    total = (between * len(images) + spread * WITHIN_WEIGHT) / (len(images) + WITHIN_WEIGHT)
    first = len(IMAGE_FEATURES)
    return mean, [_loaded(total[:first, :first]), _loaded(total[first:, first:])]


def _loaded(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shrunk to its diagonal, and nowhere narrower than the least spread."""
    diagonal = np.diag(np.diag(covariance))
    return (1 - DIAGONAL) * covariance + DIAGONAL * diagonal + np.eye(len(covariance)) * LEAST_SPREAD**2


def _distance(at: NDArray[np.float64], mean: NDArray[np.float64], matrices: Sequence[NDArray[np.float64]]) -> float:
    """Root of the mean of the two squared Mahalanobis distances, each over its number of features."""
    total, first = 0.0, 0
    for matrix in matrices:
        apart = (at - mean)[first : first + len(matrix)]
        total += float(apart @ np.linalg.solve(matrix, apart)) / len(matrix)
        first += len(matrix)
    return math.sqrt(total / len(matrices))


def _rows(matrix: NDArray[np.float64]) -> list[tuple[float, ...]]:
    """Lower triangle, six digits."""
    return [tuple(float(f"{value:.6g}") for value in row[: place + 1]) for place, row in enumerate(matrix)]


def _split(
    rows: Sequence[tuple[float, ...]], sides: tuple[int, int]
) -> tuple[Sequence[tuple[float, ...]], Sequence[tuple[float, ...]]]:
    return rows[: sides[0]], rows[sides[0] :]


def _full(rows: Sequence[tuple[float, ...]], side: int) -> NDArray[np.float64]:
    """A symmetric matrix from its lower triangle."""
    matrix = np.zeros((side, side))
    for place, row in enumerate(rows):
        matrix[place, : place + 1] = matrix[: place + 1, place] = row
    return matrix
