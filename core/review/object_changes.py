"""What became of the objects between two label maps of an image: split, merged, new, removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.labels.numbering import NumberedObjects, number_objects, runs
from core.review.label_maps import LabelMap, bands
from core.store.records import RevisionRecord

DETAILS: Final = "object_changes"
"""Where a correction's details say what became of the objects that it was begun from: the JSON of `ObjectChanges`."""

MOST_PX: Final = 64_000_000
"""Pieces without ids are objects, too, in label maps up to this size: in larger ones that takes the server's memory."""


@dataclass(frozen=True, slots=True)
class ObjectChanges:
    """How many objects became others, of the classes whose objects have ids.

    Parameters
    ----------
    split
        Objects that are several now: each of the several lies mostly in it.
    merged
        Objects that went into one with others: each of them lies mostly in it.
    new
        Objects that share no pixel with one of their class before.
    removed
        Objects of which no pixel is one of their class now.
    """

    split: int = 0
    merged: int = 0
    new: int = 0
    removed: int = 0

    def __bool__(self) -> bool:
        return bool(self.split or self.merged or self.new or self.removed)

    def to_json(self) -> dict[str, int]:
        """Plain values."""
        return {"split": self.split, "merged": self.merged, "new": self.new, "removed": self.removed}

    @property
    def words(self) -> str:
        """For people; "" where nothing changed.

        >>> ObjectChanges(split=2, merged=1).words, ObjectChanges(removed=1).words
        ('2 objects split, 1 merged', '1 object removed')
        """
        parts = [(self.split, "split"), (self.merged, "merged"), (self.new, "new"), (self.removed, "removed")]
        sentences = [(count, what) for count, what in parts if count]
        if not sentences:
            return ""
        (first, what), *rest = sentences
        noun = "object" if first == 1 else "objects"
        return ", ".join([f"{first:,} {noun} {what}", *(f"{count:,} {what}" for count, what in rest)])

    @classmethod
    def from_json(cls, value: dict[str, Any] | None) -> ObjectChanges | None:
        """What `to_json` gave; None where nothing was kept."""
        return None if value is None else cls(**{name: int(value.get(name, 0)) for name in cls.__slots__})


def submitted_changes(revision: RevisionRecord) -> ObjectChanges:
    """What became of objects in a correction, as it was counted at submission; nothing where it was not counted."""
    return ObjectChanges.from_json(revision.details.get(DETAILS)) or ObjectChanges()


def object_changes(before: LabelMap, after: LabelMap) -> ObjectChanges | None:
    """What became of the objects of the classes that have ids in one of two label maps.

    Beyond `MOST_PX` only what has an id counts as an object, and the label maps are read band by band.

    Returns
    -------
    ObjectChanges or None
        None where neither has ids, or where only one has and they are larger than `MOST_PX`.

    Raises
    ------
    ImageError
        One of them is damaged.
    """
    classes = tuple(sorted({*before.object_classes, *after.object_classes}))
    height, width = after.shape_yx
    if not classes:
        return None
    if height * width > MOST_PX:
        return _changes_by_id(before, after) if before.object_classes and after.object_classes else None
    one, other = (_numbered(label_map, classes) for label_map in (before, after))
    return changes_of_objects(one, other)


def changes_of_objects(before: NumberedObjects, after: NumberedObjects) -> ObjectChanges:
    """What became of numbered objects of one image; see `ObjectChanges`.

    Examples
    --------
    >>> one = number_objects(np.array([[1, 1, 1, 1, 0, 1]], np.uint8), (1,))
    >>> other = number_objects(np.array([[1, 0, 1, 1, 0, 0]], np.uint8), (1,))
    >>> changes_of_objects(one, other)
    ObjectChanges(split=1, merged=0, new=0, removed=1)
    """
    starts, lengths = runs(before.numbers_yx, after.numbers_yx)
    was = before.numbers_yx.ravel()[starts].astype(np.int64)
    now = after.numbers_yx.ravel()[starts].astype(np.int64)
    shared = (was > 0) & (now > 0)
    shared[shared] = before.class_of[was[shared]] == after.class_of[now[shared]]
    pairs, place = np.unique(was[shared] << 32 | now[shared], return_inverse=True)
    both = np.bincount(place, lengths[shared], len(pairs)).astype(np.int64)
    return _changes(pairs >> 32, pairs & 0xFFFFFFFF, both, before.count, after.count)


def _changes(
    first: NDArray[np.int64], second: NDArray[np.int64], both: NDArray[np.int64], before: int, after: int
) -> ObjectChanges:
    """Of pairs of objects, numbered from 1, that share pixels: how many; and how many objects there are in all."""
    split = first[2 * both > _kept(second, both, after)[second]]
    merged = second[2 * both > _kept(first, both, before)[first]]
    parts, goes_into = np.bincount(split, minlength=before + 1), np.bincount(merged, minlength=after + 1)
    return ObjectChanges(
        int(np.count_nonzero(parts > 1)),
        int(goes_into[goes_into > 1].sum()),
        after - len(np.unique(second)),
        before - len(np.unique(first)),
    )


def _changes_by_id(before: LabelMap, after: LabelMap) -> ObjectChanges:
    """As `changes_of_objects`, of what has an id: a band of rows at a time."""
    found: list[NDArray[np.int64]] = [np.zeros((3, 0), np.int64)]
    for band in bands(after.shape_yx[0]):
        one, other = _keys(before, band), _keys(after, band)
        starts, lengths = runs(one, other)
        pair = np.stack([one.ravel()[starts], other.ravel()[starts]])
        there = pair.any(axis=0)
        pairs, place = np.unique(pair[:, there], axis=1, return_inverse=True)
        found.append(np.vstack([pairs, np.bincount(place.ravel(), lengths[there], pairs.shape[1]).astype(np.int64)]))
    was, now, pixels = np.hstack(found)
    keys_before, first = np.unique(np.append(was, 0), return_inverse=True)
    keys_after, second = np.unique(np.append(now, 0), return_inverse=True)
    shared = (was > 0) & (now > 0) & (was >> 32 == now >> 32)
    pairs = np.stack([first[:-1][shared], second[:-1][shared]]).astype(np.int64)
    pairs, place = np.unique(pairs, axis=1, return_inverse=True)
    both = np.bincount(place.ravel(), pixels[shared], pairs.shape[1]).astype(np.int64)
    return _changes(pairs[0], pairs[1], both, len(keys_before) - 1, len(keys_after) - 1)


def _keys(label_map: LabelMap, band: slice) -> NDArray[np.int64]:
    """Class and id of each pixel in one number; 0 where it has no id."""
    labels, objects = label_map.labels(band), label_map.objects(band)
    if objects is None:
        return np.zeros(labels.shape, np.int64)
    return np.where(objects.valid(labels), labels.astype(np.int64) << 32 | objects.ids_yx, 0)


def _kept(numbers: NDArray[np.int64], both: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Pixels of each object that belong to some object in the other label map."""
    return np.bincount(numbers, both, count + 1).astype(np.int64)


def _numbered(label_map: LabelMap, classes: tuple[int, ...]) -> NumberedObjects:
    return number_objects(label_map.labels(slice(None)), classes, label_map.objects(slice(None)))
