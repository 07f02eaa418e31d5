"""`segment` removes what is too small; `model objects` learns what that is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as PilImage

import core.segmentation.predictor
from core.cli.console import UsageError
from core.cli.model_objects import objects
from core.cli.segment import segment
from core.errors import DatasetError, ModelError
from core.imaging.image import Image
from core.models.store import ModelStore
from core.objects.rules import ObjectRule, ObjectRules, RuleSource
from core.objects.separation import Separation, SeparationWay
from core.segmentation.prediction_summary import PredictionSummary
from core.settings import current_settings
from tests.core.training.datasets import make_dataset
from tests.models import write_model


class _Bright:
    """In place of a network: class 1 where the image is bright."""

    def __init__(self, model: Any, **_: Any) -> None:
        self.model = model

    def predict(self, image: Image, sink: Any, **options: Any) -> PredictionSummary:
        labels = (image.pixels_yx > 100).astype(np.uint8)
        sink.write(0, 0, labels, labels)
        return PredictionSummary(
            "m",
            "none",
            "none",
            "exact",
            image.shape,
            1.0,
            options.get("pixel_size_nm"),
            1,
            0.5,
            False,
            "gaussian",
            (),
            0.0,
        )


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelStore]:
    """With one model of 8 nm per pixel whose first class is found wherever the image is bright."""
    monkeypatch.setattr(core.segmentation.predictor, "Predictor", _Bright)
    monkeypatch.setattr("core.training.object_rules.Predictor", _Bright)
    monkeypatch.setenv("CRISTAE_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("CRISTAE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CRISTAE_CONFIG", str(tmp_path / "none.toml"))
    current_settings.cache_clear()
    write_model(tmp_path / "models" / "tiny")
    yield ModelStore(tmp_path / "models")
    current_settings.cache_clear()


def micrograph(path: Path) -> Path:
    pixels = np.full((40, 40), 20, np.uint8)
    pixels[5:25, 5:25] = 200
    pixels[10, 10] = 20
    pixels[32, 32:35] = 200
    PilImage.fromarray(pixels).save(path)
    return path


def pixels_of(path: Path) -> int:
    with PilImage.open(path) as picture:
        return int((np.asarray(picture) == 1).sum())


def test_segment_removes_specks_and_says_so(
    models: ModelStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = micrograph(tmp_path / "a.png")
    models.set_object_rules(
        "tiny", ObjectRules((ObjectRule(class_id=1, smallest=0.00064, largest_hole=0.0002),))
    )  # 10 px and 3 px of 64 nm2
    segment([image], tmp_path / "clean.tif", model="tiny", json=tmp_path / "clean.json", pixel_size=8.0)
    name = models.get("tiny").scheme[1].name
    said = " ".join(capsys.readouterr().err.split())
    assert f"1 piece below the minimum size removed (1 {name}); 1 hole filled." in said
    assert pixels_of(tmp_path / "clean.tif") == 400
    row = json.loads((tmp_path / "clean.json").read_text("utf-8"))["cleaning"][0]
    assert (row["objects_before"], row["objects"], row["pixels_before"], row["pixels"]) == (2, 1, 402, 400)
    segment([image], tmp_path / "raw.tif", model="tiny", pixel_size=8.0, clean=False)
    assert pixels_of(tmp_path / "raw.tif") == 402


def test_the_sizes_of_an_imported_model_are_learned_from_labels(models: ModelStore, tmp_path: Path) -> None:
    labels = np.zeros((220, 220), np.uint8)
    for row in range(5, 200, 25):
        for column in range(5, 200, 25):
            labels[row : row + 15, column : column + 15] = 3
    image = np.where(labels, 200, 20).astype(np.uint8)
    image[1:5:3, ::7] = 200  # specks that the model finds
    scheme = {models.get("tiny").scheme[1].name: 3}
    dataset = make_dataset(tmp_path / "labelled", {"a": image}, {"a": labels}, classes=scheme)
    objects("tiny", dataset, 5.0)
    rule = models.get("tiny").card.object_rules.of(1)
    assert rule.source is RuleSource.VALIDATION
    assert 100 * 64e-6 < rule.smallest < 225 * 64e-6
    assert rule.objects == 64


def test_a_dataset_of_other_classes_teaches_nothing(models: ModelStore, tmp_path: Path) -> None:
    labels = np.zeros((20, 20), np.uint8)
    labels[5:10, 5:10] = 1
    dataset = make_dataset(tmp_path / "other", {"a": labels}, {"a": labels}, classes={"centriole": 1})
    with pytest.raises(DatasetError, match="no class in common"):
        objects("tiny", dataset, 0.0)
    assert models.get("tiny").card.object_rules == ObjectRules()


def two_discs() -> np.ndarray:
    """Two discs that overlap a little: one piece with a neck."""
    row, column = np.ogrid[:40, :70]
    return ((row - 20) ** 2 + (column - 20) ** 2 <= 144) | ((row - 20) ** 2 + (column - 40) ** 2 <= 144)


def test_an_imported_model_splits_at_necks_that_were_learned_from_labels(
    models: ModelStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the command writes the ids beside the label map, counts them, and says that this is a fallback."""
    labels = np.zeros((40, 70), np.uint8)
    labels[8:33, 8:33] = 3
    scheme = {models.get("tiny").scheme[1].name: 3}
    dataset = make_dataset(tmp_path / "labelled", {"a": labels}, {"a": labels}, classes=scheme)
    objects("tiny", dataset, 0.0, necks=True)
    assert models.get("tiny").card.separation == Separation(SeparationWay.NECKS, (1,), least_depth={1: 0.2})
    assert "fallback" in capsys.readouterr().err
    PilImage.fromarray(np.where(two_discs(), 200, 20).astype(np.uint8)).save(tmp_path / "b.png")
    segment([tmp_path / "b.png"], tmp_path / "b.tif", model="tiny", json=tmp_path / "b.json", pixel_size=8.0)
    ids = tifffile.imread(tmp_path / "b_objects.tif")
    assert ids.dtype == np.uint32
    np.testing.assert_array_equal(ids > 0, two_discs())
    assert len(np.unique(ids[ids > 0])) == 2
    objects("tiny", None, 0.0, necks=False)
    segment([tmp_path / "b.png"], tmp_path / "c.tif", model="tiny", pixel_size=8.0)
    assert not (tmp_path / "c_objects.tif").exists()


def test_necks_need_labels_and_a_model_that_has_not_learned_better(models: ModelStore) -> None:
    with pytest.raises(UsageError, match="labelled images"):
        objects("tiny", None, 0.0, necks=True)
    with pytest.raises(ModelError, match="no outputs"):
        models.set_separation("tiny", Separation(SeparationWay.SEAMS, (1,)))
    with pytest.raises(ModelError, match="no classes \\[99\\]"):
        models.set_separation("tiny", Separation(SeparationWay.NECKS, (99,)))
