"""Comparing conditions: what counts as one, which test, and what is said where there is none."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ttest_ind, ttest_rel

from core.evaluation.intervals import holm
from core.label_scheme import DEFAULT_SCHEME
from core.morphometry.condition_names import conditions
from core.morphometry.conditions import (
    Compared,
    Design,
    UnitMean,
    adjusted_together,
    compare,
    difference,
    kind_of_units,
    measure_difference,
    unit_means,
)
from core.morphometry.measures import MEASURES
from core.morphometry.objects import measure_objects
from core.morphometry.summary import ImageObjects, Selection, summarise

AREA = MEASURES[0]
EVERY = Selection(1, whole_only=False)


def image(name: str, condition: str, widths: list[int], specimen: str = "", nm: float | None = 1000.0) -> ImageObjects:
    """An image with mitochondria of these widths, one under the other, at a pixel size of 1 µm."""
    labels = np.zeros((20, 40), np.uint8)
    for number, width in enumerate(widths):
        labels[2 * number + 1, 1 : 1 + width] = 1
    table = measure_objects(labels, DEFAULT_SCHEME, nm)
    return ImageObjects(f"id {name}", name, specimen, name, table, condition)


def units(*means: float, names: str = "abcdefgh", where: str = "") -> list[UnitMean]:
    return [UnitMean(where + name, name, (name,), mean, 1) for name, mean in zip(names, means, strict=False)]


def test_a_specimen_is_one_however_many_images_and_objects_it_has() -> None:
    rows = summarise(
        [
            image("a", "control", [2, 2, 2, 2], "mouse 1"),
            image("b", "control", [8], "mouse 1"),
            image("b2", "control", [20], "mouse 1"),
            image("empty", "control", [], "mouse 1"),
            image("c", "control", [6], "mouse 2"),
            image("d", "control", [10]),
        ],
        AREA,
        EVERY,
    )
    found = unit_means(rows)
    assert [(unit.name, unit.mean, unit.objects) for unit in found] == [
        ("d", 10.0, 1),
        ("mouse 1", 6.0, 6),
        ("mouse 2", 6.0, 1),
    ]
    assert found[1].image_ids == ("id a", "id b", "id b2")


def test_independent_specimens_as_welch_has_it() -> None:
    a, b = [1.0, 2.5, 3.0, 2.2], [4.0, 5.5, 9.0]
    found = difference(units(*a, where="x"), units(*b, where="y"))
    test = ttest_ind(b, a, equal_var=False)
    assert found.design is Design.INDEPENDENT
    assert found.value == pytest.approx(np.mean(b) - np.mean(a))
    assert found.p == pytest.approx(test.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(test.confidence_interval(0.95)))
    assert (found.reference_units, found.units) == (4, 3)


def test_specimens_in_both_conditions_are_pairs() -> None:
    before, after = [1.0, 2.5, 3.0, math.nan], [1.4, 3.1, 3.2, 7.0]
    found = difference(units(*before), units(*after))
    test = ttest_rel(after[:3], before[:3])
    assert found.design is Design.PAIRED
    assert found.p == pytest.approx(test.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(test.confidence_interval(0.95)))
    assert (found.reference_units, found.units, found.mean) == (3, 3, pytest.approx(7.7 / 3))


def test_incomplete_pairs_are_left_out_and_counted() -> None:
    found = difference(units(1.0, 2.5, 3.0, 9.0), units(1.4, 3.1, 3.2))
    assert found.design is Design.PAIRED
    assert found.p == pytest.approx(ttest_rel([1.4, 3.1, 3.2], [1.0, 2.5, 3.0]).pvalue)
    assert (found.units, found.alone) == (3, 1)
    assert difference(units(1.0, 2.5, math.nan), units(1.4, 3.1, 3.2)).alone == 1


def test_one_pair_is_a_pair_without_a_test() -> None:
    found = difference(units(1.0, 2.0), units(1.4))
    assert (found.design, found.units, found.alone) == (Design.PAIRED, 1, 1)
    assert math.isnan(found.p)


def test_how_sure_a_model_was_is_not_compared() -> None:
    made = []
    for number, condition in enumerate(("a", "a", "b", "b")):
        labels = np.zeros((20, 40), np.uint8)
        labels[3:5, 3 : 8 + number] = 1
        sure = np.full(labels.shape, 200 + number, np.uint8)
        table = measure_objects(labels, DEFAULT_SCHEME, 1000.0, confidence_yx=sure)
        made.append(ImageObjects(str(number), "", "", str(number), table, condition))
    names = {each.name for each in compare(made, DEFAULT_SCHEME, EVERY, "a")}
    assert "area" in names
    assert "confidence" not in names


def test_two_specimens_in_both_of_many_are_no_pairs() -> None:
    found = difference(units(1, 2, 3, 4, 5), units(2, 3, 9, 8, 7, names="abxyz"))
    assert (found.design, found.alone) == (Design.MIXED, 0)


def test_stacks_and_images_without_a_specimen_are_never_pairs() -> None:
    made = [
        replace(image(f"{condition}{number}", condition, [2 + number]), stack=stack)
        for condition in ("control", "treated")
        for number, stack in enumerate(("section", "section", "", ""))
    ]
    rows = summarise(made, AREA, EVERY)
    control = unit_means([row for row in rows if row.image.condition == "control"])
    assert [(unit.name, unit.mean, len(unit.image_ids)) for unit in control] == [
        ("control2", 4.0, 1),
        ("control3", 5.0, 1),
        ("section", 2.5, 2),
    ]
    found = measure_difference(rows, "control", "treated")
    assert (found.design, found.units) == (Design.UNRECORDED, 3)
    assert math.isnan(found.p), "images of one animal are not independent: no p without animals"
    assert math.isnan(found.low)
    assert kind_of_units(made) == "unit"
    assert kind_of_units(made[:2]) == "stack"
    assert kind_of_units(made[2:4]) == "image"
    assert kind_of_units([replace(each, specimen="m") for each in made]) == "specimen"


def test_some_specimens_in_both_conditions_fit_no_test() -> None:
    found = difference(units(1, 2, 3), units(4, 5, 7, names="axy"))
    assert found.design is Design.MIXED
    assert math.isnan(found.p)
    assert math.isnan(found.low)
    assert found.value == pytest.approx(16 / 3 - 2)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([1.0], [2.0, 3.0]),  # one alone
        ([], [2.0, 3.0]),
        ([1.0, math.nan], [2.0, 3.0]),
        ([0.3, 0.3], [0.3, 0.3]),  # no spread
        ([0.1 + 0.2, 0.3], [0.3, 0.3]),  # none but rounding
    ],
)
def test_without_two_units_or_any_spread_there_is_no_test(a: list[float], b: list[float]) -> None:
    found = difference(units(*a, where="x"), units(*b, where="y"))
    assert math.isnan(found.p)
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_without_spread_on_one_side_there_is_a_test() -> None:
    found = difference(units(0, 0, 0, where="x"), units(1, 2, 4, where="y"))
    assert found.p == pytest.approx(ttest_ind([1, 2, 4], [0, 0, 0.0], equal_var=False).pvalue)
    assert math.isnan(found.percent(found.value))  # of nothing there are no per cent


def test_holm_is_monotone_bounded_and_ignores_what_is_no_comparison() -> None:
    assert holm([0.5, 0.02, math.nan, 0.6])[:2] == pytest.approx([1.0, 0.06])
    assert math.isnan(holm([0.5, 0.02, math.nan, 0.6])[2])
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
    assert math.isnan(holm([math.nan])[0])


def test_the_likely_reference_stands_first_and_numbers_count() -> None:
    def names(*given: str) -> tuple[str, ...]:
        return conditions([image(name, name, []) for name in given] + [image("none", "", [])])

    assert names("dose 10", "dose 2", "Vehicle (DMSO)") == ("Vehicle (DMSO)", "dose 2", "dose 10")
    assert names("b", "a") == ("a", "b")
    assert names("Vehicle", "Drug in DMSO")[0] == "Vehicle"
    assert names("10 µM drug in DMSO", "DMSO")[0] == "DMSO"
    assert names("KO control", "KO treated", "wild-type control")[0] == "wild-type control"
    assert names("type 2 diabetes", "pre-diabetic", "lean") == ("lean", "pre-diabetic", "type 2 diabetes")
    assert names("post", "pre")[0] == "pre"
    assert names("control 2", "control 1")[0] == "control 1"
    assert names("uncontrolled", "Ctrl_24h") == ("Ctrl_24h", "uncontrolled")
    assert conditions([]) == ()


def test_every_figure_is_compared_and_p_values_are_adjusted_together() -> None:
    made = [
        *(image(f"c{i}", "control", [4, 4 + i], f"m{i}") for i in range(4)),
        *(image(f"t{i}", "treated", [8, 9 + i, 9], f"n{i}") for i in range(4)),
        image("unknown", "", [30]),
    ]
    found = compare(made, DEFAULT_SCHEME, EVERY, "control")
    by_name = {each.name: each for each in found}
    assert list(by_name)[:4] == ["objects_per_100_um2", "area_percent", "surface_density", "area"]
    assert "confidence" not in by_name
    assert "distance_to_ER" not in by_name  # there is none
    area = by_name["area"].difference
    assert (area.reference, area.mean) == pytest.approx((4.75, 28 / 3 - 0.1666667))
    assert (area.reference_units, area.units) == (4, 4)
    assert area == measure_difference(summarise(made, AREA, EVERY), "control", "treated")
    tested = [each.difference.p for each in found]
    assert [each.p_adjusted for each in found] == pytest.approx(holm(tested), nan_ok=True)
    assert by_name["area"].p_adjusted > area.p


def test_in_pixels_there_is_no_number_per_area() -> None:
    made = [image(f"{c}{i}", c, [3 + i], nm=None) for c in "ab" for i in range(2)]
    found = compare(made, DEFAULT_SCHEME, Selection(1, physical=False), "a")
    assert [each.name for each in found][:3] == ["area_percent", "surface_density", "area"]
    assert [each.unit for each in found][1:3] == ["px⁻¹", "px"]


def test_several_conditions_each_beside_the_reference() -> None:
    made = [image(f"{c}{i}", c, [3 + i]) for c in ("low", "high", "control") for i in range(2)]
    areas = [each for each in compare(made, DEFAULT_SCHEME, EVERY, "control") if each.name == "area"]
    assert [each.condition for each in areas] == ["high", "low"]


def test_figures_that_are_0_everywhere_are_not_compared() -> None:
    made = [image(f"{c}{i}", c, [3 + i, 5], f"{c}{i}") for c in "ab" for i in range(2)]
    names = {each.name for each in compare(made, DEFAULT_SCHEME, EVERY, "a")}
    assert "area" in names
    assert not any(name.startswith("contact_with") for name in names), "no other class is in these images"


def test_p_is_adjusted_for_all_that_one_file_holds() -> None:
    """Each class was adjusted for itself, and a file of six classes had six times as many chances."""
    rng = np.random.default_rng(3)

    def found(shift: float) -> Compared:
        sides = [units(*rng.normal(mean, 1, 4), where=where) for mean, where in ((10, "x"), (10 + shift, "y"))]
        return Compared("area", "Area", "µm²", "treated", difference(*sides))

    compared = {1: (found(4), found(0)), 3: (found(3),), 5: ()}
    adjusted = adjusted_together(compared)
    flat = [each.difference.p for of in compared.values() for each in of]
    order = sorted(range(3), key=lambda place: flat[place])
    expected, least = [0.0] * 3, 0.0
    for rank, place in enumerate(order):
        least = max(least, min(flat[place] * (3 - rank), 1.0))
        expected[place] = least
    assert [each.p_adjusted for of in adjusted.values() for each in of] == pytest.approx(expected)
    assert adjusted.keys() == compared.keys()
