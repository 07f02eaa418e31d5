"""Jobs that bring many files in, take them out, or move them; and those that make the demo project.

For each what it is asked to do, what it makes, and its row of the table `core.jobs.kinds.TASKS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from core.access.roles import Permission
from core.jobs.job_kind import JobKind
from core.jobs.parameters import JobParams, Subjects
from core.jobs.plain_values import PlainValues
from core.jobs.results import JobResult
from core.jobs.task_kind import Resource, TaskKind


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


class Outcome(StrEnum):
    """What became of a file."""

    IMPORTED = "imported"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


class LabelOutcome(StrEnum):
    """What became of its labels."""

    ADDED = "added"
    SAME = "same"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class FileOutcome(PlainValues):
    """What became of a file, or of a page of one.

    Parameters
    ----------
    of
        Name of the image, or of the file of the same import, that has the same pixels.
    cause, remedy
        Why it was refused.
    """

    name: str
    outcome: Outcome
    image_id: str = ""
    of: str = ""
    labels: LabelOutcome = LabelOutcome.NONE
    cause: str = ""
    remedy: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ImportCasesResult(JobResult):
    """What became of each file, in their order; published as they are done."""

    outcomes: tuple[FileOutcome, ...] = ()


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
class PredictionOutcome(PlainValues):
    """The label map that was kept of an image, or why none was."""

    name: str
    image_id: str
    revision_id: str = ""
    cause: str = ""
    remedy: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ImportPredictionsResult(JobResult):
    """What became of each prediction; image id to the label map; the job that evaluates them."""

    outcomes: tuple[PredictionOutcome, ...] = ()
    predictions: Mapping[str, Any] = field(default_factory=dict)
    evaluation_job_id: str | None = None


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
class ExportResult(JobResult):
    """The file, in the folder of the job.

    Parameters
    ----------
    left_out
        A sentence for each thing that is missing in it.
    revision_ids
        Label maps whose pixels or figures are in it.
    images, files
        How many a package holds.
    """

    file: str = ""
    media_type: str = "application/octet-stream"
    size_bytes: int = 0
    left_out: tuple[str, ...] = ()
    revision_ids: tuple[str, ...] = ()
    images: int | None = None
    files: int | None = None


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
class TransferResult(JobResult):
    """Ids of images that went; of those that stayed the name and why."""

    went: tuple[str, ...] = ()
    stayed: tuple[tuple[str, ...], ...] = ()


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
class DemoResult(JobResult):
    """The images of the demo project."""

    image_ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DemoRoundsParams(JobParams):
    """See `core.engine.tasks.demo_rounds`."""

    kind = JobKind.DEMO_ROUNDS

    @property
    def subjects(self) -> Subjects:
        """The demo project."""
        return Subjects()


@dataclass(frozen=True, kw_only=True)
class DemoRoundsResult(JobResult):
    """The round that was begun; None where there is nothing to begin."""

    round_id: str | None = None


FILE_JOBS: Final = (
    TaskKind(
        ImportCasesParams,
        ImportCasesResult,
        "Importing images and labels",
        "core.engine.tasks.import_cases",
        Resource.CPU,
        Permission.ADD_IMAGES,
    ),
    TaskKind(
        ImportPredictionsParams,
        ImportPredictionsResult,
        "Importing predictions",
        "core.engine.tasks.import_predictions",
        Resource.CPU,
        Permission.TRAIN,
    ),
    TaskKind(
        ExportParams, ExportResult, "Exporting", "core.engine.tasks.export", Resource.CPU, Permission.VIEW, at_most=1
    ),
    TaskKind(
        TransferParams,
        TransferResult,
        "Copying or moving images",
        "core.engine.tasks.transfer",
        Resource.CPU,
        Permission.VIEW,
    ),
    TaskKind(
        DemoParams, DemoResult, "Creating the demo project", "core.engine.tasks.demo", Resource.CPU, Permission.MANAGE
    ),
    TaskKind(
        DemoRoundsParams,
        DemoRoundsResult,
        "Correcting the demo project",
        "core.engine.tasks.demo_rounds",
        Resource.PREDICT,
        Permission.MANAGE,
    ),
)
"""Rows of the table."""
