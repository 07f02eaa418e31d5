"""The engine as the app sees it: make sure that there is one, learn about it, stop it.

The engine is a process of its own (`core.engine.serve`), detached from whoever started it: jobs survive the app. There
is at most one per data folder; what to know about it is in ``<data_dir>/engine/engine.json``. Importing this module
imports no Dask.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from core.engine.credentials import Credentials, write_private
from core.engine.dask_config import library
from core.errors import CristaeError, DataFolderGoneError, JobError
from core.files import explained_os_errors
from core.processes import identity, is_same_process, kill_tree, settings_environment, start_detached
from core.settings import ROOT, Settings
from core.store.presence import mark_of, require_there

logger = logging.getLogger(__name__)

START_TIMEOUT_S: Final = 60.0
"""Ready in about 2 s; a cold disk or a busy machine may need much longer."""

STOP_TIMEOUT_S: Final = 10.0
"""After this an engine that was asked to stop is ended."""

RENEW_S: Final = 3.0
"""An engine without running jobs goes within this time when newer code asks for it."""

FRESH_S: Final = 30.0
"""An engine on another machine counts as alive when it has touched its file within this time."""

GONE_PAUSE_S: Final = 5.0
"""How often it is looked whether a data folder that went is back."""

KEEP_EVERY_S: Final = 2.0
"""How often an app looks whether its engine is alive."""

FOLDER_OPTION: Final = "--folder="
"""Before the mark of the data folder in which an engine is to work, in its arguments."""

_NOT_THE_ENGINES: Final = {"public_addresses", "framed_by", "person_header", "max_upload_bytes"}
"""Settings that the web server alone reads."""

_SETTINGS: Final = "settings"

LOG_BYTES: Final = 5 * 1024**2
"""A larger engine log is put aside when an engine starts."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What an engine says about itself.

    Parameters
    ----------
    address
        Of the Dask scheduler, ``tls://…``.
    pid, began, host
        The engine's process; ``began`` in seconds since 1970.
    external
        Whether the scheduler was there before, by the setting ``engine``.
    code
        `code_age` of what it runs.
    identity
        `core.processes.identity` of the process; earlier versions left it out and relied on ``began``.
    settings
        `settings_fingerprint` of what it was started with; earlier versions left it out.
    """

    address: str
    pid: int
    began: float
    host: str
    external: bool = False
    code: float = 0.0
    identity: str = ""
    settings: str = ""

    @property
    def alive(self) -> bool:
        """Whether its process is alive, asked on its host."""
        return is_same_process(self.pid, self.identity or repr(self.began))


@dataclass(frozen=True, slots=True)
class EngineFiles:
    """The files of the engine of one data folder."""

    folder: Path

    @classmethod
    def of(cls, settings: Settings) -> EngineFiles:
        """Those of the settings' data folder."""
        return cls(settings.data_dir / "engine")

    @property
    def info(self) -> Path:
        """`EngineInfo` as JSON, mode 0600; there while an engine is ready."""
        return self.folder / "engine.json"

    @property
    def lock(self) -> Path:
        """Held by the engine as long as it lives."""
        return self.folder / "engine.lock"

    @property
    def start_lock(self) -> Path:
        """Held by whoever starts one."""
        return self.folder / "start.lock"

    @property
    def stop(self) -> Path:
        """Asks the engine to stop."""
        return self.folder / "stop"

    @property
    def renew(self) -> Path:
        """Asks the engine to stop once nothing runs, because its code is older than the app's."""
        return self.folder / "renew"

    @property
    def wanted(self) -> Path:
        """Touched by those who want the engine to stay."""
        return self.folder / "wanted"

    @property
    def failure(self) -> Path:
        """Why the last engine could not start, as JSON."""
        return self.folder / "failure.json"


