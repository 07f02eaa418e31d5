"""The gate: whether a new model may take the place of the one in use.

It may where a loss that matters can be excluded: for every class a loss of `MARGIN` in Dice, for the mean over classes
one of `MEAN_MARGIN`, each by the lower end of the 95 % interval of the paired difference. This is non-inferiority; all
must hold, so nothing is adjusted for their number (Berger 1982, 10.1080/00401706.1982.10487790). It fails where a class
has clearly lost more than another seed would change. Everything else is not known from these test images, and a person
decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, Self

import numpy as np

from core.evaluation.aggregates import Aggregate
from core.evaluation.comparison import SMALLEST_SHARE, Comparison, PairedDifference, Verdict, compare
from core.evaluation.counts import plain
from core.evaluation.image_scores import ALL
from core.evaluation.intervals import LEAST_UNITS
from core.evaluation.report import EvaluationReport
from core.evaluation.words import change_text, end_text
from core.wording import counted

METRIC: Final = "dice"

MARGIN: Final = 0.04
"""Loss of a class's Dice that must be excluded. It is a little more than what two trainings that differ in their seed
only differ by (.01 to .03); a smaller one would refuse many trainings that lost nothing. Curves: docs/metrics.md."""

MEAN_MARGIN: Final = 0.02
"""The same of the mean over classes, where seeds even out: it sees a small loss in every class."""

LEAST_IMAGES: Final = 5
"""Test images below which nothing is decided: intervals of so few are wider than any margin."""


class Outcome(StrEnum):
    """What the gate says."""

    PASSED = "passed"
    """A loss that matters is excluded."""
    FAILED = "failed"
    """A class clearly lost more than seeds do: only a person with a reason may promote it."""
    TOO_FEW = "too_few"
    """Fewer than `LEAST_IMAGES` test images: only a person with a reason may promote it, however the figures look."""
    NOT_JUDGED = "not_judged"
    """The test images neither exclude a loss that matters nor show one: a person decides."""
    FIRST = "first"
    """There is no model to compare with."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Mean Dice over the test images where it is defined, with its interval; None where there is none."""

    mean: float | None
    low: float | None
    high: float | None
    images: int


