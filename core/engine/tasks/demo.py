"""``demo``: the demo project's images, a prediction of each, then a test set, the default model's evaluation on
it and the sizes of its objects.

Params: ``rounds``, whether the loop is shown too (`core.engine.tasks.demo_rounds`). Result: ``image_ids``. Predictions,
evaluation and measurement are jobs of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.demo.project import demo_project, prepare_demo_images, prepare_demo_tests
from core.demo.rounds import prepare_demo_pool
from core.engine.context import JobContext
from core.evaluations.start import EvaluationPlan, start_evaluation
from core.jobs.kinds import DemoParams, DemoResult, PredictParams
from core.jobs.rows import Priority, submit
from core.measurements.sources import REFERENCES, sources
from core.measurements.start import measured, start_measuring
from core.models.store import ModelStore
from core.morphometry.objects import CONTACT_NM
from core.store import ImageRecord, JobRecord, RevisionKind, Store

_GALLERY: Final = 0.7
"""Share of the work that is the images shown first."""


def run(context: JobContext[DemoParams]) -> DemoResult:
    """Draw what is missing and queue the rest."""
    records = prepare_demo_images(
        context.store, lambda fraction, message: context.progress(fraction * _GALLERY, message)
    )
    queue_demo_predictions(context.store, records)
    prepare_demo_tests(
        context.store, lambda fraction, message: context.progress(_GALLERY + fraction * (1 - _GALLERY), message)
    )
    queue_demo_evaluation(context.store)
    queue_demo_measurement(context.store)
    if context.params.rounds:
        from core.engine.tasks.demo_rounds import queue_demo_rounds  # it asks this module for predictions

        queue_demo_rounds(context.store, prepare_demo_pool(context.store))
    return DemoResult(image_ids=tuple(record.id for record in records))


def queue_demo_predictions(store: Store, records: Sequence[ImageRecord]) -> list[JobRecord]:
    """Have the default model segment the images that it has not segmented yet; nothing without a model."""
    model = ModelStore(store.settings.models_dir).default()
    if model is None:
        return []
    return [
        submit(PredictParams(image_id=record.id, model_id=model.id), priority=Priority.BATCH, store=store)
        for record in records
        if not store.revisions.of_image(record.id, kind=RevisionKind.PREDICTION, model_id=model.id)
    ]


def queue_demo_evaluation(store: Store) -> JobRecord | None:
    """Evaluate the default model on the demo project's test set, once; None where that is done, or without a model."""
    model, project = ModelStore(store.settings.models_dir).default(), demo_project(store)
    if model is None or project is None or store.evaluations.of_project(project.id, model_id=model.id):
        return None
    return start_evaluation(store, EvaluationPlan(project.id, model.id))


def queue_demo_measurement(store: Store) -> JobRecord | None:
    """Measure the objects of the demo project's references, once; None where that is done."""
    project = demo_project(store)
    if project is None:
        return None
    maps = sources(store, project.id).get(REFERENCES, ())
    missing = measured(store, maps, CONTACT_NM).missing if maps else ()
    return start_measuring(store, project.id, missing, CONTACT_NM, name="Reference labels") if missing else None
