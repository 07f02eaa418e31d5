"""Pieces split at their necks, on discs that overlap."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.objects.necks import DEPTHS, learned_depths, neck_parting
from core.objects.separating import separated


def discs(*centers: int, radius: int = 12, shape: tuple[int, int] = (40, 140)) -> NDArray[np.uint8]:
    row, column = np.ogrid[: shape[0], : shape[1]]
    labels = np.zeros(shape, np.uint8)
    for center in centers:
        labels[(row - 20) ** 2 + (column - center) ** 2 <= radius**2] = 1
    return labels


def _count(labels: NDArray[np.uint8], depth: float) -> int:
    return len(separated(labels, neck_parting(labels, {1: depth}), (1,), np.zeros(256)).class_of) - 1


def test_two_discs_are_split_and_one_is_not() -> None:
    assert _count(discs(20), 0.2) == 1
    assert _count(discs(20, 40), 0.2) == 2
    assert _count(discs(20, 40, 60, 100), 0.2) == 4


def test_a_shallow_neck_needs_a_low_depth() -> None:
    wide = discs(20, 36)  # the neck has 75 % of a disc's width
    assert _count(wide, 0.2) == 2
    assert _count(wide, 0.4) == 1


def test_the_halves_get_all_pixels_and_each_its_own_side() -> None:
    labels = discs(20, 40)
    ids = separated(labels, neck_parting(labels, {1: 0.2}), (1,), np.zeros(256)).ids_yx
    np.testing.assert_array_equal(ids > 0, labels == 1)
    assert (ids[20, 8:29] == ids[20, 20]).all() and (ids[20, 31:53] == ids[20, 40]).all()


def test_other_classes_and_ignore_are_left_alone() -> None:
    labels = discs(20, 40)
    assert not neck_parting(np.where(labels, 2, 0).astype(np.uint8), {1: 0.2}).any()
    assert not neck_parting(np.where(labels, 255, 0).astype(np.uint8), {1: 0.2}).any()
    assert not neck_parting(np.zeros((0, 5), np.uint8), {1: 0.2}).any()


def test_the_edge_of_the_image_is_no_neck() -> None:
    labels = np.ones((30, 60), np.uint8)
    assert _count(labels, 0.2) == 1
    labels[10:20] = 0
    assert _count(labels, 0.2) == 2  # two strips that the image cuts: as many as there are pieces


def test_the_depth_is_learned_from_objects_that_are_not_to_be_split() -> None:
    peanuts = [(discs(20, 40, 95, 115), None)]
    (depth,) = learned_depths(peanuts, (1,)).values()
    assert depth > 0.4
    assert _count(peanuts[0][0], depth) == 2
    apart = discs(20, 40)
    ids = np.where(apart, np.where(np.arange(140)[None] < 30, 5, 6), 0).astype(np.uint32)
    assert learned_depths([(apart, ids)], (1,)) == {1: DEPTHS[0]}


def test_without_objects_nothing_is_learned() -> None:
    assert learned_depths([(np.zeros((5, 5), np.uint8), None)], (1,)) == {}
    assert learned_depths([], (1,)) == {}


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_same_wherever_the_piece_lies(depth: float) -> None:
    labels = discs(20, 40)
    moved = np.pad(labels, ((7, 3), (5, 2)))
    np.testing.assert_array_equal(neck_parting(moved, {1: depth})[7:-3, 5:-2], neck_parting(labels, {1: depth}))
