"""What the engine removes, at its start and every hour; nothing else of Cristae deletes files by looking at them.

Only the engine cleans, for it alone knows that nobody else does: it holds the lock of its data folder. Opening the
store, a command or a page changes nothing, so that a backup that is looked at stays whole.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Final

from core.engine.leftovers import sweep_leftovers
from core.models.store import ModelStore
from core.scratch import sweep_scratch
from core.store.store import Store

_HALF_MADE: Final = (".partial", ".deleted", ".old")
"""How folders in the model store end that are on their way in or out."""

_HALF_MADE_AGE_S: Final = 24 * 3600
"""Copying a model takes minutes; one that is so old has been left behind."""

_DATA_DEPTH: Final = 2
"""Files are made beside labels/ID/…, training/ID/…, exports/ID/…; the chunks of a pyramid lie deeper."""

_MODELS_DEPTH: Final = 1


def clean(store: Store) -> int:
    """Remove what is past its time: trash, half-written files of dead processes, uploads and downloads.

    Returns
    -------
    int
        How many things.
    """
    models = ModelStore(store.settings.models_dir)
    removed = store.trash.purge() + models.purge_trash() + _sweep_models(models.models_dir)
    return removed + sweep_half_made(store) + sweep_leftovers(store)


def sweep_half_made(store: Store) -> int:
    """Remove what processes that are gone have left half-written, however young it is.

    Returns
    -------
    int
        How many things.
    """
    settings = store.settings
    removed = store.sweep() + sweep_scratch()
    for root, depth in ((settings.data_dir, _DATA_DEPTH), (settings.models_dir, _MODELS_DEPTH)):
        removed += sum(sweep_scratch(folder) for folder in _folders(root, depth))
    return removed


def _folders(root: Path, depth: int) -> list[Path]:
    """A folder and those in it down to some depth; the half-written ones are not looked into."""
    found, level = [root], [root]
    for _ in range(depth):
        level = [
            Path(entry.path)
            for folder in level
            for entry in _entries(folder)
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
        ]
        found += level
    return found


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder; nothing where it is gone meanwhile."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _sweep_models(folder: Path) -> int:
    """What broken-off imports and deletions have left in the model store."""
    limit = time.time() - _HALF_MADE_AGE_S
    old = [
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.name.startswith(".") and path.suffix in _HALF_MADE and path.stat().st_mtime < limit
    ]
    for path in old:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(old)
