"""``round``: started, followed, decided. The engine's work is done in this process while the command waits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

import core.cli.model as model_command
import core.cli.rounds as rounds_command
import core.engine.tasks.predict as predict_task
import core.engine.tasks.train as train_task
from core.cli.console import UsageError, stderr, stdout
from core.errors import CristaeError, DatasetError, NotFoundError, RoundError
from core.settings import Settings
from core.store import ProjectRecord, Store
from core.store.round_records import RoundState
from tests.core.evaluations.conftest import project
from tests.core.rounds.chain import Machine, fill, work
from tests.models import write_model

__all__ = ["project"]


@pytest.fixture(autouse=True)
def machine(store: Store, project: ProjectRecord, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The project "cells" with images, and an engine that works whenever the command waits."""
    write_model(settings.models_dir / "parent")
    made = Machine()
    monkeypatch.setattr(train_task, "run", made.train)
    monkeypatch.setattr(predict_task, "warm_predictor", made.predictor)
    monkeypatch.setattr(rounds_command, "current_store", lambda: store)
    for module in (rounds_command, model_command):
        monkeypatch.setattr(module, "current_settings", lambda: settings)
    monkeypatch.setattr(rounds_command, "ensure_engine", lambda _: None)
    monkeypatch.setattr(rounds_command, "time", SimpleNamespace(sleep=lambda _: work(store)))
    for console in (stdout, stderr):
        monkeypatch.setattr(console, "width", 200)
    fill(store, project)
    return made


def say(*words: Any) -> str:
    """What the command prints; raises what it raises."""
    answer = CliRunner().invoke(rounds_command.app, [str(word) for word in words], env={"COLUMNS": "200"})
    if isinstance(answer.exception, CristaeError):
        raise answer.exception
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_a_round_is_started_shown_promoted_and_listed(store: Store, project: ProjectRecord, machine: Machine) -> None:
    machine.wrong = {"parent": 2}
    told = say("start", "cells", "--from", "parent", "--minutes", 3, "--learning-rate", 0.002, "--as", "Ada")
    for words in ("Round 1 of cells began with 2 images", "Check: passed", "+0.333", "`round promote` or `round keep`"):
        assert words in told
    assert (machine.trained[0]["minutes"], machine.trained[0]["learning_rate"]) == (3.0, 0.002)
    assert "promoted by Bo" in say("promote", "cells", 1, "--as", "Bo")
    listed = say("status", "cells")
    assert "Cells-Round-1 (current)" in listed
    assert "Current model: cells-round-1" in listed
    assert "predict done" in " ".join(say("status", "cells", 1).replace("│", "").split())
    assert "0 approved corrections and 0 references since round 1" in say("fresh", "cells")
    with pytest.raises(NotFoundError, match="has no round 7"):
        say("keep", "cells", 7)


def test_a_worse_model_needs_a_reason_and_another_may_be_used(store: Store, machine: Machine) -> None:
    machine.wrong = {"cells-round-1": 2}
    assert "Dice fell by 0.333" in say("start", "cells", "--from", "parent")
    with pytest.raises(RoundError, match="failed the check"):
        say("promote", "cells", 1)
    assert "the current model is kept" in say("keep", "cells", 1, "--reason", "worse")
    assert "cells now uses parent" in say("use", "cells", "parent", "--reason", "tried and good")
    assert "2 images queued" in say("predict", "cells")


def test_what_fails_is_told_and_retried(store: Store, machine: Machine) -> None:
    machine.fails = "Memory was short."
    with pytest.raises(RoundError, match=r"failed at the step train\. Memory was short"):
        say("start", "cells", "--from", "parent")
    machine.fails = ""
    assert "Check: passed" in say("retry", "cells", 1)
    assert "Check: passed" in say("compare", "cells", 1)
    assert "is cancelled" in say("cancel", "cells", 1)


def test_step_by_step_and_without_waiting(store: Store, machine: Machine) -> None:
    assert "`round next`" in say("start", "cells", "--scratch", "--step-by-step")
    say("next", "cells", 1, "--no-wait")
    assert store.rounds.of_project()[0].state is RoundState.RUNNING
    assert machine.trained == []


def test_images_are_chosen_by_name_and_test_images_refused(store: Store, machine: Machine) -> None:
    with pytest.raises(DatasetError, match="test 0 is in the test set"):
        say("start", "cells", "--scratch", "--image", "train 0", "--image", "test 0")
    with pytest.raises(NotFoundError, match="no image 'nothing'"):
        say("start", "cells", "--scratch", "--image", "nothing")
    with pytest.raises(UsageError, match="Use one of them"):
        say("start", "cells", "--scratch", "--from", "parent")
    say("start", "cells", "--scratch", "--image", "train 1")
    assert len(machine.trained[0]["snapshot"]["cases"]) == 1
