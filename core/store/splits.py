"""Whether what belongs together lies on one side of the line between training and test."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


class Placed(Protocol):
    """An image, kept or planned, as far as its place counts."""

    @property
    def split(self) -> str:
        """train, test or pool."""

    @property
    def stack(self) -> str:
        """ "" for none."""

    @property
    def specimen(self) -> str:
        """ "" where unknown."""


@dataclass(frozen=True, slots=True)
class Straddle:
    """A stack or specimen with images for training and for the test.

    Parameters
    ----------
    what
        "stack" or "specimen".
    name
        Which.
    train, test
        How many images of it are on each side.
    """

    what: str
    name: str
    train: int
    test: int


def straddling(images: Iterable[Placed]) -> tuple[Straddle, ...]:
    """Stacks and specimens that straddle training and test: neighbouring sections look alike, so scores are too good.

    Images of the pool do not count; no stack or specimen is no group.

    Parameters
    ----------
    images
        Of one project.

    Returns
    -------
    tuple of Straddle
        Specimens first, then stacks, by name.
    """
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for image in images:
        for what, name in (("specimen", image.specimen), ("stack", image.stack)):
            if name and image.split in ("train", "test"):
                sides = counts.setdefault((what, name), {"train": 0, "test": 0})
                sides[image.split] += 1
    return tuple(
        Straddle(what, name, sides["train"], sides["test"])
        for (what, name), sides in sorted(counts.items())
        if sides["train"] and sides["test"]
    )
