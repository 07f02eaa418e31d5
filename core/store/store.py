"""The store of a process: projects, images, revisions, evaluations, drafts, rounds, and the database of jobs."""

from __future__ import annotations

import threading

from core.settings import current_settings
from core.store.model_choices import ModelChoiceStore


class Store(ModelChoiceStore):
    """Everything that Cristae keeps, in one data folder and one database.

    Opening brings the database up to date and removes nothing: cleaning is the engine's (`core.engine.cleaning`). Every
    method is one short transaction; the object may be shared by threads. Records are values: ask again to see changes.

    Parameters
    ----------
    settings
        ``data_dir`` (made if absent) and the database URL count.

    Raises
    ------
    StoreError
        The database cannot be opened: locked, damaged, or newer than this version.
    StorageFullError
        The data folder cannot be made or written.
    """


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
