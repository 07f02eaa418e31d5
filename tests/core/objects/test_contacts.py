"""What is learned to tell touching objects apart, on small arrays."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.objects.contacts import distance_to_outline, parting_target, touching_pairs
from core.objects.separating import separated
from core.objects.separation import SeparationWay

WAYS = (SeparationWay.SEAMS, SeparationWay.RIMS)


def _two() -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """Two squares of 11 x 11 px that touch, and one apart."""
    labels, ids = np.zeros((15, 40), np.uint8), np.zeros((15, 40), np.uint32)
    for number, left in ((70_000, 2), (9, 13), (4_000_000_000, 27)):
        labels[2:13, left : left + 11] = 1
        ids[2:13, left : left + 11] = number
    return labels, ids


def test_pairs_are_counted_once_and_by_class() -> None:
    labels, ids = _two()
    assert touching_pairs(labels, ids, (1, 2)) == {1: 1, 2: 0}
    labels[ids == 9] = 2  # another class touches, that is no pair
    assert touching_pairs(labels, ids, (1, 2)) == {1: 0, 2: 0}


def test_a_corner_is_a_contact_and_background_between_is_none() -> None:
    labels = np.array([[1, 0, 0, 1], [0, 1, 0, 1]], np.uint8)
    ids = np.array([[5, 0, 0, 7], [0, 6, 0, 7]], np.uint32)
    assert touching_pairs(labels, ids, (1,)) == {1: 1}


def test_seams_lie_where_objects_touch_alone() -> None:
    labels, ids = _two()
    seams = parting_target(SeparationWay.SEAMS, labels, ids, (1,))
    expected = np.zeros_like(seams)
    expected[2:13, 11:15] = True
    np.testing.assert_array_equal(seams, expected)


def test_seams_of_an_object_in_two_parts_and_of_pixels_without_an_id_are_none() -> None:
    labels, ids = _two()
    ids[ids == 9] = 70_000
    assert not parting_target(SeparationWay.SEAMS, labels, ids, (1,)).any()
    labels, ids = _two()
    ids[ids == 9] = 0
    assert not parting_target(SeparationWay.SEAMS, labels, ids, (1,)).any()


def test_an_id_in_two_classes_is_two_objects_and_no_seam() -> None:
    labels, ids = _two()
    labels[ids == 9] = 2
    ids[ids == 9] = 70_000
    assert not parting_target(SeparationWay.SEAMS, labels, ids, (1, 2)).any()


@pytest.mark.parametrize("crowded", [(), (1,)], ids=["few touch", "all touch"])
def test_rims_leave_a_core_in_every_object(crowded: tuple[int, ...]) -> None:
    labels, ids = _two()
    rims = parting_target(SeparationWay.RIMS, labels, ids, (1,), crowded)
    assert not rims[labels == 0].any()
    for number in np.unique(ids[ids > 0]):
        core = (ids == number) & ~rims
        rows, columns = np.nonzero(core)
        assert (rows.min(), rows.max(), np.ptp(columns) + 1) == (4, 10, 7)  # radius 5.5: rims of 2 px


def _body_with_a_tail() -> NDArray[np.uint32]:
    """A body of 50 px with a tail of 6 px, and another object along a side of both."""
    ids = np.zeros((60, 130), np.uint32)
    ids[5:55, 5:55] = 3
    ids[27:33, 55:110] = 3
    ids[33:41, 55:110] = 8
    return ids


@pytest.mark.parametrize(("crowded", "width"), [((), 8), ((1,), 3)], ids=["few touch", "all touch"])
def test_a_thin_part_keeps_its_core(crowded: tuple[int, ...], width: int) -> None:
    """With rims as wide as a share of the whole object's radius a tail was all rim, and went to its neighbours."""
    ids = _body_with_a_tail()
    rims = parting_target(SeparationWay.RIMS, (ids > 0).astype(np.uint8), ids, (1,), crowded)
    core = (ids == 3) & ~rims
    assert core[29, 85:104].all()
    assert int(np.argmax(core[20, 5:])) == width


def test_rims_need_no_ids() -> None:
    labels, ids = _two()
    labels[ids == 9] = 0
    with_ids = parting_target(SeparationWay.RIMS, labels, np.where(labels, ids, 0).astype(np.uint32), (1,))
    without = parting_target(SeparationWay.RIMS, labels, np.zeros_like(ids), (1,))
    np.testing.assert_array_equal(with_ids, without)


def test_the_edge_of_the_image_is_no_outline() -> None:
    numbers = np.ones((3, 9), np.uint32)
    numbers[:, 6:] = 0
    depth = distance_to_outline(numbers)
    assert depth[1].tolist() == [5.5, 4.5, 3.5, 2.5, 1.5, 0.5, 0, 0, 0]
    assert np.isinf(distance_to_outline(np.ones((2, 2), np.uint32))).all()


@pytest.mark.parametrize("way", WAYS)
def test_what_is_learned_brings_the_objects_back(way: SeparationWay) -> None:
    labels, ids = _two()
    objects = separated(labels, parting_target(way, labels, ids, (1,)), (1,), np.zeros(256))
    assert len(objects.class_of) == 4
    for number in np.unique(ids[ids > 0]):  # but for pixels that are as near to the other
        _, counts = np.unique(objects.ids_yx[ids == number], return_counts=True)
        assert counts.max() / counts.sum() > 0.9
