"""Ids of objects under somebody's brush: what becomes of them when a draft is submitted.

People paint classes; ids follow by these rules, which never join two objects:

- A pixel that keeps its class keeps its id. A pixel that loses its class loses its id.
- Painted pixels of a class that has ids, one connected stroke of them at a time, join the object that they touch. If
  they touch several, each object grows into them from its side until they meet. If they touch none, they are a new
  object; beside pixels of the class that have no id they have none either.
- An object that falls apart because pixels were taken from it becomes several: its largest part keeps the id. Parts
  that were apart before stay one object.

Tiles whose ids somebody has seen and settled while painting are taken as they are; the rules are for all others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.imaging.object_pyramid import MOST_ID, ObjectPyramidWriter
from core.imaging.pyramid import TILE_PX, Pyramid, open_pyramid
from core.imaging.pyramid_layout import tile_overlap
from core.labels.numbering import connected_pieces, of_class

DETAILS: Final = "object_ids"
"""Where a revision's details say what became of ids: the JSON of `CarriedIds`."""

MOST_PX: Final = 64_000_000
"""Painted regions, and objects that were cut, are looked at as a whole up to this size. In larger ones painted pixels
get no id, so that their pieces are objects, and an object that was cut stays one."""

_AROUND: Final = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0))
_EIGHT: Final = np.ones((3, 3), bool)


@dataclass(frozen=True, slots=True)
class CarriedIds:
    """What became of ids.

    Parameters
    ----------
    class_ids
        The classes that have ids.
    joined_px
        Painted pixels that joined an object.
    new
        Objects that were painted anew.
    parted
        Objects that were cut off another.
    removed
        Objects of which nothing is left.
    unnumbered_px
        Painted pixels of these classes that have no id.
    dropped_px
        Pixels whose id went because their class has no objects any more.
    """

    class_ids: tuple[int, ...]
    joined_px: int = 0
    new: int = 0
    parted: int = 0
    removed: int = 0
    unnumbered_px: int = 0
    dropped_px: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {name: getattr(self, name) for name in self.__slots__} | {"class_ids": list(self.class_ids)}


@dataclass(slots=True, eq=False)
class _Assigned:
    """Ids that painted pixels and cut-off parts get, by their place in reading order."""

    width: int
    places: list[NDArray[np.int64]] = field(default_factory=list)
    ids: list[NDArray[np.uint32]] = field(default_factory=list)

    def add(self, top: int, left: int, mask_yx: NDArray[np.bool_], ids_yx: NDArray[np.uint32]) -> None:
        row, column = np.nonzero(mask_yx)
        self.places.append((row + top).astype(np.int64) * self.width + column + left)
        self.ids.append(ids_yx[mask_yx])

    def in_order(self) -> _Assigned:
        """The same as one list in reading order; of two ids for a pixel the later stays."""
        if not self.places:
            return self
        places, ids = np.concatenate(self.places)[::-1], np.concatenate(self.ids)[::-1]
        found, first = np.unique(places, return_index=True)
        return _Assigned(self.width, [found], [ids[first]])

    def apply(self, ids_yx: NDArray[np.uint32], top: int, left: int) -> None:
        """Set them in a region; of a list that is in order."""
        rows, columns = ids_yx.shape
        for places, ids in zip(self.places, self.ids, strict=True):
            band = slice(*np.searchsorted(places, (top * self.width, (top + rows) * self.width)))
            row, column = np.divmod(places[band], self.width)
            here = (column >= left) & (column < left + columns)
            ids_yx[row[here] - top, column[here] - left] = ids[band][here]


