"""What every class of job results has: what a job has made so far, or in the end, as its row says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from core.jobs.plain_values import PlainValues
from core.store.records import JobRecord


@dataclass(frozen=True, kw_only=True)
class JobResult(PlainValues):
    """What a job has made. Each kind has a class of its own, beside its parameters.

    Every field has a default: a job that runs has published some of them, one of an earlier version wrote fewer.
    """

    @classmethod
    def of(cls, row: JobRecord) -> Self:
        """The result of a job of this kind, or what it has published of it.

        Raises
        ------
        JobError
            The row is of another kind, or damaged.
        """
        return cls.from_json(row.result)
