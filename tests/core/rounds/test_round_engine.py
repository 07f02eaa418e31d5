"""A round in a real engine, which is killed in the middle of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import pytest

from core.engine.engine import ensure_engine, log_path, running_engine
from core.jobs.kinds import TASKS
from core.jobs.rows import jobs
from core.processes import kill_tree
from core.rounds.decisions import promote
from core.rounds.plan import RoundPlan
from core.rounds.round import start_round
from core.rounds.timeline import round_progress
from core.settings import Settings
from core.store import ProjectRecord, Store
from core.store.round_records import RoundRecord, RoundState, Step
from tests.core.conftest import settings, store
from tests.core.engine.conftest import end
from tests.core.evaluations.conftest import project
from tests.core.rounds.chain import fill

__all__ = ["project", "settings", "store"]

PLUGINS = ("tests.core.rounds.quick_tasks",)
LIMIT_S = 60.0

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills a process group")


def wait(store: Store, it: RoundRecord, until: Callable[[RoundRecord], bool]) -> RoundRecord:
    """The round, once it is as wanted."""
    began = time.monotonic()
    while time.monotonic() - began < LIMIT_S:
        now = store.rounds.get(it.id)
        if until(now):
            return now
        time.sleep(0.02)
    logs = "\n".join(path.read_text() for path in log_path(store.settings).parent.glob("*.log"))
    pytest.fail(f"after {LIMIT_S} s: {store.rounds.get(it.id)}\n{logs}")


def test_a_round_survives_its_engine(store: Store, settings: Settings, project: ProjectRecord) -> None:
    fill(store, project, test_images=0)
    known = dict(TASKS)
    first = ensure_engine(settings, plugins=PLUGINS)
    try:
        it = start_round(store, RoundPlan(project.id))
        it = wait(store, it, lambda now: now.step is Step.TRAIN and round_progress(store, now).fraction > 0.1)
        kill_tree(first.pid)
        wait(store, it, lambda _: running_engine(settings) is None)
        second = ensure_engine(settings, plugins=PLUGINS)
        assert second.pid != first.pid
        try:
            it = wait(store, it, lambda now: now.state is not RoundState.RUNNING)
            assert (it.state, it.step, it.model_id) == (RoundState.WAITING, Step.DECIDE, "cells-round-1")
            promote(store, it.id, "Ada", "no test images here")
            it = wait(store, it, lambda now: now.state is not RoundState.RUNNING)
            assert it.state is RoundState.DONE, it.now
            assert sorted(row.kind for row in jobs(store=store)) == ["predict", "predict", "train"]
        finally:
            end(settings, second)
    finally:
        end(settings, first)
        TASKS.update(known)
