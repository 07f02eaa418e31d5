"""``python -m core.engine.worker``: one place where jobs run, a Dask worker with one thread.

It ends when its engine ends, also when that was killed, and takes along whatever its jobs have started.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
import time
from pathlib import Path
from typing import Final

import psutil

from core.engine import dask_config
from core.engine.credentials import Credentials
from core.engine.places import TRAIN_ON_CPU
from core.processes import end_children, is_same_process
from core.program import quiet_libraries

GIVE_WAY_NICE: Final = 5
"""Of 19: a prediction beside it gets about three quarters of a busy core."""

WATCH_EVERY_S: Final = 0.5
"""How often it looks whether its engine is alive."""


def main(arguments: list[str]) -> None:
    """Run until the scheduler or the engine's process ends.

    Parameters
    ----------
    arguments
        Scheduler address, name of the slot, folder of the certificates, id and `identity` of the engine's process.
    """
    address, name, folder, pid, identity = arguments
    quiet_libraries()
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {name} %(levelname)s %(name)s: %(message)s")
    if name == TRAIN_ON_CPU:
        _give_way()
    threading.Thread(target=_end_with, args=(int(pid), identity), name="engine watch", daemon=True).start()
    asyncio.run(_serve(address, name, Path(folder)))
    end_children()
    os._exit(0)  # a job's thread that does not stop shall not keep the process


def _give_way() -> None:
    """Let others have the processor first; inherited by what this process starts."""
    with contextlib.suppress(psutil.Error, OSError):
        psutil.Process().nice(getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", GIVE_WAY_NICE))  # Windows has classes


async def _serve(address: str, name: str, folder: Path) -> None:
    dask_config.apply(folder / "scratch")
    async with dask_config.library().Worker(
        address,
        name=name,
        nthreads=1,
        host="127.0.0.1",
        resources={name: 1},
        security=Credentials.in_folder(folder).security(),
        memory_limit=0,
        dashboard=False,
        dashboard_address=dask_config.NO_DASHBOARD,
        death_timeout=30,
    ) as worker:
        await worker.finished()


def _end_with(pid: int, identity: str) -> None:
    """End this process once the engine's is gone."""
    while is_same_process(pid, identity):
        time.sleep(WATCH_EVERY_S)
    end_children()
    os._exit(3)


if __name__ == "__main__":
    main(sys.argv[1:])
