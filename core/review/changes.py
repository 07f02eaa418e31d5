"""What a submitted revision changed, and what that does to the score; worked out once, then kept with the review."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.evaluation.counts import plain
from core.evaluation.overlap import confusion, counts_from_confusion
from core.label_scheme import IGNORE_ID
from core.review.label_maps import LabelMap, bands
from core.review.lineage import lineage
from core.review.records import Box, Changes, ClassChange, Effect, Review
from core.review.rows import BEFORE
from core.store.records import ImageRecord, RevisionKind
from core.store.store import Store

_ALL_IDS: Final = tuple(range(IGNORE_ID))
"""The scheme may have changed since: every id may occur."""


@dataclass(frozen=True, slots=True)
class Region:
    """Changed pixels that hang together and changed in the same way.

    Parameters
    ----------
    box
        Around them.
    pixels
        How many.
    before, after
        The class that they had, and have.
    """

    box: Box
    pixels: int
    before: int
    after: int


def measured(store: Store, reviews: Iterable[Review]) -> tuple[Review, ...]:
    """The reviews with their changes and, where there is a reference, their effect; what is missing is worked out.

    Reading a label map of 16,000 x 16,000 px takes a few seconds, once.
    """
    return tuple(_measured(store, review) for review in reviews)


def changes_between(before: LabelMap, after: LabelMap) -> Changes:
    """Pixels that differ. Where the later map says *ignore*, nothing is changed."""
    gained, lost = np.zeros(256, np.int64), np.zeros(256, np.int64)
    rows_with, columns_with = [], np.zeros(after.shape_yx[1], bool)
    for band in bands(after.shape_yx[0]):
        old, new = before.labels(band), after.labels(band)
        differs = (old != new) & (new != IGNORE_ID)
        if not differs.any():
            continue
        gained += np.bincount(new[differs], minlength=256)
        lost += np.bincount(old[differs], minlength=256)
        rows_with.append(band.start + np.flatnonzero(differs.any(axis=1)))
        columns_with |= differs.any(axis=0)
    classes = tuple(
        ClassChange(class_id, int(gained[class_id]), int(lost[class_id]))
        for class_id in _ALL_IDS
        if gained[class_id] or lost[class_id]
    )
    return Changes(int(gained.sum()), _box(rows_with, columns_with), classes)


def changed_regions(store: Store, review: Review, *, most: int = 200) -> tuple[Region, ...]:
    """What a revision changed, piece by piece (`regions_between`), largest first."""
    known = _measured(store, review)
    if known.changes is None or known.changes.box is None:
        return ()
    shape = store.images.get(review.image_id).shape_yx
    before, after = LabelMap(store, known.before_id, shape), LabelMap(store, review.revision_id, shape)
    return regions_between(before, after, known.changes.box, most=most)


def regions_between(before: LabelMap, after: LabelMap, area: Box, *, most: int) -> tuple[Region, ...]:
    """Changed pixels inside a box, piece by piece, largest first.

    A piece hangs together (8-connected) and changed from one class to one other, so that pieces add up to the counts
    per class.
    """
    import cc3d

    rows, columns = slice(area.row, area.row + area.height), slice(area.column, area.column + area.width)
    old, new = before.labels(rows, columns), after.labels(rows, columns)
    kinds = np.where((old != new) & (new != IGNORE_ID), old.astype(np.uint16) * 256 + new, np.uint16(0))
    pieces = cc3d.connected_components(kinds, connectivity=8)
    sizes = np.bincount(pieces.ravel())[1:]
    outlines = cc3d.statistics(pieces, no_slice_conversion=False)["bounding_boxes"]
    found = []
    for number in (np.argsort(-sizes, kind="stable")[:most] + 1).tolist():
        inside = outlines[number]
        kind = int(kinds[inside][pieces[inside] == number][0])
        top, left = inside[0], inside[1]
        found.append(
            Region(
                Box(area.row + top.start, area.column + left.start, top.stop - top.start, left.stop - left.start),
                int(sizes[number - 1]),
                *divmod(kind, 256),
            )
        )
    return tuple(found)


def effect_on_score(
    before: LabelMap, after: LabelMap, reference: LabelMap, reference_id: str, class_ids: Iterable[int]
) -> Effect:
    """Dice of two label maps against a reference, where all three know the class of a pixel."""
    matrices = [np.zeros((len(_ALL_IDS), len(_ALL_IDS)), np.int64) for _ in range(2)]
    for band in bands(reference.shape_yx[0]):
        old, new, truth = (each.labels(band) for each in (before, after, reference))
        truth = np.where((old == IGNORE_ID) | (new == IGNORE_ID), np.uint8(IGNORE_ID), truth)
        for matrix, labels in zip(matrices, (old, new), strict=True):
            matrix += confusion(truth, np.where(labels == IGNORE_ID, np.uint8(0), labels), _ALL_IDS)
    wanted = tuple(class_ids)
    dice = [{each: plain(counts[each].dice) for each in wanted} for counts in map(counts_from_confusion, matrices)]
    return Effect(reference_id, *dice)


def _measured(store: Store, review: Review) -> Review:
    """Against the nearest label map above that counts; which one that is changes with what is decided there."""
    image = store.images.get(review.image_id)
    before_id = lineage(store, review.revision_id).before_id
    if before_id != review.before_id:
        review = replace(review, changes=None, effect=None, before_id=before_id)
    changes = review.changes or changes_between(
        LabelMap(store, before_id, image.shape_yx), LabelMap(store, review.revision_id, image.shape_yx)
    )
    effect = _effect(store, review, image)
    if (changes, effect) != (review.changes, review.effect):
        kept = {**changes.to_json(), BEFORE: before_id}
        store.reviews.keep_measured(review.revision_id, kept, effect.to_json() if effect else None)
    return replace(review, changes=changes, effect=effect)


def _effect(store: Store, review: Review, image: ImageRecord) -> Effect | None:
    """Against the newest reference, unless the revision was made from it."""
    reference = next(iter(store.revisions.of_image(review.image_id, kind=RevisionKind.REFERENCE)), None)
    if reference is None or reference.id == review.before_id:
        return None
    if review.effect is not None and review.effect.reference_id == reference.id:
        return review.effect
    ids = (review.before_id, review.revision_id, reference.id)
    before, after, truth = (LabelMap(store, each, image.shape_yx) for each in ids)
    return effect_on_score(before, after, truth, reference.id, store.projects.get(image.project_id).scheme.ids)


def _box(rows_with: list[NDArray[np.intp]], columns_with: NDArray[np.bool_]) -> Box | None:
    if not rows_with:
        return None
    top, bottom = int(rows_with[0][0]), int(rows_with[-1][-1])
    columns = np.flatnonzero(columns_with)
    left, right = int(columns[0]), int(columns[-1])
    return Box(top, left, bottom - top + 1, right - left + 1)
