"""Label maps of another program: which image each belongs to, what is refused, and reading them as predictions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as PilImage

from core.errors import DatasetError
from core.evaluations.prediction_files import (
    PredictionCase,
    check_prediction,
    plan_predictions,
    prediction_files,
    read_prediction,
)
from core.imaging.image import PixelSize
from core.label_scheme import DEFAULT_SCHEME
from core.labels.reading import LabelSource
from core.store.records import ImageRecord, Split


def record(name: str, shape_yx: tuple[int, int] = (2, 3)) -> ImageRecord:
    return ImageRecord(
        f"id of {name}", "p", name, "", shape_yx, "uint8", PixelSize(), Split.TEST, "", None, False, (),
        (0, 255), datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def png(path: Path, pixels: Any) -> Path:
    PilImage.fromarray(np.asarray(pixels, np.uint8)).save(path)
    return path


def case(*paths: Path, shape_yx: tuple[int, int] = (2, 3)) -> PredictionCase:
    return PredictionCase("a", "vnc_1.tif", shape_yx, paths)


def test_files_find_their_images_by_name() -> None:
    images = [record("vnc_1.tif"), record("vnc_12.tif"), record("liver")]
    files = [Path(name) for name in ("p/vnc_1.png", "p/VNC_12_labels.tif", "p/other.png")]
    plan = plan_predictions(images, files)
    assert [(each.image_name, [path.name for path in each.paths]) for each in plan.cases] == [
        ("vnc_1.tif", ["vnc_1.png"]),
        ("vnc_12.tif", ["VNC_12_labels.tif"]),
    ]
    assert [image.name for image in plan.missing] == ["liver"]
    assert plan.strays == ("other.png",)
    assert PredictionCase.from_json(plan.cases[0].to_json()) == plan.cases[0]


def test_a_name_that_two_images_bear_is_nobodys() -> None:
    plan = plan_predictions([record("a.tif"), record("a.tif"), record("b.tif")], [Path("a.png"), Path("b.png")])
    assert [each.image_name for each in plan.cases] == ["b.tif"]
    assert plan.ambiguous == ("a.tif",)
    assert plan.strays == ("a.png",)


def test_ignore_becomes_background_and_is_told(tmp_path: Path) -> None:
    path = png(tmp_path / "vnc_1.png", [[1, 255, 0], [2, 255, 0]])
    read = read_prediction(case(path), DEFAULT_SCHEME)
    assert read.labels_yx.tolist() == [[1, 0, 0], [2, 0, 0]]
    assert any("2 ignore pixels became background" in text for text in read.report.sentences)
    assert check_prediction(case(path), DEFAULT_SCHEME, deep=True).usable


def test_of_overlapping_masks_one_class_wins(tmp_path: Path) -> None:
    one = png(tmp_path / "vnc_1_mitochondria.png", [[255, 255, 0], [0, 0, 0]])
    two = png(tmp_path / "vnc_1_nucleus.png", [[0, 255, 255], [0, 0, 0]])
    assert read_prediction(case(one, two), DEFAULT_SCHEME).labels_yx.tolist() == [[1, 1, 2], [0, 0, 0]]


IDS = np.array([[300, 300, 0], [7, 7, 0]], np.uint16)


def test_the_class_of_objects_is_asked_for_and_their_ids_are_kept(tmp_path: Path) -> None:
    """An instance map of Cellpose is named after its image and not after a class."""
    path = tmp_path / "vnc_1.tif"
    tifffile.imwrite(path, IDS)
    unclear = replace(case(path), source=LabelSource.OBJECTS)
    check = check_prediction(unclear, DEFAULT_SCHEME, deep=True)
    assert check.asks_class
    assert not check.usable
    told = replace(unclear, class_ids=(2,))
    assert check_prediction(told, DEFAULT_SCHEME, deep=True).usable
    read = read_prediction(told, DEFAULT_SCHEME)
    assert read.labels_yx.tolist() == [[2, 2, 0], [2, 2, 0]]
    assert read.objects is not None
    assert read.objects.class_ids == (2,)
    np.testing.assert_array_equal(read.objects.ids_yx, IDS)
    assert PredictionCase.from_json(told.to_json()) == told


def test_a_class_map_with_its_objects_beside_it_is_one_prediction(tmp_path: Path) -> None:
    labels = png(tmp_path / "vnc_1_labels.png", [[1, 1, 0], [2, 2, 0]])
    objects = tmp_path / "vnc_1_objects.tif"
    tifffile.imwrite(objects, IDS)
    (planned,) = plan_predictions([record("vnc_1.tif")], [labels, objects]).cases
    read = read_prediction(planned, DEFAULT_SCHEME)
    assert read.labels_yx.tolist() == [[1, 1, 0], [2, 2, 0]]
    assert read.objects is not None
    assert read.objects.class_ids == (1, 2)


def test_what_cannot_be_used_says_why(tmp_path: Path) -> None:
    small = png(tmp_path / "small.png", [[1, 1]])
    check = check_prediction(case(small), DEFAULT_SCHEME, deep=False)
    assert not check.usable
    assert "1 x 2 px but vnc_1.tif is 2 x 3 px" in check.cause
    unknown = png(tmp_path / "unknown.png", [[77, 1, 1], [1, 1, 1]])
    check = check_prediction(case(unknown), DEFAULT_SCHEME, deep=True)
    assert "77" in check.cause
    assert check.remedy
    text = tmp_path / "text.png"
    text.write_text("no picture")
    assert not check_prediction(case(text), DEFAULT_SCHEME, deep=False).usable


def test_folders_and_parameters_that_are_wrong(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no folder"):
        prediction_files(tmp_path / "absent")
    with pytest.raises(DatasetError, match="no images"):
        prediction_files(tmp_path)
    with pytest.raises(DatasetError, match="cannot be used"):
        PredictionCase.from_json({"image_id": "a"})
    assert plan_predictions([record("a")], [Path("a.png")], LabelSource.RGB).cases[0].source is LabelSource.RGB
