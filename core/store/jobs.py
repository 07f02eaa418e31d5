"""Jobs as rows: what is asked of them, and changes that hold only where the row still is as expected.

Which change is legal, and who may make it, is said in `core.jobs`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, CursorResult, and_, case, false, func, or_, select, update
from sqlalchemy.orm import Session

from core.store.base import StorePart, missing, portions
from core.store.records import ImageRecord, JobControl, JobRecord, JobState
from core.store.review_tables import MemberRow
from core.store.tables import ImageRow, JobRow, ProjectRow

_SEARCHED: Final = (JobRow.kind, JobRow.author, JobRow.message, JobRow.error_cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQuery:
    """Which jobs; what is None or empty does not matter.

    Parameters
    ----------
    states, kinds
        Only these.
    batch_id
        Of this batch.
    project_id
        That work in this project, or on an image that is in it now.
    into
        Also those that bring something into this project from another.
    image_id, model_id
        About this one.
    seen_by
        Those of projects in which the person with this key has a role, and, with a role anywhere, those of none; ""
        sees nothing, None everything.
    """

    states: Collection[JobState] | None = None
    kinds: Collection[str] | None = None
    batch_id: str | None = None
    project_id: str | None = None
    into: bool = False
    image_id: str | None = None
    model_id: str | None = None
    seen_by: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """As the database takes them."""
        conditions: list[ColumnElement[bool]] = []
        if self.states is not None:
            conditions.append(JobRow.state.in_([JobState(state).value for state in self.states]))
        if self.kinds is not None:
            conditions.append(JobRow.kind.in_(list(self.kinds)))
        if self.batch_id is not None:
            conditions.append(JobRow.batch_id == self.batch_id)
        if self.project_id is not None:
            conditions.append(_in_project(self.project_id, into=self.into))
        if self.image_id is not None:
            conditions.append(JobRow.image_id == self.image_id)
        if self.model_id is not None:
            conditions.append(JobRow.model_id == self.model_id)
        if self.seen_by is not None:
            conditions.append(_visible(self.seen_by))
        return conditions


_ALL: Final = JobQuery()


@dataclass(frozen=True, slots=True)
class SearchWord:
    """A word that must occur in what is written about a job, or be its id.

    Parameters
    ----------
    text
        As typed.
    kinds
        Kinds whose titles hold it: their names on screen are no column.
    """

    text: str
    kinds: tuple[str, ...] = ()

    def condition(self) -> ColumnElement[bool]:
        """As the database takes it."""
        images = select(ImageRow.id).where(ImageRow.name.icontains(self.text, autoescape=True))
        columns = (*_SEARCHED, JobRow.title, JobRow.model_id)
        return or_(
            *(column.icontains(self.text, autoescape=True) for column in columns),
            JobRow.id == self.text,
            JobRow.kind.in_(self.kinds),
            JobRow.image_id.in_(images),
        )


class Jobs(StorePart):
    """Looking at jobs, and adding them."""

    def get(self, job_id: str) -> JobRecord:
        """One job.

        Raises
        ------
        NotFoundError
            There is none with this id.
        """
        with self._data.database.reading() as session:
            return job_within(session, job_id)

    def add(self, jobs: Iterable[JobRecord]) -> None:
        """Put jobs into the queue."""
        with self._data.database.writing() as session:
            add_jobs_within(session, jobs)

    def newest(
        self, query: JobQuery = _ALL, *, text: str = "", limit: int | None = None, offset: int = 0
    ) -> tuple[JobRecord, ...]:
        """Jobs, the last that was asked for first; ``text`` occurs in their id, kind, author, message or error."""
        wanted = select(JobRow).where(*query.conditions()).order_by(JobRow.created_at.desc(), JobRow.id)
        if text:
            columns = (JobRow.id, *_SEARCHED)
            wanted = wanted.where(or_(*(column.icontains(text, autoescape=True) for column in columns)))
        with self._data.database.reading() as session:
            return tuple(job_record(row) for row in session.scalars(wanted.limit(limit).offset(offset)))

    def in_turn(self, query: JobQuery = _ALL) -> tuple[JobRecord, ...]:
        """Jobs: what runs, what waits in the order in which it will run, what is held."""
        turn = case((JobRow.state == JobState.RUNNING.value, 0), (JobRow.state == JobState.HELD.value, 2), else_=1)
        wanted = select(JobRow).where(*query.conditions())
        wanted = wanted.order_by(turn, JobRow.priority.desc(), JobRow.created_at, JobRow.id)
        with self._data.database.reading() as session:
            return tuple(job_record(row) for row in session.scalars(wanted))

    def last_ended(
        self, query: JobQuery = _ALL, *, words: Iterable[SearchWord] = (), limit: int, offset: int = 0
    ) -> tuple[tuple[JobRecord, ...], int]:
        """A page of jobs, the last to end first, and how many there are on all pages."""
        conditions = [*query.conditions(), *(word.condition() for word in words)]
        wanted = select(JobRow).where(*conditions).order_by(JobRow.finished_at.desc(), JobRow.id)
        counted = select(func.count()).select_from(JobRow).where(*conditions)
        with self._data.database.reading() as session:
            total = session.scalar(counted) or 0
            return tuple(job_record(row) for row in session.scalars(wanted.limit(limit).offset(offset))), total

    def counts(self, query: JobQuery = _ALL) -> dict[JobState, int]:
        """How many jobs are in each state; states without any are left out."""
        wanted = select(JobRow.state, func.count()).where(*query.conditions()).group_by(JobRow.state)
        with self._data.database.reading() as session:
            return {JobState(state): number for state, number in session.execute(wanted)}

    def states(self, job_ids: Collection[str]) -> dict[str, JobState]:
        """The states of jobs by their ids; those that are gone are left out."""
        states: dict[str, JobState] = {}
        with self._data.database.reading() as session:
            for some in portions(job_ids):
                wanted = select(JobRow.id, JobRow.state).where(JobRow.id.in_(some))
                states |= {job_id: JobState(state) for job_id, state in session.execute(wanted)}
        return states

    def names(self, image_ids: Collection[str], project_ids: Collection[str]) -> dict[str, str]:
        """What images and projects are called that jobs are about, by their ids."""
        names: dict[str, str] = {}
        with self._data.database.reading() as session:
            for table, ids in ((ImageRow, image_ids), (ProjectRow, project_ids)):
                for some in portions(ids):
                    wanted = select(table.id, table.name).where(table.id.in_(some))
                    names |= {row.id: row.name for row in session.execute(wanted)}
        return names

    def held(self) -> tuple[tuple[str, ImageRecord | None], ...]:
        """Ids of the jobs that wait for an answer, each with its image; None: it has gone."""
        from core.store.images import image_record

        wanted = select(JobRow.id, ImageRow).outerjoin(ImageRow, ImageRow.id == JobRow.image_id)
        with self._data.database.reading() as session:
            rows = session.execute(wanted.where(JobRow.state == JobState.HELD.value)).all()
            return tuple((job_id, None if image is None else image_record(image)) for job_id, image in rows)


def job_within(session: Session, job_id: str) -> JobRecord:
    """Within a transaction: a job as it is now.

    Raises
    ------
    NotFoundError
        There is none with this id.
    """
    job = find_job_within(session, job_id)
    if job is None:
        raise missing("job", job_id)
    return job


def find_job_within(session: Session, job_id: str) -> JobRecord | None:
    """Within a transaction: a job as it is now; None: there is none with this id."""
    row = session.get(JobRow, job_id, populate_existing=True)
    return None if row is None else job_record(row)


def jobs_within(session: Session, query: JobQuery) -> tuple[JobRecord, ...]:
    """Within a transaction: jobs in no order."""
    return tuple(job_record(row) for row in session.scalars(select(JobRow).where(*query.conditions())))


def add_jobs_within(session: Session, jobs: Iterable[JobRecord]) -> None:
    """Within a transaction: put jobs into the queue."""
    session.add_all(JobRow(**{name: _column(value) for name, value in asdict(job).items()}) for job in jobs)
    session.flush()


def change_job_within(
    session: Session,
    job_id: str,
    *,
    states: Collection[JobState] | None = None,
    attempt: int | None = None,
    **values: Any,
) -> bool:
    """Within a writing transaction: set columns of a job where it still is as expected.

    Parameters
    ----------
    states
        Only in one of these.
    attempt
        Only if this is still its current attempt.
    values
        Columns; a message is cut to its column's width.

    Returns
    -------
    bool
        False when nothing was changed.
    """
    wanted = update(JobRow).where(JobRow.id == job_id)
    if states is not None:
        wanted = wanted.where(JobRow.state.in_([state.value for state in states]))
    if attempt is not None:
        wanted = wanted.where(JobRow.attempts == attempt)
    if "message" in values:
        values["message"] = values["message"][:1000]
    columns = {name: _column(value) for name, value in values.items()}
    done = session.execute(wanted.values(**columns).execution_options(synchronize_session=False))
    return isinstance(done, CursorResult) and done.rowcount == 1


def job_record(row: JobRow) -> JobRecord:
    """The value of a row."""
    return JobRecord(
        id=row.id,
        kind=row.kind,
        state=JobState(row.state),
        params=dict(row.params),
        result=dict(row.result),
        priority=row.priority,
        author=row.author,
        progress=row.progress,
        message=row.message,
        eta_s=row.eta_s,
        attempts=row.attempts,
        max_attempts=row.max_attempts,
        cancel_requested=row.cancel_requested,
        control=JobControl(row.control),
        error_cause=row.error_cause,
        error_remedy=row.error_remedy,
        log_path=row.log_path,
        worker=row.worker,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        heartbeat_at=row.heartbeat_at,
        batch_id=row.batch_id,
        project_id=row.project_id,
        image_id=row.image_id,
        model_id=row.model_id,
        target_id=row.target_id,
        title=row.title,
    )


def _column(value: Any) -> Any:
    """As a column takes it."""
    return value.value if isinstance(value, StrEnum) else value


def _in_project(project_id: str, *, into: bool) -> ColumnElement[bool]:
    images = select(ImageRow.id).where(ImageRow.project_id == project_id)
    inside = and_(JobRow.project_id.is_(None), JobRow.image_id.in_(images))
    bringing = [JobRow.target_id == project_id] if into else []
    return or_(JobRow.project_id == project_id, inside, *bringing)


def _visible(person: str) -> ColumnElement[bool]:
    """Of projects in which a person has a role; of none, where they have a role anywhere."""
    if not person:
        return false()
    projects = select(MemberRow.project_id).where(MemberRow.person == person)
    images = select(ImageRow.id).where(ImageRow.project_id.in_(projects))
    project, image = JobRow.project_id, JobRow.image_id
    inside = or_(project.in_(projects), and_(project.is_(None), image.in_(images)))
    return or_(inside, and_(project.is_(None), image.is_(None), projects.exists()))
