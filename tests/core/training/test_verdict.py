"""What is said of a training by its iterations and its curve."""

from __future__ import annotations

import pytest

from core.label_scheme import DEFAULT_SCHEME
from core.models.card import ModelCard, TrainingSummary
from core.models.shipped import shipped_starter
from core.training.presets import NNUNET_RECIPE, SHORT_RECIPE, Recipe
from core.training.verdict import Verdict, training_words, undertrained_warning, verdict, verdict_of


@pytest.mark.parametrize(
    ("recipe", "iterations", "falling", "fine_tuned", "expected"),
    [
        (SHORT_RECIPE, 24, True, False, Verdict.TOO_SHORT),
        (SHORT_RECIPE, 24, None, False, Verdict.TOO_SHORT),
        (SHORT_RECIPE, 199, False, False, Verdict.TOO_SHORT),
        (SHORT_RECIPE, 200, False, False, Verdict.SETTLED),
        (SHORT_RECIPE, 499, True, False, Verdict.STOPPED_EARLY),
        (SHORT_RECIPE, 500, True, False, Verdict.STILL_FALLING),
        (SHORT_RECIPE, 500, None, False, Verdict.UNKNOWN),
        (SHORT_RECIPE, 39, False, True, Verdict.TOO_SHORT),
        (SHORT_RECIPE, 99, True, True, Verdict.STOPPED_EARLY),
        (SHORT_RECIPE, 100, True, True, Verdict.STILL_FALLING),
        (NNUNET_RECIPE, 24_999, False, False, Verdict.TOO_SHORT),
        (NNUNET_RECIPE, 250_000, True, False, Verdict.STILL_FALLING),
    ],
)
def test_verdicts(recipe: Recipe, iterations: int, falling: bool | None, fine_tuned: bool, expected: Verdict) -> None:
    assert verdict(recipe, iterations, falling, fine_tuned=fine_tuned) is expected


def card(preset: str = "compact", parent: str | None = None, **training: object) -> ModelCard:
    return ModelCard(
        id="m", name="Mine", scheme=DEFAULT_SCHEME, output_ids=(0, *DEFAULT_SCHEME.ids), preset=preset, parent=parent,
        training=TrainingSummary(**training),  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize("preset", ["imported", "", "of a later version"])
def test_of_a_model_from_elsewhere_nothing_is_said(preset: str) -> None:
    found = card(preset, iterations=24)
    assert (verdict_of(found), training_words(found), undertrained_warning(found)) == (Verdict.UNKNOWN, "", "")


def test_a_short_training_is_warned_of_and_a_long_one_is_not() -> None:
    short = card(iterations=24, loss_falling=True)
    assert training_words(short) == "Stopped early: 24 iterations, loss still falling."
    assert undertrained_warning(short).startswith(
        "Undertrained: Mine ran 24 iterations and its loss was still falling; this preset needs at least 200."
    )
    assert undertrained_warning(card(iterations=24)), "an old card knows its iterations"
    half = card(iterations=300, loss_falling=True)
    assert "this preset needs about 1,000." in undertrained_warning(half)
    for fine in (card(iterations=1000, loss_falling=True), card(iterations=300, loss_falling=False)):
        assert undertrained_warning(fine) == ""
        assert not training_words(fine).startswith("Stopped early")
    assert undertrained_warning(card(iterations=60, loss_falling=False, parent="p")) == ""


def test_more_training_of_an_undertrained_parent_is_the_same_training() -> None:
    """Sixty iterations after twenty-four are not a fine-tuned model."""
    more = card(iterations=60, earlier_iterations=24, loss_falling=True, parent="p")
    assert verdict_of(more) is Verdict.TOO_SHORT
    assert training_words(more) == "Stopped early: 84 iterations, loss still falling."
    assert verdict_of(card(iterations=600, earlier_iterations=24, loss_falling=False, parent="p")) is Verdict.SETTLED


def test_the_starter_is_not_undertrained() -> None:
    starter = shipped_starter()
    assert starter is not None
    assert not verdict_of(starter.card).undertrained
