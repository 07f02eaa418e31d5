"""Figures show the report's numbers, and their tables hold the same ones."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from core.evaluation.comparison import compare
from core.evaluation.metric_table import metric_named
from core.evaluation.report import EvaluationReport, TestImage, evaluate
from core.figures.bars import dice_bars, metric_bars_of
from core.figures.differences import paired_differences
from core.figures.heatmaps import confusion_heatmap, metric_heatmap
from core.label_scheme import LabelScheme

SCHEME = LabelScheme.from_names({"mitochondria": 1, "rare": 2})
REFERENCE = np.array([[1, 1, 1, 1, 0, 0, 0, 0, 0, 0]], np.uint8)
DICE = metric_named("dice")


def report_of(found: dict[str, int], pixel_size_nm: float | None = None) -> EvaluationReport:
    """Images in which the first ``n`` of four mitochondrial pixels were found: Dice 2n / (n + 4)."""
    images = [
        TestImage(
            name,
            lambda: REFERENCE,
            lambda n=n: np.where(np.arange(10) < n, REFERENCE, 0).astype(np.uint8),
            pixel_size_nm=pixel_size_nm,
        )
        for name, n in found.items()
    ]
    return evaluate(images, SCHEME)


def test_bars_show_the_mean_its_interval_and_every_image() -> None:
    report = report_of({"a": 1, "b": 4, "c": 2})
    drawn = dice_bars(report, DICE)
    found = report.figure("dice", 1)
    bar, points, nothing = drawn.figure.data
    mean = (0.4 + 1.0 + 2 / 3) / 3
    assert bar.y == (pytest.approx(mean), None), "the rare class has no bar"
    assert 0 < found.low < mean < found.high < 1
    assert bar.error_y.array[0] == pytest.approx(found.high - mean)
    assert bar.error_y.arrayminus[0] == pytest.approx(mean - found.low)
    assert points.y == pytest.approx((0.4, 1.0, 2 / 3))
    assert points.customdata == ("a", "b", "c"), "a click tells the image"
    assert nothing.y == ()
    assert drawn.figure.layout.xaxis.ticktext == ("mitochondria<br>n = 3", "rare<br>n = 0")
    assert drawn.figure.layout.yaxis.range == (0, 1.02)


def test_the_table_of_bars_is_what_they_show() -> None:
    report = report_of({"a": 1, "b": 4, "c": 2})
    table, found = dice_bars(report, DICE).table, report.figure("dice", 1)
    assert list(table.columns) == ["class", "image", "dice", "low", "high", "n"]
    mean = table[(table["class"] == "mitochondria") & (table["image"] == "")].iloc[0]
    assert (mean["dice"], mean["low"], mean["high"], mean["n"]) == (found.macro, found.low, found.high, 3)
    assert table[(table["class"] == "mitochondria") & (table["image"] == "b")]["dice"].item() == 1
    assert table.to_csv(index=False).splitlines()[-1] == "rare,c,,,,"


def test_one_image_has_no_interval() -> None:
    bar = dice_bars(report_of({"a": 4}), DICE).figure.data[0]
    assert bar.error_y.array[0] == bar.error_y.arrayminus[0] == 0
    assert "no interval from one alone" in bar.hovertext[0]


def test_evaluations_stand_beside_each_other_and_differ_in_more_than_colour() -> None:
    drawn = metric_bars_of({"first": report_of({"a": 1}), "second": report_of({"a": 4})}, DICE)
    first, second = drawn.figure.data
    assert (first.name, second.name) == ("first", "second")
    assert first.y[0] == pytest.approx(0.4)
    assert second.y[0] == 1
    assert first.x[0] < 0 < second.x[0]
    assert first.marker.pattern.shape != second.marker.pattern.shape
    assert second.marker.pattern.fgcolor == second.marker.line.color, "a white pattern is nothing on white paper"
    assert first.hovertext[0].startswith("first<br>mitochondria: mean 0.400")
    assert set(drawn.table["evaluation"]) == {"first", "second"}


def test_names_are_shown_letter_by_letter_and_handed_back_as_they_are() -> None:
    _, points, _ = dice_bars(report_of({"<b>a</b>": 4}), DICE).figure.data
    assert points.customdata == ("<b>a</b>",), "the click finds the image by it"
    assert points.hovertext[0].startswith("&lt;b&gt;a&lt;/b&gt;<br>")
    label = metric_bars_of({"A & <i>": report_of({"a": 4})}, DICE).figure.data[0].name
    assert label == "A &amp; &lt;i&gt;"


def test_a_class_that_one_evaluation_never_met_has_no_bar_there() -> None:
    drawn = metric_bars_of({"first": report_of({"a": 1}), "second": report_of({"a": 4})}, DICE)
    assert [trace.y[1] for trace in drawn.figure.data] == [None, None]
    rare = drawn.table[drawn.table["class"] == "rare"]
    assert rare["dice"].isna().all()
    assert rare["n"].dropna().tolist() == [0, 0]


def test_points_stand_side_by_side_and_always_the_same() -> None:
    report = report_of({"a": 4, "b": 4, "c": 4})
    once, again = (dice_bars(report, DICE).figure.data[1].x for _ in range(2))
    assert once == again
    assert len(set(once)) == 3, "equal figures do not hide each other"


def test_heatmaps_say_below_which_width_they_cannot_be_read() -> None:
    report = report_of({"a": 4}, pixel_size_nm=5.0)
    few, many = (metric_heatmap(report, metrics).figure.layout.meta for metrics in ((DICE,), report.metrics))
    assert few["least_width_px"] < many["least_width_px"]
    assert confusion_heatmap(report).figure.layout.meta["least_width_px"] > 0


def test_distances_have_their_unit_and_their_own_scale() -> None:
    report = report_of({"a": 3}, pixel_size_nm=5.0)
    drawn = dice_bars(report, metric_named("hd95"))
    assert "(nm)" in drawn.figure.layout.yaxis.title.text
    assert drawn.figure.layout.yaxis.range is None
    assert "hd95_nm" in drawn.table.columns


def test_the_heatmap_writes_every_value_and_colours_only_shares() -> None:
    report = report_of({"a": 1, "b": 4}, pixel_size_nm=5.0)
    drawn = metric_heatmap(report, (DICE, metric_named("hd95")))
    shares = np.array(drawn.figure.data[1].z, dtype=float)
    assert shares[0, 0] == pytest.approx(0.7)
    assert np.isnan(shares[:, 1]).all(), "nanometres are on no scale of 0 to 1"
    assert np.isnan(shares[1, 0]), "the rare class is in no image"
    texts = [annotation.text for annotation in drawn.figure.layout.annotations]
    assert texts[0] == "0.700"
    assert texts[1] == f"{report.figure('hd95', 1).macro:,.0f}"
    assert drawn.figure.layout.xaxis.ticktext[1].endswith("(nm)")
    assert texts[2] == "–"
    assert drawn.figure.layout.yaxis.ticktext == ("mitochondria", "rare", "all classes")
    assert drawn.table["dice"][0] == pytest.approx(0.7)
    assert drawn.table["hd95_nm"][0] == pytest.approx(report.figure("hd95", 1).macro)


def test_confusion_is_by_row_of_the_reference() -> None:
    drawn = confusion_heatmap(report_of({"a": 1, "b": 4}))
    shares = np.array(drawn.figure.data[1].z, dtype=float)
    assert shares[1, :2] == pytest.approx([3 / 8, 5 / 8]), "of eight pixels three were missed"
    assert shares[0, 0] == 1
    assert np.isnan(shares[2]).all()
    assert drawn.table.loc[1].tolist() == ["mitochondria", 3, 5, 0]
    assert "3 of 8 px" in drawn.figure.data[1].hovertext[1][0]


def test_differences_are_the_comparisons() -> None:
    comparison = compare(report_of({"a": 1, "b": 2, "c": 2}), report_of({"a": 2, "b": 3, "c": 3}))
    drawn = paired_differences(comparison, SCHEME, metric_named("recall"))
    points, over_classes, better, worse, unclear, same = drawn.figure.data
    assert points.y == pytest.approx((0.25, 0.25, 0.25))
    assert points.customdata == ("a", "b", "c")
    assert over_classes.y == pytest.approx(points.y), "the rare class is in none"
    assert better.y == pytest.approx((0.25, 0.25))
    assert (worse.y, unclear.y, same.y) == ((), (), ())
    assert drawn.table["verdict"].tolist() == ["better", "", "", "", "better", "", "", ""]
    assert drawn.table["recall_difference"][0] == pytest.approx(0.25)


def test_what_was_not_measured_gives_an_empty_figure_and_table() -> None:
    comparison = compare(report_of({"a": 1}), report_of({"a": 2}))
    drawn = paired_differences(comparison, SCHEME, metric_named("hd95"))
    assert all(not trace.y for trace in drawn.figure.data)
    assert drawn.table.empty
    bars = dice_bars(report_of({"a": 1}), metric_named("hd95"))
    assert all(value is None or math.isnan(value) for value in bars.figure.data[0].y)


def test_long_names_of_classes_need_a_wider_heatmap() -> None:
    """At 1024 px wide the shares of a confusion matrix ran into each other beside long names."""
    report = report_of({"a": 4})
    classes = [{**values, "name": values["name"] * 3} for values in report.scheme.to_json()]
    longer = replace(report, scheme=LabelScheme.from_json(classes))
    for heatmap in (confusion_heatmap, lambda report: metric_heatmap(report, (DICE,))):
        short_px, long_px = (heatmap(each).figure.layout.meta["least_width_px"] for each in (report, longer))
        assert long_px - short_px > 100
