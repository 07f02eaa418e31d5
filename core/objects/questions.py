"""Questions about objects, "one or two?", beside a label map: where its separation of touching objects is in doubt.

Two touching objects may be one that was cut, and one object may be two that were not. Each place has a probability
that it is two. The most doubtful places are asked about; of the others only what counts need is kept. A question has a
number in its label map that never changes, so that answers can be kept elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.imaging.array_archive import damaged_archive, load_arrays, save_arrays
from core.label_scheme import IGNORE_ID
from core.morphometry.doubts import Doubts

MOST_ASKED: Final = 500
"""Questions of a label map that are asked, the most doubtful first: more than anybody answers."""

SURE: Final = 0.05
"""Places that are one, or two, with a probability below this are not asked about, and counts take them as they are."""

_COLUMNS: Final = ("class_id", "two", "p", "ids", "area_px", "place", "box")


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One place.

    Parameters
    ----------
    number
        Among all of the label map, from 0.
    class_id
        Of the objects.
    two
        Whether the label map has two objects there now.
    p
        Probability that it is two, 0 to 1.
    ids
        The two objects, or the one and 0; 0 too for pieces, which have no ids.
    row, column
        A pixel of the cut.
    box
        Top, left, bottom, right of the cut and the smaller part; bottom and right lie outside.
    side_yx
        bool, shape of the box: pixels of the smaller part. "Two" makes an object of them where there is one.
    """

    number: int
    class_id: int
    two: bool
    p: float
    ids: tuple[int, int]
    row: int
    column: int
    box: tuple[int, int, int, int]
    side_yx: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """All doubtful places of a label map, the most doubtful first.

    Parameters
    ----------
    class_id, two, p, ids, area_px
        As in `Doubts`.
    place
        int64, shape (n, 2): row and column of a pixel of the cut.
    box
        int64, shape (n, 4): as `Question.box`.
    sides
        uint8: bits of the masks of the first places in turn, `Question.side_yx`, each from a new byte.
    shape_yx
        Rows and columns of the label map.
    guessed
        Whether the probabilities are a guess, because no held-out labels told how often such a place is two.
    """

    class_id: NDArray[np.uint8]
    two: NDArray[np.bool_]
    p: NDArray[np.float64]
    ids: NDArray[np.int64]
    area_px: NDArray[np.int64]
    place: NDArray[np.int64]
    box: NDArray[np.int64]
    sides: NDArray[np.uint8]
    shape_yx: tuple[int, int]
    guessed: bool = True

    @classmethod
    def none(cls, shape_yx: tuple[int, int]) -> Questions:
        """Nothing is in doubt."""
        nothing, pairs = np.zeros(0), np.zeros((0, 2), np.int64)
        return cls(
            nothing.astype(np.uint8), nothing.astype(bool), nothing, pairs, pairs, pairs, np.zeros((0, 4), np.int64),
            nothing.astype(np.uint8), shape_yx,
        )  # fmt: skip

    @classmethod
    def of(cls, found: Sequence[Question], areas: Sequence[tuple[int, int]], shape_yx: tuple[int, int], *,
           guessed: bool, most: int = MOST_ASKED) -> Questions:  # fmt: skip
        """In order of doubt; numbers are given anew.

        Parameters
        ----------
        found, areas
            Places, and the pixels of their two parts.
        most
            Masks are kept of so many.
        """
        order = sorted(range(len(found)), key=lambda at: (abs(found[at].p - 0.5), found[at].row, found[at].column))
        ranked = [found[at] for at in order]
        return cls(
            np.array([each.class_id for each in ranked], np.uint8),
            np.array([each.two for each in ranked], bool),
            np.array([each.p for each in ranked], np.float64),
            np.array([each.ids for each in ranked], np.int64).reshape(-1, 2),
            np.array([areas[at] for at in order], np.int64).reshape(-1, 2),
            np.array([(each.row, each.column) for each in ranked], np.int64).reshape(-1, 2),
            np.array([each.box for each in ranked], np.int64).reshape(-1, 4),
            np.concatenate([np.zeros(0, np.uint8), *(np.packbits(each.side_yx) for each in ranked[:most])]),
            shape_yx,
            guessed,
        )

    def __len__(self) -> int:
        return len(self.class_id)

    @property
    def asked(self) -> int:
        """The first so many are asked; the others only count for intervals."""
        starts = np.cumsum([0, *self._bytes()])
        return int(np.searchsorted(starts, len(self.sides), "right")) - 1

    @property
    def left_out(self) -> int:
        """Doubtful places that are not asked about."""
        return len(self) - self.asked

    def __getitem__(self, number: int) -> Question:
        """A question that is asked.

        Raises
        ------
        LabelMapError
            There is none with this number.
        """
        if not 0 <= number < self.asked:
            raise LabelMapError(
                f"The label map has no question {number}; it has {self.asked}.", "Reload the page and answer again."
            )
        sizes = self._bytes()
        start = sum(sizes[:number])
        top, left, bottom, right = (int(value) for value in self.box[number])
        count = (bottom - top) * (right - left)
        bits = np.unpackbits(self.sides[start : start + sizes[number]], count=count)
        return Question(
            number, int(self.class_id[number]), bool(self.two[number]), float(self.p[number]),
            (int(self.ids[number, 0]), int(self.ids[number, 1])), int(self.place[number, 0]),
            int(self.place[number, 1]), (top, left, bottom, right),
            bits.astype(bool).reshape(bottom - top, right - left),
        )  # fmt: skip

    def doubts(self, answered: Collection[int] = ()) -> Doubts:
        """What counts need of the questions that are not answered."""
        kept = np.ones(len(self), bool)
        kept[[number for number in answered if 0 <= number < len(self)]] = False
        return Doubts(self.class_id, self.two, self.p, self.ids, self.area_px).where(kept)

    def where(self, chosen: NDArray[np.bool_]) -> Questions:
        """Only the chosen ones, numbered anew."""
        starts = np.cumsum([0, *self._bytes()])
        kept = [self.sides[starts[at] : starts[at + 1]] for at in np.flatnonzero(chosen[: self.asked])]
        sides = np.concatenate([np.zeros(0, np.uint8), *kept])
        return replace(self, sides=sides, **{name: getattr(self, name)[chosen] for name in _COLUMNS})

    def translated(self, lookup: NDArray[np.uint8]) -> Questions:
        """Those of a label map whose classes were replaced; without classes that are none any more.

        Parameters
        ----------
        lookup
            uint8, shape (256,): new id of each.
        """
        class_id = lookup[self.class_id]
        return replace(self, class_id=class_id).where((class_id != 0) & (class_id != IGNORE_ID))

    def save(self, path: Path) -> None:
        """Write as NumPy's archive, atomically. Raises StorageFullError where the disk is full."""
        columns = {name: getattr(self, name) for name in _COLUMNS}
        save_arrays(path, sides=self.sides, shape_yx=self.shape_yx, guessed=self.guessed, **columns)

    @classmethod
    def load(cls, path: Path) -> Questions | None:
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
            rows, columns = (int(length) for length in kept["shape_yx"])
            return cls(
                **{name: kept[name] for name in _COLUMNS}, sides=kept["sides"], shape_yx=(rows, columns),
                guessed=bool(kept["guessed"]),
            )  # fmt: skip
        except (KeyError, ValueError, TypeError) as error:
            raise damaged_archive(path, error) from error

    def _bytes(self) -> list[int]:
        """Of the mask of each place, whether it is kept or not."""
        high, wide = self.box[:, 2] - self.box[:, 0], self.box[:, 3] - self.box[:, 1]
        sizes: list[int] = (-(-(high * wide) // 8)).tolist()
        return sizes
