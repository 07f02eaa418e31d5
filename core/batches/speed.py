"""How long predictions are going to take, from those that were made on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select

from core.store.records import RevisionKind, RevisionState
from core.store.store import Store
from core.store.tables import ImageRow, RevisionRow

_LAST: Final = 20
"""Predictions that are looked at."""

_AT_ONCE: Final = 400
"""Ids in one statement."""


def expected_s(store: Store, model_id: str, image_ids: Sequence[str]) -> float | None:
    """Seconds that a model needs for images, by its last predictions on the same number of network pixels.

    Returns
    -------
    float or None
        None where the model has not segmented anything here, or there is no image.
    """
    made = (
        select(RevisionRow.details, ImageRow.height_px * ImageRow.width_px)
        .join(ImageRow, ImageRow.id == RevisionRow.image_id)
        .where(
            RevisionRow.model_id == model_id,
            RevisionRow.kind == RevisionKind.PREDICTION.value,
            RevisionRow.state == RevisionState.COMPLETE.value,
        )
        .order_by(RevisionRow.completed_at.desc())
        .limit(_LAST)
    )
    with store.database.reading() as session:
        known = [(details.get("summary", {}), pixels) for details, pixels in session.execute(made)]
        pixels_to_do = 0
        for start in range(0, len(image_ids), _AT_ONCE):
            some = image_ids[start : start + _AT_ONCE]
            sizes = select(ImageRow.height_px * ImageRow.width_px).where(ImageRow.id.in_(some))
            pixels_to_do += sum(session.scalars(sizes))
    timed = [(float(summary["seconds"]), pixels) for summary, pixels in known if summary.get("seconds")]
    if not timed or not pixels_to_do:
        return None
    return float(pixels_to_do * sum(seconds for seconds, _ in timed) / sum(pixels for _, pixels in timed))
