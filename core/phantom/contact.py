"""Shapes that are pressed against each other: where the one is put beside the other, and the face that they share."""

from __future__ import annotations

from typing import Final

import numpy as np

from core.phantom.fields import Float
from core.phantom.shapes import Blob

DEPTH_NM: Final = (40.0, 130.0)
"""How far two outlines would reach into each other: the deeper, the wider the face."""

_HALVINGS: Final = 9


def pressed_against(rng: np.random.Generator, standing: Blob, beside: Blob) -> Blob:
    """A shape moved until it reaches a little into another one, from a random side.

    Parameters
    ----------
    rng
        Draws the side, the place along the other's spine and the depth.
    standing
        Stays where it is.
    beside
        Is moved.
    """
    heading, depth_nm = rng.uniform(0, 2 * np.pi), rng.uniform(*DEPTH_NM)
    start = standing.spine_yx[rng.integers(len(standing.spine_yx))]
    toward = np.array([np.sin(heading), np.cos(heading)])
    center = beside.spine_yx.mean(axis=0)
    near, far = 0.0, float(np.ptp(standing.spine_yx, axis=0).max() + np.ptp(beside.spine_yx, axis=0).max())
    far += float(standing.radius_nm.max() + beside.radius_nm.max()) * 1.5
    for _ in range(_HALVINGS):
        middle = (near + far) / 2
        deep = beside.moved(start + middle * toward - center).depth_in(standing) > depth_nm
        near, far = (middle, far) if deep else (near, middle)
    return beside.moved(start + near * toward - center)


def flattened(own: Float, other: Float) -> Float:
    """The distance to the outline of a shape that shares a face with another one.

    Parameters
    ----------
    own, other
        Distances to the two outlines, negative inside, float32 of one shape. The face lies where both are equal.

    Returns
    -------
    ndarray
        float32, same shape; negative in the shape's own part alone.
    """
    faced: Float = np.maximum(own, (own - other) / 2)
    return faced
