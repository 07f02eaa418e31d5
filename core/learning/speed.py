"""How fast presets train on this machine, as measured by the job ``time_training``."""

from __future__ import annotations

import json
import platform
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from core.errors import JobError, NotFoundError
from core.files import write_json
from core.jobs.kinds import JobKind
from core.jobs.rows import active_jobs, request_cancel
from core.store.store import Store
from core.training.presets import Preset


@dataclass(frozen=True, slots=True)
class TrainingSpeed:
    """One measurement.

    Parameters
    ----------
    seconds_per_iteration
        Mean over the timed iterations, augmentation included.
    memory_bytes
        Largest resident memory of the training process that was seen.
    """

    preset: Preset
    seconds_per_iteration: float
    memory_bytes: int

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "preset": self.preset.value,
            "seconds_per_iteration": self.seconds_per_iteration,
            "memory_bytes": self.memory_bytes,
        }


def keep_speed(store: Store, speed: TrainingSpeed) -> None:
    """Remember a measurement; the newest of a preset counts."""
    kept = _read(store)
    kept[_key(speed.preset)] = speed.to_json()
    write_json(_path(store), kept)


def make_way(store: Store) -> None:
    """Stop measurements that nobody asked for: a training that somebody wants comes first."""
    for row in active_jobs(store=store):
        if row.kind == JobKind.TIME_TRAINING and not row.author:
            with suppress(JobError, NotFoundError):  # it has just ended
                request_cancel(row.id, store=store)


def known_speed(store: Store, preset: Preset) -> TrainingSpeed | None:
    """What was measured on this machine with these versions; None where nothing was."""
    values = _read(store).get(_key(preset))
    if values is None:
        return None
    return TrainingSpeed(preset, float(values["seconds_per_iteration"]), int(values["memory_bytes"]))


def _key(preset: Preset) -> str:
    return f"{platform.node()} torch {version('torch')} {preset.value}"


def _path(store: Store) -> Path:
    return store.settings.data_dir / "training" / "speeds.json"


def _read(store: Store) -> dict[str, Any]:
    try:
        values = json.loads(_path(store).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
