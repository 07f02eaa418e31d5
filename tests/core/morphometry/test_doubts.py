"""Intervals of numbers of objects: worked out by hand, and by trying all answers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.label_scheme import DEFAULT_SCHEME
from core.morphometry.coverage import coverage_table
from core.morphometry.doubts import (
    EXACT_UP_TO,
    Changes,
    CountInterval,
    Doubts,
    count_interval,
    count_text,
    interval_json,
    interval_of,
    interval_words,
    mean_interval,
)
from core.morphometry.frames import images_frame
from core.morphometry.measures import MEASURES
from core.morphometry.objects import measure_objects
from core.morphometry.summary import (
    ImageObjects,
    ImageSummary,
    Selection,
    density_doubt,
    summarise,
    total_interval,
)


def doubts(*rows: tuple[bool, float, tuple[int, int], tuple[int, int]], class_id: int = 1) -> Doubts:
    two, p, ids, area = zip(*rows, strict=True)
    return Doubts(
        np.full(len(rows), class_id, np.uint8), np.array(two, bool), np.array(p), np.array(ids, np.int64),
        np.array(area, np.int64),
    )  # fmt: skip


BIG = (500, 900)


def test_nothing_in_doubt_has_no_interval() -> None:
    assert count_interval(5, Changes.none()) is None
    assert interval_words(None) == ""


def test_a_pair_takes_one_away_and_a_half_adds_one() -> None:
    found = doubts((True, 0.7, (1, 2), BIG), (False, 0.2, (3, 0), BIG)).changes()
    assert found.step.tolist() == [-1, 1]
    np.testing.assert_allclose(found.p, [0.3, 0.2])
    assert count_interval(3, found) == CountInterval(2, 4, 2)
    assert count_text(3, count_interval(3, found)) == "3 [2, 4]"
    assert count_text(1234, None) == "1,234"
    assert interval_words(count_interval(3, found)) == "2 to 4, from 2 unanswered questions"


@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 0.99)), min_size=1, max_size=8), st.integers(20, 40))
def test_as_all_answers_together_say(places: list[tuple[bool, float]], objects: int) -> None:
    changes = Changes(np.array([1 if up else -1 for up, _ in places]), np.array([p for _, p in places]), len(places))
    chances: dict[int, float] = {}
    for answers in itertools.product((False, True), repeat=len(places)):
        total = sum(int(step) for step, happens in zip(changes.step, answers, strict=True) if happens)
        chance = float(np.prod([p if happens else 1 - p for p, happens in zip(changes.p, answers, strict=True)]))
        chances[total] = chances.get(total, 0.0) + chance
    interval = count_interval(objects, changes)
    assert interval is not None
    outside_low = sum(chance for total, chance in chances.items() if objects + total < interval.low)
    outside_high = sum(chance for total, chance in chances.items() if objects + total > interval.high)
    assert outside_low <= 0.025 + 1e-9
    assert outside_high <= 0.025 + 1e-9
    assert interval.low <= objects <= interval.high
    narrower = [interval.low + 1] if interval.low < objects else []
    for low in narrower:  # one more would leave out too much
        assert sum(chance for total, chance in chances.items() if objects + total < low) > 0.025 - 1e-9


def test_many_are_as_a_normal_distribution() -> None:
    few, many = EXACT_UP_TO, EXACT_UP_TO + 1
    exact = count_interval(10_000, Changes(np.full(few, -1), np.full(few, 0.4), few))
    approximate = count_interval(10_000, Changes(np.full(many, -1), np.full(many, 0.4), many))
    assert exact is not None
    assert approximate is not None
    assert abs(exact.low - approximate.low) <= 2
    assert exact.high == approximate.high == 10_000, "the number that was counted lies within"


def test_three_objects_in_a_circle_lose_two_at_most() -> None:
    circle = doubts((True, 0.1, (1, 2), BIG), (True, 0.1, (2, 3), BIG), (True, 0.1, (1, 3), BIG))
    assert count_interval(3, circle.changes()) == CountInterval(1, 3, 3)


def test_two_questions_about_one_pair_count_once() -> None:
    assert len(doubts((True, 0.5, (1, 2), BIG), (True, 0.5, (2, 1), BIG)).changes()) == 1


@pytest.mark.parametrize(
    ("area", "steps"),
    [((30, 900), []), ((40, 70), [-1]), ((120, 300), [1]), ((20, 30), [])],
    ids=["small beside large", "only together large enough", "both large enough", "too small together"],
)
def test_only_objects_that_count_change_the_number(area: tuple[int, int], steps: list[int]) -> None:
    assert doubts((False, 0.5, (1, 0), area)).changes(100).step.tolist() == steps


def test_the_mean_over_images_weighs_each_image() -> None:
    one = Changes(np.array([-1]), np.array([0.5]), 1)
    low, high = mean_interval(15.0, [one, Changes.none()], [2.0 / 2, 4.0 / 2])
    # Mean 15; the change is -0.5 * 2 / 2 = -0.5 on average, its deviation 0.5 * 2 / 2 = 0.5.
    assert low == pytest.approx(15 - 0.5 - 1.959964 * 0.5)
    assert high == pytest.approx(15 - 0.5 + 1.959964 * 0.5)
    assert all(value != value for value in mean_interval(float("nan"), [one], [1.0]))


def test_a_row_of_the_coverage_table_says_its_interval_and_reads_it_again() -> None:
    labels = np.zeros((8, 8), np.uint8)
    labels[:3], labels[5:] = 1, 2
    rows = coverage_table(labels, DEFAULT_SCHEME, None, doubts=doubts((False, 0.5, (1, 0), BIG)))
    by_class = {row.class_id: row for row in rows}
    assert by_class[1].interval == CountInterval(1, 2, 1)
    assert by_class[2].interval is None
    assert by_class[0].interval is None
    plain = by_class[1].to_json()
    assert (plain["objects_low"], plain["objects_high"], plain["unanswered_questions"]) == (1, 2, 1)
    assert interval_of(plain) == by_class[1].interval
    assert interval_of(interval_json(None)) is None
    assert interval_of({"objects": 3}) is None, "rows of earlier versions"


def test_measure_counts_with_the_same_interval() -> None:
    labels = np.zeros((100, 100), np.uint8)
    for top in (10, 40, 70):
        labels[top : top + 20, 10:50] = 1
    table = measure_objects(labels, DEFAULT_SCHEME, 100.0)
    places = doubts((False, 0.5, (0, 0), (300, 500)), (False, 0.5, (0, 0), (20, 780)))
    image = ImageObjects("a", "a", "", "a", table, doubts=places)
    area = next(measure for measure in MEASURES if measure.name == "area")

    def row(least_um2: float) -> ImageSummary:
        return summarise([image], area, Selection(1, least_um2=least_um2))[0]

    every, large = row(0.0), row(1.0)  # 1 µm² is 100 px: a part of 20 px would not count
    assert every.interval == CountInterval(3, 5, 2)
    assert large.interval == CountInterval(3, 4, 1)
    frame = images_frame([every, large], area, physical=True)
    assert frame["objects_low"].tolist() == [3, 3]
    assert frame["objects_high"].tolist() == [5, 4]
    assert frame["unanswered_questions"].tolist() == [2, 1]
    assert total_interval([large, large]) == CountInterval(6, 8, 2)
    doubt = density_doubt([large])
    assert doubt is not None
    # 100 µm² of image: one object more is one more per 100 µm²; half a change is expected.
    assert doubt[0] == pytest.approx(3 + min(0.5 - 1.96 * 0.5, 0), abs=1e-3)
    assert doubt[1] == pytest.approx(3 + 0.5 + 1.96 * 0.5, abs=1e-3)
    assert density_doubt(summarise([ImageObjects("b", "b", "", "b", table)], area, Selection(1))) is None


def test_an_image_in_doubt_weighs_as_much_as_in_the_mean_over_specimens() -> None:
    """Of two specimens, one of two images of the first counts a quarter, the only one of the second a half."""
    labels = np.zeros((100, 100), np.uint8)
    labels[10:30, 10:50] = 1
    table = measure_objects(labels, DEFAULT_SCHEME, 100.0)
    unsure = doubts((False, 0.5, (0, 0), (300, 500)))
    area = next(measure for measure in MEASURES if measure.name == "area")

    def widths(*in_doubt: bool) -> float:
        images = [
            ImageObjects(name, name, specimen, name, table, doubts=unsure if asked else Doubts.none())
            for name, specimen, asked in zip("abc", ("m", "m", "n"), in_doubt, strict=True)
        ]
        found = density_doubt(summarise(images, area, Selection(1)))
        assert found is not None
        return found[1] - 1  # 100 µm² of image: its one object is one per 100 µm²

    whole = 0.5 + 1.959964 * 0.5
    assert widths(True, False, False) == pytest.approx(whole / 4, abs=1e-4)
    assert widths(False, False, True) == pytest.approx(whole / 2, abs=1e-4)
