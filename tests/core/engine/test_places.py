"""Which places a machine offers."""

from __future__ import annotations

import pytest

from core.engine import places as module
from core.engine.places import TRAIN_ON_CPU, layout
from core.jobs.kinds import TASKS
from core.jobs.task_kind import Resource
from core.settings import Settings


def training_places(settings: Settings) -> list[tuple[str, str | None]]:
    return [
        (place.name, place.environment.get("CUDA_VISIBLE_DEVICES"))
        for place in layout(settings)
        if place.resource is Resource.TRAIN
    ]


@pytest.mark.parametrize(
    ("cards", "visible", "expected"),
    [
        ((), None, [(TRAIN_ON_CPU, None)]),
        ((), "0", [(TRAIN_ON_CPU, None)]),
        (("0", "1"), None, [("train-gpu-0", "0"), ("train-gpu-1", "1")]),
        (("0", "1", "2"), "2, 0", [("train-gpu-2", "2"), ("train-gpu-0", "0")]),
        (("0", "1"), "1,-1,0", [("train-gpu-1", "1")]),
        (("0",), "", [(TRAIN_ON_CPU, None)]),
    ],
)
def test_one_training_per_card_that_we_may_use_or_one_on_the_processor(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    cards: tuple[str, ...],
    visible: str | None,
    expected: list[tuple[str, str | None]],
) -> None:
    monkeypatch.setattr(module, "_all_cards", lambda: cards)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert training_places(settings) == expected


def test_a_training_occupies_no_place_of_predictions(settings: Settings) -> None:
    assert TASKS["train"].resource is not TASKS["predict"].resource
    names = [place.name for place in layout(settings)]
    assert len(names) == len(set(names))
    assert all(place.options == {"resources": {place.name: 1}} for place in layout(settings))
