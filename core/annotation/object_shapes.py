"""Objects in a draft and their parts: what lies under a point or a line, and what a cut leaves of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.annotation import object_edits
from core.annotation.draft_ids import DraftPixels, Place
from core.annotation.object_edits import by_tile, too_large
from core.errors import AnnotationError
from core.imaging.pyramid import TILE_PX
from core.label_scheme import IGNORE_ID

MOST_PX: Final = 33_554_432
"""Pixels of the window around an object that is split, or that has no id: 8192 x 4096 take about 350 MB."""

FRAGMENT_PX: Final = 9
"""Parts beside a cut that are smaller belong to a larger part: a hand's line is ragged."""

_EIGHT: Final = np.ones((3, 3), bool)
_FIRST_MARGIN_PX: Final = 128


@dataclass(frozen=True, slots=True, eq=False)
class DraftObject:
    """An object: its class, its id (0: a piece), and its pixels by tile."""

    class_id: int
    number: int
    masks: dict[Place, NDArray[np.bool_]]

    def has(self, row: int, column: int) -> bool:
        mask = self.masks.get((row // TILE_PX, column // TILE_PX))
        return mask is not None and bool(mask[row % TILE_PX, column % TILE_PX])


def object_at(pixels: DraftPixels, row: int, column: int) -> DraftObject:
    """The object at a pixel."""
    height, width = pixels.shape_yx
    if not (0 <= row < height and 0 <= column < width):
        raise AnnotationError(f"Row {row}, column {column} lies outside the image.", "Click inside the image.")
    labels, ids = pixels.tile((row // TILE_PX, column // TILE_PX))
    class_id, number = int(labels[row % TILE_PX, column % TILE_PX]), int(ids[row % TILE_PX, column % TILE_PX])
    if class_id in (0, IGNORE_ID):
        raise AnnotationError("There is no object here, only background.", "Click an object.")
    if number == 0:
        rows, columns, piece = connected_piece(pixels, class_id, 0, np.array([[row, column]]))
        masks = by_tile(rows, columns, piece, pixels.shape_yx)
    else:
        places = pixels.places(number)
        if len(places) > object_edits.MOST_TILES:
            raise too_large(f"{len(places)} tiles of {TILE_PX} px")
        masks = {place: (pixels.tile(place)[0] == class_id) & (pixels.tile(place)[1] == number) for place in places}
    return DraftObject(class_id, number, {place: mask for place, mask in masks.items() if mask.any()})


def pixels_of_line(line: Sequence[tuple[float, float]], shape_yx: tuple[int, int]) -> NDArray[np.int64]:
    """Pixels (row, column) of a line within the image, each once.

    Neighbours on it share an edge, so that no 8-connected piece leads across.
    """
    points = np.asarray(line, float)
    if points.ndim != 2 or points.shape[0] < 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise AnnotationError("A line needs two points or more.", "Draw a line across the object.")
    points = np.clip(points, -1, np.array(shape_yx, float) + 1)
    found = []
    for start, end in pairwise(points):
        steps = int(np.ceil(np.abs(end - start).max() * 2)) + 1
        cells = np.floor(start + (end - start) * np.linspace(0, 1, steps + 1)[:, None]).astype(np.int64)
        diagonal = np.flatnonzero((np.diff(cells, axis=0) != 0).all(axis=1))
        corners = np.column_stack([cells[diagonal + 1, 0], cells[diagonal, 1]])
        found += [cells, corners]
    cells = np.unique(np.concatenate(found), axis=0)
    inside = ((cells >= 0) & (cells < np.array(shape_yx))).all(axis=1)
    return cells[inside]


def object_under(pixels: DraftPixels, cells: NDArray[np.int64]) -> tuple[int, int]:
    """Class and id of the object with most pixels among some."""
    keys = []
    for place in {(int(row), int(column)) for row, column in np.unique(cells // TILE_PX, axis=0)}:
        labels, ids = pixels.tile(place)
        here = cells[(cells // TILE_PX == place).all(axis=1)] % TILE_PX
        of_class = labels[here[:, 0], here[:, 1]].astype(np.int64)
        key = of_class << 32 | ids[here[:, 0], here[:, 1]]
        keys.append(key[(of_class != 0) & (of_class != IGNORE_ID)])
    found, counts = np.unique(np.concatenate(keys) if keys else np.zeros(0, np.int64), return_counts=True)
    if not len(found):
        raise AnnotationError("There is no object under the line.", "Draw it across an object.")
    key = int(found[np.argmax(counts)])
    return key >> 32, key & 0xFFFFFFFF


def connected_piece(
    pixels: DraftPixels, class_id: int, number: int, seeds: NDArray[np.int64]
) -> tuple[slice, slice, NDArray[np.bool_]]:
    """The connected piece of an object with most of some pixels: a window around it, and where in it the piece is."""
    height, width = pixels.shape_yx
    top, left, bottom, right = _box(pixels, number, seeds)
    while True:
        rows, columns = slice(max(top, 0), min(bottom, height)), slice(max(left, 0), min(right, width))
        if (rows.stop - rows.start) * (columns.stop - columns.start) > MOST_PX:
            raise too_large(f"an area of {rows.stop - rows.start:,} x {columns.stop - columns.start:,} px")
        piece = _piece_within(pixels, class_id, number, seeds, (rows, columns))
        grow_y, grow_x = (rows.stop - rows.start) // 2, (columns.stop - columns.start) // 2
        sides = (
            bool(piece[0].any()) and rows.start > 0,
            bool(piece[-1].any()) and rows.stop < height,
            bool(piece[:, 0].any()) and columns.start > 0,
            bool(piece[:, -1].any()) and columns.stop < width,
        )
        if not any(sides):
            return rows, columns, piece
        top, bottom = rows.start - grow_y * sides[0], rows.stop + grow_y * sides[1]
        left, right = columns.start - grow_x * sides[2], columns.stop + grow_x * sides[3]


def _box(pixels: DraftPixels, number: int, seeds: NDArray[np.int64]) -> tuple[int, int, int, int]:
    """Top, left, bottom and right of where to look first: around the seeds, and tiles with the id if they are few."""
    first, last = seeds.min(axis=0) - _FIRST_MARGIN_PX, seeds.max(axis=0) + 1 + _FIRST_MARGIN_PX
    places = pixels.places(number) if number else set()
    if places:
        edges = np.array(list(places))
        wide = np.minimum(first, edges.min(axis=0) * TILE_PX), np.maximum(last, (edges.max(axis=0) + 1) * TILE_PX)
        if np.prod(wide[1] - wide[0]) <= MOST_PX:
            first, last = wide
    return int(first[0]), int(first[1]), int(last[0]), int(last[1])


def _piece_within(
    pixels: DraftPixels, class_id: int, number: int, seeds: NDArray[np.int64], window: tuple[slice, slice]
) -> NDArray[np.bool_]:
    """The piece of an object with most of some pixels, as far as a window shows it."""
    rows, columns = window
    labels, ids = pixels.window(rows, columns)
    mask = (labels == class_id) & (ids == number)
    del labels, ids  # several bytes a pixel
    pieces, _ = ndimage.label(mask, _EIGHT)
    numbers = pieces[seeds[:, 0] - rows.start, seeds[:, 1] - columns.start]
    return np.asarray(pieces == int(np.bincount(numbers[numbers != 0]).argmax()))


def parts_of(piece: NDArray[np.bool_], cut: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """The parts of a piece after a cut, numbered from 1; pixels of the cut, and fragments, go to the nearest part."""
    parts, count = ndimage.label(piece & ~cut, _EIGHT)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    sizes[0] = 0
    large = np.flatnonzero(sizes >= min(FRAGMENT_PX, sizes.max(initial=0)))
    if sizes.sum() < 4 * FRAGMENT_PX:  # of a tiny object no part is a fragment
        large = np.flatnonzero(sizes > 0)
    lookup = np.zeros(count + 1, np.int32)
    lookup[large] = np.arange(1, len(large) + 1)
    numbered = lookup[parts]
    open_yx = piece & (numbered == 0)
    if len(large) and open_yx.any():
        row, column = np.nonzero(open_yx)
        near = tuple(slice(max(int(a.min()) - 2, 0), int(a.max()) + 3) for a in (row, column))
        nearest = ndimage.distance_transform_edt(numbered[near] == 0, return_distances=False, return_indices=True)
        filled = numbered[near][tuple(nearest)]
        numbered[near] = np.where(open_yx[near], filled, numbered[near])
    return numbered, len(large)
