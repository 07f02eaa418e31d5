"""Ids of objects on the command line: into label maps, measured, scored."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as PilImage

from tests.core.cli.conftest import Command

SHAPE = (24, 40)
IDS = np.zeros(SHAPE, np.uint16)
IDS[2:12, 2:12], IDS[2:12, 12:22], IDS[14:22, 30:38] = 5, 9, 300
"""Two that touch, and one alone."""


@pytest.fixture
def ids(tmp_path: Path) -> Path:
    tifffile.imwrite(tmp_path / "cp_masks.tif", IDS)
    return tmp_path / "cp_masks.tif"


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """One test image whose label map has ids."""
    folder = tmp_path / "set"
    for part in ("images", "labels", "objects"):
        (folder / part).mkdir(parents=True)
    PilImage.fromarray(np.arange(SHAPE[0] * SHAPE[1], dtype=np.uint16).reshape(SHAPE)).save(folder / "images" / "a.png")
    PilImage.fromarray((IDS > 0).astype(np.uint8)).save(folder / "labels" / "a.png")
    tifffile.imwrite(folder / "objects" / "a.tif", IDS)
    described = {"labels": {"background": 0, "mitochondria": 1}, "pixel_size_nm": 8, "train": [], "test": ["a"]}
    (folder / "dataset.json").write_text(json.dumps(described))
    return folder


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))


def test_an_instance_map_becomes_a_label_map_with_ids_beside_it(command: Command, ids: Path, tmp_path: Path) -> None:
    answer = command("labels", "--objects", f"mitochondria={ids}", "--pixel-size", "8", "--out", tmp_path / "a.png")
    assert answer.code == 0, answer.err
    assert "are objects with separate ids" in answer.err
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a_objects.tif"), IDS)
    with PilImage.open(tmp_path / "a.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), IDS > 0)
    measured = command("measure", tmp_path / "a.png", "--out", tmp_path / "objects.csv")
    assert measured.code == 0, measured.err
    rows = _rows(tmp_path / "objects.csv")
    assert [(row["object_id"], row["counted_by"]) for row in rows] == [("5", "ids"), ("9", "ids"), ("300", "ids")]
    assert [row["distance_to_mitochondria_nm"] for row in rows][:2] == ["0", "0"]


def test_ids_of_all_classes_go_with_a_label_image(command: Command, ids: Path, tmp_path: Path) -> None:
    classes = np.where(IDS == 9, 3, IDS > 0).astype(np.uint8)
    PilImage.fromarray(classes).save(tmp_path / "labels.png")
    out = tmp_path / "a.tif"
    answer = command(
        "labels", "--labels", tmp_path / "labels.png", "--objects", ids, "--out", out, "--json", tmp_path / "r.json"
    )
    assert answer.code == 0, answer.err
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a_objects.tif"), IDS)
    (told,) = json.loads((tmp_path / "r.json").read_text())["label_maps"]
    assert told["objects"] == {"1": 2, "3": 1}


def test_the_class_of_ids_must_be_said_and_inputs_stay(command: Command, ids: Path, tmp_path: Path) -> None:
    answer = command("labels", "--objects", ids, "--out", tmp_path / "a.tif")
    assert answer.code == 1
    assert "CLASS=FILE" in answer.err
    source = tmp_path / "b_objects.tif"
    ids.rename(source)
    answer = command("labels", "--objects", f"mitochondria={source}", "--out", tmp_path / "b.tif")
    assert answer.code == 1
    assert "would overwrite" in answer.err
    assert not (tmp_path / "b.tif").exists()


def test_a_dataset_is_measured_and_scored_by_its_ids(command: Command, dataset: Path, tmp_path: Path) -> None:
    answer = command("measure", "--dataset", dataset, "--out", tmp_path / "objects.csv")
    assert answer.code == 0, answer.err
    assert [row["object_id"] for row in _rows(tmp_path / "objects.csv")] == ["5", "9", "300"]
    predicted = tmp_path / "predicted"
    predicted.mkdir()
    PilImage.fromarray((IDS > 0).astype(np.uint8)).save(predicted / "a.png")
    scores = []
    for beside in (False, True):
        if beside:
            tifffile.imwrite(predicted / "a_objects.tif", (IDS * 1000).astype(np.uint32))
        out = tmp_path / "report.json"
        answer = command(
            "evaluate", "--dataset", dataset, "--reference", dataset / "labels", "--prediction", predicted, "--out", out
        )
        assert answer.code == 0, answer.err
        (image,) = json.loads(out.read_text())["images"]
        found = image["classes"]["mitochondria"]
        scores.append((found["merges"], found["panoptic_quality"], image["objects_by_id"]["prediction"]))
    assert scores[0] == (1, pytest.approx(1 / (1 + 3 / 2)), [])
    assert scores[1] == (0, 1.0, [1])
