"""Edits of objects in a draft: split one by a line, merge several, delete one.

An edit changes nothing: it says what is to be changed, pixel by pixel. The browser applies that as one step of undo and
saves it like any stroke, so that edits of objects survive, and are undone, exactly as painting does.

An object is all pixels of its class with one id, connected or not; without an id, an 8-connected piece. Every pixel of
an edited object is confirmed with it: who splits or merges objects has looked at them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.annotation.draft_ids import DraftPixels, Place
from core.annotation.object_edits import ObjectAction, ObjectEdit, by_tile, edit_of_masks, same_id, tile_runs
from core.annotation.object_shapes import (
    DraftObject,
    connected_piece,
    object_at,
    object_under,
    parts_of,
    pixels_of_line,
)
from core.errors import AnnotationError

MOST_POINTS: Final = 1000
"""Of one line, or one merge."""


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
    known = ", ".join(action.value for action in ObjectAction)
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
    barrier = pixels_of_line(line, pixels.shape_yx)
    class_id, number = object_under(pixels, barrier)
    rows, columns, piece = connected_piece(pixels, class_id, number, barrier)
    cut = np.zeros_like(piece)
    cut[barrier[:, 0] - rows.start, barrier[:, 1] - columns.start] = True
    parts, count = parts_of(piece, cut & piece)
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
        ObjectAction.SPLIT, class_id, tuple(ids), tile_runs(rows, columns, lookup[parts], piece, pixels.shape_yx)
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
    objects: list[DraftObject] = []
    for row, column in points:
        found = object_at(pixels, row, column)
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
    return ObjectEdit(ObjectAction.MERGE, objects[0].class_id, (number,), same_id(masks, number))


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
    found = object_at(pixels, *point)
    return ObjectEdit(ObjectAction.DELETE, found.class_id, (), same_id(found.masks, 0))


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
    objects: list[DraftObject] = []
    for row, column in points:
        if not any(known.has(row, column) for known in objects):
            objects.append(object_at(pixels, row, column))
    fresh = iter(pixels.free_ids(len(objects)))
    numbers = tuple(item.number or next(fresh) for item in objects)
    return edit_of_masks(objects[0].class_id, numbers, [item.masks for item in objects])


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
    found = object_at(pixels, *point)
    wanted = by_tile(*box, part, pixels.shape_yx)
    moved = {place: mask & wanted[place] for place, mask in found.masks.items() if place in wanted}
    kept = {place: mask & ~wanted[place] if place in wanted else mask for place, mask in found.masks.items()}
    if not any(mask.any() for mask in kept.values()):
        raise AnnotationError("Nothing is left of the object beside this part.", "Skip the question.")
    fresh = iter(pixels.free_ids(2))
    numbers = found.number or next(fresh), next(fresh)
    return edit_of_masks(found.class_id, numbers, [kept, moved])
