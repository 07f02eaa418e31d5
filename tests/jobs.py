"""Jobs for tests that need no more than some of their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from core.jobs import rows
from core.jobs.kinds import task_kind
from core.jobs.parameters import JobParams
from core.store import JobRecord, Store
from core.store.tables import JobRow

_EMPTY = {"str": "", "Preset": "compact", "Mapping": {}, "tuple": []}


def params(kind: str, values: Mapping[str, Any]) -> JobParams:
    """Parameters of a kind; what it needs and is not given is empty."""
    needed = {
        field.name: next(empty for name, empty in _EMPTY.items() if str(field.type).startswith(name))
        for field in fields(task_kind(kind).params)
        if field.default is MISSING and field.default_factory is MISSING
    }
    return task_kind(kind).params.from_json({**needed, **values})


def submit(kind: str, values: Mapping[str, Any], **how: Any) -> JobRecord:
    """A job in the queue, as `core.jobs.rows.submit` puts it there."""
    return rows.submit(params(kind, values), **how)


def submit_as_written(kind: str, values: Mapping[str, Any], *, store: Store, **how: Any) -> JobRecord:
    """A job whose row holds just these values, whether its task can use them or not."""
    row = submit(kind, {}, store=store, **how)
    with store.database.writing() as session:
        session.get_one(JobRow, row.id).params = dict(values)
    return rows.job(row.id, store=store)
