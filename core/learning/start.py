"""Asking for a training: choices checked, the snapshot frozen, the job queued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import TrainingError
from core.jobs.kinds import JobKind, TrainParams
from core.jobs.rows import jobs, submit
from core.learning.snapshot import Snapshot, take_snapshot
from core.learning.speed import make_way
from core.models.store import ModelStore
from core.store.records import JobRecord, JobState
from core.store.store import Store
from core.training.options import TrainingOptions
from core.training.request import TrainRequest


@dataclass(frozen=True)
class TrainingPlan(TrainingOptions):
    """What a person asks for, with the options of `core.training.options`; checked when it is started.

    Parameters
    ----------
    image_ids
        Images of the project with reference labels, none of the test set.
    name
        The model's.
    parent_id
        A model of the store to go on from.
    """

    project_id: str
    image_ids: Sequence[str]
    name: str
    parent_id: str | None = None


TRAINED_ON: Final = "Trained in Cristae on the project"
"""What a model's card says of its origin, before the project's name."""


def start_training(store: Store, plan: TrainingPlan, *, author: str = "", by: str | None = None) -> JobRecord:
    """Freeze the snapshot and queue the training.

    Parameters
    ----------
    by
        Who asks in a browser, as `core.jobs.rows.submit` takes it.

    Raises
    ------
    AccessError
        ``by`` may not train in this project.
    DatasetError
        The images cannot be trained on.
    TrainingError
        No name, or numbers that make no sense.
    ModelError
        There is no such parent.
    """
    _check_name(plan)
    params = training_params(store, plan, take_snapshot(store, plan.project_id, plan.image_ids))
    row = submit(params, author=author, store=store, by=by)
    make_way(store)
    return row


def training_params(store: Store, plan: TrainingPlan, snapshot: Snapshot) -> TrainParams:
    """Parameters of a job that trains on a snapshot, whatever ``plan.image_ids`` says; the model gets a free id.

    Raises
    ------
    TrainingError
        No name, or numbers that make no sense.
    ModelError
        There is no such parent.
    """
    _check_name(plan)
    models = ModelStore(store.settings.models_dir, coming=coming_ids(store))
    if plan.parent_id is not None:
        models.get(plan.parent_id)
    params = TrainParams(
        project_id=plan.project_id,
        model_id=models.free_id(plan.name),
        name=models.free_name(plan.name, coming=coming_names(store)),
        image_ids=tuple(case.image_id for case in snapshot.cases),
        parent_id=plan.parent_id or "",
        snapshot=snapshot.to_json(),
        **plan.options(),
    )
    training_request(store, "check", params)
    return params


def _check_name(plan: TrainingPlan) -> None:
    if not plan.name.strip():
        raise TrainingError("The model has no name.", "Enter a name.")


def training_request(store: Store, job_id: str, params: TrainParams) -> TrainRequest:
    """The training of a job, as `core.training.train` takes it.

    Raises
    ------
    TrainingError
        Numbers that make no sense.
    ModelError
        The parent has gone.
    """
    models = ModelStore(store.settings.models_dir)
    parent = models.get(params.parent_id).path if params.parent_id else None
    snapshot = Snapshot.from_json(dict(params.snapshot))
    count = "1 image" if len(snapshot.cases) == 1 else f"{len(snapshot.cases)} images"
    return TrainRequest(
        dataset=training_folder(store, job_id) / "dataset",
        out=store.settings.models_dir / params.model_id,
        parent=parent,
        threads=store.settings.threads,
        name=params.name,
        description=f"Trained on {count} of {snapshot.project}.",
        origin=f"{TRAINED_ON} {snapshot.project!r}.",
        **params.options(),
    )


def training_folder(store: Store, job_id: str) -> Path:
    """Where a training keeps its dataset and what it has told."""
    return store.settings.data_dir / "training" / job_id


def coming_names(store: Store) -> frozenset[str]:
    """Names of the models that trainings are making, or are about to make."""
    return frozenset(row.title for row in _coming(store))


def coming_ids(store: Store) -> frozenset[str]:
    """Ids of the models that trainings are making, or are about to make."""
    return frozenset(row.model_id or "" for row in _coming(store))


def _coming(store: Store) -> tuple[JobRecord, ...]:
    """Trainings whose models are still to come."""
    unfinished = set(JobState) - {JobState.SUCCEEDED, JobState.CANCELLED}  # a paused one wants its folder back
    return tuple(jobs(kinds=(JobKind.TRAIN,), states=unfinished, limit=None, store=store))
