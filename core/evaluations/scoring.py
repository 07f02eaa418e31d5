"""Scoring one image of the store: its reference and a prediction, as the evaluation measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.evaluation.error_objects import ConnectedError, largest_errors
from core.evaluation.image_scores import ImageScores, score_image
from core.evaluation.label_pair import LabelPair
from core.evaluation.report import versions
from core.evaluation.settings import EvaluationSettings
from core.imaging.object_pyramid import ObjectIds
from core.label_scheme import LabelScheme
from core.store.label_maps import open_label_map
from core.store.records import EvaluationImageRecord
from core.store.store import Store


@dataclass(frozen=True, slots=True, eq=False)
class ImageResult:
    """What was found in one image: figures, and the largest errors, largest first."""

    scores: ImageScores
    errors: tuple[ConnectedError, ...]


def score_stored_image(
    store: Store,
    image: EvaluationImageRecord,
    prediction_id: str,
    scheme: LabelScheme,
    settings: EvaluationSettings,
    *,
    check: Callable[[], None] = lambda: None,
) -> ImageResult:
    """Compare a prediction of an image with its reference.

    Parameters
    ----------
    image
        With a reference.
    prediction_id
        A complete revision of the image.
    scheme
        The project's classes when the evaluation began.
    settings
        Resolved.
    check
        Called between the steps; what it raises ends the scoring.

    Raises
    ------
    LabelMapError
        There is no reference, the sizes differ, a prediction by an earlier version has none of the project's classes,
        or an id is of no class.
    NotFoundError, ImageError
        A label map has gone or is damaged.
    """
    if image.reference_id is None:
        raise LabelMapError(f"{image.name} has no reference labels.", "Import its label map on the Data page.")
    reference, _, reference_ids = _labels(store, image.reference_id)
    prediction, confidence, prediction_ids = _labels(store, prediction_id)
    check()
    pair = LabelPair(
        reference, prediction, scheme, settings, image.pixel_size_nm, confidence, reference_ids, prediction_ids
    )
    scores = score_image(pair, image.name, group=image.group, specimen=image.specimen, check=check)
    check()
    return ImageResult(scores, largest_errors(pair))


def stored_result(result: ImageResult, scheme: LabelScheme) -> dict[str, Any]:
    """As `Evaluations.keep_scores` takes it, with the versions that worked it out."""
    scores = result.scores.to_json(scheme) | {"versions": versions()}
    return {"scores": scores, "errors": [error.to_json() for error in result.errors]}


def _labels(store: Store, revision_id: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None, ObjectIds | None]:
    """Labels and, where there are any, the confidence map and the ids of objects."""
    pyramid = open_label_map(store, revision_id)
    confidence = pyramid.confidence
    return (
        pyramid.whole(),
        None if confidence is None else confidence.whole(),
        pyramid.object_ids(),
    )
