"""``GET /healthz``: whether this server can do its work, for whoever watches over it. No names, no paths."""

from __future__ import annotations

import logging
import shutil
import time
import uuid
from collections.abc import Callable
from threading import Lock
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.engine.engine_state import EngineHealth, engine_state
from core.errors import CristaeError
from core.settings import Settings
from core.store.presence import require_there
from core.store.store import Store
from core.web.responses import json_response

logger = logging.getLogger(__name__)

KEPT_S: Final = 2.0
"""An answer counts for so long: asking often costs nothing."""

STARTING_S: Final = 120.0
"""So long after the server's start an engine that is not there yet is starting; then it is missing."""


def health_routes(settings: Settings, stores: Callable[[], Store]) -> list[Route]:
    """Answers 200 with ``{"database": "ok", …}``, or 503 where one of them is not; for anybody."""
    health = _Health(settings, stores)

    def answer(_: Request) -> Response:
        parts = health.parts()
        response = json_response(parts)
        response.status_code = 200 if set(parts.values()) <= {"ok", "starting"} else 503
        return response

    return [Route("/healthz", answer)]


class _Health:
    """Looks, and remembers what it saw for a moment."""

    def __init__(self, settings: Settings, stores: Callable[[], Store]) -> None:
        self._settings, self._stores = settings, stores
        self._began_s = time.monotonic()
        self._lock = Lock()
        self._seen: tuple[float, dict[str, str]] | None = None

    def parts(self) -> dict[str, str]:
        with self._lock:
            if self._seen is None or time.monotonic() - self._seen[0] > KEPT_S:
                self._seen = time.monotonic(), self._look()
            return dict(self._seen[1])

    def _look(self) -> dict[str, str]:
        looks = {
            "database": self._database, "data_folder": self._data_folder, "disk": self._disk, "engine": self._engine,
        }  # fmt: skip
        found = {}
        for part, look in looks.items():
            try:
                found[part] = look()
            except (CristaeError, OSError) as error:
                logger.warning("health: %s: %s", part, error)
                found[part] = "failed"
        return found

    def _database(self) -> str:
        self._stores().projects.all()
        return "ok"

    def _data_folder(self) -> str:
        """Whether it is there and can be written."""
        require_there(self._settings.data_dir)
        probe = self._settings.data_dir / f".health.{uuid.uuid4().hex[:8]}"
        try:
            probe.write_bytes(b"ok")
        finally:
            probe.unlink(missing_ok=True)
        return "ok"

    def _disk(self) -> str:
        free = shutil.disk_usage(self._settings.data_dir).free
        return "ok" if free >= self._settings.min_free_bytes else "full"

    def _engine(self) -> str:
        state = engine_state(self._settings)
        if state.health is EngineHealth.ALIVE:
            return "ok"
        young = time.monotonic() - self._began_s < STARTING_S
        return "starting" if young and state.health is EngineHealth.STARTING else "missing"
