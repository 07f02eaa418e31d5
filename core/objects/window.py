"""Decisions about pieces of a label map that is seen from top to bottom, a window of rows at a time.

A piece that reaches the lowest row seen so far may grow. What it will be is decided when it is known for certain, so
that the result is the same however the image is cut into windows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from core.imaging.row_bands import row_bands
from core.label_scheme import IGNORE_ID
from core.objects.rules import PixelLimits

_NEIGHBOURS: Final = ((-1, 0), (1, 0), (0, -1), (0, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Rows of a label map that are not decided yet.

    Parameters
    ----------
    labels_yx
        uint8, shape (rows, columns).
    above_x
        uint8, shape (columns,): the row above, as it was before it was decided; None at the top of the image.
    changed_above_x
        bool, same shape: where the row above was changed.
    last
        Whether the last row is the last of the image.
    """

    labels_yx: NDArray[np.uint8]
    above_x: NDArray[np.uint8] | None
    changed_above_x: NDArray[np.bool_] | None
    last: bool

    def label_at(self, row: NDArray[np.int64], column: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Labels of pixels; row -1 is the row above."""
        found = self.labels_yx[np.maximum(row, 0), column]
        return found if self.above_x is None else np.where(row < 0, self.above_x[column], found)

    def beside(
        self, row: NDArray[np.int64], column: NDArray[np.int64], down: int, right: int
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
        """The neighbours of pixels in one direction: which of them there are, and the rows and columns of these."""
        y, x = row + down, column + right
        rows, columns = self.labels_yx.shape
        first = 0 if self.above_x is None else -1
        there = (y >= first) & (y < rows) & (x >= 0) & (x < columns)
        return there, y[there], x[there]


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """What becomes of the pieces of a window.

    Parameters
    ----------
    pieces_yx
        Number of the piece of each pixel, 0: none.
    becomes
        int16, shape (pieces + 1,): class id that a piece becomes, -1: it stays.
    open
        bool, same shape: not decided yet.
    """

    pieces_yx: NDArray[Any]
    becomes: NDArray[np.int16]
    open: NDArray[np.bool_]


def removed_specks(window: Window, limits: PixelLimits) -> Decision:
    """Pieces of a class (8-connected) that are too small become what most of their 4-neighbours are.

    Neighbours that are removed themselves, or *ignore*, do not count; without any other the piece becomes background.
    Of classes with equal counts the lowest id is taken.
    """
    labels_yx = window.labels_yx
    pieces_yx, count = connected(np.where(labels_yx == IGNORE_ID, np.uint8(0), labels_yx), 8)
    class_of, area_px = piece_facts(pieces_yx, labels_yx, count)
    cut = at_edge(pieces_yx, window, count) | beside_ignored(pieces_yx, window, count)
    continued = _continued(pieces_yx, window, count)
    most = np.maximum(limits.smallest, limits.smallest_cut)
    growing = _in_last_row(pieces_yx, window, count)
    large = (area_px >= most[class_of]) | continued
    limit = np.where(cut, limits.smallest_cut[class_of], limits.smallest[class_of])
    removed = ~large & ~growing & (area_px < limit)
    is_open = growing & ~large
    removed[0] = is_open[0] = False
    becomes = np.full(count + 1, -1, np.int16)
    if removed.any():
        becomes[removed] = 0
        _vote(becomes, pieces_yx, window, removed, is_open)
    return Decision(pieces_yx, becomes, is_open)


def filled_holes(window: Window, limits: PixelLimits) -> Decision:
    """Pieces of background (4-connected) that one class encloses become that class, if they are small enough.

    A piece at the edge of the image or beside *ignore* or beside two classes is no hole.
    """
    labels_yx = window.labels_yx
    pieces_yx, count = connected((labels_yx == 0).astype(np.uint8), 4)
    _, area_px = piece_facts(pieces_yx, labels_yx, count)
    growing = _in_last_row(pieces_yx, window, count)
    candidate = area_px <= limits.largest_hole.max()
    candidate &= ~at_edge(pieces_yx, window, count)  # one that goes on above has background beside it
    candidate[0] = False
    enclosing = enclosing_class(pieces_yx, window, candidate)
    candidate &= area_px <= limits.largest_hole[enclosing]
    becomes = np.full(count + 1, -1, np.int16)
    decided = candidate & ~growing
    becomes[decided] = enclosing[decided]
    return Decision(pieces_yx, becomes, candidate & growing)


def enclosing_class(pieces_yx: NDArray[Any], window: Window, chosen: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The one class that all 4-neighbours of a piece have, as far as the window shows; 0 where there is no such class.

    Parameters
    ----------
    pieces_yx
        Number of the piece of each pixel, 0: none.
    window
        The labels.
    chosen
        bool, shape (pieces + 1,): the pieces that are asked for.

    Returns
    -------
    ndarray
        uint8, shape (pieces + 1,); 0 for pieces that are not asked for.
    """
    piece, label = _surroundings(pieces_yx, window, chosen)
    lowest, highest = np.full(len(chosen), 256), np.full(len(chosen), -1)
    np.minimum.at(lowest, piece, label)
    np.maximum.at(highest, piece, label)
    return np.where((lowest == highest) & (highest != IGNORE_ID), highest, 0).astype(np.uint8)


def decided_rows(decision: Decision) -> int:
    """How many rows from the top hold nothing that is open, and no part of a change that goes on below."""
    changed = decision.becomes >= 0
    rows = int(decision.pieces_yx.shape[0])
    if not decision.open.any():
        return rows
    top, bottom = _extents(decision.pieces_yx, decision.open | changed)
    limit = int(top[decision.open].min())
    while True:
        across = changed & (top < limit) & (bottom >= limit)
        if not across.any():
            return limit
        limit = int(top[across].min())


def connected(values_yx: NDArray[np.uint8], connectivity: Literal[4, 8]) -> tuple[NDArray[Any], int]:
    """Connected pieces of equal values other than 0."""
    import cc3d

    pieces, count = cc3d.connected_components(np.ascontiguousarray(values_yx), connectivity=connectivity, return_N=True)
    return pieces, int(count)


def piece_facts(
    pieces_yx: NDArray[Any], labels_yx: NDArray[np.uint8], count: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Class and pixels of each piece; number 0 has class 0."""
    class_of = np.zeros(count + 1, np.uint8)
    area_px = np.zeros(count + 1, np.int64)
    for band in row_bands(pieces_yx.shape):
        flat = pieces_yx[band].ravel()
        starts = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]]))
        numbers = flat[starts]
        class_of[numbers] = labels_yx[band].ravel()[starts]
        lengths = np.diff(starts, append=flat.size)
        area_px += np.bincount(numbers, lengths, count + 1).astype(np.int64)
    class_of[0] = 0
    return class_of, area_px


def _marked(count: int, *numbers: NDArray[Any]) -> NDArray[np.bool_]:
    """True for the pieces whose numbers are given."""
    marks = np.zeros(count + 1, bool)
    for some in numbers:
        marks[some] = True
    marks[0] = False
    return marks


def at_edge(pieces_yx: NDArray[Any], window: Window, count: int) -> NDArray[np.bool_]:
    """Pieces that touch the edge of the image."""
    edges = [pieces_yx[:, 0], pieces_yx[:, -1]]
    if window.above_x is None:
        edges.append(pieces_yx[0])
    if window.last:
        edges.append(pieces_yx[-1])
    return _marked(count, *edges)


def _in_last_row(pieces_yx: NDArray[Any], window: Window, count: int) -> NDArray[np.bool_]:
    """Pieces that may go on below."""
    return np.zeros(count + 1, bool) if window.last else _marked(count, pieces_yx[-1])


def _continued(pieces_yx: NDArray[Any], window: Window, count: int) -> NDArray[np.bool_]:
    """Pieces of classes that go on above: they were decided to stay."""
    if window.above_x is None:
        return np.zeros(count + 1, bool)
    labels_x, pieces_x, above_x = window.labels_yx[0], pieces_yx[0], window.above_x
    return _marked(
        count,
        pieces_x[labels_x == above_x],
        pieces_x[1:][labels_x[1:] == above_x[:-1]],
        pieces_x[:-1][labels_x[:-1] == above_x[1:]],
    )


def beside_ignored(pieces_yx: NDArray[Any], window: Window, count: int) -> NDArray[np.bool_]:
    """Pieces with *ignore* among their 8 neighbours."""
    row, column = np.nonzero(window.labels_yx == IGNORE_ID)
    if window.above_x is not None:
        above = np.flatnonzero(window.above_x == IGNORE_ID)
        row, column = np.append(row, np.full(above.size, -1)), np.append(column, above)
    marks = np.zeros(count + 1, bool)
    for down in (-1, 0, 1) if row.size else ():
        for right in (-1, 0, 1):
            _, y, x = window.beside(row, column, down, right)
            marks[pieces_yx[y[y >= 0], x[y >= 0]]] = True
    marks[0] = False
    return marks


def _surroundings(
    pieces_yx: NDArray[Any], window: Window, chosen: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Pairs (piece, label) for every 4-neighbour outside of each pixel of the chosen pieces; the row above too."""
    pieces: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    labels: list[NDArray[np.uint8]] = [np.zeros(0, np.uint8)]
    for piece, row, column in _pixels(pieces_yx, chosen):
        for down, right in _NEIGHBOURS:
            there, y, x = window.beside(row, column, down, right)
            here = piece[there]
            outside = (y < 0) | (pieces_yx[np.maximum(y, 0), x] != here)
            pieces.append(here[outside].astype(np.int64))
            labels.append(window.label_at(y[outside], x[outside]))
    return np.concatenate(pieces), np.concatenate(labels)


def _pixels(
    pieces_yx: NDArray[Any], chosen: NDArray[np.bool_]
) -> Iterator[tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]]:
    """Piece, row and column of every pixel of the chosen pieces, band by band."""
    if not chosen.any():
        return
    for band in row_bands(pieces_yx.shape):
        flat = pieces_yx[band].ravel()
        at = np.flatnonzero(chosen[flat])  # much faster than in two dimensions
        if at.size:
            row, column = np.divmod(at, pieces_yx.shape[1])
            yield flat[at], row + band.start, column


def _vote(
    becomes: NDArray[np.int16],
    pieces_yx: NDArray[Any],
    window: Window,
    removed: NDArray[np.bool_],
    is_open: NDArray[np.bool_],
) -> None:
    """Set what the removed pieces become; those beside an open piece become open themselves."""
    votes: list[NDArray[np.int64]] = []
    waiting = np.zeros(len(removed), bool)
    for piece, row, column in _pixels(pieces_yx, removed):
        for down, right in _NEIGHBOURS:
            there, y, x = window.beside(row, column, down, right)
            here, above = piece[there].astype(np.int64), y < 0
            other = np.where(above, 0, pieces_yx[np.maximum(y, 0), x])
            label = window.label_at(y, x)
            counts = (label != IGNORE_ID) & ~removed[other]
            if window.changed_above_x is not None:
                counts &= ~(above & window.changed_above_x[x])
            votes.append(here[counts] << 8 | label[counts])
            waiting[here[is_open[other]]] = True
    keys, number = np.unique(np.concatenate(votes), return_counts=True)
    order = np.lexsort((-(keys & 255), number, keys >> 8))  # last of each piece: most votes, of equals the lowest id
    voted, winner = (keys >> 8)[order], (keys & 255)[order]
    decides = np.append(voted[1:] != voted[:-1], True)[: len(voted)]
    becomes[voted[decides]] = winner[decides]
    becomes[waiting] = -1
    is_open |= waiting


def _extents(pieces_yx: NDArray[Any], chosen: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last row of the chosen pieces; beyond the window for the others."""
    rows = pieces_yx.shape[0]
    top, bottom = np.full(len(chosen), rows, np.int64), np.full(len(chosen), -1, np.int64)
    for piece, row, _ in _pixels(pieces_yx, chosen):
        np.minimum.at(top, piece, row)
        np.maximum.at(bottom, piece, row)
    return top, bottom
