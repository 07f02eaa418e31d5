"""Job rows: which steps are legal, who may take them, and what a row says afterwards."""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace

import pytest
from sqlalchemy import update

from core.errors import ImageError, JobError, NotFoundError
from core.jobs.rows import (
    Priority,
    active_jobs,
    count_jobs,
    job,
    jobs,
    log_file,
    log_tail,
    request_cancel,
    retry,
)
from core.jobs.states import LEGAL
from core.jobs.transitions import beat, cancel, claim, explain_waiting, fail, interrupt, move, succeed
from core.store import JobRecord, JobState, Store
from core.store.tables import JobRow
from tests.jobs import submit

S = JobState
HAND_WRITTEN = {
    (S.QUEUED, S.RUNNING), (S.QUEUED, S.CANCELLED), (S.QUEUED, S.FAILED),
    (S.RUNNING, S.SUCCEEDED), (S.RUNNING, S.FAILED), (S.RUNNING, S.CANCELLED), (S.RUNNING, S.INTERRUPTED),
    (S.INTERRUPTED, S.QUEUED), (S.INTERRUPTED, S.FAILED), (S.INTERRUPTED, S.CANCELLED),
    (S.RUNNING, S.PAUSED), (S.INTERRUPTED, S.PAUSED), (S.PAUSED, S.QUEUED), (S.PAUSED, S.CANCELLED),
    (S.FAILED, S.QUEUED), (S.FAILED, S.CANCELLED), (S.CANCELLED, S.QUEUED),
    (S.HELD, S.QUEUED), (S.HELD, S.CANCELLED),
}  # fmt: skip


def queued(store: Store, **more: object) -> JobRecord:
    """A waiting sample job."""
    return submit("sample", {}, store=store, **more)  # type: ignore[arg-type]


def running(store: Store) -> JobRecord:
    """A job in its first attempt."""
    row = claim(store, queued(store), "here")
    assert row is not None
    return row


@pytest.mark.parametrize(("old", "new"), list(itertools.product(JobState, JobState)))
def test_only_legal_steps_are_taken(store: Store, old: JobState, new: JobState) -> None:
    row = queued(store)
    with store.database.writing() as session:
        session.execute(update(JobRow).where(JobRow.id == row.id).values(state=old.value))
    with store.database.writing() as session:
        moved = move(session, row.id, new)
    assert moved == ((old, new) in HAND_WRITTEN)
    assert job(row.id, store=store).state is (new if moved else old)


def test_every_state_has_its_ways() -> None:
    assert set(LEGAL) == set(JobState)
    assert {(old, new) for old, targets in LEGAL.items() for new in targets} == HAND_WRITTEN


def test_a_submitted_job_waits(store: Store) -> None:
    row = submit("sample", {"a": [1, None]}, author="ada", priority=Priority.INTERACTIVE, store=store)
    assert job(row.id, store=store) == row
    assert (row.state, row.params, row.author, row.priority) == (S.QUEUED, {"a": [1, None]}, "ada", 20)
    assert (row.attempts, row.progress, row.result, row.finished, row.started_at) == (0, 0.0, {}, False, None)


def test_unknown_kinds_and_ids_are_refused(store: Store) -> None:
    with pytest.raises(JobError, match=r"'nonsense'.*predict"):
        submit("nonsense", {}, store=store)
    for ask in (job, request_cancel, retry, log_tail):
        with pytest.raises(NotFoundError, match="job 'nope'"):
            ask("nope", store=store)  # type: ignore[operator]


