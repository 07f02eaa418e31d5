"""How Dask is set up here: quiet, private, idle when there is nothing to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

CONFIG: Final[dict[str, Any]] = {
    "distributed.worker.profile.enabled": False,  # a sampling profiler every 10 ms that nobody looks at
    "distributed.admin.tick.interval": "1s",  # 20 ms costs 2 % of a core
    "distributed.admin.tick.limit": "30s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.admin.system-monitor.disk": False,
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.scheduler.work-stealing": False,  # one slot, one job
    "distributed.scheduler.allowed-failures": 0,  # what happens after a lost worker is decided by the job's row
    "distributed.scheduler.worker-ttl": None,  # long C calls may hold the interpreter; the job's heartbeat counts
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.scheduler.http.routes": [],  # no pages, also not on loopback
    "distributed.worker.http.routes": [],
    "distributed.comm.retry.count": 0,
    "distributed.comm.require-encryption": True,
    "logging.distributed": "warning",
}

NO_DASHBOARD: Final = "127.0.0.1:0"
"""Dask insists on a port for its pages; without routes it serves none."""


def apply(scratch: Path) -> None:
    """Set up Dask in this process, before `library` is called.

    Parameters
    ----------
    scratch
        Folder for Dask's temporary files, instead of the system's.
    """
    import dask

    dask.config.set({**CONFIG, "temporary-directory": str(scratch)})


def library() -> Any:
    """The package `distributed`, imported at its first use; its functions are not typed."""
    import distributed

    return distributed
