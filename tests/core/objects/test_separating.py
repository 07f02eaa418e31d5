"""From a label map and parting pixels to objects, against answers worked out by hand and an independent watershed."""

from __future__ import annotations

import cc3d
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage

from core.imaging.object_pyramid import ObjectIds
from core.labels.numbering import number_objects
from core.objects import separating
from core.objects.pieces import piece_table
from core.objects.separating import separated

NOTHING = np.zeros(256)


def _same_objects(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> bool:
    """Whether two maps have the same objects, whatever their numbers."""
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    return bool(len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1])


def _bridge() -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Two squares of 6 x 6 that touch along a face, the seam two pixels wide."""
    labels = np.zeros((8, 14), np.uint8)
    labels[1:7, 1:13] = 3
    parting = np.zeros(labels.shape, bool)
    parting[1:7, 6:8] = True
    return labels, parting


def test_two_that_touch_are_two_and_the_class_keeps_every_pixel() -> None:
    labels, parting = _bridge()
    objects = separated(labels, parting, (3,), NOTHING)
    assert objects.class_of.tolist() == [0, 3, 3]
    np.testing.assert_array_equal(objects.ids_yx > 0, labels == 3)
    assert (objects.ids_yx[1:7, 1:7] == objects.ids_yx[1, 1]).all()
    assert (objects.ids_yx[1:7, 7:13] == objects.ids_yx[1, 12]).all()


def test_parting_pixels_that_do_not_cross_split_nothing() -> None:
    labels, parting = _bridge()
    parting[1:3] = False
    assert separated(labels, parting, (3,), NOTHING).class_of.tolist() == [0, 3]


def test_parting_pixels_of_other_classes_do_not_count() -> None:
    labels, parting = _bridge()
    objects = separated(labels, parting, (5,), NOTHING)
    assert not objects.ids_yx.any()
    assert objects.class_of.tolist() == [0]


def test_a_part_too_small_is_no_object() -> None:
    labels, parting = _bridge()
    labels[1:7, 10:13] = 0  # the right square keeps two columns beside the seam
    least = NOTHING.copy()
    least[3] = 13
    assert separated(labels, parting, (3,), least).class_of.tolist() == [0, 3]
    least[3] = 12
    assert separated(labels, parting, (3,), least).class_of.tolist() == [0, 3, 3]


def test_a_small_object_that_nothing_parts_stays() -> None:
    labels, parting = _bridge()
    labels[0, 13] = 3  # beyond a pixel of background
    labels[1:7, 12] = 0
    least = NOTHING.copy()
    least[3] = 10
    objects = separated(labels, parting, (3,), least)
    assert objects.class_of.tolist() == [0, 3, 3, 3]
    assert (objects.ids_yx == objects.ids_yx[0, 13]).sum() == 1


def test_a_piece_of_parting_pixels_alone_is_one_object() -> None:
    labels = np.zeros((5, 9), np.uint8)
    labels[1, 1:4] = 2
    labels[2, 4] = 2  # across a corner
    labels[4, 8] = 7
    objects = separated(labels, labels > 0, (2, 7), NOTHING)
    assert sorted(objects.class_of.tolist()) == [0, 2, 7]
    np.testing.assert_array_equal(objects.ids_yx > 0, labels > 0)


def test_objects_of_two_classes_never_share_an_id() -> None:
    labels, parting = _bridge()
    labels[1:7, 7:13] = 4
    parting[:] = True
    parting[2, 2] = parting[2, 11] = False
    objects = separated(labels, parting, (3, 4), NOTHING)
    assert sorted(objects.class_of.tolist()) == [0, 3, 4]
    np.testing.assert_array_equal(objects.class_of[objects.ids_yx], labels)


def test_ignore_and_background_have_no_objects() -> None:
    labels, parting = _bridge()
    labels[0] = 255
    assert not separated(labels, parting, (3,), NOTHING).ids_yx[0].any()


@given(
    labels=arrays(np.uint8, (12, 15), elements=st.sampled_from([0, 0, 1, 1, 1, 2, 255])),
    parting=arrays(np.bool_, (12, 15)),
    least=st.integers(0, 6),
)
def test_every_pixel_of_the_classes_is_of_one_connected_object(
    labels: NDArray[np.uint8], parting: NDArray[np.bool_], least: int
) -> None:
    objects = separated(labels, parting, (1, 2), np.full(256, float(least)))
    np.testing.assert_array_equal(objects.ids_yx > 0, np.isin(labels, (1, 2)))
    np.testing.assert_array_equal(objects.class_of[objects.ids_yx], np.where(labels == 255, 0, labels))
    ids = np.unique(objects.ids_yx[objects.ids_yx > 0])
    assert ids.tolist() == list(range(1, len(objects.class_of)))
    for number in ids:
        own = (objects.ids_yx == number).astype(np.uint8)
        assert cc3d.connected_components(own, connectivity=8, return_N=True)[1] == 1


@given(labels=arrays(np.uint8, (10, 10), elements=st.sampled_from([0, 1, 1, 2])))
def test_without_parting_pixels_objects_are_the_pieces(labels: NDArray[np.uint8]) -> None:
    objects = separated(labels, np.zeros(labels.shape, bool), (1, 2), np.full(256, 100.0))
    pieces = cc3d.connected_components(labels, connectivity=8)
    assert _same_objects(objects.ids_yx, pieces.astype(np.uint32))


@pytest.mark.parametrize("seed", range(3))
def test_as_a_watershed_of_another_library(seed: int) -> None:
    """scikit-image on a flat relief: equal but for pixels that are as far from two seeds."""
    segmentation = pytest.importorskip("skimage.segmentation")
    rng = np.random.default_rng(seed)
    labels = np.zeros((80, 90), np.uint8)
    parting = np.zeros(labels.shape, bool)
    for _ in range(9):
        row, column = rng.integers(8, 70, 2)
        labels[row - 7 : row + 8, column - 7 : column + 8] = 1
        parting[row - 7 : row + 8, column + 5 : column + 8] = True
    objects = separated(labels, parting, (1,), NOTHING)
    seeds = cc3d.connected_components(((labels == 1) & ~parting).astype(np.uint8), connectivity=8)
    expected = segmentation.watershed(np.zeros(labels.shape), seeds, mask=labels == 1)
    reached = expected > 0
    agree = np.zeros(labels.shape, bool)
    for number in np.unique(seeds[seeds > 0]):
        own = objects.ids_yx == objects.ids_yx[seeds == number][0]
        agree |= own & (expected == number)
    assert agree[reached].mean() > 0.97


@given(
    labels=arrays(np.uint8, (9, 13), elements=st.sampled_from([0, 1, 1, 2, 3, 255])),
    parting=arrays(np.bool_, (9, 13)),
    spoiled=st.sampled_from(["no", "a pixel without an id", "an id in two classes", "large ids"]),
)
def test_tables_of_separated_objects_are_those_of_any_ids(
    labels: NDArray[np.uint8], parting: NDArray[np.bool_], spoiled: str
) -> None:
    ids = separated(labels, parting, (1, 3), NOTHING).ids_yx.copy()
    if spoiled == "a pixel without an id":
        ids[4, 4] = 0
    if spoiled == "an id in two classes":
        ids[(labels == 1) | (labels == 3)] = 1
    if spoiled == "large ids":
        ids[ids > 0] += 5_000
    objects = ObjectIds(ids, (1, 3))
    table = piece_table(labels, objects)
    found = number_objects(labels, range(1, 255), objects)
    edge = np.zeros(found.count + 1, bool)
    around = ndimage.maximum_filter(labels == 255, 3)
    around[[0, -1]] = around[:, [0, -1]] = True
    edge[np.unique(found.numbers_yx[around])] = True
    expected = sorted(zip(found.class_of[1:].tolist(), found.area_px[1:].tolist(), edge[1:].tolist(), strict=True))
    assert sorted(zip(*(column.tolist() for column in table.columns), strict=True)) == expected


def test_ids_spread_ring_by_ring_as_if_every_pixel_were_looked_at_each_time() -> None:
    """Where most of a class is held for parting there are hundreds of rings; only the last one is looked at."""
    rng = np.random.default_rng(8)
    for _ in range(40):
        labels = rng.choice(np.array([0, 1, 1, 1, 2], np.uint8), (23, 31))
        parting = rng.random(labels.shape) < rng.choice([0.5, 0.9, 0.98])
        found = separated(labels, parting, (1, 2), np.zeros(256)).ids_yx
        plain = np.where(parting, 0, found)
        steps = (((-1, 0), (0, -1), (0, 1), (1, 0)), ((-1, -1), (-1, 1), (1, -1), (1, 1)))
        assert {tuple(sorted(side)) for side in (separating._BESIDE, separating._ACROSS)} == {
            tuple(sorted(side)) for side in steps
        }
        while True:
            after = _ring(plain, labels, separating._BESIDE)
            if np.array_equal(after, plain):
                after = _ring(plain, labels, separating._ACROSS)
            if np.array_equal(after, plain):
                break
            plain = after
        reached = plain != 0
        assert np.array_equal(found[reached], plain[reached])


def _ring(ids: np.ndarray, labels: np.ndarray, steps: tuple[tuple[int, int], ...]) -> np.ndarray:
    """Ids of the first neighbour of the same class that has one, where there is none yet."""
    after = ids.copy()
    for row, column in np.argwhere((ids == 0) & (labels > 0)).tolist():
        for down, right in steps:
            y, x = row + down, column + right
            if 0 <= y < ids.shape[0] and 0 <= x < ids.shape[1] and labels[y, x] == labels[row, column] and ids[y, x]:
                after[row, column] = ids[y, x]
                break
    return after
