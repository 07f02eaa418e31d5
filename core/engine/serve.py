"""``python -m core.engine.serve [plugin …]``: the engine's process; `core.engine.engine.ensure_engine` starts it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from filelock import FileLock, Timeout

from core.engine import dask_config
from core.engine.credentials import make_credentials
from core.engine.dispatcher import Dispatcher, dispatch
from core.engine.engine import (
    FOLDER_OPTION,
    EngineFiles,
    EngineInfo,
    asks_for_other_settings,
    code_age,
    ensure_engine,
    settings_fingerprint,
    show_alive,
    write_info,
)
from core.engine.places import LocalPlaces, Places, RemotePlaces
from core.errors import CristaeError, DataFolderGoneError, JobError
from core.files import private_files
from core.jobs.kinds import load_plugins
from core.processes import allow_open_files, identity
from core.program import quiet_libraries
from core.settings import Settings, load_settings
from core.store import Store
from core.store.presence import mark_of, require_there

logger = logging.getLogger(__name__)

POLL_S: Final = 0.1
"""From submitting a job to seeing it; a look at an unchanged database takes some microseconds."""

UNWANTED_S: Final = 600.0
"""Without work, and without an app that wants it, the engine ends after this time."""

CONNECT_S: Final = 10
"""How long a scheduler elsewhere may take to answer."""

ROUNDS_S: Final = 1.0
"""Rounds are looked at this often; without one under way that is a query of some microseconds."""

FOLLOW_S: Final = 5.0
"""How often it is asked whether a project wants its next round; this reads the rows of its images."""

CLEAN_S: Final = 3600.0
"""How often it is looked for what is past its time."""

GONE_S: Final = 5.0
"""An engine whose data folder has gone for so long ends: what it writes would be lost."""

TOUCH_S: Final = 10.0
"""How often it shows that it lives to those on other machines."""


def main(arguments: list[str]) -> int:
    """Run the engine of this data folder until it is stopped or no longer wanted. Returns the exit code."""
    quiet_libraries()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = load_settings()
    plugins = [argument for argument in arguments if not argument.startswith(FOLDER_OPTION)]
    marks = [argument.removeprefix(FOLDER_OPTION) for argument in arguments if argument.startswith(FOLDER_OPTION)]
    if marks and marks[0] != mark_of(settings.data_dir):  # it went while this process started: do not make it anew
        logger.error("the data folder %s is not the one that this engine was started for", settings.data_dir)
        return 1
    private_files(settings.group_files)
    allow_open_files()
    files = EngineFiles.of(settings)
    files.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(files.lock, timeout=5)
    try:
        with lock:
            asyncio.run(_serve(settings, tuple(plugins)))
            files.info.unlink(missing_ok=True)
        if files.renew.exists() and not asks_for_other_settings(files):
            ensure_engine(settings, plugins=tuple(plugins))
    except Timeout:
        logger.info("another engine serves %s", settings.data_dir)
        return 0
    except CristaeError as error:
        logger.error("%s", error)
        with contextlib.suppress(OSError):  # the data folder may be what has gone
            files.failure.write_text(json.dumps({"cause": error.cause, "remedy": error.remedy}), encoding="utf-8")
        return 1
    return 0


async def _serve(settings: Settings, plugins: tuple[str, ...]) -> None:
    load_plugins(plugins)
    store = Store(settings)
    done = asyncio.Event()
    _stop_on_signals(done)
    async with _scheduler(settings) as (client, places, info):
        dispatcher = Dispatcher(store, client, places, plugins)
        await places.refresh()
        write_info(settings, info)
        logger.info("engine ready at %s", info.address)
        watch = asyncio.create_task(_watch(settings, info, dispatcher, client, done))
        rounds = asyncio.create_task(_carry_rounds_on(store, dispatcher, done))
        cleaning = asyncio.create_task(_clean(store, done))
        try:
            await dispatch(dispatcher, done, POLL_S)
        finally:
            watch.cancel()
            done.set()
            await rounds
            await cleaning
            await dispatcher.stop()
            places.close()
            logger.info("engine ends")
    store.close()


@asynccontextmanager
async def _scheduler(settings: Settings) -> AsyncIterator[tuple[Any, Places, EngineInfo]]:
    """Our own scheduler, or the one that the settings name; a client of it, and its places."""
    folder = EngineFiles.of(settings).folder
    shutil.rmtree(folder / "scratch", ignore_errors=True)
    dask_config.apply(folder / "scratch")
    distributed = dask_config.library()
    pid = os.getpid()
    me: dict[str, Any] = {
        "pid": pid, "began": time.time(), "host": socket.gethostname(), "code": code_age(),
        "identity": identity(pid) or "", "settings": settings_fingerprint(settings),
    }  # fmt: skip
    if settings.engine != "local":
        async with _client(settings.engine, _external_security(settings)) as client:
            yield client, RemotePlaces(client), EngineInfo(settings.engine, external=True, **me)
        return
    security = make_credentials(folder).security()
    scheduler = distributed.Scheduler(
        host="127.0.0.1",
        port=0,
        protocol="tls",
        security=security,
        dashboard=False,
        dashboard_address=dask_config.NO_DASHBOARD,
    )
    async with scheduler, _client(scheduler.address, security) as client:
        yield client, LocalPlaces(settings, scheduler.address, pid), EngineInfo(scheduler.address, **me)


@asynccontextmanager
async def _client(address: str, security: Any) -> AsyncIterator[Any]:
    distributed = dask_config.library()
    try:
        client = await distributed.Client(
            address, asynchronous=True, security=security, timeout=CONNECT_S, set_as_default=False
        )
    except (OSError, TimeoutError, ValueError, RuntimeError) as error:
        raise JobError(
            f"The Dask scheduler at {address} cannot be reached ({error}).",
            "Check CRISTAE_ENGINE, that the scheduler runs, and the certificates that Dask is configured with.",
        ) from error
    try:
        yield client
    finally:
        await client.close(timeout=2)


def _external_security(settings: Settings) -> Any:
    """Certificates from Dask's own configuration."""
    security = dask_config.library().Security(require_encryption=True)
    if security.tls_ca_file is None or security.tls_client_cert is None:
        raise JobError(
            f"Certificates are missing for the engine at {settings.engine}.",
            "Set them in the Dask configuration: distributed.comm.tls.ca-file, client.cert and client.key, in "
            "~/.config/dask or as DASK_DISTRIBUTED__COMM__TLS__CA_FILE and so on.",
        )
    return security


