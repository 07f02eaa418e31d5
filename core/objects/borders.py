"""Borders between objects that touch: how long each is, where, and how strongly its pixels part the two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_STRAIGHT: Final = np.pi / 4
"""Length of a border for each pair of pixels, beside or above each other, that it lies between, whatever its slope."""

Measured = tuple[float, float]
"""Level and width of a cut, as `core.objects.odds` has them."""


@dataclass(frozen=True, slots=True)
class Border:
    """Between two objects.

    Parameters
    ----------
    pair
        Their ids, ascending.
    pixels
        Pairs of pixels beside or above each other that it lies between.
    level
        Mean level of these.
    row, column
        Its middle.
    class_id
        Of the objects.
    """

    pair: tuple[int, int]
    pixels: float
    level: float
    row: int
    column: int
    class_id: int

    def measured(self, smaller_px: float) -> Measured:
        """Level, and width beside a part with so many pixels."""
        return self.level, relative_width(self.pixels, smaller_px)


def relative_width(pixels: float, smaller_px: float) -> float:
    """Length of a border of so many pairs of pixels, by the diameter of a disc of the smaller part's area."""
    return float(pixels * _STRAIGHT / (2 * np.sqrt(max(smaller_px, 1) / np.pi)))


class Borders:
    """Collects the borders of a label map, band by band."""

    def __init__(self) -> None:
        self._keys: list[NDArray[np.uint64]] = []
        self._sums: list[NDArray[np.float64]] = []

    def add(
        self,
        ids: NDArray[np.uint32],
        labels: NDArray[np.uint8],
        chosen: NDArray[np.bool_],
        levels: NDArray[np.uint8],
        band: slice,
    ) -> None:
        """Take a band of rows.

        Parameters
        ----------
        ids, labels, levels
            Of the band and, unless it is the last, the row below it; shape (rows, columns).
        chosen
            bool, shape (256,): the classes whose objects count.
        band
            Rows of the label map.
        """
        height = band.stop - band.start
        for here, there in ((np.s_[:-1], np.s_[1:]), (np.s_[:height, :-1], np.s_[:height, 1:])):
            one, other = ids[here], ids[there]
            beside = (one != other) & (one != 0) & (other != 0) & (labels[here] == labels[there])
            row, column = np.nonzero(beside)
            row, column = (at[chosen[labels[here][row, column]]] for at in (row, column))
            if not row.size:
                continue
            one, other = one[row, column], other[row, column]
            key = np.minimum(one, other).astype(np.uint64) << np.uint64(32) | np.maximum(one, other)
            level = (levels[here][row, column].astype(np.float64) + levels[there][row, column]) / 2
            facts = (np.ones_like(level), level, row + band.start, column, labels[here][row, column])
            keys, place = np.unique(key, return_inverse=True)
            self._keys.append(keys)
            self._sums.append(np.stack([np.bincount(place, fact, len(keys)) for fact in facts]))

    def found(self) -> Iterator[Border]:
        """Each, in order of its ids."""
        if not self._keys:
            return
        keys, place = np.unique(np.concatenate(self._keys), return_inverse=True)
        sums = np.stack([np.bincount(place, fact, len(keys)) for fact in np.concatenate(self._sums, axis=1)])
        level, row, column, class_id = sums[1:] / sums[0]
        for at, key in enumerate(keys.tolist()):
            yield Border(
                (key >> 32, key & 0xFFFFFFFF), float(sums[0, at]), float(level[at]), round(row[at]),
                round(column[at]), round(class_id[at]),
            )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """Where two groups of parts of an object touch.

    Parameters
    ----------
    measured
        Level and width.
    row, column
        A place on it.
    one, other
        Numbers of the parts on each side.
    """

    measured: Measured
    row: int
    column: int
    one: tuple[int, ...]
    other: tuple[int, ...]


def merge_steps(
    parts: NDArray[np.uint32], levels: NDArray[np.uint8], likely: Callable[[Measured], float]
) -> Iterator[Cut]:
    """Put the parts of an object together again, the likeliest to be one first.

    Parameters
    ----------
    parts
        uint32, shape (rows, columns): part of each pixel, 0: none.
    levels
        uint8, same shape: how strongly each pixel parts objects.
    likely
        Gives a number for a cut that is the higher, the likelier it lies between two objects.

    Yields
    ------
    Cut
        One less than there are parts, if all hang together.
    """
    borders = Borders()
    borders.add(parts, np.ones(parts.shape, np.uint8), np.ones(256, bool), levels, slice(0, parts.shape[0]))
    area_px = dict(enumerate(np.bincount(parts.ravel()).tolist()))
    members: dict[int, tuple[int, ...]] = {number: (number,) for number in area_px if number}
    between = {border.pair: border for border in borders.found()}

    def measured(pair: tuple[int, int]) -> Measured:
        return between[pair].measured(min(area_px[pair[0]], area_px[pair[1]]))

    while between:
        pair = min(between, key=lambda pair: (likely(measured(pair)), pair))
        at, (kept, gone) = between[pair], pair
        yield Cut(measured(pair), at.row, at.column, members[kept], members[gone])
        del between[pair]
        area_px[kept] += area_px.pop(gone)
        members[kept] += members.pop(gone)
        for beside in [beside for beside in between if gone in beside]:
            moved = between.pop(beside)
            far = beside[0] if beside[1] == gone else beside[1]
            joined = (min(kept, far), max(kept, far))
            between[joined] = _together(between.get(joined), moved, joined)


def _together(one: Border | None, other: Border, pair: tuple[int, int]) -> Border:
    """Two borders as one; the place is that of the longer."""
    if one is None:
        return Border(pair, other.pixels, other.level, other.row, other.column, other.class_id)
    longer, pixels = max(one, other, key=lambda border: border.pixels), one.pixels + other.pixels
    level = (one.level * one.pixels + other.level * other.pixels) / pixels
    return Border(pair, pixels, level, longer.row, longer.column, longer.class_id)
