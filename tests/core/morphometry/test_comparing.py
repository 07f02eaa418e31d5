"""Ratios, effect sizes, several conditions at once, the mixed model, tables of specimens, the methods text."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from scipy.stats import f_oneway, ttest_ind, ttest_rel

from core.label_scheme import DEFAULT_SCHEME
from core.morphometry.conditions import ComparedBy, Design, UnitMean, compare, difference
from core.morphometry.frames import differences_frame
from core.morphometry.measures import MEASURES, Quantity
from core.morphometry.methods import Study, legend_text, methods_text
from core.morphometry.mixed_model import MOST_OBJECTS, mixed_model, mixed_models
from core.morphometry.objects import measure_objects
from core.morphometry.several import any_differ
from core.morphometry.specimens import conditions_frame, specimens_frame
from core.morphometry.summary import ImageObjects, ImageSummary, Selection, summarise
from core.morphometry.t_test import effect_size

AREA = MEASURES[0]
EVERY = Selection(1, whole_only=False)


def image(name: str, condition: str, widths: list[int], specimen: str = "", stack: str = "") -> ImageObjects:
    """An image with mitochondria of these widths in µm, one under the other, each 1 µm high."""
    labels = np.zeros((20, 40), np.uint8)
    for number, width in enumerate(widths):
        labels[2 * number + 1, 1 : 1 + width] = 1
    table = measure_objects(labels, DEFAULT_SCHEME, 1000.0)
    return ImageObjects(f"id {name}", name, specimen, name, table, condition, stack)


def units(*means: float, where: str = "", recorded: bool = True) -> list[UnitMean]:
    return [UnitMean(f"{where}{place}", "", (), mean, 1, recorded) for place, mean in enumerate(means)]


def study(rng: np.random.Generator, effect: float = 0.0, *, pairs: bool = False) -> list[ImageSummary]:
    """Objects of three animals a condition (or three in both), two images each, with spread on every level."""
    rows = []
    for place in range(3 if pairs else 6):
        animal = rng.normal(0, 0.3)
        for condition in ("control", "treated") if pairs else ("control" if place < 3 else "treated",):
            own = rng.normal(0, 0.1) if pairs else 0.0
            for number in range(2):
                middle = animal + own + rng.normal(0, 0.1) + (effect if condition == "treated" else 0.0)
                about = SimpleNamespace(
                    specimen=f"animal {place}", stack="", condition=condition, image_id=f"{place}{condition}{number}"
                )
                rows.append(SimpleNamespace(image=about, values=np.exp(rng.normal(middle, 0.8, 20))))
    return cast(Any, rows)


def test_ratios_are_tested_on_the_log_scale() -> None:
    a, b = [1.0, 2.5, 3.0, 2.2], [4.0, 5.5, 9.0]
    found = difference(units(*a, where="x"), units(*b, where="y"), ComparedBy.RATIO)
    test = ttest_ind(np.log(b), np.log(a), equal_var=False)
    ends = np.exp(test.confidence_interval(0.95))
    geometric = np.exp(np.log(a).mean())
    assert found.by is ComparedBy.RATIO
    assert found.p == pytest.approx(test.pvalue)
    assert (found.reference, found.mean) == pytest.approx((geometric, np.exp(np.log(b).mean())))
    assert [found.percent(end) for end in (found.low, found.high)] == pytest.approx([100 * (end - 1) for end in ends])
    assert found.reference + found.smallest > found.reference
    assert found.chance(1000.0) > found.chance(10.0) > 0.05


def test_pairs_are_ratios_too() -> None:
    before, after = [1.0, 2.5, 3.0], [1.4, 3.1, 3.2]
    found = difference(units(*before), units(*after), ComparedBy.RATIO)
    assert found.design is Design.PAIRED
    assert found.p == pytest.approx(ttest_rel(np.log(after), np.log(before)).pvalue)


def test_there_is_no_ratio_of_what_is_0() -> None:
    found = difference(units(0.0, 2.0, where="x"), units(4.0, 5.0, where="y"), ComparedBy.RATIO)
    assert found.by is ComparedBy.DIFFERENCE
    assert found.mean == 4.5


def test_effects_are_hedges_g() -> None:
    rng = np.random.default_rng(5)
    a, b = rng.normal(0, 1, 5), rng.normal(1, 2, 8)
    pooled = math.sqrt((4 * a.var(ddof=1) + 7 * b.var(ddof=1)) / 11)
    found = effect_size(a, b, paired=False)
    assert found.size == pytest.approx((b.mean() - a.mean()) / pooled * (1 - 3 / (4 * 11 - 1)), rel=1e-3)
    assert found.low < found.size < found.high
    turned = effect_size(b, a, paired=False)
    assert (turned.size, turned.low, turned.high) == pytest.approx((-found.size, -found.high, -found.low))
    assert math.isnan(effect_size(a[:2], a[:2], paired=True).size)
    assert math.isnan(effect_size(a[:1], b, paired=False).size)


@pytest.mark.parametrize(("count", "paired", "true"), [(3, False, 1.0), (5, False, 2.0), (4, True, 1.0)])
def test_intervals_of_effects_hold_the_true_one(count: int, paired: bool, true: float) -> None:
    rng = np.random.default_rng(count)
    held = 0
    for _ in range(600):
        a = rng.normal(0, 1, count)
        b = (a if paired else 0) + rng.normal(true, 1, count)
        found = effect_size(a, b, paired=paired)
        held += found.low <= true <= found.high
    assert 0.925 <= held / 600 <= 0.975


def test_several_conditions_at_once_as_scipy_has_it() -> None:
    rng = np.random.default_rng(2)
    groups = [rng.normal(mean, spread, count) for mean, spread, count in ((0, 1, 4), (1, 2, 3), (2, 1, 6))]
    expected = f_oneway(*groups, equal_var=False)
    found = any_differ(groups)
    assert (found.p, found.statistic, found.freedom) == pytest.approx((expected.pvalue, expected.statistic, 2))
    assert math.isnan(any_differ(groups[:2]).p)
    assert math.isnan(any_differ([*groups, np.array([1.0])]).p)
    assert math.isnan(any_differ([*groups, np.array([1.0, 1.0])]).p)


def three(specimen: str = "{condition} {number}", *, speck: bool = False) -> list[ImageObjects]:
    widths = {"control": (2, 3), "low dose": (3, 5), "high dose": (6, 9)}
    return [
        image(
            f"{condition} {number}",
            condition,
            [width, 1] if speck else [width],
            specimen.format(condition=condition, number=number),
        )
        for condition, of in widths.items()
        for number, width in enumerate(of)
    ]


def test_a_comparison_of_three_says_whether_any_differ() -> None:
    found = [each for each in compare(three(), DEFAULT_SCHEME, EVERY, "control") if each.name == "area"]
    expected = f_oneway([2, 3], [3, 5], [6, 9], equal_var=False).pvalue
    assert [each.together.p for each in found] == pytest.approx([expected, expected])
    frame = differences_frame(found, "control")
    assert frame["p_any_condition"].tolist() == pytest.approx([expected, expected])
    assert set(frame["test"]) == {"Welch's t-test"}
    shared = [
        each for each in compare(three("mouse {number}"), DEFAULT_SCHEME, EVERY, "control") if each.name == "area"
    ]
    assert math.isnan(shared[0].together.p), "animals in several conditions are not independent"


def test_sizes_are_compared_by_ratios_and_shares_are_not() -> None:
    found = {each.name: each for each in compare(three(), DEFAULT_SCHEME, EVERY, "control", ComparedBy.RATIO)}
    assert found["area"].difference.by is ComparedBy.RATIO
    assert found["objects_per_100_um2"].difference.by is ComparedBy.RATIO
    assert found["area_percent"].difference.by is ComparedBy.DIFFERENCE
    assert {each.difference.by for name, each in found.items() if name == "circularity"} == {ComparedBy.DIFFERENCE}
    assert Quantity.AREA in {measure.quantity for measure in MEASURES}


def test_the_mixed_model_holds_the_true_ratio() -> None:
    rng = np.random.default_rng(1)
    models = [mixed_model(study(rng, 0.2, pairs=pairs), "control", "treated", ComparedBy.RATIO)
              for pairs in (False, True) for _ in range(5)]  # fmt: skip
    found = [model for model in models if model is not None]
    assert len(found) == 10
    assert sum(model.low <= math.expm1(0.2) <= model.high for model in found) >= 8
    assert {model.freedom for model in found[:5]} == {4}, "six animals less two conditions"
    assert {model.freedom for model in found[5:]} == {2}, "three pairs less one"
    assert all(0 <= model.specimen_share + model.image_share <= 1 for model in found)


def test_a_balanced_mixed_model_is_the_t_test_of_the_animals() -> None:
    rng = np.random.default_rng(9)
    rows = study(rng, 0.5)
    for row in rows:  # specimens that differ much: then their means are what counts
        object.__setattr__(row, "values", np.log(row.values) + 40 + 9 * (int(row.image.specimen[-1]) % 3))
    found = mixed_model(rows, "control", "treated")
    means = [np.mean([row.values.mean() for row in rows if row.image.specimen == f"animal {n}"]) for n in range(6)]
    test = ttest_ind(means[3:], means[:3])
    assert found is not None
    assert found.p == pytest.approx(test.pvalue, rel=0.02)
    assert (found.low, found.high) == pytest.approx(tuple(test.confidence_interval(0.95)), rel=0.02, abs=0.02)


def test_no_mixed_model_without_animals() -> None:
    rows = study(np.random.default_rng(1))
    assert mixed_model(rows[:8], "control", "treated") is None, "one animal is treated"
    rows[0].image.specimen = ""
    assert mixed_model(rows, "control", "treated") is None


def test_of_very_many_objects_some_are_taken_evenly() -> None:
    rows = study(np.random.default_rng(1))
    for row in rows:
        object.__setattr__(row, "values", np.random.default_rng(3).normal(5 + len(row.image.image_id), 1, 3000))
    found = mixed_model(rows, "control", "treated")
    assert found is None or found.objects == 36_000
    assert found is None or abs(found.taken - MOST_OBJECTS) < 20


def test_the_second_analysis_has_its_columns() -> None:
    made = [
        image(f"{condition} {animal} {number}", condition, [2 + animal + number, 4 + number], f"{condition} {animal}")
        for condition in ("control", "treated")
        for animal in range(3)
        for number in range(2)
    ]
    second = mixed_models(made, DEFAULT_SCHEME, EVERY, "control")
    frame = differences_frame(compare(made, DEFAULT_SCHEME, EVERY, "control"), "control", second)
    by_name = frame.set_index("measure")
    assert ("area", "treated") in second
    assert by_name.loc["Area", "mixed_freedom"] == 4
    assert math.isnan(by_name.loc["Area fraction (Vv)", "mixed_p"])


def test_tables_of_specimens_and_conditions_by_hand() -> None:
    made = [
        image("a", "control", [2, 4], "mouse 1"),
        image("b", "control", [9], "mouse 1"),
        image("c", "control", [12], "mouse 2"),
        image("d", "control", [6], "mouse 3"),
        image("e", "control", [], "mouse 3"),
        image("f", "treated", [5], stack="block"),
        image("g", "", [7]),
    ]
    rows = summarise(made, AREA, EVERY)
    specimens = specimens_frame(rows, AREA, physical=True)
    assert specimens["condition"].tolist() == ["control", "control", "control", "treated", ""]
    assert specimens["counts_as"].tolist() == ["specimen", "specimen", "specimen", "stack", "image"]
    assert specimens["images"].tolist() == [2, 1, 2, 1, 1]
    assert specimens["objects"].tolist() == [3, 1, 1, 1, 1]
    assert specimens["area_um2_mean"].tolist() == [5.0, 12.0, 6.0, 5.0, 7.0]
    assert specimens["area_um2_sd"][0] == pytest.approx(np.std([3, 9], ddof=1))
    assert math.isnan(specimens["area_um2_sd"][1])
    table = conditions_frame(rows, AREA, physical=True).set_index("condition")
    control = table.loc["control"]
    assert (control["units"], control["images"], control["objects"]) == (3, 4, 5)
    assert control["area_um2_mean"] == pytest.approx(23 / 3)
    assert control["area_um2_sd"] == pytest.approx(np.std([5, 12, 6], ddof=1))
    assert control["area_um2_sem"] == pytest.approx(np.std([5, 12, 6], ddof=1) / math.sqrt(3))
    assert control["area_um2_low"] < 8 < control["area_um2_high"]
    assert math.isnan(table.loc["treated", "area_um2_low"])


def told_of(rows: list[ImageSummary], reference: str = "", **more: Any) -> Study:
    return Study(rows, AREA, Selection(1, least_um2=2.0, whole_only=False), DEFAULT_SCHEME, "Reference labels",
                 reference=reference, **more)  # fmt: skip


def test_the_methods_text_says_what_was_done() -> None:
    selection = Selection(1, least_um2=2.0, whole_only=False)
    made = three(speck=True)
    rows = summarise(made, AREA, selection)
    compared = compare(made, DEFAULT_SCHEME, selection, "control", ComparedBy.RATIO)
    text = methods_text(told_of(rows, "control", compared=compared, by=ComparedBy.RATIO))
    tests = sum(each.difference.p == each.difference.p for each in compared)
    for words in (
        "Reference labels of 6 images of 6 specimens",
        "pixel size was 1000 nm",
        "smaller than 2 µm² were excluded (6 of 12)",
        "corners connect",
        "gap of at most 30 nm",
        "compared with control over means of specimens",
        "logarithms",
        f"adjusted for {tests} comparisons (Holm 1979)",
        "Cristae 0.",
    ):
        assert words in text, words
    assert "mixed model" not in text
    legend = legend_text(told_of(rows, "control", by=ComparedBy.RATIO))
    assert "high dose: n = 2 specimens, 2 images, 2 objects." in legend
    assert "high dose and control: p = " in legend


def test_the_methods_text_of_images_alone_names_no_test() -> None:
    rows = summarise([image("a", "", [4]), image("b", "", [6])], AREA, EVERY)
    text = methods_text(told_of(rows))
    assert "The specimen of 2 images was not recorded." in text
    assert "n is the number of images (n = 2)" in text
    assert "test" not in text.split("Software")[0].replace("latest", "")
    unrecorded = summarise([image("a", "control", [4]), image("b", "treated", [6])], AREA, EVERY)
    assert "Specimens were not recorded, so no test was made." in methods_text(told_of(unrecorded, "control"))


def test_the_methods_text_says_from_which_size_neighbours_count() -> None:
    made = three()
    assert "neighbours" not in methods_text(told_of(summarise(made, AREA, EVERY)))
    sized = [replace(each, table=replace(each.table, seen_px=(20.0, 20.0, 30.0, 20.0, 20.0))) for each in made]
    assert "mitochondria 20 px, nucleus 20 px, ER 30 px" in methods_text(told_of(summarise(sized, AREA, EVERY)))
    mixed = [sized[0], *made[1:]]
    assert "neighbours" not in methods_text(told_of(summarise(mixed, AREA, EVERY))), "not the same in all images"
