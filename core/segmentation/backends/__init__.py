"""The libraries that can run a network, best first: one file each, one row each in `BACKENDS`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import lru_cache
from typing import Final

from core.errors import PredictionError
from core.program import COMMAND, ROOT, child_environment
from core.segmentation.backends.base import Backend, BackendInfo
from core.segmentation.backends.openvino_backend import OpenVinoBackend
from core.segmentation.backends.torch_backend import TorchBackend

BACKENDS: Final[tuple[Backend, ...]] = (
    TorchBackend("cuda"),
    TorchBackend("mps"),
    OpenVinoBackend(),
    TorchBackend("cpu"),
)
"""In the order in which "auto" tries them."""

PROBE_SECONDS: Final = 120
"""Importing torch from a cold network disk takes up to a minute."""


def choose_backend(name: str = "auto") -> Backend:
    """The backend to use.

    Parameters
    ----------
    name
        "auto" (the first that is available), "torch" (the first of torch's), or a name in `BACKENDS`.

    Raises
    ------
    PredictionError
        No such backend, or it is not available here; the reason is given.
    """
    wanted = [backend for backend in BACKENDS if name in ("auto", backend.name) or backend.name.startswith(f"{name}-")]
    if not wanted:
        names = ", ".join(backend.name for backend in BACKENDS)
        raise PredictionError(f"There is no backend {name!r}.", f"Use auto, torch, or one of {names}.")
    reasons = []
    for backend in wanted:
        info = backend.info()
        if info.available:
            return backend
        reasons.append(f"{backend.name}: {info.reason}")
    raise PredictionError(f"The backend {name!r} cannot be used here.", " ".join(reasons))


@lru_cache(maxsize=1)
def available_backends() -> tuple[BackendInfo, ...]:
    """All backends, best first, each with the reason where this machine does not have it.

    Asking a card for its name takes torch, which does not belong into a server: unless torch is here already, a child
    process asks. The answer is kept.
    """
    if "torch" in sys.modules:
        return tuple(backend.info() for backend in BACKENDS)
    command = [sys.executable, "-m", "core.segmentation.backends.probe"]
    try:
        run = subprocess.run(
            command, cwd=ROOT, env=child_environment(os.environ), capture_output=True, text=True, timeout=PROBE_SECONDS,
            check=True,
        )  # fmt: skip
        return tuple(BackendInfo(**entry) for entry in json.loads(run.stdout.splitlines()[-1]))
    except (subprocess.SubprocessError, OSError, ValueError, TypeError, IndexError) as error:
        reason = f"Checking it failed ({type(error).__name__}). `{COMMAND} doctor` shows details."
        return tuple(BackendInfo(backend.name, "", False, reason) for backend in BACKENDS)
