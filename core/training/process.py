"""The child process of a training: ``python -m core.training.process JOB.json``.

Standard output carries JSON lines only (see `TrainingProgress`, and the events "done" and "error"); whatever nnU-Net
and its workers print goes to training.log in the work folder. It ends by itself when its parent is gone.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from pathlib import Path
from typing import IO, Final

from core.processes import end_children
from core.training.allocator import keep_freed_memory

JOB_FILE: Final = "job.json"
LOG_FILE: Final = "training.log"

DATASET_NAME: Final = "Dataset001_Cristae"
"""nnU-Net wants such a name; it exists in the work folder only."""


def main(job_file: Path) -> int:
    """Run one training; returns the exit code."""
    job = json.loads(job_file.read_text(encoding="utf-8"))
    work = job_file.parent
    out = _take_standard_output(work / LOG_FILE)
    _end_with_parent()
    keep_freed_memory()
    _set_environment(work, job["request"]["threads"])
    from core.errors import CristaeError
    from core.files import explained_os_errors
    from core.training.run import run_training

    try:
        with explained_os_errors(job_file):
            path = run_training(job, work, lambda progress: _send(out, progress.to_line()))
    except CristaeError as error:
        _send(out, json.dumps({"event": "error", "cause": error.cause, "remedy": error.remedy}))
        return 1
    except MemoryError:
        _send(out, json.dumps(_out_of_memory("The machine's memory")))
        return 1
    except Exception as error:
        traceback.print_exc()
        if "out of memory" in str(error).lower():
            _send(out, json.dumps(_out_of_memory("The graphics card's memory")))
            return 1
        cause = f"The training failed unexpectedly: {type(error).__name__}: {error}."
        _send(out, json.dumps({"event": "error", "cause": cause, "remedy": f"See {work / LOG_FILE}."}))
        return 1
    _send(out, json.dumps({"event": "done", "model": str(path)}))
    return 0


def _out_of_memory(what: str) -> dict[str, str]:
    remedy = "Choose a smaller preset, close other programs, or train on a larger machine; then resume."
    return {"event": "error", "cause": f"{what} is too small for the training.", "remedy": remedy}


def _take_standard_output(log: Path) -> IO[str]:
    """A private handle on standard output; descriptors 1 and 2 lead to the log from here on, for workers too."""
    sys.stdout.flush()
    private = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)
    sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    sys.stderr = os.fdopen(os.dup(2), "w", encoding="utf-8", buffering=1)
    return private


_SENDING = threading.Lock()


def _send(out: IO[str], line: str) -> None:
    with _SENDING:
        out.write(line + "\n")
        out.flush()


def _end_with_parent() -> None:
    """Standard input is a pipe that the parent holds open: its end means that the parent is gone."""

    def watch() -> None:
        while sys.stdin.buffer.read(1):
            pass
        end_children()
        os._exit(3)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def _set_environment(work: Path, threads: int) -> None:
    """What nnU-Net reads from the environment, for this process only."""
    for name in ("raw", "preprocessed", "results"):
        folder = work / name
        folder.mkdir(exist_ok=True)
        os.environ[f"nnUNet_{name}"] = str(folder)
    os.environ.pop("nnUNet_extTrainer", None)
    os.environ["nnUNet_wandb_enabled"] = "0"  # noqa: SIM112  nnU-Net's spelling
    os.environ.setdefault("nnUNet_compile", "f")
    os.environ.setdefault("MPLBACKEND", "agg")
    # OpenMP threads that wait by spinning made iterations three times slower on a machine that others use too
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if threads:
        os.environ["OMP_NUM_THREADS"] = str(threads)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
