"""`segment` on files of several pages: which are segmented, what is said, what the results are called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage

import core.segmentation.predictor
from core.cli.segment import segment
from core.errors import PredictionError
from core.imaging.image import Image
from core.segmentation.prediction_summary import PredictionSummary
from tests.models import write_model


class _Darkness:
    """In place of a network: the class of a pixel is its grey value over 20."""

    def __init__(self, model: Any, **_: Any) -> None:
        self.model = model

    def predict(self, image: Image, sink: Any, **options: Any) -> PredictionSummary:
        labels = (image.pixels_yx // 20).astype(np.uint8)
        sink.write(0, 0, labels, labels)
        return PredictionSummary(
            "m", "none", "none", "exact", image.shape, 1.0, options["pixel_size_nm"], 1, 0.5, False, "gaussian", (), 0.0
        )


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(core.segmentation.predictor, "Predictor", _Darkness)
    write_model(tmp_path / "tiny")
    return str(tmp_path / "tiny")


def _stack(path: Path, pages: int) -> Path:
    pictures = [PilImage.fromarray(np.full((40, 50), 20 * (n % 5), np.uint8)) for n in range(1, pages + 1)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:])
    return path


def _class_of(path: Path) -> int:
    with PilImage.open(path) as picture:
        (value,) = np.unique(np.asarray(picture))
    return int(value)


def test_every_page_of_a_stack_is_segmented_and_it_is_said(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = _stack(tmp_path / "stack.tif", 3)
    segment([stack], tmp_path / "out.tif", model=model, json=tmp_path / "facts", pixel_size=8.0)
    assert "stack.tif has 3 pages; all are segmented" in " ".join(capsys.readouterr().err.split())
    assert {path.name: _class_of(path) for path in tmp_path.glob("out*")} == {
        "out_page_1.tif": 1, "out_page_2.tif": 2, "out_page_3.tif": 3,
    }  # fmt: skip
    facts = json.loads((tmp_path / "facts" / "stack_page_3.json").read_text("utf-8"))
    assert (facts["image"], facts["page"], facts["pages"]) == ("stack.tif", 3, 3)


def test_results_in_a_folder_are_numbered_so_that_they_sort(model: str, tmp_path: Path) -> None:
    stack, single = _stack(tmp_path / "stack.tif", 11), _stack(tmp_path / "single.tif", 1)
    segment([stack, single], tmp_path / "out", model=model, pixel_size=8.0)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["single.tif", *(f"stack_page_{n:02d}.tif" for n in range(1, 12))]


def test_one_page_is_written_where_it_was_asked_for(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = _stack(tmp_path / "stack.tif", 4)
    segment([stack], tmp_path / "two.tif", model=model, page=[2], pixel_size=8.0)
    assert _class_of(tmp_path / "two.tif") == 2
    assert "page 2 of them is segmented" in " ".join(capsys.readouterr().err.split())
    segment([stack], tmp_path / "out", model=model, page=[4, 2], pixel_size=8.0)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["stack_page_2.tif", "stack_page_4.tif"]


def test_a_single_page_keeps_its_plain_name(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    segment([_stack(tmp_path / "single.tif", 1)], tmp_path / "out.tif", model=model, pixel_size=8.0)
    assert _class_of(tmp_path / "out.tif") == 1
    assert "pages" not in capsys.readouterr().err


def test_a_page_that_is_not_there_is_refused_before_anything_is_written(model: str, tmp_path: Path) -> None:
    stack = _stack(tmp_path / "stack.tif", 2)
    with pytest.raises(PredictionError, match="has no page 3"):
        segment([stack], tmp_path / "out.tif", model=model, page=[1, 3], pixel_size=8.0)
    assert not list(tmp_path.glob("out*"))
