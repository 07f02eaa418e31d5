"""A prediction collected in memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class ArraySink:
    """Takes the blocks of a prediction that fits into memory.

    Parameters
    ----------
    shape_yx
        Rows, columns of the image.

    Attributes
    ----------
    labels_yx, confidence_yx
        uint8, shape (rows, columns); 0 where nothing has arrived.
    """

    def __init__(self, shape_yx: tuple[int, int]) -> None:
        self.labels_yx: NDArray[np.uint8] = np.zeros(shape_yx, np.uint8)
        self.confidence_yx: NDArray[np.uint8] = np.zeros(shape_yx, np.uint8)

    def write(self, row: int, col: int, labels_yx: NDArray[np.uint8], confidence_yx: NDArray[np.uint8]) -> None:
        """Put one block in its place."""
        place = (slice(row, row + labels_yx.shape[0]), slice(col, col + labels_yx.shape[1]))
        self.labels_yx[place] = labels_yx
        self.confidence_yx[place] = confidence_yx

    @property
    def mean_confidence(self) -> float:
        """0 to 1."""
        return float(self.confidence_yx.mean()) / 255
