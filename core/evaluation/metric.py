"""What a metric is: a row of the table in core/evaluation/metric_table.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.evaluation.counts import Counts
from core.evaluation.intervals import Scale
from core.evaluation.label_pair import LabelPair


class Better(StrEnum):
    """Which way is good."""

    HIGHER = "higher"
    LOWER = "lower"
    NEAREST_ZERO = "nearest to zero"


@dataclass(frozen=True, slots=True)
class Family:
    """Metrics that share their counts.

    Parameters
    ----------
    name
        Key in reports.
    classes
        Ids that it speaks about, of a pair; none where it has nothing to go by (no pixel size, no confidence).
    measure
        Counts of these classes. May be None for a class that it cannot speak about after all.
    counts
        The type of the counts.
    """

    name: str
    classes: Callable[[LabelPair], tuple[int, ...]]
    measure: Callable[[LabelPair, tuple[int, ...]], dict[int, Any]]
    counts: type[Counts]


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure.

    Parameters
    ----------
    name
        Key in reports, short.
    title
        As shown to people.
    family
        Whose counts it reads.
    value
        From counts to the figure; NaN for undefined.
    better
        Which way is good.
    unit
        "" for shares between 0 and 1, else "nm", "objects".
    empty
        What happens where the class is in neither or in one map, in a sentence.
    source
        DOI of the paper that defines it, "" for arithmetic.
    formula
        In one line.
    pools
        Whether counts of several images can be pooled (micro).
    """

    name: str
    title: str
    family: Family
    value: Callable[[Any], float]
    better: Better
    unit: str
    empty: str
    source: str
    formula: str
    pools: bool = True

    @property
    def scale(self) -> Scale:
        """Where its intervals are worked out."""
        if self.better is Better.NEAREST_ZERO:
            return Scale.SIGNED
        return Scale.POSITIVE if self.unit else Scale.SHARE

    def goodness(self, value: float) -> float:
        """The figure turned so that more is better."""
        if self.better is Better.HIGHER:
            return value
        return -abs(value) if self.better is Better.NEAREST_ZERO else -value
