"""Jobs that fetch something from the network because somebody has asked for it.

For each what it is asked to do, what it makes, and its row of the table `core.jobs.kinds.TASKS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from core.access.roles import Permission
from core.jobs.job_kind import JobKind
from core.jobs.parameters import JobParams, Subjects
from core.jobs.plain_values import PlainValues
from core.jobs.results import JobResult
from core.jobs.task_kind import Resource, TaskKind


@dataclass(frozen=True, kw_only=True)
class FetchModelParams(JobParams):
    """See `core.engine.tasks.fetch_model`; `core.catalogue.start` alone asks for such jobs.

    Parameters
    ----------
    entry
        Of the catalogue, as it was when somebody accepted it: `core.catalogue.entry.Entry`.
    licence, accepted_by, accepted_at
        What was accepted, by whom ("" where nobody said), when (ISO 8601, UTC).
    project_id
        Whose model it becomes; "": it belongs to all.
    folder
        Where the files lie that somebody has brought; "": they are fetched.
    """

    kind = JobKind.FETCH_MODEL

    entry: Mapping[str, Any]
    licence: str
    accepted_by: str = ""
    accepted_at: str = ""
    project_id: str = ""
    folder: str = ""

    @property
    def subjects(self) -> Subjects:
        """The project whose model it becomes, and the folder with the files."""
        return Subjects(project_id=self.project_id, name=str(self.entry.get("name", "")), path=self.folder)


@dataclass(frozen=True, kw_only=True)
class LeftOut(PlainValues):
    """A model among the files that was not taken, and why."""

    name: str
    cause: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class FetchModelResult(JobResult):
    """The models that it has brought."""

    model_ids: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LookUpParams(JobParams):
    """See `core.engine.tasks.look_up`.

    Parameters
    ----------
    entry
        Whose record is read; empty: the administrator's catalogue is fetched anew.
    """

    kind = JobKind.LOOK_UP

    entry: Mapping[str, Any] = field(default_factory=dict)

    @property
    def subjects(self) -> Subjects:
        """A name."""
        return Subjects(name=str(self.entry.get("name", "")))


@dataclass(frozen=True, kw_only=True)
class LookUpResult(JobResult):
    """The entry with its files and licence; of a catalogue how many entries it has and how many cannot be used."""

    entry: Mapping[str, Any] = field(default_factory=dict)
    entries: int = 0
    refused: int = 0


FETCH_JOBS: Final = (
    TaskKind(
        FetchModelParams,
        FetchModelResult,
        "Fetching a model",
        "core.engine.tasks.fetch_model",
        Resource.CPU,
        Permission.TRAIN,
        5,
        pausable=True,
        at_most=1,
        discarder="core.catalogue.work",
    ),
    TaskKind(
        LookUpParams,
        LookUpResult,
        "Looking up a model",
        "core.engine.tasks.look_up",
        Resource.CPU,
        Permission.TRAIN,
    ),
)
"""Rows of the table."""
