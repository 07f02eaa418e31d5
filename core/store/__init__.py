"""Database rows and the files that belong to them.

Each method of `Store` is one short transaction. A revision is begun, written by one job or one submission, completed,
and never changed after that. A writer holds a lock per id (`holds.py`) that the operating system lets go when it
dies; that tells a leftover from work in progress. Opening a store removes nothing. `label_maps.py` is the one way to
read a label map in its project's classes.
"""

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
