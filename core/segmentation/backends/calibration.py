"""Whether a faster precision is worth it on this machine, for this model: tried on a few tiles of a real image."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.segmentation.backends.base import TileNetwork, Work

AGREEMENT: Final = 0.997
"""Share of pixels that must get the same class as in float32."""

GAIN: Final = 0.95
"""A precision must take at most this share of float32's time; less is not worth any difference."""

TILES: Final = 4
"""Tiles tried: a second or less of work, some 260,000 pixels of the usual patch."""


ROUNDS: Final = 2
"""The better of so many runs counts: other programs disturb single ones."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came out of comparing a precision with float32.

    Parameters
    ----------
    precision
        That was tried.
    agreement
        Share of pixels with the same class, 0 to 1.
    speed
        Time of float32 over its time; above 1 is faster.
    """

    precision: str
    agreement: float
    speed: float

    @property
    def accepted(self) -> bool:
        """Whether to use it."""
        return self.agreement >= AGREEMENT and self.speed * GAIN >= 1


def compare(exact: TileNetwork, fast: TileNetwork, tiles: NDArray[np.float32]) -> Trial:
    """Run both on the same tiles (tile, 1, row, column): once for the labels, then by turns against the clock."""
    reference, labels = _labels(exact, tiles), _labels(fast, tiles)
    exact_s = fast_s = math.inf
    for _ in range(ROUNDS):
        exact_s, fast_s = min(exact_s, _seconds(exact, tiles)), min(fast_s, _seconds(fast, tiles))
    return Trial(fast.precision, float((reference == labels).mean()), exact_s / max(fast_s, 1e-9))


def _work(network: TileNetwork, tiles: NDArray[np.float32]) -> list[Work]:
    """The tiles in batches that suit the network."""
    return [Work(0, tiles[i : i + network.batch]) for i in range(0, len(tiles), network.batch)]


def _labels(network: TileNetwork, tiles: NDArray[np.float32]) -> NDArray[np.intp]:
    """Winning classes."""
    return np.concatenate([network.array(scores).argmax(axis=1) for scores in network.stream(_work(network, tiles))])


def _seconds(network: TileNetwork, tiles: NDArray[np.float32]) -> float:
    """Time of one run over the tiles, with the way of the scores to main memory."""
    start = time.perf_counter()
    for scores in network.stream(_work(network, tiles)):
        network.array(scores)
    return time.perf_counter() - start
