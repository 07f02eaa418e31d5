"""From tissue to stain density and labels, organelle by organelle."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.label_scheme import DEFAULT_SCHEME
from core.phantom.fields import GRID_NM, Field, Float, Frame, band, blend, inside, noise, ramp, texture
from core.phantom.layout import Part, Tissue, stream
from core.phantom.look import Look

MITOCHONDRIA, NUCLEUS, RETICULUM, DROPLETS, BOUNDARIES = DEFAULT_SCHEME.ids


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """What is being drawn on, and with what.

    Parameters
    ----------
    density
        float32, 0 (no stain) to 1 (black).
    labels
        uint8 class ids.
    objects
        uint32 ids of single bodies, 0: none.
    fine, middle
        Unit noise at every pixel, with grains of about 25 and 90 nm.
    numbers
        The next ids of objects.
    """

    frame: Frame
    look: Look
    density: Float
    labels: NDArray[np.uint8]
    objects: NDArray[np.uint32]
    fine: Float
    middle: Float
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def pixel_nm(self) -> float:
        """Edge of a pixel in tissue nanometres."""
        return self.frame.pixel_nm

    def mark(self, at: tuple[slice, slice], inside_yx: NDArray[np.bool_], class_id: int) -> None:
        """Label one more object."""
        self.labels[at][inside_yx] = class_id
        self.objects[at][inside_yx] = next(self.numbers)

    def line(self, at: tuple[slice, slice], distance: Float, half_nm: float, weight: float | Float = 1.0) -> None:
        """Draw a membrane at distance 0."""
        blend(self.density[at], self.look.membrane_density, band(distance, half_nm, self.pixel_nm) * weight)


def new_canvas(seed: int, frame: Frame, look: Look) -> Canvas:
    """An empty canvas with its textures."""
    rng = stream(seed, Part.TEXTURE)
    fine, middle = texture(rng, frame, 12.0), texture(rng, frame, 42.0)
    shape = frame.shape_px
    density, labels, objects = (np.zeros(shape, dtype) for dtype in (np.float32, np.uint8, np.uint32))
    return Canvas(frame, look, density, labels, objects, fine, middle)


def draw_cytosol(canvas: Canvas, tissue: Tissue, seed: int) -> None:
    """Granular cytosol: smooth ER as a faint maze of membranes, and fields of glycogen rosettes."""
    rng, look, frame = stream(seed, Part.DETAIL, 1), canvas.look, canvas.frame
    whole = frame.whole()
    grid = frame.grid_axes()
    shade = Field(tissue.cells.shade(*grid, strength=0.025), GRID_NM).at(whole.y, whole.x)
    clouds = noise(rng, frame, 700.0).at(whole.y, whole.x)
    lakes = noise(rng, frame, 1100.0).at(whole.y, whole.x) + 0.25 * clouds
    maze = noise(rng, frame, 50.0).at(whole.y, whole.x)
    clumps = noise(rng, frame, 44.0).at(whole.y, whole.x)
    density = canvas.density
    density[:] = look.cytosol_density + shade + 0.015 * clouds
    density += look.granularity * (0.05 * canvas.fine + 0.03 * canvas.middle)
    smooth = ramp(0.6 - lakes, 0.0, 0.8) * np.float32(look.membrane_density - look.cytosol_density)
    density += smooth * (0.36 * ramp(0.3 - np.abs(maze - 0.55), 0.0, 0.3) - 0.14 * ramp(maze, 0.85, 1.5))
    lake = ramp(lakes, 0.9 - 1.3 * look.glycogen, 1.6 - 1.3 * look.glycogen) * np.float32(look.glycogen)
    rosettes = ramp(clumps + 0.45 * canvas.fine, 0.55, 1.2)
    density += lake * (0.34 * rosettes - 0.07)


def draw_reticulum(canvas: Canvas, tissue: Tissue, seed: int) -> None:
    """Rough ER: light lumen between two membranes, studded with ribosomes."""
    rng, look, pixel = stream(seed, Part.DETAIL, 2), canvas.look, canvas.pixel_nm
    dots = noise(rng, canvas.frame, 13.0)
    for window in canvas.frame.blocks(1024.0):
        distance, half = tissue.reticulum.profile(window.y, window.x)
        if not half.any():
            continue
        aside = np.abs(distance)
        drawn = np.clip(half / 8, 0, 1)
        studs = ramp(dots.at(window.y, window.x), 0.2, 1.1) * look.ribosomes
        blend(canvas.density[window.at], 0.78, band(aside - half - 4, 13.0, pixel) * drawn * studs * 0.85)
        lumen = inside(aside - half + 10, pixel) * drawn
        blend(canvas.density[window.at], look.cytosol_density * 0.72 + 0.03 * canvas.fine[window.at], lumen)
        canvas.line(window.at, aside - half + 8, 5.0, drawn * 0.9)
        canvas.labels[window.at][(aside < half) & (half > 8)] = RETICULUM


def draw_droplets(canvas: Canvas, tissue: Tissue, seed: int) -> None:
    """Lipid droplets: evenly dark, or a dark rim around a brighter, off-centre core."""
    look, pixel = canvas.look, canvas.pixel_nm
    uneven = noise(stream(seed, Part.DETAIL, 3), canvas.frame, 160.0)
    for number, blob in enumerate(tissue.droplets):
        rng = stream(seed, Part.DETAIL, 3, number)
        cored, strength, depth = rng.random() < look.droplet_core, rng.uniform(0.9, 1.08), rng.uniform(0.4, 1.0)
        rim, edge, tilt = rng.uniform(0.05, 0.22), rng.uniform(0.05, 0.3), rng.normal(0, 0.09, 2)
        window = blob.window(canvas.frame)
        if window is None:
            continue
        at, where = window.at, blob.coordinates(window.y, window.x)
        radius = float(blob.radius_nm[0])
        wave = uneven.at(window.y, window.x)
        value = look.droplet_density * strength + 0.015 * wave + 0.01 * look.granularity * canvas.middle[at]
        if cored:
            share = (-where.distance + tilt[0] * where.along + tilt[1] * where.across) / radius
            core = ramp(share + 0.05 * wave, rim, rim + edge)
            blend(value, look.gap_density + 0.06 + 0.02 * wave, core * depth)
        blend(canvas.density[at], value, inside(where.distance, pixel, 5.0))
        canvas.line(at, where.distance, 5.0, 0.5)
        canvas.mark(at, where.distance < 0, DROPLETS)


def draw_bodies(canvas: Canvas, tissue: Tissue, seed: int) -> None:
    """Lysosomes (dark, uneven), peroxisomes (even, grey), vesicles (light): none has a label."""
    look, pixel = canvas.look, canvas.pixel_nm
    lumps = noise(stream(seed, Part.DETAIL, 4), canvas.frame, 75.0)
    for number, body in enumerate(tissue.bodies):
        rng = stream(seed, Part.DETAIL, 4, number)
        shade = rng.uniform(-0.1, 0.1)
        window = body.blob.window(canvas.frame)
        if window is None:
            continue
        at, distance = window.at, body.blob.coordinates(window.y, window.x).distance
        if body.kind == "lysosome":
            patches = lumps.at(window.y, window.x)
            value = 0.62 + shade + 0.09 * patches + 0.05 * canvas.middle[at] + 0.05 * canvas.fine[at]
        elif body.kind == "peroxisome":
            value = (look.cytosol_density + look.mitochondrion_density) / 2 + shade * 0.6 + 0.02 * canvas.fine[at]
        else:
            value = look.cytosol_density * 0.7 + shade * 0.5 + 0.02 * canvas.fine[at]
        blend(canvas.density[at], value, inside(distance, pixel, 4.0))
        canvas.line(at, distance + 4, 4.5, 0.8)
