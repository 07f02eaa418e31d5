"""The gate, on images of 2 x 2 pixels whose Dice is worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from core.evaluation.comparison import Verdict
from core.evaluation.report import EvaluationReport, TestImage, evaluate
from core.evaluation.settings import EvaluationSettings
from core.label_scheme import LabelScheme
from core.rounds.gate import Judgement, Outcome, judge

SCHEME = LabelScheme.from_names({"axon": 1, "myelin": 2})

TRUTH = [1, 1, 0, 0]
HALF = [1, 0, 0, 0]
"""Dice of axon: 2 * 1 / (2 + 1)."""
NONE = [0, 0, 0, 0]
BOTH = [1, 1, 2, 2]


def report(predictions: list[list[int]], truths: list[list[int]] | None = None) -> EvaluationReport:
    """Predictions of images, one after the other, against what is there."""
    truths = truths or [TRUTH] * len(predictions)

    def image(number: int, truth: list[int], prediction: list[int]) -> TestImage:
        return TestImage(
            f"i{number}",
            lambda: np.array(truth, np.uint8).reshape(2, 2),
            lambda: np.array(prediction, np.uint8).reshape(2, 2),
        )

    images = [image(n, truth, found) for n, (truth, found) in enumerate(zip(truths, predictions, strict=True))]
    return evaluate(images, SCHEME, EvaluationSettings(tolerance_nm=8.0, thin_ids=(), object_ids=()))


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        ([HALF] * 5, [TRUTH] * 5, Outcome.PASSED),
        ([TRUTH] * 5, [TRUTH] * 5, Outcome.PASSED),
        ([TRUTH] * 5, [HALF] * 5, Outcome.FAILED),
        ([TRUTH, HALF, HALF, HALF, HALF], [HALF, TRUTH, TRUTH, TRUTH, TRUTH], Outcome.NOT_JUDGED),
        ([TRUTH] * 5, [HALF, *[TRUTH] * 4], Outcome.NOT_JUDGED),
        ([HALF] * 4, [TRUTH] * 4, Outcome.TOO_FEW),
        ([TRUTH] * 4, [HALF] * 4, Outcome.TOO_FEW),
        ([HALF], [TRUTH], Outcome.TOO_FEW),
        ([TRUTH], [HALF], Outcome.TOO_FEW),
    ],
    ids=[
        "better",
        "same",
        "worse",
        "mixed",
        "one of five worse",
        "four better",
        "four worse",
        "one better",
        "one worse",
    ],
)
def test_not_worse_beyond_its_interval(before: list[list[int]], after: list[list[int]], outcome: Outcome) -> None:
    assert judge(report(before), report(after)).outcome is outcome


def test_the_reason_names_class_fall_interval_and_images() -> None:
    judged = judge(report([TRUTH] * 5), report([HALF] * 5))
    told = "Dice fell by 0.333 (interval -0.333 to -0.333, 5 images)."
    assert judged.reasons == (f"axon: {told}", f"mean over classes: {told}")
    axon = next(each for each in judged.classes if each.name == "axon")
    assert axon.before is not None
    assert axon.difference is not None
    assert (axon.before.mean, axon.after.mean) == (1.0, pytest.approx(2 / 3))
    assert axon.difference.mean == pytest.approx(-1 / 3)
    assert (axon.units, axon.verdict) == (5, Verdict.WORSE)
    assert "5 images" in judged.caution
    assert "large differences, but not small ones" in judged.caution


def test_a_fall_too_small_to_count_refuses_no_round() -> None:
    """ER: Dice fell by 0.000 (interval -0.000 to -0.000, 8 images)."""
    settings = EvaluationSettings(tolerance_nm=8.0, thin_ids=(), object_ids=())
    truth = np.ones((100, 100), np.uint8)

    def of(missed: int) -> EvaluationReport:
        found = np.where(np.arange(10_000).reshape(100, 100) < missed, 0, truth).astype(np.uint8)
        return evaluate([TestImage(f"i{n}", lambda: truth, lambda: found) for n in range(8)], SCHEME, settings)

    judged = judge(of(0), of(2))
    axon = next(each for each in judged.classes if each.name == "axon")
    assert axon.difference is not None
    assert axon.difference.high is not None
    assert axon.difference.high < 0
    assert (judged.outcome, judged.reasons, axon.verdict) == (Outcome.PASSED, (), Verdict.SAME)
    assert judge(of(0), of(300)).outcome is Outcome.PASSED, "another seed changes as much"
    assert judge(of(0), of(800)).outcome is Outcome.FAILED


def test_few_images_are_said_to_be_few() -> None:
    judged = judge(report([TRUTH]), report([HALF]))
    assert judged.reasons == (
        "1 test image contains scored classes, but at least 5 are required to distinguish a difference from chance.",
    )
    assert "no interval can be given" in judged.caution


@pytest.mark.parametrize(("found", "outcome"), [(2, Outcome.PASSED), (0, Outcome.NOT_JUDGED)], ids=["as good", "lost"])
def test_a_class_on_one_test_image_only(found: int, outcome: int) -> None:
    """That it fell there may be chance or not: a person decides. That it rose harms nobody."""
    truths = [BOTH, *[TRUTH] * 4]
    judged = judge(report(truths, truths), report([[1, 1, found, found], *[TRUTH] * 4], truths))
    assert judged.outcome is outcome
    if outcome is Outcome.NOT_JUDGED:
        assert judged.reasons == (
            "myelin: scored on only 1 image of the test set (Dice -1.000); no interval can be given.",
        )


def test_a_class_that_no_test_image_shows_is_said_to_be_unknown_and_does_not_stop() -> None:
    judged = judge(report([TRUTH] * 5), report([TRUTH] * 5))
    myelin = next(each for each in judged.classes if each.name == "myelin")
    assert judged.outcome is Outcome.PASSED
    assert (myelin.verdict, myelin.words) == (
        None, "myelin: not scored for both models on any test image.",
    )  # fmt: skip


def test_finds_where_there_is_nothing_are_told_although_no_pair_counts_them() -> None:
    truths = [BOTH, BOTH, TRUTH, TRUTH, TRUTH]
    judged = judge(report(truths, truths), report([BOTH, BOTH, [1, 1, 2, 0], TRUTH, TRUTH], truths))
    myelin = next(each for each in judged.classes if each.name == "myelin")
    assert myelin.difference is not None
    assert (myelin.difference.images, myelin.false_images) == (2, 1)
    assert myelin.words == (
        "myelin: scored on only 2 images of the test set (Dice 0.000); no interval can be given. "
        "myelin is found in 1 test image that does not contain it; the previous model did not "
        "have these false positives."
    )
    assert (judged.outcome, judged.reasons) == (Outcome.NOT_JUDGED, (myelin.words,)), "a person has to look"


def test_the_first_model_and_an_empty_test_set() -> None:
    assert judge(None, report([TRUTH] * 3)).outcome is Outcome.FIRST
    assert judge(None, None).outcome is Outcome.TOO_FEW


@pytest.mark.parametrize("after", [TRUTH, HALF, NONE])
def test_it_survives_json(after: list[int]) -> None:
    judged = judge(report([HALF] * 2), report([after] * 2))
    assert Judgement.from_json(json.loads(json.dumps(judged.to_json()))) == judged
