"""What a running job takes of this machine."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass
from typing import Final

import psutil

from core.store.records import JobRecord

_FRESH_S: Final = 0.5
"""Within this time the last measurement is given again: a share of time over less says nothing."""


@dataclass(frozen=True, slots=True)
class JobUsage:
    """Where a job runs and what its processes take together.

    Parameters
    ----------
    host, pid
        Of its worker.
    place
        Name of the place that it occupies ("predict-0"); "" where the worker does not say.
    processes
        The worker and what it has started; 0 where that cannot be seen from here.
    memory_bytes
        Resident memory of all of them; memory that they share counts in each.
    cores
        Processor time per time since the last measurement: 1.0 is one core. None at the first one.
    """

    host: str
    pid: int
    place: str = ""
    processes: int = 0
    memory_bytes: int = 0
    cores: float | None = None


_measured: dict[int, tuple[float, float, JobUsage]] = {}
_guard = threading.Lock()


def job_usage(job: JobRecord) -> JobUsage | None:
    """What a running job takes; None before it has a worker. Takes some milliseconds."""
    host, _, pid_text = job.worker.rpartition(":")
    if not host or not pid_text.isdigit():
        return None
    pid = int(pid_text)
    if host != socket.gethostname():
        return JobUsage(host, pid)
    with _guard:
        return _measure(host, pid)


def _measure(host: str, pid: int) -> JobUsage:
    now_s = time.monotonic()
    last = _measured.get(pid)
    if last is not None and now_s - last[0] < _FRESH_S:
        return last[2]
    try:
        worker = psutil.Process(pid)
        place = _place(worker.cmdline())
        family = [worker, *worker.children(recursive=True)]
    except psutil.Error:
        _measured.pop(pid, None)
        return JobUsage(host, pid)
    memory_bytes, busy_s, seen = 0, 0.0, 0
    for process in family:
        try:
            memory_bytes += process.memory_info().rss
            times = process.cpu_times()
        except psutil.Error:
            continue  # ended meanwhile
        busy_s += times.user + times.system
        seen += 1
    cores = None if last is None else max(0.0, (busy_s - last[1]) / (now_s - last[0]))
    usage = JobUsage(host, pid, place, seen, memory_bytes, cores)
    _measured[pid] = (now_s, busy_s, usage)
    return usage


def _place(command: list[str]) -> str:
    """``python -m core.engine.worker ADDRESS PLACE …``."""
    module = "core.engine.worker"
    return command[command.index(module) + 2] if module in command[:-2] else ""
