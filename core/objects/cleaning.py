"""Label maps without what their classes cannot be: specks are removed, small holes filled, and it can be undone.

`CleaningSink` does it while blocks of a prediction arrive; the result is the same as with the whole map at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.imaging.array_archive import damaged_archive, load_arrays, save_arrays
from core.imaging.block_sink import BlockSink
from core.objects.rules import PixelLimits
from core.objects.window import Decision, Window, decided_rows, filled_holes, removed_specks

Decide = Callable[[Window, PixelLimits], Decision]


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """What cleaning changed, so that the map before can be had again.

    Parameters
    ----------
    start, length
        int64: stretches of pixels in reading order of the whole map.
    before
        uint8: class id of each stretch before.
    removed, filled
        int64, shape (256,): pieces removed, and holes filled, of each class.
    """

    start: NDArray[np.int64]
    length: NDArray[np.int64]
    before: NDArray[np.uint8]
    removed: NDArray[np.int64]
    filled: NDArray[np.int64]

    @classmethod
    def none(cls) -> Changes:
        """Nothing was changed."""
        nothing, counts = np.zeros(0, np.int64), np.zeros(256, np.int64)
        return cls(nothing, nothing, np.zeros(0, np.uint8), counts, counts)

    @property
    def pixels(self) -> int:
        """Pixels that changed."""
        return int(self.length.sum())

    def undo(self, labels_yx: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The map before, from the map after; a new array.

        Raises
        ------
        LabelMapError
            The changes are of a larger map.
        """
        if self.start.size and int(self.start[-1] + self.length[-1]) > labels_yx.size:
            raise LabelMapError(
                f"The changes extend beyond the label map of {labels_yx.size} px.", "Segment the image again."
            )
        raw_yx = np.array(labels_yx, np.uint8, order="C")
        if self.start.size:
            first = np.repeat(self.start - np.append(0, np.cumsum(self.length)[:-1]), self.length)
            raw_yx.ravel()[first + np.arange(first.size)] = np.repeat(self.before, self.length)
        return raw_yx

    def save(self, path: Path) -> None:
        """Write as NumPy's archive, atomically. Raises StorageFullError where the disk is full."""
        save_arrays(path, **{name: getattr(self, name) for name in self.__slots__})

    @classmethod
    def load(cls, path: Path) -> Changes | None:
        """Read what `save` wrote; None where there is none.

        Raises
        ------
        LabelMapError
            The file is damaged.
        """
        kept = load_arrays(path)
        if kept is None:
            return None
        try:
            return cls(**{name: kept[name] for name in cls.__slots__})
        except (KeyError, ValueError) as error:
            raise damaged_archive(path, error) from error


class CleaningSink:
    """Cleans full-width blocks on their way to another sink.

    Rows are held back while a piece in them may still grow: at most about as many as the largest area that is removed,
    usually some dozens. Confidence stays what it was.

    Parameters
    ----------
    sink
        Receives the cleaned blocks, from top to bottom.
    shape_yx
        Of the whole map.
    limits
        In pixels of this map.
    """

    def __init__(self, sink: BlockSink, shape_yx: tuple[int, int], limits: PixelLimits) -> None:
        self._sink = sink
        self._shape = shape_yx
        steps: list[Decide] = []
        if limits.removes:
            steps.append(removed_specks)
        if limits.fills:
            steps.append(filled_holes)
        self._stages = [_Stage(step, limits) for step in steps]
        self._raw: NDArray[np.uint8] = np.zeros((0, shape_yx[1]), np.uint8)
        self._confidence = self._raw
        self._received = self._sent = 0
        self._start: list[NDArray[np.int64]] = []
        self._length: list[NDArray[np.int64]] = []
        self._before: list[NDArray[np.uint8]] = []

    def write(self, row: int, col: int, labels_yx: NDArray[np.uint8], confidence_yx: NDArray[np.uint8]) -> None:
        """Take the next rows.

        Raises
        ------
        LabelMapError
            They are not as wide as the map, or not the next.
        """
        if row != self._received or col != 0 or labels_yx.shape[1] != self._shape[1]:
            raise LabelMapError(
                f"Rows from {row} were written, but rows from {self._received} were expected.",
                "Write the rows in order.",
            )
        self._received += len(labels_yx)
        self._raw = np.concatenate([self._raw, labels_yx])
        self._confidence = np.concatenate([self._confidence, confidence_yx])
        decided_yx, last = labels_yx, self._received == self._shape[0]
        for stage in self._stages:
            decided_yx = stage.push(decided_yx, last=last)
        if len(decided_yx):
            self._send(decided_yx)

    def _send(self, labels_yx: NDArray[np.uint8]) -> None:
        rows = len(labels_yx)
        raw_yx, confidence_yx = self._raw[:rows], self._confidence[:rows]
        self._note(raw_yx, labels_yx)
        self._raw, self._confidence = self._raw[rows:].copy(), self._confidence[rows:].copy()
        self._sink.write(self._sent, 0, labels_yx, confidence_yx)
        self._sent += rows

    def _note(self, raw_yx: NDArray[np.uint8], labels_yx: NDArray[np.uint8]) -> None:
        """Remember what was changed in these rows."""
        at = np.flatnonzero(raw_yx.ravel() != labels_yx.ravel())
        if not at.size:
            return
        before = raw_yx.ravel()[at]
        begins = np.append(True, (np.diff(at) != 1) | (before[1:] != before[:-1]))
        starts = np.flatnonzero(begins)
        self._start.append(at[starts].astype(np.int64) + self._sent * self._shape[1])
        self._length.append(np.diff(starts, append=at.size).astype(np.int64))
        self._before.append(before[starts])

    def changes(self) -> Changes:
        """What was changed; of the whole map once its last row was written."""
        counts: dict[Decide, NDArray[np.int64]] = {step: np.zeros(256, np.int64) for step in _STEPS}
        for stage in self._stages:
            counts[stage.decide] = stage.counts
        return Changes(
            _joined(self._start, np.int64), _joined(self._length, np.int64), _joined(self._before, np.uint8),
            counts[removed_specks], counts[filled_holes],
        )  # fmt: skip


