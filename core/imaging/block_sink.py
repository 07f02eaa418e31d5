"""Where finished blocks of a label map go, one after the other."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class BlockSink(Protocol):
    """Takes finished blocks; they come top to bottom and cover the image exactly once."""

    def write(self, row: int, col: int, labels_yx: NDArray[np.uint8], confidence_yx: NDArray[np.uint8]) -> object:
        """Keep a block whose upper left corner is at (row, col). The arrays are the receiver's own."""
        ...
