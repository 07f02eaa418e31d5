"""How the engine is, for people: alive, starting, or why it cannot start."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from core.engine.engine import EngineFiles, log_path, running_engine
from core.settings import Settings

STALE_S: Final = 600.0
"""A failure that is older than this says nothing about now: the app tries at least once a minute."""


class EngineHealth(StrEnum):
    """What the engine does."""

    ALIVE = "alive"
    STARTING = "starting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class EngineState:
    """The engine at this moment.

    Parameters
    ----------
    began_at
        When it started, None unless it is alive.
    host, pid
        Of its process, "" and 0 unless it is alive.
    external
        Whether jobs run on a scheduler that was there before.
    cause, remedy
        Why it could not start, "" otherwise.
    leaving
        Whether it ends with the jobs that run, so that the next one begins with other settings or newer code.
    """

    health: EngineHealth
    began_at: datetime | None = None
    host: str = ""
    pid: int = 0
    external: bool = False
    cause: str = ""
    remedy: str = ""
    leaving: bool = False


def engine_state(settings: Settings) -> EngineState:
    """Look at the files of the data folder's engine. Takes some 0.1 ms and starts nothing."""
    info = running_engine(settings)
    if info is not None:
        began_at = datetime.fromtimestamp(info.began, UTC)
        leaving = EngineFiles.of(settings).renew.exists()
        return EngineState(EngineHealth.ALIVE, began_at, info.host, info.pid, info.external, leaving=leaving)
    path = EngineFiles.of(settings).failure
    try:
        failure = json.loads(path.read_text(encoding="utf-8"))
        age_s = datetime.now(UTC).timestamp() - path.stat().st_mtime
        cause, remedy = str(failure["cause"]), str(failure["remedy"])
    except FileNotFoundError:
        return EngineState(EngineHealth.STARTING)
    except (OSError, ValueError, KeyError, TypeError):
        cause, remedy = "The engine stopped during its start.", f"See {log_path(settings)}."
        return EngineState(EngineHealth.FAILED, cause=cause, remedy=remedy)
    if age_s > STALE_S:
        return EngineState(EngineHealth.STARTING)
    return EngineState(EngineHealth.FAILED, cause=cause, remedy=remedy)
