"""The task table: one row per kind of job. A new kind is one module here and one row below.

A task is ``run(context: JobContext) -> dict`` in its module; the dict (plain JSON values) is the job's result. Modules
are imported where a job runs, never by the server.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from core.access.roles import Permission
from core.errors import JobError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.store import JobRecord, Store
    from core.store.tables import JobRow


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
    name
        As in the job's row.
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

    name: str
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

    def function(self) -> Callable[[Any], dict[str, Any]]:
        """The task itself, called with its `JobContext`; imports its module."""
        run: Callable[[Any], dict[str, Any]] = importlib.import_module(self.module).run
        return run

    def queue_followers(self, session: Session, store: Store, row: JobRow) -> None:
        """Queue what follows from a job of this kind that has just succeeded."""
        if self.follower:
            importlib.import_module(self.follower).queue_followers(session, store, row)

    def discard_work(self, store: Store, row: JobRecord) -> None:
        """Throw away what a cancelled job of this kind has kept to go on from."""
        if self.discarder:
            importlib.import_module(self.discarder).discard_work(store, row)


TASKS: dict[str, TaskKind] = {
    kind.name: kind
    for kind in (
        TaskKind(
            "ingest",
            "Reading the image",
            "core.engine.tasks.ingest",
            Resource.CPU,
            Permission.ADD_IMAGES,
            follower="core.batches.followers",
        ),
        TaskKind("predict", "Finding organelles", "core.engine.tasks.predict", Resource.PREDICT, Permission.PAINT),
        TaskKind("clean", "Cleaning the masks", "core.engine.tasks.clean", Resource.CPU, Permission.PAINT),
        TaskKind("evaluate", "Evaluating", "core.engine.tasks.evaluate", Resource.PREDICT, Permission.TRAIN),
        TaskKind("measure", "Measuring objects", "core.engine.tasks.measure", Resource.CPU, Permission.PAINT),
        TaskKind(
            "scale_trial", "Trying pixel sizes", "core.engine.tasks.scale_trial", Resource.PREDICT, Permission.PAINT
        ),
        TaskKind(
            "train",
            "Training a model",
            "core.engine.tasks.train",
            Resource.TRAIN,
            Permission.TRAIN,
            5,
            pausable=True,
            finishable=True,
            discarder="core.learning.work",
        ),
        TaskKind(
            "import_cases",
            "Importing images and labels",
            "core.engine.tasks.import_cases",
            Resource.CPU,
            Permission.ADD_IMAGES,
        ),
        TaskKind(
            "import_predictions",
            "Importing predictions",
            "core.engine.tasks.import_predictions",
            Resource.CPU,
            Permission.TRAIN,
        ),
        TaskKind("import_model", "Importing a model", "core.engine.tasks.import_model", Resource.CPU, Permission.TRAIN),
        TaskKind(
            "time_training", "Timing a training", "core.engine.tasks.time_training", Resource.TRAIN, Permission.TRAIN
        ),
        TaskKind("export", "Exporting", "core.engine.tasks.export", Resource.CPU, Permission.VIEW, at_most=1),
        TaskKind("transfer", "Copying or moving images", "core.engine.tasks.transfer", Resource.CPU, Permission.VIEW),
        TaskKind("demo", "Making the demo project", "core.engine.tasks.demo", Resource.CPU, Permission.MANAGE),
        TaskKind(
            "demo_rounds",
            "Correcting the demo project",
            "core.engine.tasks.demo_rounds",
            Resource.PREDICT,
            Permission.MANAGE,
        ),
    )
}


def register(kind: TaskKind) -> None:
    """Add a kind from outside; its module is named to `ensure_engine` as a plugin so that the engine does the same."""
    TASKS[kind.name] = kind


def load_plugins(modules: tuple[str, ...]) -> None:
    """Import modules that register kinds of their own."""
    for module in modules:
        importlib.import_module(module)


def task_kind(name: str) -> TaskKind:
    """The kind with this name.

    Raises
    ------
    JobError
        There is none.
    """
    if name not in TASKS:
        raise JobError(f"There is no kind of job called {name!r}.", f"The kinds are {', '.join(sorted(TASKS))}.")
    return TASKS[name]
