"""Drawing mitochondria: double membrane, dense matrix, cristae, granules."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.phantom.contact import flattened
from core.phantom.fields import Field, Float, band, blend, inside, noise
from core.phantom.layout import Part, Tissue, stream
from core.phantom.rendering import MITOCHONDRIA, Canvas
from core.phantom.shapes import Blob, SpineCoordinates


@dataclass(frozen=True, slots=True)
class _Cristae:
    """How the cristae of one mitochondrion run; lengths in nm."""

    period_nm: float
    light_nm: float
    angle: float
    waviness_nm: float


def draw_mitochondria(canvas: Canvas, tissue: Tissue, seed: int) -> None:
    """All mitochondria of the tissue, each with its own cristae."""
    shared = stream(seed, Part.DETAIL, 6)
    period, light = shared.uniform(70, 120), shared.uniform(5, 11)
    bend = noise(shared, canvas.frame, 95.0)
    for number, blob in enumerate(tissue.mitochondria):
        rng = stream(seed, Part.DETAIL, 7, number)
        angle = rng.normal(0, 0.35) if rng.random() < 0.75 else rng.uniform(0, np.pi)
        cristae = _Cristae(period * rng.uniform(0.8, 1.3), light * rng.uniform(0.8, 1.2), angle, rng.uniform(8, 26))
        pressed = [tissue.mitochondria[partner] for partner in tissue.partners[number]]
        _draw_one(canvas, blob, pressed, cristae, bend, rng)


def _draw_one(
    canvas: Canvas, blob: Blob, pressed: list[Blob], cristae: _Cristae, bend: Field, rng: np.random.Generator
) -> None:
    """One mitochondrion, with a flat face to each that is pressed against it."""
    shade = rng.uniform(-0.05, 0.05)
    table = rng.random((256, 3))
    granules = rng.random() < 0.5
    window = blob.window(canvas.frame)
    if window is None:
        return
    look, pixel, at = canvas.look, canvas.pixel_nm, window.at
    where = blob.coordinates(window.y, window.x)
    for other in pressed:
        distance = flattened(where.distance, other.coordinates(window.y, window.x).distance)
        where = replace(where, distance=distance)
    matrix = (
        look.mitochondrion_density + shade + look.granularity * (0.035 * canvas.fine[at] + 0.03 * canvas.middle[at])
    )
    if granules:
        matrix += 0.25 * np.clip((canvas.middle[at] - 2.3) * 2, 0, 1)
    blend(canvas.density[at], matrix, inside(where.distance, pixel))
    shift = bend.at(window.y, window.x) * np.float32(cristae.waviness_nm)
    _draw_cristae(canvas, at, where, shift, cristae, float(blob.radius_nm.mean()), table)
    canvas.line(at, where.distance + 4, 4.5, 0.9)
    blend(canvas.density[at], look.mitochondrion_density * 0.6, band(where.distance + 12, 4.0, pixel) * 0.8)
    canvas.line(at, where.distance + 20, 4.0, 0.8)
    canvas.mark(at, where.distance < 0, MITOCHONDRIA)


def _draw_cristae(
    canvas: Canvas,
    at: tuple[slice, slice],
    where: SpineCoordinates,
    shift: Float,
    cristae: _Cristae,
    radius_nm: float,
    table: Float,
) -> None:
    """Folds of the inner membrane: a light cleft between two dark lines, each reaching in from one side."""
    sine, cosine = np.float32(np.sin(cristae.angle)), np.float32(np.cos(cristae.angle))
    u = where.along * cosine + where.across * sine + shift
    v = (where.across * cosine - where.along * sine) / np.float32(radius_nm)
    index = np.rint(u / np.float32(cristae.period_nm))
    aside = np.abs(u - index * np.float32(cristae.period_nm))
    chance, reach, side = (table[index.astype(np.int64) % len(table), k].astype(np.float32) for k in range(3))
    sign = np.where(side < 0.5, 1, -1).astype(np.float32)
    tip = (1.9 * reach - 0.7 - sign * v) * np.float32(radius_nm)
    present = (chance < 0.4 + 0.6 * canvas.look.cristae) * np.clip(tip / 20, 0, 1) * inside(where.distance + 22, 8.0)
    present = (present * np.float32(0.35 + 0.65 * canvas.look.cristae)).astype(np.float32)
    pixel, half = canvas.pixel_nm, cristae.light_nm
    blend(canvas.density[at], canvas.look.membrane_density, band(aside - half - 3, 3.5, pixel) * present * 0.65)
    blend(canvas.density[at], canvas.look.mitochondrion_density * 0.55, inside(aside - half, pixel) * present * 0.9)
