"""A file from the network, whole or not at all: it goes on after a cut, and counts only once its checksum is right.

::

    <folder>/<name>.part        what has come so far
    <folder>/<name>.part.json   of which version of the file: address, ETag or date, size
    <folder>/<name>             the whole file, checked

A part is gone on with by ``Range`` and ``If-Range``, so that a server whose file has changed sends the new one from its
beginning. Where the server gives neither ETag nor date, the download begins anew.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.errors import FetchDelayedError, FetchError, JobCancelledError
from core.files import explained_os_errors, write_json
from core.remote.addresses import Reach, shown
from core.remote.part_file import PartNote, note_path, part_path, read_note
from core.remote.requests import Answer, opened
from core.wording import counted

CHUNK_BYTES: Final = 256 * 1024
"""Read at a time: between two chunks a wish to stop is seen."""

MOST_UNKNOWN_BYTES: Final = 64 * 1024**3
"""Of a file whose size nobody says."""

_ATTEMPTS: Final = 6
"""In a row without a byte, until it is given up."""

_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 300.0
"""A server that asks for a longer pause is not waited for: the person is told."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file at an address.

    Parameters
    ----------
    url
        Where it is.
    name
        What it is called here; a plain file name.
    size_bytes
        As the catalogue says it; None where it does not.
    sha256, md5
        Hexadecimal; "" where the catalogue does not say.
    """

    url: str
    name: str
    size_bytes: int | None = None
    sha256: str = ""
    md5: str = ""


Received = Callable[[int, "int | None"], object]
"""Takes the bytes that are here and those of the whole file (None while unknown)."""

Stop = Callable[[], bool]
Sleep = Callable[[float], object]


def download(
    file: RemoteFile,
    folder: Path,
    reach: Reach,
    *,
    on_received: Received | None = None,
    on_wait: Callable[[str], object] | None = None,
    should_stop: Stop = lambda: False,
    sleep: Sleep = time.sleep,
) -> Path:
    """Fetch a file, or what is missing of it.

    Parameters
    ----------
    file
        What is wanted.
    folder
        Made if it is missing; parts of earlier attempts in it are gone on with.
    reach
        Which addresses may be asked.
    on_received
        Told after each chunk.
    on_wait
        Told a sentence before each pause.
    should_stop
        Asked between chunks and in pauses; what has come stays in the folder.
    sleep
        Waits for so many seconds.

    Returns
    -------
    Path
        The whole file, checked.

    Raises
    ------
    FetchError
        The server refuses, or gives another file than the catalogue says.
    FetchDelayedError
        It gave up after several attempts; what has come is kept.
    JobCancelledError
        ``should_stop`` said so.
    StorageFullError
        The disk is full.
    """
    whole = folder / file.name
    with explained_os_errors(whole):
        folder.mkdir(parents=True, exist_ok=True)
        if whole.is_file() and _fits(whole, file):
            _tell(on_received, whole.stat().st_size, whole.stat().st_size)
            return whole
        patience = _Patience(on_wait, should_stop, sleep)
        anew = False
        while True:
            pieced = _complete(file, folder, reach, on_received, should_stop, patience)
            part = part_path(folder, file.name)
            wrong = _difference(part, file)
            if not wrong:
                part.replace(whole)
                note_path(folder, file.name).unlink(missing_ok=True)
                return whole
            _forget(folder, file.name)
            if anew or not pieced:
                raise FetchError(
                    f"{file.name} from {shown(file.url)} is not the file that the catalogue describes: {wrong}. "
                    "It was deleted.",
                    "The file was changed or the catalogue is wrong: look at the source page.",
                )
            anew = True  # its parts may be of two versions: once more from the beginning


def _complete(
    file: RemoteFile, folder: Path, reach: Reach, on_received: Received | None, should_stop: Stop, patience: _Patience
) -> bool:
    """Fetch until the part is whole, with pauses; whether it came in several pieces."""
    pieced = False
    while True:
        before = _part_size(folder, file)
        try:
            return _attempt(file, folder, reach, on_received, should_stop) or pieced
        except FetchDelayedError as error:
            got_on = _part_size(folder, file) > before
            pieced = pieced or got_on
            patience.wait(error, got_on=got_on)


def _attempt(file: RemoteFile, folder: Path, reach: Reach, on_received: Received | None, should_stop: Stop) -> bool:
    """One request and its body; whether it went on from an earlier part."""
    part, note = part_path(folder, file.name), read_note(folder, file.name)
    have = part.stat().st_size if part.is_file() else 0
    if note is None or note.url != file.url or not note.version:
        have = 0
    if have and have == (file.size_bytes if file.size_bytes is not None else note.size_bytes if note else None):
        return True
    asking = {"Range": f"bytes={have}-", "If-Range": note.version} if have and note else {}
    try:
        with opened(file.url, reach, asking, should_stop=should_stop) as answer:
            start, total = _extent(answer, have)
            _check_total(file, answer, total)
            if not start:
                write_json(note_path(folder, file.name), PartNote(file.url, _version(answer), total).to_json())
            elif note is not None and note.size_bytes is not None and total != note.size_bytes:
                raise _Restart
            _receive(answer, part, start, total, on_received, should_stop)
            return bool(start)
    except _Restart:
        _forget(folder, file.name)
        raise FetchDelayedError(f"{file.name} has changed on the server.", "Start again.") from None


class _Restart(Exception):
    """What is here does not belong to what the server has now."""


def _extent(answer: Answer, have: int) -> tuple[int, int | None]:
    """Where the body begins in the file, and how long the file is."""
    if answer.status == 200:
        return 0, answer.length
    text = answer.headers.get("content-range", "")
    kind, _, rest = text.partition(" ")
    span, _, total = rest.partition("/")
    begin, _, end = span.partition("-")
    if kind != "bytes" or not (begin.isdigit() and end.isdigit() and total.isdigit()):
        raise _Restart
    if int(begin) != have or int(end) != int(total) - 1:
        raise _Restart
    return have, int(total)


def _check_total(file: RemoteFile, answer: Answer, total: int | None) -> None:
    """Refuse a file of another size than the catalogue says, before anything of it is written.

    Raises
    ------
    FetchError
        Both sizes are named.
    """
    if file.size_bytes is not None and total is not None and total != file.size_bytes:
        raise FetchError(
            f"{shown(answer.url)} has {total:,} bytes, but the catalogue says {file.size_bytes:,}.",
            "The file was changed or the catalogue is wrong: look at the source page.",
        )


def _receive(
    answer: Answer, part: Path, start: int, total: int | None, on_received: Received | None, should_stop: Stop
) -> None:
    """Write the body behind what is there.

    Raises
    ------
    FetchError
        More comes than was announced.
    FetchDelayedError
        Less comes.
    """
    most = MOST_UNKNOWN_BYTES if total is None else total
    have = start
    with part.open("r+b" if start else "wb") as handle:
        handle.seek(start)
        handle.truncate()
        _tell(on_received, have, total)
        while chunk := answer.read(CHUNK_BYTES):
            have += len(chunk)
            if have > most:
                raise FetchError(
                    f"{shown(answer.url)} sends more than the announced {counted(most, 'byte')}.",
                    "Do not fetch from there.",
                )
            handle.write(chunk)
            _tell(on_received, have, total)
            if should_stop():
                raise JobCancelledError("The download was stopped.")
        handle.flush()
        os.fsync(handle.fileno())
    if total is not None and have < total:
        raise FetchDelayedError(f"{shown(answer.url)} ended after {have:,} of {total:,} bytes.", "Try again.")


class _Patience:
    """Pauses between attempts: longer each time, as long as the server asks for, and not for ever."""

    def __init__(self, on_wait: Callable[[str], object] | None, should_stop: Stop, sleep: Sleep) -> None:
        self._on_wait, self._should_stop, self._sleep = on_wait, should_stop, sleep
        self._failures = 0

    def wait(self, error: FetchDelayedError, *, got_on: bool) -> None:
        """Pause before the next attempt.

        Raises
        ------
        FetchDelayedError
            The given one: it has been tried often enough, or the server asks for too long a pause.
        JobCancelledError
            Somebody asked to stop meanwhile.
        """
        if self._should_stop():
            raise JobCancelledError("The download was stopped.")
        self._failures = 1 if got_on else self._failures + 1
        own_s = min(_FIRST_WAIT_S * 2 ** (self._failures - 1), _LONGEST_WAIT_S)
        pause_s = own_s if error.wait_s is None else max(error.wait_s, own_s)
        if self._failures >= _ATTEMPTS or pause_s > _LONGEST_WAIT_S:
            asked = f" The server asks to wait for {error.wait_s / 60:.0f} min." if error.wait_s else ""
            raise FetchDelayedError(
                f"{error.cause}{asked}", f"{error.remedy} What has arrived is kept: the download continues from there."
            ) from error
        if self._on_wait is not None:
            self._on_wait(f"{error.cause} Next attempt in {pause_s:.0f} s.")
        for step_s in _steps(pause_s):
            if self._should_stop():
                raise JobCancelledError("The download was stopped.")
            self._sleep(step_s)


def _steps(pause_s: float) -> Iterator[float]:
    """A pause in parts after which somebody may have asked to stop."""
    while pause_s > 0:
        yield min(0.25, pause_s)
        pause_s -= 0.25


def _version(answer: Answer) -> str:
    """What names the version of a file for ``If-Range``: a strong ETag, else the date; "" where there is none."""
    tag = answer.headers.get("etag", "")
    if tag.startswith('"'):
        return tag
    return "" if tag else answer.headers.get("last-modified", "")


def _part_size(folder: Path, file: RemoteFile) -> int:
    part = part_path(folder, file.name)
    return part.stat().st_size if part.is_file() else 0


def _fits(path: Path, file: RemoteFile) -> bool:
    return not _difference(path, file)


def _difference(path: Path, file: RemoteFile) -> str:
    """How a file differs from what the catalogue says; "" where it does not."""
    size = path.stat().st_size
    if file.size_bytes is not None and size != file.size_bytes:
        return f"it has {size:,} bytes instead of {file.size_bytes:,}"
    for method, wanted in (("sha256", file.sha256), ("md5", file.md5)):
        if wanted and digest(path, method) != wanted.lower():
            return f"its {method.upper()} checksum differs"
    return ""


def digest(path: Path, method: str = "sha256") -> str:
    """The checksum of a file, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.new(method, usedforsecurity=False)).hexdigest()


def _forget(folder: Path, name: str) -> None:
    part_path(folder, name).unlink(missing_ok=True)
    note_path(folder, name).unlink(missing_ok=True)


def _tell(on_received: Received | None, have: int, total: int | None) -> None:
    if on_received is not None:
        on_received(have, total)


def fetched_bytes(url: str, reach: Reach, *, most: int, headers: dict[str, str] | None = None) -> bytes:
    """A small file, at once and in memory.

    Parameters
    ----------
    url, reach
        As for `download`.
    most
        Bytes that are taken at most.
    headers
        Further ones of the request.

    Raises
    ------
    FetchError
        It is larger, or the server refuses it.
    FetchDelayedError
        Not at this moment.
    """
    parts: list[bytes] = []
    with opened(url, reach, headers) as answer:
        size: Any = answer.length or 0
        while size <= most and (chunk := answer.read(min(CHUNK_BYTES, most + 1))):
            parts.append(chunk)
            size = sum(map(len, parts))
        if size > most:
            raise FetchError(f"{shown(url)} has more than {most:,} bytes.", "It is not what was expected there.")
    return b"".join(parts)