def running_engine(settings: Settings) -> EngineInfo | None:
    """The engine of this data folder, None when there is none alive. Takes some 0.1 ms."""
    path = EngineFiles.of(settings).info
    try:
        info = EngineInfo(**json.loads(path.read_text(encoding="utf-8")))
        touched = path.stat().st_mtime
    except (OSError, ValueError, TypeError):
        return None
    if info.host == socket.gethostname():
        return info if info.alive else None
    return info if time.time() - touched < FRESH_S else None


def ensure_engine(settings: Settings, *, plugins: tuple[str, ...] = (), for_server: bool = False) -> EngineInfo:
    """The engine of this data folder, started if there is none alive.

    One that runs older code than this process is replaced as soon as none of its jobs runs; it begins none until then.

    Parameters
    ----------
    settings
        The engine gets the same ones.
    plugins
        Modules that register further kinds of jobs; count only for an engine that is started now.
    for_server
        The app's server asks: an engine that was started with other settings is replaced in the same way, so that it
        does not go on with what was right before. Commands do not: theirs may differ on purpose.

    Raises
    ------
    JobError
        It could not be started: why.
    StorageFullError
        The data folder cannot be written.
    """
    files = EngineFiles.of(settings)
    require_there(settings.data_dir)
    with explained_os_errors(files.wanted):
        files.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        files.wanted.touch()
    found = running_engine(settings)
    if found is not None and (not _outdated(found, settings, for_server) or files.renew.exists()):
        return found
    try:
        with explained_os_errors(files.start_lock), FileLock(files.start_lock, timeout=START_TIMEOUT_S):
            found = running_engine(settings)
            if found is not None and _outdated(found, settings, for_server):
                found = _renewed(settings, files, only_settings=found.code >= code_age())
            return found or _start(settings, files, plugins)
    except Timeout as error:
        raise JobError(
            f"Another process has been starting the engine for more than {START_TIMEOUT_S:.0f} s.",
            f"See {log_path(settings)}.",
        ) from error


def stop_engine(settings: Settings) -> bool:
    """Stop the engine of this data folder; what runs is interrupted and starts anew with the next engine.

    Returns
    -------
    bool
        Whether there was one.
    """
    info, files = running_engine(settings), EngineFiles.of(settings)
    if info is None:
        return False
    files.stop.touch()
    limit = time.monotonic() + STOP_TIMEOUT_S
    while time.monotonic() < limit:
        if running_engine(settings) is None:
            break
        time.sleep(0.05)
    else:
        if info.host == socket.gethostname() and info.alive:
            kill_tree(info.pid)
    files.stop.unlink(missing_ok=True)
    files.info.unlink(missing_ok=True)
    return True


def keep_engine(settings: Settings) -> Callable[[], None]:
    """Keep an engine alive from a thread, as long as this process lives: for the app's lifespan.

    An engine that dies is replaced within some seconds; failures are logged and tried again, ever more slowly.

    Returns
    -------
    callable
        Ends the watching, not the engine.
    """
    done = threading.Event()

    def watch() -> None:
        pause_s = KEEP_EVERY_S
        while not done.is_set():
            try:
                require_there(settings.data_dir)  # a folder that has gone gets no second engine
                ensure_engine(settings, for_server=True)
                pause_s = KEEP_EVERY_S
            except (CristaeError, OSError) as error:  # the keeper outlives whatever the disk does
                longest_s = GONE_PAUSE_S if isinstance(error, DataFolderGoneError) else 60.0
                pause_s = min(longest_s, pause_s * 2)
                logger.error("engine: %s", error)
            done.wait(pause_s)

    thread = threading.Thread(target=watch, name="engine keeper", daemon=True)
    thread.start()

    def stop() -> None:
        done.set()
        thread.join(timeout=5)

    return stop


