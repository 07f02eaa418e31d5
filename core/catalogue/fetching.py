"""Fetching the files of an entry, or finding them in a folder, and making models of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.catalogue.catalogue import reach_of
from core.catalogue.entry import CatalogueFile, Entry
from core.catalogue.taking_in import Taken, take_in
from core.errors import CatalogueError, FetchError
from core.files import require_free_space
from core.models.card import ModelSource
from core.models.store import ModelStore
from core.outside.links import entries, is_plain_file
from core.remote.download import RemoteFile, digest, download
from core.settings import Settings
from core.wording import counted

FETCH_SHARE: Final = 0.85
"""Of the progress bar; the rest is the trial of the models."""

MOST_BROUGHT: Final = 50
"""Zips of a folder that are taken in at once."""

Progress = Callable[[float, str, "float | None"], object]
"""Takes the fraction done, a sentence, and the seconds left (None while unknown)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Who has accepted what.

    Parameters
    ----------
    licence
        As it was shown.
    by, at
        Who ("" where nobody said), and when (ISO 8601, UTC).
    """

    licence: str
    by: str
    at: str


def require_fetching(settings: Settings) -> None:
    """Refuse where the administrator has switched it off.

    Raises
    ------
    FetchError
        They have.
    """
    if not settings.fetching:
        raise FetchError(
            "Fetching from the network is switched off on this server (CRISTAE_FETCHING).",
            "Bring the files in a folder, or ask the server's administrator.",
        )


def fetch_files(
    entry: Entry,
    folder: Path,
    settings: Settings,
    progress: Progress,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], object] = time.sleep,
) -> dict[str, Path]:
    """Fetch what is missing of an entry's files.

    Parameters
    ----------
    folder
        Where they lie, whole or in parts.
    progress
        Told while bytes arrive, up to `FETCH_SHARE`.
    should_stop, sleep
        As of `core.remote.download.download`.

    Returns
    -------
    dict
        Name to checked file.

    Raises
    ------
    FetchError, FetchDelayedError, JobCancelledError
        As `download`.
    StorageFullError
        The disk has not enough room for all of it.
    """
    require_fetching(settings)
    folder.mkdir(parents=True, exist_ok=True)
    coming = sum(_missing_bytes(folder, file) for file in entry.files)
    require_free_space(folder, coming, keep_bytes=settings.min_free_bytes)
    bar = _Bar(entry, folder, settings, progress)
    reach = reach_of(settings)
    found = {}
    for file in entry.files:
        wanted = RemoteFile(file.url, file.name, file.size_bytes, file.sha256, file.md5)
        bar.begin(file)
        found[file.name] = download(
            wanted,
            folder,
            reach,
            on_received=bar.received,
            on_wait=bar.waiting,
            should_stop=should_stop,
            sleep=sleep,
        )
        bar.end(found[file.name])
    return found


def find_files(entry: Entry, folder: Path, progress: Progress) -> dict[str, Path]:
    """The files of an entry in a folder that somebody has brought, each checked.

    Parameters
    ----------
    folder
        Holds them under their own names. Where only its record knows the files, every zip in it is taken.

    Returns
    -------
    dict
        Name to file.

    Raises
    ------
    CatalogueError
        Files are missing, are links, or differ from what the catalogue says: all of them are named.
    """
    if not folder.is_dir():
        raise CatalogueError(f"{folder} is not a folder on this machine.", "Check the path.")
    if entry.needs_look_up:
        zips = [path for path in entries(folder).files if path.suffix.lower() == ".zip"]
        if not zips or len(zips) > MOST_BROUGHT:
            raise CatalogueError(
                f"{folder} contains {counted(len(zips), 'zip file')}.",
                f"Put the zip files of {entry.source_url or entry.record_url} into it, at most {MOST_BROUGHT}.",
            )
        return {path.name: path for path in zips}
    found, wrong = {}, []
    for number, file in enumerate(entry.files):
        progress(FETCH_SHARE * number / len(entry.files), f"checking {file.name}", None)
        path = folder / file.name
        problem = _problem(path, file)
        if problem:
            wrong.append(f"{file.name} {problem}")
        found[file.name] = path
    if wrong:
        raise CatalogueError(
            f"{folder} does not hold the files of {entry.name}: {'; '.join(wrong)}.",
            "Copy these files into it again, under these names: " + ", ".join(file.url for file in entry.files),
        )
    return found


def make_models(
    entry: Entry,
    files: Mapping[str, Path],
    models: ModelStore,
    settings: Settings,
    accepted: Acceptance,
    progress: Progress,
    *,
    project_id: str = "",
    fetch_id: str = "",
    brought: bool = False,
) -> Taken:
    """Make models of fetched or brought files; see `take_in`.

    Parameters
    ----------
    accepted
        Goes into their cards.
    fetch_id
        Of the job; "" for none.
    brought
        Whether somebody has brought the files, so that they came from no address.
    """
    models.models_dir.mkdir(parents=True, exist_ok=True)
    coming = sum(path.stat().st_size for path in files.values())
    require_free_space(models.models_dir, coming, keep_bytes=settings.min_free_bytes)
    source = ModelSource(
        entry_id=entry.id,
        files={name: digest(path) for name, path in files.items()},
        urls=() if brought else tuple(file.url for file in entry.files),
        licence=accepted.licence,
        licence_url=entry.licence_url,
        citation=entry.citation,
        citation_url=entry.citation_url,
        source_url=entry.source_url,
        accepted_by=accepted.by,
        accepted_at=accepted.at,
        fetch_id=fetch_id,
    )

    def told(fraction: float, message: str) -> None:
        progress(FETCH_SHARE + (1 - FETCH_SHARE) * fraction, message, None)

    return take_in(entry, files, models, source, project_id=project_id, on_progress=told)


def _problem(path: Path, file: CatalogueFile) -> str:
    """Why a file in a folder is not the one that is wanted; "" where it is."""
    if not path.exists():
        return "is missing"
    if not is_plain_file(path):
        return "is a link or no file"
    size = path.stat().st_size
    if file.size_bytes is not None and size != file.size_bytes:
        return f"has {size:,} bytes instead of {file.size_bytes:,}"
    if file.sha256 and digest(path) != file.sha256:
        return "has another SHA-256 checksum"
    return "has another MD5 checksum" if file.md5 and digest(path, "md5") != file.md5 else ""


def _missing_bytes(folder: Path, file: CatalogueFile) -> int:
    """What is still to come of a file, as far as anybody knows."""
    if (folder / file.name).is_file() or file.size_bytes is None:
        return 0
    part = folder / f"{file.name}.part"
    return max(0, file.size_bytes - (part.stat().st_size if part.is_file() else 0))


class _Bar:
    """How far a fetch of several files is, and how long it will take at the pace of this attempt."""

    def __init__(self, entry: Entry, folder: Path, settings: Settings, progress: Progress) -> None:
        self._entry, self._folder, self._settings, self._progress = entry, folder, settings, progress
        self._sizes = {file.name: file.size_bytes for file in entry.files}
        self._done_bytes = 0
        self._began_s = time.monotonic()
        self._first: int | None = None
        self._arrived_bytes = 0
        self._name = ""

    def begin(self, file: CatalogueFile) -> None:
        """A file is asked for."""
        self._name, self._first = file.name, None

    def received(self, have: int, total: int | None) -> None:
        """So much of it is here."""
        if self._first is None:
            self._first = have
            if self._sizes[self._name] is None and total is not None:  # nobody could check the disk before
                self._sizes[self._name] = total
                require_free_space(self._folder, total - have, keep_bytes=self._settings.min_free_bytes)
        arrived = self._arrived_bytes + max(0, have - self._first)
        self._say(self._done_bytes + have, arrived, f"fetching {self._name}: {_megabytes(have, total)}")

    def end(self, path: Path) -> None:
        """The file is whole."""
        size = path.stat().st_size
        self._arrived_bytes += max(0, size - (self._first or 0))
        self._sizes[self._name] = size
        self._done_bytes += size

    def waiting(self, why: str) -> None:
        """The server does not answer for now."""
        self._progress(self._fraction(self._done_bytes), why, None)

    def _say(self, here: int, arrived: int, message: str) -> None:
        total, took_s = self._total(), time.monotonic() - self._began_s
        left_s = took_s / arrived * (total - here) if arrived and total is not None else None
        self._progress(self._fraction(here), message, left_s)

    def _fraction(self, here: int) -> float:
        total = self._total()
        if total:
            return FETCH_SHARE * min(1.0, here / total)
        names = list(self._sizes)
        return FETCH_SHARE * names.index(self._name) / len(names) if self._name else 0.0

    def _total(self) -> int | None:
        sizes = [size for size in self._sizes.values() if size is not None]
        return sum(sizes) if len(sizes) == len(self._sizes) else None


def _megabytes(have: int, total: int | None) -> str:
    of = "" if total is None else f" of {total / 1e6:,.1f}"
    return f"{have / 1e6:,.1f}{of} MB"
