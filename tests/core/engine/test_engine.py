"""The engine as a process: started once, survives its starter, loses nothing when killed, leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from core.engine.credentials import make_credentials
from core.engine.engine import (
    EngineFiles,
    EngineInfo,
    connect,
    ensure_engine,
    keep_engine,
    running_engine,
    show_alive,
    stop_engine,
)
from core.engine.places import graphics_cards
from core.errors import JobError
from core.jobs.rows import Priority, job, log_tail, request_cancel
from core.processes import identity
from core.settings import ROOT, Settings, load_settings
from core.store import JobState, Store
from tests.core.engine.conftest import PLUGINS, end, wait_for, wait_until
from tests.jobs import submit

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


def family(info: EngineInfo) -> list[psutil.Process]:
    """The engine and its workers."""
    engine = psutil.Process(info.pid)
    return [engine, *engine.children(recursive=True)]


def test_a_job_runs_and_the_worker_stays_for_the_next(shared: tuple[Store, EngineInfo]) -> None:
    store, engine = shared
    first = wait_for(store, submit("sample", {"echo": "ä"}, store=store).id)
    assert (first.state, first.result["echo"], first.attempts) == (JobState.SUCCEEDED, "ä", 1)
    began = time.monotonic()
    second = wait_for(store, submit("sample", {}, store=store).id)
    assert time.monotonic() - began < 2
    assert second.result["pid"] == first.result["pid"]
    assert engine.alive
    assert "sample task begins" in log_tail(first.id, store=store)


@pytest.mark.parametrize("earlier", [False, True], ids=["now", "earlier version"])
def test_a_living_engine_is_known_from_its_file(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, earlier: bool
) -> None:
    began, booted = psutil.Process().create_time(), psutil.boot_time()
    known = "" if earlier else str(identity(os.getpid()))
    info = EngineInfo("tls://127.0.0.1:1", os.getpid(), began, socket.gethostname(), identity=known)
    EngineFiles.of(settings).folder.mkdir(parents=True)
    fields = {name: value for name, value in asdict(info).items() if value or not earlier}
    EngineFiles.of(settings).info.write_text(json.dumps(fields))
    assert running_engine(settings) == info
    if sys.platform == "linux" and not earlier:
        monkeypatch.setattr("psutil._pslinux.boot_time", lambda: booted + 2)  # the clock is set
        assert running_engine(settings) == info


def test_failures_come_back_with_cause_and_remedy(shared: tuple[Store, EngineInfo]) -> None:
    store = shared[0]
    asked = [submit("sample", {"fail": how}, store=store).id for how in ("cristae", "bug")]
    bad, bug = (wait_for(store, job_id) for job_id in asked)
    assert (bad.state, bad.error_cause, bad.error_remedy) == (JobState.FAILED, "The sample is bad.", "Use another.")
    assert (bug.state, "ZeroDivisionError: by design" in bug.error_cause) == (JobState.FAILED, True)


def test_what_nothing_here_can_run_says_so_at_once(shared: tuple[Store, EngineInfo]) -> None:
    store = shared[0]
    if graphics_cards():
        pytest.skip("this machine has a graphics card")
    row = wait_for(store, submit("sample-gpu", {}, store=store).id, limit_s=5)
    assert (row.state, row.attempts) == (JobState.FAILED, 0)
    assert row.error_cause == "The engine has no graphics card."
    assert row.error_remedy


def test_cancelling_takes_effect_within_five_seconds_and_leaves_no_process(shared: tuple[Store, EngineInfo]) -> None:
    store = shared[0]
    polite = submit("sample", {"seconds": 60}, store=store).id
    rude = submit("sample", {"seconds": 60, "polite": False, "child": True}, store=store).id
    wait_for(store, polite, lambda row: "pid" in row.result)
    child = wait_for(store, rude, lambda row: "child" in row.result).result["child"]
    for job_id in (polite, rude):
        began = time.monotonic()
        request_cancel(job_id, store=store)
        row = wait_for(store, job_id, limit_s=5)
        assert (row.state, row.result) == (JobState.CANCELLED, {})
        assert time.monotonic() - began < 5
    wait_until(lambda: identity(child) is None, "the child of the job ends", 2)
    assert wait_for(store, submit("sample", {}, store=store).id).state is JobState.SUCCEEDED


def test_a_killed_worker_costs_an_attempt_and_no_other_job(shared: tuple[Store, EngineInfo]) -> None:
    store = shared[0]
    neighbour = submit("sample", {"seconds": 4}, store=store).id
    wait_for(store, neighbour, lambda row: "pid" in row.result)
    victim = submit("sample", {"seconds": 60, "once": True, "child": True}, store=store).id
    result = wait_for(store, victim, lambda row: "child" in row.result).result
    pid = result["pid"]
    os.kill(pid, KILL)
    if os.name == "posix":
        wait_until(lambda: identity(result["child"]) is None, "what its job had started ends, too", 3)
    row = wait_for(store, victim)
    assert (row.state, row.attempts, row.result["attempt"]) == (JobState.SUCCEEDED, 2, 2)
    assert row.result["pid"] != pid
    assert "attempt 1 was interrupted: its process ended" in log_tail(victim, store=store)
    other = wait_for(store, neighbour)
    assert (other.state, other.attempts) == (JobState.SUCCEEDED, 1)


def test_a_worker_that_is_killed_every_time_fails_the_job(shared: tuple[Store, EngineInfo]) -> None:
    store = shared[0]
    job_id = submit("sample", {"seconds": 60}, store=store).id
    for attempt in (1, 2, 3):
        row = wait_for(store, job_id, lambda row, n=attempt: row.attempts == n and "pid" in row.result)  # type: ignore[misc]
        os.kill(row.result["pid"], KILL)
    row = wait_for(store, job_id)
    assert row.state is JobState.FAILED
    assert row.error_cause.startswith("It was interrupted 3 times; the last time: its process ended")


def test_a_kind_that_cannot_start_anew_is_left_interrupted(shared: tuple[Store, EngineInfo]) -> None:
    store = shared[0]
    job_id = submit("sample-once", {"seconds": 60}, store=store).id
    os.kill(wait_for(store, job_id, lambda row: "pid" in row.result).result["pid"], KILL)
    row = wait_for(store, job_id)
    assert (row.state, row.attempts) == (JobState.INTERRUPTED, 1)
    assert row.error_cause.startswith("its process ended")


def test_urgent_work_goes_before_what_waits(shared: tuple[Store, EngineInfo], tmp_path: Path) -> None:
    store = shared[0]
    trace = tmp_path / "trace"
    blocker = submit("sample-warm", {"seconds": 2}, store=store).id
    wait_for(store, blocker, lambda row: "pid" in row.result)
    for mark, priority in (("batch", Priority.BATCH), ("normal", Priority.NORMAL), ("urgent", Priority.INTERACTIVE)):
        last = submit("sample-warm", {"trace": str(trace), "mark": mark}, priority=priority, store=store)
        if mark == "batch":
            batch = last.id
    wait_for(store, batch)
    assert [line.split()[0] for line in trace.read_text().splitlines()] == ["urgent", "normal", "batch"]


def test_files_are_read_beside_a_prediction(shared: tuple[Store, EngineInfo]) -> None:
    store = shared[0]
    slow = submit("sample-warm", {"seconds": 20}, store=store).id
    wait_for(store, slow, lambda row: "pid" in row.result)
    assert wait_for(store, submit("sample", {}, store=store).id).state is JobState.SUCCEEDED
    assert job(slow, store=store).state is JobState.RUNNING


def test_only_its_owner_can_read_its_credentials_and_only_they_open_it(
    shared: tuple[Store, EngineInfo], tmp_path: Path
) -> None:
    settings, engine = shared[0].settings, shared[1]
    folder = EngineFiles.of(settings).folder
    if os.name == "posix":
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.suffix != ".lock"}
        assert {modes[name] for name in ("engine.json", "certificate.pem", "key.pem")} == {0o600}
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with connect(settings) as client:
        assert client.submit(len, [1, 2], workers=[]).status in ("pending", "finished")
    host, port = engine.address.removeprefix("tls://").split(":")
    assert host == "127.0.0.1"
    with socket.create_connection((host, int(port)), timeout=5) as plain:
        plain.sendall(b"\x00" * 64)
        try:
            answer = plain.recv(1024)
        except ConnectionResetError:
            answer = b""
    assert answer[:1] in (b"", b"\x15")  # closed, or a TLS alert
    context = ssl.create_default_context(cafile=str(folder / "certificate.pem"))
    context.check_hostname = False
    stranger = make_credentials(tmp_path)
    context.load_cert_chain(stranger.certificate, stranger.key)
    with (
        socket.create_connection((host, int(port)), timeout=5) as plain,
        pytest.raises((ssl.SSLError, ConnectionResetError)),
        context.wrap_socket(plain) as wrapped,
    ):
        wrapped.recv(1024)  # a scheduler that accepts a client speaks first


def test_nothing_listens_beyond_this_machine(shared: tuple[Store, EngineInfo]) -> None:
    store, engine = shared
    wait_for(store, submit("sample", {}, store=store).id)
    listening = [
        connection.laddr.ip
        for process in family(engine)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert set(listening) == {"127.0.0.1"}


def test_a_job_is_refused_when_the_disk_is_nearly_full(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, min_free_bytes=10**18)
    store = Store(settings)
    info = ensure_engine(settings, plugins=PLUGINS)
    try:
        row = wait_for(store, submit("sample", {}, store=store).id)
        assert row.state is JobState.FAILED
        assert "GB free" in row.error_cause
        assert "CRISTAE_MIN_FREE_BYTES" in row.error_remedy
    finally:
        end(settings, info)
        store.close()


def test_a_killed_engine_takes_its_workers_along_and_the_next_one_goes_on(
    settings: Settings, store: Store, engine: EngineInfo
) -> None:
    running = submit("sample", {"seconds": 60, "once": True, "child": True}, store=store).id
    lonely = submit("sample-once", {"seconds": 60}, store=store).id
    row = wait_for(store, running, lambda row: "child" in row.result)
    wait_for(store, lonely, lambda row: "pid" in row.result)
    waiting = submit("sample", {}, store=store).id
    left = [process.pid for process in family(engine)[1:]]
    assert row.result["child"] in left
    os.kill(engine.pid, KILL)
    wait_until(lambda: running_engine(settings) is None, "the engine is seen to be dead", 5)
    second = ensure_engine(settings, plugins=PLUGINS)
    try:
        assert second.pid != engine.pid
        wait_until(lambda: all(identity(pid) is None for pid in left), "its workers and their children end", 5)
        done = wait_for(store, running)
        assert (done.state, done.attempts) == (JobState.SUCCEEDED, 2)
        assert job(lonely, store=store).state is JobState.INTERRUPTED
        assert wait_for(store, waiting).state is JobState.SUCCEEDED
    finally:
        end(settings, second)


def test_two_servers_share_one_engine(settings: Settings, store: Store) -> None:
    code = (
        "import sys, json; from dataclasses import asdict; from core.settings import load_settings\n"
        "from core.engine.engine import ensure_engine\n"
        "s = load_settings(data_dir=sys.argv[1], min_free_bytes=0)\n"
        "print(json.dumps(asdict(ensure_engine(s, plugins=('tests.core.engine.sample_tasks',)))))\n"
    )
    command = [sys.executable, "-c", code, str(settings.data_dir)]
    servers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [EngineInfo(**json.loads(server.communicate(timeout=60)[0])) for server in servers]
    try:
        assert len(set(answers)) == 1
        assert running_engine(settings) == answers[0]  # it outlived those who started it
        ids = [submit("sample", {"seconds": 0.3}, store=store).id for _ in range(4)]
        assert {wait_for(store, each).state for each in ids} == {JobState.SUCCEEDED}
        assert {job(each, store=store).attempts for each in ids} == {1}
    finally:
        end(settings, answers[0])


def test_stopping_interrupts_without_costing_an_attempt(settings: Settings, store: Store, engine: EngineInfo) -> None:
    job_id = submit("sample", {"seconds": 60}, store=store).id
    wait_for(store, job_id, lambda row: "pid" in row.result)
    processes = family(engine)
    assert stop_engine(settings)
    assert not stop_engine(settings)
    wait_until(lambda: not any(identity(process.pid) for process in processes), "all processes end", 5)
    row = job(job_id, store=store)
    assert (row.state, row.max_attempts - row.attempts) == (JobState.QUEUED, 3)
    assert not EngineFiles.of(settings).info.exists()


@pytest.mark.slow
def test_newer_code_takes_over_once_nothing_runs(
    settings: Settings, store: Store, engine: EngineInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ensure_engine(settings, plugins=PLUGINS) == engine
    job_id = submit("sample", {"seconds": 6}, store=store).id
    wait_for(store, job_id, lambda row: "pid" in row.result)
    monkeypatch.setattr("core.engine.engine.code_age", lambda: engine.code + 1)
    assert ensure_engine(settings, plugins=PLUGINS) == engine  # its job goes on
    time.sleep(0.5)
    waiting = submit("sample", {}, store=store).id
    row = wait_for(store, job_id)
    assert (row.state, row.attempts) == (JobState.SUCCEEDED, 1)
    assert wait_for(store, waiting).state is JobState.SUCCEEDED
    second = running_engine(settings)
    assert second is not None
    assert second.pid != engine.pid
    assert not EngineFiles.of(settings).renew.exists()


@pytest.mark.slow
def test_a_keeper_replaces_a_dead_engine(settings: Settings, store: Store) -> None:
    stop_keeping = keep_engine(settings)
    try:
        wait_until(lambda: running_engine(settings) is not None, "an engine is there", 20)
        first = running_engine(settings)
        assert first is not None
        os.kill(first.pid, KILL)
        wait_until(lambda: running_engine(settings) not in (None, first), "a new engine is there", 20)
    finally:
        stop_keeping()
        info = running_engine(settings)
        if info is not None:
            end(settings, info)


def test_a_stale_file_is_no_engine(settings: Settings, store: Store) -> None:
    files = EngineFiles.of(settings)
    files.folder.mkdir(parents=True, exist_ok=True)
    stale = {"address": "tls://127.0.0.1:9", "pid": os.getpid(), "began": 1.0, "host": socket.gethostname()}
    files.info.write_text(json.dumps({**stale, "external": False}))
    assert running_engine(settings) is None  # the id is taken by another process by now
    files.info.write_text("{")
    assert running_engine(settings) is None
    with pytest.raises(JobError, match="No engine"):
        connect(settings)


def test_the_keeper_outlives_a_disk_that_fails(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[Settings] = []

    def fail(of: Settings, *, for_server: bool) -> None:
        assert for_server
        tries.append(of)
        raise FileNotFoundError("a file that went while the folder was read")

    monkeypatch.setattr("core.engine.engine.ensure_engine", fail)
    monkeypatch.setattr("core.engine.engine.KEEP_EVERY_S", 0.01)
    stop_keeping = keep_engine(settings)
    try:
        wait_until(lambda: len(tries) >= 2, "a second try", 5)
    finally:
        stop_keeping()


def test_an_engine_whose_file_was_removed_is_seen_again(settings: Settings) -> None:
    """Its heartbeat left an empty file, which nobody could read: "another engine" was started for ever."""
    path = EngineFiles.of(settings).info
    path.parent.mkdir(parents=True)
    info = EngineInfo(
        "tls://127.0.0.1:1", pid=os.getpid(), began=1.0, host=socket.gethostname(), code=1.0,
        identity=identity(os.getpid()) or "",
    )  # fmt: skip
    for content in (None, "", "{"):
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_text(content, encoding="utf-8")
        assert running_engine(settings) is None
        show_alive(settings, info)
        assert running_engine(settings) == info
    os.utime(path, (1, 1))
    show_alive(settings, info)
    assert path.stat().st_mtime > 1
