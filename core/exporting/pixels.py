"""Rows of pixels for files, read band by band from what the store keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.exports import revision_scheme
from core.imaging.pyramid import Pyramid
from core.label_scheme import IGNORE_ID, LabelScheme
from core.review.label_maps import LabelMap
from core.store.records import ImageRecord, RevisionRecord
from core.store.store import Store

Rows = Callable[[int, int], NDArray[Any]]
"""From the first row and the row behind the last to these rows, full width."""


def image_rows(micrograph: Pyramid) -> Rows:
    """Grey values as the image has them."""
    return lambda top, bottom: np.asarray(micrograph.read(0, slice(top, bottom), slice(0, micrograph.shape_yx[1])))


def confirmed_rows(
    store: Store, image: ImageRecord, layers: Sequence[RevisionRecord], scheme: LabelScheme
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
    scheme
        The project's classes: label maps with others are translated by name.

    Raises
    ------
    LabelMapError
        A label map has pixels of a class that the project does not have.
    """
    maps = [(LabelMap(store, layer.id, image.shape_yx), _translation(store, layer, scheme)) for layer in layers]

    def rows(top: int, bottom: int) -> NDArray[np.uint8]:
        band = np.full((bottom - top, image.shape_yx[1]), IGNORE_ID, np.uint8)
        for label_map, table in maps:
            labels = label_map.vouched(slice(top, bottom))
            if table is not None:
                labels = table[labels]
            np.copyto(band, labels, where=labels != IGNORE_ID)
        return band

    return rows


def _translation(store: Store, revision: RevisionRecord, scheme: LabelScheme) -> NDArray[np.uint8] | None:
    """Id in the label map to id in the project; None where they are the same."""
    theirs = revision_scheme(store, revision)
    if {item.id: item.name for item in theirs.classes} == {item.id: item.name for item in scheme.classes}:
        return None
    known = {item.name.casefold(): item.id for item in scheme.classes}
    used = {int(row["class_id"]) for row in revision.coverage if row.get("pixels")}
    missing = [item.name for item in theirs.classes if item.name.casefold() not in known and item.id in used]
    if missing:
        raise LabelMapError(
            f"Its label map has pixels of {', '.join(missing)}, which the project does not have.",
            "Add the class to the project (Project settings) and export again.",
        )
    table = np.full(256, IGNORE_ID, np.uint8)
    table[0] = 0
    for item in theirs.classes:
        table[item.id] = known.get(item.name.casefold(), IGNORE_ID)
    return table
