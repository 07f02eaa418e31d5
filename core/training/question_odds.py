"""How often a doubtful place is two objects, learned from held-out labels whose objects are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.label_scheme import IGNORE_ID
from core.labels.numbering import number_objects
from core.objects.asking import Levels, NoLevels, Place, find_places
from core.objects.borders import Measured
from core.objects.cleaning import cleaned
from core.objects.odds import GUESS, Odds, learned_odds
from core.objects.rules import ObjectRules
from core.objects.separating import object_ids
from core.objects.separation import Separation
from core.training.object_choice import Prediction

LEAST_SHARE: Final = 0.5
"""Of a part that must lie in one true object, for the labels to say whether the place is one or two."""


def question_odds(rules: ObjectRules, predictions: Sequence[Prediction], separation: Separation) -> Odds:
    """Odds of two at a doubtful place.

    Parameters
    ----------
    rules
        That the predictions are cleaned by.
    predictions
        With references whose objects are known: by ids, else by connected pieces.
    separation
        Of the model; only one that was learned has odds to learn.

    Returns
    -------
    tuple
        () where the references answer too few places.
    """
    if not separation.learned:
        return ()
    known = [place for prediction in predictions for place in _answered(rules, prediction, separation)]
    return learned_odds([measured for measured, _ in known], [two for _, two in known])


def _answered(rules: ObjectRules, prediction: Prediction, separation: Separation) -> Iterator[tuple[Measured, bool]]:
    """What was measured at each place, and whether it is two."""
    limits = rules.limits(prediction.pixel_size_nm)
    labels_yx, _ = cleaned(prediction.prediction_yx, limits)
    objects = object_ids(labels_yx, prediction.parting, separation, limits)
    if objects is None:
        return
    levels = prediction.parting if isinstance(prediction.parting, Levels) else NoLevels(labels_yx.shape)
    true = number_objects(prediction.reference_yx, separation.class_ids, prediction.reference_ids).numbers_yx
    odds = dict.fromkeys(separation.class_ids, GUESS)
    for place in find_places(labels_yx, objects, levels, separation.least_seed * limits.smallest, odds):
        two = is_two(place, objects.ids_yx, true, prediction.reference_yx)
        if two is not None:
            yield place.measured, two


def is_two(
    place: Place, ids_yx: NDArray[np.uint32], true_yx: NDArray[Any], reference_yx: NDArray[np.uint8]
) -> bool | None:
    """Whether the parts of a place belong to two true objects; None where the reference does not say.

    Parameters
    ----------
    place
        Of a prediction.
    ids_yx
        Ids of the prediction's objects, shape (rows, columns).
    true_yx
        Numbers of the true objects, same shape; 0: none.
    reference_yx
        Class ids of the reference; parts of which most lies in *ignore* are not told.
    """
    found = []
    for mask, box in ((place.side(ids_yx), place.box), place.rest(ids_yx)):
        numbers = true_yx[box][mask]
        if not numbers.size or np.mean(reference_yx[box][mask] == IGNORE_ID) > 1 - LEAST_SHARE:
            return None
        counts = np.bincount(numbers)
        main = int(counts.argmax())
        if not main or counts[main] < LEAST_SHARE * numbers.size:
            return None
        found.append(main)
    return found[0] != found[1]
