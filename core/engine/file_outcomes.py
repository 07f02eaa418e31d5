"""What one file of many may do to a job: be named with cause and remedy, and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from core.errors import CristaeError, JobCancelledError, JobError, JobPausedError, StorageFullError, StoreBusyError
from core.jobs.kinds import ImportCasesParams, ImportPredictionsParams
from core.outside.boundary import file_boundary
from core.store.database import DATABASE_FAULT

C = TypeVar("C")

_OF_THE_JOB: Final = (JobCancelledError, JobPausedError, StorageFullError, StoreBusyError)
"""What no other file could survive either: a full disk, a database that does not answer, somebody's wish to stop."""


def cases_of(params: ImportCasesParams | ImportPredictionsParams, case_of: Callable[[Mapping[str, Any]], C]) -> list[C]:
    """The files that an import is about.

    Raises
    ------
    JobError
        There are none.
    """
    if not params.cases:
        raise JobError("The import names no files.", "Choose at least one file.")
    return [case_of(case) for case in params.cases]


@contextmanager
def one_of_many(name: str) -> Iterator[None]:
    """Turn whatever goes wrong with one file of a job into a `CristaeError` that names it.

    Parameters
    ----------
    name
        Of the file, as people know it.

    Raises
    ------
    CristaeError
        See `is_about_one_file`.
    DATABASE_FAULT, OSError
        Of the database or the disk, not of the file.
    """
    stopped: Exception | None = None
    with file_boundary(name):
        try:
            yield
        except DATABASE_FAULT as error:
            stopped = error
    if stopped is not None:
        raise stopped


def is_about_one_file(error: CristaeError) -> bool:
    """Whether the other files of a job may still be taken."""
    return not isinstance(error, _OF_THE_JOB)
