"""Halving: hand-worked blocks, an independent vote count, laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.imaging.downsample import halve_majority, halve_mean


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ([[1, 2], [3, 5]], 3),  # 11 / 4 = 2.75
        ([[0, 0], [1, 1]], 1),  # a half is rounded up
        ([[255, 255], [255, 255]], 255),
        ([[7]], 7),
        ([[1, 4]], 3),  # 2.5 rounded up
        ([[1], [5]], 3),
    ],
    ids=["rounded", "half", "no-overflow", "1-pixel", "1-row", "1-column"],
)
def test_mean_by_hand(block: list[list[int]], expected: int) -> None:
    assert halve_mean(np.array(block, np.uint8)).tolist() == [[expected]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_mean_keeps_dtype_and_agrees_with_a_plain_mean(dtype: type[np.generic]) -> None:
    block = np.random.default_rng(1).integers(0, 256, (6, 8)).astype(dtype)
    plain = block.reshape(3, 2, 4, 2).astype(np.float64).mean(axis=(1, 3))
    half = halve_mean(block)
    assert half.dtype == dtype
    np.testing.assert_array_equal(half, plain if dtype is np.float32 else np.floor(plain + 0.5))


def test_mean_of_the_largest_values_stays_finite() -> None:
    largest = np.full((2, 2), np.finfo(np.float32).max, np.float32)
    assert halve_mean(largest).tolist() == [[np.finfo(np.float32).max]]
    assert halve_mean(np.full((2, 2), 65535, np.uint16)).tolist() == [[65535]]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ([[1, 1], [1, 2]], 1),
        ([[0, 0], [0, 2]], 0),
        ([[0, 0], [3, 3]], 3),
        ([[5, 2], [2, 5]], 2),
        ([[0, 0], [4, 7]], 0),
        ([[0, 9], [4, 7]], 4),
        ([[255, 255], [255, 0]], 0),
        ([[255, 255], [0, 6]], 6),
        ([[255, 255], [255, 255]], 255),
        ([[253, 254], [253, 254]], 253),
        ([[254, 0], [254, 0]], 254),
        ([[3, 0]], 3),
    ],
    ids=[
        "3-of-4", "background-3-of-4", "class-beats-background", "lower-id", "pair-beats-singles", "four-differ",
        "ignore-has-no-vote", "ignore-tie", "all-ignore", "high-ids", "reserved", "odd-edge",
    ],
)  # fmt: skip
def test_majority_by_hand(block: list[list[int]], expected: int) -> None:
    assert halve_majority(np.array(block, np.uint8)).tolist() == [[expected]]


def _vote(values: list[int]) -> int:
    """The rule as its sentence says it, one block at a time."""
    voters = [v for v in values if v != 255]
    if not voters:
        return 255
    return min(voters, key=lambda v: (-voters.count(v), v == 0, v))


@given(
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 7), st.integers(1, 7)), elements=st.sampled_from([0, 1, 2, 254, 255]))
)
def test_majority_agrees_with_counting_votes(labels: np.ndarray) -> None:
    padded = np.pad(labels, [(0, n % 2) for n in labels.shape], mode="edge")
    expected = [
        [_vote(padded[r : r + 2, c : c + 2].ravel().tolist()) for c in range(0, padded.shape[1], 2)]
        for r in range(0, padded.shape[0], 2)
    ]
    assert halve_majority(labels).tolist() == expected


def test_inputs_are_not_changed() -> None:
    labels = np.array([[0, 255], [1, 2]], np.uint8)
    labels.flags.writeable = False
    halve_majority(labels)
    halve_mean(labels)
    assert labels.tolist() == [[0, 255], [1, 2]]
