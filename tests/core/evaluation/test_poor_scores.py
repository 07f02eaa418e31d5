"""Which scores are poor enough to lead on: hardly found classes, a poor mean, the image to begin with."""

from __future__ import annotations

import numpy as np
import pytest

from core.evaluation.poor_scores import poor_scores
from core.evaluation.report import EvaluationReport, TestImage, evaluate
from core.label_scheme import LabelScheme

SCHEME = LabelScheme.from_names({"mitochondria": 1, "ER": 2})


def report(*pairs: tuple[list[int], list[int]]) -> EvaluationReport:
    """Images of one row: reference and prediction of each."""

    def image(number: int, reference: list[int], prediction: list[int]) -> TestImage:
        both = [np.array([values], np.uint8) for values in (reference, prediction)]
        return TestImage(f"image {number}", lambda: both[0], lambda: both[1])

    return evaluate([image(number, *pair) for number, pair in enumerate(pairs)], SCHEME)


def test_good_scores_lead_nowhere() -> None:
    assert not poor_scores(report(([1, 1, 2, 2], [1, 1, 2, 2]), ([1, 1, 2, 0], [1, 1, 2, 2])))


def test_a_class_that_no_image_shows_is_not_poor() -> None:
    assert not poor_scores(report(([1, 1, 0, 0], [1, 1, 0, 0])))


def test_hardly_found_classes_come_poorest_first_with_their_worst_image() -> None:
    found = poor_scores(
        report(([1, 1, 2, 2], [1, 1, 2, 0]), ([1, 2, 2, 2], [1, 0, 0, 0]), ([1, 2, 2, 2], [1, 0, 0, 0]))
    )
    assert found.classes == ()  # ER: 2/3, 0 and 0
    found = poor_scores(report(([1, 1, 2, 2], [1, 1, 0, 0]), ([2, 2, 1, 1], [0, 0, 0, 0])))
    assert [class_id for class_id, _ in found.classes] == [2]
    assert (found.mean, found.worst_image) == (0.25, 0)


def test_a_poor_mean_leads_to_the_image_with_the_least() -> None:
    found = poor_scores(report(([1, 1, 2, 2], [1, 2, 2, 0]), ([1, 1, 1, 2], [1, 0, 0, 0])))
    assert found.classes == ()  # mitochondria 2/3 and 1/2, ER 1/2 and 0
    assert found.mean == pytest.approx((7 / 12 + 1 / 4) / 2)
    assert found.worst_image == 1
