"""Rules for objects tried on predictions: for each class, the size that is best for its objects and its pixels."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.evaluation.instances import InstanceCounts, measure_instances, panoptic_quality
from core.evaluation.label_pair import LabelPair
from core.evaluation.settings import EvaluationSettings
from core.label_scheme import LabelScheme
from core.objects.cleaning import cleaned
from core.objects.rules import ObjectRule, ObjectRules, RuleSource

TRIED: Final = (0.0, 0.25, 0.5, 1.0)
"""Multiples of the areas learned from labels. None is above 1: the labels have objects of these sizes, and a few images
that are held out may happen to show none."""

AS_GOOD: Final = 0.005
"""A score that much lower is as good: then the multiple nearest to 1 is taken."""

LEAST_OBJECTS: Final = 5
"""With fewer objects in the reference nothing is chosen; the rule stays as learned from labels."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """A prediction of an image that the model did not learn from.

    Parameters
    ----------
    reference_yx, prediction_yx
        uint8, same shape, class ids; 255 in the reference counts nowhere. The prediction is not cleaned.
    pixel_size_nm
        None where unknown.
    """

    reference_yx: NDArray[np.uint8]
    prediction_yx: NDArray[np.uint8]
    pixel_size_nm: float | None


@dataclass(frozen=True, slots=True)
class _Score:
    """Counts of one class over all images."""

    objects: InstanceCounts
    both_px: int
    sum_px: int

    def __add__(self, other: _Score) -> _Score:
        return _Score(self.objects + other.objects, self.both_px + other.both_px, self.sum_px + other.sum_px)

    @property
    def value(self) -> float:
        """Panoptic quality plus Dice; 0 where neither is defined."""
        quality = panoptic_quality(self.objects)
        return (0.0 if np.isnan(quality) else quality) + (2 * self.both_px / self.sum_px if self.sum_px else 0.0)


def choose_rules(rules: ObjectRules, predictions: Sequence[Prediction], scheme: LabelScheme) -> ObjectRules:
    """The multiple of each class's areas with the best panoptic quality plus Dice over all predictions.

    Parameters
    ----------
    rules
        Learned from labels.
    predictions
        With the references that they are held against.
    scheme
        The classes.

    Returns
    -------
    ObjectRules
        Source `RuleSource.VALIDATION` where the references show enough objects of a class, else unchanged.
    """
    scores: dict[float, dict[int, _Score]] = {multiple: {} for multiple in TRIED}
    for prediction in predictions:
        for multiple in TRIED:
            for class_id, score in _scores(_scaled(rules, multiple), prediction, scheme).items():
                known = scores[multiple].get(class_id)
                scores[multiple][class_id] = known + score if known else score
    return dataclasses.replace(rules, rules=tuple(_chosen(rule, scores) for rule in rules.rules))


def _chosen(rule: ObjectRule, scores: dict[float, dict[int, _Score]]) -> ObjectRule:
    tried = {multiple: by_class[rule.class_id] for multiple, by_class in scores.items() if rule.class_id in by_class}
    # A class that no reference shows is missing at the multiples that clean all of it away.
    if max((score.objects.tp + score.objects.fn for score in tried.values()), default=0) < LEAST_OBJECTS:
        return rule
    best = max(score.value for score in tried.values())
    good = [multiple for multiple, score in tried.items() if score.value >= best - AS_GOOD]
    multiple = min(good, key=lambda value: abs(np.log2(max(value, 1 / 16))))
    return dataclasses.replace(_scaled_rule(rule, multiple), source=RuleSource.VALIDATION)


def _scaled(rules: ObjectRules, multiple: float) -> ObjectRules:
    return dataclasses.replace(rules, rules=tuple(_scaled_rule(rule, multiple) for rule in rules.rules))


def _scaled_rule(rule: ObjectRule, multiple: float) -> ObjectRule:
    return dataclasses.replace(
        rule,
        smallest=rule.smallest * multiple,
        smallest_cut=rule.smallest_cut * multiple,
        largest_hole=rule.largest_hole * min(multiple, 1.0),
    )


def _scores(rules: ObjectRules, prediction: Prediction, scheme: LabelScheme) -> dict[int, _Score]:
    """Of every class that the reference or the prediction shows."""
    after_yx, _ = cleaned(prediction.prediction_yx, rules.limits(prediction.pixel_size_nm))
    pair = LabelPair(prediction.reference_yx, after_yx, scheme, EvaluationSettings())
    class_ids = tuple(rule.class_id for rule in rules.rules if not pair.empty_in_both(rule.class_id))
    objects = measure_instances(pair, class_ids) if class_ids else {}
    found = {}
    for class_id, counts in objects.items():
        at = pair.class_ids.index(class_id)
        total = int(pair.matrix[at].sum() + pair.matrix[:, at].sum())
        found[class_id] = _Score(counts, int(pair.matrix[at, at]), total)
    return found