async def _watch(
    settings: Settings, info: EngineInfo, dispatcher: Dispatcher, client: Any, done: asyncio.Event
) -> None:
    """Set ``done`` when the engine is asked to stop, is wanted no longer, or has lost its scheduler."""
    files = EngineFiles.of(settings)
    touched_s = there_s = time.monotonic()
    while not done.is_set():
        await asyncio.sleep(0.25)
        try:
            require_there(settings.data_dir)
            there_s = time.monotonic()
        except DataFolderGoneError as error:
            if time.monotonic() - there_s >= GONE_S:
                logger.error("%s", error)
                done.set()
            continue
        if files.stop.exists():
            logger.info("asked to stop")
            done.set()
        dispatcher.draining = files.renew.exists()
        if dispatcher.draining and not dispatcher.busy:
            logger.info("newer code takes over")
            done.set()
        if client.status in ("closed", "closing"):
            logger.error("the scheduler has gone")
            done.set()
        if time.monotonic() - touched_s >= TOUCH_S:
            touched_s = time.monotonic()
            with contextlib.suppress(OSError):
                show_alive(settings, info)
            if dispatcher.idle and _age_s(files) > UNWANTED_S:
                logger.info("nobody has wanted an engine for %.0f s", UNWANTED_S)
                done.set()


async def _carry_rounds_on(store: Store, dispatcher: Dispatcher, done: asyncio.Event) -> None:
    """Take rounds from step to step, and queue what was answered; what fails for a while is tried again."""
    from core.batches.followers import release_answered
    from core.rounds.advance import advance_rounds, follow_rounds  # rounds know of jobs themselves

    followed_s = time.monotonic()
    while not done.is_set():
        if not dispatcher.draining:
            try:
                await asyncio.to_thread(release_answered, store)
                await asyncio.to_thread(advance_rounds, store)
                if time.monotonic() - followed_s >= FOLLOW_S:
                    await asyncio.to_thread(follow_rounds, store)
                    followed_s = time.monotonic()
            except (CristaeError, OSError) as error:
                logger.error("rounds and held jobs: %s: %s", type(error).__name__, error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), ROUNDS_S)


async def _clean(store: Store, done: asyncio.Event) -> None:
    """Delete what nobody will ask for any more, at the start and now and then: a server may run for months."""
    from core.engine.cleaning import clean  # it knows of routes

    while not done.is_set():
        try:
            await asyncio.to_thread(clean, store)
        except (CristaeError, OSError) as error:
            logger.error("cleaning: %s: %s", type(error).__name__, error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), CLEAN_S)


def _age_s(files: EngineFiles) -> float:
    """Seconds since somebody wanted an engine."""
    try:
        return time.time() - files.wanted.stat().st_mtime
    except OSError:
        return float("inf")


def _stop_on_signals(done: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, done.set)
        except NotImplementedError:  # Windows: there the file asks to stop
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
