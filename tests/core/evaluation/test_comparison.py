"""Paired differences worked out by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from core.errors import DatasetError
from core.evaluation.comparison import Verdict, compare
from core.evaluation.image_scores import ALL
from core.evaluation.intervals import holm
from core.evaluation.report import EvaluationReport, TestImage, evaluate
from core.evaluation.settings import EvaluationSettings
from core.label_scheme import LabelScheme

SCHEME = LabelScheme.from_names({"mitochondria": 1, "rare": 2})
REFERENCE = np.array([[1, 1, 1, 1, 0, 0, 0, 0, 0, 0]], np.uint8)


def report_of(found: dict[str, int], settings: EvaluationSettings | None = None) -> EvaluationReport:
    """Images in which the first ``n`` of four pixels were found."""

    def prediction(n: int) -> np.ndarray:
        return np.where(np.arange(10) < n, REFERENCE, 0).astype(np.uint8)

    images = [TestImage(name, lambda: REFERENCE, lambda n=n: prediction(n)) for name, n in found.items()]
    return evaluate(images, SCHEME, settings)


def test_better_on_every_image() -> None:
    before, after = {"a": 1, "b": 2, "c": 2, "d": 1}, {"a": 2, "b": 3, "c": 4, "d": 3}
    result = compare(report_of(before), report_of(after))
    recall = result.differences["recall"][1]
    expected = ttest_1samp([0.25, 0.25, 0.5, 0.5], 0)
    assert recall.mean == pytest.approx(0.375)
    assert (recall.low, recall.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert (recall.images, recall.units, recall.verdict) == (4, 4, Verdict.BETTER)
    assert result.by_image["recall"][:, 0] == pytest.approx([0.25, 0.25, 0.5, 0.5])
    assert result.differences["recall"][ALL].mean == pytest.approx(recall.mean), "the rare class has no figure"
    assert math.isnan(result.differences["recall"][2].mean)
    assert result.differences["recall"][2].verdict is Verdict.UNCLEAR
    json.dumps(recall.to_json(), allow_nan=False)
    assert "4 images" in result.caution


def test_worse_and_unclear() -> None:
    worse = compare(report_of({"a": 4, "b": 3, "c": 3}), report_of({"a": 2, "b": 1, "c": 1}))
    assert worse.differences["dice"][1].verdict is Verdict.WORSE
    mixed = compare(report_of({"a": 4, "b": 2, "c": 3}), report_of({"a": 2, "b": 4, "c": 3}))
    assert mixed.differences["dice"][1].verdict is Verdict.UNCLEAR
    assert mixed.differences["dice"][1].mean == pytest.approx(0)


def test_a_clear_difference_too_small_to_count_is_neither_better_nor_worse() -> None:
    """A change of the mean of 0.0001 with a narrow interval decided a round."""
    settings = EvaluationSettings(tolerance_nm=8.0, thin_ids=(), object_ids=())
    reference = np.ones((1, 1000), np.uint8)

    def of(*missed: int) -> EvaluationReport:
        found = [np.where(np.arange(1000) < 1000 - n, reference, 0).astype(np.uint8) for n in missed]
        images = [TestImage(f"i{n}", lambda: reference, lambda f=f: f) for n, f in enumerate(found)]
        return evaluate(images, SCHEME, settings)

    before = of(10, 12, 14)
    for missed, verdict in (
        ((11, 13, 16), Verdict.SAME),
        ((10, 12, 14), Verdict.SAME),
        ((40, 42, 44), Verdict.WORSE),
        ((24, 26, 28), Verdict.SAME),
        ((9, 60, 10), Verdict.UNCLEAR),
    ):
        recall = compare(before, of(*missed)).differences["recall"][1]
        assert recall.verdict is verdict, missed
    assert compare(of(40, 42, 44), before).differences["recall"][1].verdict is Verdict.BETTER


def test_fewer_miscounts_are_better_whichever_way_they_went() -> None:
    result = compare(report_of({"a": 0, "b": 0, "c": 0}), report_of({"a": 4, "b": 4, "c": 4}))
    assert result.differences["count_error"][1].mean == -1, "from one object too few to none"
    assert result.differences["count_error"][1].verdict is Verdict.BETTER


def test_of_many_classes_one_that_differs_by_chance_is_not_said_to_differ() -> None:
    """p is adjusted for the number of classes: at .03 of one of three, the difference is not clear."""
    p = [0.03, 0.5, 0.6]
    assert holm(p)[0] > 0.05
    scheme = LabelScheme.from_names({"one": 1, "two": 2, "three": 3})
    settings = EvaluationSettings(tolerance_nm=8.0, thin_ids=(), object_ids=())
    reference = np.repeat(np.arange(1, 4, dtype=np.uint8), 100)[None]

    def of(*missed: tuple[int, int, int]) -> EvaluationReport:
        def made(counts: tuple[int, int, int]) -> np.ndarray:
            kept = np.concatenate([np.arange(100) < 100 - n for n in counts])
            return np.where(kept, reference[0], 0).astype(np.uint8)[None]

        images = [TestImage(f"i{n}", lambda: reference, lambda c=c: made(c)) for n, c in enumerate(missed)]
        return evaluate(images, scheme, settings)

    before = of((5, 10, 30), (6, 40, 10), (5, 10, 30), (6, 30, 20))
    after = of((11, 40, 10), (9, 10, 30), (13, 30, 12), (18, 10, 40))
    found = compare(before, after).differences["recall"]
    alone = ttest_1samp([-0.06, -0.03, -0.08, -0.12], 0).pvalue
    assert 0.05 / 3 < alone < 0.05, "clear if it were the only class"
    assert {found[i].verdict for i in (1, 2, 3)} == {Verdict.UNCLEAR}


def test_only_images_that_both_have_are_compared() -> None:
    result = compare(report_of({"a": 1, "b": 2}), report_of({"b": 3, "c": 3}))
    assert (result.names, result.left_out) == (("b",), ("a", "c"))
    with pytest.raises(DatasetError, match="no images in common"):
        compare(report_of({"a": 1}), report_of({"b": 1}))


def test_other_settings_and_other_references_are_refused() -> None:
    before = report_of({"a": 1})
    with pytest.raises(DatasetError, match="min_object_px is 1 and 3"):
        compare(before, report_of({"a": 1}, EvaluationSettings(min_object_px=3)))
    changed = evaluate([TestImage("a", lambda: np.zeros_like(REFERENCE), lambda: REFERENCE)], SCHEME)
    with pytest.raises(DatasetError, match="reference of a changed"):
        compare(before, changed)


def test_another_pixel_size_is_refused() -> None:
    def measured(nm: float | None) -> EvaluationReport:
        image = TestImage("a", lambda: REFERENCE, lambda: REFERENCE, pixel_size_nm=nm)
        return evaluate([image], SCHEME, EvaluationSettings(tolerance_nm=10.0))

    assert compare(measured(8.0), measured(8.0)).names == ("a",)
    for other, words in ((4.0, "8 nm and 4 nm"), (None, "8 nm and unknown")):
        with pytest.raises(DatasetError, match=rf"pixel size of a changed .*\({words}\)"):
            compare(measured(8.0), measured(other))
