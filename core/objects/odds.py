"""The probability that a doubtful place is two objects, from what was measured along its cut.

Two things are measured. The *level*: how strongly the network parts the pixels beside the cut, 0 to 3
(`core.segmentation.parting.LEVELS`), averaged. The *width*: the length of the cut, as a share of the diameter of a disc
with the area of the smaller part; a narrow cut is a neck.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Odds = tuple[float, ...]
"""Log odds of two at level 0 and width 0, for each level more, and for each unit of width more."""

GUESS: Final[Odds] = (0.0, 2.0, -3.0)
"""Without held-out labels: along a cut as long as the smaller part is wide .73 at level 2, where a separation is just
made, .95 at level 3, .27 at level 1. It rises with the level and falls with the width; more is not known about it."""

NECK_SLOPE: Final = -10.0
"""Of necks that no network looked at: even odds at the depth from which pieces are split, .27 and .73 at a tenth of the
width more and less. A guess too, for nobody has looked at what lies in the neck."""

NECK_DEPTH: Final = 0.5
"""Relative depth at which the odds of a neck are even where none was learned: half as wide as its smaller part."""

PRIOR_PLACES: Final = 8.0
"""Places that the guess is worth when odds are learned: a few held-out ones change it little."""

LEAST_PLACES: Final = 20
"""With fewer held-out places odds stay a guess."""

_ANCHORS: Final = np.array([(level, width) for level in (0.5, 1.5, 2.5) for width in (0.3, 0.7, 1.1)])
_ROUNDS: Final = 50


def neck_odds(least_depth: float = NECK_DEPTH) -> Odds:
    """Odds of necks, by the relative depth from which pieces are split there."""
    return (-NECK_SLOPE * (1 - least_depth), 0.0, NECK_SLOPE)


def probability(measured: ArrayLike, odds: Odds = GUESS) -> NDArray[np.float64]:
    """Probability of two objects.

    Parameters
    ----------
    measured
        Shape (n, 2): level and width of each cut.
    odds
        As `Odds`.

    Examples
    --------
    >>> probability([(1, 1), (2, 1), (3, 1), (2, 0.5)]).round(2).tolist()
    [0.27, 0.73, 0.95, 0.92]
    """
    at = np.asarray(measured, np.float64).reshape(-1, 2) @ np.array(odds[1:]) + odds[0]
    return np.asarray(1 / (1 + np.exp(-np.clip(at, -30, 30))))


def learned_odds(measured: ArrayLike, two: ArrayLike) -> Odds:
    """Odds from places of which labels say what they are: logistic regression that begins from `GUESS`.

    Parameters
    ----------
    measured
        Shape (n, 2): level and width of each cut.
    two
        bool, shape (n,): whether it is two.

    Returns
    -------
    tuple
        As `Odds`; () with fewer than `LEAST_PLACES`. Never falling with the level, never rising with the width.
    """
    values, answer = np.asarray(measured, np.float64).reshape(-1, 2), np.asarray(two, np.float64)
    if len(answer) < LEAST_PLACES:
        return ()
    # The guess as places of its own, of which the share that it says is two.
    weight = np.append(np.ones(len(answer)), np.full(len(_ANCHORS), PRIOR_PLACES / len(_ANCHORS)))
    answer = np.append(answer, probability(_ANCHORS))
    design = np.column_stack([np.ones(len(answer)), np.concatenate([values, _ANCHORS])])
    kept = [0, 1, 2]
    odds = _fitted(design, answer, weight, kept)
    for column in [column for column, sign in ((1, 1), (2, -1)) if sign * odds[column] < 0]:
        kept.remove(column)
        odds = _fitted(design, answer, weight, kept)
    return tuple(odds)


def _fitted(design: NDArray[np.float64], answer: NDArray[np.float64], weight: NDArray[np.float64],
            kept: Sequence[int]) -> list[float]:  # fmt: skip
    """Logistic regression on some columns, by Newton's steps; 0 for the others."""
    used, found = design[:, kept], np.zeros(len(kept))
    for _ in range(_ROUNDS):
        p = 1 / (1 + np.exp(-np.clip(used @ found, -30, 30)))
        curve = (used * (weight * p * (1 - p))[:, None]).T @ used + 1e-6 * np.eye(len(kept))
        step = np.clip(np.linalg.solve(curve, used.T @ (weight * (answer - p))), -3, 3)
        found += step
        if np.abs(step).max() < 1e-6:
            break
    odds = [0.0] * design.shape[1]
    for column, value in zip(kept, found.tolist(), strict=True):
        odds[column] = value
    return odds
