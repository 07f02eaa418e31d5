"""Rounds in words: steps, states, what the gate said, what was decided."""

from __future__ import annotations

from typing import Final

from core.evaluation.words import change_text, end_text, with_interval
from core.learning.current_model import Reason
from core.rounds.gate import MARGIN, MEAN_MARGIN, Figure, Outcome
from core.store.round_records import RoundState, Step

STEPS: Final = {
    Step.SNAPSHOT: "Label maps frozen",
    Step.TRAIN: "Train",
    Step.EVALUATE: "Score on the test set",
    Step.COMPARE: "Compare",
    Step.DECIDE: "Decide",
    Step.PREDICT: "Segment pool",
}
"""What each step does, as its heading."""

STATES: Final = {
    RoundState.RUNNING: "running",
    RoundState.WAITING: "needs your decision",
    RoundState.FAILED: "failed",
    RoundState.CANCELLED: "cancelled",
    RoundState.DONE: "done",
}

OUTCOMES: Final = {
    Outcome.PASSED: f"Passed: a loss of {MARGIN:g} in the Dice of a class, or of {MEAN_MARGIN:g} in their mean, is "
    "excluded (95 % intervals).",
    Outcome.FAILED: f"Failed: a class lost {MARGIN:g} or more, or their mean {MEAN_MARGIN:g}, and this is not chance.",
    Outcome.TOO_FEW: "Too few test images to decide. A person can promote it with a reason.",
    Outcome.NOT_JUDGED: "These test images cannot exclude a loss that matters, and show none. A person has to decide.",
    Outcome.FIRST: "First model: there is no model to compare with.",
}

CURRENT: Final = {
    Reason.PROMOTED: "promoted in this project",
    Reason.TRAINED_HERE: "the newest trained on this project",
    Reason.MADE_PREDICTION: "it made the newest prediction of this image",
    Reason.MOST_USED: "it made most predictions of this project",
    Reason.DEFAULT: "the default: this project has no current model",
}
"""Why a model is the current one."""


def interval_text(figure: Figure | None, *, signed: bool = False) -> str:
    """A mean with its interval, as tables show it.

    >>> interval_text(Figure(0.8123, 0.75, 0.86, 4)), interval_text(Figure(0.02, None, None, 1), signed=True)
    ('0.812 [0.750, 0.860]', '+0.020')
    >>> interval_text(Figure(-0.00008, -0.00012, -0.00004, 8), signed=True)
    'less than 0.001 [-0.0001, -0.00004]'
    >>> interval_text(None)
    '–'
    """
    if figure is None or figure.mean is None:
        return "–"
    mean = change_text(figure.mean) if signed else f"{figure.mean:.3f}"
    if figure.low is None or figure.high is None:
        return mean
    low, high = (end_text(end) if signed else f"{end:.3f}" for end in (figure.low, figure.high))
    return with_interval(mean, low, high)
