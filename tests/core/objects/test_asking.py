"""Doubtful places: which there are, what was measured, how they are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.imaging.object_pyramid import ObjectIds
from core.objects.asking import find_places, find_questions, neck_questions, questions_of
from core.objects.borders import merge_steps
from core.objects.odds import GUESS, learned_odds, neck_odds, probability
from core.objects.question_files import questions_target, read_doubts, write_doubts
from core.objects.questions import Questions
from core.objects.rules import ObjectRules
from core.objects.separating import object_ids
from core.objects.separation import Separation, SeparationWay
from core.segmentation.parting import PartingRows

LEAST = np.full(256, 20.0)


def discs(*centres: tuple[int, int], shape: tuple[int, int] = (60, 140), radius: int = 15) -> NDArray[np.uint8]:
    row, column = np.mgrid[: shape[0], : shape[1]]
    labels = np.zeros(shape, np.uint8)
    for y, x in centres:
        labels[(row - y) ** 2 + (column - x) ** 2 <= radius**2] = 1
    return labels


def graded(levels: NDArray[np.uint8]) -> PartingRows:
    rows = PartingRows((levels.shape[0], levels.shape[1]))
    rows.push(levels)
    return rows


CHAIN = discs((30, 20), (30, 46), (30, 72))
"""Three discs that overlap a little: at columns 33 and 59."""


def chain_levels(first: int, second: int) -> PartingRows:
    levels = np.zeros_like(CHAIN)
    levels[:, 32:35], levels[:, 58:61] = first, second
    return graded(levels)


def asked(parting: PartingRows, odds: tuple[float, ...] = ()) -> tuple[Questions, ObjectIds]:
    separation = Separation(SeparationWay.SEAMS, (1,), odds=odds)
    limits = ObjectRules().limits(None)
    objects = object_ids(CHAIN, parting, separation, limits)
    assert objects is not None
    return questions_of(CHAIN, objects, parting, separation, limits), objects


def test_a_hardly_made_cut_and_a_nearly_made_one_are_asked_about() -> None:
    questions, objects = asked(chain_levels(1, 2))
    assert objects.ids_yx.max() == 2
    found = {question.two: question for question in (questions[at] for at in range(questions.asked))}
    assert set(found) == {False, True}
    pair, half = found[True], found[False]
    assert set(pair.ids) == {1, 2}
    assert half.ids == (int(objects.ids_yx[30, 20]), 0)
    assert abs(pair.column - 59) <= 1
    assert abs(half.column - 33) <= 1
    assert abs(pair.row - 30) <= 1
    assert half.p < pair.p
    top, left, bottom, right = half.box
    side = np.zeros(CHAIN.shape, bool)
    side[top:bottom, left:right] = half.side_yx
    assert (CHAIN[side] == 1).all()
    assert 600 < side.sum() < 760, "one disc"
    assert questions.guessed


def test_the_likelier_the_stronger_and_the_narrower() -> None:
    levels, widths = np.linspace(0, 3, 7), np.linspace(0.1, 1.5, 7)
    assert (np.diff(probability([(level, 1.0) for level in levels])) > 0).all()
    assert (np.diff(probability([(2.0, width) for width in widths])) < 0).all()


def test_clear_cuts_and_whole_objects_are_not_asked_about() -> None:
    questions, objects = asked(chain_levels(3, 3))
    assert objects.ids_yx.max() == 3
    assert len(questions) == 0, "both are clear and narrow"
    round_one = discs((30, 20))
    assert len(neck_questions(round_one, (1,), LEAST)) == 0


def test_necks_are_asked_about_where_nothing_was_separated() -> None:
    questions = neck_questions(CHAIN, (1,), LEAST)
    assert questions.asked == len(questions) == 2
    assert sorted(questions.place[:, 1].tolist()) == pytest.approx([33, 59], abs=2)
    assert not questions.two.any()
    assert (questions.ids == 0).all(), "pieces have no ids"
    assert (questions.p > 0.3).all()


def test_a_class_that_is_not_asked_for_is_not_looked_at() -> None:
    both = CHAIN.copy()
    both[:, 80:] = discs((30, 100), (30, 122))[:, 80:] * 2
    assert set(neck_questions(both, (2,), LEAST).class_id.tolist()) == {2}


def test_bands_and_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = asked(chain_levels(1, 2))
    monkeypatch.setattr("core.imaging.row_bands.BAND_PX", 3 * CHAIN.shape[1])
    parts, _ = asked(chain_levels(1, 2))
    for name in ("p", "place", "box", "ids", "area_px", "sides"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))


def test_parts_are_put_together_from_the_likeliest_to_be_one_on() -> None:
    parts = np.repeat(np.array([[1, 1, 1, 2, 2, 2, 3, 3, 3]], np.uint32), 4, axis=0)
    levels = np.zeros(parts.shape, np.uint8)
    levels[:, 2:4], levels[:, 5:7] = 2, 1
    cuts = list(merge_steps(parts, levels, lambda measured: measured[0]))
    assert [sorted((cut.one, cut.other)) for cut in cuts] == [[(2,), (3,)], [(1,), (2, 3)]]
    assert [cut.measured[0] for cut in cuts] == [1, 2]


def test_a_limited_number_is_asked_and_the_rest_still_counts() -> None:
    parting = chain_levels(1, 2)
    _, objects = asked(parting)
    odds = {1: GUESS}
    few = find_questions(CHAIN, objects, parting, LEAST, odds, guessed=True, most=1)
    assert (few.asked, few.left_out, len(few.doubts())) == (1, 1, 2)
    assert len(few.doubts(answered=[0])) == 1
    with pytest.raises(LabelMapError, match="no question 1"):
        few[1]


def test_kept_and_read_again(tmp_path: Path) -> None:
    questions, _ = asked(chain_levels(1, 2))
    questions.save(tmp_path / "questions.npz")
    again = Questions.load(tmp_path / "questions.npz")
    assert again is not None
    for number in range(questions.asked):
        one, other = questions[number], again[number]
        np.testing.assert_array_equal(one.side_yx, other.side_yx)
        assert (one.box, one.ids, one.p, one.two, one.row) == (other.box, other.ids, other.p, other.two, other.row)
    assert again.shape_yx == CHAIN.shape
    assert again.guessed
    assert Questions.load(tmp_path / "none.npz") is None
    (tmp_path / "questions.npz").write_bytes(b"PK\x03\x04 not much")
    with pytest.raises(LabelMapError, match=r"questions\.npz cannot be read"):
        Questions.load(tmp_path / "questions.npz")


def test_translated_classes_keep_their_questions() -> None:
    questions, _ = asked(chain_levels(1, 2))
    lookup = np.arange(256, dtype=np.uint8)
    lookup[1] = 7
    moved = questions.translated(lookup)
    assert moved.class_id.tolist() == [7, 7]
    np.testing.assert_array_equal(moved[1].side_yx, questions[1].side_yx)
    lookup[1] = 0
    assert len(questions.translated(lookup)) == 0


def test_odds_follow_held_out_labels_and_stay_a_guess_with_few() -> None:
    rng = np.random.default_rng(0)
    measured = np.stack([rng.uniform(0, 3, 400), rng.uniform(0.2, 1.5, 400)], axis=1)
    truth = (2.0, 0.5, -4.0)
    two = rng.random(400) < probability(measured, truth)
    found = learned_odds(measured, two)
    np.testing.assert_allclose(probability(measured, found), probability(measured, truth), atol=0.15)
    assert learned_odds(measured[:10], two[:10]) == ()
    assert learned_odds(measured, measured[:, 0] < 1)[1] == 0, "never falling with the level"


def test_necks_are_even_at_the_depth_from_which_pieces_are_split() -> None:
    assert probability([(0, 0.4)], neck_odds(0.6))[0] == pytest.approx(0.5)


def test_places_say_what_they_measured() -> None:
    parting = chain_levels(1, 2)
    _, objects = asked(parting)
    places = {place.two: place for place in find_places(CHAIN, objects, parting, LEAST, {1: GUESS})}
    assert places[True].measured[0] == pytest.approx(2)
    assert places[False].measured[0] == pytest.approx(1)
    # The discs overlap in a chord of 2 * sqrt(15² - 13²), 15 px; the smaller part is a disc of about 30 px.
    assert places[True].measured[1] == pytest.approx(0.5, abs=0.12)
    rest, _ = places[False].rest(objects.ids_yx)
    assert rest.sum() + places[False].side(objects.ids_yx).sum() == (objects.ids_yx == places[False].ids[0]).sum()


def test_beside_a_label_map_file_and_only_beside_that_one(tmp_path: Path) -> None:
    questions, _ = asked(chain_levels(1, 2))
    path = questions_target(tmp_path / "a.tif")
    write_doubts(path, questions.doubts(), CHAIN)
    doubts, why = read_doubts(path, CHAIN)
    assert doubts is not None
    assert why == ""
    np.testing.assert_allclose(doubts.p, questions.p, atol=1e-4)
    other = CHAIN.copy()
    other[0, 0] = 1
    assert "another label map" in read_doubts(path, other)[1]
    path.write_text("{", encoding="utf-8")
    assert "cannot be read" in read_doubts(path, CHAIN)[1]
    assert read_doubts(tmp_path / "b_questions.json", CHAIN) == (None, "")
