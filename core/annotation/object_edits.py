"""What an edit of objects changes in a draft: pixels of tiles and the ids that they get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.annotation.draft_ids import Place, tiles_under
from core.annotation.draft_post import tile_shape
from core.errors import AnnotationError
from core.imaging.pyramid import TILE_PX
from core.labels.numbering import runs

MOST_TILES: Final = 200
"""Tiles in which edited objects may lie: the browser keeps them all while the edit is applied, and 256 in all."""


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


def edit_of_masks(
    class_id: int, numbers: tuple[int, ...], masks: Sequence[dict[Place, NDArray[np.bool_]]]
) -> ObjectEdit:
    """An answer: each of some masks gets its id."""
    ids: dict[Place, NDArray[np.uint32]] = {}
    for number, own in zip(numbers, masks, strict=True):
        for place, mask in own.items():
            tile = ids.setdefault(place, np.zeros(mask.shape, np.uint32))
            tile[mask] = number
    if len(ids) > MOST_TILES:
        raise too_large(f"{len(ids)} tiles of {TILE_PX} px")
    tiles = tuple(TileRuns(*place, _runs(tile, tile != 0)) for place, tile in sorted(ids.items()) if tile.any())
    return ObjectEdit(ObjectAction.ANSWER, class_id, numbers, tiles)


def too_large(extent: str) -> AnnotationError:
    return AnnotationError(
        f"This object spans {extent} and is too large to edit as a whole.",
        "Paint over the part that you want to change.",
    )


def same_id(masks: dict[Place, NDArray[np.bool_]], number: int) -> tuple[TileRuns, ...]:
    """Runs that give all pixels of some masks one id."""
    if len(masks) > MOST_TILES:
        raise too_large(f"{len(masks)} tiles of {TILE_PX} px")
    return tuple(
        TileRuns(*place, _runs(np.full(mask.shape, number, np.uint32), mask)) for place, mask in sorted(masks.items())
    )


def tile_runs(
    rows: slice, columns: slice, ids_yx: NDArray[Any], mask: NDArray[np.bool_], shape_yx: tuple[int, int]
) -> tuple[TileRuns, ...]:
    """Runs of the masked pixels of a window, tile by tile."""
    masks = by_tile(rows, columns, mask, shape_yx)
    if len(masks) > MOST_TILES:
        raise too_large(f"{len(masks)} tiles of {TILE_PX} px")
    ids = {
        place: _on_tile(ids_yx[inside], there, masks[place].shape)
        for place, inside, there in tiles_under(rows, columns)
        if place in masks
    }
    return tuple(TileRuns(*place, _runs(ids[place], mask)) for place, mask in sorted(masks.items()))


def by_tile(
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
