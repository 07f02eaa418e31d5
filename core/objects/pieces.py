"""Areas of all objects of a label map: how many objects any rule would leave, without looking at pixels again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.imaging.array_archive import load_arrays, save_arrays
from core.imaging.object_pyramid import ObjectIds
from core.imaging.row_bands import row_bands
from core.label_scheme import IGNORE_ID
from core.labels.numbering import NumberedObjects, number_objects
from core.objects.rules import PixelLimits
from core.objects.window import Window, at_edge, beside_ignored


@dataclass(frozen=True, slots=True, eq=False)
class PieceTable:
    """The objects of the classes of a label map: 8-connected pieces, or what ids tell apart.

    Parameters
    ----------
    class_id
        uint8, shape (n,).
    area_px
        int64, shape (n,), pixels.
    cut
        bool, shape (n,): touches the edge of the image or *ignore*.
    """

    class_id: NDArray[np.uint8]
    area_px: NDArray[np.int64]
    cut: NDArray[np.bool_]

    @property
    def columns(self) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.bool_]]:
        """Class, area, and whether it is cut."""
        return self.class_id, self.area_px, self.cut

    def kept(self, limits: PixelLimits) -> NDArray[np.bool_]:
        """Which pieces are large enough to be objects."""
        smallest = np.where(self.cut, limits.smallest_cut[self.class_id], limits.smallest[self.class_id])
        return np.asarray(self.area_px >= smallest)

    def count(self, chosen: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """Pieces of each of the 256 ids."""
        return np.bincount(self.class_id if chosen is None else self.class_id[chosen], minlength=256)

    def pixels(self, chosen: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """Pixels of each of the 256 ids."""
        these = slice(None) if chosen is None else chosen
        return np.bincount(self.class_id[these], self.area_px[these], minlength=256).astype(np.int64)

    def save(self, path: Path) -> None:
        """Write as NumPy's archive, atomically. Raises StorageFullError where the disk is full."""
        save_arrays(path, class_id=self.class_id, area_px=self.area_px, cut=self.cut)

    @classmethod
    def load(cls, path: Path) -> PieceTable | None:
        """Read what `save` wrote; None where there is none, or it is damaged."""
        try:
            kept = load_arrays(path)
            return None if kept is None else cls(kept["class_id"], kept["area_px"], kept["cut"])
        except (LabelMapError, ValueError, KeyError):
            return None


def piece_table(labels_yx: NDArray[np.uint8], objects: ObjectIds | None = None) -> PieceTable:
    """Measure the objects of a label map.

    Parameters
    ----------
    labels_yx
        uint8, shape (rows, columns), class ids; 0 and 255 belong to nothing.
    objects
        Ids of its objects, same shape; None: connected pieces are objects.

    Examples
    --------
    >>> import numpy as np
    >>> table = piece_table(np.array([[1, 0, 2], [0, 1, 2]], np.uint8))
    >>> table.class_id.tolist(), table.area_px.tolist(), table.cut.tolist()
    ([1, 2], [2, 2], [True, True])
    """
    known = None if objects is None else _own_table(labels_yx, objects)
    if known is None or objects is None:
        return _table(labels_yx, number_objects(labels_yx, range(1, IGNORE_ID), objects))
    others = [class_id for class_id in range(1, IGNORE_ID) if class_id not in objects.class_ids]
    rest = _table(labels_yx, number_objects(labels_yx, others))
    return PieceTable(
        np.concatenate([known.class_id, rest.class_id]),
        np.concatenate([known.area_px, rest.area_px]),
        np.concatenate([known.cut, rest.cut]),
    )


def _table(labels_yx: NDArray[np.uint8], found: NumberedObjects) -> PieceTable:
    """Of objects that are numbered."""
    window = Window(labels_yx, None, None, last=True)
    cut = at_edge(found.numbers_yx, window, found.count) | beside_ignored(found.numbers_yx, window, found.count)
    return PieceTable(found.class_of[1:], found.area_px[1:], cut[1:])


def _own_table(labels_yx: NDArray[np.uint8], objects: ObjectIds) -> PieceTable | None:
    """Of the classes with ids alone, where ids count from 1, each in one class and none missing: no second map of
    numbers is needed then, which halves the memory. None for other ids."""
    ids_yx, size = objects.ids_yx, labels_yx.size
    if ids_yx.shape != labels_yx.shape or not size or int(ids_yx.max()) > size:
        return None
    count = int(ids_yx.max())
    class_of, area_px, has_ids = np.zeros(count + 1, np.uint8), np.zeros(count + 1, np.int64), np.zeros(256, bool)
    has_ids[list(objects.class_ids)] = True
    for band in row_bands(labels_yx.shape):
        flat = ids_yx[band].ravel()
        class_of[flat] = labels_yx[band].ravel()
        area_px += np.bincount(flat, minlength=count + 1)
    class_of[0] = 0
    for band in row_bands(labels_yx.shape):
        if (class_of[ids_yx[band]] != np.where(has_ids[labels_yx[band]], labels_yx[band], 0)).any():
            return None
    window = Window(labels_yx, None, None, last=True)
    cut = at_edge(ids_yx, window, count) | beside_ignored(ids_yx, window, count)
    there = area_px > 0
    there[0] = False
    return PieceTable(class_of[there], area_px[there], cut[there])
