"""Results of jobs are classes beside their parameters, written by tasks and read from rows of every version."""

from __future__ import annotations

import importlib
import typing
from dataclasses import fields

import pytest

from core.errors import JobError
from core.jobs.kinds import (
    OWN,
    TASKS,
    EvaluateResult,
    FileOutcome,
    ImportCasesResult,
    IngestResult,
    LabelOutcome,
    Outcome,
    PredictResult,
    ScaleTrialResult,
    TrainResult,
    TransferResult,
)


@pytest.mark.parametrize("name", OWN)
def test_a_task_gives_the_result_of_its_kind(name: str) -> None:
    kind = TASKS[name]
    run = importlib.import_module(kind.module).run
    assert typing.get_type_hints(run)["return"] is kind.result


@pytest.mark.parametrize("name", OWN)
def test_a_result_can_be_read_before_anything_is_made(name: str) -> None:
    result = TASKS[name].result
    assert result.from_json({}) == result()
    assert result.from_json(result().to_json()) == result()
    assert {field.name for field in fields(result)} & {"kind", "fenced"} == set()


@pytest.mark.parametrize(
    "result",
    [
        ImportCasesResult(
            outcomes=(
                FileOutcome(name="a.tif", outcome=Outcome.IMPORTED, labels=LabelOutcome.ADDED, notes=("Read.",)),
                FileOutcome(name="b.tif", outcome=Outcome.REFUSED, cause="It is empty.", remedy="Export it again."),
            )
        ),
        TransferResult(went=("i",), stayed=(("b.tif", "it is there already"),)),
        TrainResult(model_id="m", epochs=3, seconds=4.5, mean_dice=None),
        EvaluateResult(evaluation_id="e", continued_by="j"),
    ],
    ids=lambda result: type(result).__name__,
)
def test_what_is_written_is_read_again(result: typing.Any) -> None:
    assert type(result).from_json(result.to_json()) == result


def test_rows_of_earlier_versions_are_read() -> None:
    row = {"image_ids": ["a", "b"], "notices": [], "something": "else"}
    assert IngestResult.from_json(row) == IngestResult(image_ids=("a", "b"))
    trials = {"trials": [{"pixel_size_nm": 8.0, "path": "/x.png", "confidence": None}]}
    assert ScaleTrialResult.from_json(trials).trials[0].pixel_size_nm == 8.0
    assert PredictResult.from_json({"revision_id": "r"}).revision_id == "r"


def test_a_damaged_row_is_an_error_that_names_the_value() -> None:
    with pytest.raises(JobError, match="outcome is"):
        ImportCasesResult.from_json({"outcomes": [{"name": "a", "outcome": "eaten"}]})
