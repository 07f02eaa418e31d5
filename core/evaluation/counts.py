"""What metric families count, and the one division that all of them need."""

from __future__ import annotations

from typing import Any, Self


class Counts:
    """What a family counts for one class in one image; sums over images give micro figures.

    Subclasses are frozen dataclasses of plain numbers and tuples of numbers.
    """

    __slots__ = ()

    def __add__(self, other: Self) -> Self:
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """Plain values, None for undefined."""
        raise NotImplementedError

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        raise NotImplementedError


def ratio(part: float, whole: float) -> float:
    """part / whole, NaN for nothing.

    >>> ratio(1, 4)
    0.25
    >>> ratio(0, 0)
    nan
    """
    return part / whole if whole else float("nan")


def plain(value: float) -> float | None:
    """For JSON: None for NaN."""
    return None if value != value else value


def figure(value: float | None) -> float:
    """The inverse of `plain`."""
    return float("nan") if value is None else float(value)
