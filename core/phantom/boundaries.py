"""Drawing cell boundaries: tight clefts, wide spaces with microvilli, the lining of a sinusoid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.phantom.cells import LABEL_PAD_NM
from core.phantom.fields import GRID_NM, Field, Float, Frame, Window, band, blend, inside, noise, ramp
from core.phantom.layout import Part, Tissue, stream
from core.phantom.rendering import BOUNDARIES, Canvas
from core.phantom.shapes import Blob, disc, sausage

VILLUS_STEP_NM: Final = 150.0
"""About the distance between two microvilli."""

LINING_NM: Final = 360.0
"""Depth at which the endothelium runs where a space is wide enough."""


@dataclass(frozen=True, slots=True, eq=False)
class _Grain:
    """Noises that the spaces are drawn with."""

    floccules: Field
    plaques: Field
    pores: Field


def draw_boundaries(canvas: Canvas, tissue: Tissue, seed: int) -> None:
    """Plasma membranes and what lies between them, over everything drawn before."""
    frame = canvas.frame
    rng = stream(seed, Part.DETAIL, 5)
    grain = _Grain(noise(rng, frame, 60.0), noise(rng, frame, 450.0), noise(rng, frame, 130.0))
    lined = bool(rng.random() < 0.6)
    coarse = Field(tissue.cells.gap(*frame.grid_axes()), GRID_NM)
    villi = _villi(frame, coarse, lined, rng)
    for window in frame.blocks(1024.0):
        if coarse.at(window.y[::4], window.x[::4]).min() > 300:
            continue
        gap = tissue.cells.gap(window.y, window.x)
        canvas.labels[window.at][gap < LABEL_PAD_NM] = BOUNDARIES
        _draw_space(canvas, window, np.maximum(gap, -villi[window.at]), gap, grain, lined)


def _draw_space(canvas: Canvas, window: Window, open_: Float, gap: Float, grain: _Grain, lined: bool) -> None:
    """One block: ``open_`` is the distance to the space without its microvilli, ``gap`` with them."""
    look, pixel, at = canvas.look, canvas.pixel_nm, window.at
    density = canvas.density[at]
    villus = inside(gap, pixel) * (1 - inside(open_, pixel))
    blend(density, look.cytosol_density + 0.05 * canvas.fine[at], villus)
    deep = ramp(-gap, 25.0, 90.0)
    stuff = 0.05 * np.clip(grain.floccules.at(window.y, window.x), -1, 2.5) + 0.025 * canvas.fine[at]
    value = look.gap_density + (look.cytosol_density - look.gap_density) * 0.55 * (1 - deep) + stuff * (0.4 + deep)
    blend(density, value, inside(open_, pixel))
    plaque = ramp(grain.plaques.at(window.y, window.x), 1.2, 1.6)
    blend(density, 0.62, ramp(-gap, -60.0, -8.0) * (1 - deep) * (0.1 + 0.6 * plaque))
    canvas.line(at, open_ - 3, 5.5)
    if lined:
        pores = grain.pores.at(window.y, window.x)
        depth = -gap - LINING_NM - 40 * np.clip(grain.plaques.at(window.y, window.x), -1.5, 1.5)
        half = np.clip(34 + 12 * grain.floccules.at(window.y, window.x), 20, 70) * ramp(1.1 - pores, 0.0, 0.35)
        sheet = np.abs(depth) - half
        drawn = np.clip(half / 15, 0, 1)
        blend(density, look.cytosol_density + 0.06 + 0.05 * canvas.fine[at], inside(sheet, pixel) * drawn)
        blend(density, look.membrane_density, band(sheet + 4, 4.5, pixel) * drawn * 0.85)


def _villi(frame: Frame, coarse: Field, lined: bool, rng: np.random.Generator) -> Float:
    """Distance in nm from the outlines of microvilli (negative inside) at every pixel; far away elsewhere."""
    distance = np.full(frame.shape_px, 1000.0, np.float32)
    height, width = frame.extent_nm
    y, x = (np.arange(0.0, v + VILLUS_STEP_NM, VILLUS_STEP_NM) for v in (height, width))
    shape = (len(y), len(x))
    jitter = rng.uniform(-0.4, 0.4, (*shape, 2)) * VILLUS_STEP_NM
    keep = rng.random(shape)
    gap = coarse.at(y, x)
    near_wall = 1 - ramp(-gap, 120.0, 420.0)
    wanted = (gap < -70) & (keep < 0.15 + 0.6 * near_wall)
    if lined:
        wanted &= gap > 110 - LINING_NM
    for i, j in np.argwhere(wanted):
        at = np.array([y[i], x[j]]) + jitter[i, j]
        blob = _finger(rng, coarse, at) if keep[i, j] < 0.16 and gap[i, j] > -260 else _cut(rng, at)
        window = blob.window(frame, 25.0)
        if window is not None:
            patch = distance[window.at]
            np.minimum(patch, blob.coordinates(window.y, window.x).distance, out=patch)
    return distance


def _cut(rng: np.random.Generator, at_yx: NDArray[np.float64]) -> Blob:
    """A microvillus cut across or askew."""
    radius = float(rng.uniform(34, 58))
    if rng.random() < 0.6:
        return disc(rng, at_yx, radius, 0.3)
    return sausage(rng, at_yx, radius, radius * float(rng.uniform(0.7, 3.0)), float(rng.normal(0, 0.5)))


def _finger(rng: np.random.Generator, coarse: Field, at_yx: NDArray[np.float64]) -> Blob:
    """A microvillus cut along its length, rooted in the wall."""
    probe = np.array([-48.0, 48.0])
    values = coarse.at(at_yx[0] + probe, at_yx[1] + probe)
    uphill = np.array([values[1].sum() - values[0].sum(), values[:, 1].sum() - values[:, 0].sum()])
    uphill /= max(float(np.hypot(*uphill)), 1e-6)
    depth = -float(coarse.at(at_yx[:1], at_yx[1:])[0, 0])
    turn = float(rng.normal(0, 0.35))
    sine, cosine = np.sin(turn), np.cos(turn)
    down = -np.array([cosine * uphill[0] - sine * uphill[1], sine * uphill[0] + cosine * uphill[1]])
    root = at_yx + uphill * (depth + 50)
    tip = at_yx + down * float(rng.uniform(20, 160))
    spine = np.linspace(root, tip, 4)
    spine[2:] += rng.normal(0, 18, 2)
    straight = disc(rng, at_yx, float(rng.uniform(36, 50)), 0.25)
    return Blob(spine, np.full(4, straight.radius_nm[0]), straight.waves)
