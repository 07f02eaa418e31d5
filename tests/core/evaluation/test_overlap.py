"""Overlap metrics against hand-worked numbers, scikit-learn and the poster's table."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import confusion_matrix

from core.errors import LabelMapError
from core.evaluation.overlap import OverlapCounts, confusion, counts_from_confusion


def test_counts_of_a_hand_made_pair() -> None:
    reference = np.array([[1, 1, 0, 0], [2, 2, 255, 0]], np.uint8)
    prediction = np.array([[1, 0, 0, 1], [2, 1, 2, 0]], np.uint8)
    background, one, two = counts_from_confusion(confusion(reference, prediction, (0, 1, 2)))
    assert background == OverlapCounts(tp=2, fp=1, fn=1, tn=3)
    assert one == OverlapCounts(tp=1, fp=2, fn=1, tn=3)
    assert two == OverlapCounts(tp=1, fp=0, fn=1, tn=5)
    assert one.dice == pytest.approx(2 / 5)
    assert one.iou == pytest.approx(1 / 4)
    assert one.precision == pytest.approx(1 / 3)
    assert one.recall == pytest.approx(1 / 2)
    assert one.specificity == pytest.approx(3 / 5)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        pytest.param(OverlapCounts(0, 0, 0, 9), (math.nan,) * 4, id="both empty"),
        pytest.param(OverlapCounts(0, 3, 0, 6), (0, 0, 0, 0), id="only predicted"),
        pytest.param(OverlapCounts(0, 0, 3, 6), (0, 0, 0, 0), id="only in the reference"),
        pytest.param(OverlapCounts(4, 0, 0, 0), (1, 1, 1, 1), id="equal"),
    ],
)
def test_empty_cases(counts: OverlapCounts, expected: tuple[float, ...]) -> None:
    assert (counts.dice, counts.iou, counts.precision, counts.recall) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("dice", "iou", "precision", "recall"),
    [
        pytest.param(0.616, 0.447, 0.757, 0.521, id="mitochondria"),
        pytest.param(0.699, 0.539, 0.708, 0.715, id="nucleus"),
        pytest.param(0.182, 0.100, 0.775, 0.104, id="ER"),
        pytest.param(0.806, 0.678, 0.954, 0.699, id="lipid droplets"),
        pytest.param(0.473, 0.311, 0.596, 0.393, id="cell boundaries"),
    ],
)
def test_the_ratios_hang_together_as_in_the_published_table(
    dice: float, iou: float, precision: float, recall: float
) -> None:
    tp = 100_000
    counts = OverlapCounts(tp, fp=round(tp / precision) - tp, fn=round(tp / recall) - tp, tn=1_000_000)
    assert counts.precision == pytest.approx(precision, abs=1e-3)
    assert counts.recall == pytest.approx(recall, abs=1e-3)
    assert counts.dice == pytest.approx(counts.iou * 2 / (1 + counts.iou))
    assert dice == pytest.approx(iou * 2 / (1 + iou), abs=3e-3)  # printed to three digits, averaged over images


def test_different_sizes_are_refused_with_both_sizes() -> None:
    with pytest.raises(LabelMapError, match="2 x 2 px but the prediction is 2 x 3 px"):
        confusion(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8), (0, 1))


@pytest.mark.parametrize("value", [7, 255])
def test_an_unknown_id_in_the_prediction_is_refused(value: int) -> None:
    with pytest.raises(LabelMapError, match=rf"prediction holds 1 px with the unknown class ids \[{value}\]"):
        confusion(np.zeros((1, 2), np.uint8), np.array([[0, value]], np.uint8), (0, 1))


_MAPS = arrays(np.uint8, (6, 7), elements=st.sampled_from([0, 1, 2, 3]))


@settings(max_examples=40, deadline=None)
@given(_MAPS, _MAPS)
def test_confusion_agrees_with_scikit_learn(reference: np.ndarray, prediction: np.ndarray) -> None:
    ours = confusion(reference, prediction, (0, 1, 2, 3))
    assert np.array_equal(ours, confusion_matrix(reference.ravel(), prediction.ravel(), labels=[0, 1, 2, 3]))


@settings(max_examples=40, deadline=None)
@given(_MAPS, _MAPS)
def test_counts_do_not_depend_on_the_order_of_classes(reference: np.ndarray, prediction: np.ndarray) -> None:
    forward = counts_from_confusion(confusion(reference, prediction, (0, 1, 2, 3)))
    backward = counts_from_confusion(confusion(reference, prediction, (3, 2, 1, 0)))
    assert forward == backward[::-1]
