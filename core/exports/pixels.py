"""Rows of pixels for files, read band by band from what the store keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.imaging.pyramid import Pyramid
from core.label_scheme import IGNORE_ID
from core.review.label_maps import LabelMap
from core.store.records import ImageRecord, RevisionRecord
from core.store.store import Store

Rows = Callable[[int, int], NDArray[Any]]
"""From the first row and the row behind the last to these rows, full width."""


def image_rows(micrograph: Pyramid) -> Rows:
    """Grey values as the image has them."""
    return lambda top, bottom: np.asarray(micrograph.read(0, slice(top, bottom), slice(0, micrograph.shape_yx[1])))


def confirmed_rows(
    store: Store, image: ImageRecord, layers: Sequence[RevisionRecord]
) -> Callable[[int, int], NDArray[np.uint8]]:
    """Class ids of a project where a person has confirmed them, 255 elsewhere; of a prediction all of it.

    Parameters
    ----------
    store
        Where label maps are.
    image
        Whose.
    layers
        Oldest first; a later one counts where it says something.

    Raises
    ------
    LabelMapError
        An earlier version wrote a label map in the classes of its model, none of which is one of the project's.
    """
    maps = [LabelMap(store, layer.id, image.shape_yx) for layer in layers]

    def rows(top: int, bottom: int) -> NDArray[np.uint8]:
        band = np.full((bottom - top, image.shape_yx[1]), IGNORE_ID, np.uint8)
        for label_map in maps:
            labels = label_map.confirmed(slice(top, bottom))
            np.copyto(band, labels, where=labels != IGNORE_ID)
        return band

    return rows