def connect(settings: Settings) -> Any:
    """A `distributed.Client` of the running engine, to look at it. Jobs are submitted as rows, never through it.

    Raises
    ------
    JobError
        There is no engine.
    """
    info = running_engine(settings)
    if info is None:
        raise JobError("No engine is running with this data folder.", "Start the app, or call ensure_engine.")
    files = EngineFiles.of(settings)
    security = (
        library().Security(require_encryption=True) if info.external else Credentials.in_folder(files.folder).security()
    )
    return library().Client(info.address, security=security, timeout=10, set_as_default=False)


def log_path(settings: Settings) -> Path:
    """The engine's log."""
    return settings.data_dir / "logs" / "engine.log"


def write_info(settings: Settings, info: EngineInfo) -> None:
    """Announce an engine that is ready."""
    write_private(EngineFiles.of(settings).info, _announcement(info))


def show_alive(settings: Settings, info: EngineInfo) -> None:
    """Show those on other machines that the engine lives; announce it again if its file was removed or changed.

    Whoever starts an engine removes the file of the one before. That may be one that lives and was only slow to answer:
    it holds the lock, so the one that is being started ends, and the file must come back.
    """
    path = EngineFiles.of(settings).info
    try:
        announced = path.read_text(encoding="utf-8") == _announcement(info)
    except (FileNotFoundError, ValueError):
        announced = False
    if announced:
        os.utime(path)
    else:
        write_info(settings, info)


def _announcement(info: EngineInfo) -> str:
    return json.dumps(asdict(info), indent=2) + "\n"


@lru_cache(maxsize=1)
def code_age() -> float:
    """When the newest file of this program was changed, in seconds since 1970, as this process found it."""
    return max(path.stat().st_mtime for path in (ROOT / "core").rglob("*.py"))


def settings_fingerprint(settings: Settings) -> str:
    """The same for settings that are the same to an engine and its jobs."""
    values = settings.model_dump(mode="json", exclude=_NOT_THE_ENGINES)
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def asks_for_other_settings(files: EngineFiles) -> bool:
    """Whether whoever asked the engine to go starts the next one, with settings that this one does not know."""
    try:
        return files.renew.read_text(encoding="utf-8") == _SETTINGS
    except OSError:
        return False


def _outdated(info: EngineInfo, settings: Settings, for_server: bool) -> bool:
    return info.code < code_age() or (for_server and info.settings != settings_fingerprint(settings))


def _renewed(settings: Settings, files: EngineFiles, *, only_settings: bool) -> EngineInfo | None:
    """Ask an engine of older code or other settings to go; it is still there when a job of it runs."""
    files.renew.write_text(_SETTINGS if only_settings else "code", encoding="utf-8")
    limit = time.monotonic() + RENEW_S
    while time.monotonic() < limit and running_engine(settings) is not None:
        time.sleep(0.05)
    return running_engine(settings)


def _start(settings: Settings, files: EngineFiles, plugins: tuple[str, ...]) -> EngineInfo:
    """Start one and wait until it is ready. The caller holds the start lock."""
    for path in (files.info, files.stop, files.renew, files.failure):
        path.unlink(missing_ok=True)
    log = log_path(settings)
    if log.is_file() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".old.log"))
    arguments = [f"{FOLDER_OPTION}{mark_of(settings.data_dir)}", *plugins]
    pid = start_detached("core.engine.serve", arguments, settings_environment(settings), log)
    limit = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < limit:
        found = running_engine(settings)
        if found is not None:
            return found
        if identity(pid) is None:
            raise _why(files, settings)
        time.sleep(0.02)
    kill_tree(pid)
    raise JobError(f"The engine was not ready within {START_TIMEOUT_S:.0f} s.", f"See {log}.")


def _why(files: EngineFiles, settings: Settings) -> JobError:
    """What the engine left behind when it ended early."""
    try:
        failure = json.loads(files.failure.read_text(encoding="utf-8"))
        return JobError(f"The engine failed to start: {failure['cause']}", failure["remedy"])
    except (OSError, ValueError, KeyError):
        return JobError("The engine stopped during its start.", f"See {log_path(settings)}.")
