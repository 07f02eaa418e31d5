"""Training and prediction that take no time, for an engine of its own process. A plugin of the engine."""

from __future__ import annotations

import time

from core.access.roles import Permission
from core.engine.context import JobContext
from core.jobs.kinds import PredictParams, PredictResult, TrainParams, TrainResult, register
from core.jobs.task_kind import Resource, TaskKind
from tests.models import write_model

TRAINING_S = 1.0


def run(context: JobContext[PredictParams | TrainParams]) -> PredictResult | TrainResult:
    """A model folder after a moment, or nothing at all for a prediction."""
    if isinstance(context.params, PredictParams):
        return PredictResult(revision_id="none")
    began = time.monotonic()
    while (gone := time.monotonic() - began) < TRAINING_S:
        context.progress(gone / TRAINING_S, "training")
        time.sleep(0.02)
    folder = context.settings.models_dir / context.params.model_id
    if not folder.exists():
        write_model(folder)
    return TrainResult(model_id=folder.name)


register(TaskKind(TrainParams, TrainResult, "Training", __name__, Resource.TRAIN, Permission.TRAIN, 5))
register(TaskKind(PredictParams, PredictResult, "Predicting", __name__, Resource.PREDICT, Permission.TRAIN))
