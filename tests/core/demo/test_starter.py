"""The starter model's recipe, on a budget of seconds, and the committed model itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.demo.starter import MAX_BYTES, PIXEL_SIZE_NM, make_starter
from core.errors import TrainingError
from core.files import write_json
from core.label_scheme import DEFAULT_SCHEME
from core.models.store import STARTER_ID, open_model
from core.settings import ROOT
from core.training.presets import Preset
from core.training.process import JOB_FILE
from core.training.request import TrainRequest


def test_an_existing_model_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "starter").mkdir()
    with pytest.raises(TrainingError, match="already exists"):
        make_starter(tmp_path / "starter", on_progress=lambda what, share: None)


def test_images_for_tests_are_not_learned_from(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="Seed 500 belongs"):
        make_starter(tmp_path / "starter", seed=500, on_progress=lambda what, share: None)


def test_what_an_interrupted_run_left_is_told_before_images_are_grown(tmp_path: Path) -> None:
    left = TrainRequest(dataset=tmp_path, preset=Preset.COMPACT, out=tmp_path / "starter")
    left.work.mkdir()
    write_json(left.work / JOB_FILE, {"request": left.to_json()})
    with pytest.raises(TrainingError, match=r"\.starter\.training"):
        make_starter(tmp_path / "starter", images=0, on_progress=lambda what, share: None)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_recipe_makes_a_model(tmp_path: Path) -> None:
    model = make_starter(
        tmp_path / "starter", minutes=0.1, images=2, size_px=400, threads=2, on_progress=lambda what, share: None
    )
    assert model.scheme == DEFAULT_SCHEME
    assert model.pixel_size_nm == PIXEL_SIZE_NM
    assert "synthetic" in model.card.warning


def test_the_committed_model_is_small_and_says_what_it_is() -> None:
    folder = ROOT / "models" / STARTER_ID
    if not (folder / "card.json").is_file():
        pytest.skip("models/starter is not in this checkout; make it with `python -m core.demo.starter`")
    model = open_model(folder)
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) <= MAX_BYTES
    assert model.scheme == DEFAULT_SCHEME
    assert model.pixel_size_nm == PIXEL_SIZE_NM
    assert "synthetic" in model.card.warning
