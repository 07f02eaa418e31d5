"""Where jobs run on this machine: named places, one job each, a worker process behind those that are in use."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from core.engine.engine import LOG_BYTES, EngineFiles
from core.jobs.task_kind import Resource
from core.processes import identity, kill_orphans, kill_tree, settings_environment, start_child
from core.settings import Settings

logger = logging.getLogger(__name__)

CPU_PLACES: Final = 2
"""Files are read one beside the other, and beside a prediction, without crowding it out."""

TRAIN_ON_CPU: Final = "train-cpu"
"""Its worker and all that it starts give way to others: somebody may be waiting for a prediction."""

IDLE_S: Final[Mapping[Resource, float]] = {Resource.PREDICT: 900.0, Resource.CPU: 120.0, Resource.TRAIN: 120.0}
"""A worker without work ends after this time and gives its memory back; a warm model is worth waiting for longer."""

END_TIMEOUT_S: Final = 10.0
"""A process that was ended is gone at once, unless the system itself waits for something."""


@dataclass(slots=True, eq=False)
class Place:
    """Room for one job."""

    name: str
    resource: Resource
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    job_id: str = ""
    idle_since_s: float = 0.0
    options: dict[str, Any] = field(default_factory=dict)
    """What makes Dask run a task here and nowhere else."""


class Places(Protocol):
    """A set of places, on this machine or elsewhere."""

    remote: bool

    async def refresh(self) -> None:
        """See which places there are now."""

    def capacity(self, resource: Resource) -> int:
        """How many places of a kind there are, free or not."""

    def take(self, resource: Resource, job_id: str) -> Place | None:
        """Occupy a free place; None when all are taken."""

    def release(self, place: Place) -> None:
        """The job has left."""

    def ended(self, place: Place) -> str:
        """Why the place's process is gone, "" while it lives."""

    async def kill(self, place: Place) -> None:
        """End the place's process with everything it started."""

    def end_idle(self) -> None:
        """End processes that have had nothing to do for long."""

    def close(self) -> None:
        """End all processes that belong to the engine."""


def layout(settings: Settings) -> list[Place]:
    """The places that this machine offers: one for predictions, some for files, one for training per graphics card.

    Without a card there is one place for training, on the processor.
    """
    threads = str(settings.resolved_threads)
    many = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    one = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    places = [Place("predict-0", Resource.PREDICT, many)]
    places += [Place(f"cpu-{index}", Resource.CPU, one) for index in range(CPU_PLACES)]
    cards = graphics_cards()
    for card in cards:
        places.append(Place(f"train-gpu-{card}", Resource.TRAIN, {**many, "CUDA_VISIBLE_DEVICES": card}))
    if not cards:
        places.append(Place(TRAIN_ON_CPU, Resource.TRAIN, many))
    for place in places:
        place.options = {"resources": {place.name: 1}}
    return places


def graphics_cards() -> tuple[str, ...]:
    """Ids of the CUDA cards that we may use (``CUDA_VISIBLE_DEVICES``), asked of the driver's tool: no torch needed."""
    there = _all_cards()
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is None or not there:
        return there
    return tuple(itertools.takewhile(lambda card: card not in ("", "-1"), map(str.strip, allowed.split(","))))


