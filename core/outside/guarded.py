"""Work on files from outside, in a process of its own that may be stopped.

`guarded(function, arguments...)` runs a function of ours in a child process and gives back what it returns. The child
is kept for the next call (starting one takes about a second), and is ended and replaced when it uses more memory than
allowed, does not get on, or crashes. Errors of our tree come through with cause and remedy; everything else becomes an
`ImageError` with an id under which the log says more.

Arguments and results are plain values, dataclasses, paths, enums: they travel as JSON, checked against the function's
annotations, never as pickles. An array, alone or as the last of a tuple, travels as a raw file that is mapped here.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import uuid
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import numpy as np
import psutil

from core import errors
from core.errors import CristaeError, ImageError
from core.outside.child import Child, ChildGoneError, is_guarded_process
from core.outside.wire import decode_result, encode_arguments, name_of
from core.scratch import marked, scratch_folder
from core.settings import available_threads

logger = logging.getLogger(__name__)

MIB: Final = 1024**2
GIB: Final = 1024**3

_LOOK_EVERY_S: Final = 0.1
"""How often memory and processor time of a working child are looked at."""

_START_WITHIN_S: Final = 120.0
"""A new child imports what it needs first: a second, on a busy machine and a slow disk much more."""

_IDLE_S: Final = 90.0
"""A child that nobody needs for so long ends, so that its 100 MB are free."""

_MOST_CHILDREN: Final = max(2, min(4, available_threads()))
"""At a time in one process; who comes then waits."""

_SHARE_OF_MEMORY: Final = 0.8
"""Of the machine's memory, that a child may use at most, whatever it is allowed."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a call may take.

    Parameters
    ----------
    memory_bytes
        Of the child, beyond what it needs when idle.
    busy_s
        Processor seconds without progress: a loop that never ends uses them up, on a busy machine too.
    wall_s
        Seconds without progress, busy or not: a disk that does not answer.
    """

    memory_bytes: int = 2 * GIB
    busy_s: float = 20.0
    wall_s: float = 180.0


@dataclass(frozen=True, slots=True)
class Subject:
    """What is worked on, for messages.

    Parameters
    ----------
    name
        Of the file: "a.tif".
    error
        The class of the error for what was not foreseen.
    """

    name: str = "The file"
    error: type[CristaeError] = ImageError


def guarded(
    function: Callable[P, T],
    *arguments: P.args,
    **named: P.kwargs,
) -> T:
    """Run a function in a guarded child with the usual limits; see `guarded_with`."""
    return guarded_with(Limits(), Subject(), function, *arguments, **named)


def guarded_with(
    limits: Limits, subject: Subject, function: Callable[P, T], *arguments: P.args, **named: P.kwargs
) -> T:
    """Run a function in a guarded child.

    Parameters
    ----------
    limits
        What it may take. `report_progress`, called by the function, starts the time without progress anew.
    subject
        What it works on, for messages.
    function
        Of a module of ours, annotated. Its result may be an array or a tuple that ends with one; such an array is
        read-only and lies in a file that is gone with it.
    arguments, named
        As annotated.

    Raises
    ------
    CristaeError
        What the function raised; or, as ``subject.error``: it took too much memory or time, crashed, or ended in an
        error that nobody foresaw.

    Notes
    -----
    Within a guarded process the function is simply called: it is guarded already, by the limits of the first call.
    """
    if is_guarded_process():
        return function(*arguments, **named)
    request: dict[str, Any] = {"call": name_of(function), "arguments": encode_arguments(function, arguments, named)}
    with suppress(OSError):
        request["works_in"] = str(Path.cwd())
    with scratch_folder("guarded") as folder:
        request["folder"] = str(folder)
        answer = _POOL.answer(request, limits, subject)
        if "error" in answer:
            raise _known_error(answer["error"])
        if "no_memory" in answer:
            raise _stopped(subject, _too_much_memory(_allowed_bytes(limits)))
        if "unexpected" in answer:
            raise _unexpected(subject, answer["unexpected"])
        array = _mapped(answer["array"]) if answer.get("array") else None
    result: T = decode_result(function, answer["values"], array)
    return result


def end_children() -> None:
    """End every child that is idle; those that work end with their call."""
    _POOL.close()


class _Pool:
    """The children of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(_MOST_CHILDREN)
        self._idle: list[tuple[Child, float]] = []
        self._sweeper: threading.Timer | None = None

    def answer(self, request: dict[str, Any], limits: Limits, subject: Subject) -> dict[str, Any]:
        """Have a child answer; it is idle again afterwards, or ended where anything went wrong."""
        with self._places:
            child = self._at_work(request, limits)
            try:
                answer = _watched(child, limits, subject)
            except BaseException:
                child.end()
                raise
            self._give_back(child)
            return answer

    def _at_work(self, request: dict[str, Any], limits: Limits) -> Child:
        """A child that has begun with the request. One that ended while it was idle is no fault of the file."""
        while True:
            child, is_new = self._take()
            try:
                child.send({**request, "memory_bytes": _allowed_bytes(limits)})
                if child.receive(_START_WITHIN_S) is not None:  # says that it begins
                    return child
            except ChildGoneError as gone:
                child.end()
                if is_new:
                    raise ImageError(
                        f"The process that reads files cannot start (exit code {gone.exit_code}).",
                        "Close other programs to free memory, and try again.",
                    ) from gone
            except BaseException:
                child.end()
                raise
            else:
                child.end()
                raise ImageError(
                    f"The process that reads files did not start within {_START_WITHIN_S:.0f} s.",
                    "The machine is very busy: try again later.",
                )

    def close(self) -> None:
        """End the idle ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        for child, _ in idle:
            child.end()

    def _take(self) -> tuple[Child, bool]:
        """A child, and whether it is a new one."""
        with self._lock:
            while self._idle:
                child, _ = self._idle.pop()
                if child.alive:
                    return child, False
                child.end()
        return Child(), True

    def _give_back(self, child: Child) -> None:
        with self._lock:
            self._idle.append((child, time.monotonic()))
            if self._sweeper is None:
                self._sweeper = threading.Timer(_IDLE_S, self._sweep)
                self._sweeper.daemon = True
                self._sweeper.start()

    def _sweep(self) -> None:
        """End those that have been idle for long; look again while there are any."""
        now = time.monotonic()
        with self._lock:
            old = [child for child, since in self._idle if now - since >= _IDLE_S]
            self._idle = [(child, since) for child, since in self._idle if now - since < _IDLE_S]
            self._sweeper = None
            if self._idle:
                self._sweeper = threading.Timer(_IDLE_S, self._sweep)
                self._sweeper.daemon = True
                self._sweeper.start()
        for child in old:
            child.end()


def _allowed_bytes(limits: Limits) -> int:
    """Memory that a child may take for a call."""
    return min(limits.memory_bytes, int(psutil.virtual_memory().total * _SHARE_OF_MEMORY))


def _watched(child: Child, limits: Limits, subject: Subject) -> dict[str, Any]:
    """The child's answer, unless it breaks a limit first.

    Raises
    ------
    CristaeError
        It was stopped, or is gone.
    """
    allowed = _allowed_bytes(limits)
    base_bytes, busy_s = child.memory_bytes(), child.busy_s()
    since = time.monotonic()
    try:
        while True:
            frame = child.receive(_LOOK_EVERY_S)
            if frame is not None and "progress" not in frame:
                return frame
            if frame is not None:
                since, busy_s = time.monotonic(), child.busy_s()
                continue
            if child.memory_bytes() - base_bytes > allowed:
                raise _stopped(subject, _too_much_memory(allowed))
            if child.busy_s() - busy_s > limits.busy_s or time.monotonic() - since > limits.wall_s:
                took = time.monotonic() - since
                raise _stopped(subject, f"made no progress for {took:.0f} s")
    except ChildGoneError as gone:
        raise _crashed(subject, gone.exit_code) from gone


def _too_much_memory(allowed_bytes: int) -> str:
    return f"needs more than {allowed_bytes / GIB:.1f} GiB of memory"


def _stopped(subject: Subject, what: str) -> CristaeError:
    return subject.error(
        f"{subject.name} {what}; reading it was stopped.",
        "It is damaged, malicious, or too large for this machine. If it opens in Fiji, save it as TIFF without "
        "compression.",
    )


def _crashed(subject: Subject, exit_code: int | None) -> CristaeError:
    """The child ended in the middle: a fault in a decoder, or the system was out of memory."""
    number = uuid.uuid4().hex[:8]
    logger.warning("%s: the reading process of %s ended with code %s", number, subject.name, exit_code)
    return subject.error(
        f"{subject.name} crashed the process that reads files (exit code {exit_code}, error {number}).",
        "It is damaged or has an unusual format. If it opens in Fiji, save it there as TIFF without compression.",
    )


def _unexpected(subject: Subject, trace: str) -> CristaeError:
    """An error that nobody foresaw."""
    number = uuid.uuid4().hex[:8]
    logger.warning("%s: unexpected error about %s\n%s", number, subject.name, trace)
    return subject.error(
        f"{subject.name} cannot be read: it is damaged or has an unusual format (error {number}).",
        "If it opens in Fiji, save it there as TIFF without compression; otherwise report the error with its "
        "number and the log.",
    )


def _known_error(error: dict[str, str]) -> CristaeError:
    """An error of our tree, as the child raised it."""
    kind = getattr(errors, error["kind"], CristaeError)
    return (
        CristaeError(error["cause"], error["remedy"]) if not _is_plain(kind) else kind(error["cause"], error["remedy"])
    )


def _is_plain(kind: Any) -> bool:
    """Whether a class of error is made of cause and remedy alone."""
    return isinstance(kind, type) and issubclass(kind, CristaeError) and kind.__init__ is CristaeError.__init__


def _mapped(details: dict[str, Any]) -> np.ndarray[Any, np.dtype[Any]]:
    """The array in a file that the child wrote; the file goes with the array.

    Elsewhere than on Windows a mapped file may be deleted at once: its content stays for as long as it is mapped.
    """
    path, shape, dtype = Path(details["path"]), tuple(details["shape"]), np.dtype(details["dtype"])
    if 0 in shape:
        return np.empty(shape, dtype)
    if os.name == "nt":
        kept = path.parent.parent / f"cristae-array-{marked()}"
        path = path.replace(kept)
    mapped = np.memmap(path, dtype, mode="r", shape=shape)
    if os.name == "nt":
        weakref.finalize(mapped, _forget, path)
    return np.asarray(mapped)


def _forget(path: Path) -> None:
    """Delete a file that may still be mapped: then it stays until the folder for temporary files is cleaned."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("temporary file %s stays: %s", path, error)


_POOL = _Pool()
atexit.register(end_children)
