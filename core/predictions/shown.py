"""Which prediction of an image counts as that of a model, and whether it is out of date: one rule for all faces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.jobs.kinds import CleanResult, JobKind, PredictResult
from core.jobs.rows import jobs
from core.models.store import ModelStore
from core.store.records import ImageRecord, JobRecord, JobState, RevisionKind, RevisionRecord
from core.store.store import Store


def shown_prediction(store: Store, image_id: str, model_id: str) -> RevisionRecord | None:
    """The label map of an image that was last asked of a model: often the newest, but an older one may be reused."""
    made = store.revisions.of_image(image_id, kind=RevisionKind.PREDICTION, model_id=model_id)
    if len(made) < 2:
        return next(iter(made), None)
    by_id = {revision.id: revision for revision in made}
    kinds, states = [JobKind.PREDICT, JobKind.CLEAN], [JobState.SUCCEEDED]
    done = jobs(states=states, kinds=kinds, image_id=image_id, limit=None, store=store)
    asked = (by_id.get(made_revision(row)) for row in done)
    return next((revision for revision in asked if revision), made[0])


def made_revision(row: JobRecord) -> str:
    """The id of the label map that a prediction or a cleaning has made, or has begun; "" for none."""
    return CleanResult.of(row).revision_id if row.kind == JobKind.CLEAN else PredictResult.of(row).revision_id


def prediction_without_model(store: Store, models: ModelStore, image_id: str) -> RevisionRecord | None:
    """The newest prediction of an image, where none of the models that made one is in the store any more."""
    made = store.revisions.of_image(image_id, kind=RevisionKind.PREDICTION)
    known = {model.id for model in models.list()}
    return None if any(revision.model_id in known for revision in made) else next(iter(made), None)


def made_at_nm(details: Mapping[str, Any]) -> float | None:
    """The pixel size (nm) that a prediction was made with, from its details; None where none was known."""
    size = (details.get("summary") or {}).get("pixel_size_nm")
    return None if size is None else float(size)


def outdated(image: ImageRecord, prediction: RevisionRecord) -> bool:
    """Whether a prediction was made with another pixel size than the image has now."""
    return made_at_nm(prediction.details) != image.pixel_size.nm


def newest_reference(store: Store, image_id: str) -> RevisionRecord | None:
    """The newest reference label map of an image."""
    return next(iter(store.revisions.of_image(image_id, kind=RevisionKind.REFERENCE)), None)
