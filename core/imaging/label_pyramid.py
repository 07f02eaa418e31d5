"""Writing a label pyramid block by block, while others read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import zarr
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.files import explained_os_errors
from core.imaging.block_writer import BlockWriter
from core.imaging.downsample import halve_majority, halve_mean
from core.imaging.object_pyramid import ObjectIds, write_object_pyramid
from core.imaging.pyramid_layout import CONFIDENCE, SHARD_PX, create_levels, open_levels
from core.imaging.sharded_plane import ShardedPlane
from core.label_scheme import IGNORE_ID, LabelScheme

_NO_CONFIDENCE: Final = 0
"""Confidence of pixels not yet written."""


class LabelPyramidWriter(BlockWriter):
    """Writes a label map, and a confidence map beside it, in blocks of any size and order.

    The pyramid stands at its final path from the start and may be read meanwhile, by this and by other processes:
    unwritten pixels are 255 (ignore), levels above 0 follow within about half a second. Until `finish` it bears a mark
    (`is_unfinished`); one left by a crash is removed by `discard`, `remove_unfinished`, or by a new writer at the path.
    As a context manager it finishes when the block ends well and discards when it does not. Safe to share by threads.

    Parameters
    ----------
    path
        The pyramid's folder. Parents are made.
    shape_yx
        Rows, columns.
    pixel_size_nm
        None where unknown.
    with_confidence
        Whether there is a confidence map, uint8, 0 where unwritten.
    scheme
        Written as colours for other viewers.
    name
        Shown by other viewers.

    Raises
    ------
    LabelMapError
        The path holds something already, or the shape has no pixels.
    StorageFullError
        The device is full, or the folder cannot be written. Then nothing is left.
    """

    def __init__(
        self,
        path: Path,
        shape_yx: tuple[int, int],
        *,
        pixel_size_nm: float | None,
        with_confidence: bool = True,
        scheme: LabelScheme | None = None,
        name: str = "labels",
    ) -> None:
        common: Any = {"shape_yx": shape_yx, "dtype": np.uint8, "pixel_size_nm": pixel_size_nm}

        def create(folder: Path) -> None:
            create_levels(folder, fill_value=IGNORE_ID, name=name, scheme=scheme, **common)
            if with_confidence:
                create_levels(folder / CONFIDENCE, fill_value=_NO_CONFIDENCE, name=CONFIDENCE, **common)

        def open_planes() -> list[ShardedPlane]:
            planes = [ShardedPlane(open_levels(zarr.open_group(path, mode="r+")), halve_majority)]
            if with_confidence:
                planes.append(ShardedPlane(open_levels(zarr.open_group(path / CONFIDENCE, mode="r+")), halve_mean))
            return planes

        super().__init__(path, shape_yx, create, open_planes)

    def write(
        self, row: int, col: int, labels_u8: NDArray[np.uint8], confidence_u8: NDArray[np.uint8] | None = None
    ) -> None:
        """Write a block; what was there before is replaced.

        Parameters
        ----------
        row, col
            Of the block's first pixel.
        labels_u8
            uint8, shape (rows, columns).
        confidence_u8
            Same shape; 0 (none) to 255 (certain). Ignored where the pyramid has no confidence.

        Raises
        ------
        LabelMapError
            The block is not uint8, reaches beyond the label map, or a confidence is missing or of another shape.
        StorageFullError
            The device is full, or the folder cannot be written.
        """
        blocks = [labels_u8] if len(self._planes) == 1 else [labels_u8, confidence_u8]
        with self._lock:
            self._check_open()
            checked = [self._checked(row, col, block, labels_u8.shape) for block in blocks]
            if labels_u8.size == 0:
                return
            with explained_os_errors(self.path):
                for plane, block in zip(self._planes, checked, strict=True):
                    plane.put(0, row, col, block)
                if self._due():
                    self._flush()

    def _checked(
        self, row: int, col: int, block: NDArray[np.uint8] | None, shape: tuple[int, ...]
    ) -> NDArray[np.uint8]:
        """The block, if it fits."""
        if block is None or block.shape != shape or block.ndim != 2 or block.dtype != np.uint8:
            what = "nothing" if block is None else f"{block.dtype} of shape {block.shape}"
            raise LabelMapError(
                f"A block of labels has shape {shape}, but {what} was passed.",
                "Give 2D uint8 arrays of one shape for labels and confidence.",
            )
        self._check_place(row, col, shape)
        return block


def write_label_pyramid(
    path: Path,
    labels_yx: NDArray[np.uint8],
    *,
    pixel_size_nm: float | None,
    confidence_yx: NDArray[np.uint8] | None = None,
    objects: ObjectIds | None = None,
    scheme: LabelScheme | None = None,
    name: str = "labels",
) -> None:
    """Write a whole label map at once.

    Parameters
    ----------
    path
        The pyramid's folder; must not exist.
    labels_yx
        uint8, shape (rows, columns).
    pixel_size_nm
        None where unknown.
    confidence_yx
        uint8, same shape.
    objects
        Ids of its objects, same shape; None: its connected pieces are its objects.
    scheme, name
        As for `LabelPyramidWriter`.

    Raises
    ------
    LabelMapError
        As for `LabelPyramidWriter`.
    StorageFullError
        The device is full, or the folder cannot be written. Then nothing is left.
    """
    rows, columns = labels_yx.shape
    with_confidence = confidence_yx is not None
    with LabelPyramidWriter(
        path, (rows, columns), pixel_size_nm=pixel_size_nm, with_confidence=with_confidence, scheme=scheme, name=name
    ) as writer:
        for row in range(0, rows, SHARD_PX):
            part = slice(row, row + SHARD_PX)
            writer.write(row, 0, labels_yx[part], confidence_yx[part] if confidence_yx is not None else None)
        if objects is not None and objects.class_ids:
            write_object_pyramid(path, objects, pixel_size_nm=pixel_size_nm)
