"""How large an image or label map may be: the setting counts wherever a file is opened, as the message says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from core.datasets.folder import load_case, open_dataset
from core.datasets.import_case import ImportCase
from core.datasets.import_check import check_import
from core.errors import CristaeError
from core.evaluations.prediction_files import PredictionCase, check_prediction
from core.imaging.reader import open_micrograph, read_image
from core.label_scheme import DEFAULT_SCHEME
from core.labels.importing import read_label_image, read_masks, read_rgb_labels
from core.settings import current_settings
from tests.core.imaging.files import png, tiff, tiff_declaring

SHAPE = (4, 5)


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Sets CRISTAE_MAX_IMAGE_PX for this process."""

    def set_to(pixels: int) -> None:
        monkeypatch.setenv("CRISTAE_MAX_IMAGE_PX", str(pixels))
        current_settings.cache_clear()

    yield set_to
    monkeypatch.undo()
    current_settings.cache_clear()


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A dataset of one image with labels."""
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").write_bytes(png(np.ones(SHAPE, np.uint8)))
    (tmp_path / "colour.png").write_bytes(png(np.zeros((*SHAPE, 3), np.uint8)))
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"ER": 1}, "train": ["a"]}))
    return tmp_path


def _check_labels(folder: Path) -> None:
    """As the Data page does; only the labels follow the setting, the image what the page passes on."""
    case = ImportCase("a", folder / "images" / "a.png", (folder / "labels" / "a.png",))
    _raise(check_import(case, DEFAULT_SCHEME, deep=True, max_px=100).refusal)


def _check_prediction(folder: Path) -> None:
    checked = check_prediction(
        PredictionCase("i", "a", SHAPE, (folder / "labels" / "a.png",)), DEFAULT_SCHEME, deep=True
    )
    _raise(checked if checked.cause else None)


def _raise(refused: object) -> None:
    if refused is not None:
        raise CristaeError(refused.cause, refused.remedy)  # type: ignore[attr-defined]


READERS: dict[str, Callable[[Path], object]] = {
    "image": lambda folder: read_image(folder / "images" / "a.png"),
    "label image": lambda folder: read_label_image(folder / "labels" / "a.png", DEFAULT_SCHEME),
    "masks": lambda folder: read_masks({1: folder / "labels" / "a.png"}, DEFAULT_SCHEME, SHAPE),
    "labels by colour": lambda folder: read_rgb_labels(folder / "colour.png", DEFAULT_SCHEME, SHAPE),
    "training": lambda folder: load_case(open_dataset(folder).case("a")),
    "import": _check_labels,
    "predictions": _check_prediction,
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_the_setting_limits_every_reader(
    dataset: Path, limit: Callable[[int], None], read: Callable[[Path], object]
) -> None:
    limit(10)
    with pytest.raises(CristaeError, match="more than the limit of 10 pixels") as caught:
        read(dataset)
    assert "CRISTAE_MAX_IMAGE_PX" in caught.value.remedy
    limit(20)
    read(dataset)


def test_a_pixel_size_is_read_from_an_image_within_the_setting(tmp_path: Path, limit: Callable[[int], None]) -> None:
    (tmp_path / "images").mkdir()
    content = tiff(np.ones(SHAPE, np.uint8), resolution=(1e6, 1e6), resolutionunit="CENTIMETER")
    (tmp_path / "images" / "a.tif").write_bytes(content)
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"ER": 1}}))
    for pixels, size_nm in ((10, None), (20, 10.0)):
        limit(pixels)
        assert open_dataset(tmp_path).case("a").pixel_size_nm == size_nm


def test_raising_the_setting_lets_larger_files_through(tmp_path: Path, limit: Callable[[int], None]) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_declaring(50_000, 50_000))
    for pixels, cause in ((2_000_000_000, "more than the limit of 2,000,000,000"), (3_000_000_000, "is truncated")):
        limit(pixels)
        with pytest.raises(CristaeError, match=cause):
            open_micrograph(path)
