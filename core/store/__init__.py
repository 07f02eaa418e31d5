"""Database rows and the files that belong to them."""

from core.store.records import (
    ImageRecord,
    JobRecord,
    JobState,
    ProjectRecord,
    RevisionKind,
    RevisionRecord,
    RevisionState,
    Split,
)
from core.store.store import Store, current_store

__all__ = [
    "ImageRecord",
    "JobRecord",
    "JobState",
    "ProjectRecord",
    "RevisionKind",
    "RevisionRecord",
    "RevisionState",
    "Split",
    "Store",
    "current_store",
]
