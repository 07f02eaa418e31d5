"""Drawing nuclei: envelope with pores, chromatin, nucleolus."""

from __future__ import annotations

import numpy as np

from core.phantom.fields import Float, Window, band, blend, inside, noise, ramp
from core.phantom.layout import Part, Tissue, stream
from core.phantom.rendering import NUCLEUS, Canvas
from core.phantom.shapes import Blob, disc


def draw_nuclei(canvas: Canvas, tissue: Tissue, seed: int) -> None:
    """All nuclei of the tissue."""
    for number, blob in enumerate(tissue.nuclei):
        rng = stream(seed, Part.DETAIL, 8, number)
        window = blob.window(canvas.frame)
        if window is not None:
            _draw_one(canvas, blob, window, rng)


def _draw_one(canvas: Canvas, blob: Blob, window: Window, rng: np.random.Generator) -> None:
    """One nucleus."""
    look, pixel, at = canvas.look, canvas.pixel_nm, window.at
    coarse = noise(rng, canvas.frame, 420.0).at(window.y, window.x)
    clumps = noise(rng, canvas.frame, 150.0).at(window.y, window.x)
    pores = noise(rng, canvas.frame, 70.0).at(window.y, window.x)
    distance = blob.coordinates(window.y, window.x).distance
    value = (
        look.nucleus_density + 0.03 * clumps + look.granularity * (0.045 * canvas.fine[at] + 0.05 * canvas.middle[at])
    )
    # heterochromatin: clumps inside, and a rim of uneven thickness that leaves the pores free
    rim = ramp(distance + 120 + 60 * coarse + 50 * clumps, -50, 50) * ramp(1.6 - pores, 0.0, 0.5)
    clots = ramp(0.6 * coarse + 0.8 * clumps + 0.3 * canvas.middle[at], 0.9, 1.9) * 0.85
    chromatin = np.maximum(rim, clots)
    value = value + (look.chromatin_density - look.nucleus_density + 0.04 * canvas.fine[at]) * chromatin
    blend(canvas.density[at], value, inside(distance, pixel))
    _draw_nucleolus(canvas, blob, window, clumps, rng)
    closed = 1 - 0.75 * ramp(pores, 1.3, 1.7)
    canvas.line(at, distance + 5, 5.0, 0.9 * closed)
    blend(canvas.density[at], look.cytosol_density * 0.6, band(distance + 20, 11.0, pixel) * 0.85 * closed)
    canvas.line(at, distance + 35, 4.5, 0.8 * closed)
    canvas.mark(at, distance < 0, NUCLEUS)


def _draw_nucleolus(canvas: Canvas, blob: Blob, window: Window, clumps: Float, rng: np.random.Generator) -> None:
    """A dark, spongy body, missed by one section in four."""
    radius = float(blob.radius_nm[0])
    center = blob.spine_yx[0] + rng.uniform(-0.4, 0.4, 2) * radius
    nucleolus = disc(rng, center, rng.uniform(550, 950), 0.2)
    sponge = noise(rng, canvas.frame, 85.0).at(window.y, window.x)
    if rng.random() < 0.25:
        return
    at = window.at
    distance = nucleolus.coordinates(window.y, window.x).distance + 60 * clumps
    body = inside(distance, canvas.pixel_nm, 50.0) * (1 - 0.6 * ramp(sponge, 0.7, 1.5))
    blend(canvas.density[at], canvas.look.chromatin_density + 0.1 + 0.05 * canvas.fine[at], body * 0.9)
