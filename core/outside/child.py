"""The child process of `core.outside.guarded`, and the parent's handle of it.

Frames go over its input and output: four bytes of length, then JSON. What libraries print goes nowhere.
"""

from __future__ import annotations

import json
import os
import queue
import struct
import subprocess
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import psutil

from core.errors import CristaeError
from core.processes import kill_tree, settings_environment
from core.program import ROOT, quiet_libraries
from core.settings import current_settings

_LENGTH: Final = struct.Struct(">I")
_LONGEST_FRAME: Final = 256 * 1024**2
_SPARE_ADDRESSES: Final = 1024**3
"""Room for what takes addresses but no memory: stacks and arenas of threads, libraries."""

_PROGRAM: Final = (
    "import sys; sys.path[:] = [sys.argv[1], *filter(None, sys.path)]; from core.outside.child import main; main()"
)
"""It works in the parent's folder, and takes no module from there."""

_EXIT_WAIT_S: Final = 2.0


class ChildGoneError(Exception):
    """The child has ended without an answer.

    Parameters
    ----------
    exit_code
        As the system says it, None where it is not known.
    """

    def __init__(self, exit_code: int | None) -> None:
        super().__init__(f"exit code {exit_code}")
        self.exit_code = exit_code


class Child:
    """A child process, from the parent's side. One call at a time."""

    def __init__(self) -> None:
        flags: dict[str, Any] = {}
        if sys.platform == "win32":
            flags["creationflags"] = subprocess.CREATE_NO_WINDOW
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(ROOT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=settings_environment(current_settings()),
            **flags,
        )
        self._frames: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        threading.Thread(target=self._listen, name=f"guarded {self._process.pid}", daemon=True).start()
        with suppress(psutil.Error):
            self._seen: psutil.Process | None = psutil.Process(self._process.pid)

    @property
    def alive(self) -> bool:
        """Whether it can be given work."""
        return self._process.poll() is None

    def send(self, frame: dict[str, Any]) -> None:
        """Give it work.

        Raises
        ------
        ChildGoneError
            It has ended.
        """
        assert self._process.stdin is not None  # noqa: S101 (a pipe was asked for)
        try:
            write_frame(self._process.stdin, frame)
        except OSError as error:
            raise self._gone() from error

    def receive(self, timeout_s: float) -> dict[str, Any] | None:
        """Its next frame, None where there is none in time.

        Raises
        ------
        ChildGoneError
            It has ended.
        """
        try:
            frame = self._frames.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if frame is None:
            raise self._gone()
        return frame

    def memory_bytes(self) -> int:
        """What it holds in memory now."""
        with suppress(psutil.Error):
            if self._seen is not None:
                return int(self._seen.memory_info().rss)
        return 0

    def busy_s(self) -> float:
        """Processor seconds that it has used."""
        with suppress(psutil.Error):
            if self._seen is not None:
                times = self._seen.cpu_times()
                return float(times.user + times.system)
        return 0.0

    def end(self) -> None:
        """End it at once, whatever it does."""
        if self.alive:
            kill_tree(self._process.pid)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_WAIT_S)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _gone(self) -> ChildGoneError:
        with suppress(subprocess.TimeoutExpired):
            return ChildGoneError(self._process.wait(_EXIT_WAIT_S))
        return ChildGoneError(None)

    def _listen(self) -> None:
        """Hand on its frames until it ends."""
        assert self._process.stdout is not None  # noqa: S101 (a pipe was asked for)
        try:
            while (frame := read_frame(self._process.stdout)) is not None:
                self._frames.put(frame)
        except (OSError, ValueError):
            pass  # the pipe was closed, or what came is no frame: as if it had ended
        self._frames.put(None)


def write_frame(pipe: BinaryIO | Any, frame: dict[str, Any]) -> None:
    """Send a frame."""
    content = json.dumps(frame).encode()
    pipe.write(_LENGTH.pack(len(content)) + content)
    pipe.flush()


def read_frame(pipe: BinaryIO | Any) -> dict[str, Any] | None:
    """The next frame, None at the end.

    Raises
    ------
    ValueError
        What comes is no frame.
    """
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > _LONGEST_FRAME:
        raise ValueError(f"a frame of {length} bytes")
    content = pipe.read(length)
    if len(content) < length:
        return None
    frame = json.loads(content)
    if not isinstance(frame, dict):
        raise ValueError("a frame that is no object")
    return frame


_answers: BinaryIO | None = None


def is_guarded_process() -> bool:
    """Whether this process is such a child: what nobody foresaw is then told and logged by its parent."""
    return _answers is not None


def report_progress() -> None:
    """Say that the work gets on; does nothing outside a guarded process."""
    if _answers is not None:
        write_frame(_answers, {"progress": True})


def main() -> None:
    """Answer calls until the parent is gone."""
    global _answers
    quiet_libraries()
    _answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not get between the frames
    requests: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    threading.Thread(target=_take_in, args=(requests,), daemon=True).start()
    while (request := requests.get()) is not None:
        write_frame(_answers, {"begun": True})
        write_frame(_answers, _answer(request))


def _take_in(requests: queue.SimpleQueue[dict[str, Any] | None]) -> None:
    """Hand on the parent's calls; end this process, whatever it does, once the parent is gone."""
    with suppress(OSError, ValueError):
        while (request := read_frame(sys.stdin.buffer)) is not None:
            requests.put(request)
    os._exit(0)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    """Make one call."""
    from core.outside.wire import decode_arguments, encode_result, function_of

    with suppress(OSError, KeyError):
        os.chdir(request["works_in"])  # paths that are not absolute belong there, also after the parent has moved
    try:
        function = function_of(request["call"])
        arguments = decode_arguments(function, request["arguments"])
        _limit_memory(int(request["memory_bytes"]))
        values, array = encode_result(function, function(**arguments))
        _limit_memory(None)
        answer: dict[str, Any] = {"values": values}
        if array is not None:
            path = Path(request["folder"]) / "array.raw"
            array.tofile(path)
            answer["array"] = {"path": str(path), "shape": list(array.shape), "dtype": array.dtype.str}
        return answer
    except CristaeError as error:
        return {"error": {"kind": type(error).__name__, "cause": error.cause, "remedy": error.remedy}}
    except MemoryError:
        return {"no_memory": True}
    except Exception:  # the boundary: whatever a file makes a library do is told, not died of
        return {"unexpected": traceback.format_exc(limit=-20)}
    finally:
        _limit_memory(None)


def _limit_memory(more_bytes: int | None) -> None:
    """Let this process grow by so much and no more, where the system can; None: as much as it likes."""
    if sys.platform != "linux":  # macOS takes the limit and ignores it; the parent watches there
        return
    import resource

    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if more_bytes is None:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
        return
    now = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    wanted = now + more_bytes + _SPARE_ADDRESSES
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
