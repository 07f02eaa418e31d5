"""The Jobs page: what it lists, what its buttons do to rows, and that a thousand jobs do not slow it down."""

from __future__ import annotations

import json
import os
import socket
import time
from datetime import timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.cache import Cache
from core.engine.engine import EngineFiles, EngineInfo, write_info
from core.engine.usage import job_usage
from core.errors import JobError
from core.jobs.history import finished_jobs, subjects
from core.jobs.rows import Priority, job, log_file
from core.jobs.transitions import claim, fail, succeed
from core.processes import identity
from core.store.base import new_id, now
from core.store.records import ImageRecord, JobControl, JobRecord, JobState
from core.store.store import Store
from core.store.tables import JobRow
from tests.jobs import submit
from tests.pages.conftest import open_page, texts

PAGE = "jobs_page.py"


def running(store: Store, kind: str = "predict", **params: Any) -> JobRecord:
    """A job that this very process seems to run."""
    row = claim(store, submit(kind, params, author="Ada"), f"{socket.gethostname()}:{os.getpid()}")
    assert row is not None
    return row


def click(page: AppTest, label: str, number: int = 0) -> AppTest:
    return [button for button in page.button if button.label == label][number].click().run()


def many(store: Store, count: int, **values: Any) -> None:
    """Finished jobs, the newest first in time."""
    blank = dict.fromkeys(("author", "message", "error_cause", "error_remedy", "worker", "control"), "")
    with store.database.writing() as session:
        for number in range(count):
            ended = now() - timedelta(minutes=number)
            row = {"kind": "predict", "state": "succeeded", "params": {}, "title": f"case {number}", **blank, **values}
            session.add(
                JobRow(
                    id=new_id(), result={}, priority=0, progress=1.0, eta_s=None, attempts=1, max_attempts=3,
                    cancel_requested=False, log_path="logs/none.log", created_at=ended, started_at=ended,
                    finished_at=ended, heartbeat_at=ended, **row,
                )
            )  # fmt: skip


def test_nothing_to_do_says_what_to_do(app: AppTest) -> None:
    page = open_page(app, PAGE)
    assert not page.exception
    assert "No jobs are running or queued" in texts(page)
    assert "No finished jobs yet" in texts(page)
    assert "engine is starting" in texts(page)


def test_running_then_waiting_in_their_order(store: Store, image: ImageRecord, app: AppTest) -> None:
    running(store, image_id=image.id)
    submit("ingest", {"name": "batch.tif"}, priority=Priority.BATCH)
    submit("ingest", {"name": "urgent *x*.tif"}, priority=Priority.INTERACTIVE)
    page = open_page(app, PAGE)
    assert not page.exception
    shown = texts(page)
    assert shown.index("liver") < shown.index("no. 1") < shown.index("urgent") < shown.index("no. 2")
    assert "urgent \\*x\\*\\.tif" in shown or "urgent \\*x\\*.tif" in shown
    assert f"process {os.getpid()}" in shown
    assert "attempt 1 of 3" in shown
    assert "requested by Ada" in shown
    page.switch_page("../pages/segment_page.py").run()
    assert any("1 running · 2 waiting" in str(link.label) for link in page.get("page_link"))


def test_the_corner_is_empty_while_nothing_runs(app: AppTest) -> None:
    assert not [link for link in app.get("page_link") if "running" in str(link.label)]


def test_cancel_reaches_the_row(store: Store, app: AppTest) -> None:
    row = running(store)
    page = open_page(app, PAGE)
    page = click(page, "Cancel")
    assert job(row.id).cancel_requested
    assert next(button for button in page.button if button.label == "Stopping").disabled


def test_only_kinds_that_can_are_paused(store: Store, app: AppTest) -> None:
    running(store)
    row = running(store, "train", name="Liver", model_id="liver")
    page = open_page(app, PAGE)
    assert [button.label for button in page.button].count("Pause") == 1
    click(page, "Pause")
    assert job(row.id).control is JobControl.PAUSE


def test_a_failed_job_shows_cause_remedy_log_and_can_be_retried(store: Store, app: AppTest) -> None:
    row = running(store, name="scan.tif")
    path = log_file(store, row)
    path.parent.mkdir(parents=True)
    path.write_text("first line\nlast line\n")
    fail(store, row.id, JobError("The file is empty.", "Export it again."), attempt=1)
    page = open_page(app, PAGE, job=row.id)
    assert not page.exception
    assert "The file is empty." in page.error[0].value
    assert "Export it again." in page.error[0].value
    assert "last line" in page.code[0].value
    click(page, "Try again")
    assert job(row.id).state is JobState.QUEUED


