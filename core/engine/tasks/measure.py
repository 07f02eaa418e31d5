"""``measure``: size, shape and surroundings of every object of label maps.

Params: ``project_id``, ``revision_ids``, ``contact_nm``, ``smallest`` (area by class id, from which on objects are
seen by others; in µm² or, without ``smallest_um2``, in pixels); for lists of jobs ``name``. Result: ``measured`` and
``kept``
(how many had been measured so before), ``problems`` (a line for each label map that could not be).

Each label map's table is kept beside it as soon as it is measured: a job that was cut off goes on with the rest.
"""

from __future__ import annotations

import time

from core.engine.context import ETA_FROM, JobContext
from core.errors import CristaeError, JobCancelledError, JobError, StorageFullError
from core.jobs.kinds import MeasureParams, MeasureResult
from core.measurements.measuring import measure_label_map
from core.measurements.smallest import Smallest
from core.measurements.tables import table_of
from core.store.records import ImageRecord, RevisionRecord


def run(context: JobContext[MeasureParams]) -> MeasureResult:
    """Measure what is not measured yet.

    Raises
    ------
    JobError
        There is nothing to measure, the contact distance makes no sense, or none of the label maps could be measured.
    StorageFullError
        The disk is full; what is measured is kept.
    JobCancelledError
        Somebody asked for the job to stop; what is measured is kept.
    """
    ids = context.params.revision_ids
    contact_nm = _contact_nm(context.params.contact_nm)
    smallest = Smallest.from_json(context.params.smallest, physical=context.params.smallest_um2)
    if not ids:
        raise JobError("The job names no label maps.", "Choose them on the Measure page.")
    problems: list[str] = []
    kept, began_s = 0, time.monotonic()
    for number, revision_id in enumerate(ids):
        name = revision_id
        try:
            revision = context.store.revisions.get(revision_id)
            image = context.store.images.get(revision.image_id)
            name = image.name
            there = table_of(context.store, image, revision, contact_nm, smallest)
            if there is not None and there.contacts:
                kept += 1
                continue
            progress = _Progress(context, name, number, len(ids), began_s)
            _measure(context, image, revision, contact_nm, smallest, progress)
        except (JobCancelledError, StorageFullError):
            raise
        except (CristaeError, MemoryError) as error:
            problems.append(f"{name}: {'Out of memory.' if isinstance(error, MemoryError) else error}")
            context.log(problems[-1])
    if len(problems) == len(ids):
        raise JobError(
            f"None of the {len(ids)} label maps could be measured. {problems[0]}",
            ("Fix the problem and measure again."),
        )
    return MeasureResult(measured=len(ids) - kept - len(problems), kept=kept, problems=tuple(problems))


def _contact_nm(given: float) -> float:
    """The contact distance, checked."""
    if not 0 <= given < float("inf"):
        raise JobError(f"The contact distance is {given!r}.", "Give a length in nm, 0 or more.")
    return given


class _Progress:
    """How far one label map is, as how far the job is."""

    def __init__(self, context: JobContext[MeasureParams], name: str, number: int, count: int, began_s: float) -> None:
        self._context, self._name = context, name
        self._number, self._count, self._began_s = number, count, began_s

    def __call__(self, fraction: float) -> None:
        done = (self._number + fraction) / self._count
        eta_s = (time.monotonic() - self._began_s) * (1 - done) / done if done > ETA_FROM else None
        place = f" ({self._number + 1} of {self._count})" if self._count > 1 else ""
        self._context.progress(done, f"{self._name}{place}", eta_s)


def _measure(
    context: JobContext[MeasureParams],
    image: ImageRecord,
    revision: RevisionRecord,
    contact_nm: float,
    smallest: Smallest,
    progress: _Progress,
) -> None:
    """One label map, from its pyramid to its table."""
    progress(0.0)
    table = measure_label_map(context.store, image, revision, contact_nm, progress, smallest)
    context.check_cancelled()
    context.store.revisions.get(revision.id)  # gone meanwhile: then its folder must not come back
    table.save(context.store.revisions.object_table_path(revision.id))