_STEPS: Final[tuple[Decide, ...]] = (removed_specks, filled_holes)


@dataclass(slots=True, eq=False)
class _Stage:
    """One kind of decision, and the rows that wait for it."""

    decide: Decide
    limits: PixelLimits
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))
    _held: NDArray[np.uint8] | None = None
    _above: NDArray[np.uint8] | None = None
    _changed_above: NDArray[np.bool_] | None = None

    def push(self, labels_yx: NDArray[np.uint8], *, last: bool) -> NDArray[np.uint8]:
        """Take the next rows, none or more; give those that are decided now."""
        held = labels_yx if self._held is None else np.concatenate([self._held, labels_yx])
        if not len(held):
            return held
        decision = self.decide(Window(held, self._above, self._changed_above, last), self.limits)
        rows = decided_rows(decision)
        if not rows:
            self._held = held
            return held[:0]
        decided = held[:rows].copy()
        self._above, self._changed_above = decided[-1].copy(), np.zeros(decided.shape[1], bool)
        changes = decision.becomes >= 0
        if changes.any():
            pieces = decision.pieces_yx[:rows].ravel()
            at = np.flatnonzero(changes[pieces])
            self._count(pieces[at], decided.ravel()[at], decision.becomes)
            decided.ravel()[at] = decision.becomes[pieces[at]]
            self._changed_above = changes[pieces[-decided.shape[1] :]]
        self._held = held[rows:].copy()
        return decided

    def _count(self, pieces: NDArray[Any], before: NDArray[np.uint8], becomes: NDArray[np.int16]) -> None:
        """Count the changed pieces by the class that was removed or filled."""
        number, at = np.unique(pieces, return_index=True)
        classes = before[at] if self.decide is removed_specks else becomes[number]
        self.counts += np.bincount(classes, minlength=256)


class _Kept:
    """A sink that keeps the labels."""

    def __init__(self, shape_yx: tuple[int, int]) -> None:
        self.labels_yx = np.zeros(shape_yx, np.uint8)

    def write(self, row: int, col: int, labels_yx: NDArray[np.uint8], confidence_yx: NDArray[np.uint8]) -> None:
        self.labels_yx[row : row + len(labels_yx)] = labels_yx


def cleaned(labels_yx: NDArray[np.uint8], limits: PixelLimits) -> tuple[NDArray[np.uint8], Changes]:
    """A whole label map without specks and small holes.

    First, pieces of a class (8-connected) below its smallest area become what most of their 4-neighbours are; then
    background (4-connected) that one class encloses becomes that class where it is no larger than the largest hole.

    Parameters
    ----------
    labels_yx
        uint8, shape (rows, columns); 255 is *ignore* and never changes.
    limits
        In pixels of this map.

    Returns
    -------
    ndarray
        uint8, same shape; a new array.
    Changes
        What was done.

    Examples
    --------
    >>> import numpy as np
    >>> from core.objects.rules import AreaUnit, ObjectRule, ObjectRules
    >>> rules = ObjectRules((ObjectRule(class_id=1, smallest=2.0, smallest_cut=2.0),), AreaUnit.PX)
    >>> labels = np.array([[0, 1, 1, 0, 0], [0, 0, 0, 0, 1]], np.uint8)
    >>> after, changes = cleaned(labels, rules.limits(None))
    >>> after.tolist(), int(changes.removed[1])
    ([[0, 1, 1, 0, 0], [0, 0, 0, 0, 0]], 1)
    """
    rows, columns = labels_yx.shape
    kept = _Kept((rows, columns))
    sink = CleaningSink(kept, (rows, columns), limits)
    if labels_yx.size:
        sink.write(0, 0, labels_yx, np.broadcast_to(np.uint8(0), (rows, columns)))
    return kept.labels_yx, sink.changes()


def _joined(parts: list[NDArray[Any]], dtype: type[np.generic]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, dtype)
