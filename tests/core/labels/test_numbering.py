"""What counts as an object: ids where they are, connected pieces where not, in one place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from core.errors import LabelMapError
from core.imaging.object_pyramid import ObjectIds
from core.labels.numbering import CountedBy, counted_by, number_objects, parts_of_ids, runs


def test_without_ids_pieces_are_objects() -> None:
    labels = np.array([[1, 0, 1, 2], [1, 0, 0, 2], [0, 255, 0, 0]], np.uint8)
    found = number_objects(labels, (1, 2))
    assert found.numbers_yx.tolist() == [[1, 0, 2, 3], [1, 0, 0, 3], [0, 0, 0, 0]]
    assert found.class_of.tolist() == [0, 1, 1, 2]
    assert found.area_px[1:].tolist() == [2, 1, 2]
    assert found.id_of.tolist() == [0, 0, 0, 0]


def test_two_that_touch_are_two_and_one_in_two_parts_is_one() -> None:
    labels = np.array([[1, 1, 1, 0, 1]], np.uint8)
    found = number_objects(labels, (1,), ObjectIds(np.array([[8, 8, 3, 0, 3]], np.uint32), (1,)))
    assert found.numbers_yx.tolist() == [[1, 1, 2, 0, 2]]
    assert found.id_of.tolist() == [0, 8, 3]
    assert found.area_px[1:].tolist() == [2, 2]


def test_pixels_without_an_id_are_pieces_of_their_own() -> None:
    labels = np.array([[1, 1, 1, 0, 1]], np.uint8)
    found = number_objects(labels, (1,), ObjectIds(np.array([[8, 0, 0, 0, 0]], np.uint32), (1,)))
    assert found.numbers_yx.tolist() == [[1, 2, 2, 0, 3]]
    assert found.id_of.tolist() == [0, 8, 0, 0]


def test_ids_of_a_class_that_has_none_are_not_looked_at() -> None:
    labels = np.array([[2, 2, 1, 1]], np.uint8)
    ids = ObjectIds(np.array([[1, 2, 3, 4]], np.uint32), (1,))
    assert number_objects(labels, (1, 2), ids).numbers_yx.tolist() == [[1, 1, 2, 3]]
    assert [counted_by(i, ids) for i in (1, 2)] == [CountedBy.IDS, CountedBy.PIECES]
    assert counted_by(1, None) is CountedBy.PIECES


def test_an_id_in_two_classes_is_two_objects_and_one_on_background_none() -> None:
    labels = np.array([[1, 2, 0, 255]], np.uint8)
    found = number_objects(labels, (1, 2), ObjectIds(np.full((1, 4), 7, np.uint32), (1, 2)))
    assert found.numbers_yx.tolist() == [[1, 2, 0, 0]]
    assert found.class_of.tolist() == [0, 1, 2]
    assert found.id_of.tolist() == [0, 7, 7]


def test_the_largest_id_and_only_some_classes() -> None:
    labels = np.array([[1, 2]], np.uint8)
    found = number_objects(labels, (1,), ObjectIds(np.full((1, 2), 2**32 - 1, np.uint32), (1, 2)))
    assert found.numbers_yx.tolist() == [[1, 0]]
    assert found.id_of.tolist() == [0, 2**32 - 1]


def test_ids_of_another_shape_are_refused() -> None:
    with pytest.raises(LabelMapError, match=r"\(1, 2\)"):
        number_objects(np.ones((1, 2), np.uint8), (1,), ObjectIds(np.ones((2, 2), np.uint32), (1,)))


@settings(max_examples=60)
@given(
    arrays(np.uint32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 1, 2, 2**32 - 1]))
)
def test_parts_of_ids_are_their_connected_pieces(ids: np.ndarray) -> None:
    found, parts = parts_of_ids(ids)
    expected = {int(number): ndimage.label(ids == number, np.ones((3, 3)))[1] for number in np.unique(ids[ids > 0])}
    assert dict(zip(found.tolist(), parts.tolist(), strict=True)) == expected


def test_stretches_are_the_same_however_large_the_bands_are(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = np.array([[1, 1, 2], [2, 2, 2], [2, 0, 0], [0, 3, 3]], np.uint32)
    labels = np.array([[1, 1, 1], [1, 1, 1], [1, 0, 0], [0, 2, 1]], np.uint8)
    whole = runs(labels, ids)
    assert whole[0].tolist() == [0, 2, 7, 10, 11]
    assert whole[1].tolist() == [2, 5, 3, 1, 1]
    monkeypatch.setattr("core.imaging.row_bands.BAND_PX", 1)
    for one, other in zip(whole, runs(labels, ids), strict=True):
        np.testing.assert_array_equal(one, other)


def test_two_hundred_thousand_objects_are_counted() -> None:
    ids = np.kron(np.arange(1, 200_001, dtype=np.uint32).reshape(400, 500), np.ones((2, 2), np.uint32))
    found = number_objects(np.ones(ids.shape, np.uint8), (1,), ObjectIds(ids, (1,)))
    assert found.count == 200_000
    assert (found.area_px[1:] == 4).all()
    assert (found.id_of[found.numbers_yx] == ids).all()


@given(arrays(np.uint8, (7, 9), elements=st.sampled_from([0, 1, 2, 255])), st.integers(0, 2**32 - 10))
@settings(max_examples=60, deadline=None)
def test_ids_of_the_pieces_give_the_pieces(labels: np.ndarray, offset: int) -> None:
    pieces = number_objects(labels, (1, 2))
    ids = np.where(pieces.numbers_yx > 0, pieces.numbers_yx.astype(np.int64) + offset % (2**32 - 64), 0).astype(
        np.uint32
    )
    found = number_objects(labels, (1, 2), ObjectIds(ids, (1, 2)))
    np.testing.assert_array_equal(found.numbers_yx, pieces.numbers_yx)
    np.testing.assert_array_equal(found.class_of, pieces.class_of)
    np.testing.assert_array_equal(found.area_px, pieces.area_px)
