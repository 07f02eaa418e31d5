"""``demo_rounds``: simulated corrections of the demo project's pool, a review that waits, and its first two rounds.

Params: none. Result: ``round_id``, None where nothing was to do. It runs where predictions run, one after the other, so
that those of the pool, which were asked for before, are there. The rounds' trainings and evaluations are jobs of their
own.
"""

from __future__ import annotations

from core.demo.project import demo_project
from core.demo.rounds import correct_demo
from core.engine.context import JobContext
from core.engine.tasks.demo import queue_demo_predictions
from core.jobs.kinds import DemoRoundsParams, DemoRoundsResult
from core.jobs.rows import Priority, submit
from core.models.store import ModelStore
from core.store import ImageRecord, JobRecord, Store


def run(context: JobContext[DemoRoundsParams]) -> DemoRoundsResult:
    """Correct the pool and start the first round, once."""
    model, project = ModelStore(context.settings.models_dir).default(), demo_project(context.store)
    if model is None or project is None:
        return DemoRoundsResult()
    begun = correct_demo(context.store, model.id)
    return DemoRoundsResult(round_id=begun.id if begun else None)


def queue_demo_rounds(store: Store, pool: tuple[ImageRecord, ...]) -> JobRecord | None:
    """Have the pool predicted, then corrected; None where the project has rounds, or without a model."""
    project = demo_project(store)
    if (
        project is None
        or ModelStore(store.settings.models_dir).default() is None
        or store.rounds.of_project(project.id)
    ):
        return None
    queue_demo_predictions(store, pool)
    return submit(DemoRoundsParams(), priority=Priority.BATCH, store=store)
