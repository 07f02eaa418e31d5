"""The engine's heart: takes queued rows in their order, gives them to places, and watches that nothing is lost."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import time
from dataclasses import dataclass
from typing import Any, Final

from core.engine.cleaning import sweep_half_made
from core.engine.context import append_log
from core.engine.places import Place, Places
from core.engine.runner import run_job
from core.errors import CristaeError, JobError, NotFoundError, StorageFullError, StoreError
from core.jobs.kinds import TASKS
from core.jobs.rows import active_jobs, job, log_file
from core.jobs.task_kind import Resource, TaskKind
from core.jobs.transitions import age_s, claim, explain_waiting, fail, interrupt
from core.store import JobRecord, JobState, Store

logger = logging.getLogger(__name__)

LOOK_S: Final = 0.5
"""The rows are read at least this often where the database does not tell that it changed."""

CHECK_S: Final = 2.0
"""Heartbeats, idle workers and places are looked at this often, whatever happens."""

CANCEL_GRACE_S: Final = 3.0
"""A job that has not stopped by itself this long after it was asked to is ended; 5 s are promised."""

STALE_S: Final = 60.0
"""A running job whose heartbeat is older than this hangs, or runs nowhere."""

UNRUNNABLE_S: Final = 120.0
"""A job that no worker of an external scheduler offers a place for fails after this time."""

AFTER_ERROR_S: Final = 1.0
"""Pause before the next look when one has failed."""


@dataclass(slots=True, eq=False)
class Flight:
    """An attempt that runs."""

    job_id: str
    kind: str
    attempt: int
    place: Place
    future: Any
    cancel_since_s: float | None = None


class Dispatcher:
    """Brings rows and places together.

    Parameters
    ----------
    store
        Where the rows are.
    client
        An asynchronous `distributed.Client`.
    places
        Where jobs can run.
    plugins
        Modules that register further kinds, told to every worker.
    """

    def __init__(self, store: Store, client: Any, places: Places, plugins: tuple[str, ...] = ()) -> None:
        self._store = store
        self._client = client
        self._places = places
        self._plugins = plugins
        self._flights: dict[str, Flight] = {}
        self._token: int | None = None
        self._looked_s = 0.0
        self._checked_s = 0.0
        self._said: dict[str, str] = {}
        self.draining = False
        """Whether queued jobs are left for the next engine."""
        self.idle = False
        """Whether nothing ran or waited when it last looked."""

    @property
    def busy(self) -> bool:
        """Whether an attempt runs."""
        return bool(self._flights)

    async def step(self) -> None:
        """One look around; cheap when nothing has changed."""
        landed = [flight for flight in self._flights.values() if flight.future.done()]
        landed += [f for f in self._flights.values() if not f.future.done() and self._places.ended(f.place)]
        for flight in landed:
            await self._land(flight)
        now_s = time.monotonic()
        check = now_s - self._checked_s >= CHECK_S
        token = self._store.database.change_token()
        unknown = token is None and now_s - self._looked_s >= LOOK_S
        waiting_for_cancel = any(flight.cancel_since_s is not None for flight in self._flights.values())
        if not (landed or check or unknown or waiting_for_cancel or token != self._token):
            return
        self._token, self._looked_s = token, now_s
        if check:
            self._checked_s = now_s
            await self._places.refresh()
            self._places.end_idle()
        rows = await asyncio.to_thread(active_jobs, store=self._store)
        self.idle = all(row.state is JobState.HELD for row in rows)
        for row in rows:
            if row.state is JobState.RUNNING:
                await self._watch(row)
        if not self.draining:
            # an attempt that has just ended its row may still occupy its place
            ready = [row for row in rows if row.state is JobState.QUEUED and row.id not in self._flights]
            await self._start(ready)

    async def stop(self) -> None:
        """Interrupt what runs; it starts anew with the next engine, and the attempt does not count."""
        for flight in list(self._flights.values()):
            if not self._places.remote:
                await self._places.kill(flight.place)
                self._interrupt(flight.job_id, flight.kind, flight.attempt, "the engine was stopped", counted=False)
        self._flights.clear()
        await asyncio.to_thread(sweep_half_made, self._store)

    async def _start(self, queued: list[JobRecord]) -> None:
        """Give queued jobs to free places, in their order."""
        taken: set[Resource] = set()
        for row in queued:
            task = TASKS.get(row.kind)
            if task is None:
                self._refuse(
                    row,
                    JobError(f"This engine does not support jobs of the kind {row.kind!r}.", ("Update the engine.")),
                )
            elif self._places.capacity(task.resource) == 0:
                self._refuse_without_place(row, task.resource)
            elif self._enough_of(task):
                continue
            elif task.resource not in taken and self._has_space(row):
                place = self._places.take(task.resource, row.id)
                if place is None:
                    taken.add(task.resource)
                    continue
                self._begin(row, place)

    def _enough_of(self, task: TaskKind) -> bool:
        """Whether as many jobs of a kind run as may at once."""
        running = sum(flight.kind == task.name for flight in self._flights.values())
        return 0 < task.at_most <= running

    def _begin(self, row: JobRecord, place: Place) -> None:
        """Claim the row and let its attempt run; the place stays free when that does not work."""
        try:
            claimed = claim(self._store, row, place.name)
            if claimed is not None:
                self._submit(claimed, place)
        finally:
            if row.id not in self._flights:
                self._places.release(place)

    def _submit(self, row: JobRecord, place: Place) -> None:
        future = self._client.submit(
            run_job,
            row.id,
            row.attempts,
            self._plugins,
            key=f"{row.kind}-{row.id}-{row.attempts}",
            pure=False,
            retries=0,
            **place.options,
        )
        self._flights[row.id] = Flight(row.id, row.kind, row.attempts, place, future)
        self._said.pop(row.id, None)
        logger.info("job %s (%s, attempt %d) goes to %s", row.id, row.kind, row.attempts, place.name)

    async def _land(self, flight: Flight) -> None:
        """An attempt is over, one way or another: see to it that its row says so."""
        del self._flights[flight.job_id]
        reason = self._places.ended(flight.place)
        try:
            if flight.future.done():
                error = await flight.future.exception() if flight.future.status == "error" else None
                if error is not None:
                    reason = reason or f"{type(error).__name__}: {error}"[:500]
            flight.future.release()
        finally:
            self._places.release(flight.place)
        try:
            row = job(flight.job_id, store=self._store)
        except NotFoundError:
            return
        if row.state is JobState.RUNNING and row.attempts == flight.attempt:
            if self._places.remote and not reason and age_s(row.heartbeat_at) < STALE_S:
                return  # the scheduler lost it, its worker may not have: the heartbeat decides
            self._interrupt(flight.job_id, flight.kind, flight.attempt, reason or "its worker lost the job")
            await asyncio.to_thread(sweep_half_made, self._store)

    async def _watch(self, row: JobRecord) -> None:
        """See that a running row really runs, and stops when it was asked to."""
        flight = self._flights.get(row.id)
        if flight is None or flight.attempt != row.attempts:
            if not self._places.remote or age_s(row.heartbeat_at) > STALE_S:
                self._interrupt(row.id, row.kind, row.attempts, "the engine stopped")
                await asyncio.to_thread(sweep_half_made, self._store)
            return
        if row.cancel_requested:
            flight.cancel_since_s = flight.cancel_since_s or time.monotonic()
            if time.monotonic() - flight.cancel_since_s > CANCEL_GRACE_S:
                await self._end(flight, "it did not stop after it was cancelled")
        elif age_s(row.heartbeat_at) > STALE_S:
            await self._end(flight, f"it did not respond for {STALE_S:.0f} s")

    async def _end(self, flight: Flight, reason: str) -> None:
        """End the process of an attempt."""
        logger.warning("job %s: %s; its process is ended", flight.job_id, reason)
        del self._flights[flight.job_id]
        try:
            await self._places.kill(flight.place)
            flight.future.release()
        finally:
            self._places.release(flight.place)
        self._interrupt(flight.job_id, flight.kind, flight.attempt, reason)
        await asyncio.to_thread(sweep_half_made, self._store)

    def _interrupt(self, job_id: str, kind: str, attempt: int, reason: str, *, counted: bool = True) -> None:
        task = TASKS.get(kind)
        restartable = task is not None and task.restartable
        state = interrupt(self._store, job_id, attempt, reason, restartable=restartable, counted=counted)
        if state is not None:
            logger.warning("job %s, attempt %d: %s: now %s", job_id, attempt, reason, state.value)
            path = log_file(self._store, job(job_id, store=self._store))
            append_log(path, f"attempt {attempt} was interrupted: {reason}; now {state.value}")
        if state is JobState.CANCELLED and task is not None and task.pausable:
            from core.learning.work import sweep_work  # an engine that trains nothing does without its imports

            sweep_work(self._store)

    def _has_space(self, row: JobRecord) -> bool:
        try:
            self._store.require_free_space()
        except StorageFullError as error:
            self._refuse(row, error)
            return False
        return True

    def _refuse_without_place(self, row: JobRecord, resource: Resource) -> None:
        """Say that nothing here can run the job; at once where that cannot change."""
        what = "no graphics card" if resource is Resource.GPU else f"no worker that offers {resource.value!r}"
        remedy = (
            f'Start a Dask worker with --resources "{resource.value}=1".'
            if self._places.remote
            else "Run the engine on a machine that has one."
        )
        if self._places.remote and age_s(row.created_at) < UNRUNNABLE_S:
            message = f"Waiting: the engine has {what}. {remedy}"
            if self._said.get(row.id) != message:
                explain_waiting(self._store, row.id, message)
                self._said[row.id] = message
        else:
            self._refuse(row, JobError(f"The engine has {what}.", remedy))

    def _refuse(self, row: JobRecord, error: CristaeError) -> None:
        fail(self._store, row.id, error, attempt=row.attempts)
        logger.warning("job %s cannot run: %s", row.id, error)


async def dispatch(dispatcher: Dispatcher, done: asyncio.Event, poll_s: float) -> None:
    """Look around until ``done`` is set; what fails for a while ends neither the engine nor the jobs that run.

    That is a database that is locked or full, a process that cannot be started or ended, a connection of Dask that
    broke (its ``CommClosedError`` and its timeouts are ``OSError``). Where the scheduler is gone for good, the engine's
    own watch sets ``done``.
    """
    while not done.is_set():
        try:
            await dispatcher.step()
        except (StoreError, OSError, subprocess.SubprocessError) as error:
            logger.error("dispatcher: %s: %s", type(error).__name__, error)
            await asyncio.sleep(AFTER_ERROR_S)
        await asyncio.sleep(poll_s)
