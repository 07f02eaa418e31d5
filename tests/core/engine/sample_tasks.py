"""A kind of job for the engine's tests: sleeps, fails, hangs or starts a child, as its parameters say."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from core.access.roles import Permission
from core.engine.context import JobContext
from core.errors import ImageError
from core.jobs.kinds import register
from core.jobs.parameters import JobParams, Subjects
from core.jobs.results import JobResult
from core.jobs.task_kind import Resource, TaskKind


@dataclass(frozen=True, kw_only=True)
class SampleParams(JobParams):
    """What a sample does, as plain values."""

    kind = "sample"

    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def subjects(self) -> Subjects:
        """None."""
        return Subjects()

    def to_json(self) -> dict[str, Any]:
        """As they are."""
        return dict(self.given)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """As they are."""
        return cls(given=values)


class WarmParams(SampleParams):
    """The same where predictions run."""

    kind = "sample-warm"


class GpuParams(SampleParams):
    """The same on a graphics card."""

    kind = "sample-gpu"


class OnceParams(SampleParams):
    """The same, never started anew."""

    kind = "sample-once"


def run(context: JobContext[SampleParams]) -> dict[str, Any]:
    """Do what the parameters say; "once" only in the first attempt."""
    params = context.params.given
    context.publish(pid=os.getpid())
    context.log("sample task begins")
    if params.get("trace"):
        with Path(params["trace"]).open("a") as handle:
            handle.write(f"{params.get('mark', '')} {context.attempt} {time.time()}\n")
    if params.get("child") and context.attempt == 1:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        context.publish(child=child.pid)
    if params.get("fail") == "cristae":
        raise ImageError("The sample is bad.", "Use another.")
    if params.get("fail") == "bug":
        raise ZeroDivisionError("by design")
    seconds = params.get("seconds", 0) if not params.get("once") or context.attempt == 1 else 0
    began = time.monotonic()
    while (gone := time.monotonic() - began) < seconds:
        if params.get("polite", True):
            context.progress(gone / seconds, "sleeping")
        time.sleep(0.02)
    setting = str(getattr(context.settings, params["setting"])) if "setting" in params else ""
    return {"attempt": context.attempt, "echo": params.get("echo"), "setting": setting}


register(TaskKind(SampleParams, JobResult, "Sample", "tests.core.engine.sample_tasks", Resource.CPU, Permission.TRAIN))
register(
    TaskKind(WarmParams, JobResult, "Sample", "tests.core.engine.sample_tasks", Resource.PREDICT, Permission.TRAIN)
)
register(TaskKind(GpuParams, JobResult, "Sample", "tests.core.engine.sample_tasks", Resource.GPU, Permission.TRAIN))
register(
    TaskKind(
        OnceParams,
        JobResult,
        "Sample",
        "tests.core.engine.sample_tasks",
        Resource.CPU,
        Permission.TRAIN,
        1,
        restartable=False,
    )
)
