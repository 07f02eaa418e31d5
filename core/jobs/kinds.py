"""The kinds of jobs: for each what it is asked to do, and its row in the table.

A new kind is one module in `core.engine.tasks`, and its class of parameters and its row here. A task is
``run(context: JobContext[...]) -> dict`` in its module; the dict (plain JSON values) is the job's result. Modules are
imported where a job runs, never by the server.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.access.roles import Permission
from core.errors import JobError
from core.jobs.parameters import JobParams, Subjects
from core.jobs.task_kind import Resource, TaskKind
from core.morphometry.objects import CONTACT_NM
from core.store.records import JobRecord, Split
from core.training.presets import Preset


class JobKind(StrEnum):
    """As in the rows."""

    INGEST = "ingest"
    PREDICT = "predict"
    CLEAN = "clean"
    EVALUATE = "evaluate"
    MEASURE = "measure"
    SCALE_TRIAL = "scale_trial"
    TRAIN = "train"
    IMPORT_CASES = "import_cases"
    IMPORT_PREDICTIONS = "import_predictions"
    IMPORT_MODEL = "import_model"
    TIME_TRAINING = "time_training"
    EXPORT = "export"
    TRANSFER = "transfer"
    DEMO = "demo"
    DEMO_ROUNDS = "demo_rounds"


@dataclass(frozen=True, kw_only=True)
class IngestParams(JobParams):
    """See `core.engine.tasks.ingest`."""

    kind = JobKind.INGEST

    project_id: str
    name: str = ""
    upload_id: str = ""
    path: str = ""
    pixel_size_nm: float | None = None
    assumed_nm: float | None = None
    then: Mapping[str, Any] | None = None
    pages: tuple[int, ...] | None = None
    split: Split = Split.POOL
    specimen: str = ""
    condition: str = ""

    @property
    def subjects(self) -> Subjects:
        """A project and a file; the model that is to segment the images must stay."""
        follows = str((self.then or {}).get("model_id") or "")
        return Subjects(
            project_id=self.project_id,
            name=self.name,
            upload_id=self.upload_id,
            path=self.path,
            model_ids=(follows,),
        )


@dataclass(frozen=True, kw_only=True)
class PredictParams(JobParams):
    """See `core.engine.tasks.predict`."""

    kind = JobKind.PREDICT

    image_id: str
    model_id: str
    pixel_size_nm: float | None = None
    step: float = 0.5
    mirroring: bool = False
    class_map: Mapping[str, str | None] | None = None
    round_id: str = ""

    @property
    def subjects(self) -> Subjects:
        """An image, in whichever project it is, and a model."""
        return Subjects(image_id=self.image_id, model_id=self.model_id)


@dataclass(frozen=True, kw_only=True)
class CleanParams(JobParams):
    """See `core.engine.tasks.clean`."""

    kind = JobKind.CLEAN

    revision_id: str
    rules: Mapping[str, Any]
    image_id: str = ""
    project_id: str = ""
    name: str = ""

    @property
    def subjects(self) -> Subjects:
        """A label map of an image."""
        return Subjects(
            project_id=self.project_id, image_id=self.image_id, name=self.name, revision_ids=(self.revision_id,)
        )


@dataclass(frozen=True, kw_only=True)
class EvaluateParams(JobParams):
    """See `core.engine.tasks.evaluate`."""

    kind = JobKind.EVALUATE

    evaluation_id: str
    project_id: str = ""
    model_id: str = ""
    name: str = ""

    @property
    def subjects(self) -> Subjects:
        """A project and a model."""
        return Subjects(project_id=self.project_id, model_id=self.model_id, name=self.name)


@dataclass(frozen=True, kw_only=True)
class MeasureParams(JobParams):
    """See `core.engine.tasks.measure`."""

    kind = JobKind.MEASURE

    project_id: str
    revision_ids: tuple[str, ...]
    contact_nm: float = CONTACT_NM
    name: str = ""

    @property
    def subjects(self) -> Subjects:
        """Label maps of a project."""
        return Subjects(project_id=self.project_id, name=self.name, revision_ids=self.revision_ids)


@dataclass(frozen=True, kw_only=True)
class ScaleTrialParams(JobParams):
    """See `core.engine.tasks.scale_trial`."""

    kind = JobKind.SCALE_TRIAL

    image_id: str
    model_id: str
    candidates_nm: tuple[float, ...] = ()

    @property
    def subjects(self) -> Subjects:
        """An image and a model."""
        return Subjects(image_id=self.image_id, model_id=self.model_id)


@dataclass(frozen=True, kw_only=True)
class TrainParams(JobParams):
    """See `core.learning.start.start_training`, which alone asks for such jobs.

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
    preset: Preset
    snapshot: Mapping[str, Any]
    parent_id: str = ""
    minutes: float | None = None
    epochs: int | None = None
    iterations_per_epoch: int | None = None
    pixel_size_nm: float | None = None
    seed: int = 0
    validation_fraction: float = 0.15
    learning_rate: float | None = None
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
class ImportCasesParams(JobParams):
    """See `core.engine.tasks.import_cases`; ``cases`` are of `core.datasets.import_case.ImportCase`."""

    kind = JobKind.IMPORT_CASES

    project_id: str
    cases: tuple[Mapping[str, Any], ...]
    batch_id: str = ""

    @property
    def subjects(self) -> Subjects:
        """A project and many files."""
        paths = [
            path
            for case in self.cases
            for path in (case.get("image_path"), *(case.get("label_paths") or ()), case.get("objects_path"))
        ]
        return Subjects(
            project_id=self.project_id, import_batch_id=self.batch_id, paths=tuple(str(path) for path in paths if path)
        )


