"""Jobs on images and their label maps: reading, segmenting, cleaning, evaluating, measuring.

For each what it is asked to do, what it makes, and its row of the table `core.jobs.kinds.TASKS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from core.access.roles import Permission
from core.datasets.image_facts import ImageFacts
from core.jobs.job_kind import JobKind
from core.jobs.parameters import JobParams, Subjects
from core.jobs.plain_values import PlainValues
from core.jobs.results import JobResult
from core.jobs.task_kind import Resource, TaskKind
from core.morphometry.objects import CONTACT_NM
from core.store.records import Split


@dataclass(frozen=True, kw_only=True)
class IngestParams(JobParams, ImageFacts):
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
class IngestResult(JobResult):
    """The images of a file.

    Parameters
    ----------
    image_ids
        Every image, new or not.
    notices
        What was noticed about the file.
    duplicates
        Images that were there before.
    restored
        Images that were taken out of the trash.
    sized
        Images whose pixel size was unknown and is now that of the file.
    sizes_nm
        Of images that have kept another pixel size than the file says: what the file says.
    outdated
        Id of an image to a sentence about label maps that its new pixel size makes outdated.
    """

    image_ids: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    duplicates: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    sized: tuple[str, ...] = ()
    sizes_nm: Mapping[str, Any] = field(default_factory=dict)
    outdated: Mapping[str, Any] = field(default_factory=dict)


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
class PredictResult(JobResult):
    """A label map.

    Parameters
    ----------
    revision_id
        Published as soon as it is begun.
    summary
        `core.segmentation.prediction_summary`, as plain values.
    reused
        Whether an equal one was there.
    """

    revision_id: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)
    reused: bool = False


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
class CleanResult(JobResult):
    """The new label map."""

    revision_id: str = ""


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
class EvaluateResult(JobResult):
    """An evaluation.

    Parameters
    ----------
    scored, images
        How many images have scores, of how many.
    continued_by
        The job that goes on with the rest; None: none does.
    """

    evaluation_id: str = ""
    scored: int = 0
    images: int = 0
    continued_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class MeasureParams(JobParams):
    """See `core.engine.tasks.measure`."""

    kind = JobKind.MEASURE

    project_id: str
    revision_ids: tuple[str, ...]
    contact_nm: float = CONTACT_NM
    name: str = ""
    smallest: Mapping[str, float] = field(default_factory=dict)
    smallest_um2: bool = True

    @property
    def subjects(self) -> Subjects:
        """Label maps of a project."""
        return Subjects(project_id=self.project_id, name=self.name, revision_ids=self.revision_ids)


@dataclass(frozen=True, kw_only=True)
class MeasureResult(JobResult):
    """How many label maps were measured, how many tables were there before, and a sentence for each that cannot be."""

    measured: int = 0
    kept: int = 0
    problems: tuple[str, ...] = ()


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
class ScaleTrial(PlainValues):
    """A part of the image segmented as if its pixels had a size: the picture of it, and how sure the model is."""

    pixel_size_nm: float
    path: str
    confidence: float | None = None


@dataclass(frozen=True, kw_only=True)
class ScaleTrialResult(JobResult):
    """One trial for each candidate."""

    trials: tuple[ScaleTrial, ...] = ()


IMAGE_JOBS: Final = (
    TaskKind(
        IngestParams,
        IngestResult,
        "Reading the image",
        "core.engine.tasks.ingest",
        Resource.CPU,
        Permission.ADD_IMAGES,
        follower="core.batches.followers",
    ),
    TaskKind(
        PredictParams,
        PredictResult,
        "Finding organelles",
        "core.engine.tasks.predict",
        Resource.PREDICT,
        Permission.PAINT,
    ),
    TaskKind(CleanParams, CleanResult, "Cleaning the masks", "core.engine.tasks.clean", Resource.CPU, Permission.PAINT),
    TaskKind(
        EvaluateParams, EvaluateResult, "Evaluating", "core.engine.tasks.evaluate", Resource.PREDICT, Permission.TRAIN
    ),
    TaskKind(
        MeasureParams, MeasureResult, "Measuring objects", "core.engine.tasks.measure", Resource.CPU, Permission.PAINT
    ),
    TaskKind(
        ScaleTrialParams,
        ScaleTrialResult,
        "Trying pixel sizes",
        "core.engine.tasks.scale_trial",
        Resource.PREDICT,
        Permission.PAINT,
    ),
)
"""Rows of the table."""
