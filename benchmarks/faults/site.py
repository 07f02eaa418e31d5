"""The app under test: a real server with its keeper and engine in a folder of its own, and who to kill in it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Final

import psutil

from core.engine.engine import running_engine, stop_engine
from core.settings import ROOT, Precision, Settings, load_settings

START_S: Final = 90.0
"""A server that does not answer within this time is a fault."""

END_S: Final = 15.0
"""What is still there so long after everything was ended counts as left over."""


LASTING: Final = ("streamlit", "torchinductor")
"""Cache folders of libraries, one per user: they are there after undisturbed work too, and do not grow with kills."""


class Victim(StrEnum):
    """What is killed."""

    WORKER = "worker process"
    CHILD = "training process"
    ENGINE = "engine"
    SERVER = "Streamlit server"


class Site:
    """One data folder, its models, its server.

    Parameters
    ----------
    folder
        Empty; takes everything, temporary files too.
    precision
        Of predictions. With "fast" each worker tries on the first image that it sees whether bfloat16 is good enough;
        one that is started anew may decide otherwise, and label maps differ in a few pixels: only "exact" compares.
    """

    def __init__(self, folder: Path, precision: Precision = Precision.EXACT) -> None:
        self.folder = folder
        self.temporary = folder / "tmp"
        self.temporary.mkdir(parents=True)
        self.settings: Settings = load_settings(
            data_dir=folder / "data", models_dir=folder / "models", min_free_bytes=0, precision=precision
        )
        shutil.copytree(ROOT / "models" / "starter", self.settings.models_dir / "starter")
        self._port = _free_port()
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of the server, without a slash at its end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def server_pid(self) -> int:
        """Of the server that was started last; 0 before the first."""
        return 0 if self._server is None else self._server.pid

    def start_server(self) -> None:
        """Start the app as a person does, without waiting for it."""
        own = {
            "CRISTAE_DATA_DIR": str(self.settings.data_dir),
            "CRISTAE_MODELS_DIR": str(self.settings.models_dir),
            "CRISTAE_MIN_FREE_BYTES": "0",
            "CRISTAE_PRECISION": self.settings.precision.value,
            "TMPDIR": str(self.temporary),
            "TEMP": str(self.temporary),
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CRISTAE_")}
        options = ["--server.port", str(self._port), "--server.headless", "true"]
        with (self.folder / "server.log").open("ab") as log:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), *options],
                cwd=ROOT,
                env={**inherited, **own},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_for_server(self) -> bool:
        """Whether the server answers within `START_S`."""
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            with suppress(urllib.error.URLError, OSError):
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2).close()  # noqa: S310
                return True
            time.sleep(0.2)
        return False

    def find(self, victim: Victim, busy: list[int]) -> list[int]:
        """Ids of processes that may be killed.

        Parameters
        ----------
        busy
            Ids of the workers that run a job now.
        """
        if victim is Victim.SERVER:
            return [self._server.pid] if self._server is not None and self._server.poll() is None else []
        engine = running_engine(self.settings)
        if victim is Victim.ENGINE:
            return [engine.pid] if engine is not None else []
        if victim is Victim.WORKER:
            return [pid for pid in busy if psutil.pid_exists(pid)]
        return [process.pid for process in self.processes() if "core.training.process" in _words(process)]

    def kill(self, victim: Victim, pid: int) -> None:
        """End a process at once, as a power cut or the system's out-of-memory killer does; the server comes back."""
        os.kill(pid, signal.SIGKILL)
        if victim is Victim.SERVER and self._server is not None:
            self._server.wait()
            self.start_server()

    def processes(self) -> Iterator[psutil.Process]:
        """All processes that belong to this site: by the folder that their environment or command names."""
        mark = str(self.folder)
        for process in psutil.process_iter():
            if process.pid == os.getpid():
                continue
            with suppress(psutil.Error, OSError):
                if any(mark in word for word in [*process.cmdline(), *process.environ().values()]):
                    yield process

    def close(self) -> list[str]:
        """End server and engine in the ordinary way. Returns the processes that are left all the same."""
        if self._server is not None:
            self._server.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._server.wait(20)
        stop_engine(self.settings)
        end = time.monotonic() + END_S
        while (left := list(self.processes())) and time.monotonic() < end:
            time.sleep(0.2)
        told = [f"process {process.pid}: {' '.join(_words(process))[:200]}" for process in left]
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        return told

    def leftovers(self) -> list[str]:
        """Temporary files and folders that are there although nothing runs; call after `close`."""
        data, models = self.settings.data_dir, self.settings.models_dir
        found = [path for path in data.rglob("*") if path.name.endswith((".partial", ".old", ".tmp"))]
        found += list(data.rglob("unfinished.json"))
        found += [path for path in models.iterdir() if path.name.startswith(".") and path.name != ".trash"]
        found += list(data.glob("training/*/dataset"))
        found += list(self.settings.uploads_dir.iterdir())
        found += [path for path in self.temporary.iterdir() if not path.name.startswith(LASTING)]
        return sorted({str(path.relative_to(self.folder)) for path in found})


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
