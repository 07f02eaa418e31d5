"""What became of objects between two label maps, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.imaging.object_pyramid import ObjectIds
from core.labels.numbering import number_objects
from core.review.object_changes import ObjectChanges, changes_of_objects


def changes(before: str, after: str, *, first: str = "", second: str = "") -> ObjectChanges:
    """Each digit is the id of an object of class 1, 0 background; ``first`` and ``second``: classes, where not 1."""
    found = []
    for text, classes in ((before, first), (after, second)):
        ids = np.array([[int(digit) for digit in text]], np.uint32)
        labels = np.array([[int(digit) for digit in classes]], np.uint8) if classes else (ids > 0).astype(np.uint8)
        found.append(number_objects(labels, (1, 2), ObjectIds(ids, (1, 2))))
    return changes_of_objects(*found)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("1110222", "1110222", ObjectChanges()),
        ("1111110", "1112220", ObjectChanges(split=1)),
        ("1112220", "1111110", ObjectChanges(merged=2)),
        ("1112220", "1111220", ObjectChanges()),
        ("1110000", "1110022", ObjectChanges(new=1)),
        ("1110022", "1110000", ObjectChanges(removed=1)),
        ("1110022", "1110011", ObjectChanges(merged=2)),
        ("1111111", "1122333", ObjectChanges(split=1)),
        ("1111000", "0000111", ObjectChanges(new=1, removed=1)),
    ],
    ids=["same", "split", "merged", "a pixel moved", "new", "removed", "merged apart", "in three", "elsewhere"],
)
def test_what_became_of_objects(before: str, after: str, expected: ObjectChanges) -> None:
    assert changes(before, after) == expected
    assert bool(expected) == (before[:4] != after[:4] or before[4:] != after[4:]) or before == "1112220"


def test_another_class_is_another_object() -> None:
    assert changes("1100", "1100", first="1100", second="2200") == ObjectChanges(new=1, removed=1)


def test_an_empty_map_has_nothing() -> None:
    assert changes("0000", "0000") == ObjectChanges()
    assert ObjectChanges.from_json(ObjectChanges(2, 1, 0, 3).to_json()) == ObjectChanges(2, 1, 0, 3)
    assert ObjectChanges.from_json(None) is None
