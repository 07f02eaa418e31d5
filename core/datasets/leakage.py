"""Leakage: whether stacks and specimens lie on both sides of the line between training and test.

The only place that decides it, for the images of a project, the cases of a dataset folder, and a training that is
about to begin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from core.datasets.case import Split


class Placed(Protocol):
    """An image, kept or planned, as far as its place counts."""

    @property
    def split(self) -> Split:
        """What it is for."""

    @property
    def stack(self) -> str:
        """ "" for none."""

    @property
    def specimen(self) -> str:
        """ "" where unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The place of an image that has no record: its split and its groups, "" where it is in none."""

    split: Split
    specimen: str = ""
    stack: str = ""


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


def straddling(images: Iterable[Placed], *, training: Iterable[Placed] | None = None) -> tuple[Straddle, ...]:
    """Stacks and specimens that straddle training and test: neighbouring sections look alike, so scores are too good.

    Images of the pool do not count; no stack or specimen is no group.

    Parameters
    ----------
    images
        Of one project or dataset.
    training
        What is trained on, whatever its split; its test images do not count. None: the images of the training split.

    Returns
    -------
    tuple of Straddle
        Specimens first, then stacks, by name.
    """
    known = tuple(images)
    sides = (
        [image for image in known if image.split is Split.TRAIN]
        if training is None
        else [image for image in training if image.split is not Split.TEST],
        [image for image in known if image.split is Split.TEST],
    )
    counts: dict[tuple[str, str], list[int]] = {}
    for side, members in enumerate(sides):
        for image in members:
            for what, name in (("specimen", image.specimen), ("stack", image.stack)):
                if name:
                    counts.setdefault((what, name), [0, 0])[side] += 1
    return tuple(
        Straddle(what, name, train_count, test_count)
        for (what, name), (train_count, test_count) in sorted(counts.items())
        if train_count and test_count
    )
