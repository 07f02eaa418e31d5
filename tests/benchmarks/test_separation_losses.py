"""Where objects are lost: each kind of loss is counted once, and what true ids reach is more than any separation."""

from __future__ import annotations

import numpy as np

from benchmarks.separation_losses import Losses, true_ids_inside


def _counted(true: list[int], found: list[int]) -> Losses:
    losses = Losses()
    losses.add(np.array([true], np.int64), np.array([found], np.int64))
    return losses


def test_an_object_found_as_it_is_is_not_lost() -> None:
    losses = _counted([1, 1, 0, 2, 2], [5, 5, 0, 3, 3])
    assert (losses.matched, losses.true, losses.found, losses.panoptic_quality) == (2, 2, 2, 1.0)
    assert (losses.missed, losses.merged, losses.split, losses.ragged, losses.alone) == (0, 0, 0, 0, 0)


def test_of_two_in_one_only_what_is_not_found_is_merged() -> None:
    both = _counted([1, 1, 2, 2], [7, 7, 7, 7])
    assert (both.matched, both.merged) == (0, 2)
    smaller = _counted([1, 1, 1, 2], [7, 7, 7, 7])
    assert (smaller.matched, smaller.merged, smaller.missed) == (1, 1, 0)


def test_missed_split_and_ragged_objects_are_told_apart() -> None:
    assert _counted([1, 1, 1, 1], [3, 0, 0, 0]).missed == 1
    assert _counted([1, 1, 1, 1], [3, 3, 4, 4]).split == 1
    ragged = _counted([0, 0, 0, 1, 1, 1], [9, 9, 9, 9, 9, 0])
    assert (ragged.ragged, ragged.found - ragged.matched, ragged.alone) == (1, 1, 0)


def test_a_false_object_that_touches_no_true_one_is_alone() -> None:
    losses = _counted([1, 1, 0, 0, 0], [1, 1, 0, 2, 2])
    assert (losses.matched, losses.found, losses.alone) == (1, 2, 1)


def test_images_are_pooled() -> None:
    losses = _counted([1, 1], [1, 1])
    losses.add(np.array([[4, 4]]), np.array([[0, 0]]))
    assert (losses.true, losses.matched, losses.missed) == (2, 1, 1)
    assert losses.panoptic_quality == 1 / 1.5


def test_true_ids_reach_to_the_nearest_object_of_the_same_piece() -> None:
    own = np.array([[1, 1, 1, 1, 0, 1], [0, 0, 0, 0, 0, 1]], bool)
    true = np.array([[3, 0, 0, 5, 5, 0], [0, 0, 0, 0, 0, 0]], np.int64)
    assert true_ids_inside(own, true).tolist() == [[3, 3, 5, 5, 0, 7], [0, 0, 0, 0, 0, 7]]
