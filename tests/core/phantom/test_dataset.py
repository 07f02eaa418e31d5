"""Dataset folders of phantoms."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import DatasetError, ImageError
from core.phantom import generate_phantom, write_phantom_dataset


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.mode == "L"
        return np.asarray(image)


def test_the_folder_holds_what_it_says(tmp_path: Path) -> None:
    done: list[tuple[int, int]] = []
    write_phantom_dataset(tmp_path / "set", 5, 64, 30, test_count=2, on_progress=lambda *a: done.append(a))
    description = json.loads((tmp_path / "set" / "dataset.json").read_text(encoding="utf-8"))
    assert description["pixel_size_nm"] == 8.0
    assert description["labels"] == {
        "background": 0, "mitochondria": 1, "nucleus": 2, "ER": 3, "lipid droplets": 4, "cell boundaries": 5,
    }  # fmt: skip
    names = [f"phantom_{i:03d}" for i in range(5)]
    assert sorted(description["train"] + description["test"]) == names
    assert description["test"] == ["phantom_001", "phantom_003"]
    assert done == [(i, 5) for i in range(1, 6)]
    for number, name in enumerate(names):
        phantom = generate_phantom(30 + number, 64)
        np.testing.assert_array_equal(_pixels(tmp_path / "set" / "images" / f"{name}.png"), phantom.image_yx)
        np.testing.assert_array_equal(_pixels(tmp_path / "set" / "labels" / f"{name}.png"), phantom.labels_yx)


@pytest.mark.parametrize(("count", "tests"), [(1, 0), (4, 1), (7, 1), (8, 2)], ids=str)
def test_a_quarter_is_for_tests(tmp_path: Path, count: int, tests: int) -> None:
    write_phantom_dataset(tmp_path / "set", count, 32, pixel_size_nm=32)
    description = json.loads((tmp_path / "set" / "dataset.json").read_text(encoding="utf-8"))
    assert len(description["test"]) == tests
    assert len(description["train"]) == count - tests


@pytest.mark.parametrize(("count", "tests"), [(0, None), (-3, None), (2, 2), (2, -1)], ids=str)
def test_impossible_counts_are_refused(tmp_path: Path, count: int, tests: int | None) -> None:
    with pytest.raises(DatasetError):
        write_phantom_dataset(tmp_path / "set", count, 64, test_count=tests)
    assert not list(tmp_path.iterdir())


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("data", encoding="utf-8")
    with pytest.raises(DatasetError, match="not an empty folder"):
        write_phantom_dataset(tmp_path, 1, 64)
    assert [p.name for p in tmp_path.iterdir()] == ["precious.txt"]


def test_bad_size_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ImageError):
        write_phantom_dataset(tmp_path / "set", 1, 3)
    assert not list(tmp_path.iterdir())


def test_a_stop_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(done: int, count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_phantom_dataset(tmp_path / "set", 3, 64, on_progress=stop)
    assert not list(tmp_path.iterdir())
