"""One image through one network: tiles out, scores in, finished rows on to the collector."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.errors import JobCancelledError
from core.models.card import ModelCard
from core.segmentation.backends.base import TileNetwork, Work
from core.segmentation.blocks import BlockCollector
from core.segmentation.parting import PartingRows, merged, parting_of
from core.segmentation.stitching import Band, RowInterpolator, classify
from core.segmentation.tile_source import TileSource
from core.segmentation.window_sample import WindowSample

ProgressCallback = Callable[[float, str, float | None], object]
"""Takes the fraction done (0 to 1), a sentence for people, and the seconds left (None while unknown)."""


REPORT_S: Final = 0.2
"""Progress is told and cancelling asked for at most this often: both may go through a database."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One way to look at a tile: which fold, mirrored along which image axes."""

    fold: int
    flipped: tuple[int, ...]


class Finisher:
    """Final rows of the padded model grid -> rows of labels and confidence on the framed image's grid.

    Parameters
    ----------
    source
        The tiles.
    target_yx
        Shape of the framed image.
    card
        What the outputs of the network stand for.
    collector
        Takes the rows.
    parting
        Takes the pixels that part objects; None: nobody asks for them.
    sample
        Takes windows of the scores; None: nobody asks for them.
    """

    def __init__(
        self,
        source: TileSource,
        target_yx: tuple[int, int],
        card: ModelCard,
        collector: BlockCollector,
        parting: PartingRows | None = None,
        sample: WindowSample | None = None,
    ) -> None:
        (before_y, _), (before_x, _) = source.padding
        height, width = source.shape_yx
        self._rows = (before_y, before_y + height)
        self._columns = slice(before_x, before_x + width)
        self._interpolator = None if source.shape_yx == target_yx else RowInterpolator(source.shape_yx, target_yx)
        self._class_ids = np.array(card.class_outputs, dtype=np.uint8)
        first, own = len(card.class_outputs), card.class_outputs.index
        self._parted = card.parting_outputs
        self._outputs = tuple((own(class_id), number) for number, class_id in enumerate(self._parted, first))
        self._collector = collector
        self._parting = parting
        self._sample = sample
        self._temperature = np.float32(card.calibration.temperature)
        self._next = 0

    def push(self, sums: NDArray[np.float32], weights: NDArray[np.float32]) -> None:
        """Take the next final rows (class, row, column) and their weights (row, column)."""
        if self._sample is not None:
            self._sample.push(sums, weights)
        first = self._next
        self._next += weights.shape[0]
        rows = slice(max(self._rows[0] - first, 0), max(min(self._rows[1] - first, weights.shape[0]), 0))
        if rows.stop <= rows.start:
            return
        sums, weights = sums[:, rows, self._columns], weights[rows, self._columns]
        if self._interpolator is None:
            self._finish(sums, weights)
            return
        for scores in self._interpolator.push(sums / weights):
            self._finish(scores, None)

    def _finish(self, scores: NDArray[np.float32], weights: NDArray[np.float32] | None) -> None:
        """Make labels of rows on the image's grid. Overwrites the scores, which nobody reads again."""
        if not self._outputs:
            self._collector.push(*classify(scores, weights, self._class_ids, self._temperature))
            return
        scores, stronger = merged(scores, weights, self._outputs)
        labels, confidence = classify(scores, weights, self._class_ids, self._temperature)
        if self._parting is not None:
            self._parting.push(parting_of(labels, stronger, self._parted))
        self._collector.push(labels, confidence)


class Progress:
    """Tells how far it is and asks whether to go on, now and then."""

    def __init__(self, on_progress: ProgressCallback | None, should_cancel: Callable[[], bool] | None) -> None:
        self._on_progress = on_progress
        self._should_cancel = should_cancel
        self._start = 0.0
        self._asked = self._told = -math.inf

    def check(self) -> None:
        """Stop if somebody asked for it."""
        now = time.perf_counter()
        if self._should_cancel is None or now - self._asked < REPORT_S:
            return
        self._asked = now
        if self._should_cancel():
            raise JobCancelledError("The prediction was cancelled.", "Start it again to get the result.")

    def start(self) -> None:
        """The network starts: time left is measured from here."""
        self._start = time.perf_counter()

    def report(self, done: int, total: int, tiles: int) -> None:
        """Tell that ``done`` of ``total`` runs are over."""
        now = time.perf_counter()
        if self._on_progress is None or (now - self._told < REPORT_S and done < total):
            return
        self._told = now
        left = (now - self._start) / done * (total - done)
        self._on_progress(done / total, f"{tiles * done // total} of {tiles} tiles", left)


def run_network(
    network: TileNetwork,
    band: Band,
    source: TileSource,
    passes: Sequence[Pass],
    finisher: Finisher,
    progress: Progress,
) -> None:
    """Send all tiles through the network and their scores on to the finisher."""
    plan = source.plan
    batches = list(plan.batches(network.batch))
    total = len(batches) * len(passes)
    progress.start()
    scores = network.stream(_work(source, batches, passes, progress))
    for done, ((batch, way), score) in enumerate(zip(itertools.product(batches, passes), scores, strict=True), 1):
        band.add(score, batch, way.flipped)
        if done % len(passes) == 0:
            for sums, weights in band.take(batch.stop):
                finisher.push(sums, weights)
        progress.report(done, total, len(plan))


def _work(source: TileSource, batches: Sequence[range], passes: Sequence[Pass], progress: Progress) -> Iterator[Work]:
    """Tiles for the network, batch by batch, each in all its passes."""
    for batch in batches:
        tiles = source.tiles(batch)
        for way in passes:
            progress.check()
            axes = tuple(axis + 2 for axis in way.flipped)
            yield Work(way.fold, np.ascontiguousarray(np.flip(tiles, axes)) if axes else tiles)


def network_passes(folds: int, axes: Sequence[int]) -> list[Pass]:
    """Every fold with every combination of mirrored axes."""
    flips: list[tuple[int, ...]] = [
        flipped for count in range(len(axes) + 1) for flipped in itertools.combinations(axes, count)
    ]
    return [Pass(fold, flipped) for fold in range(folds) for flipped in flips]
