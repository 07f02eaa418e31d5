"""Asking for a prediction."""

from __future__ import annotations

from core.jobs.kinds import PredictParams
from core.jobs.rows import Priority, submit
from core.store.records import JobRecord
from ui.person import person


def begin_prediction(
    image_id: str,
    model_id: str,
    *,
    step: float = 0.5,
    mirroring: bool = False,
    priority: Priority = Priority.INTERACTIVE,
) -> JobRecord:
    """Queue a prediction.

    Parameters
    ----------
    image_id, model_id
        What to segment with what.
    step, mirroring
        As in `core.segmentation.predictor.Predictor.predict`.
    priority
        INTERACTIVE where a person waits for this very one.
    """
    params = PredictParams(image_id=image_id, model_id=model_id, step=step, mirroring=mirroring)
    return submit(params, by=person(), priority=priority)
