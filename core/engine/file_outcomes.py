"""What one file of many may do to a job: be named with cause and remedy, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from core.errors import CristaeError, JobCancelledError, JobPausedError, StorageFullError, StoreBusyError
from core.outside.boundary import file_boundary
from core.store.database import DATABASE_FAULT

_OF_THE_JOB: Final = (JobCancelledError, JobPausedError, StorageFullError, StoreBusyError)
"""What no other file could survive either: a full disk, a database that does not answer, somebody's wish to stop."""


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
