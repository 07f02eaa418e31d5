"""What is known of a kind of job: where it runs, who may ask for it, how often it may start."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from core.access.roles import Permission
from core.jobs.parameters import JobParams
from core.jobs.results import JobResult

if TYPE_CHECKING:
    from core.store import JobRecord, Store
    from core.store.database import Transaction


class Resource(StrEnum):
    """The kinds of place where a job can run; each place runs one job at a time."""

    PREDICT = "predict"
    """The process that keeps models loaded between jobs."""

    CPU = "cpu"
    """Everything that needs no accelerator: reading files, exporting."""

    GPU = "gpu"
    """A graphics card of a scheduler elsewhere, for kinds of jobs that cannot do without one."""

    TRAIN = "train"
    """One per graphics card, or one on the processor where there is none: training."""


@dataclass(frozen=True, slots=True)
class TaskKind:
    """One kind of job.

    Parameters
    ----------
    params
        What such a job is asked to do.
    result
        What it makes.
    title
        What it does, as shown to people while it runs.
    module
        Importable; has ``run(context)``.
    resource
        What it occupies while it runs.
    permission
        What a person needs in the project who asks for it, or queues it again: asked for when the job is made
        (`core.jobs.rows.submit`), not only on the page. A transfer needs more, see `core.transfers.run`.
    max_attempts
        How often it may be started, the first time included, when its process goes away.
    restartable
        Whether it may be started anew without being asked.
    pausable
        Whether it can be paused, to go on later from where it was.
    finishable
        Whether it can be ended early and make its result of what it has.
    at_most
        How many of its kind may run at once, so that they leave places to others; 0: as many as there are places.
    follower
        A module with ``queue_followers(session, store, row)``, called in the transaction in which a job of this kind
        succeeds: the jobs that it adds are queued with the success or not at all. Empty: nothing follows.
    discarder
        A module with ``discard_work(store, row)``, called once a job of this kind that kept unfinished work is
        cancelled. Empty: nothing is kept.
    """

    params: type[JobParams]
    result: type[JobResult]
    title: str
    module: str
    resource: Resource
    permission: Permission
    max_attempts: int = 3
    restartable: bool = True
    pausable: bool = False
    finishable: bool = False
    at_most: int = 0
    follower: str = ""
    discarder: str = ""

    @property
    def name(self) -> str:
        """As in the job's row."""
        return self.params.kind

    def function(self) -> Callable[[Any], JobResult | dict[str, Any]]:
        """The task itself, called with its `JobContext`; imports its module."""
        run: Callable[[Any], JobResult | dict[str, Any]] = importlib.import_module(self.module).run
        return run

    def queue_followers(self, session: Transaction, store: Store, row: JobRecord) -> None:
        """Queue what follows from a job of this kind that has just succeeded."""
        if self.follower:
            importlib.import_module(self.follower).queue_followers(session, store, row)

    def discard_work(self, store: Store, row: JobRecord) -> None:
        """Throw away what a cancelled job of this kind has kept to go on from."""
        if self.discarder:
            importlib.import_module(self.discarder).discard_work(store, row)
