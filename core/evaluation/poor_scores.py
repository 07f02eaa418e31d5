"""Scores at which teaching a model more helps rather than looking at details of its errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.evaluation.report import EvaluationReport

NEAR_ZERO: Final = 0.2
"""Mean Dice of a class below which it is hardly found: four of five pixels that belong to either map differ."""

POOR_MEAN: Final = 0.5
"""Mean Dice over the classes below which the masks are of little use."""

_DICE: Final = "dice"


@dataclass(frozen=True, slots=True)
class PoorScores:
    """What is poor in an evaluation.

    Parameters
    ----------
    classes
        Class id and mean Dice of each class that is hardly found, the poorest first.
    mean
        Mean Dice over the classes, where it is poor; None where it is not.
    worst_image
        Position in the report of the image in which the poorest class, or where none is poor the mean, scores least;
        None where nothing is poor.
    """

    classes: tuple[tuple[int, float], ...] = ()
    mean: float | None = None
    worst_image: int | None = None

    def __bool__(self) -> bool:
        return bool(self.classes) or self.mean is not None


def poor_scores(report: EvaluationReport) -> PoorScores:
    """Which classes a model hardly finds, and whether it is poor altogether.

    A class that no image shows has no figure, and is not poor.
    """
    figures = {item.id: report.figure(_DICE, item.id) for item in report.scheme.classes}
    poor = sorted(
        ((class_id, found.macro) for class_id, found in figures.items() if found.images and found.macro < NEAR_ZERO),
        key=lambda each: each[1],
    )
    overall = report.figure(_DICE)
    mean = overall.macro if overall.images and overall.macro < POOR_MEAN else None
    if not poor and mean is None:
        return PoorScores()
    values = report.values(_DICE)
    if poor:
        scores = values[:, list(report.scheme.ids).index(poor[0][0])]
        known = [(float(score), position) for position, score in enumerate(scores) if score == score]
    else:
        known = []
        for position, row in enumerate(values):
            defined = row[row == row]
            if defined.size:
                known.append((float(defined.mean()), position))
    return PoorScores(tuple(poor), mean, min(known)[1] if known else None)