@dataclass(frozen=True, slots=True)
class ClassJudgement:
    """One class, or (class id 0) the mean over classes.

    Parameters
    ----------
    before
        Of the model in use; None: there is none.
    difference
        After minus before, paired by image.
    units
        Specimens, or images, behind the difference.
    verdict
        None where no image has a figure of both models.
    false_images
        Test images without the class where only the new model finds it: there is no Dice to compare there.
    words
        What to know of it, a sentence; "" where all is well.
    """

    class_id: int
    name: str
    before: Figure | None
    after: Figure
    difference: Figure | None
    units: int
    verdict: Verdict | None
    false_images: int
    words: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the comparison says.

    Parameters
    ----------
    classes
        In the order of the scheme, then the mean over classes.
    reasons
        Why the gate does not let it pass by itself; empty where it does.
    caution
        What so few test images can and cannot show; "" for ten and more.
    """

    outcome: Outcome
    classes: tuple[ClassJudgement, ...]
    reasons: tuple[str, ...]
    caution: str

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {
            "outcome": self.outcome.value,
            "classes": [_class_json(class_) for class_ in self.classes],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        classes = tuple(_class_of(value) for value in values["classes"])
        return cls(Outcome(values["outcome"]), classes, tuple(values["reasons"]), values["caution"])


def judge(before: EvaluationReport | None, after: EvaluationReport | None) -> Judgement:
    """Compare two evaluations of one test set.

    Parameters
    ----------
    before
        Of the model in use; None: there is none.
    after
        Of the new model; None: there is no test set.

    Raises
    ------
    DatasetError
        The two cannot be compared: see `core.evaluation.comparison.compare`.
    """
    if after is None:
        return Judgement(Outcome.TOO_FEW, (), (f"There are no test images, but {LEAST_IMAGES} are required.",), "")
    comparison = None if before is None else compare(before, after)
    order = (*after.scheme.ids, ALL)
    classes = tuple(_judged(before, after, comparison, class_id) for class_id in order)
    if comparison is None:
        return Judgement(Outcome.FIRST, classes, (), after.caution)
    images = max((class_.difference.images for class_ in classes if class_.difference), default=0)
    if images < LEAST_IMAGES:
        return Judgement(Outcome.TOO_FEW, classes, (_too_few(images),), comparison.caution)
    worse = tuple(class_.words for class_ in classes if _clearly_lost(class_))
    if worse:
        return Judgement(Outcome.FAILED, classes, worse, comparison.caution)
    unsure = _unsure(classes, comparison)
    return Judgement(Outcome.NOT_JUDGED if unsure else Outcome.PASSED, classes, unsure, comparison.caution)


def _too_few(images: int) -> str:
    shown = "1 test image contains" if images == 1 else f"{images} test images contain"
    return f"{shown} scored classes, but at least {LEAST_IMAGES} are required to distinguish a difference from chance."


def _unsure(classes: tuple[ClassJudgement, ...], comparison: Comparison) -> tuple[str, ...]:
    """Why nobody but a person can decide."""
    if max((class_.units for class_ in classes), default=0) < LEAST_UNITS:
        few = counted(max(class_.units for class_ in classes), comparison.unit_kind.removesuffix("s"))
        return (f"The test set has scores of only {few}, so a difference cannot be distinguished from chance.",)
    sentences = []
    for each in classes:
        found = each.difference
        if each.false_images:
            sentences.append(each.words)
        elif found is None or not found.images:
            continue  # no image has it: nothing is lost, and the words beside the class say so
        elif found.low is None:
            sentences += [each.words] if each.words and (found.mean or 0) <= -SMALLEST_SHARE else []
        elif found.low <= -margin_of(each.class_id):
            sentences.append(_not_excluded(each.class_id, each.name, found))
    return tuple(dict.fromkeys(sentences))


def _clearly_lost(judged: ClassJudgement) -> bool:
    """Whether a loss of the margin or more is seen, and is no chance."""
    found = judged.difference
    return judged.verdict is Verdict.WORSE and found is not None and (found.mean or 0) <= -margin_of(judged.class_id)


def margin_of(class_id: int) -> float:
    """Loss of Dice that must be excluded for a class, or (`ALL`) the mean over classes."""
    return MEAN_MARGIN if class_id == ALL else MARGIN


def _not_excluded(class_id: int, name: str, found: Figure) -> str:
    """A sentence on an interval that reaches below the margin."""
    return (
        f"{name}: Dice changed by {change_text(found.mean)}, but a loss of up to {-(found.low or 0):.3f} cannot be "
        f"excluded from {counted(found.images, 'image')} ({margin_of(class_id):g} must be). More test images narrow "
        "the interval."
    )


def _judged(
    before: EvaluationReport | None, after: EvaluationReport, comparison: Comparison | None, class_id: int
) -> ClassJudgement:
    name = "mean over classes" if class_id == ALL else after.scheme.name_of(class_id)
    found = _figure(after.figure(METRIC, class_id))
    if before is None or comparison is None:
        return ClassJudgement(class_id, name, None, found, None, 0, None, 0, "")
    paired = comparison.differences[METRIC][class_id]
    false_images = 0 if class_id == ALL else _found_falsely(before, after, class_id)
    return ClassJudgement(
        class_id=class_id,
        name=name,
        before=_figure(before.figure(METRIC, class_id)),
        after=found,
        difference=Figure(plain(paired.mean), plain(paired.low), plain(paired.high), paired.images),
        units=paired.units,
        verdict=paired.verdict if paired.images else None,
        false_images=false_images,
        words=_words(name, paired, comparison.unit_kind, false_images),
    )


def _words(name: str, paired: PairedDifference, unit_kind: str, false_images: int) -> str:
    """A sentence on what is remarkable."""
    one, images = unit_kind.removesuffix("s"), f"{paired.images} image{'s' if paired.images != 1 else ''}"
    text = ""
    if not paired.images:
        text = f"{name}: not scored for both models on any test image."
    elif paired.units < LEAST_UNITS:
        text = (
            f"{name}: scored on only {counted(paired.units, one)} of the test set (Dice {change_text(paired.mean)}); "
            "no interval can be given."
        )
    elif paired.verdict is Verdict.WORSE:
        interval = f"interval {end_text(paired.low)} to {end_text(paired.high)}"
        text = f"{name}: Dice fell by {-paired.mean:.3f} ({interval}, {images})."
    if false_images:
        plural = "s" if false_images > 1 else ""
        text += (
            f" {name} is found in {false_images} test image{plural} that does not contain it; the previous "
            "model did not have these false positives."
        )
    return text.strip()


def _found_falsely(before: EvaluationReport, after: EvaluationReport, class_id: int) -> int:
    """Images where Dice was undefined (nothing there, nothing found) and is 0 now."""
    column = after.scheme.ids.index(class_id)
    old = dict(zip((image.name for image in before.images), before.values(METRIC)[:, column], strict=True))
    new = zip((image.name for image in after.images), after.values(METRIC)[:, column], strict=True)
    return sum(1 for name, value in new if name in old and np.isnan(old[name]) and value == 0)


def _figure(found: Aggregate) -> Figure:
    return Figure(plain(found.macro), plain(found.low), plain(found.high), found.images)


def _class_json(each: ClassJudgement) -> dict[str, Any]:
    return asdict(each) | {"verdict": each.verdict.value if each.verdict else None}


def _class_of(values: Mapping[str, Any]) -> ClassJudgement:
    figures = {
        name: None if values[name] is None else Figure(**values[name]) for name in ("before", "after", "difference")
    }
    verdict = Verdict(values["verdict"]) if values["verdict"] else None
    return ClassJudgement(**{**values, **figures, "verdict": verdict})
