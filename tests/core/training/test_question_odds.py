"""Odds of two at a doubtful place, from held-out labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.imaging.object_pyramid import ObjectIds
from core.objects.odds import GUESS, probability
from core.objects.rules import ObjectRules
from core.objects.separation import UNSEPARATED, Separation, SeparationWay
from core.segmentation.parting import PartingRows
from core.training.object_choice import Prediction
from core.training.question_odds import question_odds

SEAMS = Separation(SeparationWay.SEAMS, (1,))


def prediction(*, two: bool, ignore: bool = False) -> Prediction:
    """Twenty bars with a hardly made cut in the middle, which the reference says are two, or one."""
    labels: NDArray[np.uint8] = np.zeros((200, 40), np.uint8)
    levels, ids = np.zeros_like(labels), np.zeros(labels.shape, np.uint32)
    for number in range(20):
        rows = slice(10 * number, 10 * number + 8)
        labels[rows, 2:38] = 1
        levels[rows, 19:21] = 2
        ids[rows, 2:20] = ids[rows, 20:38] = 2 * number + 1
        if two:
            ids[rows, 20:38] += 1
    parting = PartingRows((200, 40))
    parting.push(levels)
    reference = np.where(labels == 1, np.uint8(255), 0).astype(np.uint8) if ignore else labels
    return Prediction(reference, labels, None, ObjectIds(ids, (1,)), parting)


def p_of(odds: tuple[float, ...]) -> float:
    return float(probability([(2.0, 0.45)], odds)[0])


def test_labels_that_say_one_lower_the_odds_and_those_that_say_two_raise_them() -> None:
    guess = p_of(GUESS)
    one = question_odds(ObjectRules(), [prediction(two=False)], SEAMS)
    both = question_odds(ObjectRules(), [prediction(two=True)], SEAMS)
    mixed = question_odds(ObjectRules(), [prediction(two=False), prediction(two=True)], SEAMS)
    assert p_of(one) < 0.3 < p_of(mixed) < 0.75 < guess <= p_of(both) + 0.05


def test_without_answers_there_are_no_odds() -> None:
    assert question_odds(ObjectRules(), [], SEAMS) == ()
    assert question_odds(ObjectRules(), [prediction(two=True, ignore=True)], SEAMS) == ()
    assert question_odds(ObjectRules(), [prediction(two=True)], UNSEPARATED) == ()


def test_the_card_keeps_them() -> None:
    card = Separation(SeparationWay.SEAMS, (1,), odds=(0.5, 1.0, -2.0))
    assert Separation.from_json(card.to_json()) == card
    assert "odds" not in SEAMS.to_json(), "cards without them are as before"
