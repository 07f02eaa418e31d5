"""``results``: what it lists, shows, writes, deletes and refuses. The job runs in this process, without an engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import core.cli.model as model_command
import core.cli.results as results_command
import core.cli.waiting as waiting
import core.engine.tasks.predict as predict_task
from core.cli.console import UsageError
from core.errors import CristaeError, NotFoundError
from core.evaluations.start import EvaluationPlan, start_evaluation
from core.jobs.rows import job
from core.settings import Settings
from core.store import JobRecord, ProjectRecord, RevisionKind, Store
from tests.core.evaluations.conftest import PREDICTION, REFERENCE, add_image, add_labels, project, run_job
from tests.core.evaluations.test_evaluate_model import FakePredictor
from tests.models import write_model

__all__ = ["project"]


@pytest.fixture
def evaluated(store: Store, project: ProjectRecord, monkeypatch: pytest.MonkeyPatch) -> str:
    """One evaluation of the project "cells"; its id."""
    monkeypatch.setattr(results_command, "current_store", lambda: store)
    image = add_image(store, project, "section")
    add_labels(store, image, REFERENCE)
    plan = EvaluationPlan(
        project.id, name="other", predictions={image.id: add_labels(store, image, PREDICTION, RevisionKind.PREDICTION)}
    )
    return str(run_job(store, start_evaluation(store, plan)).result["evaluation_id"])


def say(*words: object) -> str:
    """What the command prints; raises what it raises."""
    answer = CliRunner().invoke(results_command.app, [str(word) for word in words], env={"COLUMNS": "200"})
    if isinstance(answer.exception, CristaeError):
        raise answer.exception
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_evaluations_are_listed_shown_written_and_deleted(
    evaluated: str,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(results_command.stdout, "width", 160)
    assert evaluated in say("list")
    assert "0.733" in say("list", "--project", "cells")
    assert "0.800" in say("show", evaluated)
    say("export", evaluated, "--out", tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["classes"][0]["macro"]["dice"] == pytest.approx(0.8)
    say("export", evaluated, "--out", tmp_path / "Report.HTML")
    assert b"<!doctype html>" in (tmp_path / "Report.HTML").read_bytes()
    with pytest.raises(UsageError, match=r"report\.pdf does not have a known extension"):
        say("export", evaluated, "--out", tmp_path / "report.pdf")
    say("delete", evaluated)
    assert store.evaluations.of_project() == ()
    with pytest.raises(NotFoundError):
        say("show", evaluated)


def test_a_model_is_evaluated_on_the_test_set(
    evaluated: str,
    store: Store,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_model(settings.models_dir / "liver")
    for module in (results_command, model_command):
        monkeypatch.setattr(module, "current_settings", lambda: settings)
    monkeypatch.setattr(predict_task, "warm_predictor", lambda *_: FakePredictor())
    monkeypatch.setattr(results_command, "ensure_engine", lambda _settings: None)

    def run(job_id: str, **_: Any) -> JobRecord:
        return run_job(store, job(job_id, store=store))

    monkeypatch.setattr(waiting, "job", run)
    assert "Liver, complete: 1 of 1 images" in say("run", "cells", "--model", "liver")


def test_an_unknown_project_is_refused_with_those_that_there_are(evaluated: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        say("run", "livers")
    assert "cells" in caught.value.remedy
