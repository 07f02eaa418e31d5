"""Edits of objects in a draft: split one by a line, merge several, delete one.

An edit changes nothing: it says what is to be changed, pixel by pixel. The browser applies that as one step of undo and
saves it like any stroke, so that edits of objects survive, and are undone, exactly as painting does.

An object is all pixels of its class with one id, connected or not; without an id, an 8-connected piece. Every pixel of
an edited object is confirmed with it: who splits or merges objects has looked at them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.annotation.draft_ids import DraftPixels, Place, tiles_under
from core.annotation.draft_post import tile_shape
from core.errors import AnnotationError
from core.imaging.pyramid import TILE_PX
from core.label_scheme import IGNORE_ID
from core.labels.numbering import runs

MOST_PX: Final = 33_554_432
"""Pixels of the window around an object that is split, or that has no id: 8192 x 4096 take about 350 MB."""

MOST_TILES: Final = 200
"""Tiles in which edited objects may lie: the browser keeps them all while the edit is applied, and 256 in all."""

MOST_POINTS: Final = 1000
"""Of one line, or one merge."""

FRAGMENT_PX: Final = 9
"""Parts beside a cut that are smaller belong to a larger part: a hand's line is ragged."""

_EIGHT: Final = np.ones((3, 3), bool)
_FIRST_MARGIN_PX: Final = 128


class ObjectAction(StrEnum):
    """What is done with objects."""

    SPLIT = "split"
    MERGE = "merge"
    DELETE = "delete"
    ANSWER = "answer"
    """A question about them was answered: see `core.annotation.draft_answers`."""


@dataclass(frozen=True, slots=True, eq=False)
class TileRuns:
    """What changes in one tile.

    Parameters
    ----------
    row, column
        Of tiles.
    runs
        int64, shape (n, 3): first pixel in reading order, number of pixels, id of their object (0: none).
    """

    row: int
    column: int
    runs: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ObjectEdit:
    """What an edit changes.

    Parameters
    ----------
    action
        What is done.
    class_id
        Of the objects.
    objects
        Ids after the edit; of merged objects the one that stays, of a deleted one none.
    tiles
        All pixels of the edited objects with their ids after the edit. They are confirmed, and of a deleted object they
        become background.
    """

    action: ObjectAction
    class_id: int
    objects: tuple[int, ...]
    tiles: tuple[TileRuns, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "action": self.action.value,
            "class_id": self.class_id,
            "objects": list(self.objects),
            "label": 0 if self.action is ObjectAction.DELETE else None,
            "tiles": [{"row": t.row, "column": t.column, "runs": t.runs.ravel().tolist()} for t in self.tiles],
        }


