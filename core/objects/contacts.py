"""What a network learns to tell touching objects apart: parts of a class that belong to no object's inside.

Two ways, measured in docs/benchmarks.md. *Seams* are the pixels of an object that have another object of the same class
close by. *Rims* are the pixels of an object along its outline, where it touches and where it does not: every object
shows the network what an outline looks like.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.objects.separation import SeparationWay
from core.objects.window import connected

SEAM_REACH_PX: Final = 2
"""How far, on the grid of the training, another object may be from a pixel of a seam."""

WIDE_RIM: Final = (np.inf, 0.35)
"""Widest rim in pixels, and its most as a share of the object's radius around it: where few objects touch. Whoever
knows the cores of objects knows their shape, and parts them where no membrane is seen."""

THIN_RIM: Final = (3.0, 0.4)
"""The same where objects touch all around: then membranes show where, and wide rims break long and winding objects."""

CROWDED: Final = 1.0
"""Pairs of touching objects for each object from which on rims are thin."""

CORNER_REACH: Final = 1.25
"""How far, in multiples of its depth, a pixel says how wide its object is: corners lie farther from the middle."""

_NONE: Final = np.uint32(2**32 - 1)


def touching_pairs(
    labels_yx: NDArray[np.uint8], ids_yx: NDArray[np.uint32], class_ids: Sequence[int]
) -> dict[int, int]:
    """How many pairs of objects of each class touch (8 neighbours).

    Parameters
    ----------
    labels_yx
        uint8, shape (rows, columns), class ids.
    ids_yx
        uint32, same shape, ids of objects; 0: none. Equal ids in two classes are two objects.
    class_ids
        The classes that are asked for.

    Returns
    -------
    dict
        Class id to number of pairs.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.array([[1, 1, 2, 2]], np.uint8)
    >>> touching_pairs(labels, np.array([[1, 2, 3, 3]], np.uint32), (1, 2))
    {1: 1, 2: 0}
    """
    found: dict[int, set[int]] = {class_id: set() for class_id in class_ids}
    for here, there in _NEIGHBOURS:
        one, other = ids_yx[here], ids_yx[there]
        beside = (one != other) & (one != 0) & (other != 0) & (labels_yx[here] == labels_yx[there])
        if not beside.any():
            continue
        low, high = np.minimum(one[beside], other[beside]), np.maximum(one[beside], other[beside])
        keys, classes = low.astype(np.uint64) << np.uint64(32) | high, labels_yx[here][beside]
        for class_id in class_ids:
            found[class_id].update(np.unique(keys[classes == class_id]).tolist())
    return {class_id: len(pairs) for class_id, pairs in found.items()}


_NEIGHBOURS: Final = (
    (np.s_[1:], np.s_[:-1]),
    (np.s_[:, 1:], np.s_[:, :-1]),
    (np.s_[1:, 1:], np.s_[:-1, :-1]),
    (np.s_[1:, :-1], np.s_[:-1, 1:]),
)


def parting_target(
    way: SeparationWay,
    labels_yx: NDArray[np.uint8],
    ids_yx: NDArray[np.uint32],
    class_ids: Sequence[int],
    crowded: Collection[int] = (),
) -> NDArray[np.bool_]:
    """Where the pixels of some classes are learned as parting and not as inside.

    Parameters
    ----------
    way
        `SeparationWay.SEAMS` or `SeparationWay.RIMS`.
    labels_yx
        uint8, shape (rows, columns), class ids.
    ids_yx
        uint32, same shape; pixels of a class without an id belong to the connected piece in which they lie.
    class_ids
        The classes whose objects are told apart.
    crowded
        Those of them whose objects touch all around (`CROWDED`): their rims are thin.

    Returns
    -------
    ndarray
        bool, same shape; only pixels of these classes.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.ones((1, 8), np.uint8)
    >>> ids = np.array([[1, 1, 1, 1, 2, 2, 2, 2]], np.uint32)
    >>> parting_target(SeparationWay.SEAMS, labels, ids, (1,)).astype(int).tolist()
    [[0, 0, 1, 1, 1, 1, 0, 0]]
    """
    found = np.zeros(labels_yx.shape, bool)
    for class_id in class_ids:
        own = labels_yx == class_id
        if own.any():
            box = tuple(
                slice(max(part.start - 1, 0), part.stop + 1) for part in ndimage.find_objects(own.view(np.uint8))[0]
            )
            ids = np.where(own[box], ids_yx[box], 0).astype(np.uint32)
            if way is SeparationWay.SEAMS:
                found[box] |= _seams(own[box], ids)
            else:
                found[box] |= _rims(own[box], ids, *(THIN_RIM if class_id in crowded else WIDE_RIM))
    return found


def _seams(own_yx: NDArray[np.bool_], ids_yx: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Pixels with an id that have another id within reach. Pixels without an id make no seam."""
    size = 2 * SEAM_REACH_PX + 1
    highest = ndimage.maximum_filter(ids_yx, size, mode="constant", cval=0)
    lowest = ndimage.minimum_filter(np.where(ids_yx, ids_yx, _NONE), size, mode="constant", cval=_NONE)
    seams: NDArray[np.bool_] = own_yx & (ids_yx != 0) & ((highest != ids_yx) | (lowest != ids_yx))
    return seams


