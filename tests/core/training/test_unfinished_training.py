"""What happens to unfinished work beside a model: continued, refused, or in use; never thrown away without a word."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.errors import TrainingError
from core.files import write_json
from core.models.store import open_model
from core.processes import identity
from core.training import train as module
from core.training.checkpoint import SLOTS
from core.training.presets import Preset
from core.training.process import JOB_FILE
from core.training.request import TrainRequest
from core.training.train import PROCESS_FILE, train, unfinished
from tests.core.models.test_store import model_folder


class Started(Exception):
    """The training process would have been started."""


@pytest.fixture(autouse=True)
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything up to the start of the process."""

    def start(_: TrainRequest) -> None:
        raise Started

    monkeypatch.setattr(module, "_start", start)


def request(folder: Path, **changes: Any) -> TrainRequest:
    (folder / "data").mkdir(exist_ok=True)
    return TrainRequest(
        **{"dataset": folder / "data", "preset": Preset.COMPACT, "out": folder / "m", "minutes": 5.0, **changes}
    )


def leave(asked: TrainRequest, *, checkpoint: bool = True) -> list[Path]:
    """Unfinished work as a training leaves it."""
    (asked.work / "preprocessed").mkdir(parents=True)
    files = [asked.work / "preprocessed" / "case.b2nd"] + [asked.work / slot for slot in SLOTS] * checkpoint
    for file in files:
        file.write_bytes(b"hours of work")
    write_json(asked.work / JOB_FILE, {"request": asked.to_json(), "asked_at": 1.0})
    return files


def test_the_same_request_goes_on_with_what_is_there(tmp_path: Path) -> None:
    files = leave(request(tmp_path))
    with pytest.raises(Started):
        train(request(tmp_path, resume=True, name="another name"))
    assert all(file.exists() for file in files)


@pytest.mark.parametrize("checkpoint", [True, False])
def test_resuming_with_other_flags_names_them_and_keeps_the_work(tmp_path: Path, checkpoint: bool) -> None:
    """It deleted the work and began anew without a word."""
    files = leave(request(tmp_path), checkpoint=checkpoint)
    with pytest.raises(TrainingError, match=r"minutes was 5\.0, now 9\.0; seed was 0, now 3\.") as caught:
        train(request(tmp_path, resume=True, minutes=9.0, seed=3))
    assert "--out" in caught.value.remedy
    assert all(file.exists() for file in files)
    assert unfinished(tmp_path / "m") == request(tmp_path)


def test_a_plain_rerun_does_not_throw_finished_epochs_away(tmp_path: Path) -> None:
    files = leave(request(tmp_path))
    with pytest.raises(TrainingError, match=r"unfinished training of m is in .*\.m\.training") as caught:
        train(request(tmp_path))
    assert "--resume" in caught.value.remedy
    assert all(file.exists() for file in files)


@pytest.mark.parametrize("resume", [True, False])
def test_work_of_an_unreadable_request_is_kept(tmp_path: Path, resume: bool) -> None:
    files = leave(request(tmp_path))
    (request(tmp_path).work / JOB_FILE).write_text("{")
    with pytest.raises(TrainingError, match=r"job\.json cannot be read") as caught:
        train(request(tmp_path, resume=resume))
    assert caught.value.remedy.startswith("Delete that folder")
    assert all(file.exists() for file in files)


def test_a_preparation_without_epochs_is_begun_anew(tmp_path: Path) -> None:
    files = leave(request(tmp_path), checkpoint=False)
    with pytest.raises(Started):
        train(request(tmp_path))
    assert not any(file.exists() for file in files)


def test_there_may_be_nothing_to_resume(tmp_path: Path) -> None:
    with pytest.raises(Started):
        train(request(tmp_path, resume=True))
    assert unfinished(tmp_path / "m") == request(tmp_path, resume=True)


def test_a_second_training_of_the_same_model_waits_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each deleted the other's work."""
    running, finish = threading.Event(), threading.Event()
    ended: list[str] = []

    def start(_: TrainRequest) -> None:
        running.set()
        finish.wait(20)
        raise Started

    monkeypatch.setattr(module, "_start", start)

    def first() -> None:
        try:
            train(request(tmp_path))
        except Started:
            ended.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    try:
        assert running.wait(20)
        case = request(tmp_path).work / "case.b2nd"
        case.write_bytes(b"prepared")
        for resume in (False, True):
            with pytest.raises(TrainingError, match="Another training is currently creating"):
                train(request(tmp_path, resume=resume))
        assert case.exists()
    finally:
        finish.set()
        thread.join(20)
    assert ended == ["first"]
    with pytest.raises(Started):
        train(request(tmp_path))


def test_a_model_that_is_finished_meanwhile_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_check", lambda _: model_folder(tmp_path, "m"))
    with pytest.raises(TrainingError, match="already exists"):
        train(request(tmp_path))
    assert open_model(tmp_path / "m").id == "m"


@pytest.mark.parametrize("earlier", [False, True], ids=["now", "earlier version"])
@pytest.mark.parametrize("same", [True, False])
def test_a_forgotten_training_process_is_ended_before_another_works_there(
    tmp_path: Path, same: bool, earlier: bool
) -> None:
    """One that hangs after its parent was killed would write its checkpoints among those of the next."""
    leave(request(tmp_path))
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        known = repr(psutil.Process(child.pid).create_time() - (0 if same else 100))
        if not earlier:
            known = str(identity(child.pid if same else os.getpid()))
        (request(tmp_path).work / PROCESS_FILE).write_text(f"{child.pid} {known}")
        with pytest.raises(Started):
            train(request(tmp_path, resume=True))
        if same:
            assert child.wait(5) != 0
        else:
            assert child.poll() is None, "the id is another process's by now"
    finally:
        child.kill()
        child.wait()