@dataclass(frozen=True, slots=True, eq=False)
class _Object:
    """An object: its class, its id (0: a piece), and its pixels by tile."""

    class_id: int
    number: int
    masks: dict[Place, NDArray[np.bool_]]

    def has(self, row: int, column: int) -> bool:
        mask = self.masks.get((row // TILE_PX, column // TILE_PX))
        return mask is not None and bool(mask[row % TILE_PX, column % TILE_PX])


def edited_objects(pixels: DraftPixels, request: dict[str, Any]) -> ObjectEdit:
    """What a request of the browser changes.

    Parameters
    ----------
    pixels
        The draft.
    request
        ``action`` of `ObjectAction`; ``line`` for a split, ``points`` to merge, ``point`` of what is deleted: lists of
        [row, column].

    Raises
    ------
    AnnotationError
        The request makes no sense, or as for the action.
    """
    action = request.get("action")
    if action == ObjectAction.SPLIT:
        return split(pixels, _points(request.get("line")))
    if action == ObjectAction.MERGE:
        return merge(pixels, [(int(row), int(column)) for row, column in _points(request.get("points"))])
    if action == ObjectAction.DELETE:
        [(row, column)] = _points([request.get("point")])
        return delete(pixels, (int(row), int(column)))
    known = ", ".join(each.value for each in ObjectAction)
    raise AnnotationError(f"There is no action {str(action)[:40]!r} for objects.", f"Use one of {known}.")


def _points(value: Any) -> list[tuple[float, float]]:
    """Rows and columns out of JSON."""
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_POINTS:
        raise AnnotationError(f"A place needs 1 to {MOST_POINTS} points.", "Reload the page and try again.")
    for point in value:
        if not isinstance(point, list) or len(point) != 2 or not all(_is_finite(number) for number in point):
            raise AnnotationError("A point is not a row and a column.", "Reload the page and try again.")
    return [(float(row), float(column)) for row, column in value]


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**31


def split(pixels: DraftPixels, line: Sequence[tuple[float, float]]) -> ObjectEdit:
    """Cut the object that most of a line lies on. Each part becomes an object; the largest keeps the id.

    Only the connected piece under the line is cut: what else has the same id stays with the largest part. No pixel is
    lost: those under the line go to the nearest part.

    Parameters
    ----------
    pixels
        The draft.
    line
        (row, column) of two or more points in pixels of the image, fractions allowed.

    Raises
    ------
    AnnotationError
        There is no object under the line, it does not cut through, or the object is too large.
    """
    barrier = _rasterised(line, pixels.shape_yx)
    class_id, number = _under(pixels, barrier)
    rows, columns, piece = _piece(pixels, class_id, number, barrier)
    cut = np.zeros_like(piece)
    cut[barrier[:, 0] - rows.start, barrier[:, 1] - columns.start] = True
    parts, count = _parts(piece, cut & piece)
    if count < 2:
        raise AnnotationError(
            "The line does not cut the object in two.",
            "Draw it from outside the object on one side to outside on the other.",
        )
    sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    order = np.argsort(-sizes, kind="stable")
    new = iter(pixels.free_ids(count))
    ids = [number or next(new), *(next(new) for _ in range(count - 1))]
    lookup = np.zeros(count + 1, np.uint32)
    lookup[order + 1] = ids
    return ObjectEdit(
        ObjectAction.SPLIT, class_id, tuple(ids), _tile_runs(rows, columns, lookup[parts], piece, pixels.shape_yx)
    )


def merge(pixels: DraftPixels, points: Sequence[tuple[int, int]]) -> ObjectEdit:
    """Make one object of several of a class; they need not touch. The first that has an id gives it.

    Parameters
    ----------
    pixels
        The draft.
    points
        (row, column) of one pixel in each object, two or more.

    Raises
    ------
    AnnotationError
        Some point lies on no object, two lie on the same one, the classes differ, or the objects are too large.
    """
    if len(points) < 2:
        raise AnnotationError("Only one object was chosen.", "Choose two or more objects to merge.")
    objects: list[_Object] = []
    for row, column in points:
        found = _object_at(pixels, row, column)
        if objects and found.class_id != objects[0].class_id:
            raise AnnotationError(
                f"These objects are of different classes ({objects[0].class_id} and {found.class_id}).",
                "Assign one of them to the other's class first, then merge them.",
            )
        if not any(known.has(row, column) for known in objects):
            objects.append(found)
    if len(objects) < 2:
        raise AnnotationError("These points lie on the same object.", "Choose a second object to merge with the first.")
    number = next((item.number for item in objects if item.number), None) or pixels.free_ids(1)[0]
    masks: dict[Place, NDArray[np.bool_]] = {}
    for item in objects:
        for place, mask in item.masks.items():
            masks[place] = masks[place] | mask if place in masks else mask
    return ObjectEdit(ObjectAction.MERGE, objects[0].class_id, (number,), _same_id(masks, number))


def delete(pixels: DraftPixels, point: tuple[int, int]) -> ObjectEdit:
    """Make an object background, all parts of it.

    Parameters
    ----------
    pixels
        The draft.
    point
        (row, column) of one of its pixels.

    Raises
    ------
    AnnotationError
        There is no object, or it is too large.
    """
    found = _object_at(pixels, *point)
    return ObjectEdit(ObjectAction.DELETE, found.class_id, (), _same_id(found.masks, 0))


def confirmed_objects(pixels: DraftPixels, points: Sequence[tuple[int, int]]) -> ObjectEdit:
    """Confirm objects as they are; those without an id get one.

    Parameters
    ----------
    pixels
        The draft.
    points
        (row, column) of one pixel in each.

    Raises
    ------
    AnnotationError
        Some point lies on no object, or an object is too large.
    """
    objects: list[_Object] = []
    for row, column in points:
        if not any(known.has(row, column) for known in objects):
            objects.append(_object_at(pixels, row, column))
    fresh = iter(pixels.free_ids(len(objects)))
    numbers = tuple(item.number or next(fresh) for item in objects)
    return _told(objects[0].class_id, numbers, [item.masks for item in objects])


def moved_pixels(
    pixels: DraftPixels, point: tuple[int, int], box: tuple[slice, slice], part: NDArray[np.bool_]
) -> ObjectEdit:
    """Make an object of some pixels of another; the rest keeps its id. All pixels of both are confirmed.

    Parameters
    ----------
    pixels
        The draft.
    point
        (row, column) of a pixel of the object.
    box, part
        Rows and columns of the image, and bool, same shape: the pixels. Those that are not of the object stay.

    Raises
    ------
    AnnotationError
        There is no object, it is too large, or it has no other pixels.
    """
    found = _object_at(pixels, *point)
    wanted = _by_tile(*box, part, pixels.shape_yx)
    moved = {place: mask & wanted[place] for place, mask in found.masks.items() if place in wanted}
    kept = {place: mask & ~wanted[place] if place in wanted else mask for place, mask in found.masks.items()}
    if not any(mask.any() for mask in kept.values()):
        raise AnnotationError("Nothing is left of the object beside this part.", "Skip the question.")
    fresh = iter(pixels.free_ids(2))
    numbers = found.number or next(fresh), next(fresh)
    return _told(found.class_id, numbers, [kept, moved])


def _told(class_id: int, numbers: tuple[int, ...], masks: Sequence[dict[Place, NDArray[np.bool_]]]) -> ObjectEdit:
    """An answer: each of some masks gets its id."""
    ids: dict[Place, NDArray[np.uint32]] = {}
    for number, own in zip(numbers, masks, strict=True):
        for place, mask in own.items():
            tile = ids.setdefault(place, np.zeros(mask.shape, np.uint32))
            tile[mask] = number
    if len(ids) > MOST_TILES:
        raise _too_large(f"{len(ids)} tiles of {TILE_PX} px")
    tiles = tuple(TileRuns(*place, _runs(tile, tile != 0)) for place, tile in sorted(ids.items()) if tile.any())
    return ObjectEdit(ObjectAction.ANSWER, class_id, numbers, tiles)


def _rasterised(line: Sequence[tuple[float, float]], shape_yx: tuple[int, int]) -> NDArray[np.int64]:
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


def _under(pixels: DraftPixels, cells: NDArray[np.int64]) -> tuple[int, int]:
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


def _piece(
    pixels: DraftPixels, class_id: int, number: int, seeds: NDArray[np.int64]
) -> tuple[slice, slice, NDArray[np.bool_]]:
    """The connected piece of an object with most of some pixels: a window around it, and where in it the piece is."""
    height, width = pixels.shape_yx
    top, left, bottom, right = _box(pixels, number, seeds)
    while True:
        rows, columns = slice(max(top, 0), min(bottom, height)), slice(max(left, 0), min(right, width))
        if (rows.stop - rows.start) * (columns.stop - columns.start) > MOST_PX:
            raise _too_large(f"an area of {rows.stop - rows.start:,} x {columns.stop - columns.start:,} px")
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
    under = pieces[seeds[:, 0] - rows.start, seeds[:, 1] - columns.start]
    return np.asarray(pieces == int(np.bincount(under[under != 0]).argmax()))


def _parts(piece: NDArray[np.bool_], cut: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
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


def _object_at(pixels: DraftPixels, row: int, column: int) -> _Object:
    """The object at a pixel."""
    height, width = pixels.shape_yx
    if not (0 <= row < height and 0 <= column < width):
        raise AnnotationError(f"Row {row}, column {column} lies outside the image.", "Click inside the image.")
    labels, ids = pixels.tile((row // TILE_PX, column // TILE_PX))
    class_id, number = int(labels[row % TILE_PX, column % TILE_PX]), int(ids[row % TILE_PX, column % TILE_PX])
    if class_id in (0, IGNORE_ID):
        raise AnnotationError("There is no object here, only background.", "Click an object.")
    if number == 0:
        rows, columns, piece = _piece(pixels, class_id, 0, np.array([[row, column]]))
        masks = _by_tile(rows, columns, piece, pixels.shape_yx)
    else:
        places = pixels.places(number)
        if len(places) > MOST_TILES:
            raise _too_large(f"{len(places)} tiles of {TILE_PX} px")
        masks = {place: (pixels.tile(place)[0] == class_id) & (pixels.tile(place)[1] == number) for place in places}
    return _Object(class_id, number, {place: mask for place, mask in masks.items() if mask.any()})


def _too_large(extent: str) -> AnnotationError:
    return AnnotationError(
        f"This object spans {extent} and is too large to edit as a whole.",
        "Paint over the part that you want to change.",
    )


def _same_id(masks: dict[Place, NDArray[np.bool_]], number: int) -> tuple[TileRuns, ...]:
    """Runs that give all pixels of some masks one id."""
    if len(masks) > MOST_TILES:
        raise _too_large(f"{len(masks)} tiles of {TILE_PX} px")
    return tuple(
        TileRuns(*place, _runs(np.full(mask.shape, number, np.uint32), mask)) for place, mask in sorted(masks.items())
    )


def _tile_runs(
    rows: slice, columns: slice, ids_yx: NDArray[Any], mask: NDArray[np.bool_], shape_yx: tuple[int, int]
) -> tuple[TileRuns, ...]:
    """Runs of the masked pixels of a window, tile by tile."""
    masks = _by_tile(rows, columns, mask, shape_yx)
    if len(masks) > MOST_TILES:
        raise _too_large(f"{len(masks)} tiles of {TILE_PX} px")
    ids = {
        place: _on_tile(ids_yx[inside], there, masks[place].shape)
        for place, inside, there in tiles_under(rows, columns)
        if place in masks
    }
    return tuple(TileRuns(*place, _runs(ids[place], mask)) for place, mask in sorted(masks.items()))


def _by_tile(
    rows: slice, columns: slice, mask: NDArray[np.bool_], shape_yx: tuple[int, int]
) -> dict[Place, NDArray[np.bool_]]:
    """A mask of a window by tile, each as large as its tile; without the tiles in which nothing is."""
    return {
        place: _on_tile(mask[inside], there, tile_shape(shape_yx, *place))
        for place, inside, there in tiles_under(rows, columns)
        if mask[inside].any()
    }


def _on_tile(values: NDArray[Any], there: tuple[slice, slice], shape_yx: tuple[int, int]) -> NDArray[Any]:
    """Values of a part of a tile on the whole tile, 0 elsewhere."""
    whole = np.zeros(shape_yx, values.dtype)
    whole[there] = values
    return whole


def _runs(ids_yx: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """First pixel, number of pixels and id of each stretch of a mask in which the id stays the same."""
    key = np.where(mask, ids_yx.astype(np.int64) + 1, 0)
    starts, lengths = runs(key)
    marked = key.ravel()[starts] > 0
    return np.column_stack([starts, lengths, key.ravel()[starts] - 1])[marked]