def all_tiles(shape_yx: tuple[int, int]) -> list[tuple[int, int]]:
    """Row and column of every tile of a label map.

    >>> all_tiles((513, 3))
    [(0, 0), (1, 0)]
    """
    rows, columns = (-(-length // TILE_PX) for length in shape_yx)
    return [(row, column) for row in range(rows) for column in range(columns)]


def carry_ids(
    base: Pyramid | None,
    label_path: Path,
    changed: Collection[tuple[int, int]],
    settled: Mapping[tuple[int, int], NDArray[np.uint32]] = MappingProxyType({}),
    *,
    known: Collection[int] | None = None,
) -> CarriedIds | None:
    """Write the ids of a label map that was painted over another one.

    Parameters
    ----------
    base
        What was painted over, in the project's classes; None: background everywhere.
    label_path
        The finished pyramid of the new label map.
    changed
        Row and column of the tiles that were painted on.
    settled
        Ids of those of them that are not to be worked out, each as large as its tile; 0: no id.
    known
        The classes that may have ids; None: every class.

    Returns
    -------
    CarriedIds or None
        None where there were no ids; then none are written.

    Raises
    ------
    ImageError
        A label map is damaged.
    StorageFullError
        The disk is full.
    """
    carrying = _Carrying(base, open_pyramid(label_path), settled, known)
    return carrying.run(changed) if carrying.any_ids else None


class _Carrying:
    def __init__(
        self,
        base: Pyramid | None,
        after: Pyramid,
        settled: Mapping[tuple[int, int], NDArray[np.uint32]],
        known: Collection[int] | None,
    ) -> None:
        self._base, self._after, self._settled = base, after, settled
        self._ids = None if base is None else base.objects
        self._painted_classes = () if base is None or self._ids is None else base.object_classes
        own = {int(i) for place, ids in settled.items() for i in np.unique(after.tile(0, *place)[ids != 0])} - {0, 255}
        self._unknown = set() if known is None else own - set(known)
        self._classes = tuple(sorted({*self._painted_classes, *own} - self._unknown))
        self.any_ids = self._ids is not None or bool(self._classes)
        self._assigned = _Assigned(after.shape_yx[1])
        self._lost: dict[int, int] = {}
        self._joined_px = self._new = self._parted = 0
        self._free = iter(())  # type: Iterator[int]

    def run(self, changed: Collection[tuple[int, int]]) -> CarriedIds:
        if self._classes:
            self._free = self._free_ids()
            for rows, columns in _regions([p for p in changed if p not in self._settled], self._after.shape_yx):
                self._paint(rows, columns)
            self._part()
        return self._write({row for row, _ in changed})

    def _read(self, rows: slice, columns: slice) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint32]]:
        """Classes before and after, and ids as they stay: where the class is the same, or somebody has settled them."""
        before, ids = self._before(rows, columns)
        after = np.asarray(self._after.read(0, rows, columns), np.uint8)
        ids[of_class(before, self._painted_classes) == 0] = 0
        self._settle(rows, columns, before, after, ids)
        return before, after, ids

    def _before(self, rows: slice, columns: slice) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
        """Classes and ids of what was painted over, as they are in its files."""
        shape = rows.stop - rows.start, columns.stop - columns.start
        labels = np.zeros(shape, np.uint8) if self._base is None else self._base.read(0, rows, columns)
        ids = np.zeros(shape, np.uint32) if self._ids is None else self._ids.read(0, rows, columns)
        return np.array(labels, np.uint8), np.array(ids, np.uint32)

    def _settle(
        self,
        rows: slice,
        columns: slice,
        before: NDArray[np.uint8],
        after: NDArray[np.uint8],
        ids: NDArray[np.uint32],
    ) -> None:
        """Put settled ids into a region, and let nothing be painted there."""
        for row in range(rows.start // TILE_PX, -(-rows.stop // TILE_PX)):
            for column in range(columns.start // TILE_PX, -(-columns.stop // TILE_PX)):
                own = self._settled.get((row, column))
                if own is None:
                    continue
                here_y, of_y = tile_overlap(rows, row)
                here_x, of_x = tile_overlap(columns, column)
                classes = after[here_y, here_x]
                before[here_y, here_x] = classes
                ids[here_y, here_x] = np.where(of_class(classes, self._classes) != 0, own[of_y, of_x], 0)

    def _paint(self, rows: slice, columns: slice) -> None:
        """Give the painted pixels of a region their ids, and note the objects that lost pixels there."""
        before, after, ids = self._read(rows, columns)
        differs = before != after
        for number in np.unique(ids[differs & (ids != 0)]).tolist():
            self._lost[number] = 0
        ids[differs] = 0
        painted = np.where(differs, of_class(after, self._painted_classes), np.uint8(0))
        if not painted.any() or painted.size > MOST_PX:
            return
        strokes, _ = connected_pieces(painted)
        touched, bare = _touched(strokes, painted, after, ids)
        for number, box in enumerate(ndimage.find_objects(strokes.astype(np.int32)), start=1):
            wide = tuple(slice(max(side.start - 1, 0), side.stop + 1) for side in box)
            mask = strokes[wide] == number
            objects = touched.get(number, ())
            if not objects and number in bare:
                continue
            if len(objects) > 1:
                grown = _grown(mask, np.where(after[wide] == painted[wide][mask][0], ids[wide], 0), objects)
            else:
                grown = np.full(mask.shape, objects[0] if objects else next(self._free), np.uint32)
            self._new += not objects
            self._joined_px += int(mask.sum()) if objects else 0
            self._assigned.add(rows.start + wide[0].start, columns.start + wide[1].start, mask, grown)

    def _part(self) -> None:
        """Give the cut-off parts of objects ids of their own."""
        painted = self._assigned.in_order()
        for number, (rows, columns) in self._extents().items():
            if (rows.stop - rows.start) * (columns.stop - columns.start) > MOST_PX:
                continue
            before, after, ids = self._read(rows, columns)
            was = ids == number
            ids[before != after] = 0
            painted.apply(ids, rows.start, columns.start)
            parts, count = ndimage.label(ids == number, _EIGHT)
            if count < 2:
                continue
            pieces, _ = ndimage.label(was, _EIGHT)
            sizes = np.bincount(parts.ravel(), minlength=count + 1)
            for piece in range(1, int(pieces.max(initial=0)) + 1):
                inside = [int(part) for part in np.unique(parts[pieces == piece]) if part]
                for part in sorted(inside, key=lambda part: -sizes[part])[1:]:
                    self._assigned.add(
                        rows.start, columns.start, parts == part, np.full(parts.shape, next(self._free), np.uint32)
                    )
                    self._parted += 1

    def _extents(self) -> dict[int, tuple[slice, slice]]:
        """Bounding boxes of the objects that lost pixels, before and after together."""
        if not self._lost:
            return {}
        numbers = np.array(sorted(self._lost), np.uint32)
        corners = np.tile(np.array([2**40, -1, 2**40, -1]), (len(numbers), 1))
        for top, ids in self._bands():
            row, column = np.nonzero(np.isin(ids, numbers))
            at = np.searchsorted(numbers, ids[row, column])
            np.minimum.at(corners[:, 0], at, row + top)
            np.maximum.at(corners[:, 1], at, row + top)
            np.minimum.at(corners[:, 2], at, column)
            np.maximum.at(corners[:, 3], at, column)
        return {
            int(number): (slice(int(box[0]), int(box[1]) + 1), slice(int(box[2]), int(box[3]) + 1))
            for number, box in zip(numbers, corners, strict=True)
        }

    def _bands(self) -> Iterator[tuple[int, NDArray[np.uint32]]]:
        """First row and ids of bands of the base."""
        if self._ids is None:
            return
        for top in range(0, self._after.shape_yx[0], TILE_PX):
            yield top, np.asarray(self._ids.read(0, slice(top, top + TILE_PX), slice(None)), np.uint32)

    def _free_ids(self) -> Iterator[int]:
        """Ids that no object has."""

        def every() -> Iterator[NDArray[np.uint32]]:
            yield from (ids for _, ids in self._bands())
            yield from self._settled.values()

        highest = max((int(ids.max(initial=0)) for ids in every()), default=0)
        yield from range(highest + 1, MOST_ID + 1)
        used = set().union(*(np.unique(ids).tolist() for ids in every()))
        yield from (number for number in range(1, MOST_ID + 1) if number not in used)

    def _dropped(self, tile_row: int, after: NDArray[np.uint8]) -> int:
        """Pixels with a settled id in a row of tiles whose class may have none."""
        if not self._unknown:
            return 0
        dropped, gone = 0, of_class(after, tuple(self._unknown)) != 0
        for column in range(-(-after.shape[1] // TILE_PX)):
            own = self._settled.get((tile_row, column))
            if own is not None:
                here = gone[:, column * TILE_PX : (column + 1) * TILE_PX]
                dropped += int(np.count_nonzero(own[here] != 0))
        return dropped

    def _write(self, painted_rows: Collection[int]) -> CarriedIds:
        height, width = self._after.shape_yx
        unnumbered_px = dropped_px = 0
        remaining: set[int] = set()
        lost = np.array(sorted(self._lost), np.uint32)
        assigned, writer = self._assigned.in_order(), None
        if self._classes:
            writer = ObjectPyramidWriter(
                self._after.path, (height, width), class_ids=self._classes, pixel_size_nm=self._after.pixel_size_nm
            )
        try:
            for tile_row, top in enumerate(range(0, height, TILE_PX)):
                rows = slice(top, min(top + TILE_PX, height))
                before, ids = self._before(rows, slice(0, width))
                beyond = (ids != 0) & (of_class(before, self._painted_classes) == 0)
                dropped_px += int(np.count_nonzero(beyond))
                ids[beyond] = 0
                if tile_row in painted_rows:
                    after = np.asarray(self._after.read(0, rows, slice(0, width)), np.uint8)
                    self._settle(rows, slice(0, width), before, after, ids)
                    dropped_px += self._dropped(tile_row, after)
                    differs = before != after
                    ids[differs] = 0
                    assigned.apply(ids, top, 0)
                    painted = differs & (of_class(after, self._painted_classes) != 0)
                    unnumbered_px += int(np.count_nonzero(painted & (ids == 0)))
                else:
                    assigned.apply(ids, top, 0)  # parts that were cut off reach beyond what was painted
                if len(lost):
                    remaining.update(np.unique(ids[np.isin(ids, lost)]).tolist())
                if writer is not None:
                    writer.write(top, 0, ids)
            if writer is not None:
                writer.finish()
        except BaseException:
            if writer is not None:
                writer.discard()
            raise
        return CarriedIds(
            self._classes,
            self._joined_px,
            self._new,
            self._parted,
            len(lost) - len(remaining),
            unnumbered_px,
            dropped_px,
        )


def _regions(changed: Collection[tuple[int, int]], shape_yx: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """Rows and columns around each group of changed tiles that touch, one pixel more on each side."""
    if not changed:
        return
    tiles = np.zeros((max(row for row, _ in changed) + 1, max(column for _, column in changed) + 1), bool)
    for place in changed:
        tiles[place] = True
    groups, _ = ndimage.label(tiles, _EIGHT)
    for box in ndimage.find_objects(groups):
        yield tuple(  # type: ignore[misc]
            slice(max(side.start * TILE_PX - 1, 0), min(side.stop * TILE_PX + 1, length))
            for side, length in zip(box, shape_yx, strict=True)
        )


def _touched(
    strokes: NDArray[Any], painted: NDArray[np.uint8], after: NDArray[np.uint8], ids: NDArray[np.uint32]
) -> tuple[dict[int, tuple[int, ...]], set[int]]:
    """The objects of the same class that each stroke touches; and the strokes beside pixels of it without an id."""
    pairs: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    for dy, dx in _AROUND:
        own, other = _shifted(dy, dx)
        beside = (strokes[own] != 0) & (painted[other] == 0) & (after[other] == painted[own])
        pairs.append(np.unique(strokes[own][beside].astype(np.int64) << 32 | ids[other][beside]))
    found = np.unique(np.concatenate(pairs))
    touched: dict[int, tuple[int, ...]] = {}
    bare: set[int] = set()
    for stroke, number in zip((found >> 32).tolist(), (found & 0xFFFFFFFF).tolist(), strict=True):
        if number:
            touched[stroke] = (*touched.get(stroke, ()), number)
        else:
            bare.add(stroke)
    return touched, bare


def _shifted(dy: int, dx: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Slices of pixels and of their neighbours in one direction."""

    def both(step: int) -> tuple[slice, slice]:
        return slice(max(-step, 0), -step if step > 0 else None), slice(max(step, 0), step if step < 0 else None)

    (own_y, other_y), (own_x, other_x) = both(dy), both(dx)
    return (own_y, own_x), (other_y, other_x)


def _grown(mask: NDArray[np.bool_], ids: NDArray[np.uint32], objects: tuple[int, ...]) -> NDArray[np.uint32]:
    """Ids for the pixels of a stroke: each object grows into it by a pixel at a time; of two at once, the lower id."""
    grown = np.where(np.isin(ids, np.array(objects, np.uint32)), ids, np.uint32(0))
    open_yx = mask & (grown == 0)
    while open_yx.any():
        best = np.full(grown.shape, MOST_ID, np.uint32)
        for dy, dx in _AROUND:
            own, other = _shifted(dy, dx)
            near = np.where(grown[other] != 0, grown[other], np.uint32(MOST_ID))
            best[own] = np.minimum(best[own], near)
        reached = open_yx & (best != MOST_ID)
        if not reached.any():
            break
        grown[reached] = best[reached]
        open_yx &= ~reached
    return grown
