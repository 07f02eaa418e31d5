"""How far a training came: whether its model has learned enough to be relied on."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from core.models.card import ModelCard
from core.training.presets import PRESETS, Preset, Recipe

WARM_UPS: Final = 10
"""Warm-ups that a training from scratch takes at least: before that, the learning rate has hardly been high."""

PARENT_WARM_UPS: Final = 2
"""The same of a parent's weights, which need to move only a little."""

SMALLEST_SHARE: Final = 0.1
"""Of the iterations that a recipe is made for."""

PARENT_SHARE: Final = 0.2
"""Iterations that fine-tuning is planned for, as a share of those from scratch."""

HALF_WAY: Final = 0.5
"""Share of the planned iterations below which a falling loss means that a model is undertrained."""


class Verdict(StrEnum):
    """What the number of iterations and the end of the learning curve say."""

    TOO_SHORT = "too_short"
    """Fewer iterations than the least that the recipe needs."""
    STOPPED_EARLY = "stopped_early"
    """Less than half of the planned iterations, and the loss was still falling."""
    STILL_FALLING = "still_falling"
    """Enough iterations; more would still make it better."""
    SETTLED = "settled"
    """The loss had stopped falling."""
    UNKNOWN = "unknown"
    """Nothing is known of the training: the model is from elsewhere, or its card is old."""

    @property
    def undertrained(self) -> bool:
        """Whether people are warned wherever the model is used."""
        return self in (Verdict.TOO_SHORT, Verdict.STOPPED_EARLY)


def planned_iterations(recipe: Recipe, *, fine_tuned: bool) -> int:
    """Iterations that a training is planned for."""
    return round(recipe.iterations * (PARENT_SHARE if fine_tuned else 1))


def least_iterations(recipe: Recipe, *, fine_tuned: bool) -> int:
    """Iterations below which a model is undertrained whatever its curve looks like.

    >>> from core.training.presets import NNUNET_RECIPE, SHORT_RECIPE
    >>> [least_iterations(SHORT_RECIPE, fine_tuned=tuned) for tuned in (False, True)]
    [200, 40]
    >>> [least_iterations(NNUNET_RECIPE, fine_tuned=tuned) for tuned in (False, True)]
    [25000, 5000]
    """
    warm_ups = PARENT_WARM_UPS if fine_tuned else WARM_UPS
    planned = planned_iterations(recipe, fine_tuned=fine_tuned)
    return max(warm_ups * recipe.warm_up, round(SMALLEST_SHARE * planned))


def verdict(recipe: Recipe, iterations: int, loss_falling: bool | None, *, fine_tuned: bool) -> Verdict:
    """Judge a training.

    Parameters
    ----------
    iterations
        As run.
    loss_falling
        `core.training.learning_curve.still_falling`; None: nobody can tell.
    fine_tuned
        Whether it began with a parent's weights.
    """
    if iterations < least_iterations(recipe, fine_tuned=fine_tuned):
        return Verdict.TOO_SHORT
    if loss_falling is None:
        return Verdict.UNKNOWN
    if not loss_falling:
        return Verdict.SETTLED
    half_way = HALF_WAY * planned_iterations(recipe, fine_tuned=fine_tuned)
    return Verdict.STOPPED_EARLY if iterations < half_way else Verdict.STILL_FALLING


def verdict_of(card: ModelCard) -> Verdict:
    """The verdict on a stored model; of one that was trained elsewhere nothing is known."""
    training = card.training
    if card.preset not in set(map(str, Preset)) or not training.iterations:
        return Verdict.UNKNOWN
    recipe = PRESETS[Preset(card.preset)].recipe
    return verdict(recipe, iterations_of(card), training.loss_falling, fine_tuned=_fine_tuned(card))


def iterations_of(card: ModelCard) -> int:
    """All iterations of a model: its own, and those of undertrained parents that it went on from."""
    return card.training.iterations + card.training.earlier_iterations


def _fine_tuned(card: ModelCard) -> bool:
    """Whether it began with weights that were trained enough; more of an undertrained parent is the same training."""
    return card.parent is not None and not card.training.earlier_iterations


def training_words(card: ModelCard) -> str:
    """A sentence on how far a training came; "" where nothing is known."""
    count = f"{iterations_of(card):,} iterations"
    return {
        Verdict.TOO_SHORT: f"Stopped early: {count}{_curve(card.training.loss_falling)}.",
        Verdict.STOPPED_EARLY: f"Stopped early: {count}, loss still falling.",
        Verdict.STILL_FALLING: f"{count}; the loss was still falling, so longer training may improve it.",
        Verdict.SETTLED: f"{count}; the loss had settled.",
        Verdict.UNKNOWN: "",
    }[verdict_of(card)]


def undertrained_warning(card: ModelCard) -> str:
    """What to say wherever an undertrained model is used; "" for all others."""
    found = verdict_of(card)
    if not found.undertrained:
        return ""
    recipe = PRESETS[Preset(card.preset)].recipe
    fine_tuned = _fine_tuned(card)
    need = (
        f"at least {least_iterations(recipe, fine_tuned=fine_tuned):,}"
        if found is Verdict.TOO_SHORT
        else f"about {planned_iterations(recipe, fine_tuned=fine_tuned):,}"
    )
    falling = " and its loss was still falling" if card.training.loss_falling else ""
    return (
        f"Undertrained: {card.name} ran {iterations_of(card):,} iterations{falling}; this preset needs {need}. Its "
        "predictions are unreliable. Train it longer, or evaluate it first."
    )


def _curve(falling: bool | None) -> str:
    return {True: ", loss still falling", False: ", loss no longer falling", None: ""}[falling]
