"""Ending processes with everything that they started."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from core.processes import identity, is_same_process, kill_orphans, kill_tree, start_child

FAMILY = (
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "print(child.pid, flush=True)\n"
)


def gone(*pids: int) -> bool:
    """Whether all of them end within seconds."""
    deadline = time.monotonic() + 10
    while any(identity(pid) is not None for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    return all(identity(pid) is None for pid in pids)


def test_a_tree_ends_with_its_children() -> None:
    with subprocess.Popen([sys.executable, "-c", FAMILY + "time.sleep(60)"], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        known = identity(child)
        assert known is not None
        assert is_same_process(child, known)
        assert not is_same_process(parent.pid, known)
        kill_tree(parent.pid)
        assert parent.wait(10) != 0
    assert gone(parent.pid, child)


@pytest.mark.skipif(sys.platform != "linux", reason="made as psutil does it on Linux")
def test_setting_the_clock_makes_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step of a second ended every worker, and the engine counted as dead."""
    known, began = identity(os.getpid()), psutil.Process().create_time()
    booted = psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: booted + 2)
    assert psutil.Process().create_time() > began + 1.5
    assert is_same_process(os.getpid(), known or "")


def test_a_record_of_an_earlier_version_is_understood() -> None:
    began = psutil.Process().create_time()
    assert is_same_process(os.getpid(), repr(began))
    assert not is_same_process(os.getpid(), repr(began - 100))


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_process_may_have_any_name() -> None:
    code = "open('/proc/self/comm', 'w').write('a) Z 1 (b) '); print(flush=True); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as process:  # type: ignore[call-overload]
        known = identity(process.pid)
        process.stdout.readline()
        assert identity(process.pid) == known
        assert str(known).rpartition(":")[2].isdigit()
        process.communicate(b"\n", timeout=20)


def test_killing_a_tree_that_is_gone_is_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait(20)
    kill_tree(process.pid)
    assert identity(process.pid) is None


@pytest.mark.skipif(os.name == "nt", reason="process groups")
def test_what_an_ended_child_left_behind_ends(tmp_path: Path) -> None:
    (tmp_path / "family.py").write_text(FAMILY)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    process = start_child("family", [], environment, tmp_path / "log")
    process.wait(20)
    child = int((tmp_path / "log").read_text())
    assert identity(child) is not None
    kill_orphans(process.pid)
    assert gone(child)


def test_a_process_ends_its_children_alone(tmp_path: Path) -> None:
    code = FAMILY + "from core.processes import end_children\nend_children()\nprint(child.wait(10) != 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    child, ended = done.stdout.split()
    assert ended == "True"
    assert gone(int(child))
