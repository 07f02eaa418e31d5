"""Running one attempt of a job in a worker: the boundary where whatever happens becomes a state of the row."""

from __future__ import annotations

import logging
import textwrap
import traceback
from typing import Any

from core.engine.context import JobContext
from core.errors import CristaeError, JobCancelledError, JobError, JobPausedError, TrainingLostError
from core.files import explained_os_errors
from core.jobs.kinds import load_plugins, task_kind
from core.jobs.results import JobResult
from core.jobs.rows import job, log_file
from core.jobs.transitions import cancel, fail, interrupt, pause, succeed
from core.store import JobState, Store, current_store

logger = logging.getLogger(__name__)


def run_job(job_id: str, attempt: int, plugins: tuple[str, ...] = ()) -> str:
    """Run an attempt to its end. This is the only function that Dask is given.

    Parameters
    ----------
    job_id, attempt
        A row that the engine has claimed for this attempt.
    plugins
        Modules that register further kinds.

    Returns
    -------
    str
        The state that the attempt ended in, or "superseded"; what counts is in the row.
    """
    load_plugins(plugins)
    store = current_store()
    row = job(job_id, store=store)
    if row.state is not JobState.RUNNING or row.attempts != attempt:
        return "superseded"
    with JobContext[Any](store, row, log_file(store, row)) as context:
        context.log(f"{row.kind}: attempt {attempt} of {row.max_attempts}, {textwrap.shorten(str(row.params), 1000)}")
        try:
            error, result = None, _run(context, row.kind)
        except CristaeError as caught:
            error, result = caught, {}
    return _conclude(store, context, row.kind, error, result)


def _run(context: JobContext[Any], kind: str) -> dict[str, Any]:
    """The task's result; whatever it raises comes out as a `CristaeError`."""
    try:
        with explained_os_errors(context.settings.data_dir / kind):
            result = task_kind(kind).function()(context)
        made = (
            result.to_json() if isinstance(result, JobResult) else result
        )  # a kind from outside may give plain values
        return {**context.result, **made}
    except CristaeError:
        raise
    except MemoryError as error:
        raise JobError("This job ran out of memory.", "Close other programs, or use a smaller image.") from error
    except Exception as error:
        logger.exception("job %s failed", context.id)
        context.log(traceback.format_exc())
        raise JobError(
            f"An unexpected error ended the job: {type(error).__name__}: {error}"[:1000],
            f"This is a bug: please report it with the log of job {context.id}.",
        ) from error


def _conclude(
    store: Store, context: JobContext[Any], kind: str, error: CristaeError | None, result: dict[str, Any]
) -> str:
    """Write the end into the row."""
    if error is None:
        moved, state = succeed(store, context.id, context.attempt, result), JobState.SUCCEEDED
    elif isinstance(error, JobCancelledError):
        moved, state = cancel(store, context.id, context.attempt), JobState.CANCELLED
    elif isinstance(error, JobPausedError):
        moved, state = pause(store, context.id, context.attempt), JobState.PAUSED
    elif isinstance(error, TrainingLostError):
        context.log(str(error))
        after = interrupt(store, context.id, context.attempt, error.cause, restartable=task_kind(kind).restartable)
        moved, state = after is not None, after or JobState.INTERRUPTED
    else:
        moved, state = fail(store, context.id, error, attempt=context.attempt), JobState.FAILED
        context.log(str(error))
    context.log(state.value if moved else f"{state.value}, but the job has moved on: this attempt counts no more")
    return state.value if moved else "superseded"
