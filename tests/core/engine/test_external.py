"""Jobs on a Dask scheduler that runs elsewhere, by the setting ``engine``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.engine.credentials import make_credentials
from core.engine.engine import ensure_engine
from core.errors import JobError
from core.jobs.rows import job, request_cancel
from core.processes import kill_tree, settings_environment
from core.settings import ROOT, Settings, load_settings
from core.store import JobState, Store
from tests.core.engine.conftest import PLUGINS, end, wait_for, wait_until
from tests.jobs import submit


@pytest.fixture
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates in Dask's own configuration, as a site would have them."""
    pair = make_credentials(tmp_path / "site")
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TLS__CA_FILE", str(pair.certificate))
    for role in ("CLIENT", "SCHEDULER", "WORKER"):
        monkeypatch.setenv(f"DASK_DISTRIBUTED__COMM__TLS__{role}__CERT", str(pair.certificate))
        monkeypatch.setenv(f"DASK_DISTRIBUTED__COMM__TLS__{role}__KEY", str(pair.key))


@pytest.fixture
def site(tmp_path: Path, certificates: None) -> Iterator[Settings]:
    """Settings that name a running scheduler, which has one worker for files and none for predictions."""
    contact = tmp_path / "scheduler.json"
    local = load_settings(data_dir=tmp_path / "data", min_free_bytes=0)
    quiet = ["--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
    started = [
        run(local, "dask_scheduler", *quiet, "--port", "0", "--protocol", "tls", "--scheduler-file", str(contact))
    ]
    try:
        wait_until(contact.exists, "the scheduler is ready", 30)
        address = json.loads(contact.read_text())["address"]
        here = ["--nthreads", "1", "--local-directory", str(tmp_path / "scratch"), "--resources", "cpu=1"]
        started.append(run(local, "dask_worker", address, *quiet, *here))
        yield load_settings(data_dir=local.data_dir, min_free_bytes=0, engine=address)
    finally:
        for process in started:
            kill_tree(process.pid)
            process.wait(10)


def run(settings: Settings, command: str, *arguments: str) -> subprocess.Popen[bytes]:
    """One of Dask's own commands."""
    log = (settings.data_dir.parent / f"{command}.log").open("ab")
    with log:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{command}", *arguments],
            cwd=ROOT,
            env={**settings_environment(settings), "PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
        )


@pytest.mark.slow
def test_jobs_run_on_the_workers_of_an_existing_scheduler(site: Settings) -> None:
    settings = site
    store = Store(settings)
    info = ensure_engine(settings, plugins=PLUGINS)
    try:
        assert info.external
        done = wait_for(store, submit("sample", {"echo": 7}, store=store).id)
        assert (done.state, done.result["echo"]) == (JobState.SUCCEEDED, 7)

        homeless = submit("sample-warm", {}, store=store).id
        row = wait_for(store, homeless, lambda row: row.message != "")
        assert row.state is JobState.QUEUED
        assert row.message.startswith("Waiting: the engine has no worker that offers 'predict'.")
        assert request_cancel(homeless, store=store).state is JobState.CANCELLED

        rude = submit("sample", {"seconds": 60, "polite": False}, store=store).id
        wait_for(store, rude, lambda row: "pid" in row.result)
        request_cancel(rude, store=store)
        assert wait_for(store, rude, limit_s=5).state is JobState.CANCELLED

        lost = submit("sample", {"seconds": 60, "once": True}, store=store).id
        pid = wait_for(store, lost, lambda row: "pid" in row.result).result["pid"]
        kill_tree(pid)  # its nanny starts another
        row = wait_for(store, lost)
        assert (row.state, row.attempts) == (JobState.SUCCEEDED, 2)
        assert job(lost, store=store).result["pid"] != pid
    finally:
        end(settings, info)
        store.close()


def test_missing_certificates_are_asked_for(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, engine="tls://127.0.0.1:8786", min_free_bytes=0)
    with pytest.raises(JobError, match=r"failed to start.*Certificates are missing.*CA_FILE"):
        ensure_engine(settings)


@pytest.mark.slow
def test_a_scheduler_that_is_not_there_is_named(
    tmp_path: Path, certificates: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "1s")
    settings = load_settings(data_dir=tmp_path / "data", engine="tls://127.0.0.1:1", min_free_bytes=0)
    with pytest.raises(JobError, match=r"failed to start.*127\.0\.0\.1:1.*CRISTAE_ENGINE"):
        ensure_engine(settings)
