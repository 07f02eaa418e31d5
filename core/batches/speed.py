"""How long predictions are going to take, from those that were made on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.store.store import Store

_LAST: Final = 20
"""Predictions that are looked at."""


def expected_s(store: Store, model_id: str, image_ids: Sequence[str]) -> float | None:
    """Seconds that a model needs for images, by its last predictions on the same number of network pixels.

    Returns
    -------
    float or None
        None where the model has not segmented anything here, or there is no image.
    """
    predictions = store.revisions.predictions_by(model_id, last=_LAST)
    pixels = store.images.pixel_counts({*image_ids, *(prediction.image_id for prediction in predictions)})
    timed = [
        (float(summary["seconds"]), pixels[prediction.image_id])
        for prediction in predictions
        if (summary := prediction.details.get("summary", {})).get("seconds") and prediction.image_id in pixels
    ]
    pixels_to_do = sum(pixels.get(image_id, 0) for image_id in set(image_ids))
    if not timed or not pixels_to_do:
        return None
    return float(pixels_to_do * sum(seconds for seconds, _ in timed) / sum(made for _, made in timed))