def _all_cards() -> tuple[str, ...]:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    try:
        listing = subprocess.run(
            [tool, "--query-gpu=index", "--format=csv,noheader"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        logger.warning("nvidia-smi: %s", error)
        return ()
    return tuple(line.strip() for line in listing.stdout.splitlines() if line.strip().isdigit())


class LocalPlaces:
    """Worker processes of this engine, started when they are first needed.

    Parameters
    ----------
    settings
        Workers get the same ones.
    address
        Of the scheduler.
    pid
        Of the engine: workers end with it.
    """

    remote = False

    def __init__(self, settings: Settings, address: str, pid: int) -> None:
        self._settings = settings
        self._address = address
        self._engine = (str(pid), identity(pid) or "")
        self._places = layout(settings)

    async def refresh(self) -> None:
        """Local places are always the same."""

    def capacity(self, resource: Resource) -> int:
        """How many places of a kind there are."""
        return sum(place.resource is resource for place in self._places)

    def take(self, resource: Resource, job_id: str) -> Place | None:
        """Occupy a free place, one with a living process first; start its process if it has none."""
        free = [place for place in self._places if place.resource is resource and not place.job_id]
        if not free:
            return None
        place = min(free, key=lambda each: not _alive(each))
        if not _alive(place):
            self._start(place)
        place.job_id = job_id
        return place

    def release(self, place: Place) -> None:
        """The job has left."""
        place.job_id = ""
        place.idle_since_s = time.monotonic()
        if place.process is not None and not _alive(place):
            kill_orphans(place.process.pid)
            place.process = None

    def ended(self, place: Place) -> str:
        """Why the place's process is gone, "" while it lives."""
        if _alive(place):
            return ""
        code = None if place.process is None else place.process.returncode
        return f"its process ended (exit code {code})"

    async def kill(self, place: Place) -> None:
        """End the place's process with everything it started."""
        _end(place)

    def end_idle(self) -> None:
        """End processes that have had nothing to do for long."""
        for place in self._places:
            idle_s = time.monotonic() - place.idle_since_s
            if not place.job_id and _alive(place) and idle_s > IDLE_S[place.resource]:
                logger.info("worker %s ends after %.0f s without work", place.name, idle_s)
                _end(place)

    def close(self) -> None:
        """End all worker processes."""
        for place in self._places:
            _end(place)

    def _start(self, place: Place) -> None:
        folder = EngineFiles.of(self._settings).folder
        log = self._settings.data_dir / "logs" / f"worker-{place.name}.log"
        if log.is_file() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".old.log"))
        place.process = start_child(
            "core.engine.worker",
            [self._address, place.name, str(folder), *self._engine],
            {**settings_environment(self._settings), **place.environment},
            log,
        )
        place.idle_since_s = time.monotonic()
        logger.info("worker %s is process %d", place.name, place.process.pid)


class RemotePlaces:
    """The workers of a scheduler that runs elsewhere, by the resources that they were started with (``predict=1``)."""

    remote = True

    def __init__(self, client: Any) -> None:
        self._client = client
        self._places: dict[str, Place] = {}
        self._restarts: dict[str, asyncio.Task[Any]] = {}

    async def refresh(self) -> None:
        """Ask the scheduler for its workers."""
        workers = (await self._client.scheduler.identity(n_workers=-1))["workers"]
        seen: dict[str, Place] = {}
        for address, worker in workers.items():
            for resource in Resource:
                for index in range(int(worker["resources"].get(resource.value, 0))):
                    name = f"{resource.value}-{index} at {address}"
                    options = {"workers": [address], "allow_other_workers": False, "resources": {resource.value: 1}}
                    seen[name] = self._places.get(name) or Place(name, resource, options=options)
        self._places = seen

    def capacity(self, resource: Resource) -> int:
        """How many places of a kind the workers offer now."""
        return sum(place.resource is resource for place in self._places.values())

    def take(self, resource: Resource, job_id: str) -> Place | None:
        """Occupy a free place."""
        for place in self._places.values():
            restart = self._restarts.get(place.name)
            if place.resource is resource and not place.job_id and (restart is None or restart.done()):
                place.job_id = job_id
                return place
        return None

    def release(self, place: Place) -> None:
        """The job has left."""
        place.job_id = ""

    def ended(self, place: Place) -> str:
        """Remote workers are known by what Dask says of a task."""
        return "" if place.name in self._places else "its worker has left"

    async def kill(self, place: Place) -> None:
        """Have the worker's nanny restart it; the place is free again when that is done."""
        restart = self._client.restart_workers(place.options["workers"], timeout=30, raise_for_error=False)
        self._restarts[place.name] = asyncio.create_task(restart)

    def end_idle(self) -> None:
        """Not ours to end."""

    def close(self) -> None:
        """Not ours to end."""


def _alive(place: Place) -> bool:
    return place.process is not None and place.process.poll() is None


def _end(place: Place) -> None:
    """End the place's process; one that the system does not let go yet, for a disk say, is left to it."""
    process, place.process = place.process, None
    if process is None:
        return
    kill_tree(process.pid)
    try:
        process.wait(timeout=END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        logger.error(
            "worker %s, process %d, is still there %.0f s after its end", place.name, process.pid, END_TIMEOUT_S
        )
