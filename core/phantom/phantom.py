"""One synthetic micrograph with its exact label map."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.errors import ImageError
from core.phantom.acquisition import image_density
from core.phantom.boundaries import draw_boundaries
from core.phantom.fields import Frame
from core.phantom.layout import Part, Tissue, lay_tissue, stream
from core.phantom.look import Look
from core.phantom.mitochondria import draw_mitochondria
from core.phantom.nucleus import draw_nuclei
from core.phantom.rendering import (
    BOUNDARIES,
    RETICULUM,
    Canvas,
    draw_bodies,
    draw_cytosol,
    draw_droplets,
    draw_reticulum,
    new_canvas,
)

SIZE_PX: Final = (32, 8192)
"""Least and greatest number of rows or columns; 8192 x 8192 px need about 4 GB while they are drawn."""

PIXEL_SIZE_NM: Final = (1.0, 64.0)
"""Least and greatest pixel size; beyond 64 nm nothing of an ER sheet is left."""

MAX_EXTENT_NM: Final = 150_000.0
"""Greatest height or width of the imaged field."""


@dataclass(frozen=True, slots=True, eq=False)
class Phantom:
    """A synthetic micrograph of liver with its exact label map in `DEFAULT_SCHEME`.

    Parameters
    ----------
    image_yx
        uint8, shape (rows, columns), read-only.
    labels_yx
        uint8 class ids, same shape, read-only; every pixel is labelled.
    objects_yx
        uint32 ids of single mitochondria, nuclei and lipid droplets, same shape, read-only; 0 elsewhere.
    pixel_size_nm
        Edge length of a pixel.
    seed
        That the tissue was grown from.
    look
        That it was imaged with.
    """

    image_yx: NDArray[np.uint8]
    labels_yx: NDArray[np.uint8]
    objects_yx: NDArray[np.uint32]
    pixel_size_nm: float
    seed: int
    look: Look

    def __post_init__(self) -> None:
        for name in ("image_yx", "labels_yx", "objects_yx"):
            view = getattr(self, name).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)


def generate_phantom(
    seed: int,
    size_px: int | tuple[int, int] = 1024,
    *,
    pixel_size_nm: float = 8.0,
    look: Look | None = None,
    touching: float = 0.0,
) -> Phantom:
    """Grow and image one piece of synthetic liver.

    The tissue depends on the seed and on the field of view in nanometres alone, so that
    ``generate_phantom(7, 1024, pixel_size_nm=8)`` and ``generate_phantom(7, 512, pixel_size_nm=16)`` show the same
    tissue at two magnifications. Class areas follow human liver on average: over several consecutive seeds, not in
    each image. Two in three fields of 16 µm show a nucleus or
    a part of one.

    Parameters
    ----------
    seed
        0 or more. The same seed gives the same phantom, whatever the number of threads; on another processor single
        grey values may differ by one, where sines and square roots are rounded otherwise.
    size_px
        Edge of a square image, or (rows, columns).
    pixel_size_nm
        1 to 64.
    look
        Stain, microscope and damage; drawn from the seed where None.
    touching
        Chance, 0 to 1, that a mitochondrion has another one pressed against it; with 0 no two touch.

    Returns
    -------
    Phantom
        Image, label map and ids of the objects.

    Raises
    ------
    ImageError
        The seed, size, pixel size or share is out of range.
    """
    shape = check_phantom(seed, size_px, pixel_size_nm, touching)
    if look is None:
        look = Look.random(stream(seed, Part.LOOK))
    frame = Frame(shape, pixel_size_nm / look.scale)
    tissue = lay_tissue(seed, frame, look.scale, touching)
    canvas = _drawn(tissue, frame, look, seed)
    image = image_density(canvas.density, frame, look, seed)
    canvas.objects[np.isin(canvas.labels, (0, RETICULUM, BOUNDARIES))] = 0  # what was drawn over them
    return Phantom(image, canvas.labels, canvas.objects, float(pixel_size_nm), seed, look)


def _drawn(tissue: Tissue, frame: Frame, look: Look, seed: int) -> Canvas:
    """The tissue as stain density and labels; what is drawn later covers what was drawn before."""
    canvas = new_canvas(seed, frame, look)
    draw_cytosol(canvas, tissue, seed)
    draw_reticulum(canvas, tissue, seed)
    draw_bodies(canvas, tissue, seed)
    draw_droplets(canvas, tissue, seed)
    draw_mitochondria(canvas, tissue, seed)
    draw_nuclei(canvas, tissue, seed)
    draw_boundaries(canvas, tissue, seed)
    return canvas


def check_phantom(
    seed: int, size_px: int | tuple[int, int], pixel_size_nm: float, touching: float = 0.0
) -> tuple[int, int]:
    """Rows and columns of a phantom that can be made.

    Raises
    ------
    ImageError
        The seed, size, pixel size or share is out of range.
    """
    if not 0 <= touching <= 1:
        raise ImageError(f"The share of touching mitochondria is {touching}.", "Give 0 to 1.")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ImageError(f"The seed of a phantom is {seed!r}.", "Use an integer of 0 or more.")
    shape = (size_px, size_px) if isinstance(size_px, int | np.integer) else tuple(size_px)
    if len(shape) != 2 or not all(isinstance(n, int | np.integer) and SIZE_PX[0] <= n <= SIZE_PX[1] for n in shape):
        raise ImageError(
            f"The size of a phantom is {size_px!r} px.", f"Give {SIZE_PX[0]} to {SIZE_PX[1]} px, or (rows, columns)."
        )
    low, high = PIXEL_SIZE_NM
    if not (math.isfinite(pixel_size_nm) and low <= pixel_size_nm <= high):
        raise ImageError(f"The pixel size of a phantom is {pixel_size_nm} nm.", f"Choose {low:g} to {high:g} nm.")
    if max(shape) * pixel_size_nm > MAX_EXTENT_NM:
        raise ImageError(
            f"A phantom of {shape[0]} x {shape[1]} px at {pixel_size_nm:g} nm would be "
            f"{max(shape) * pixel_size_nm / 1000:.0f} µm wide.",
            f"Use fewer or smaller pixels; up to {MAX_EXTENT_NM / 1000:g} µm is possible.",
        )
    return int(shape[0]), int(shape[1])
