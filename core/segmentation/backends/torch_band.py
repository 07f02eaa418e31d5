"""The band of unfinished rows in an accelerator's memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.segmentation.stitching import ScoreBand
from core.segmentation.tiling import TilePlan, Weighting

if TYPE_CHECKING:
    import torch


class TorchBand(ScoreBand):
    """A `ScoreBand` whose sums live on a device; finished rows come back through one copy.

    Parameters
    ----------
    plan, classes, batch, weighting, passes
        As for `ScoreBand`.
    device
        Where the scores lie.
    """

    def __init__(
        self, plan: TilePlan, classes: int, batch: int, weighting: Weighting, passes: int, device: torch.device
    ) -> None:
        import torch

        super().__init__(plan, 0, batch, weighting, passes)
        self._device_weights = torch.from_numpy(self._weights.copy()).to(device)
        rows, columns = plan.band_rows(batch), plan.shape_yx[1]
        self._device_sums = torch.zeros((classes, rows, columns), dtype=torch.float32, device=device)

    def add(self, scores: Any, tiles: range, flipped: Sequence[int] = ()) -> None:
        """As `ScoreBand.add`, with a tensor on the device."""
        import torch

        weighted = scores.float()
        if flipped:
            weighted = torch.flip(weighted, [axis + 2 for axis in flipped])
        weighted = weighted * self._device_weights
        height, width = self._plan.tile_yx
        for index, tile in enumerate(tiles):
            row, column = self._plan.position(tile)
            for ring, local in self._segments(row, height):
                self._device_sums[:, ring, column : column + width] += weighted[index, :, local]

    def _read(self, ring: slice) -> NDArray[np.float32]:
        """Rows of the ring, copied to main memory."""
        values: NDArray[np.float32] = self._device_sums[:, ring].cpu().numpy()
        return values

    def _clear(self, ring: slice) -> None:
        """Make rows of the ring ready for the tiles to come."""
        self._device_sums[:, ring] = 0
