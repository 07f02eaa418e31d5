"""Aggregates of a test set, worked out by hand; the report's JSON round trip."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from core.errors import DatasetError, LabelMapError, NotFoundError
from core.evaluation.image_scores import ALL, figures_of
from core.evaluation.metric_table import METRICS
from core.evaluation.report import EvaluationReport, TestImage, build_report, evaluate
from core.evaluation.settings import EvaluationSettings
from core.label_scheme import LabelScheme

SCHEME = LabelScheme.from_names({"background": 0, "mitochondria": 1, "synapse": 2})
REFERENCES = {"a": np.array([[1, 1, 0, 0]], np.uint8), "b": np.array([[0, 0, 255, 2]], np.uint8)}
PREDICTIONS = {"a": np.array([[1, 0, 0, 0]], np.uint8), "b": np.array([[1, 0, 1, 2]], np.uint8)}


def test_image(name: str, group: str = "", size_nm: float | None = None, *, sure: bool = False) -> TestImage:
    confidence = np.full((1, 4), 255, np.uint8)
    return TestImage(
        name,
        lambda: REFERENCES[name],
        lambda: PREDICTIONS[name],
        group,
        size_nm,
        (lambda: confidence) if sure else None,
    )


test_image.__test__ = False  # type: ignore[attr-defined]


def full_report() -> EvaluationReport:
    rng = np.random.default_rng(3)
    maps = [rng.integers(0, 4, (30, 24)).astype(np.uint8) for _ in range(8)]
    maps[0][:5] = 255
    scheme = LabelScheme.from_names({"mitochondria": 1, "ER": 2, "rare": 3, "absent": 4})
    images = [
        TestImage(
            f"i{n}", lambda n=n: maps[n], lambda n=n: maps[n + 4], f"animal {n // 2}", 8.0, lambda n=n: maps[n + 4] * 60
        )
        for n in range(4)
    ]
    return evaluate(images, scheme)


def test_macro_leaves_out_undefined_images_and_says_how_many_are_left() -> None:
    report = evaluate([test_image("a"), test_image("b")], SCHEME)
    mitochondria, synapse = report.figure("dice", 1), report.figure("dice", 2)
    assert mitochondria.macro == pytest.approx((2 / 3 + 0) / 2)
    assert (mitochondria.images, mitochondria.units) == (2, 2)
    assert mitochondria.micro == pytest.approx(2 / 4)
    assert (synapse.macro, synapse.images) == (1, 1)
    assert math.isnan(synapse.low), "one image has no interval"
    assert report.figure("dice", ALL).macro == pytest.approx((1 / 3 + 1) / 2)
    assert [image.ignored_px for image in report.images] == [0, 1]
    assert report.matrix.tolist() == [[3, 1, 0], [1, 1, 0], [0, 0, 1]]
    assert report.values("dice") == pytest.approx(np.array([[2 / 3, math.nan], [0, 1]]), nan_ok=True)


def test_without_pixel_size_and_confidence_there_are_no_distances_and_no_calibration() -> None:
    report = evaluate([test_image("a"), test_image("b")], SCHEME)
    assert {metric.family.name for metric in report.metrics} == {"overlap", "instances"}
    assert report.figure("nsd", 1).images == 0
    report = evaluate([test_image("a", size_nm=4), test_image("b", size_nm=8, sure=True)], SCHEME)
    assert {metric.family.name for metric in report.metrics} == {"overlap", "surface", "instances", "calibration"}
    assert report.settings.tolerance_nm == 16, "two pixels of the median size, the same for all images"
    assert report.figure("hd95", 1).images == 2
    assert report.figure("hd95", 2).images == 0, "it touches only what nobody reviewed: no surface"
    assert report.figure("ece", ALL).macro == pytest.approx(1 / 3), "sure of three covered pixels, wrong in one"


def test_json_keeps_the_keys_of_the_overlap_report() -> None:
    values = evaluate([test_image("a")], SCHEME).to_json()
    synapse = values["classes"][1]
    assert synapse["macro"]["dice"] is None
    assert synapse["defined_images"]["dice"] == 0
    assert math.isclose(values["mean_macro"]["dice"], 2 / 3)
    mitochondria = values["images"][0]["classes"]["mitochondria"]
    assert {name: mitochondria[name] for name in ("tp", "fp", "fn", "tn")} == {"tp": 1, "fp": 0, "fn": 1, "tn": 2}
    assert values["classes"][0]["micro"]["fn"] == 1


def test_json_round_trip_of_every_family() -> None:
    report = full_report()
    assert {metric.name for metric in report.metrics} == {metric.name for metric in METRICS}
    text = json.dumps(report.to_json(), allow_nan=False)
    again = EvaluationReport.from_json(json.loads(text))
    assert json.dumps(again.to_json(), allow_nan=False) == text
    for image in again.images:
        for class_id, figures in figures_of(image.counts, again.scheme).items():
            assert figures == pytest.approx(image.values[class_id], nan_ok=True), "figures follow from the counts"


def test_a_partial_report_says_so() -> None:
    whole = evaluate([test_image("a"), test_image("b")], SCHEME)
    part = build_report(whole.images[:1], SCHEME, whole.settings, unscored={"b": "its reference is missing"})
    assert part.partial
    assert not whole.partial
    assert EvaluationReport.from_json(part.to_json()).unscored == {"b": "its reference is missing"}


def test_threads_and_order_change_nothing() -> None:
    assert full_report().to_json() == full_report().to_json()


def test_micro_of_what_cannot_be_pooled_is_undefined() -> None:
    report = full_report()
    assert math.isnan(report.figure("hd95", 1).micro)
    assert 0 < report.figure("nsd", 1).micro <= 1


def test_three_images_get_a_word_of_caution() -> None:
    assert "With 2 stacks no interval" in full_report().caution
    assert full_report().unit_kind == "stacks", "nobody said that they are specimens"


@pytest.mark.parametrize(
    ("images", "message"),
    [
        pytest.param([], "no images to evaluate", id="none"),
        pytest.param(["a", "a"], "contains a more than once", id="twice"),
    ],
)
def test_a_senseless_test_set_is_refused(images: list[str], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        evaluate([test_image(name) for name in images], SCHEME)


def test_other_files_and_other_sizes_are_refused() -> None:
    with pytest.raises(DatasetError, match="not an evaluation report"):
        EvaluationReport.from_json({"format": "cristae-overlap-report", "version": 1})
    with pytest.raises(NotFoundError, match="no metric 'dices'"):
        full_report().figure("dices")
    wrong = TestImage(
        "a", lambda: REFERENCES["a"], lambda: PREDICTIONS["a"], load_confidence=lambda: np.zeros((2, 2), np.uint8)
    )
    with pytest.raises(LabelMapError, match="confidence map is 2 x 2 px but the label map is 1 x 4 px"):
        evaluate([wrong], SCHEME)


def test_which_classes_are_thin_is_read_off_their_names() -> None:
    scheme = LabelScheme.from_names({"cell_boundaries": 1, "ER": 2, "outer membrane": 3, "container": 4, "nerve": 5})
    assert EvaluationSettings().thin(scheme) == (1, 2, 3)
    assert EvaluationSettings().objects(scheme) == (4, 5)
    assert EvaluationSettings(thin_ids=(5,), object_ids=(1, 5)).objects(scheme) == (1, 5)
