"""Holding something out for validation, so that it stays honest with one image, four, twenty or five hundred."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MIN_RUN: Final = 8
"""Images of one group from which whole images are held out, at one end, as far from the others as can be."""

MIN_REGION_PX: Final = 16
"""Rows or columns that either side of a region split must have."""


def split_images(images: Mapping[str, str], fraction: float, seed: int) -> frozenset[str]:
    """Which images validate: whole groups where there are several, else a run of neighbours of a large group.

    Parameters
    ----------
    images
        Image name to group (stack or specimen).
    fraction
        Share of the images, 0 to 0.5; 0 holds nothing out.
    seed
        Moves the choice.

    Returns
    -------
    frozenset of str
        Empty where the images are too few: then a strip of each must do (`validation_region`).
    """
    groups = split_groups(list(images.values()), fraction, seed)
    if groups:
        return frozenset(name for name, group in images.items() if group in groups)
    if len(images) < MIN_RUN or fraction <= 0:
        return frozenset()
    count = max(round(fraction * len(images)), 1)
    names = sorted(images)
    return frozenset(names[:count] if seed % 2 else names[-count:])


def split_groups(groups: Sequence[str], fraction: float, seed: int) -> frozenset[str]:
    """Which groups validate: about `fraction` of the images, at least one group, never all.

    Names of neighbours sort together (serial sections, fields of one specimen), so one run of neighbouring names is
    held out: a random choice would put look-alikes on both sides.

    Parameters
    ----------
    groups
        Group of each image, in any order; images of a group stay together.
    fraction
        0 to 0.5; 0 holds nothing out.
    seed
        Moves the run.

    Returns
    -------
    frozenset of str
        Empty where there is only one group or nothing is to be held out.
    """
    names, counts = np.unique(np.asarray(groups, dtype=object), return_counts=True)
    if len(names) < 2 or fraction <= 0:
        return frozenset()
    wanted = fraction * counts.sum()
    start = int(np.random.default_rng(seed).integers(len(names)))
    chosen: list[str] = []
    held = 0
    for offset in range(len(names) - 1):
        index = (start + offset) % len(names)
        better = abs(held + counts[index] - wanted) < abs(held - wanted)
        if chosen and not better:
            break
        chosen.append(str(names[index]))
        held += int(counts[index])
    return frozenset(chosen)


def validation_region(labels_yx: NDArray[Any], ignore: int, fraction: float) -> tuple[slice, slice] | None:
    """A strip along one side of the image that holds about `fraction` of its reviewed pixels.

    Of the four sides the one is taken that shows most classes while the rest keeps at least half of every class.

    Parameters
    ----------
    labels_yx
        Label map; `ignore` where nobody has looked.
    ignore
        That value.
    fraction
        Share of the reviewed pixels, 0 to 0.5.

    Returns
    -------
    tuple of slice or None
        Rows, columns; None where no side can be cut so that both parts have reviewed pixels.
    """
    reviewed = labels_yx != ignore
    totals = _counts(labels_yx[reviewed])
    candidates: list[tuple[bool, int, int, tuple[slice, slice]]] = []
    for axis in (0, 1):
        share = np.cumsum(reviewed.sum(axis=1 - axis)) / max(int(reviewed.sum()), 1)
        length = labels_yx.shape[axis]
        for cut, first in (
            (int(np.searchsorted(share, fraction)) + 1, True),
            (int(np.searchsorted(share, 1 - fraction)) + 1, False),
        ):
            if not MIN_REGION_PX <= cut <= length - MIN_REGION_PX:
                continue
            part = slice(0, cut) if first else slice(cut, length)
            region = (part, slice(None)) if axis == 0 else (slice(None), part)
            inside = _counts(labels_yx[region][reviewed[region]])
            if not inside or sum(inside.values()) == sum(totals.values()):
                continue
            balanced = all(inside.get(label, 0) <= count / 2 for label, count in totals.items())
            candidates.append((balanced, len(inside), -len(candidates), region))
    return max(candidates, key=lambda item: item[:3])[3] if candidates else None


def _counts(values: NDArray[Any]) -> Mapping[int, int]:
    labels, counts = np.unique(values, return_counts=True)
    return {int(label): int(count) for label, count in zip(labels, counts, strict=True)}
