"""Deleted models, kept for a while: one rename takes a model out, one brings it back."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from core.errors import ModelError, NotFoundError
from core.files import explained_os_errors
from core.models.card import check_id, read_json
from core.models.stored_model import CARD_FILE

TRASH_FOLDER: Final = ".trash"

TRASH_DAYS: Final = 30
"""After this a trashed model is gone for good."""

_NAME: Final = re.compile(r"(?P<id>[^~]+)~(?P<ms>\d{1,15})")


@dataclass(frozen=True, slots=True)
class TrashedModel:
    """A model in the trash.

    Parameters
    ----------
    id
        As it was in the store.
    name
        As shown; the id where the card cannot be read.
    path
        Its folder in the trash.
    trashed_at
        When, UTC.
    """

    id: str
    name: str
    path: Path
    trashed_at: datetime

    @property
    def days_left(self) -> int:
        """Whole days until it is removed."""
        return max(0, TRASH_DAYS - (datetime.now(UTC) - self.trashed_at).days)


class ModelTrash:
    """The trash of one model store. The folder's name says what it was and when, so that a rename is all it takes."""

    def __init__(self, models_dir: Path) -> None:
        self._models_dir = models_dir
        self._folder = models_dir / TRASH_FOLDER

    def items(self) -> tuple[TrashedModel, ...]:
        """Everything in it, newest first."""
        found = []
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            match = _NAME.fullmatch(path.name)
            if match and path.is_dir():
                when = datetime.fromtimestamp(int(match["ms"]) / 1000, UTC)
                found.append(TrashedModel(match["id"], _shown_name(path, match["id"]), path, when))
        return tuple(sorted(found, key=lambda item: item.trashed_at, reverse=True))

    def put(self, model_id: str) -> TrashedModel:
        """Move a model's folder here.

        Raises
        ------
        NotFoundError
            There is no such model.
        """
        folder = self._models_dir / check_id(model_id)
        if not folder.is_dir():
            raise NotFoundError(f"There is no model {model_id!r}.", f"Check {self._models_dir}.")
        stamp = time.time_ns() // 1_000_000
        target = self._folder / f"{model_id}~{stamp}"
        with explained_os_errors(folder):
            self._folder.mkdir(exist_ok=True)
            folder.rename(target)
        return TrashedModel(model_id, _shown_name(target, model_id), target, datetime.fromtimestamp(stamp / 1000, UTC))

    def take(self, model_id: str) -> None:
        """Move the newest of this id back.

        Raises
        ------
        NotFoundError
            There is none.
        ModelError
            Another model has the id now.
        """
        item = next((item for item in self.items() if item.id == model_id), None)
        if item is None:
            raise NotFoundError(
                f"The trash contains no model {model_id!r}.",
                (f"Models are permanently deleted after {TRASH_DAYS} days."),
            )
        target = self._models_dir / item.id
        if target.exists():
            raise ModelError(
                f"Another model in the store has the id {item.id!r}.",
                ("Delete that model first, then restore this one."),
            )
        with explained_os_errors(target):
            item.path.rename(target)

    def purge(self) -> int:
        """Remove for good what is past its time.

        Returns
        -------
        int
            How many.
        """
        old = [item for item in self.items() if (datetime.now(UTC) - item.trashed_at).days >= TRASH_DAYS]
        for item in old:
            shutil.rmtree(item.path, ignore_errors=True)
        return len(old)


def _shown_name(folder: Path, model_id: str) -> str:
    """The card's name, whatever else is wrong with the model."""
    try:
        card = read_json(folder / CARD_FILE)
    except ModelError:
        return model_id
    name = card.get("name") if isinstance(card, dict) else None
    return name if isinstance(name, str) and name else model_id
