"""The states of a job and the legal ways between them::

    held ──> queued ──> running ──> succeeded      (or held ──> cancelled)

    queued ──> running ──> succeeded
      │  ^        ├──────> failed ───────┐
      │  │        ├──────> cancelled ────┤ retry
      │  │        ├──────> interrupted ──┤
      │  │        └──────> paused ───────┤
      │  └───────────────────────────────┘
      ├──> cancelled
      └──> failed        (nothing here can run it)

``interrupted`` means that the process or machine that ran it went away. A kind that can start anew is queued again in
the same transaction, up to ``max_attempts``; any other stays interrupted until a person retries it. An interrupted
job, and a failed training, may be cancelled: nobody wants to go on with it, and what it kept is thrown away.

``paused`` means that a person wants to go on later; it waits for a retry, or is cancelled.

``held`` means that the job waits for an answer from a person, for example the pixel size of its image.
"""

from __future__ import annotations

from typing import Final

from core.store.records import JobState

LEGAL: Final[dict[JobState, frozenset[JobState]]] = {
    JobState.HELD: frozenset({JobState.QUEUED, JobState.CANCELLED}),
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED, JobState.FAILED}),
    JobState.RUNNING: frozenset(
        {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.INTERRUPTED, JobState.PAUSED}
    ),
    JobState.INTERRUPTED: frozenset({JobState.QUEUED, JobState.FAILED, JobState.CANCELLED, JobState.PAUSED}),
    JobState.PAUSED: frozenset({JobState.QUEUED, JobState.CANCELLED}),
    JobState.FAILED: frozenset({JobState.QUEUED, JobState.CANCELLED}),
    JobState.CANCELLED: frozenset({JobState.QUEUED}),
    JobState.SUCCEEDED: frozenset(),
}

ACTIVE: Final = frozenset({JobState.HELD, JobState.QUEUED, JobState.RUNNING})
"""These have not ended."""


def sources(target: JobState) -> frozenset[JobState]:
    """The states from which ``target`` may be reached in one step."""
    return frozenset(state for state, targets in LEGAL.items() if target in targets)
