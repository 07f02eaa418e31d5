"""Surface distances against hand-worked numbers and SciPy's distance transform, an independent way."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from core.evaluation.label_pair import LabelPair
from core.evaluation.settings import EvaluationSettings
from core.evaluation.surface import SURFACE, SurfaceCounts, hd95, measure_surfaces, nsd, surface_points
from core.label_scheme import DEFAULT_SCHEME

MAPS = arrays(np.uint8, (14, 11), elements=st.sampled_from([0, 0, 0, 1, 2]))


def pair_of(reference: np.ndarray, prediction: np.ndarray, size_nm: float = 10, tolerance: float = 20) -> LabelPair:
    return LabelPair(reference, prediction, DEFAULT_SCHEME, EvaluationSettings(tolerance_nm=tolerance), size_nm)


def test_a_square_shifted_by_three_pixels() -> None:
    reference, prediction = np.zeros((12, 16), np.uint8), np.zeros((12, 16), np.uint8)
    reference[4:7, 4:7] = 1  # 8 surface pixels round one inside
    prediction[4:7, 7:10] = 1
    counts = measure_surfaces(pair_of(reference, prediction), (1,))[1]
    # columns are 3, 2 and 1 pixels away; the middle one has two surface pixels: near are 3 + 2 of 8 within 20 nm
    assert counts == SurfaceCounts(8, 5, 8, 5, 30.0)
    assert nsd(counts) == 10 / 16
    assert hd95(counts) == 30


def test_frame_and_uncovered_edges_are_no_surface() -> None:
    labels = np.ones((4, 6), np.uint8)
    labels[:, 3] = 255
    labels[:, 4:] = 0
    assert surface_points(labels, (1,))[1].tolist() == []
    labels[:, 3] = 0
    assert surface_points(labels, (1,))[1].tolist() == [2, 8, 14, 20]


def test_empty_sides() -> None:
    empty, filled = np.zeros((3, 4), np.uint8), np.zeros((3, 4), np.uint8)
    filled[1, 1] = 1
    only_one = measure_surfaces(pair_of(filled, empty), (1,))[1]
    assert (nsd(only_one), hd95(only_one)) == (0, 50), "the diagonal of 3 x 4 pixels of 10 nm"
    neither = measure_surfaces(pair_of(empty, empty), (1,))[1]
    assert math.isnan(nsd(neither))
    assert math.isnan(hd95(neither))
    assert 1 not in SURFACE.classes(pair_of(empty, empty))


def brute_force(reference: np.ndarray, prediction: np.ndarray, size_nm: float, tolerance: float) -> tuple[float, float]:
    """NSD and HD95 of masks that do not touch the frame, by erosion and distance transform."""
    edges = [mask & ~ndimage.binary_erosion(mask) for mask in (reference, prediction)]
    to = [ndimage.distance_transform_edt(~edge, sampling=size_nm) for edge in edges]
    one, other = to[1][edges[0]], to[0][edges[1]]
    near = np.count_nonzero(one <= tolerance) + np.count_nonzero(other <= tolerance)
    return near / (len(one) + len(other)), max(np.percentile(one, 95), np.percentile(other, 95))


@settings(max_examples=60, deadline=None)
@given(MAPS, MAPS)
def test_agrees_with_distance_transforms(reference: np.ndarray, prediction: np.ndarray) -> None:
    reference, prediction = np.pad(reference, 1), np.pad(prediction, 1)
    for class_id, counts in measure_surfaces(pair_of(reference, prediction, 7, 15), (1, 2)).items():
        masks = reference == class_id, prediction == class_id
        if masks[0].any() and masks[1].any():
            assert (nsd(counts), hd95(counts)) == pytest.approx(brute_force(*masks, 7, 15))


@settings(max_examples=40, deadline=None)
@given(MAPS, MAPS)
def test_swapping_the_maps_swaps_the_counts(reference: np.ndarray, prediction: np.ndarray) -> None:
    one = measure_surfaces(pair_of(reference, prediction), (1,))[1]
    other = measure_surfaces(pair_of(prediction, reference), (1,))[1]
    assert nsd(one) == pytest.approx(nsd(other), nan_ok=True)
    assert hd95(one) == pytest.approx(hd95(other), nan_ok=True)
    assert dataclasses.astuple(one)[:2] == dataclasses.astuple(other)[2:4]


def test_uncovered_pixels_count_nowhere() -> None:
    rng = np.random.default_rng(0)
    reference, prediction = rng.integers(0, 3, (20, 20)).astype(np.uint8), rng.integers(0, 3, (20, 20)).astype(np.uint8)
    reference[:, 10:] = 255
    changed = prediction.copy()
    changed[:, 10:] = 1
    assert measure_surfaces(pair_of(reference, prediction), (1, 2)) == measure_surfaces(
        pair_of(reference, changed), (1, 2)
    )


def test_a_tolerance_of_whole_pixels_is_not_lost_to_rounding() -> None:
    reference, prediction = np.zeros((9, 12), np.uint8), np.zeros((9, 12), np.uint8)
    reference[4, 2], prediction[4, 5] = 1, 1
    assert nsd(measure_surfaces(pair_of(reference, prediction, 1.1, 3.3), (1,))[1]) == 1
