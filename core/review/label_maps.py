"""Reading a revision band by band in its project's classes: its labels, and where a person has confirmed them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.imaging.pyramid import SHARD_PX, ObjectIds, Pyramid, open_pyramid
from core.label_scheme import IGNORE_ID
from core.store.label_maps import open_label_map
from core.store.store import Store

COVERAGE: Final = "coverage"
"""Beside the levels of a correction's pyramid: a pyramid of 0 and 1, where a person has confirmed the label."""

Labels = NDArray[np.uint8]


def bands(height: int) -> Iterator[slice]:
    """Slices of rows that together are the whole map, as high as the files have them."""
    return (slice(top, min(top + SHARD_PX, height)) for top in range(0, height, SHARD_PX))


class LabelMap:
    """The label map of a revision, opened for reading; ``None`` stands for background everywhere.

    Parameters
    ----------
    store
        Where it is.
    revision_id
        Complete.
    shape_yx
        Of its image.
    """

    def __init__(self, store: Store, revision_id: str | None, shape_yx: tuple[int, int]) -> None:
        self.shape_yx = shape_yx
        self._labels: Pyramid | None = None
        self._coverage: Pyramid | None = None
        if revision_id is not None:
            path = store.revisions.pyramid_path(revision_id)
            self._labels = open_label_map(store, revision_id)
            if (path / COVERAGE / "zarr.json").is_file():
                self._coverage = open_pyramid(path / COVERAGE)

    def labels(self, rows: slice, columns: slice = slice(None)) -> Labels:
        """Class ids, whether confirmed or not; 255 where the map says *ignore*."""
        if self._labels is None:
            height, width = self.shape_yx
            shape = (len(range(*rows.indices(height))), len(range(*columns.indices(width))))
            return np.zeros(shape, np.uint8)
        return np.asarray(self._labels.read(0, rows, columns), np.uint8)

    @property
    def object_classes(self) -> tuple[int, ...]:
        """The classes whose objects have ids."""
        return () if self._labels is None or self._labels.objects is None else self._labels.object_classes

    def objects(self, rows: slice, columns: slice = slice(None)) -> ObjectIds | None:
        """Ids of objects, whether confirmed or not; None where the label map has none."""
        return None if self._labels is None else self._labels.object_ids(rows, columns)

    def confirmed(self, rows: slice, columns: slice = slice(None)) -> Labels:
        """Class ids where a person has confirmed them, 255 elsewhere: what a training may learn from."""
        labels = self.labels(rows, columns)
        if self._coverage is None:
            return labels
        covered = np.asarray(self._coverage.read(0, rows, columns)) > 0
        return np.where(covered, labels, np.uint8(IGNORE_ID))
