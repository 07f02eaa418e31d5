"""Finished rows on their way to the sink: put back into the image's frame, gathered into blocks."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.imaging.block_sink import BlockSink

BLOCK_ROWS: Final = 512
"""Rows per block, aligned to multiples of it: one row of chunks of the pyramid that usually receives them."""

EMPTY_CONFIDENCE: Final = 255
"""Outside the part of an image that holds anything but zeros there is nothing to find, and no doubt about it."""


class BlockCollector:
    """Gathers rows into blocks as wide as the image and hands each on when it is full.

    Parameters
    ----------
    sink
        Receives the blocks.
    shape_yx
        Of the image.
    frame
        First row, first column of the part that is predicted; all else is background.
    """

    def __init__(self, sink: BlockSink, shape_yx: tuple[int, int], frame: tuple[int, int] = (0, 0)) -> None:
        self._sink = sink
        self._shape = shape_yx
        self._column = frame[1]
        self._start = 0
        self._filled = 0
        self._new_block()
        self._skip(frame[0])

    def push(self, labels_yx: NDArray[np.uint8], confidence_yx: NDArray[np.uint8]) -> None:
        """Take the next rows of the predicted part."""
        columns = slice(self._column, self._column + labels_yx.shape[1])
        done = 0
        while done < len(labels_yx):
            count = min(len(labels_yx) - done, len(self._labels) - self._filled)
            rows = slice(self._filled, self._filled + count)
            self._labels[rows, columns] = labels_yx[done : done + count]
            self._confidence[rows, columns] = confidence_yx[done : done + count]
            done += count
            self._advance(count)

    def finish(self) -> None:
        """Hand on what is left; rows below the predicted part are background."""
        self._skip(self._shape[0] - self._start - self._filled)

    def _skip(self, rows: int) -> None:
        """Leave rows as background."""
        while rows > 0:
            count = min(rows, len(self._labels) - self._filled)
            rows -= count
            self._advance(count)

    def _advance(self, rows: int) -> None:
        """Count rows as filled; write the block when it is full."""
        self._filled += rows
        if self._filled == len(self._labels) and self._filled:
            self._sink.write(self._start, 0, self._labels, self._confidence)
            self._start += self._filled
            self._filled = 0
            self._new_block()

    def _new_block(self) -> None:
        """Fresh arrays: the sink keeps the ones that it was given."""
        shape = (min(BLOCK_ROWS, self._shape[0] - self._start), self._shape[1])
        self._labels: NDArray[np.uint8] = np.zeros(shape, dtype=np.uint8)
        self._confidence: NDArray[np.uint8] = np.full(shape, EMPTY_CONFIDENCE, dtype=np.uint8)
