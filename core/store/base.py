"""What the parts of the store share: the database, the folders, ids and the clock."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from core.errors import NotFoundError, StorageFullError
from core.files import explained_os_errors, make_private, require_free_space
from core.imaging.pyramid_layout import is_complete, mark_unfinished, remove_unfinished
from core.settings import Settings
from core.store.database import Database
from core.store.holds import Holds
from core.store.presence import remember
from core.store.tables import Base, RevisionRow

Row = TypeVar("Row", bound=Base)

_AT_ONCE: Final = 400
"""Ids in one statement."""

_FEW: Final = 100
"""Ids that are asked for by name; beyond, the whole column is cheaper."""


def new_id() -> str:
    """16 hexadecimal digits: 64 random bits."""
    return uuid.uuid4().hex[:16]


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def found(session: Session, table: type[Row], row_id: str, what: str) -> Row:
    """The row with this id.

    Raises
    ------
    NotFoundError
        There is none.
    """
    row = session.get(table, row_id)
    if row is None:
        raise missing(what, row_id)
    return row


def missing(what: str, row_id: str) -> NotFoundError:
    """The error for an id that there is not."""
    return NotFoundError(
        f"There is no {what} {row_id[:40]!r}.", "It may have been deleted; reload the page and select another."
    )


class DataFolder:
    """The data folder: the database, and the folders beside it. The parts of the store share one.

    Parameters
    ----------
    settings
        ``data_dir`` and the database URL count.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        for folder in (settings.data_dir, self.images_dir, self.labels_dir, settings.uploads_dir, self.locks_dir):
            _make(folder, settings.group_files)
        self.database = Database(settings.resolved_database_url, self.locks_dir, group=settings.group_files)
        remember(settings.data_dir)
        self.holds = Holds(self.locks_dir)

    @property
    def images_dir(self) -> Path:
        """One pyramid per image, named by its id."""
        return self.settings.data_dir / "images"

    @property
    def labels_dir(self) -> Path:
        """One pyramid per revision, named by its id."""
        return self.settings.data_dir / "labels"

    @property
    def locks_dir(self) -> Path:
        """Locks between processes."""
        return self.settings.data_dir / "locks"

    def require_free_space(self, coming_bytes: int = 0) -> None:
        """Refuse what would leave less free space than the settings ask for.

        Raises
        ------
        StorageFullError
            With the numbers.
        """
        require_free_space(self.settings.data_dir, coming_bytes, keep_bytes=self.settings.min_free_bytes)

    def close(self) -> None:
        """Let go of connections and locks; what was being written counts as a leftover from now on."""
        self.holds.close()
        self.database.close()

    def remove_files(self, image_ids: Collection[str], revision_ids: Collection[str]) -> None:
        """Remove pyramids whose rows are gone."""
        for folder, ids in ((self.labels_dir, revision_ids), (self.images_dir, image_ids)):
            for pyramid_id in ids:
                remove_tree(folder / pyramid_id)

    def sweep_folder(self, folder: Path, known: Callable[[Collection[str]], set[str]]) -> int:
        """Remove what was left half-written: belongs to no row, and nobody is writing it. Returns how many.

        A complete pyramid without a row stays: the row is missing because the database is another one than before, or
        older than the folder (`core.doctor.doctor` tells).
        """
        paths = list(folder.iterdir())
        rows = known({path.name for path in paths})
        removed = 0
        for path in paths:
            if path.name in rows or is_whole(path):
                continue
            key = path.name.removeprefix(".").split(".", 1)[0] or path.name
            with self.holds.holding(key) as alone:
                if alone and not known([path.name]):
                    remove_tree(path)
                    removed += 1
        return removed

    def known(self, column: InstrumentedAttribute[str], ids: Collection[str]) -> set[str]:
        """Those of the ids that a table holds."""
        wanted = select(column)
        if len(ids) <= _FEW:
            wanted = wanted.where(column.in_(ids))
        with self.database.reading() as session:
            return set(session.scalars(wanted))


class StorePart:
    """One part of the store: what belongs to images, to revisions, ... It keeps nothing but where the data is."""

    def __init__(self, data: DataFolder) -> None:
        self._data = data


def portions(ids: Iterable[str]) -> Iterator[list[str]]:
    """Ids in lists short enough for one statement; SQLite takes 32,766, other databases fewer."""
    ordered = list(ids)
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start : start + _AT_ONCE]


def revision_ids(session: Session, image_ids: list[str]) -> list[str]:
    """The revisions of these images."""
    return list(session.scalars(select(RevisionRow.id).where(RevisionRow.image_id.in_(image_ids))))


def _make(folder: Path, group: bool) -> None:
    """Make a folder of the store, for its user alone; one that is there keeps its mode."""
    try:
        with explained_os_errors(folder):
            there = folder.is_dir()
            folder.mkdir(parents=True, exist_ok=True)
            if not there:
                make_private(folder, group)
    except (FileExistsError, NotADirectoryError) as error:
        raise StorageFullError(
            f"The data folder cannot be created: {error.filename} is a file.", "Set CRISTAE_DATA_DIR to a folder."
        ) from error
    except OSError as error:
        raise StorageFullError(
            f"The data folder {folder} cannot be created ({error.strerror}).", "Set CRISTAE_DATA_DIR to another folder."
        ) from error


def is_whole(path: Path) -> bool:
    """Whether a folder of the store is a complete pyramid, neither temporary nor on its way out."""
    return not path.name.startswith(".") and is_complete(path)


def remove_tree(path: Path) -> None:
    """Remove a file or folder; what cannot be removed now is marked, and swept later."""
    if path.is_dir():
        with suppress(OSError):
            mark_unfinished(path)
        if not remove_unfinished(path):
            shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