def test_a_link_to_a_job_that_is_gone_leaves_the_list(store: Store, app: AppTest) -> None:
    many(store, 1)
    page = open_page(app, PAGE, job="nothing")
    assert not page.exception
    assert len(page.error) == 1
    assert len(page.dataframe) == 1


def test_finished_jobs_are_found_by_what_people_remember(store: Store, image: ImageRecord) -> None:
    many(store, 3)
    many(store, 1, state="failed", error_cause="The disk is full.", author="Grace")
    many(store, 1, kind="train", title="Jürgen 100%", model_id="m")
    row = running(store, image_id=image.id)
    assert succeed(store, row.id, 1, {})
    running(store, name="disk")
    for text, count in (
        ("", 6), ("DISK", 1), ("grace full", 1), ("training", 1), ("jürgen", 1), ("100%", 1), ("liver", 1),
        ("zebra", 0), ("case 2", 1),
    ):  # fmt: skip
        assert finished_jobs(store, text=text).total == count, text
    assert finished_jobs(store, states=[JobState.FAILED]).total == 1
    assert finished_jobs(store, states=[JobState.RUNNING]).total == 0
    assert finished_jobs(store, kinds=["train"]).total == 1
    found = finished_jobs(store, text="liver").jobs
    assert subjects(store, found) == {row.id: "liver *1*.tif"}


def test_a_thousand_finished_jobs_are_paged_and_quick(store: Store, app: AppTest) -> None:
    many(store, 1000, title="case", params={"snapshot": ["x" * 64] * 50})
    began = time.perf_counter()
    page = open_page(app, PAGE)
    first_s = time.perf_counter() - began
    assert not page.exception
    assert len(page.dataframe[0].value) == 20
    assert "1,000 finished jobs" in texts(page)
    began = time.perf_counter()
    page = page.text_input(key="jobs-text").set_value("nothing like it").run()
    assert "No finished jobs match" in texts(page)
    assert time.perf_counter() - began < 3.0
    assert first_s < 3.0  # some 0.2 s on a quiet machine
    pages = [finished_jobs(store, page=number, per_page=300) for number in range(4)]
    assert [len(found.jobs) for found in pages] == [300, 300, 300, 100]
    assert len({row.id for found in pages for row in found.jobs}) == 1000


@pytest.mark.parametrize("content", [json.dumps({"cause": "The port is taken.", "remedy": "Free it."}), "{"])
def test_an_engine_that_cannot_start_says_why(store: Store, app: AppTest, content: str) -> None:
    failure = EngineFiles.of(store.settings).failure
    failure.parent.mkdir(parents=True, exist_ok=True)
    failure.write_text(content)
    submit("predict", {})
    page = open_page(app, PAGE)
    assert not page.exception
    assert "The engine cannot start" in page.error[0].value
    assert any("engine cannot start" in str(link.label) for link in page.get("page_link"))


def test_changed_settings_are_said(store: Store, app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who changed the file sees that it does not count yet; who restarted sees that running jobs end first."""
    files = EngineFiles.of(store.settings)
    files.folder.mkdir(parents=True, exist_ok=True)
    info = EngineInfo("tls://x", os.getpid(), time.time(), socket.gethostname(), identity=identity(os.getpid()) or "")
    write_info(store.settings, info)
    assert "have changed" not in texts(open_page(app, PAGE))
    files.renew.touch()
    page = open_page(app, PAGE)
    assert "queued jobs start afterwards with the new one" in texts(page)
    monkeypatch.setattr("ui.jobs.job_list.changed_settings", lambda: ("access", "import_roots"))
    assert "since the server started (access, import" in texts(open_page(app, PAGE))


def test_usage_is_measured_here_and_not_elsewhere(store: Store) -> None:
    usage = job_usage(running(store))
    assert usage is not None
    assert usage.processes >= 1
    assert usage.memory_bytes > 10e6
    far = claim(store, submit("predict", {}), "elsewhere:1")
    assert far is not None
    remote = job_usage(far)
    assert remote is not None
    assert (remote.host, remote.pid, remote.processes) == ("elsewhere", 1, 0)
    assert job_usage(submit("predict", {})) is None


def test_admins_see_what_the_server_remembers_and_empty_it(app: AppTest) -> None:
    cache: Cache[bytes] = Cache("a cache of the test", "some bytes", limit_bytes=10_000)
    cache.put("a", b"x" * 5000)
    page = open_page(app, PAGE)
    table = page.table[0].value
    row = table[table["Cache"] == "a cache of the test"].iloc[0]
    assert (row["Entries"], row["Size"], row["Limit"]) == (1, "5.0 kB", "10.0 kB")
    page.button(key="memory-forget").click().run()
    assert cache.state.entries == 0
