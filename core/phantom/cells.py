"""Hepatocytes: where they meet, how wide the space between them is, and where bile canaliculi lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.phantom.fields import GRID_NM, Axis, Field, Float, Frame, noise

SPACING_NM: Final = 11_500.0
"""Least distance of two cell centres: hepatocytes are 20 to 25 µm wide, and most sections miss their widest part."""

TIGHT_HALF_NM: Final = 11.0
"""Half the space between two plasma membranes that lie face to face."""

LABEL_PAD_NM: Final = 42.0
"""How far the label of a cell boundary reaches into the cell: annotators draw over both membranes."""

WIDE_SHARE: Final = 0.55
"""Share of the faces that border a widened space (space of Disse) with microvilli."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Cell territories as a bent Voronoi diagram.

    Parameters
    ----------
    sites_yx
        Cell centres in nm, shape (cells, 2).
    wide_nm
        Half the extra width of the space between each two cells, shape (cells, cells), symmetric.
    bend_y, bend_x
        Shift of positions before the nearest centre is looked for, in nm.
    swell
        Relative width of the widened spaces from place to place; zero mean.
    canaliculi
        Row, column, radius in nm of each bile canaliculus, shape (n, 3).
    """

    sites_yx: NDArray[np.float64]
    wide_nm: NDArray[np.float64]
    bend_y: Field
    bend_x: Field
    swell: Field
    canaliculi: NDArray[np.float64]

    def gap(self, y: Axis, x: Axis) -> Float:
        """Distance in nm to the space between cells (negative inside it) at the crossings of two axes."""
        bend_y, bend_x = self.bend_y.at(y, x), self.bend_x.at(y, x)
        yy = y[:, None].astype(np.float32) + bend_y
        xx = x[None, :].astype(np.float32) + bend_x
        swell = np.clip(1 + 0.55 * self.swell.at(y, x), 0.12, 2.2)
        gap = self._between_cells(yy, xx, swell)
        for row, col, radius in self.canaliculi:
            distance = np.hypot(yy - np.float32(row), xx - np.float32(col)) - np.float32(radius) * (0.7 + 0.3 * swell)
            np.minimum(gap, distance, out=gap)
        return gap

    def shade(self, y: Axis, x: Axis, strength: float) -> Float:
        """A value for each cell, the same all over it, within ``strength`` of zero."""
        yy = y[:, None].astype(np.float32) + self.bend_y.at(y, x)
        xx = x[None, :].astype(np.float32) + self.bend_x.at(y, x)
        squares = np.stack([(yy - np.float32(r)) ** 2 + (xx - np.float32(c)) ** 2 for r, c in self.sites_yx])
        # the golden ratio spreads neighbouring numbers evenly
        values = ((np.arange(len(self.sites_yx)) * 0.618034) % 1.0 * 2 - 1) * strength
        shade: Float = values[np.argmin(squares, axis=0)].astype(np.float32)
        return shade

    def _between_cells(self, yy: Float, xx: Float, swell: Float) -> Float:
        """The least, over all other cells, of the distance to the shared face minus half the space there."""
        squares = np.stack([(yy - np.float32(r)) ** 2 + (xx - np.float32(c)) ** 2 for r, c in self.sites_yx])
        own = np.argmin(squares, axis=0)
        gap = np.full(yy.shape, np.inf, np.float32)
        nearest = np.take_along_axis(squares, own[None], axis=0)[0]
        for i in np.unique(own):
            mine = own == i
            best = gap[mine]
            for j in range(len(self.sites_yx)):
                if j == i:
                    continue
                apart = float(np.hypot(*(self.sites_yx[i] - self.sites_yx[j])))
                if apart > 4 * SPACING_NM:
                    continue
                distance = (squares[j][mine] - nearest[mine]) / np.float32(2 * apart)
                half = np.float32(TIGHT_HALF_NM) + np.float32(self.wide_nm[i, j]) * swell[mine]
                np.minimum(best, distance - half, out=best)
            gap[mine] = best
        return gap


def lay_cells(rng: np.random.Generator, frame: Frame, centers_yx: NDArray[np.float64], target: float) -> Cells:
    """Cells around the given centres and more, their spaces scaled towards a share of the frame.

    Parameters
    ----------
    centers_yx
        Centres that must be cells (they hold a nucleus), in nm, shape (n, 2).
    target
        Share of the frame that the class "cell boundaries" should cover; approached where faces are in view.
    """
    sites = _sites(rng, frame, centers_yx)
    bend = [_scaled(noise(rng, frame, 2600.0), 260.0) for _ in range(2)]
    fine = [_scaled(noise(rng, frame, 300.0), 40.0) for _ in range(2)]
    grid_y, grid_x = frame.grid_axes()
    bend_y, bend_x = (
        Field(a.at(grid_y, grid_x) + b.at(grid_y, grid_x), GRID_NM) for a, b in zip(bend, fine, strict=True)
    )
    count = len(sites)
    wide = np.where(rng.random((count, count)) < WIDE_SHARE, rng.uniform(260, 620, (count, count)), 0.0)
    wide = np.triu(wide, 1)
    wide = wide + wide.T
    swell = noise(rng, frame, 900.0)
    bare = Cells(sites, wide, bend_y, bend_x, swell, np.zeros((0, 3)))
    canaliculi = _canaliculi(rng, frame, bare)
    return _scaled_to(Cells(sites, wide, bend_y, bend_x, swell, canaliculi), frame, target)


def _scaled(field: Field, factor: float) -> Field:
    """The field times a factor."""
    return Field(field.grid * np.float32(factor), field.spacing_nm, field.smooth)


def _sites(rng: np.random.Generator, frame: Frame, centers_yx: NDArray[np.float64]) -> NDArray[np.float64]:
    """Random points at least `SPACING_NM` apart, over the frame and a cell's width around it."""
    low = np.full(2, -1.6 * SPACING_NM)
    high = np.array(frame.extent_nm) + 1.6 * SPACING_NM
    sites = [np.asarray(c, np.float64) for c in centers_yx]
    tries = int(40 * np.prod((high - low) / SPACING_NM))
    for candidate in rng.uniform(low, high, (tries, 2)):
        if all(np.hypot(*(candidate - s)) >= SPACING_NM for s in sites):
            sites.append(candidate)
    return np.array(sites)


