"""What became of objects between two label maps, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.imaging.object_pyramid import ObjectIds
from core.labels.numbering import number_objects
from core.review import object_changes as module
from core.review.object_changes import ObjectChanges, changes_of_objects, object_changes


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


@pytest.mark.parametrize("seed", range(3))
def test_large_maps_are_compared_band_by_band_with_the_same_result(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before = np.kron(np.arange(1, 151).reshape(30, 5), np.ones((100, 20))).astype(np.uint32)  # 3,000 rows: three bands
    after = before.copy()
    merged, cut, gone = np.random.default_rng(seed).permutation(np.arange(1, 151))[:30].reshape(3, 10)
    after[np.isin(before, merged)] = merged[0]
    half = np.isin(before, cut) & (np.arange(3000) % 100 < 40)[:, None]
    after[half] += 200
    after[np.isin(before, gone)] = 0
    after[:20, :10] = 999
    labels = [np.where(ids == 0, 0, np.where(ids == 7, 2, 1)).astype(np.uint8) for ids in (before, after)]
    maps = [Written(classes, ids) for classes, ids in zip(labels, (before, after), strict=True)]
    whole = object_changes(*maps)
    monkeypatch.setattr(module, "MOST_PX", 100)
    assert object_changes(*maps) == whole
    assert whole is not None
    assert whole.split >= 9
    assert whole.merged >= 9
    assert whole.removed >= 9


class Written:
    """Stands for a label map of classes 1 and 2 whose pixels all have ids."""

    def __init__(self, labels_yx: np.ndarray, ids_yx: np.ndarray) -> None:
        self.shape_yx, self.object_classes = labels_yx.shape, (1, 2)
        self._labels, self._ids = labels_yx, ids_yx

    def labels(self, rows: slice) -> np.ndarray:
        return self._labels[rows]

    def objects(self, rows: slice) -> ObjectIds:
        return ObjectIds(self._ids[rows], (1, 2))
