"""Measuring the objects of one stored label map, with everything that is stored beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from core.imaging.pyramid import open_pyramid
from core.measurements.smallest import Smallest
from core.morphometry.objects import ObjectTable, measure_objects
from core.store.label_maps import label_classes, open_label_map, require_project_classes
from core.store.records import ImageRecord, RevisionRecord
from core.store.store import Store

_EVERY: Final = Smallest()


def measure_label_map(
    store: Store,
    image: ImageRecord,
    revision: RevisionRecord,
    contact_nm: float,
    progress: Callable[[float], None] = lambda fraction: None,
    smallest: Smallest = _EVERY,
) -> ObjectTable:
    """The objects of a label map with its ids, its confidence and the grey values of its image; nothing is written.

    Parameters
    ----------
    image, revision
        A complete label map in its project's classes, and its image.
    contact_nm
        Greatest gap that counts as contact.
    progress
        Told a fraction, 0 to 1; may raise to stop.
    smallest
        Objects that distances and contacts are to.
    """
    require_project_classes(store, revision)
    labels = open_label_map(store, revision)
    pixels = open_pyramid(store.images.pyramid_path(image.id))
    columns = slice(0, pixels.shape_yx[1])
    return measure_objects(
        labels.whole(),
        label_classes(store, revision),
        image.pixel_size.nm,
        confidence_yx=None if labels.confidence is None else labels.confidence.whole(),
        objects=labels.object_ids(),
        grey_of=lambda rows: pixels.read(0, rows, columns),
        contact_nm=contact_nm,
        least_px=smallest.px(image.pixel_size.nm),
        progress=progress,
    )
