"""How far objects are from other classes, and how much of their outline lies close to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from core.imaging.row_bands import row_bands
from core.label_scheme import IGNORE_ID

_ASKED: Final = 500_000
"""Pixels whose nearest neighbour is looked for at a time; between, the work can be stopped."""


@dataclass(frozen=True, eq=False, slots=True)
class Outlines:
    """Pixels of objects that share an edge with a pixel of something else; the image's edge is no neighbour.

    Parameters
    ----------
    place
        int32, shape (pixels, 2): row and column.
    piece
        Number of the object of each pixel, from 1.
    beside_ignored
        bool, one per object: an edge or a corner is shared with a pixel of 255.
    """

    place: NDArray[np.int32]
    piece: NDArray[Any]
    beside_ignored: NDArray[np.bool_]


def outlines(pieces_yx: NDArray[Any], labels_yx: NDArray[np.uint8], count: int) -> Outlines:
    """The outlines of all objects.

    Parameters
    ----------
    pieces_yx
        Number of the object per pixel, 0: none.
    labels_yx
        uint8, the label map that they come from; its 255 cut objects off.
    count
        Number of objects.
    """
    rows = pieces_yx.shape[0]
    places, numbers, beside_ignored = [], [], np.zeros(count + 1, bool)
    for band in row_bands(pieces_yx.shape):
        # One row more on either side, repeated at the image's edge, where it is no neighbour.
        wide = np.clip(np.arange(band.start - 1, band.stop + 1), 0, rows - 1)
        pieces, ignored = _framed(pieces_yx[wide]), _framed(labels_yx[wide]) == IGNORE_ID
        own = pieces[1:-1, 1:-1]
        outer = np.zeros(own.shape, bool)
        for rows_of, columns_of in _SIDES:
            outer |= pieces[rows_of, columns_of] != own
        for rows_of, columns_of in (*_SIDES, *_CORNERS):
            beside_ignored[own[ignored[rows_of, columns_of]]] = True
        at = np.flatnonzero(outer & (own != 0))
        row, column = np.divmod(at, own.shape[1])
        places.append(np.column_stack([row + band.start, column]).astype(np.int32))
        numbers.append(own.ravel()[at])
    return Outlines(
        np.concatenate(places) if places else np.zeros((0, 2), np.int32),
        np.concatenate(numbers) if numbers else np.zeros(0, pieces_yx.dtype),
        beside_ignored[1:],
    )


_INNER: Final = slice(1, -1)
_SIDES: Final = (
    (slice(None, -2), _INNER),
    (slice(2, None), _INNER),
    (_INNER, slice(None, -2)),
    (_INNER, slice(2, None)),
)
"""The pixel above, below, left and right, in rows with one more on either side."""

_CORNERS: Final = tuple((rows, columns) for rows, _ in _SIDES[:2] for _, columns in _SIDES[2:])
"""The four over a corner."""

_TOUCHING: Final = 1.5
"""Distance of pixel centres below which pixels share an edge or a corner."""


def _framed(band: NDArray[Any]) -> NDArray[Any]:
    """With the first and last column repeated."""
    return np.pad(band, ((0, 0), (1, 1)), mode="edge")


def neighbours(
    outline: Outlines,
    class_of: NDArray[np.uint8],
    area_px: NDArray[np.int64],
    levels: Mapping[int, Sequence[float]],
    contact_px: float | None,
    progress: Callable[[float], None] = lambda fraction: None,
    *,
    by_id: tuple[int, ...] = (),
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gap between each object and each class, and the share of its outline in contact with it.

    Parameters
    ----------
    outline
        Of all objects.
    class_of
        uint8, class of each object's number; entry 0 is nothing.
    area_px
        int64, pixels of each object's number.
    levels
        For each class of the result's columns the areas in pixels, ascending and as many for each class, from which on
        its objects are seen by others.
    contact_px
        Greatest gap that counts as contact; None: contacts are NaN.
    progress
        Told a fraction, 0 to 1; may raise to stop.
    by_id
        Classes whose objects are told apart, so that they can be near each other.

    Returns
    -------
    ndarray, ndarray
        float64, shape (objects, classes, levels) each: as ``gap_px`` and ``near`` of `ObjectTable`.
    """
    count, depth = len(class_of) - 1, len(next(iter(levels.values()), ()))
    gap_px, near = np.full((2, count, len(levels), depth), np.nan)
    of_pixel, area_of = class_of[outline.piece], area_px[outline.piece]
    search = _Search(outline.place)
    for position, (class_id, least_px) in enumerate(levels.items()):
        asking = np.flatnonzero(of_pixel != class_id)
        others = np.flatnonzero(class_of[1:] != class_id)
        piece = outline.piece[asking]
        all_of = np.bincount(piece, minlength=count + 1)
        found = np.flatnonzero(all_of[1:])
        gap = np.full(asking.size, np.inf)
        above = np.inf
        for level in reversed(range(depth)):
            done = (position + 1 - (level + 1) / depth) / len(levels)
            progress(done)
            seen = (of_pixel == class_id) & (area_of >= least_px[level]) & (area_of < above)
            above = min(above, least_px[level])
            search.nearer(gap, asking, np.flatnonzero(seen), partial(progress, done))
            if not np.isfinite(gap).any():
                if contact_px is not None and not ((class_of == class_id) & (area_px >= least_px[level])).any():
                    near[others, position, level] = 0.0
                continue
            least = np.full(count + 1, np.inf)
            np.minimum.at(least, piece, gap)
            gap_px[found, position, level] = least[1:][found]
            if contact_px is not None:
                close = np.bincount(piece, gap <= contact_px, count + 1)
                near[found, position, level] = close[1:][found] / all_of[1:][found]
    for class_id in by_id:
        position = list(levels).index(class_id)
        for level, least_area in enumerate(levels[class_id]):
            members = np.flatnonzero((class_of == class_id) & (area_px >= least_area))
            theirs = np.flatnonzero((of_pixel == class_id) & (area_of >= least_area))
            gaps, share = _to_own_class(search, outline, members, theirs, contact_px, progress)
            gap_px[members - 1, position, level] = gaps
            if contact_px is not None:
                near[members - 1, position, level] = share
    return gap_px, near


