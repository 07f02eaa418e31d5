"""The kinds of jobs: for each what it is asked to do, what it makes, and its row in the table.

A new kind is declared in the module of its family (`image_jobs`, `training_jobs`, `file_jobs`): its two classes, with
its name as ``kind``, and its row; and done by one module in `core.engine.tasks`, which has
``run(context: JobContext[...]) -> ...Result`` and is imported where a job runs, never by the server. `JobKind` has the
names of kinds that other code asks about.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Final

from core.errors import JobError
from core.jobs.fetch_jobs import (
    FETCH_JOBS,
    FetchModelParams,
    FetchModelResult,
    LookUpParams,
    LookUpResult,
)
from core.jobs.file_jobs import (
    FILE_JOBS,
    DemoParams,
    DemoResult,
    DemoRoundsParams,
    DemoRoundsResult,
    ExportParams,
    ExportResult,
    FileOutcome,
    ImportCasesParams,
    ImportCasesResult,
    ImportPredictionsParams,
    ImportPredictionsResult,
    LabelOutcome,
    Outcome,
    PredictionOutcome,
    TransferParams,
    TransferResult,
)
from core.jobs.image_jobs import (
    IMAGE_JOBS,
    CleanParams,
    CleanResult,
    EvaluateParams,
    EvaluateResult,
    IngestParams,
    IngestResult,
    MeasureParams,
    MeasureResult,
    PredictParams,
    PredictResult,
    ScaleTrial,
    ScaleTrialParams,
    ScaleTrialResult,
)
from core.jobs.job_kind import JobKind
from core.jobs.parameters import JobParams, Subjects
from core.jobs.task_kind import TaskKind
from core.jobs.training_jobs import (
    TRAINING_JOBS,
    ImportModelParams,
    ImportModelResult,
    TimeTrainingParams,
    TimeTrainingResult,
    TrainParams,
    TrainResult,
)
from core.store.records import JobRecord

__all__ = [
    "OWN",
    "TASKS",
    "CleanParams",
    "CleanResult",
    "DemoParams",
    "DemoResult",
    "DemoRoundsParams",
    "DemoRoundsResult",
    "EvaluateParams",
    "EvaluateResult",
    "ExportParams",
    "ExportResult",
    "FetchModelParams",
    "FetchModelResult",
    "FileOutcome",
    "ImportCasesParams",
    "ImportCasesResult",
    "ImportModelParams",
    "ImportModelResult",
    "ImportPredictionsParams",
    "ImportPredictionsResult",
    "IngestParams",
    "IngestResult",
    "JobKind",
    "LabelOutcome",
    "LookUpParams",
    "LookUpResult",
    "MeasureParams",
    "MeasureResult",
    "Outcome",
    "PredictParams",
    "PredictResult",
    "PredictionOutcome",
    "ScaleTrial",
    "ScaleTrialParams",
    "ScaleTrialResult",
    "TimeTrainingParams",
    "TimeTrainingResult",
    "TrainParams",
    "TrainResult",
    "TransferParams",
    "TransferResult",
    "load_plugins",
    "params_of",
    "register",
    "subjects_of",
    "task_kind",
]

OWN: Final = tuple(kind.name for kind in (*IMAGE_JOBS, *TRAINING_JOBS, *FETCH_JOBS, *FILE_JOBS))
"""Names of the kinds of Cristae itself, without those of plugins."""

TASKS: dict[str, TaskKind] = {kind.name: kind for kind in (*IMAGE_JOBS, *TRAINING_JOBS, *FETCH_JOBS, *FILE_JOBS)}


def register(kind: TaskKind) -> None:
    """Add a kind from outside; its module is named to `ensure_engine` as a plugin so that the engine does the same."""
    TASKS[kind.name] = kind


def load_plugins(modules: tuple[str, ...]) -> None:
    """Import modules that register kinds of their own."""
    for module in modules:
        importlib.import_module(module)


def task_kind(name: str) -> TaskKind:
    """The kind with this name.

    Raises
    ------
    JobError
        There is none.
    """
    if name not in TASKS:
        raise JobError(f"There is no job kind {name!r}.", f"The kinds are {', '.join(sorted(TASKS))}.")
    return TASKS[name]


def subjects_of(row: JobRecord) -> Subjects:
    """What a job is about; of a kind that nobody here knows, or of unusable parameters, what its row says."""
    try:
        return params_of(row.kind, row.params).subjects
    except JobError:
        return Subjects(
            project_id=row.project_id,
            image_id=row.image_id,
            model_id=row.model_id,
            target_id=row.target_id,
            name=row.title,
        )


def params_of(kind: str, values: Mapping[str, Any]) -> JobParams:
    """The plain values of a row as its kind's parameters.

    Raises
    ------
    JobError
        There is no such kind, or a value is missing or cannot be used.
    """
    return task_kind(kind).params.from_json(values)
