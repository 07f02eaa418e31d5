"""Object ids of label maps that are laid over one another, as their classes are for a training or a dataset folder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import NotFoundError
from core.imaging.object_pyramid import MOST_ID, ObjectIds
from core.label_scheme import IGNORE_ID
from core.review.label_maps import LabelMap, bands
from core.store.store import Store


class MergedIds:
    """Ids of several label maps of an image; each counts where it is confirmed, later ones over earlier ones.

    A correction keeps the ids of what it was painted over, so that an object stays one across the edge of what was
    corrected. Ids of label maps that do not come from each other mean different objects: those of the later one are
    raised above the others.

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
        self._maps = [LabelMap(store, each, shape_yx) for each in revision_ids]
        self.class_ids = tuple(sorted({i for label_map in self._maps for i in label_map.object_classes}))
        """The classes that have ids in any of them; () where none has."""
        self._offsets = self._raised(store, revision_ids) if self.class_ids else [0] * len(self._maps)

    def rows(self, top: int, bottom: int) -> NDArray[np.uint32]:
        """The ids of some rows at full width; 0: none."""
        band = np.zeros((bottom - top, self._shape[1]), np.uint32)
        for label_map, offset in zip(self._maps, self._offsets, strict=True):
            labels = label_map.confirmed(slice(top, bottom))
            objects = label_map.objects(slice(top, bottom))
            ids = np.zeros_like(band)
            if objects is not None and offset >= 0:
                valid = objects.valid(labels)
                ids[valid] = objects.ids_yx[valid] + np.uint32(offset)
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

    def _raised(self, store: Store, revision_ids: Sequence[str]) -> list[int]:
        """What is added to the ids of each; -1: there is no room, and its pieces are its objects."""
        offsets: list[int] = []
        highest: list[int] = []
        for number, label_map in enumerate(self._maps):
            ancestors = _ancestors(store, revision_ids[number])
            related = [i for i in range(number) if revision_ids[i] in ancestors]
            least = max((offset + most for offset, most in zip(offsets, highest, strict=True)), default=0)
            offset = offsets[related[-1]] if related else least
            most = _highest(label_map, self._shape[0]) if len(self._maps) > 1 else 0
            offsets.append(offset if 0 <= offset <= MOST_ID - most else -1)
            highest.append(most)
        return offsets


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
