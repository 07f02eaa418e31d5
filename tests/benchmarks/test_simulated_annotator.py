"""The simulated annotator: what a person's acts cost, and what the result's table says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.annotator import campaign
from benchmarks.annotator.person import CLEAR_S, CONFIRM_S, LOOK_PX, LOOK_S, by_hand_s, correct, mend
from benchmarks.annotator.places import met
from benchmarks.annotator.report import classes, markdown, read
from benchmarks.annotator.strategies import Plan, Region, begun, in_order, offered
from benchmarks.annotator.world import Sample, World
from core.imaging.image import Image
from core.label_scheme import LabelScheme


def squares(*corners: int, class_id: int = 1, size: int = 128) -> np.ndarray:
    labels = np.zeros((size, size), np.uint8)
    for corner in corners:
        labels[corner : corner + 20, corner : corner + 20] = class_id
    return labels


def test_where_nothing_is_wrong_only_looking_costs() -> None:
    labels = squares(10, 60)
    done = mend(labels, labels)
    assert done.seconds == pytest.approx(LOOK_S * labels.size / LOOK_PX**2 + CONFIRM_S)
    assert (done.clicks, done.strokes) == (0, 0)


def test_a_whole_wrong_object_is_one_click_and_costs_less_than_painting_it() -> None:
    reference = squares(40, class_id=2)
    clicked = mend(squares(40, class_id=1), reference)
    painted = mend(np.zeros_like(reference), reference)
    assert (clicked.clicks, clicked.strokes) == (1, 0)
    assert (painted.clicks, painted.strokes) == (0, 1)
    assert clicked.seconds < painted.seconds
    np.testing.assert_array_equal(clicked.labels_yx, reference)
    np.testing.assert_array_equal(painted.labels_yx, reference)


def test_slivers_that_nobody_notices_stay() -> None:
    reference = squares(40)
    predicted = reference.copy()
    predicted[40:60, 60] = 1  # one column too wide
    np.testing.assert_array_equal(mend(predicted, reference).labels_yx, predicted)


def test_a_hopeless_prediction_is_cleared() -> None:
    reference = squares(40)
    predicted = np.zeros_like(reference)
    predicted[::8, :] = predicted[1::8, :] = predicted[2::8, :] = predicted[3::8, :] = predicted[4::8, :] = 1
    done = correct(predicted, reference)
    assert done.anew
    assert done.seconds == pytest.approx(mend(np.zeros_like(reference), reference).seconds + CLEAR_S)
    assert not correct(reference, reference).anew


def test_more_objects_by_hand_take_longer() -> None:
    assert by_hand_s(squares(10)) < by_hand_s(squares(10, 60)) < by_hand_s(squares(10, 40, 70, 100))


def test_in_order_covers_everything_once() -> None:
    seen = np.zeros((300, 520), int)
    for region in in_order([seen.shape], 0):
        seen[region.box] += 1
    assert (seen == 1).all()


@pytest.mark.parametrize("plan", [Plan.SUGGESTED, Plan.RANDOM])
def test_places_come_from_each_image_in_turn_and_lie_inside(plan: Plan) -> None:
    labels = squares(10, 60, size=512)
    confidence = np.where(labels == 1, 120, 250).astype(np.uint8)
    places = list(offered(plan, [(labels, confidence), (labels, confidence)], first=1, seed=0))
    assert [place.image for place in places[:2]] == [1, 0]
    assert all(isinstance(place, Region) and labels[place.box].shape == (256, 256) for place in places)


@pytest.mark.parametrize("plan", [Plan.SUGGESTED, Plan.SMALL, Plan.RANDOM])
def test_without_a_model_places_come_from_each_image_in_turn_too(plan: Plan) -> None:
    images = [np.random.default_rng(seed).integers(0, 255, (600, 520), np.uint8) for seed in range(3)]
    places = list(begun(plan, images, first=2, seed=0))
    assert [place.image for place in places[:4]] == [2, 0, 1, 2]
    edge = 128 if plan is Plan.SMALL else 256
    assert all(images[place.image][place.box].shape == (edge, edge) for place in places)
    assert places == list(begun(plan, images, first=2, seed=0))


def test_the_table_holds_means_and_the_share_of_full_annotation(tmp_path: Path) -> None:
    lines = [
        {"plan": "random", "seed": seed, "round": 1, "minutes": 2.0, "dice": {"a": 0.2, "b": 0.4}} for seed in (0, 1)
    ]
    lines += [
        {"plan": "random", "seed": seed, "round": 2, "minutes": 4.0, "dice": {"a": 0.6, "b": value}}
        for seed, value in ((0, 0.6), (1, 0.8))
    ]
    lines += [{"plan": "full", "seed": 0, "round": 2, "minutes": 40.0, "dice": {"a": 0.8, "b": 0.8}}]
    path = tmp_path / "annotator.jsonl"
    more = {"world": "vnc", "regions": 1, "anew": 0, "confirmed_px": 1}
    path.write_text("\n".join(json.dumps({**more, **line}) for line in lines))
    rows = markdown(read(path)).splitlines()
    assert rows[2] == "| random | 1 | 2.0 | 5.0 % | 0.300 (0.300 to 0.300) | 37.5 % |"
    assert rows[3] == "| random | 2 | 4.0 | 10.0 % | 0.650 (0.600 to 0.700) | 81.2 % |"
    assert rows[4] == "| all images by hand | | 40.0 | 100 % | 0.800 (0.800 to 0.800) | 100 % |"


def test_a_class_that_the_test_set_does_not_show_is_left_out_of_the_mean(tmp_path: Path) -> None:
    """Where nobody predicts it its Dice is undefined; one false pixel would make it 0."""
    line = {"world": "phantoms", "seed": 0, "minutes": 2.0, "regions": 1, "anew": 0, "confirmed_px": 1}
    lines = [
        {**line, "plan": "random", "round": 1, "dice": {"a": 0.5, "b": None}},
        {**line, "plan": "random", "round": 2, "dice": {"a": 0.6, "b": 0.0}},
    ]
    path = tmp_path / "annotator.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    assert list(read(path)["dice"]) == [0.5, 0.6]
    assert classes(read(path)).splitlines()[0] == "| places | a |"


def test_scores_say_which_classes_the_test_set_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    reference, predicted = squares(10, class_id=1), squares(10, class_id=1)
    predicted[100:, 100:] = 2
    scheme = LabelScheme.from_names({"shown": 1, "absent": 2})
    sample = Sample("one", Image(reference.copy()), reference, "g")
    world = World("vnc", scheme, (), (sample,))
    monkeypatch.setattr(campaign, "predict", lambda _model, _samples: [(predicted, predicted)])
    assert campaign.score(Path("model"), world) == {"shown": 1.0, "absent": None}


def test_classes_count_as_met_where_a_place_shows_enough_of_them() -> None:
    """Two classes, 20 by 20 pixels each: one in the first window, both after the third; a speck is left out."""
    reference = np.zeros((256, 768), np.uint8)
    reference[10:30, 10:30], reference[10:30, 600:620], reference[100, 100] = 1, 2, 3
    assert met(reference, list(in_order([reference.shape], 0))) == [0.5, 0.5, 1.0, 1.0]
