"""The starter model that comes with the program, for stores that stand elsewhere and are empty."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from core.errors import ModelError
from core.models.store import STARTER_ID, ModelStore
from core.models.stored_model import StoredModel, open_model
from core.program import INSTALLED, ROOT
from core.settings import Settings

SHIPPED_STARTER: Final = ROOT / "models" / STARTER_ID


def shipped_starter(folder: Path = SHIPPED_STARTER) -> StoredModel | None:
    """The starter beside the program, None where it is not shipped or cannot be used."""
    try:
        return open_model(folder)
    except (ModelError, OSError):
        return None


def add_starter(store: ModelStore, folder: Path = SHIPPED_STARTER) -> StoredModel:
    """Copy the starter into a store, all or nothing; one that is there already stays.

    Raises
    ------
    ModelError
        It is not shipped, or what has its id in the store cannot be used.
    StorageFullError
        The store cannot be written.
    """
    held = next((model for model in store.list() if model.id == STARTER_ID), None)
    return held or store.add(folder, model_id=STARTER_ID)


def provide_starter(settings: Settings, folder: Path = SHIPPED_STARTER, *, installed: bool = INSTALLED) -> None:
    """Let the model store of a new installation begin with the starter.

    In a checkout the starter is in the store from the beginning. An installed program cannot be written to: its starter
    is copied when the store's folder is not there yet, and never again.

    Raises
    ------
    StorageFullError
        The store cannot be written.
    """
    if installed and not settings.models_dir.exists() and shipped_starter(folder) is not None:
        add_starter(ModelStore(settings.models_dir), folder)