def _rims(own_yx: NDArray[np.bool_], ids_yx: NDArray[np.uint32], widest_px: float, share: float) -> NDArray[np.bool_]:
    """Pixels near the outline of their object; the edge of the image is no outline."""
    without = connected((own_yx & (ids_yx == 0)).astype(np.uint8), 8)[0]
    _, numbers = np.unique(ids_yx, return_inverse=True)
    numbers = numbers.reshape(ids_yx.shape) + 1
    numbers = np.where(ids_yx != 0, numbers, np.where(without > 0, numbers.max() + without, 0))
    depth = distance_to_outline(numbers)
    deepest = np.zeros(int(numbers.max()) + 1, np.float32)
    np.maximum.at(deepest, numbers.ravel(), depth.ravel())
    radius = np.minimum(_local_radius(depth, widest_px / share), deepest[numbers])  # not that of a large neighbour
    rims: NDArray[np.bool_] = own_yx & (depth < np.minimum(widest_px, share * radius))
    return rims


def _local_radius(depth_yx: NDArray[np.float32], enough: float) -> NDArray[np.float32]:
    """How wide an object is around a pixel: the largest depth close by, in steps of an eighth, up to what is enough."""
    radius, inside = np.minimum(depth_yx, 1), depth_yx > 0
    step, deepest = 1, min(float(depth_yx[np.isfinite(depth_yx)].max(initial=0)), enough + 1)
    while step <= deepest:
        size = 2 * int(CORNER_REACH * step + 0.5) + 1
        near = ndimage.maximum_filter((depth_yx >= step).view(np.uint8), size).view(bool)
        radius[inside & near] = step
        step += max(step // 8, 1)
    return radius


def distance_to_outline(numbers_yx: NDArray[Any]) -> NDArray[np.float32]:
    """Distance in pixels of each pixel of an object to the nearest one that is not of it; 0 where there is no object.

    Parameters
    ----------
    numbers_yx
        Integers, shape (rows, columns): the object of each pixel, 0: none.
    """
    differs = np.zeros(numbers_yx.shape, bool)
    for here, there in _NEIGHBOURS[:2]:
        other = numbers_yx[here] != numbers_yx[there]
        differs[here] |= other
        differs[there] |= other
    inside = (numbers_yx != 0) & ~differs
    # The pixels along an outline are half a pixel from it; those behind them are as far as these, and that half.
    depth = ndimage.distance_transform_edt(inside) if not inside.all() else np.full(numbers_yx.shape, np.inf)
    return np.where(numbers_yx != 0, depth + 0.5, 0).astype(np.float32)
