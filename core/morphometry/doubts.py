"""How sure a number of objects is: the interval that doubtful places leave, said in one place for every table.

At a doubtful place two objects may be one, or one may be two. Each has a probability that it is two. Until somebody has
answered, the number of objects is a sum of independent yes-or-no events (Poisson binomial) around what was counted; the
interval is its middle 95 %, widened to hold the number that was counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from core.evaluation.words import with_interval

LEVEL: Final = 0.95
"""Of the interval."""

EXACT_UP_TO: Final = 2000
"""Doubtful places whose distribution is worked out exactly; of more, the normal distribution is as good."""

_NORMAL: Final = 1.959964
"""Standard deviations to each side that hold `LEVEL`."""


@dataclass(frozen=True, slots=True, eq=False)
class Doubts:
    """The unanswered places of a label map at which it is not sure whether there is one object or two.

    Parameters
    ----------
    class_id
        uint8, shape (n,).
    two
        bool, shape (n,): the label map has two objects there.
    p
        float64, shape (n,), 0 to 1: probability that it is two.
    ids
        int64, shape (n, 2): the two objects, or the one and 0.
    area_px
        int64, shape (n, 2): pixels of both parts.
    """

    class_id: NDArray[np.uint8]
    two: NDArray[np.bool_]
    p: NDArray[np.float64]
    ids: NDArray[np.int64]
    area_px: NDArray[np.int64]

    @classmethod
    def none(cls) -> Doubts:
        """No doubt anywhere."""
        pairs = np.zeros((0, 2), np.int64)
        return cls(np.zeros(0, np.uint8), np.zeros(0, bool), np.zeros(0), pairs, pairs)

    def __len__(self) -> int:
        return len(self.class_id)

    def of_class(self, class_id: int) -> Doubts:
        """Those of one class."""
        return self.where(self.class_id == class_id)

    def where(self, chosen: NDArray[np.bool_]) -> Doubts:
        """Only the chosen places."""
        return Doubts(self.class_id[chosen], self.two[chosen], self.p[chosen], self.ids[chosen], self.area_px[chosen])

    def changes(self, least_px: float = 0.0) -> Changes:
        """What the answers may do to a number of objects of one class.

        Parameters
        ----------
        least_px
            Only objects with so many pixels or more are counted.
        """
        whole, parts = self.area_px.sum(axis=1) >= least_px, (self.area_px >= least_px).sum(axis=1)
        step = (parts - whole).astype(np.int64)
        counts = step != 0
        once, most = _pairs_once(self.where(counts))
        kept = np.flatnonzero(counts)[once]
        change = np.where(self.two, -step, step)[kept]
        fewer = int(np.count_nonzero(~self.two & (step < 0)))
        return Changes(change, np.where(self.two, 1 - self.p, self.p)[kept], most + fewer)


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """Independent changes of a number of objects.

    Parameters
    ----------
    step
        int64, shape (n,): by how much each changes the number if it happens; not 0.
    p
        float64, shape (n,): probability that it happens.
    most_fewer
        The number cannot fall by more than this.
    """

    step: NDArray[np.int64]
    p: NDArray[np.float64]
    most_fewer: int

    def __len__(self) -> int:
        return len(self.step)

    @classmethod
    def none(cls) -> Changes:
        """Nothing changes."""
        return cls(np.zeros(0, np.int64), np.zeros(0), 0)

    @classmethod
    def joined(cls, several: Iterable[Changes]) -> Changes:
        """Those of several label maps, or classes, as one."""
        every = list(several)
        return cls(
            np.concatenate([np.zeros(0, np.int64), *(each.step for each in every)]),
            np.concatenate([np.zeros(0), *(each.p for each in every)]),
            sum(each.most_fewer for each in every),
        )

    @property
    def mean(self) -> float:
        """Expected change."""
        return float((self.step * self.p).sum())

    @property
    def variance(self) -> float:
        """Of the change."""
        return float((self.step**2 * self.p * (1 - self.p)).sum())


@dataclass(frozen=True, slots=True)
class CountInterval:
    """The interval of a number of objects.

    Parameters
    ----------
    low, high
        Whole numbers, not below 0; the number that was counted lies within.
    questions
        Unanswered places that it comes from.
    """

    low: int
    high: int
    questions: int


def count_interval(objects: int, changes: Changes) -> CountInterval | None:
    """The interval of a number of objects that unanswered questions leave; None where nothing is in doubt.

    Parameters
    ----------
    objects
        As counted.
    changes
        What the answers may do to it.

    Examples
    --------
    >>> import numpy as np
    >>> count_interval(10, Changes(np.array([-1, 1]), np.array([0.5, 0.01]), 1))
    CountInterval(low=9, high=10, questions=2)
    """
    if not len(changes):
        return None
    low, high = _quantiles(changes)
    low = max(low, -changes.most_fewer)
    return CountInterval(max(objects + min(low, 0), 0), objects + max(high, 0), len(changes))


def mean_interval(mean: float, each: Sequence[Changes], effects: Sequence[float]) -> tuple[float, float]:
    """The interval of a mean over images or specimens of numbers of objects, from unanswered questions alone.

    Parameters
    ----------
    mean
        Of numbers or densities; NaN: there is none.
    each
        The changes of each image.
    effects
        What one object more in the image does to the mean; NaN: the image is not in it.

    Returns
    -------
    tuple
        Low and high, which hold the mean; both NaN without a value. Normal approximation: images are independent.
    """
    known = [(changes, effect) for changes, effect in zip(each, effects, strict=True) if effect == effect]
    if not known or mean != mean:
        return float("nan"), float("nan")
    shift = sum(changes.mean * effect for changes, effect in known)
    half = _NORMAL * float(np.sqrt(sum(changes.variance * effect**2 for changes, effect in known)))
    return max(mean + min(shift - half, 0.0), 0.0), mean + max(shift + half, 0.0)


def interval_json(interval: CountInterval | None) -> dict[str, int | None]:
    """Plain values of a row of a table: ``objects_low``, ``objects_high`` and ``unanswered_questions``."""
    if interval is None:
        return {"objects_low": None, "objects_high": None, "unanswered_questions": 0}
    return {
        "objects_low": interval.low,
        "objects_high": interval.high,
        "unanswered_questions": interval.questions,
    }


def interval_of(row: Mapping[str, Any]) -> CountInterval | None:
    """The inverse of `interval_json`; rows of earlier versions have no interval."""
    low, high = row.get("objects_low"), row.get("objects_high")
    return None if low is None or high is None else CountInterval(low, high, row["unanswered_questions"])


def interval_words(interval: CountInterval | None) -> str:
    """What is said beside a number: "95 to 103, from 12 unanswered questions"; "" where nothing is in doubt."""
    if interval is None:
        return ""
    questions = "question" if interval.questions == 1 else "questions"
    return f"{interval.low:,} to {interval.high:,}, from {interval.questions:,} unanswered {questions}"


def count_text(objects: int, interval: CountInterval | None) -> str:
    """A number of objects for tables: "95 [90, 99]", "95" where nothing is in doubt."""
    if interval is None:
        return f"{objects:,}"
    return with_interval(f"{objects:,}", f"{interval.low:,}", f"{interval.high:,}")


def _quantiles(changes: Changes) -> tuple[int, int]:
    """Smallest changes at which the distribution reaches the tails' ends."""
    tail = (1 - LEVEL) / 2
    if len(changes) > EXACT_UP_TO:
        half = _NORMAL * np.sqrt(changes.variance)
        return int(np.floor(changes.mean - half)), int(np.ceil(changes.mean + half))
    lowest = int(np.minimum(changes.step, 0).sum())
    chances = np.ones(1)
    for step, p in zip(changes.step.tolist(), changes.p.tolist(), strict=True):
        wider = np.zeros(len(chances) + abs(step))
        happens, stays = (p, 1 - p) if step > 0 else (1 - p, p)
        wider[: len(chances)] += chances * stays
        wider[abs(step) :] += chances * happens
        chances = wider
    reached = np.cumsum(chances)
    return int(np.searchsorted(reached, tail)) + lowest, int(np.searchsorted(reached, 1 - tail)) + lowest


def _pairs_once(doubts: Doubts) -> tuple[NDArray[np.bool_], int]:
    """Without second questions about the same pair; and by how many objects all pairs joined are fewer.

    Three objects become one by joining two pairs, so that in a circle of pairs not every one takes an object away.
    """
    kept = np.ones(len(doubts), bool)
    at = np.flatnonzero(doubts.two & (doubts.ids != 0).all(axis=1))
    unknown = int((doubts.two & (doubts.ids == 0).any(axis=1)).sum())
    if not at.size:
        return kept, unknown
    keys = doubts.ids[at] | (doubts.class_id[at].astype(np.int64) << 40)[:, None]
    numbers, nodes = np.unique(keys, return_inverse=True)
    one, other = np.sort(nodes.reshape(-1, 2), axis=1).T
    count = len(numbers)
    _, first = np.unique(one * count + other, return_index=True)
    kept[at] = False
    kept[at[first]] = True
    graph = coo_array((np.ones(one.size, bool), (one, other)), shape=(count, count))
    groups, _ = connected_components(graph, directed=False)
    return kept, count - int(groups) + unknown
