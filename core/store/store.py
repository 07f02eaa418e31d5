"""The store of a process: projects, images, revisions, evaluations, drafts, rounds, and the database of jobs."""

from __future__ import annotations

import threading
from pathlib import Path

from core.settings import Settings, current_settings
from core.store.audit import AuditLog
from core.store.base import DataFolder
from core.store.batches import Batches
from core.store.database import Database
from core.store.drafts import Drafts
from core.store.evaluations import Evaluations
from core.store.images import Images
from core.store.jobs import Jobs
from core.store.members import Members
from core.store.model_choices import ModelChoices
from core.store.owners import Owners
from core.store.projects import Projects
from core.store.review_threads import ReviewThreads
from core.store.reviews import Reviews
from core.store.revisions import Revisions
from core.store.rounds import Rounds
from core.store.sweeping import sweep_half_written
from core.store.trash import Trash
from core.store.visits import Visits


class Store:
    """Everything that Cristae keeps, in one data folder and one database.

    Opening brings the database up to date and removes nothing: cleaning is the engine's (`core.engine.cleaning`). Every
    method of a part is one short transaction; the object may be shared by threads. Records are values: ask again to
    see changes.

    Parameters
    ----------
    settings
        ``data_dir`` (made if absent) and the database URL count.

    Attributes
    ----------
    projects, members, images, trash, revisions, reviews, review_threads, visits, jobs, batches, evaluations,
    drafts, rounds, model_choices, audit_log, owners
        The parts: ``store.images.get(image_id)``.

    Raises
    ------
    StoreError
        The database cannot be opened: locked, damaged, or newer than this version.
    StorageFullError
        The data folder cannot be made or written.
    """

    def __init__(self, settings: Settings) -> None:
        data = self._data = DataFolder(settings)
        self.projects = Projects(data)
        self.members = Members(data)
        self.images = Images(data)
        self.trash = Trash(data)
        self.revisions = Revisions(data)
        self.reviews = Reviews(data)
        self.review_threads = ReviewThreads(data)
        self.visits = Visits(data)
        self.jobs = Jobs(data)
        self.batches = Batches(data)
        self.evaluations = Evaluations(data)
        self.drafts = Drafts(data)
        self.rounds = Rounds(data)
        self.model_choices = ModelChoices(data)
        self.audit_log = AuditLog(data)
        self.owners = Owners(data)

    @property
    def settings(self) -> Settings:
        """What it was opened with."""
        return self._data.settings

    @property
    def database(self) -> Database:
        """Of jobs, people and everything else that has no file."""
        return self._data.database

    @property
    def images_dir(self) -> Path:
        """One pyramid per image, named by its id."""
        return self._data.images_dir

    @property
    def labels_dir(self) -> Path:
        """One pyramid per revision, named by its id."""
        return self._data.labels_dir

    @property
    def locks_dir(self) -> Path:
        """Locks between processes."""
        return self._data.locks_dir

    def require_free_space(self, coming_bytes: int = 0) -> None:
        """Refuse what would leave less free space than the settings ask for.

        Raises
        ------
        StorageFullError
            With the numbers.
        """
        self._data.require_free_space(coming_bytes)

    def sweep(self) -> int:
        """Remove what dead processes left half-written; called by the engine. Returns how many things."""
        return sweep_half_written(self._data, self.revisions)

    def close(self) -> None:
        """Let go of connections and locks; what was being written counts as a leftover from now on."""
        self._data.close()


_stores: dict[str, Store] = {}
_guard = threading.Lock()


def current_store() -> Store:
    """The store of this process, opened at its first use with `current_settings`."""
    settings = current_settings()
    key = f"{settings.data_dir} {settings.resolved_database_url}"
    with _guard:
        if key not in _stores:
            _stores[key] = Store(settings)
        return _stores[key]
