"""Starting, recognising and ending processes on Linux, macOS and Windows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import psutil

from core.program import ROOT, child_environment
from core.settings import Settings


def settings_environment(settings: Settings) -> dict[str, str]:
    """This process's environment, with every setting spelled out, so that a child sees the same ones."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CRISTAE_")}
    for name, value in settings.model_dump(mode="json").items():
        environment[f"CRISTAE_{name.upper()}"] = str(value)
    if "CRISTAE_CONFIG" in os.environ:
        environment["CRISTAE_CONFIG"] = os.environ["CRISTAE_CONFIG"]
    return environment


def allow_open_files(most: int = 65_536) -> None:
    """Let this process open as many files as the system lets it: each connection is one. Windows has no such limit."""
    if os.name == "nt":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # macOS refuses more than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def start_detached(module: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
    """Start ``python -m module`` in a session of its own, so that it outlives this process. Returns its id."""
    process = _popen(module, arguments, environment, log, _detached_flags())
    threading.Thread(target=process.wait, name=f"reaper of {process.pid}", daemon=True).start()
    return process.pid


def start_child(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Start ``python -m module`` in a process group of its own."""
    return _popen(module, arguments, environment, log, _group_flags())


def identity(pid: int) -> str | None:
    """What tells a process from a later one with the same id, without spaces. None: not alive.

    On Linux the boot and the clock ticks from it to the process's start: setting the clock moves neither, whereas times
    since 1970 are reckoned anew from it. Elsewhere such a time, in seconds.
    """
    if sys.platform != "linux":
        began = _began(pid)
        return None if began is None else repr(began)
    return _linux_identity(pid)


def is_same_process(pid: int, known: str) -> bool:
    """Whether the process of that `identity` is alive; on Linux, too, earlier versions wrote seconds since 1970."""
    try:
        began = float(known)
    except ValueError:
        return identity(pid) == known
    found = _began(pid)
    return found is not None and abs(found - began) < 1.0


def kill_tree(pid: int) -> None:
    """End a process and everything that it started, at once."""
    try:
        parent = psutil.Process(pid)
        family = [*parent.children(recursive=True), parent]
    except psutil.NoSuchProcess:
        return
    _kill(family)


def kill_orphans(pid: int) -> None:
    """End what a child of ours has left behind that has ended itself: the rest of its process group.

    The child must have led a group, and only we may have waited for it, or its id may be somebody else's by now.
    Windows has no such groups; there a job's own children must watch their parent.
    """
    if sys.platform != "win32":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def end_children() -> None:
    """End everything that this process started."""
    _kill(psutil.Process().children(recursive=True))


def _linux_identity(pid: int) -> str | None:
    """From ``/proc``; "" where the system does not let us look."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    except PermissionError:
        return ""
    _, _, after = stat.rpartition(b")")  # the name may hold spaces and brackets
    fields = after.split()  # from field 3 of 52, the state, on
    return None if fields[0] in (b"Z", b"X") else f"{_boot()}:{int(fields[19])}"


@lru_cache(maxsize=1)
def _boot() -> str:
    """The id of this boot; "" where the kernel gives none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _began(pid: int) -> float | None:
    """When a process began, in seconds since 1970; None: not alive."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None
    except psutil.AccessDenied:
        return 0.0


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _popen(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path, flags: dict[str, Any]
) -> subprocess.Popen[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=ROOT,
            env=child_environment(environment),
            close_fds=True,
            **flags,
        )


def _detached_flags() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _group_flags() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"process_group": 0}
