"""Jobs that make models: trainings, their timing, imports.

For each what it is asked to do, what it makes, and its row of the table `core.jobs.kinds.TASKS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.access.roles import Permission
from core.jobs.job_kind import JobKind
from core.jobs.parameters import JobParams, Subjects
from core.jobs.results import JobResult
from core.jobs.task_kind import Resource, TaskKind
from core.training.options import TrainingOptions
from core.training.presets import Preset


@dataclass(frozen=True, kw_only=True)
class TrainParams(JobParams, TrainingOptions):
    """See `core.learning.start.start_training`, which alone asks for such jobs; with the options of the training.

    Parameters
    ----------
    model_id, name
        Of the model that is made.
    snapshot
        See `core.learning.snapshot.Snapshot`.
    """

    kind = JobKind.TRAIN

    project_id: str
    model_id: str
    name: str
    image_ids: tuple[str, ...]
    snapshot: Mapping[str, Any]
    parent_id: str = ""
    round_id: str = ""

    @property
    def subjects(self) -> Subjects:
        """Images of a project, the model that is made, and the one that it starts from."""
        return Subjects(
            project_id=self.project_id,
            model_id=self.model_id,
            name=self.name,
            image_ids=self.image_ids,
            model_ids=(self.parent_id,),
        )


@dataclass(frozen=True, kw_only=True)
class TrainResult(JobResult):
    """The model, and how its training went.

    Parameters
    ----------
    seconds, waiting_s
        In all, and of that waiting for a busy machine.
    mean_dice
        On what was held out; None where nothing was.
    verdict
        `core.training.verdict.Verdict`.
    """

    model_id: str = ""
    epochs: int = 0
    iterations: int = 0
    seconds: float = 0.0
    waiting_s: float | None = None
    mean_dice: float | None = None
    verdict: str = ""


@dataclass(frozen=True, kw_only=True)
class TimeTrainingParams(JobParams):
    """See `core.engine.tasks.time_training`."""

    kind = JobKind.TIME_TRAINING

    preset: Preset = Preset.COMPACT

    @property
    def subjects(self) -> Subjects:
        """This machine."""
        return Subjects()


@dataclass(frozen=True, kw_only=True)
class TimeTrainingResult(JobResult):
    """What an iteration takes on this machine."""

    preset: Preset = Preset.COMPACT
    seconds_per_iteration: float = 0.0
    memory_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class ImportModelParams(JobParams):
    """See `core.engine.tasks.import_model`."""

    kind = JobKind.IMPORT_MODEL

    upload_id: str = ""
    path: str = ""
    name: str = ""
    pixel_size_nm: float | None = None
    make_default: bool = False
    project_id: str = ""

    @property
    def subjects(self) -> Subjects:
        """A file, and the project whose model it becomes."""
        return Subjects(project_id=self.project_id, name=self.name, upload_id=self.upload_id, path=self.path)


@dataclass(frozen=True, kw_only=True)
class ImportModelResult(JobResult):
    """The model."""

    model_id: str = ""
    name: str = ""
    pixel_size_nm: float | None = None
    folds: tuple[str, ...] = ()
    size_bytes: int = 0


TRAINING_JOBS: Final = (
    TaskKind(
        TrainParams,
        TrainResult,
        "Training a model",
        "core.engine.tasks.train",
        Resource.TRAIN,
        Permission.TRAIN,
        5,
        pausable=True,
        finishable=True,
        discarder="core.learning.work",
    ),
    TaskKind(
        TimeTrainingParams,
        TimeTrainingResult,
        "Measuring speed",
        "core.engine.tasks.time_training",
        Resource.TRAIN,
        Permission.TRAIN,
    ),
    TaskKind(
        ImportModelParams,
        ImportModelResult,
        "Importing a model",
        "core.engine.tasks.import_model",
        Resource.CPU,
        Permission.TRAIN,
    ),
)
"""Rows of the table."""
