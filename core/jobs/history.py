"""Looking through jobs: pages of the finished ones, searched, and what each is about."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from core.jobs.kinds import TASKS
from core.jobs.rights import seen_by
from core.jobs.states import ACTIVE
from core.store.jobs import JobQuery, SearchWord
from core.store.records import JobRecord, JobState
from core.store.store import Store

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
    query = JobQuery(
        states=[state for state in (states or FINISHED) if state not in ACTIVE],
        kinds=kinds or None,
        seen_by=seen_by(store.settings, person),
    )
    words = [_search_word(word) for word in text.split()]
    return JobPage(*store.jobs.last_ended(query, words=words, limit=per_page, offset=page * per_page))


def _search_word(text: str) -> SearchWord:
    """With the kinds of jobs whose titles hold it."""
    return SearchWord(text, tuple(kind.name for kind in TASKS.values() if text.casefold() in kind.title.casefold()))


def subjects(store: Store, jobs: Sequence[JobRecord]) -> dict[str, str]:
    """What each job is about, in a few words: its image, model or file; "" where nothing can be said.

    Returns
    -------
    dict
        Job id to words. They come from people and files: show them as plain text.
    """
    images = {row.image_id for row in jobs if row.image_id}
    projects = {row.project_id for row in jobs if row.project_id}
    named = store.jobs.names(images, projects)
    return {row.id: _subject(row, named) for row in jobs}


def _subject(row: JobRecord, named: dict[str, str]) -> str:
    candidates = (
        row.result.get("name"),
        row.title,
        named.get(str(row.image_id)),
        named.get(str(row.project_id)),
        row.model_id,
    )
    return next((str(words) for words in candidates if words), "")