def test_a_claim_is_won_once(store: Store) -> None:
    row, won, gate = queued(store), [], threading.Barrier(4)

    def try_it() -> None:
        gate.wait(10)
        won.append(claim(store, row, "here"))

    threads = [threading.Thread(target=try_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    (winner,) = [each for each in won if each]
    assert (winner.state, winner.attempts, winner.worker) == (S.RUNNING, 1, "here")
    assert winner.started_at is not None


def test_a_run_is_told_as_it_goes(store: Store) -> None:
    row = running(store)
    told = beat(store, row.id, 1, progress=0.25, message="half a half", eta_s=9.0, result={"part": 1})
    assert told is not None
    assert (told.progress, told.message, told.eta_s, told.result) == (0.25, "half a half", 9.0, {"part": 1})
    assert succeed(store, row.id, 1, {"all": 2})
    done = job(row.id, store=store)
    assert (done.state, done.progress, done.result, done.eta_s) == (S.SUCCEEDED, 1.0, {"all": 2}, None)
    assert done.finished
    assert done.finished_at is not None


def test_a_failure_says_why_and_takes_back_the_result(store: Store) -> None:
    row = running(store)
    beat(store, row.id, 1, result={"part": 1})
    assert fail(store, row.id, ImageError("It is bad.", "Use another."), attempt=1)
    failed = job(row.id, store=store)
    assert (failed.state, failed.error_cause, failed.error_remedy) == (S.FAILED, "It is bad.", "Use another.")
    assert failed.result == {}


def test_an_attempt_that_was_given_up_changes_nothing(store: Store) -> None:
    row = running(store)
    assert interrupt(store, row.id, 1, "the worker died.", restartable=True) is S.QUEUED
    second = claim(store, job(row.id, store=store), "there")
    assert second is not None
    assert second.attempts == 2
    assert beat(store, row.id, 1, progress=0.9) is None
    assert not succeed(store, row.id, 1, {"old": True})
    assert not cancel(store, row.id, 1)
    assert not fail(store, row.id, ImageError("x"), attempt=1)
    assert interrupt(store, row.id, 1, "again", restartable=True) is None
    assert job(row.id, store=store) == second


def test_an_interrupted_job_starts_anew_three_times_at_most(store: Store) -> None:
    row = queued(store)
    states = []
    for attempt in (1, 2, 3):
        claim(store, job(row.id, store=store), "here")
        beat(store, row.id, attempt, progress=0.5, result={"part": attempt})
        states.append(interrupt(store, row.id, attempt, "the worker died.", restartable=True))
        now = job(row.id, store=store)
        assert now.result == {}
    assert states == [S.QUEUED, S.QUEUED, S.FAILED]
    assert now.error_cause == "It was interrupted 3 times; the last time: the worker died."
    assert "Retry" in now.error_remedy or "retry" in now.error_remedy


def test_an_engine_that_was_stopped_uses_up_no_attempt(store: Store) -> None:
    row = queued(store)
    for attempt in range(1, 7):
        claim(store, job(row.id, store=store), "here")
        state = interrupt(store, row.id, attempt, "stopped", restartable=True, counted=False)
        assert state is S.QUEUED


def test_a_job_that_cannot_start_anew_stays_interrupted_until_asked(store: Store) -> None:
    row = running(store)
    assert interrupt(store, row.id, 1, "the worker died.", restartable=False) is S.INTERRUPTED
    left = job(row.id, store=store)
    assert (left.state, left.error_cause, left.error_remedy) == (
        S.INTERRUPTED, "the worker died.", "Retry it to restart.",
    )  # fmt: skip
    assert left.finished
    assert retry(row.id, store=store).state is S.QUEUED


def test_a_job_that_was_cancelled_does_not_start_anew(store: Store) -> None:
    row = running(store)
    request_cancel(row.id, store=store)
    assert interrupt(store, row.id, 1, "killed", restartable=True) is S.CANCELLED
    assert job(row.id, store=store).error_cause == ""


def test_cancelling(store: Store) -> None:
    waiting, active = queued(store), running(store)
    assert request_cancel(waiting.id, store=store).state is S.CANCELLED
    asked = request_cancel(active.id, store=store)
    assert (asked.state, asked.cancel_requested) == (S.RUNNING, True)
    told = beat(store, active.id, 1)
    assert told is not None
    assert told.cancel_requested
    assert cancel(store, active.id, 1)
    again = request_cancel(active.id, store=store)
    assert again.state is S.CANCELLED
    assert again.message == "Cancelled."


def test_a_retry_forgets_the_last_run_and_has_all_attempts_before_it(store: Store) -> None:
    row = running(store)
    fail(store, row.id, ImageError("bad", "mend"), attempt=1)
    again = retry(row.id, store=store)
    fresh = replace(row, state=S.QUEUED, attempts=1, max_attempts=4, worker="", message="")
    assert again == replace(fresh, started_at=None, heartbeat_at=None)
    with pytest.raises(JobError, match="is queued"):
        retry(row.id, store=store)


def test_a_success_cannot_be_retried(store: Store) -> None:
    row = running(store)
    succeed(store, row.id, 1, {})
    with pytest.raises(JobError, match="is succeeded"):
        retry(row.id, store=store)


def test_interactive_work_goes_first_then_the_order_of_asking(store: Store) -> None:
    batch = queued(store, priority=Priority.BATCH)
    first, second = queued(store), queued(store)
    urgent = queued(store, priority=Priority.INTERACTIVE)
    active = running(store)
    order = [row.id for row in active_jobs(store=store)]
    assert order == [active.id, urgent.id, first.id, second.id, batch.id]


def test_jobs_are_listed_counted_and_searched(store: Store) -> None:
    old = queued(store, author="ada")
    failing = running(store)
    fail(store, failing.id, ImageError("A 100%_odd cause."), attempt=1)
    assert [row.id for row in jobs(store=store)] == [failing.id, old.id]
    assert [row.id for row in jobs(states=[S.QUEUED], store=store)] == [old.id]
    assert [row.id for row in jobs(text="ADA", store=store)] == [old.id]
    assert [row.id for row in jobs(text="100%_", store=store)] == [failing.id]
    assert jobs(kinds=["predict"], store=store) == ()
    assert [row.id for row in jobs(limit=1, offset=1, store=store)] == [old.id]
    counts = count_jobs(store=store)
    assert counts == {state: int(state in (S.QUEUED, S.FAILED)) for state in JobState}


def test_why_a_job_waits_is_said_while_it_waits(store: Store) -> None:
    row = queued(store)
    explain_waiting(store, row.id, "no card")
    assert job(row.id, store=store).message == "no card"
    claimed = claim(store, job(row.id, store=store), "here")
    explain_waiting(store, row.id, "no card")
    assert claimed is not None
    assert job(row.id, store=store).message == "Starting"


def test_the_end_of_a_log(store: Store) -> None:
    row = queued(store)
    assert log_tail(row.id, store=store) == ""
    path = log_file(store, row)
    path.parent.mkdir(parents=True)
    path.write_text("".join(f"line {number}\n" for number in range(20_000)))
    assert log_tail(row.id, lines=2, store=store) == "line 19998\nline 19999"
