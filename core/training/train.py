"""Training a model: starts the training process, passes its reports on, cancels it. No torch in this process."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Final

from filelock import FileLock, Timeout

from core.errors import JobCancelledError, TrainingError, TrainingLostError
from core.files import explained_os_errors, write_json
from core.models.card import check_id
from core.models.store import StoredModel, open_model
from core.models.stored_model import work_folder
from core.processes import identity, is_same_process, kill_orphans, kill_tree
from core.program import ROOT, child_environment
from core.training.checkpoint import SLOTS
from core.training.loop import FINISH_FILE
from core.training.process import JOB_FILE, LOG_FILE
from core.training.request import TrainingProgress, TrainRequest

POLL_S: Final = 0.2
"""How often the wish to cancel is looked at."""

LOCK_FILE: Final = "lock"
"""In the work folder; held while a training runs there, and let go by the system should this process die."""

PROCESS_FILE: Final = "process"
"""In the work folder: id and `identity` of the process that trains."""


def _ignore(_: TrainingProgress) -> None:
    """Nobody listens."""


def train(
    request: TrainRequest,
    *,
    on_progress: Callable[[TrainingProgress], None] = _ignore,
    should_cancel: Callable[[], bool] = lambda: False,
) -> StoredModel:
    """Train a model in a process of its own and wait for it.

    Parameters
    ----------
    request
        What to train, on what, how long, and where to put it.
    on_progress
        Called in this thread with every report: about one a second, and one per epoch with its numbers.
    should_cancel
        Asked several times a second; when true the training and all its workers end. The work up to the last finished
        epoch is kept beside ``request.out`` and continued by the same request with ``resume=True``; without it, work
        that is there is never thrown away but refused.

    Returns
    -------
    StoredModel
        The finished model in ``request.out``.

    Raises
    ------
    TrainingError
        The training cannot start or go on; another one works on the same ``out``; ``out`` has unfinished work that
        the request does not continue.
    TrainingLostError
        The training process was killed; the same request with ``resume=True`` goes on.
    JobCancelledError
        `should_cancel` said so.
    CristaeError
        The dataset or the parent model cannot be used.
    """
    request = _absolute(request)
    _check(request)
    with _locked(request):
        _end_forgotten(request.work)
        _prepare_work(request)
        process = _start(request)
        try:
            result = _follow(process, on_progress, should_cancel)
        finally:
            _end(process)
        if result is None:
            raise _unexplained(process, request)
        if result.get("event") == "error":
            raise TrainingError(str(result["cause"]), str(result["remedy"]))
        model = open_model(Path(str(result["model"])))
    shutil.rmtree(request.work, ignore_errors=True)  # whoever takes the lock now sees the model and leaves
    return model


def finish(request: TrainRequest) -> None:
    """Ask a running training to stop now and keep the best; outlives the process that trains."""
    with explained_os_errors(request.work):
        (request.work / FINISH_FILE).touch()


def _absolute(request: TrainRequest) -> TrainRequest:
    """The training process has another working folder."""
    parent = request.parent.resolve() if request.parent else None
    return replace(request, dataset=request.dataset.resolve(), out=request.out.resolve(), parent=parent)


def unfinished(out: Path) -> TrainRequest | None:
    """The request of an unfinished training whose model was to be written to ``out``; None where there is none."""
    job = work_folder(out) / JOB_FILE
    try:
        return TrainRequest.from_json(json.loads(job.read_text(encoding="utf-8"))["request"])
    except (OSError, ValueError, KeyError, TypeError, TrainingError):
        return None


def _check(request: TrainRequest) -> None:
    """Refuse what cannot be trained before anything is written."""
    check_id(request.out.name)
    _refuse_existing(request)
    if not request.dataset.is_dir():
        raise TrainingError(f"There is no dataset folder {request.dataset}.", "Check the path.")
    if request.parent is not None:
        open_model(request.parent)


def _refuse_existing(request: TrainRequest) -> None:
    if request.out.exists():
        raise TrainingError(
            f"{request.out} already exists.", "Choose another name for the model, or delete the old one."
        )


@contextmanager
def _locked(request: TrainRequest) -> Iterator[None]:
    """The work folder, for this training alone."""
    with explained_os_errors(request.work):
        request.work.mkdir(parents=True, exist_ok=True)
        lock = FileLock(request.work / LOCK_FILE)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise TrainingError(
                f"Another training is currently creating {request.out}.", "Wait until it ends, or choose another --out."
            ) from error
    try:
        yield
    finally:
        lock.release()


def _end_forgotten(work: Path) -> None:
    """End the training process of a parent that was killed, should it not have seen that yet: two would mix here."""
    try:
        pid, known = (work / PROCESS_FILE).read_text(encoding="utf-8").split()
        alive = is_same_process(int(pid), known)
    except (OSError, ValueError):
        return
    if alive:
        kill_tree(int(pid))


def _prepare_work(request: TrainRequest) -> None:
    """Empty the work folder, or keep what is there of the same request when resuming."""
    _refuse_existing(request)
    with explained_os_errors(request.work):
        if not (_resumes(request) if request.resume else _refuse_unfinished(request)):
            _clear(request.work)
        write_json(request.work / JOB_FILE, {"request": request.to_json(), "asked_at": time.time()})


def _resumes(request: TrainRequest) -> bool:
    """Whether there is work to go on with; it has to be of this request."""
    earlier = unfinished(request.out)
    if earlier is None:
        return _refuse_unfinished(request)
    differing = request.differences(earlier)
    if differing:
        text = "; ".join(f"{name} was {getattr(earlier, name)}, now {getattr(request, name)}" for name in differing)
        raise TrainingError(
            f"The unfinished training in {request.work} was started with different settings: {text}.",
            "Use the same settings, delete that folder to restart, or choose another --out.",
        )
    return True


def _refuse_unfinished(request: TrainRequest) -> bool:
    """Refuse to throw trained epochs away; False where there are none."""
    if not any((request.work / slot).exists() for slot in SLOTS):
        return False
    known = unfinished(request.out) is not None
    raise TrainingError(
        f"An unfinished training of {request.out.name} is in {request.work}"
        + ("." if known else f", but its {JOB_FILE} cannot be read."),
        ("Add --resume to continue it, delete" if known else "Delete")
        + " that folder to restart, or choose another --out.",
    )


def _clear(work: Path) -> None:
    """Remove everything but the lock."""
    for path in work.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != LOCK_FILE:
            path.unlink(missing_ok=True)


def _start(request: TrainRequest) -> subprocess.Popen[str]:
    """The training process, leader of its own group, with a pipe to its standard input that tells it that we live."""
    arguments = [sys.executable, "-m", "core.training.process", str((request.work / JOB_FILE).resolve())]
    flags: dict[str, Any] = (
        {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
        if os.name == "nt"
        else {"start_new_session": True}
    )
    with (request.work / LOG_FILE).open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, encoding="utf-8",
            cwd=ROOT, env=child_environment(os.environ), **flags,
        )  # fmt: skip
    with suppress(OSError):
        (request.work / PROCESS_FILE).write_text(f"{process.pid} {identity(process.pid) or 0.0}", encoding="utf-8")
    return process


def _follow(
    process: subprocess.Popen[str],
    on_progress: Callable[[TrainingProgress], None],
    should_cancel: Callable[[], bool],
) -> dict[str, Any] | None:
    """Pass reports on until the last word; None where the process ended without one."""
    lines: queue.Queue[str | None] = queue.Queue()
    if process.stdout is None:
        raise TrainingError("The training process produced no output.", "Please report this bug.")
    threading.Thread(target=_read_lines, args=(process.stdout, lines), daemon=True).start()
    while True:
        if should_cancel():
            raise JobCancelledError(
                "The training was cancelled.", ("Resume it to continue after the last finished epoch.")
            )
        try:
            line = lines.get(timeout=POLL_S)
        except queue.Empty:
            continue
        if line is None:
            return None
        event = json.loads(line)
        if event["event"] in ("done", "error"):
            return dict(event)
        on_progress(TrainingProgress.from_json(event))


def _read_lines(stream: IO[str], lines: queue.Queue[str | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def _end(process: subprocess.Popen[str]) -> None:
    """End the process and everything that it started, and leave no pipe open."""
    kill_tree(process.pid)
    kill_orphans(process.pid)
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def _unexplained(process: subprocess.Popen[str], request: TrainRequest) -> TrainingLostError:
    """The process ended without a word: killed from outside, or by the system for want of memory."""
    return TrainingLostError(
        f"The training process ended unexpectedly (exit code {process.returncode}); it may have run out of memory.",
        f"See {request.work / LOG_FILE}; resume to continue after the last finished epoch.",
    )
