"""What must hold for every metric, whatever it is; and nnU-Net's own figures on the same files."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image as PillowImage
from scipy import ndimage

from core.evaluation.image_scores import score_image
from core.evaluation.label_pair import LabelPair
from core.evaluation.metric import Better
from core.evaluation.metric_table import METRICS
from core.evaluation.settings import EvaluationSettings
from core.label_scheme import LabelScheme
from core.settings import ROOT

SCHEME = LabelScheme.from_names({"one": 1, "two": 2, "three": 3})
EVERY_KIND = EvaluationSettings(tolerance_nm=15, thin_ids=(1, 2, 3), object_ids=(1, 2, 3))
MAPS = arrays(np.uint8, (12, 10), elements=st.sampled_from([0, 0, 1, 2, 3]))
SYMMETRIC = ("dice", "iou", "nsd", "hd95", "cldice", "instance_f1", "panoptic_quality", "segmentation_quality")


def figures(reference: np.ndarray, prediction: np.ndarray) -> dict[int, dict[str, float]]:
    confidence = np.arange(reference.size, dtype=np.uint8).reshape(reference.shape)
    scores = score_image(LabelPair(reference, prediction, SCHEME, EVERY_KIND, 10.0, confidence), "a")
    return {i: {m.name: scores.value(m.name, i) for m in METRICS} for i in SCHEME.ids}


def test_every_metric_has_a_row_in_the_docs() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    _, table = page.split("| metric | formula |", 1)
    rows = [line.split("|") for line in table.split("\n\n", 1)[0].splitlines()[2:]]
    assert len(rows) == len(METRICS), "a metric needs a row of docs/metrics.md, in the order of METRICS"
    for metric, row in zip(METRICS, rows, strict=True):
        assert metric.better.value.replace("nearest to zero", "nearest to 0") in "|".join(row), metric.name


@settings(max_examples=40, deadline=None)
@given(MAPS, MAPS)
def test_swapping_reference_and_prediction(reference: np.ndarray, prediction: np.ndarray) -> None:
    one, other = figures(reference, prediction), figures(prediction, reference)
    for i in SCHEME.ids:
        for name in SYMMETRIC:
            assert one[i][name] == pytest.approx(other[i][name], nan_ok=True), name
        assert one[i]["precision"] == pytest.approx(other[i]["recall"], nan_ok=True)
        assert one[i]["topology_precision"] == pytest.approx(other[i]["topology_sensitivity"], nan_ok=True)
        assert one[i]["count_error"] == pytest.approx(-other[i]["count_error"], nan_ok=True)
        assert one[i]["merges"] == pytest.approx(other[i]["splits"], nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(MAPS, MAPS, st.permutations([1, 2, 3]))
def test_renaming_classes(reference: np.ndarray, prediction: np.ndarray, order: list[int]) -> None:
    table = np.array([0, *order], np.uint8)
    one, other = figures(reference, prediction), figures(table[reference], table[prediction])
    for i in SCHEME.ids:
        assert one[i] == pytest.approx(other[order[i - 1]], nan_ok=True)


@settings(max_examples=30, deadline=None)
@given(MAPS)
def test_a_perfect_prediction(labels: np.ndarray) -> None:
    for i, values in figures(labels, labels).items():
        for metric in METRICS:
            if metric.name != "ece" and not math.isnan(values[metric.name]):
                assert values[metric.name] == (1 if metric.better is Better.HIGHER else 0), metric.name
        assert math.isnan(values["dice"]) == (i not in labels)


def test_in_neither_map_only_specificity_is_defined() -> None:
    empty = np.zeros((5, 5), np.uint8)
    for values in figures(empty, empty).values():
        assert {name for name, value in values.items() if not math.isnan(value)} == {"specificity"}


@pytest.mark.parametrize("predicted", [True, False], ids=["only predicted", "only in the reference"])
def test_in_one_map_everything_is_at_its_worst(predicted: bool) -> None:
    empty, filled = np.zeros((9, 12), np.uint8), np.zeros((9, 12), np.uint8)
    filled[2:6, 2:6] = 1
    values = figures(empty, filled)[1] if predicted else figures(filled, empty)[1]
    for metric in METRICS:
        if metric.better is Better.HIGHER and metric.name not in ("specificity", "segmentation_quality"):
            assert values[metric.name] == 0, metric.name
    assert values["hd95"] == 150, "the diagonal of 9 x 12 pixels of 10 nm"
    assert values["count_error"] == (1 if predicted else -1)


def test_every_row_of_the_table_is_complete() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert metric.title and metric.formula and metric.empty and metric.source.startswith("10."), metric.name


def test_overlap_agrees_with_nnunet(tmp_path: Path) -> None:
    evaluation = pytest.importorskip("nnunetv2.evaluation.evaluate_predictions")
    reading = pytest.importorskip("nnunetv2.imageio.natural_image_reader_writer")
    rng = np.random.default_rng(0)
    reference, prediction = (rng.integers(0, 3, (2, 64, 48))).astype(np.uint8)
    reference[:10] = 255
    for name, labels in (("reference", reference), ("prediction", prediction)):
        PillowImage.fromarray(labels).save(tmp_path / f"{name}.png")
    theirs = evaluation.compute_metrics(
        str(tmp_path / "reference.png"), str(tmp_path / "prediction.png"), reading.NaturalImage2DIO(), [1, 2, 3], 255
    )["metrics"]
    ours = score_image(LabelPair(reference, prediction, SCHEME, EVERY_KIND), "a")
    for i in SCHEME.ids:
        counts = ours.counts["overlap"][i]
        assert [counts.tp, counts.fp, counts.fn, counts.tn] == [theirs[i][key] for key in ("TP", "FP", "FN", "TN")]
        assert ours.value("dice", i) == pytest.approx(theirs[i]["Dice"], nan_ok=True)
        assert ours.value("iou", i) == pytest.approx(theirs[i]["IoU"], nan_ok=True)


def test_real_sections_against_each_other(shared_data: Path) -> None:
    """Neighbouring sections as reference and prediction: real shapes, checked with scikit-learn and SciPy."""
    from sklearn.metrics import f1_score, jaccard_score

    files = sorted((shared_data / "vnc" / "labels").iterdir())[:2]
    reference, prediction = (np.pad(np.asarray(PillowImage.open(file))[:400, :400], 1) for file in files)
    scheme = LabelScheme.from_names({"cell_boundaries": 1, "glia": 2, "mitochondria": 3, "synapse": 4})
    pair = LabelPair(reference, prediction, scheme, EvaluationSettings(tolerance_nm=9.2), 4.6)
    scores = score_image(pair, "a")
    assert scores.counts["topology"].keys() == {1}
    checked = 0
    for i in scheme.ids:
        masks = reference == i, prediction == i
        assert scores.value("dice", i) == pytest.approx(f1_score(masks[0].ravel(), masks[1].ravel()))
        assert scores.value("iou", i) == pytest.approx(jaccard_score(masks[0].ravel(), masks[1].ravel()))
        if masks[0].any() and masks[1].any():
            edges = [mask & ~ndimage.binary_erosion(mask) for mask in masks]
            to = [ndimage.distance_transform_edt(~edge, sampling=4.6) for edge in edges]
            one, other = to[1][edges[0]], to[0][edges[1]]
            assert scores.value("hd95", i) == pytest.approx(max(np.percentile(one, 95), np.percentile(other, 95)))
            assert scores.value("nsd", i) == pytest.approx(np.mean(np.concatenate([one, other]) <= 9.2 + 1e-9))
            checked += 1
    assert checked >= 3
