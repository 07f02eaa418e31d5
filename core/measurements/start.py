"""Asking for objects to be measured, and finding what is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from core.errors import DatasetError
from core.jobs.kinds import JobKind, MeasureParams
from core.jobs.rows import Priority, active_jobs, jobs, submit
from core.label_scheme import LabelScheme
from core.measurements.confirmed import confirmed_share
from core.measurements.smallest import Smallest
from core.measurements.sources import MeasuredMap, Source
from core.measurements.tables import table_of
from core.morphometry.summary import ImageObjects
from core.store.label_maps import label_classes
from core.store.object_questions import doubts_of
from core.store.records import JobRecord
from core.store.store import Store

_EVERY: Final = Smallest()


@dataclass(frozen=True, eq=False, slots=True)
class Measured:
    """What is measured of some label maps.

    Parameters
    ----------
    images
        Those that are, with their objects, in the order of the label maps.
    missing
        Label maps that are not.
    outdated
        Label maps whose distances or contacts were measured with another pixel size, contact distance or smallest
        object; they are among the images.
    scheme
        The project's classes.
    revisions
        Image id to the id of its label map.
    smallest
        Objects that distances and contacts are to.
    """

    images: tuple[ImageObjects, ...]
    missing: tuple[MeasuredMap, ...]
    outdated: tuple[MeasuredMap, ...]
    scheme: LabelScheme
    revisions: Mapping[str, str]
    smallest: Smallest = _EVERY


def measured(store: Store, maps: Sequence[MeasuredMap], contact_nm: float, smallest: Smallest = _EVERY) -> Measured:
    """Look at what is there; nothing is measured.

    Parameters
    ----------
    store
        Where label maps and tables are.
    maps
        Of one source, one at least.
    contact_nm
        With which they are to be measured.
    smallest
        Objects that distances and contacts are to.
    """
    images, missing, outdated = [], [], []
    for each in maps:
        kept = table_of(store, each.image, each.revision, contact_nm, smallest)
        if kept is None:
            missing.append(each)
            continue
        if not kept.contacts:
            outdated.append(each)
        image = each.image
        images.append(
            ImageObjects(
                image.id, image.name, image.specimen, kept.version, kept.table, image.condition, image.stack,
                doubts_of(store, each.revision), confirmed_share(image, each.revision),
            )
        )  # fmt: skip
    revisions = {each.image.id: each.revision.id for each in maps}
    return Measured(
        tuple(images), tuple(missing), tuple(outdated), label_classes(store, maps[0].revision), revisions, smallest
    )


def usual_source(store: Store, there: Mapping[Source, Sequence[MeasuredMap]]) -> Source:
    """What to show first: what is measured already, then what most images have, then what people have checked.

    Parameters
    ----------
    store
        Where they are.
    there
        As `sources` gives it, one at least.
    """

    def rank(source: Source) -> tuple[bool, int]:
        maps = there[source]
        return any(store.revisions.object_table_path(each.revision.id).is_file() for each in maps), len(maps)

    return max(there, key=rank)


def start_measuring(
    store: Store,
    project_id: str,
    maps: Sequence[MeasuredMap],
    contact_nm: float,
    *,
    smallest: Smallest = _EVERY,
    author: str = "",
    name: str = "",
    by: str | None = None,
) -> JobRecord:
    """Queue the job; the one that is under way for the same label maps is returned instead.

    Parameters
    ----------
    smallest
        Objects that distances and contacts are to.
    by
        Who asks in a browser, as `core.jobs.rows.submit` takes it.

    Raises
    ------
    AccessError
        ``by`` may not measure in this project.
    DatasetError
        There is nothing to measure.
    """
    ids = sorted(each.revision.id for each in maps)
    if not ids:
        raise DatasetError("No label maps to measure.", "Segment or label images first.")
    params = MeasureParams(
        project_id=project_id, revision_ids=tuple(ids), contact_nm=contact_nm, name=name,
        smallest=smallest.to_json(), smallest_um2=smallest.physical,
    )  # fmt: skip
    same = (row for row in running(store, project_id) if _work(MeasureParams.from_json(row.params)) == _work(params))
    found = next(same, None)
    return found or submit(params, author=author, priority=Priority.INTERACTIVE, store=store, by=by)


def running(store: Store, project_id: str) -> list[JobRecord]:
    """Jobs that measure in this project and have not ended."""
    return list(active_jobs(kinds=[JobKind.MEASURE], project_id=project_id, store=store))


def last_ended(store: Store, project_id: str, maps: Sequence[MeasuredMap]) -> JobRecord | None:
    """The newest measurement of this project, if it has ended and was about any of these label maps."""
    last = next(iter(jobs(kinds=[JobKind.MEASURE], project_id=project_id, limit=1, store=store)), None)
    if last is None or not last.finished:
        return None
    return (
        last if {each.revision.id for each in maps} & set(MeasureParams.from_json(last.params).revision_ids) else None
    )


def _work(params: MeasureParams) -> tuple[object, ...]:
    return params.project_id, params.revision_ids, params.contact_nm, params.smallest, params.smallest_um2
