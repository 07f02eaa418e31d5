"""Thinning against the paper's rules done pixel by pixel; clDice worked out by hand and by brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from skimage.morphology import skeletonize

from core.evaluation.label_pair import LabelPair
from core.evaluation.settings import EvaluationSettings
from core.evaluation.thinning import skeleton_positions
from core.evaluation.topology import TopologyCounts, cldice, measure_topology, topology_precision, topology_sensitivity
from core.label_scheme import DEFAULT_SCHEME

MASKS = arrays(bool, (9, 10))
ALL_AROUND = np.ones((3, 3))


def thinned(mask: np.ndarray) -> np.ndarray:
    result = np.zeros(mask.size, bool)
    result[skeleton_positions(mask)] = True
    return result.reshape(mask.shape)


def by_the_paper(mask: np.ndarray) -> np.ndarray:
    """Zhang and Suen 1984, every pixel in every half round."""
    image = np.pad(mask, 1).astype(int)
    changed = True
    while changed:
        changed = False
        for half in (0, 1):
            gone = []
            for y, x in np.argwhere(image):
                p2, p3, p4, p5 = image[y - 1, x], image[y - 1, x + 1], image[y, x + 1], image[y + 1, x + 1]
                p6, p7, p8, p9 = image[y + 1, x], image[y + 1, x - 1], image[y, x - 1], image[y - 1, x - 1]
                ring = [p2, p3, p4, p5, p6, p7, p8, p9, p2]
                rises = sum(a == 0 and b == 1 for a, b in itertools.pairwise(ring))
                products = (p2 * p4 * p6, p4 * p6 * p8) if half == 0 else (p2 * p4 * p8, p2 * p6 * p8)
                if 2 <= sum(ring[:8]) <= 6 and rises == 1 and not any(products):
                    gone.append((y, x))
            for place in gone:
                image[place] = 0
                changed = True
    return image[1:-1, 1:-1].astype(bool)


@settings(max_examples=60, deadline=None)
@given(MASKS)
def test_thinning_follows_the_paper_and_loses_no_piece(mask: np.ndarray) -> None:
    ours, paper = thinned(mask), by_the_paper(mask)
    pieces, count = ndimage.label(mask, ALL_AROUND)
    for number in range(1, count + 1):
        piece = pieces == number
        if paper[piece].any():
            assert np.array_equal(ours & piece, paper & piece)
        else:
            assert np.count_nonzero(ours & piece) == 1, "a square of 2 x 2 would vanish in the paper"


@settings(max_examples=40, deadline=None)
@given(arrays(bool, (6, 6)))
def test_pieces_stay_in_one_piece(mask: np.ndarray) -> None:
    blown_up = np.kron(mask, np.ones((4, 4))).astype(bool)
    assert ndimage.label(thinned(blown_up), ALL_AROUND)[1] == ndimage.label(blown_up, ALL_AROUND)[1]
    assert not (thinned(blown_up) & ~blown_up).any()


def test_a_net_with_a_gap() -> None:
    reference, prediction = np.zeros((7, 24), np.uint8), np.zeros((7, 24), np.uint8)
    reference[2:5, 1:23] = 3
    prediction[2:5, 1:23] = 3
    prediction[:, 10:14] = 0
    pair = LabelPair(reference, prediction, DEFAULT_SCHEME, EvaluationSettings())
    counts = measure_topology(pair, (3,))[3]
    assert topology_precision(counts) == 1
    assert counts.reference_px - counts.reference_inside_px == 4, "four pixels of the middle line are in the gap"
    assert topology_sensitivity(counts) == pytest.approx(1 - 4 / counts.reference_px)
    assert cldice(counts) == pytest.approx(2 * topology_sensitivity(counts) / (1 + topology_sensitivity(counts)))


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        pytest.param(TopologyCounts(0, 0, 0, 0), math.nan, id="both empty"),
        pytest.param(TopologyCounts(5, 0, 0, 0), 0, id="only predicted"),
        pytest.param(TopologyCounts(0, 0, 5, 0), 0, id="only in the reference"),
        pytest.param(TopologyCounts(5, 0, 5, 0), 0, id="apart"),
        pytest.param(TopologyCounts(4, 2, 8, 8), 2 / 3, id="half and whole"),
    ],
)
def test_empty_cases(counts: TopologyCounts, expected: float) -> None:
    assert cldice(counts) == pytest.approx(expected, nan_ok=True)


def test_cldice_is_close_to_the_one_on_scikit_images_skeletons() -> None:
    rng = np.random.default_rng(1)
    base = ndimage.gaussian_filter(rng.random((160, 160)), 3)
    masks = [np.abs(base - 0.5 + shift) < 0.01 for shift in (0, 0.003)]
    pair = LabelPair(masks[0] * np.uint8(3), masks[1] * np.uint8(3), DEFAULT_SCHEME, EvaluationSettings())
    skeletons = [skeletonize(mask) for mask in masks]
    precision = (skeletons[1] & masks[0]).sum() / skeletons[1].sum()
    sensitivity = (skeletons[0] & masks[1]).sum() / skeletons[0].sum()
    expected = 2 * precision * sensitivity / (precision + sensitivity)
    assert 0.3 < expected < 0.99
    assert cldice(measure_topology(pair, (3,))[3]) == pytest.approx(expected, abs=0.03)