def _canaliculi(rng: np.random.Generator, frame: Frame, cells: Cells) -> NDArray[np.float64]:
    """Bile canaliculi: round widenings on tight faces, about one in 25 µm of face."""
    height, width = frame.extent_nm
    step = 4 * GRID_NM
    y, x = np.arange(-1000.0, height + 1000, step), np.arange(-1000.0, width + 1000, step)
    tight = Cells(
        cells.sites_yx, np.zeros_like(cells.wide_nm), cells.bend_y, cells.bend_x, cells.swell, cells.canaliculi
    )
    on_face = np.argwhere((tight.gap(y, x) < step / 2) & (cells.gap(y, x) > -2 * TIGHT_HALF_NM))
    expected = len(on_face) * step / 25_000.0
    count = min(rng.poisson(expected), len(on_face))
    picked = on_face[rng.choice(len(on_face), count, replace=False)] if count else np.zeros((0, 2), np.intp)
    rows, cols = y[picked[:, 0]], x[picked[:, 1]]
    shift_y = np.array([cells.bend_y.at(np.array([r]), np.array([c]))[0, 0] for r, c in zip(rows, cols, strict=True)])
    shift_x = np.array([cells.bend_x.at(np.array([r]), np.array([c]))[0, 0] for r, c in zip(rows, cols, strict=True)])
    return np.column_stack([rows + shift_y, cols + shift_x, rng.uniform(350, 750, count)]).reshape(-1, 3)


def _scaled_to(cells: Cells, frame: Frame, target: float) -> Cells:
    """Scale the widened spaces, within what looks right, so that the class covers ``target`` of the frame."""
    height, width = frame.extent_nm
    y = np.arange(GRID_NM, height, 2 * GRID_NM)
    x = np.arange(GRID_NM, width, 2 * GRID_NM)
    low, high = 0.25, 3.2
    for _ in range(7):
        middle = (low + high) / 2
        trial = _widened(cells, middle)
        if float(np.mean(trial.gap(y, x) < LABEL_PAD_NM)) < target:
            low = middle
        else:
            high = middle
    return _widened(cells, (low + high) / 2)


def _widened(cells: Cells, factor: float) -> Cells:
    """The same cells with their widened spaces and canaliculi scaled."""
    canaliculi = cells.canaliculi * np.array([1, 1, min(1.4, factor**0.5)])
    return Cells(cells.sites_yx, cells.wide_nm * factor, cells.bend_y, cells.bend_x, cells.swell, canaliculi)
