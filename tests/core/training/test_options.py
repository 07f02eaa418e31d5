"""An option of a training is declared once: requests, forms, commands and cards have it from there."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from core.cli import rounds, train
from core.cli.training_options import with_training_options
from core.errors import TrainingError
from core.jobs.kinds import TrainParams
from core.learning.start import TrainingPlan
from core.objects.separation import SeparationWay
from core.rounds.plan import RoundPlan
from core.training import options as module
from core.training.options import DECLARED, Shown, TrainingOptions, default_of, recorded_options
from core.training.presets import Preset
from core.training.request import TrainRequest

ASKING = (TrainRequest, TrainingPlan, RoundPlan, TrainParams)


@pytest.mark.parametrize("kind", ASKING)
def test_who_asks_for_a_training_has_every_option_with_a_default(kind: type[TrainingOptions]) -> None:
    known = {item.name: item for item in fields(kind)}
    for name in DECLARED:
        assert known[name].default is not MISSING
        assert known[name].kw_only


def test_options_are_handed_on_from_the_person_to_the_training(tmp_path: Path) -> None:
    chosen = {
        "preset": Preset.STANDARD, "minutes": None, "epochs": 7, "iterations_per_epoch": 3, "pixel_size_nm": 4.5,
        "validation_fraction": 0.25, "patience": 2, "learning_rate": 0.002, "seed": 9,
        "separation": SeparationWay.SEAMS,
    }  # fmt: skip
    assert set(chosen) == set(DECLARED), "name the new option here, with a value that is not its default"
    plan = RoundPlan("p", **chosen).training("model")
    params = TrainParams(
        project_id="p", model_id="m", name="m", image_ids=("i",), snapshot={}, **plan.options()
    )  # as core.learning.start has it
    again = TrainParams.from_json(params.to_json())
    request = TrainRequest(tmp_path, tmp_path / "m", **again.options())
    assert {name: getattr(request, name) for name in chosen} == chosen
    assert TrainRequest.from_json(request.to_json()) == request
    assert request.differences(TrainRequest(tmp_path, tmp_path / "m")) == tuple(
        item.name for item in fields(TrainRequest) if item.name in chosen and chosen[item.name] is not None
    )


def test_what_earlier_versions_stored_is_read(tmp_path: Path) -> None:
    params = {
        "project_id": "p", "model_id": "m", "name": "M", "image_ids": ["i"], "preset": "compact", "minutes": 3.0,
        "snapshot": {}, "validation_fraction": 0.15,
    }  # fmt: skip
    read = TrainParams.from_json(params)
    assert (read.preset, read.minutes, read.seed, read.patience) == (Preset.COMPACT, 3.0, 0, None)
    round_values = {
        "project_id": "p", "image_ids": None, "name": "", "parent_id": None, "preset": "standard", "minutes": 5.0,
        "epochs": None, "iterations_per_epoch": None, "pixel_size_nm": None, "learning_rate": None, "seed": 1,
        "validation_fraction": 0.0, "automatic": True, "step_by_step": False, "again_after": None,
    }  # fmt: skip
    assert RoundPlan.from_json(round_values) == RoundPlan(
        "p", preset=Preset.STANDARD, minutes=5.0, seed=1, automatic=True
    )
    assert recorded_options({"minutes": 2.0, "optimizer": "SGD", "batch_size": 4}) == {"minutes": 2.0}
    request = {"dataset": str(tmp_path), "preset": "compact", "out": str(tmp_path / "m"), "epochs": 4}
    assert TrainRequest.from_json(request).validation_fraction == 0.15
    assert TrainRequest.from_json(request).separation is SeparationWay.NONE, "there was none then"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        pytest.param({"minutes": 0.0}, "The minutes of the training is 0.0.", id="minutes"),
        pytest.param({"validation_fraction": 0.6}, "The validation fraction of the training is 0.6.", id="share"),
        pytest.param({"seed": -1}, "The seed of the training is -1.", id="seed"),
        pytest.param({"minutes": 1.0, "epochs": 2}, "Minutes and epochs cannot", id="both"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, wrong: dict[str, float], words: str) -> None:
    with pytest.raises(TrainingError, match=words.replace(".", r"\.")):
        TrainRequest(tmp_path, tmp_path / "m", **wrong)


@pytest.mark.parametrize(("command", "kind"), [(train.train, TrainRequest), (rounds.start, RoundPlan)])
def test_commands_offer_what_is_declared(command: object, kind: type[TrainingOptions]) -> None:
    offered = inspect.signature(command).parameters  # type: ignore[arg-type]
    for name, declared in DECLARED.items():
        assert (name in offered) is bool(declared.command)
        if declared.command:
            assert offered[name].default == default_of(kind, name)
    assert "options" not in offered


def test_a_command_gets_its_options_as_a_mapping_and_checks_ranges() -> None:
    app, got = typer.Typer(), []

    @app.command()
    @with_training_options(RoundPlan)
    def begin(name: str, options: dict[str, object]) -> None:
        got.append((name, options))

    answer = CliRunner().invoke(app, ["liver", "--epochs", "3", "--pixel-size", "0.004 µm", "--preset", "standard"])
    assert answer.exit_code == 0, answer.output
    name, options = got[0]
    assert name == "liver"
    assert (options["epochs"], options["pixel_size_nm"], options["preset"]) == (3, 4.0, Preset.STANDARD)
    assert options["validation_fraction"] == 0.0
    assert CliRunner().invoke(app, ["liver", "--seed", "-1"]).exit_code == 2


def test_a_new_option_needs_its_declaration_only(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True, kw_only=True)
    class More(TrainingOptions):
        flip: bool = field(
            default=True,
            metadata=module.declared("Whether to mirror images.", command="flip", label="Mirror", shown=Shown.SWITCH),
        )

    monkeypatch.setitem(module.DECLARED, "flip", fields(More)[-1].metadata["option"])  # type: ignore[arg-type]
    app, got = typer.Typer(), []

    @app.command()
    @with_training_options(More)
    def begin(options: dict[str, object]) -> None:
        got.append(options["flip"])

    assert CliRunner().invoke(app, ["--no-flip"]).exit_code == 0, "a switch may be turned off"
    assert got == [False]
    assert More().recorded()["flip"] is True
