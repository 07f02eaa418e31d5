"""Outputs beside the classes: merged into their classes, so that nobody sees them, and where they won, kept.

A network that tells touching objects of a class apart has a second output for it (`core.objects.separation`). The
probability of the class is the sum of both; labels and confidence are made from that sum.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.imaging.array_archive import damaged_archive, load_arrays, save_arrays
from core.imaging.row_bands import row_bands

_CHUNK_PX: Final = 32_768
"""Pixels merged at a time: their temporary arrays fit a processor's second-level cache."""


PARTING_LOGIT: Final = -2.0
"""A pixel parts objects from here on, parting output minus class output: at an eighth of the class's odds. Seams are
few pixels, so that networks hold them for less likely than they are, and a false one splits nothing unless it goes
right through an object. Measured on neurons and phantoms (docs/benchmarks.md)."""

LEVELS: Final = (PARTING_LOGIT - 2.0, PARTING_LOGIT, PARTING_LOGIT + 2.0)
"""How strongly a pixel parts objects, in three steps: hardly, enough, clearly. A place is asked about where objects
were separated at hardly more than enough, or would have been at a little less (`core.objects.asking`)."""

ENOUGH: Final = 2
"""The level of `LEVELS` from which a pixel parts objects."""


class PartingRows:
    """Which pixels of an image part objects and how strongly, two bits each, from top to bottom.

    Parameters
    ----------
    shape_yx
        Of the image.
    frame
        First row, first column of the part that is predicted; nothing parts objects outside it.
    """

    def __init__(self, shape_yx: tuple[int, int], frame: tuple[int, int] = (0, 0)) -> None:
        self.shape_yx = shape_yx
        self._bits = np.zeros((shape_yx[0], -(-shape_yx[1] // 8)), np.uint8)
        self._odd = np.zeros_like(self._bits)  # levels 1 and 3, hardly and clearly
        self._row, self._column = frame

    def push(self, levels_yx: NDArray[np.uint8] | NDArray[np.bool_]) -> None:
        """Take the next rows of the predicted part: how many of `LEVELS` each pixel reaches; bool: all or none."""
        rows, columns = levels_yx.shape
        if levels_yx.dtype == bool:
            levels_yx = levels_yx * np.uint8(len(LEVELS))
        if levels_yx.any():
            wide = np.zeros((rows, self.shape_yx[1]), np.uint8)
            wide[:, self._column : self._column + columns] = levels_yx
            here = slice(self._row, self._row + rows)
            self._bits[here] = np.packbits(wide >= ENOUGH, axis=1)
            self._odd[here] = np.packbits(wide & 1, axis=1)
        self._row += rows

    def __getitem__(self, band: slice) -> NDArray[np.bool_]:
        """Some rows, bool: whether a pixel parts objects."""
        return self._unpacked(self._bits[band])

    def levels(self, rows: slice, columns: slice = slice(None)) -> NDArray[np.uint8]:
        """Part of it, uint8, 0 to 3: how many of `LEVELS` each pixel reaches."""
        first, stop, _ = columns.indices(self.shape_yx[1])
        octets, ahead = slice(first // 8, -(-stop // 8)), first % 8
        enough, odd = (
            np.unpackbits(bits[rows, octets], axis=1)[:, ahead : ahead + stop - first]
            for bits in (self._bits, self._odd)
        )
        return enough * np.uint8(2) + odd

    def _unpacked(self, bits: NDArray[np.uint8]) -> NDArray[np.bool_]:
        rows: NDArray[np.bool_] = np.unpackbits(bits, axis=1, count=self.shape_yx[1]).view(bool)
        return rows

    def save(self, path: Path) -> None:
        """Write as NumPy's archive, atomically. Raises StorageFullError where the disk is full."""
        save_arrays(path, bits=self._bits, odd=self._odd, columns=self.shape_yx[1])

    @classmethod
    def load(cls, path: Path) -> PartingRows | None:
        """Read what `save` wrote; None where there is none.

        Raises
        ------
        LabelMapError
            The file is damaged.
        """
        kept = load_arrays(path)
        if kept is None:
            return None
        try:
            rows = cls((len(kept["bits"]), int(kept["columns"])))
            rows._bits[:] = kept["bits"]
            # Predictions of earlier versions say no more than whether: as if clearly, so that nothing is asked.
            rows._odd[:] = kept.get("odd", kept["bits"])
        except (KeyError, ValueError, TypeError) as error:
            raise damaged_archive(path, error) from error
        return rows

    def any(self) -> bool:
        """Whether any pixel parts objects."""
        return bool(self._bits.any())

    def whole(self) -> NDArray[np.bool_]:
        """All rows, bool."""
        return self[slice(None)]


def merged(
    scores: NDArray[np.float32], weights: NDArray[np.float32] | None, outputs: tuple[tuple[int, int], ...]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Scores of the classes alone.

    Parameters
    ----------
    scores
        Weighted sums of logits, float32 (output, row, column). The classes' own are overwritten.
    weights
        Divide the scores by these, (row, column), positive; None: 1.
    outputs
        Pairs (output of a class, its parting output); the parting ones are the last.

    Returns
    -------
    scores
        A view on the outputs before the first parting one, each with the log of the summed probabilities.
    parting
        uint8 (pairs, row, column), 0 to 3: how many of `LEVELS` the parting output reaches beside its class's.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.log(np.array([[[4.0]], [[1.0]], [[3.0]]], np.float32))
    >>> scores, parting = merged(logits, None, ((1, 2),))
    >>> np.exp(scores).round(3).ravel().tolist(), parting.ravel().tolist()
    ([4.0, 4.0], [2])
    """
    parting = np.empty((len(outputs), *scores.shape[1:]), np.uint8)
    for band in row_bands(scores.shape[1:], _CHUNK_PX):
        scale = None if weights is None else weights[band]
        for number, (own, other_output) in enumerate(outputs):
            one, other = scores[own, band], scores[other_output, band]
            gap = other - one
            reached = parting[number, band]
            reached[:] = 0
            for least in LEVELS:
                reached += gap > least * (1 if scale is None else scale)
            np.abs(gap, out=gap)
            if scale is not None:
                gap /= scale
            np.log1p(np.exp(-gap), out=gap)
            if scale is not None:
                gap *= scale
            np.maximum(one, other, out=one)
            one += gap
    return scores[: outputs[0][1]], parting


def parting_of(
    labels_yx: NDArray[np.uint8], parting: NDArray[np.uint8], class_ids: tuple[int, ...]
) -> NDArray[np.uint8]:
    """How strongly each pixel of the classes parts objects, uint8 (row, column), 0 to 3."""
    found = np.zeros(labels_yx.shape, np.uint8)
    for class_id, levels in zip(class_ids, parting, strict=True):
        np.copyto(found, levels, where=labels_yx == class_id)
    return found
