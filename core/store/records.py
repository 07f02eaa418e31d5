"""What the store hands out: frozen values, free of the database that they come from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from core.datasets.case import Split as Split
from core.datasets.image_facts import ImageFacts
from core.imaging.image import PixelSize
from core.label_scheme import LabelScheme


class RevisionKind(StrEnum):
    """Where a label map comes from."""

    REFERENCE = "reference"
    PREDICTION = "prediction"
    CORRECTION = "correction"


class RevisionState(StrEnum):
    """A revision is written once, then never changes."""

    WRITING = "writing"
    COMPLETE = "complete"


class JobControl(StrEnum):
    """What a person asks of a running job, beside cancelling it."""

    NONE = ""
    PAUSE = "pause"
    """Stop here, go on later."""
    FINISH = "finish"
    """Stop here, and make the result of what there is."""


class JobState(StrEnum):
    """Where a job stands; the legal ways between the states are in `core.jobs.states`."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    PAUSED = "paused"
    HELD = "held"


class EvaluationSource(StrEnum):
    """Whose predictions an evaluation scores."""

    MODEL = "model"
    IMPORTED = "imported"


class EvaluationState(StrEnum):
    """How far an evaluation is."""

    RUNNING = "running"
    """Its job waits or runs; what is scored so far can be looked at."""
    COMPLETE = "complete"
    PARTIAL = "partial"
    """It was stopped, or images could not be scored: some of the test set is missing in every figure."""


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    """A label scheme, a default pixel size and the images that belong together.

    Parameters
    ----------
    approve_own
        Reviewers may approve what they painted themselves.
    former_classes
        Id and name of every class as it was called before, and of classes that were removed.
    """

    id: str
    name: str
    scheme: LabelScheme
    pixel_size_nm: float | None
    created_at: datetime
    approve_own: bool = False
    former_classes: tuple[tuple[int, str], ...] = ()

    @property
    def former_names(self) -> dict[str, int]:
        """Earlier names of the classes that there are, to their ids."""
        return {name: class_id for class_id, name in self.former_classes if class_id in self.scheme.ids}

    @property
    def retired_ids(self) -> frozenset[int]:
        """Ids of classes that were removed: no new class takes one, for label maps may still hold it."""
        return frozenset(class_id for class_id, _ in self.former_classes) - set(self.scheme.ids)


