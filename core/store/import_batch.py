"""Files that wait to be imported together: uploads under names that can be paired, in a folder of their own.

``<data_dir>/imports/<batch id>/images`` and ``…/labels``: as a folder on the server, so that dropped files and files
that were there before go one way from then on.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
import time
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from core.datasets.unpacking import unpack_dataset
from core.errors import DatasetError, NotFoundError
from core.files import explained_os_errors, write_json
from core.imaging.names import display_name, is_file_stem
from core.imaging.reader import case_stem
from core.settings import Access, Settings
from core.store.people import person_key
from core.store.uploads import delete_upload, find_upload

logger = logging.getLogger(__name__)

KEPT_S: Final = 7 * 24 * 3600
"""Files that no job has asked for are thrown away after a week without a change."""

_ID = re.compile(r"[0-9a-f]{32}")


class Part(StrEnum):
    """What a file is."""

    IMAGES = "images"
    LABELS = "labels"


@dataclass(frozen=True, slots=True)
class ImportBatch:
    """A folder of files that wait.

    Parameters
    ----------
    id
        32 hexadecimal digits.
    path
        The folder.
    """

    id: str
    path: Path

    def files(self, part: Part) -> tuple[Path, ...]:
        """The files of one part, sorted."""
        folder = self.path / part.value
        return tuple(sorted(folder.iterdir())) if folder.is_dir() else ()


def new_batch(settings: Settings, *, by: str = "") -> ImportBatch:
    """An empty batch of a person."""
    batch = find_batch(settings, uuid.uuid4().hex)
    with explained_os_errors(batch.path):
        for part in Part:
            (batch.path / part.value).mkdir(parents=True, exist_ok=True)
        write_json(_owner_file(settings, batch.id), {"by": by})
    return batch


def own_batch(settings: Settings, batch_id: str, *, by: str) -> ImportBatch:
    """The batch with this id, where access goes by roles only for who has dropped its files.

    Raises
    ------
    NotFoundError
        The id cannot be one, or the files are somebody else's: the names of files belong to who dropped them.
    """
    batch = find_batch(settings, batch_id)
    if settings.access is Access.ROLES and person_key(_owner(settings, batch.id)) != person_key(by):
        raise NotFoundError(f"You have no batch {batch_id!r}.", "Drop the files again.")
    return batch


def _owner(settings: Settings, batch_id: str) -> str:
    """Who has dropped its files; "" where nobody said, or an earlier version kept no word of it."""
    try:
        return str(json.loads(_owner_file(settings, batch_id).read_text("utf-8"))["by"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def find_batch(settings: Settings, batch_id: str) -> ImportBatch:
    """The batch with this id; it may be empty.

    Raises
    ------
    NotFoundError
        The id cannot be one.
    """
    if not _ID.fullmatch(batch_id):
        raise NotFoundError(f"There is no batch {batch_id[:40]!r}.", "Drop the files again.")
    return ImportBatch(batch_id, _root(settings) / batch_id)


def take_upload(settings: Settings, batch: ImportBatch, upload_id: str, part: Part) -> Path:
    """Move an upload into a batch, under its own name as far as that can be a file's; a file of that name is replaced.

    The zip of a dataset folder among the images is unpacked; then the batch is that dataset folder.

    Raises
    ------
    NotFoundError
        There is no such upload.
    DatasetError
        Nothing of its name can be used, or it is another kind of zip; then the upload is deleted.
    """
    upload = find_upload(settings, upload_id)
    if part is Part.IMAGES and upload.name.lower().endswith(".zip"):
        try:
            unpack_dataset(upload.path, batch.path, name=upload.name, min_free_bytes=settings.min_free_bytes)
        finally:
            delete_upload(settings, upload_id)
        return batch.path
    target = batch.path / part.value / safe_name(upload.name)
    with explained_os_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        upload.path.replace(target)
    delete_upload(settings, upload_id)
    return target


def safe_name(name: str) -> str:
    """A client's file name with everything replaced that a file's name may not have.

    Raises
    ------
    DatasetError
        Nothing is left.

    Examples
    --------
    >>> safe_name("liver: 1.tif")
    'liver_ 1.tif'
    """
    cleaned = re.sub(r'[<>:"/\\|?*]', "_", display_name(name))
    if not is_file_stem(case_stem(Path(cleaned))) or cleaned.startswith("."):
        raise DatasetError(
            f"The file name {name[:80]!r} is invalid.", "Use letters and digits in the name and drop the file again."
        )
    return cleaned


def discard_batch(settings: Settings, batch_id: str) -> None:
    """Delete a batch with its files; nothing happens when it is gone."""
    if _ID.fullmatch(batch_id):
        shutil.rmtree(_root(settings) / batch_id, ignore_errors=True)
        _owner_file(settings, batch_id).unlink(missing_ok=True)


def clean_batches(settings: Settings, *, keep: Collection[str] = (), older_than_s: float = KEPT_S) -> int:
    """Delete batches that nothing was added to for so long, except those whose ids are to be kept. Returns how many."""
    if not _root(settings).is_dir():
        return 0
    limit = time.time() - older_than_s
    old = [
        path for path in _root(settings).iterdir() if path.is_dir() and path.name not in keep and _newest(path) < limit
    ]
    for path in old:
        discard_batch(settings, path.name)
    return len(old)


def _newest(folder: Path) -> float:
    """When something was last put into it."""
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    except OSError as error:
        logger.warning("batch %s: %s", folder.name, error)
        return time.time()


def _owner_file(settings: Settings, batch_id: str) -> Path:
    """Beside the folder: what is in it may be a dataset folder of somebody's."""
    return _root(settings) / f"{batch_id}.json"


def _root(settings: Settings) -> Path:
    return settings.data_dir / "imports"
