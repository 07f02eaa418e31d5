"""What a task sees of its job: parameters, progress, cancellation, log, store."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Generic, Self, TypeVar, cast

from core.errors import JobCancelledError, StoreError
from core.jobs.kinds import params_of
from core.jobs.parameters import JobParams
from core.jobs.transitions import beat
from core.settings import Settings
from core.store import JobRecord, Store
from core.store.records import JobControl

logger = logging.getLogger(__name__)

P = TypeVar("P", bound=JobParams, covariant=True)

POLL_S: Final = 0.25
"""Progress is written, and a wish to cancel is seen, after this time."""

BEAT_S: Final = 2.0
"""Without progress, the heartbeat is written this often."""

ETA_FROM: Final = 0.03
"""Below this fraction no time left is guessed."""


class JobContext(Generic[P]):
    """Handed to a task's ``run``. Safe to share by threads.

    Parameters
    ----------
    store
        The store of this process.
    row
        The job, in its running attempt.
    log_path
        The job's log, appended to.
    """

    def __init__(self, store: Store, row: JobRecord, log_path: Path) -> None:
        self.store = store
        self.settings: Settings = store.settings
        self.id = row.id
        self.attempt = row.attempts
        self.author = row.author
        self._kind, self._values = row.kind, dict(row.params)
        self._log_path = log_path
        self._stop = threading.Event()
        self._cancelled = threading.Event()
        self._superseded = False
        self._control = JobControl.NONE
        self._guard = threading.Lock()
        self._one_write = threading.Lock()
        self._began_s = time.monotonic()
        self._result: dict[str, Any] = {}
        self._news: dict[str, Any] = {"worker": f"{socket.gethostname()}:{os.getpid()}"}
        self._thread = threading.Thread(target=self._beat_until_stopped, name=f"heartbeat {row.id}", daemon=True)

    @cached_property
    def params(self) -> P:
        """What the job is asked to do.

        Raises
        ------
        JobError
            A parameter is missing or cannot be used.
        """
        return cast("P", params_of(self._kind, self._values))

    def progress(self, fraction: float, message: str = "", eta_s: float | None = None) -> None:
        """Say how far the work is. Cheap: written by another thread, at most four times a second.

        Parameters
        ----------
        fraction
            0 to 1.
        message
            What is being done; empty keeps the last one.
        eta_s
            Seconds left; None: guessed from the time so far.

        Raises
        ------
        JobCancelledError
            Somebody has asked for the job to stop.
        """
        self.check_cancelled()
        fraction = min(1.0, max(0.0, fraction))
        if eta_s is None and fraction >= ETA_FROM:
            eta_s = (time.monotonic() - self._began_s) * (1 - fraction) / fraction
        with self._guard:
            self._news.update(progress=fraction, eta_s=eta_s)
            if message:
                self._news["message"] = message

    def cancelled(self) -> bool:
        """Whether the task should stop: somebody asked for it, or the job runs elsewhere by now."""
        return self._cancelled.is_set()

    @property
    def control(self) -> JobControl:
        """What somebody asks of the running job, beside cancelling it."""
        return self._control

    def check_cancelled(self) -> None:
        """Raise if the task should stop.

        Raises
        ------
        JobCancelledError
            It should.
        """
        if self._cancelled.is_set():
            raise JobCancelledError("The job was asked to stop.")

    def publish(self, **parts: Any) -> None:
        """Make parts of the result visible before the job ends; written before this returns.

        Raises
        ------
        JobCancelledError
            The job runs elsewhere by now.
        """
        with self._guard:
            self._result.update(parts)
        self._flush()
        self.check_cancelled()

    def log(self, text: str) -> None:
        """Append lines to the job's log."""
        append_log(self._log_path, text)

    @property
    def superseded(self) -> bool:
        """Whether this attempt counts no more."""
        return self._superseded

    @property
    def result(self) -> dict[str, Any]:
        """What was published so far."""
        with self._guard:
            return dict(self._result)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=30)

    def _beat_until_stopped(self) -> None:
        last_s = 0.0
        while not self._stop.wait(POLL_S):
            with self._guard:
                news = bool(self._news)
            if news or time.monotonic() - last_s >= BEAT_S:
                last_s = time.monotonic()
                self._tried(self._flush)
            elif not self._cancelled.is_set():
                self._tried(self._look)

    def _tried(self, step: Callable[[], None]) -> None:
        try:
            step()
        except StoreError as error:  # the next beat may fare better; the watchdog decides when it is too late
            logger.warning("heartbeat of job %s: %s", self.id, error)

    def _flush(self) -> None:
        """Write what is new, learn what is asked."""
        with self._one_write:  # an older result shall not overtake a newer one
            with self._guard:
                news, self._news = self._news, {}
                result = dict(self._result) or None
            try:
                self._learn(beat(self.store, self.id, self.attempt, result=result, **news))
            except StoreError:
                with self._guard:
                    self._news = {**news, **self._news}
                raise

    def _look(self) -> None:
        """Learn what is asked without writing."""
        from core.jobs.rows import job

        row = job(self.id, store=self.store)
        self._learn(row if row.attempts == self.attempt and not row.finished else None)

    def _learn(self, row: JobRecord | None) -> None:
        if row is None:
            self._superseded = True
        elif row.control:
            self._control = row.control
        if row is None or row.cancel_requested:
            self._cancelled.set()


def append_log(path: Path, text: str) -> None:
    """Append lines with the time to a log; a log that cannot be written stops no work."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    lines = "".join(f"{stamp} {line}\n" for line in text.splitlines())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as handle:
            handle.write(lines)
    except OSError as error:
        logger.warning("log %s: %s", path, error)
