"""Rough endoplasmic reticulum: stacks of thin sheets that follow the outlines of mitochondria and nuclei."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import ndimage

from core.phantom.fields import GRID_NM, MARGIN_NM, Axis, Field, Float, Frame, noise
from core.phantom.shapes import Blob

FIRST_NM: Final = 105.0
"""Distance of the innermost sheet from the organelle that it wraps."""

SHEETS: Final = 9
"""Most sheets in a stack."""

CLEAR_NM: Final = 40.0
"""Least distance of a sheet's middle from anything else."""


@dataclass(frozen=True, slots=True, eq=False)
class Reticulum:
    """Sheets as level lines of a potential.

    Parameters
    ----------
    potential
        About the distance in nm to the nearest wrapped organelle, bent.
    slope
        Its gradient, dimensionless, near 1.
    presence
        Three independent noises: where stacks are, and two whose mix, different for each sheet, says where it ends.
    room
        Distance to everything placed, in nm.
    spacing_nm
        From sheet to sheet.
    half_nm
        Half the thickness of a sheet, both membranes included.
    threshold
        Sheets are where presence exceeds it.
    """

    potential: Field
    slope: Field
    presence: tuple[Field, Field, Field]
    room: Field
    spacing_nm: float
    half_nm: float
    threshold: float

    def profile(self, y: Axis, x: Axis) -> tuple[Float, Float]:
        """Distance from the middle of the nearest sheet and the sheet's half thickness there (0: no sheet), in nm."""
        height = (self.potential.at(y, x) - FIRST_NM) / np.float32(self.spacing_nm)
        sheet = np.clip(np.rint(height), 0, SHEETS - 1)
        slope = np.clip(self.slope.at(y, x), 0.35, 2.0)
        distance = (height - sheet) * np.float32(self.spacing_nm) / slope
        angle = sheet * np.float32(0.9)
        first, second, third = (p.at(y, x) for p in self.presence)
        margin = first + 0.55 * np.cos(angle) * second + 0.55 * np.sin(angle) * third - np.float32(self.threshold)
        taper = np.sqrt(np.clip((margin - 0.12) / 0.08, 0, 1))
        free = np.clip((self.room.at(y, x) - np.float32(CLEAR_NM)) / 20, 0, 1)
        swell = np.clip(1 + 0.18 * second, 0.75, 1.7)
        return distance, np.float32(self.half_nm) * taper * free * swell


def lay_reticulum(
    rng: np.random.Generator, frame: Frame, clearance: Float, wrapped: Sequence[Blob], target: float
) -> Reticulum:
    """Sheets around the given shapes that cover ``target`` of the frame.

    Parameters
    ----------
    clearance
        Distance to everything placed on the frame's layout grid, in nm.
    """
    y, x = frame.grid_axes()
    bend = noise(rng, frame, 750.0).at(y, x)
    distance = _distance_to(wrapped, clearance.shape) + 55 * bend * np.clip(clearance / 300, 0, 1)
    distance = ndimage.gaussian_filter(distance, 3.0).astype(np.float32)
    slope_y, slope_x = np.gradient(distance, GRID_NM)
    slope = np.hypot(slope_y, slope_x).astype(np.float32)
    presence = (noise(rng, frame, 1700.0), noise(rng, frame, 520.0), noise(rng, frame, 520.0))
    spacing, half = rng.uniform(125, 175), rng.uniform(30, 38)
    return _scaled_to(
        lambda threshold: Reticulum(
            Field(distance, GRID_NM),
            Field(slope, GRID_NM),
            presence,
            Field(clearance, GRID_NM),
            spacing,
            half,
            threshold,
        ),
        frame,
        target,
    )


def _distance_to(wrapped: Sequence[Blob], shape: tuple[int, ...]) -> Float:
    """Distance in nm from the nearest of the shapes on the layout grid; far away where there is none."""
    outside = np.ones(shape, bool)
    y, x = (np.arange(n) * GRID_NM - MARGIN_NM for n in shape)
    for blob in wrapped:
        low, high = blob.bounds()
        rows, cols = (slice(*np.searchsorted(axis, [a, b])) for axis, a, b in zip((y, x), low, high, strict=True))
        if rows.start < rows.stop and cols.start < cols.stop:
            outside[rows, cols] &= blob.coordinates(y[rows], x[cols]).distance > 0
    if outside.all():
        return np.full(shape, 600.0, np.float32)
    distance: Float = (ndimage.distance_transform_edt(outside) * GRID_NM).astype(np.float32)
    return distance


def _scaled_to(build: Callable[[float], Reticulum], frame: Frame, target: float) -> Reticulum:
    """The threshold at which the sheets cover ``target`` of the frame, found by halving."""
    height, width = frame.extent_nm
    y, x = np.arange(GRID_NM / 2, height, GRID_NM), np.arange(GRID_NM / 2, width, GRID_NM)
    low, high = -1.0, 3.5
    for _ in range(9):
        middle = (low + high) / 2
        distance, half = build(middle).profile(y, x)
        if float(np.mean(np.abs(distance) < half)) > target:
            low = middle
        else:
            high = middle
    return build((low + high) / 2)
