"""Smooth random fields and sampling, all in nanometres, so that one tissue can be rendered at any pixel size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.floating[Any]]
"""Values at pixels or grid nodes; float32 unless said otherwise."""

Axis = NDArray[np.floating[Any]]
"""Positions along one axis, in nm."""

MARGIN_NM: Final = 1500.0
"""Tissue known beyond every edge of the frame; objects cut by the edge need it."""

GRID_NM: Final = 32.0
"""Spacing of the grid on which objects are laid out; finer than the thinnest gap kept between two of them."""

_BSPLINE_STD: Final = 0.479
"""Standard deviation of unit white noise on a lattice after cubic B-spline interpolation in 2D, over a whole cell."""


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of pixels with the positions of their centres.

    Parameters
    ----------
    rows, cols
        Where the window lies in the image.
    y, x
        Pixel centres in nm, shapes (rows,) and (cols,).
    """

    rows: slice
    cols: slice
    y: Axis
    x: Axis

    @property
    def at(self) -> tuple[slice, slice]:
        """Index of the window in a full-size array."""
        return self.rows, self.cols


@dataclass(frozen=True, slots=True)
class Frame:
    """The imaged field: so many pixels of so many nanometres."""

    shape_px: tuple[int, int]
    pixel_nm: float

    @property
    def extent_nm(self) -> tuple[float, float]:
        """Height and width."""
        return self.shape_px[0] * self.pixel_nm, self.shape_px[1] * self.pixel_nm

    def whole(self) -> Window:
        """All pixels."""
        return self._window(0, self.shape_px[0], 0, self.shape_px[1])

    def window(self, low_yx: Axis, high_yx: Axis) -> Window | None:
        """The pixels inside a box given in nm, or None where the box misses the frame."""
        start = [max(0, math.floor(v / self.pixel_nm)) for v in low_yx]
        stop = [min(n, math.ceil(v / self.pixel_nm)) for v, n in zip(high_yx, self.shape_px, strict=True)]
        if start[0] >= stop[0] or start[1] >= stop[1]:
            return None
        return self._window(start[0], stop[0], start[1], stop[1])

    def blocks(self, size_nm: float) -> list[Window]:
        """The frame cut into squares of about ``size_nm``."""
        step = max(16, round(size_nm / self.pixel_nm))
        rows, cols = self.shape_px
        return [
            self._window(r, min(r + step, rows), c, min(c + step, cols))
            for r in range(0, rows, step)
            for c in range(0, cols, step)
        ]

    def grid_axes(self) -> tuple[Axis, Axis]:
        """Positions in nm of the layout grid, which reaches `MARGIN_NM` beyond the frame on every side."""
        height, width = self.extent_nm
        rows = math.ceil((height + 2 * MARGIN_NM) / GRID_NM) + 1
        cols = math.ceil((width + 2 * MARGIN_NM) / GRID_NM) + 1
        return np.arange(rows) * GRID_NM - MARGIN_NM, np.arange(cols) * GRID_NM - MARGIN_NM

    def _window(self, r0: int, r1: int, c0: int, c1: int) -> Window:
        y: Axis = (np.arange(r0, r1) + 0.5) * self.pixel_nm
        x: Axis = (np.arange(c0, c1) + 0.5) * self.pixel_nm
        return Window(slice(r0, r1), slice(c0, c1), y, x)


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """Values on a regular lattice that can be read at any position.

    Parameters
    ----------
    grid
        float32, shape (rows, cols); its first node lies at (-`MARGIN_NM`, -`MARGIN_NM`).
    spacing_nm
        Between nodes.
    smooth
        True: cubic B-spline (for noise, never overshoots). False: Catmull-Rom (passes through the values).
    """

    grid: Float
    spacing_nm: float
    smooth: bool = False

    def at(self, y: Axis, x: Axis) -> Float:
        """Values at the crossings of two axes in nm; shape (len(y), len(x))."""
        rows, row_weights = self._taps(y, self.grid.shape[0])
        cols, col_weights = self._taps(x, self.grid.shape[1])
        low, high = rows.min(), rows.max() + 1
        band = self.grid[low:high]
        wide = sum(band[:, cols[k]] * col_weights[k] for k in range(4))
        out = np.zeros((len(y), len(x)), np.float32)
        for k in range(4):
            out += wide[rows[k] - low] * row_weights[k][:, None]
        return out

    def _taps(self, position: Axis, count: int) -> tuple[NDArray[np.intp], Float]:
        """Indices and weights, each of shape (4, n), of the four nodes around every position."""
        u = (position + MARGIN_NM) / self.spacing_nm
        base = np.floor(u).astype(np.intp)
        t = u - base
        index = np.clip(base[None, :] + np.arange(-1, 3)[:, None], 0, count - 1)
        if self.smooth:
            weights = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
            scale = 1 / 6
        else:
            weights = [-(t**3) + 2 * t**2 - t, 3 * t**3 - 5 * t**2 + 2, -3 * t**3 + 4 * t**2 + t, t**3 - t**2]
            scale = 1 / 2
        return index, (np.stack(weights) * scale).astype(np.float32)


def noise(rng: np.random.Generator, frame: Frame, lattice_nm: float) -> Field:
    """Smooth noise of about zero mean and unit variance; features are about twice the lattice in size."""
    height, width = frame.extent_nm
    shape = tuple(math.ceil((v + 2 * MARGIN_NM) / lattice_nm) + 3 for v in (height, width))
    grid = rng.standard_normal(shape, dtype=np.float32) / np.float32(_BSPLINE_STD)
    return Field(grid, lattice_nm, smooth=True)


def texture(rng: np.random.Generator, frame: Frame, lattice_nm: float) -> Float:
    """`noise` at every pixel, averaged over the pixel's area where pixels are larger than the lattice."""
    field = noise(rng, frame, lattice_nm)
    parts = max(1, math.ceil(frame.pixel_nm / lattice_nm - 1e-6))
    rows, cols = frame.shape_px
    fine = Frame((rows * parts, cols * parts), frame.pixel_nm / parts).whole()
    values = field.at(fine.y, fine.x)
    if parts == 1:
        return values
    averaged: Float = values.reshape(rows, parts, cols, parts).mean(axis=(1, 3), dtype=np.float32)
    return averaged


def band(distance: Float, half_nm: float | Float, pixel_nm: float) -> Float:
    """Share of each pixel covered by a straight band of ``half_nm`` to both sides of distance 0; 0 to 1."""
    reach = pixel_nm / 2
    covered = np.minimum(distance + reach, half_nm) - np.maximum(distance - reach, -half_nm)
    share: Float = np.clip(covered / pixel_nm, 0, 1).astype(np.float32)
    return share


def inside(distance: Float, pixel_nm: float, soft_nm: float = 0.0) -> Float:
    """Share of each pixel on the negative side of distance 0; ``soft_nm`` widens the edge. 0 to 1."""
    share: Float = np.clip(0.5 - distance / (pixel_nm + soft_nm), 0, 1).astype(np.float32)
    return share


def ramp(value: Float, low: float, high: float) -> Float:
    """0 below ``low``, 1 above ``high``, a smooth step between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    step: Float = (t * t * (3 - 2 * t)).astype(np.float32)
    return step


def blend(canvas: Float, value: float | Float, weight: Float) -> None:
    """Move ``canvas`` towards ``value`` by ``weight`` (0 to 1), in place."""
    canvas += (value - canvas) * weight