@dataclass(frozen=True, slots=True)
class ImageRecord(ImageFacts):
    """One 2D micrograph of a project.

    Parameters
    ----------
    content_hash
        sha256 (hex) of data type, shape and pixels, and of a plane's place in its stack: the same picture twice in a
        project is one image.
    shape_yx
        Rows, columns.
    dtype
        "uint8", "uint16" or "float32".
    window
        Grey values shown as black and as white unless the user asks otherwise.
    stack, z_index
        The multi-page file or volume that it is a plane of, "" and None for a single image.
    """

    id: str
    project_id: str
    name: str
    content_hash: str
    shape_yx: tuple[int, int]
    dtype: str
    pixel_size: PixelSize
    split: Split
    stack: str
    z_index: int | None
    example: bool
    notices: tuple[str, ...]
    window: tuple[float, float]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RevisionRecord:
    """One label map of an image: immutable once complete.

    Parameters
    ----------
    details
        How it was made (label scheme, backend, scale factor, seconds, settings) and, while it is written, ``progress``.
    coverage
        The coverage table as plain rows, computed once at completion; empty before.
    settings_key
        Same image and same key means the same label map; "" where nothing can be said.
    version
        Grows with every change of the row: part of a tile's address, so that no cache shows an old tile.
    """

    id: str
    image_id: str
    kind: RevisionKind
    state: RevisionState
    parent_id: str | None
    author: str
    model_id: str | None
    settings_key: str
    details: dict[str, Any]
    coverage: tuple[dict[str, Any], ...]
    version: int
    created_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One piece of long work.

    Parameters
    ----------
    priority
        Higher runs first; equal ones in the order of asking.
    progress
        0 to 1.
    eta_s
        Seconds that are left, where the job can say so.
    attempts
        How often it was started; results of an earlier attempt are refused.
    max_attempts
        It is not started again by itself beyond this number.
    worker
        "host:pid" of the process that runs it, "" before.
    result
        What the job gives back; parts of it may be there before the job ends.
    batch_id
        The batch that it belongs to, None: it was asked for alone.
    project_id, image_id, model_id, target_id, title
        What it is about, see `core.jobs.parameters.Subjects`.
    """

    id: str
    kind: str
    state: JobState
    params: dict[str, Any]
    result: dict[str, Any]
    priority: int
    author: str
    progress: float
    message: str
    eta_s: float | None
    attempts: int
    max_attempts: int
    cancel_requested: bool
    control: JobControl
    error_cause: str
    error_remedy: str
    log_path: str
    worker: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    heartbeat_at: datetime | None
    batch_id: str | None = None
    project_id: str | None = None
    image_id: str | None = None
    model_id: str | None = None
    target_id: str | None = None
    title: str = ""

    @property
    def finished(self) -> bool:
        """Whether it has ended."""
        return self.state not in (JobState.HELD, JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRecord:
    """Jobs that were asked for together: files dropped together, or images segmented together.

    Parameters
    ----------
    id
        Chosen by who asks, so that files that arrive one by one find each other.
    project_id
        None where the images are of several projects.
    model_id
        The model that segments them.
    files
        Files that were announced; 0 for a batch of images that were there before.
    already
        Images that had been segmented before and were left alone.
    cancelled_at, dismissed_at
        When somebody cancelled it, and when its author closed its line on the page.
    """

    id: str
    author: str
    project_id: str | None
    model_id: str
    files: int
    already: int
    created_at: datetime
    cancelled_at: datetime | None
    dismissed_at: datetime | None


@dataclass(frozen=True, slots=True)
class EvaluationRecord:
    """Predictions of one model, or of another program, scored against the references of a test set.

    Parameters
    ----------
    name
        The model's when it was begun, or what the imported predictions are called.
    model_id
        None for imported predictions.
    job_id
        The job that scores it.
    scheme
        The project's classes when it was begun.
    settings
        `core.evaluation.settings.EvaluationSettings` as plain values, nothing left to guess.
    image_count, scored_count
        Images of the test set, and those that have scores.
    completed_at
        When its job last came to an end.
    """

    id: str
    project_id: str
    name: str
    source: EvaluationSource
    model_id: str | None
    job_id: str | None
    state: EvaluationState
    scheme: LabelScheme
    settings: dict[str, Any]
    image_count: int
    scored_count: int
    author: str
    created_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class EvaluationImageRecord:
    """One image of an evaluation, frozen when it was begun: later changes of the image do not reach it.

    Parameters
    ----------
    image_id
        The image may have been deleted since.
    name
        Unique in the evaluation.
    specimen, group
        As recorded with the image; ``group`` is what it belongs to: specimen, else stack.
    reference_id, prediction_id
        Revisions; None: there is none (yet).
    reason
        Why it has no scores; "" where it has, or where its turn has not come.
    scores
        `core.evaluation.image_scores.ImageScores.to_json`; None without scores.
    """

    image_id: str
    name: str
    specimen: str
    group: str
    pixel_size_nm: float | None
    reference_id: str | None
    prediction_id: str | None
    reason: str = ""
    scores: dict[str, Any] | None = None


class DraftState(StrEnum):
    """Whether a draft still changes."""

    OPEN = "open"
    SUBMITTED = "submitted"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class DraftRecord:
    """An annotator's open edit of an image.

    Parameters
    ----------
    author
        Who began it, as they call themselves.
    base_revision_id
        The label map that it was begun from; None: background everywhere.
    version
        Grows with every change.
    whole_image
        The author has confirmed every pixel.
    holder_id, holder_name, holder_seen_at
        The browser tab that may paint, and when it was last heard of; "" and None: nobody.
    seconds, strokes
        Work so far.
    submitted_revision_id
        What became of it.
    """

    id: str
    image_id: str
    author: str
    base_revision_id: str | None
    state: DraftState
    version: int
    whole_image: bool
    holder_id: str
    holder_name: str
    holder_seen_at: datetime | None
    seconds: float
    strokes: int
    submitted_revision_id: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DraftTileRecord:
    """A changed tile of a draft, without its pixels.

    Parameters
    ----------
    counts, covered, before
        Pixels per class id (as text): of the tile, of what is covered of it, of the tile as it was at the beginning.
    """

    row: int
    column: int
    version: int
    counts: dict[str, int]
    covered: dict[str, int]
    before: dict[str, int]