@dataclass(frozen=True, kw_only=True)
class ImportPredictionsParams(JobParams):
    """See `core.engine.tasks.import_predictions`; ``cases`` are of `core.evaluations.prediction_files`."""

    kind = JobKind.IMPORT_PREDICTIONS

    project_id: str
    cases: tuple[Mapping[str, Any], ...]
    maker: str = ""
    batch_id: str = ""
    evaluate: bool = True

    @property
    def subjects(self) -> Subjects:
        """Images of a project and many files."""
        return Subjects(
            project_id=self.project_id,
            name=self.maker,
            image_ids=tuple(str(case["image_id"]) for case in self.cases if case.get("image_id")),
            import_batch_id=self.batch_id,
            paths=tuple(str(path) for case in self.cases for path in case.get("paths") or ()),
        )


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
class TimeTrainingParams(JobParams):
    """See `core.engine.tasks.time_training`."""

    kind = JobKind.TIME_TRAINING

    preset: Preset = Preset.COMPACT

    @property
    def subjects(self) -> Subjects:
        """This machine."""
        return Subjects()


@dataclass(frozen=True, kw_only=True)
class ExportParams(JobParams):
    """See `core.engine.tasks.export`."""

    kind = JobKind.EXPORT

    what: str
    project_id: str = ""
    name: str = ""
    request: Mapping[str, Any] | None = None
    revision_id: str = ""
    evaluation_id: str = ""
    model_id: str = ""
    file: str = ""
    options: Mapping[str, Any] | None = None

    @property
    def subjects(self) -> Subjects:
        """A project; its label map or model where the export is of one alone."""
        return Subjects(
            project_id=self.project_id, model_id=self.model_id, name=self.name, revision_ids=(self.revision_id,)
        )


@dataclass(frozen=True, kw_only=True)
class TransferParams(JobParams):
    """See `core.engine.tasks.transfer`."""

    kind = JobKind.TRANSFER

    project_id: str
    target_id: str
    image_ids: tuple[str, ...]
    mode: str

    @property
    def subjects(self) -> Subjects:
        """Images, the project where they are and the one where they go."""
        return Subjects(project_id=self.project_id, target_id=self.target_id, image_ids=self.image_ids)


@dataclass(frozen=True, kw_only=True)
class DemoParams(JobParams):
    """See `core.engine.tasks.demo`."""

    kind = JobKind.DEMO

    rounds: bool = False

    @property
    def subjects(self) -> Subjects:
        """The demo project, which is not there yet."""
        return Subjects()


@dataclass(frozen=True, kw_only=True)
class DemoRoundsParams(JobParams):
    """See `core.engine.tasks.demo_rounds`."""

    kind = JobKind.DEMO_ROUNDS

    @property
    def subjects(self) -> Subjects:
        """The demo project."""
        return Subjects()


TASKS: dict[str, TaskKind] = {
    kind.name: kind
    for kind in (
        TaskKind(
            IngestParams,
            "Reading the image",
            "core.engine.tasks.ingest",
            Resource.CPU,
            Permission.ADD_IMAGES,
            follower="core.batches.followers",
        ),
        TaskKind(PredictParams, "Finding organelles", "core.engine.tasks.predict", Resource.PREDICT, Permission.PAINT),
        TaskKind(CleanParams, "Cleaning the masks", "core.engine.tasks.clean", Resource.CPU, Permission.PAINT),
        TaskKind(EvaluateParams, "Evaluating", "core.engine.tasks.evaluate", Resource.PREDICT, Permission.TRAIN),
        TaskKind(MeasureParams, "Measuring objects", "core.engine.tasks.measure", Resource.CPU, Permission.PAINT),
        TaskKind(
            ScaleTrialParams, "Trying pixel sizes", "core.engine.tasks.scale_trial", Resource.PREDICT, Permission.PAINT
        ),
        TaskKind(
            TrainParams,
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
            ImportCasesParams,
            "Importing images and labels",
            "core.engine.tasks.import_cases",
            Resource.CPU,
            Permission.ADD_IMAGES,
        ),
        TaskKind(
            ImportPredictionsParams,
            "Importing predictions",
            "core.engine.tasks.import_predictions",
            Resource.CPU,
            Permission.TRAIN,
        ),
        TaskKind(
            ImportModelParams, "Importing a model", "core.engine.tasks.import_model", Resource.CPU, Permission.TRAIN
        ),
        TaskKind(
            TimeTrainingParams,
            "Measuring speed",
            "core.engine.tasks.time_training",
            Resource.TRAIN,
            Permission.TRAIN,
        ),
        TaskKind(ExportParams, "Exporting", "core.engine.tasks.export", Resource.CPU, Permission.VIEW, at_most=1),
        TaskKind(
            TransferParams, "Copying or moving images", "core.engine.tasks.transfer", Resource.CPU, Permission.VIEW
        ),
        TaskKind(DemoParams, "Creating the demo project", "core.engine.tasks.demo", Resource.CPU, Permission.MANAGE),
        TaskKind(
            DemoRoundsParams,
            "Correcting the demo project",
            "core.engine.tasks.demo_rounds",
            Resource.PREDICT,
            Permission.MANAGE,
        ),
    )
}


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
