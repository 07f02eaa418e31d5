"""Which patches the training sees."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.training.batches import BatchSource, cases_by_class
from core.training.loop import TrainingLoop
from core.training.presets import NNUNET_RECIPE, SHORT_RECIPE
from core.training.schedule import Schedule
from core.training.trainer import CristaeTrainer

ANNOTATED = (-1, 0, 1, 2)
PLACES = np.zeros((3, 4), int)


class _Cases:
    """Ten cases show class 1, one of them class 2 as well."""

    def __init__(self, identifiers: list[str]) -> None:
        self.identifiers = identifiers

    def load_case(self, identifier: str) -> tuple[Any, Any, Any, Any]:
        rare = PLACES if identifier == "c7" else PLACES[:0]
        return None, None, None, {"class_locations": {1: PLACES, 2: rare, ANNOTATED: PLACES}}


def _source(identifiers: list[str]) -> BatchSource:
    source = BatchSource.__new__(BatchSource)
    source._data = _Cases(identifiers)
    source.annotated_classes_key = ANNOTATED
    return source


def test_cases_are_listed_by_the_classes_that_they_show() -> None:
    found = cases_by_class(_Cases(["c1", "c7"]), ANNOTATED)
    assert found == {1: ["c1", "c7"], 2: ["c7"]}


def test_a_class_that_few_cases_show_is_drawn_as_often_as_the_others() -> None:
    np.random.seed(0)  # noqa: NPY002 - the generator that nnU-Net uses
    source = _source([f"c{i}" for i in range(10)])
    drawn = Counter(source._case_with_class("c0") for _ in range(2000))
    rare = sum(count for (_, wanted), count in drawn.items() if wanted == 2)
    assert 0.45 < rare / 2000 < 0.55
    assert {key for key, wanted in drawn if wanted == 2} == {"c7"}
    assert len({key for key, wanted in drawn if wanted == 1}) == 10


def test_without_any_class_the_case_stays_as_drawn() -> None:
    assert _source([])._case_with_class("c3") == ("c3", None)


class _Trainer:
    """Does nothing, and remembers the share of centred patches at every iteration."""

    recipe = SHORT_RECIPE
    network = torch.nn.Identity()
    validation_set = (None,)
    average: dict[str, torch.Tensor] = {}  # noqa: RUF012
    average_steps, average_length, threads = 0, 1.0, 1
    device = torch.device("cpu")
    grad_scaler = preview = None

    def __init__(self) -> None:
        self.training_source: BatchSource | None = _source(["c0"])
        self.shares: list[float] = []

    set_foreground = CristaeTrainer.set_foreground

    def open_batches(self) -> Any:
        return _Endless()

    def train_step(self, batch: dict[str, Any]) -> dict[str, Any]:
        self.shares.append(self.training_source.oversample_foreground_percent)
        return {"loss": 0.0}

    def validate(self) -> tuple[float, list[float | None]]:
        return 0.0, [0.5]

    def parameters(self) -> dict[str, torch.Tensor]:
        return {"weight": torch.zeros(1)}

    optimizer_tensors = parameters

    def set_learning_rate(self, value: float) -> None: ...

    def set_average_length(self, expected_iterations: int) -> None: ...


class _Endless:
    def __next__(self) -> dict[str, Any]:
        return {}

    def close(self) -> None: ...


def test_towards_the_end_of_a_training_fewer_patches_are_centred_on_a_class(tmp_path: Path) -> None:
    trainer: Any = _Trainer()
    TrainingLoop(
        trainer, Schedule(0.01, None, 4, 5), tmp_path, class_names=["a"], held_out=False, patience=0, seed=0,
        emit=lambda progress: None,
    ).run()  # fmt: skip
    assert trainer.shares[:10] == [0.5] * 10
    assert trainer.shares[10:] == pytest.approx([0.5 - 0.04 * number for number in range(10)])


def test_patches_are_centred_on_a_class_as_often_as_is_asked_for_just_now() -> None:
    np.random.seed(0)  # noqa: NPY002
    source = _source(["c0"])
    for share in (SHORT_RECIPE.foreground_at(0), SHORT_RECIPE.foreground_at(0.75), SHORT_RECIPE.foreground_at(1)):
        source.oversample_foreground_percent = share
        drawn = [source._probabilistic_oversampling(position % 4) for position in range(4000)]
        assert np.mean(drawn) == pytest.approx(share, abs=0.03)


def test_nnunets_recipe_is_the_same_from_beginning_to_end() -> None:
    assert {NNUNET_RECIPE.foreground_at(part) for part in (0.0, 0.3, 0.8, 1.0)} == {0.33}
