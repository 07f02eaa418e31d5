"""Closed shapes around a curved spine: mitochondria, droplets, nuclei and small bodies alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.phantom.fields import Axis, Float, Frame, Window


@dataclass(frozen=True, slots=True, eq=False)
class SpineCoordinates:
    """Positions relative to a shape, each float32 of the window's shape, in nm.

    Parameters
    ----------
    distance
        To the outline: negative inside.
    along
        Along the spine.
    across
        From the spine, signed.
    """

    distance: Float
    along: Float
    across: Float


@dataclass(frozen=True, slots=True, eq=False)
class Blob:
    """A spine with a radius at each of its points and a wavy outline.

    Parameters
    ----------
    spine_yx
        Shape (points, 2), in nm. One point makes a disc.
    radius_nm
        Shape (points,).
    waves
        Shape (waves, 4): amplitude in nm, wave number in 1/nm, phase of the row and of the column shift.
    """

    spine_yx: NDArray[np.float64]
    radius_nm: NDArray[np.float64]
    waves: NDArray[np.float64]

    def bounds(self, pad_nm: float = 0.0) -> tuple[Axis, Axis]:
        """Lower and upper corner of a box that holds the shape."""
        reach = float(self.radius_nm.max() + np.abs(self.waves[:, 0]).sum() + pad_nm)
        return self.spine_yx.min(axis=0) - reach, self.spine_yx.max(axis=0) + reach

    def window(self, frame: Frame, pad_nm: float = 40.0) -> Window | None:
        """The pixels that the shape can touch."""
        return frame.window(*self.bounds(pad_nm))

    def moved(self, by_yx: NDArray[np.float64]) -> Blob:
        """The same spine elsewhere, in nm; the outline keeps its waves relative to the spine's first point."""
        return Blob(self.spine_yx + by_yx, self.radius_nm, self.waves)

    def depth_in(self, other: Blob, step_nm: float = 24.0) -> float:
        """How far the two shapes reach into each other, in nm: negative where they are apart."""
        low, high = (
            edge(*ends)
            for edge, ends in zip(
                (np.maximum, np.minimum), zip(self.bounds(), other.bounds(), strict=True), strict=True
            )
        )
        if (high - low < step_nm).any():
            return -float("inf")
        y, x = (np.arange(first, last, step_nm) for first, last in zip(low, high, strict=True))
        return -float(np.maximum(self.coordinates(y, x).distance, other.coordinates(y, x).distance).min())

    def overlaps(self, other: Blob) -> bool:
        """Whether the two shapes share room."""
        return self.depth_in(other) > 0

    def coordinates(self, y: Axis, x: Axis) -> SpineCoordinates:
        """Where the crossings of two axes (nm) lie relative to the shape."""
        yy, xx = self._shaken(y, x)
        if len(self.spine_yx) == 1:
            dy, dx = yy - np.float32(self.spine_yx[0, 0]), xx - np.float32(self.spine_yx[0, 1])
            return SpineCoordinates(np.sqrt(dy * dy + dx * dx) - np.float32(self.radius_nm[0]), dy, dx)
        best = np.full(yy.shape, np.inf, np.float32)
        along, across = np.zeros_like(best), np.zeros_like(best)
        start = 0.0
        for a, b, ra, rb in zip(
            self.spine_yx[:-1], self.spine_yx[1:], self.radius_nm[:-1], self.radius_nm[1:], strict=True
        ):
            step = b - a
            length = float(np.hypot(*step))
            dy, dx = yy - np.float32(a[0]), xx - np.float32(a[1])
            ty, tx = np.float32(step[0] / length), np.float32(step[1] / length)
            t = dy * ty + dx * tx
            side = dy * tx - dx * ty
            on = np.clip(t, 0, np.float32(length))
            off = t - on
            distance = np.sqrt(off * off + side * side) - np.float32(ra) - on * np.float32((rb - ra) / length)
            closer = distance < best
            np.copyto(best, distance, where=closer)
            np.copyto(along, t + np.float32(start), where=closer)
            np.copyto(across, side, where=closer)
            start += length
        return SpineCoordinates(best, along, across)

    def _shaken(self, y: Axis, x: Axis) -> tuple[Float, Float]:
        """Positions moved by the waves; both of shape (len(y), len(x))."""
        row_shift, col_shift = np.zeros_like(x), np.zeros_like(y)
        for amplitude, number, row_phase, col_phase in self.waves:
            row_shift = row_shift + amplitude * np.sin(number * (x - self.spine_yx[0, 1]) + row_phase)
            col_shift = col_shift + amplitude * np.sin(number * (y - self.spine_yx[0, 0]) + col_phase)
        yy = (y[:, None] + row_shift[None, :]).astype(np.float32)
        xx = (x[None, :] + col_shift[:, None]).astype(np.float32)
        return yy, xx


def disc(rng: np.random.Generator, center_yx: NDArray[np.float64], radius_nm: float, roughness: float = 0.06) -> Blob:
    """A nearly round shape; ``roughness`` is the waviness of its outline relative to the radius."""
    waves = _waves(rng, radius_nm * roughness * 0.6, np.array([1.1, 2.3]) / radius_nm)
    return Blob(center_yx[None, :].astype(np.float64), np.array([radius_nm]), waves)


def sausage(
    rng: np.random.Generator, center_yx: NDArray[np.float64], radius_nm: float, length_nm: float, bend: float
) -> Blob:
    """A rod with round ends.

    Parameters
    ----------
    length_nm
        Of the spine, without the two ends.
    bend
        Total turn of the spine in radians.
    """
    count = 2 + min(5, int(length_nm / radius_nm * 1.5))
    share = np.linspace(-0.5, 0.5, count)
    heading = rng.uniform(0, 2 * np.pi) + bend * share
    step = length_nm / (count - 1)
    spine = np.cumsum(np.stack([np.sin(heading), np.cos(heading)], axis=1) * step, axis=0)
    spine += center_yx - spine.mean(axis=0)
    radius = radius_nm * (1 + rng.uniform(-0.09, 0.09, count))
    waves = _waves(rng, radius_nm * 0.06, np.array([1.0, 2.1]) / radius_nm)
    return Blob(spine, radius, waves)


def _waves(rng: np.random.Generator, amplitude_nm: float, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two waves of random strength and phase."""
    amplitude = amplitude_nm * rng.uniform(0.5, 1.5, len(numbers)) / (1 + np.arange(len(numbers)))
    phases = rng.uniform(0, 2 * np.pi, (len(numbers), 2))
    return np.column_stack([amplitude, numbers * rng.uniform(0.8, 1.2, len(numbers)), phases])
