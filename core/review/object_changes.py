"""What became of the objects between two label maps of an image: split, merged, new, removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.labels.numbering import NumberedObjects, number_objects, runs
from core.review.label_maps import LabelMap
from core.store.records import RevisionRecord

DETAILS: Final = "object_changes"
"""Where a correction's details say what became of the objects that it was begun from: the JSON of `ObjectChanges`."""

MOST_PX: Final = 64_000_000
"""Objects are compared in label maps up to this size: larger ones would take the memory of the server."""


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
        told = [(count, what) for count, what in parts if count]
        if not told:
            return ""
        (first, what), *rest = told
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

    Returns
    -------
    ObjectChanges or None
        None where neither has ids, or where they are larger than `MOST_PX`.

    Raises
    ------
    ImageError
        One of them is damaged.
    """
    classes = tuple(sorted({*before.object_classes, *after.object_classes}))
    height, width = after.shape_yx
    if not classes or height * width > MOST_PX:
        return None
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
    first, second = pairs >> 32, pairs & 0xFFFFFFFF
    split = first[2 * both > _kept(second, both, after.count)[second]]
    merged = second[2 * both > _kept(first, both, before.count)[first]]
    parts, goes_into = np.bincount(split, minlength=before.count + 1), np.bincount(merged, minlength=after.count + 1)
    return ObjectChanges(
        int(np.count_nonzero(parts > 1)),
        int(goes_into[goes_into > 1].sum()),
        after.count - len(np.unique(second)),
        before.count - len(np.unique(first)),
    )


def _kept(numbers: NDArray[np.int64], both: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Pixels of each object that belong to some object in the other label map."""
    return np.bincount(numbers, both, count + 1).astype(np.int64)


def _numbered(label_map: LabelMap, classes: tuple[int, ...]) -> NumberedObjects:
    return number_objects(label_map.labels(slice(None)), classes, label_map.objects(slice(None)))
