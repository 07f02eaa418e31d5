"""Looking through jobs: pages of the finished ones, searched, and what each is about."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from core.jobs.kinds import TASKS
from core.jobs.rights import seen_by
from core.jobs.states import ACTIVE
from core.jobs.transitions import record
from core.store.records import JobRecord, JobState
from core.store.store import Store
from core.store.tables import ImageRow, JobRow, ProjectRow

FINISHED: Final = tuple(state for state in JobState if state not in ACTIVE)


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some of the jobs that were asked for.

    Parameters
    ----------
    jobs
        Those of this page, the last to end first.
    total
        How many there are on all pages.
    """

    jobs: tuple[JobRecord, ...]
    total: int


def finished_jobs(
    store: Store,
    *,
    text: str = "",
    states: Collection[JobState] = (),
    kinds: Collection[str] = (),
    page: int = 0,
    per_page: int = 25,
    person: str | None = None,
) -> JobPage:
    """One page of the jobs that have ended.

    Parameters
    ----------
    text
        Every word of it must occur in what the job is called, the names of its model, file or image, who asked for
        it, its message or its error; or be its id. Empty: all.
    states, kinds
        Only these; empty: all.
    page
        From 0.
    person
        Only what they may look at; None: all.
    """
    conditions: list[ColumnElement[bool]] = [
        JobRow.state.in_([state.value for state in (states or FINISHED) if state not in ACTIVE])
    ]
    if kinds:
        conditions.append(JobRow.kind.in_(list(kinds)))
    conditions += seen_by(store.settings, person)
    conditions += [_says(word) for word in text.split()]
    counted = select(func.count()).select_from(JobRow).where(*conditions)
    wanted = (
        select(JobRow)
        .where(*conditions)
        .order_by(JobRow.finished_at.desc(), JobRow.id)
        .limit(per_page)
        .offset(page * per_page)
    )
    with store.database.reading() as session:
        total = session.scalar(counted) or 0
        return JobPage(tuple(record(row) for row in session.scalars(wanted)), total)


def _says(word: str) -> ColumnElement[bool]:
    """Whether anything that a person would look for holds the word."""
    columns = (JobRow.kind, JobRow.author, JobRow.message, JobRow.error_cause, JobRow.title, JobRow.model_id)
    titled = [kind.name for kind in TASKS.values() if word.casefold() in kind.title.casefold()]
    images = select(ImageRow.id).where(ImageRow.name.icontains(word, autoescape=True))
    return or_(
        *(column.icontains(word, autoescape=True) for column in columns),
        JobRow.id == word,
        JobRow.kind.in_(titled),
        JobRow.image_id.in_(images),
    )


def subjects(store: Store, jobs: Sequence[JobRecord]) -> dict[str, str]:
    """What each job is about, in a few words: its image, model or file; "" where nothing can be said.

    Returns
    -------
    dict
        Job id to words. They come from people and files: show them as plain text.
    """
    images = {row.image_id for row in jobs} - {None}
    projects = {row.project_id for row in jobs} - {None}
    with store.database.reading() as session:
        named = _names(session, ImageRow, images) | _names(session, ProjectRow, projects)
    return {row.id: _subject(row, named) for row in jobs}


def _names(session: Session, row: type[ImageRow] | type[ProjectRow], ids: Collection[Any]) -> dict[str, str]:
    return {item.id: item.name for item in session.execute(select(row.id, row.name).where(row.id.in_(ids)))}


def _subject(row: JobRecord, named: dict[str, str]) -> str:
    candidates = (
        row.result.get("name"),
        row.title,
        named.get(str(row.image_id)),
        named.get(str(row.project_id)),
        row.model_id,
    )
    return next((str(words) for words in candidates if words), "")
