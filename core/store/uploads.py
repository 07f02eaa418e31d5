"""Files that have arrived from browsers and wait for the job that reads them."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import NotFoundError
from core.settings import Settings

logger = logging.getLogger(__name__)

LEFTOVER_AGE_S: Final = 24 * 3600
"""An upload that no job has asked for after a day is thrown away."""

PARTIAL_AGE_S: Final = 3600
"""What is left of an upload after the server was killed in the middle of it; nobody goes on with it."""

_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that has arrived whole.

    Parameters
    ----------
    id
        32 hexadecimal digits.
    name
        What the client called it: a label for people, never a path.
    path
        Where its bytes are.
    size_bytes
        Its length.
    """

    id: str
    name: str
    path: Path
    size_bytes: int


def find_upload(settings: Settings, upload_id: str) -> Upload:
    """The upload with this id.

    Raises
    ------
    NotFoundError
        Unknown, not finished, or already cleaned away.
    """
    folder = settings.uploads_dir
    note = folder / f"{upload_id}.json"
    if not _ID.fullmatch(upload_id) or not note.is_file():
        raise NotFoundError(
            f"There is no upload {upload_id[:40]!r}.", ("Uploads are kept for a day; upload the file again.")
        )
    details = json.loads(note.read_text(encoding="utf-8"))
    return Upload(upload_id, details["name"], folder / f"{upload_id}.upload", details["bytes"])


def delete_upload(settings: Settings, upload_id: str) -> None:
    """Forget an upload and its bytes; nothing happens when it is gone already."""
    if _ID.fullmatch(upload_id):
        for suffix in (".json", ".upload"):
            (settings.uploads_dir / f"{upload_id}{suffix}").unlink(missing_ok=True)


def clean_leftovers(settings: Settings, *, keep: Collection[str] = (), older_than_s: float = LEFTOVER_AGE_S) -> int:
    """Delete uploads, and downloads that nobody fetched to their end, after ``older_than_s``.

    Parameters
    ----------
    keep
        Ids of uploads that stay, however old: `core.engine.leftovers` knows which ones jobs need.

    Returns
    -------
    int
        Files deleted.
    """
    folders = [folder for folder in (settings.uploads_dir, settings.downloads_dir) if folder.is_dir()]
    deleted = 0
    for path in [path for folder in folders for path in folder.iterdir()]:
        limit = time.time() - (min(PARTIAL_AGE_S, older_than_s) if path.suffix == ".partial" else older_than_s)
        try:
            if path.stem not in keep and path.is_file() and path.stat().st_mtime < limit:
                path.unlink()
                deleted += 1
        except OSError as error:
            logger.warning("leftover %s stays: %s", path.name, error)
    return deleted
