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
from core.imaging.object_pyramid import ObjectIds
from core.label_scheme import LabelScheme
from core.objects.cleaning import cleaned
from core.objects.rules import ObjectRule, ObjectRules, RuleSource
from core.objects.separating import Parting, object_ids
from core.objects.separation import UNSEPARATED, Separation

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
    reference_ids
        Ids of the objects of the reference; None: connected pieces are objects.
    parting
        Pixels that part objects, as the network found them; None: none.
    """

    reference_yx: NDArray[np.uint8]
    prediction_yx: NDArray[np.uint8]
    pixel_size_nm: float | None
    reference_ids: ObjectIds | None = None
    parting: Parting | None = None


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


def choose_rules(
    rules: ObjectRules,
    predictions: Sequence[Prediction],
    scheme: LabelScheme,
    separation: Separation = UNSEPARATED,
) -> ObjectRules:
    """The multiple of each class's areas with the best panoptic quality plus Dice over all predictions.

    Parameters
    ----------
    rules
        Learned from labels.
    predictions
        With the references that they are held against.
    scheme
        The classes.
    separation
        How the model tells touching objects apart.

    Returns
    -------
    ObjectRules
        Source `RuleSource.VALIDATION` where the references show enough objects of a class, else unchanged.
    """
    scores: dict[float, dict[int, _Score]] = {multiple: {} for multiple in TRIED}
    for prediction in predictions:
        for multiple in TRIED:
            for class_id, score in _scores(_scaled(rules, multiple), prediction, scheme, separation).items():
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


def separation_scores(
    rules: ObjectRules, predictions: Sequence[Prediction], scheme: LabelScheme, separation: Separation
) -> dict[int, dict[str, float | None]]:
    """What telling touching objects apart does to predictions.

    Parameters
    ----------
    rules
        That the predictions are cleaned by.
    predictions, scheme, separation
        As for `choose_rules`.

    Returns
    -------
    dict
        Class id to panoptic quality, merged and split objects, true objects, and the first two with connected pieces
        for objects; None where nothing is defined.
    """
    found: dict[int, dict[str, float | None]] = {}
    for suffix, way in (("", separation), ("_of_pieces", UNSEPARATED)):
        totals: dict[int, InstanceCounts] = {}
        for prediction in predictions:
            for class_id, score in _scores(rules, prediction, scheme, way).items():
                totals[class_id] = totals[class_id] + score.objects if class_id in totals else score.objects
        for class_id in separation.class_ids:
            if class_id in totals:
                counts, quality = totals[class_id], panoptic_quality(totals[class_id])
                found.setdefault(class_id, {}).update({
                    f"panoptic_quality{suffix}": None if np.isnan(quality) else round(quality, 4),
                    f"merges{suffix}": counts.merges,
                    f"splits{suffix}": counts.splits,
                    "objects": counts.tp + counts.fn,
                })  # fmt: skip
    return found


def _scores(
    rules: ObjectRules, prediction: Prediction, scheme: LabelScheme, separation: Separation
) -> dict[int, _Score]:
    """Of every class that the reference or the prediction shows."""
    limits = rules.limits(prediction.pixel_size_nm)
    after_yx, _ = cleaned(prediction.prediction_yx, limits)
    pair = LabelPair(
        prediction.reference_yx, after_yx, scheme, EvaluationSettings(),
        reference_ids=prediction.reference_ids,
        prediction_ids=object_ids(after_yx, prediction.parting, separation, limits),
    )  # fmt: skip
    class_ids = tuple(rule.class_id for rule in rules.rules if not pair.empty_in_both(rule.class_id))
    objects = measure_instances(pair, class_ids) if class_ids else {}
    found = {}
    for class_id, counts in objects.items():
        at = pair.class_ids.index(class_id)
        total = int(pair.matrix[at].sum() + pair.matrix[:, at].sum())
        found[class_id] = _Score(counts, int(pair.matrix[at, at]), total)
    return found
