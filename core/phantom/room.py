"""The room that is left inside the cells while organelles are placed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.phantom.fields import GRID_NM, MARGIN_NM, Axis, Float, Frame
from core.phantom.shapes import Blob


class Room:
    """The distance from everything placed so far, on the layout grid.

    Parameters
    ----------
    frame
        The imaged field.
    clearance
        Distance in nm to the cell boundaries on the frame's layout grid; positive inside cells.
    """

    def __init__(self, frame: Frame, clearance: Float) -> None:
        self.frame = frame
        self.clearance = clearance.astype(np.float32)
        self.y, self.x = frame.grid_axes()
        height, width = frame.extent_nm
        self._in_frame = ((self.y >= 0) & (self.y < height))[:, None] & ((self.x >= 0) & (self.x < width))[None, :]

    def free_share(self) -> float:
        """Share of the frame that is still free."""
        return float((self.clearance[self._in_frame] > 0).mean())

    def place(self, blob: Blob, gap_nm: float) -> float | None:
        """Take the room if nothing lies within ``gap_nm``; returns the area inside the frame in nm², or None."""
        area = self.area_if_free(blob, gap_nm)
        if area is not None:
            self.take(blob)
        return area

    def area_if_free(self, blob: Blob, gap_nm: float) -> float | None:
        """The area inside the frame in nm² if nothing lies within ``gap_nm`` of a shape, or None."""
        at, y, x = self._patch(blob, 0.0)
        distance = blob.coordinates(y, x).distance
        covered = distance < 0
        if not covered.any() or self.clearance[at][covered].min() < gap_nm:
            return None
        return float((covered & self._in_frame[at]).sum()) * GRID_NM**2

    def take(self, blob: Blob) -> None:
        """Mark the room of a shape as taken."""
        at, y, x = self._patch(blob, 400.0)
        np.minimum(self.clearance[at], blob.coordinates(y, x).distance, out=self.clearance[at])

    def positions(self, rng: np.random.Generator, weight: Float, count: int, least_nm: float) -> NDArray[np.float64]:
        """Random free positions at least ``least_nm`` from everything, more where ``weight`` is large; (n, 2) in nm."""
        chance = np.where(self.clearance > least_nm, weight, 0).astype(np.float64).ravel()
        total = np.cumsum(chance)
        if total[-1] <= 0:
            return np.zeros((0, 2))
        index = np.searchsorted(total, rng.random(count) * total[-1], side="right").clip(0, len(total) - 1)
        rows, cols = np.unravel_index(index, self.clearance.shape)
        return np.column_stack([self.y[rows], self.x[cols]]) + rng.uniform(-0.5, 0.5, (count, 2)) * GRID_NM

    def _patch(self, blob: Blob, pad_nm: float) -> tuple[tuple[slice, slice], Axis, Axis]:
        """The part of the grid that a shape touches: index, row positions, column positions."""
        low, high = blob.bounds(pad_nm)
        first = np.floor((low + MARGIN_NM) / GRID_NM).astype(int)
        last = np.ceil((high + MARGIN_NM) / GRID_NM).astype(int) + 1
        rows = slice(max(0, int(first[0])), max(0, int(last[0])))
        cols = slice(max(0, int(first[1])), max(0, int(last[1])))
        return (rows, cols), self.y[rows], self.x[cols]
