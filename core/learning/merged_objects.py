"""Object ids of label maps that are laid over one another, as their classes are for a training or a dataset folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.errors import NotFoundError
from core.imaging.object_pyramid import MOST_ID, ObjectIds
from core.label_scheme import IGNORE_ID
from core.review.label_maps import LabelMap, bands
from core.store.store import Store

_Steps = list[tuple[int, int]]
"""Upper ends of ranges of ids, ascending, and what is added to the ids of each."""

_NO_ROOM: Final = -(2**40)
"""In place of an offset: ids would become too large. Their pixels get none, and pieces are their objects."""


class MergedIds:
    """Ids of several label maps of an image; each counts where it is confirmed, later ones over earlier ones.

    A correction keeps the ids of what it was painted over, so that an object stays one across the edge of what was
    corrected. Ids of label maps that do not come from each other mean different objects: those of the later one, or
    what it has beyond the ids of a common origin, are raised above the others.

    Parameters
    ----------
    store
        Where they are.
    revision_ids
        Oldest first.
    shape_yx
        Of the image.
    """

    def __init__(self, store: Store, revision_ids: Sequence[str], shape_yx: tuple[int, int]) -> None:
        self._shape = shape_yx
        self._maps = [LabelMap(store, revision_id, shape_yx) for revision_id in revision_ids]
        self.class_ids = tuple(sorted({i for label_map in self._maps for i in label_map.object_classes}))
        """The classes that have ids in any of them; () where none has."""
        self._steps = self._raised(store, revision_ids) if self.class_ids else [[(MOST_ID, 0)] for _ in self._maps]

    def rows(self, top: int, bottom: int) -> NDArray[np.uint32]:
        """The ids of some rows at full width; 0: none."""
        band = np.zeros((bottom - top, self._shape[1]), np.uint32)
        for label_map, steps in zip(self._maps, self._steps, strict=True):
            labels = label_map.confirmed(slice(top, bottom))
            objects = label_map.objects(slice(top, bottom))
            ids = np.zeros_like(band)
            if objects is not None:
                valid = objects.valid(labels)
                ids[valid] = _raise(objects.ids_yx[valid], steps)
            np.copyto(band, ids, where=labels != IGNORE_ID)
        return band

    def whole(self) -> ObjectIds | None:
        """All ids; None where none of the label maps has any."""
        if not self.class_ids:
            return None
        ids_yx = np.zeros(self._shape, np.uint32)
        for band in bands(self._shape[0]):
            ids_yx[band] = self.rows(band.start, band.stop)
        return ObjectIds(ids_yx, self.class_ids)

    def _raised(self, store: Store, revision_ids: Sequence[str]) -> list[_Steps]:
        """How the ids of each are raised."""
        every: list[_Steps] = []
        highest: list[int] = []
        top = 0
        for number, label_map in enumerate(self._maps):
            origins = _ancestors(store, revision_ids[number])
            related = [i for i in range(number) if revision_ids[i] in origins]
            most = _highest(label_map, self._shape[0]) if len(self._maps) > 1 else 0
            if related and len(related) == number:
                steps = every[related[-1]]
            elif related:
                shared = highest[related[-1]]
                kept = [(min(upper, shared), offset) for upper, offset in every[related[-1]]]
                steps = [*kept, (MOST_ID, top - shared if top <= MOST_ID - (most - shared) else _NO_ROOM)]
            else:
                steps = [(MOST_ID, top if top <= MOST_ID - most else _NO_ROOM)]
            every.append(steps)
            highest.append(most)
            top = max(top, *(min(upper, most) + offset for upper, offset in steps if offset != _NO_ROOM), 0)
        return every


def _raise(ids: NDArray[np.uint32], steps: _Steps) -> NDArray[np.uint32]:
    """Ids with the offset of the first step whose upper end is not below them; 0 where there is no room."""
    uppers, offsets = (np.array(values, np.int64) for values in zip(*steps, strict=True))
    offset = offsets[np.minimum(np.searchsorted(uppers, ids), len(uppers) - 1)]
    return np.where(offset == _NO_ROOM, 0, ids + offset).astype(np.uint32)


def _ancestors(store: Store, revision_id: str) -> set[str]:
    """The label maps that one was made from."""
    found: set[str] = set()
    try:
        parent = store.revisions.get(revision_id).parent_id
        while parent is not None and parent not in found:
            found.add(parent)
            parent = store.revisions.get(parent).parent_id
    except NotFoundError:  # a label map on the way was deleted
        pass
    return found


def _highest(label_map: LabelMap, height: int) -> int:
    """The largest id of a label map."""
    read = (label_map.objects(band) for band in bands(height))
    return max((int(objects.ids_yx.max(initial=0)) for objects in read if objects is not None), default=0)
