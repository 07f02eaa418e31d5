"""A few windows of an image while it is predicted: what the network was shown, and what it said there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.familiarity.features import LEAST_WINDOW_PX, image_features, output_features, window_starts
from core.segmentation.tile_source import TileSource


@dataclass(frozen=True, slots=True, eq=False)
class SampledWindow:
    """One window of an image at the model's pixel size.

    Parameters
    ----------
    row, column
        Of its first pixel, on the unpadded grid.
    scores
        Logits of background and the classes, float32 (class, row, column).
    image, outputs
        `image_features` and `output_features`.
    """

    row: int
    column: int
    scores: NDArray[np.float32]
    image: NDArray[np.float64]
    outputs: NDArray[np.float64]


class WindowSample:
    """Windows spread evenly over an image, filled as rows become final; bounded work, whatever the image's size.

    Parameters
    ----------
    source
        What the network is shown.
    class_count
        Outputs of the network for background and the classes; further ones belong to the classes in ``owners``.
    owners
        For each further output the place of its class.
    keep_scores
        Whether the logits stay, for fitting a temperature; else only features do.
    """

    def __init__(
        self, source: TileSource, class_count: int, owners: Sequence[int] = (), *, keep_scores: bool = False
    ) -> None:
        self._source, self._class_count, self._owners, self._keep = source, class_count, tuple(owners), keep_scores
        (height, self._rows), (width, self._columns) = (window_starts(length) for length in source.shape_yx)
        self._side = height, width
        if min(self._side) < LEAST_WINDOW_PX:
            self._rows, self._columns = [], []
        self.shape_yx = source.shape_yx
        """Of the image at the model's pixel size, without padding."""
        self._open: dict[tuple[int, int], NDArray[np.float32]] = {}
        self._next = 0
        self.windows: list[SampledWindow] = []

    def push(self, sums: NDArray[np.float32], weights: NDArray[np.float32]) -> None:
        """Take the next final rows of the padded model grid: sums (output, row, column), weights (row, column)."""
        first, self._next = self._next, self._next + weights.shape[0]
        (above, _), (before, _) = self._source.padding
        height, width = self._side
        for row in self._rows:
            low, high = max(row + above, first), min(row + above + height, self._next)
            if low >= high:
                continue
            here, there = slice(low - first, high - first), slice(low - row - above, high - row - above)
            for column in self._columns:
                across = slice(column + before, column + before + width)
                held = self._open.get((row, column))
                if held is None:
                    held = self._open[row, column] = np.empty((len(sums), height, width), np.float32)
                np.divide(sums[:, here, across], weights[here, across], out=held[:, there])
                if there.stop == height:
                    self._close(row, column)

    def _close(self, row: int, column: int) -> None:
        """A window has all its rows."""
        raw = self._open.pop((row, column))
        scores = raw[: self._class_count]
        for place, owner in enumerate(self._owners, self._class_count):
            np.logaddexp(scores[owner], raw[place], out=scores[owner])
        shown = image_features(self._source.window(row, column, self._side))
        said = output_features(scores)
        kept = scores if self._keep else scores[:, :0, :0]
        self.windows.append(SampledWindow(row, column, kept, shown, said))

    def features(self) -> NDArray[np.float64]:
        """float64 (window, feature): image features, then output features; no rows where the image is too small."""
        if not self.windows:
            return np.empty((0, 0))
        return np.array([np.concatenate([window.image, window.outputs]) for window in self.windows])