class _Search:
    """The nearest of some pixels of outlines, as gaps: distance of the centres less one pixel; 0 where they touch."""

    def __init__(self, place: NDArray[np.int32]) -> None:
        self._place = place

    def nearer(
        self,
        gap: NDArray[np.float64],
        asking: NDArray[np.int64],
        targets: NDArray[np.int64],
        told: Callable[[], None],
    ) -> None:
        """Lower the gaps of the asking pixels to those to the nearest target, in place; ``told`` may raise to stop."""
        if not len(targets):
            return
        tree = KDTree(self._place[targets], balanced_tree=False, compact_nodes=False)
        for start in range(0, asking.size, _ASKED):
            told()
            part = slice(start, start + _ASKED)
            distance, _ = tree.query(self._place[asking[part]])
            found = np.where(distance < _TOUCHING, 0.0, distance - 1.0)
            gap[part] = np.minimum(gap[part], found)


def _to_own_class(
    search: _Search,
    outline: Outlines,
    members: NDArray[np.int64],
    theirs: NDArray[np.int64],
    contact_px: float | None,
    progress: Callable[[float], None],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gap of each object to the nearest other object of its class, and its outline's share in contact.

    Two different objects differ in a bit of their ranks. So the nearest pixel of another object is the nearest in one
    of the searches, bit by bit, for pixels of objects that have the bit among those of objects that lack it, and for
    these among the others.
    """
    rank = np.searchsorted(members, outline.piece[theirs])
    gap = np.full(len(rank), np.inf)
    for bit in range(int(max(len(members) - 1, 0)).bit_length()):
        has_bit = (rank >> bit & 1).astype(bool)
        for asking in (has_bit, ~has_bit):
            own = gap[asking]
            search.nearer(own, theirs[asking], theirs[~asking], partial(progress, 1.0))
            gap[asking] = own
    least = np.full(len(members), np.inf)
    np.minimum.at(least, rank, gap)
    close = np.bincount(rank, gap <= (-1.0 if contact_px is None else contact_px), len(members))
    share = close / np.maximum(np.bincount(rank, minlength=len(members)), 1)
    return np.where(np.isfinite(least), least, np.nan), share
