"""The fallback for networks that never learned to tell touching objects apart: pieces are split at their necks.

Where the outline of a piece closes in between two wide halves, there may be two objects, or one of that shape: nobody
has looked. The distance to the outline has a peak in each half and a saddle in the neck. A neck counts where it is so
much narrower than the smaller half as was learned from labelled objects, which are not to be split.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.label_scheme import IGNORE_ID
from core.objects.contacts import distance_to_outline
from core.objects.window import connected

LEVELS: Final = 24
"""Distances at which a piece is looked at, from its outline to its middle."""

DEPTHS: Final = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Relative depths of necks that are tried: 0.2 is a neck of 80 % of the smaller half's width."""

SPLIT_SHARE: Final = 0.01
"""Labelled objects that may be split by the depth that is learned."""

ROUND_AREAS: Final = 1.25
"""A piece below this many areas of the largest disc in it is round, and `cores` looks no closer."""

LEAST_HALF_PX: Final = 3.0
"""Inner radius of a half; what is smaller is roughness of an outline."""


def neck_parting(labels_yx: NDArray[np.uint8], least_depth: Mapping[int, float]) -> NDArray[np.bool_]:
    """Pixels that lie between the halves of pieces with a neck; `core.objects.separating` makes objects of them.

    Parameters
    ----------
    labels_yx
        uint8, shape (rows, columns), class ids; 255 is *ignore*.
    least_depth
        Class id to the relative depth, 0 to 1, from which a neck counts; other classes are not split.

    Returns
    -------
    ndarray
        bool, same shape: all pixels of such a piece but the middles of its halves.
    """
    depth_of = np.ones(256)
    for class_id, depth in least_depth.items():
        depth_of[class_id] = depth
    parting = np.zeros(labels_yx.shape, bool)
    if not labels_yx.size:
        return parting
    chosen = np.isin(labels_yx, list(least_depth)) & (labels_yx != IGNORE_ID)
    pieces_yx = connected(np.where(chosen, labels_yx, np.uint8(0)), 8)[0]
    for number, box in enumerate(ndimage.find_objects(pieces_yx), 1):
        if box is None:
            continue
        own = pieces_yx[box] == number
        if own.sum() < 2 * np.pi * LEAST_HALF_PX**2:
            continue
        halves = _halves(own, depth_of[labels_yx[box][own][0]], _open_sides(box, labels_yx.shape))
        if len(halves) > 1:
            parting[box] |= own & ~np.logical_or.reduce(halves)
    return parting


def learned_depths(
    label_maps: Iterable[tuple[NDArray[np.uint8], NDArray[np.uint32] | None]], class_ids: Iterable[int]
) -> dict[int, float]:
    """The relative depth of a neck from which a piece is split, from objects that people labelled.

    Parameters
    ----------
    label_maps
        Class ids, and ids of objects of the same shape, or None: then the connected pieces are the objects.
    class_ids
        The classes that are asked for.

    Returns
    -------
    dict
        Class id to the least of `DEPTHS` that splits no more than `SPLIT_SHARE` of its objects. Classes of which none
        does are left out: their objects have necks.
    """
    wanted = tuple(class_ids)
    deepest: dict[int, list[float]] = {class_id: [] for class_id in wanted}
    for labels_yx, ids_yx in label_maps:
        for class_id in wanted:
            own = labels_yx == class_id
            if own.any():
                deepest[class_id] += _deepest_necks(own, ids_yx)
    found = {}
    for class_id, depths in deepest.items():
        sound = [d for d in DEPTHS if depths and np.mean(np.array(depths) >= d) <= SPLIT_SHARE]
        if sound:
            found[class_id] = sound[0]
    return found


def _deepest_necks(own: NDArray[np.bool_], ids_yx: NDArray[np.uint32] | None) -> list[float]:
    """For each object of a class the largest of `DEPTHS` at which it would be split; 0: at none."""
    pieces = connected(own.astype(np.uint8), 8)[0].astype(np.int64)
    if ids_yx is not None:
        known = own & (ids_yx != 0)
        pieces = np.where(
            known, pieces.max() + 1 + np.unique(ids_yx, return_inverse=True)[1].reshape(own.shape), pieces
        )
        pieces = np.where(own, np.unique(pieces, return_inverse=True)[1].reshape(own.shape), 0)
    depths = []
    for number, box in enumerate(ndimage.find_objects(pieces), 1):
        part = None if box is None else pieces[box] == number
        if part is None or part.sum() < 2 * np.pi * LEAST_HALF_PX**2:
            continue
        sides = _open_sides(box, own.shape)
        depths.append(max((d for d in DEPTHS if len(_halves(part, d, sides)) > 1), default=0.0))
    return depths


def _open_sides(box: tuple[slice, ...], shape_yx: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Whether a box may be widened by a pixel on each side: 0 where the image ends."""
    return tuple((int(part.start > 0), int(part.stop < size)) for part, size in zip(box, shape_yx, strict=True))


def _halves(own: NDArray[np.bool_], depth: float, sides: tuple[tuple[int, int], ...]) -> list[NDArray[np.bool_]]:
    """Middles of the parts that necks of this depth and more divide a piece into; one where there is none."""
    wide = np.pad(own, sides)
    inner = tuple(slice(low, low + size) for (low, _), size in zip(sides, own.shape, strict=True))
    distance = distance_to_outline(wide.astype(np.uint8))[inner]
    if not np.isfinite(distance).all():
        return [own]
    levels = np.linspace(0, float(distance.max()), LEVELS, endpoint=False)
    found: list[NDArray[np.bool_]] = []
    waiting = [(own, 0)]
    while waiting:
        part, level = waiting.pop()
        deep = _deep_parts(part, distance, levels, level, depth)
        if deep is None:
            found.append(part)
        else:
            waiting += deep
    return found


def _deep_parts(
    part: NDArray[np.bool_], distance: NDArray[np.float32], levels: NDArray[Any], first: int, depth: float
) -> list[tuple[NDArray[np.bool_], int]] | None:
    """Where a part first falls into two wide enough halves: these, and the level; None where it never does."""
    for level in range(first + 1, len(levels)):
        pieces, count = connected((part & (distance > levels[level])).astype(np.uint8), 8)
        if count < 2:
            continue
        peaks = np.atleast_1d(ndimage.maximum(distance, pieces, np.arange(1, count + 1)))
        counts = (peaks >= LEAST_HALF_PX) & (levels[level] <= (1 - depth) * peaks)
        if counts.sum() > 1:
            return [(pieces == number + 1, level) for number in np.flatnonzero(counts)]
    return None


def cores(
    own: NDArray[np.bool_], box: tuple[slice, ...], shape_yx: tuple[int, ...], depth: float
) -> list[NDArray[np.bool_]]:
    """The middles of the parts of one piece that necks divide it into; one where it has none.

    Parameters
    ----------
    own
        bool, shape of the box: its pixels.
    box, shape_yx
        Where the box is in the label map, and the shape of that: its edge is no outline.
    depth
        Relative depth, 0 to 1, from which a neck counts.
    """
    sides = _open_sides(box, shape_yx)
    deepest = float(distance_to_outline(np.pad(own, sides).astype(np.uint8)).max())
    if not np.isfinite(deepest) or own.sum() < ROUND_AREAS * np.pi * deepest**2:
        return [own]
    return _halves(own, depth, sides)
