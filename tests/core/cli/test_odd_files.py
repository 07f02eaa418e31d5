"""One odd file among many: the others go on, it is named at the end, and no command reads a file in its own process."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
import typer
from PIL import Image as PilImage

from core.cli.app import app
from core.imaging import reader
from core.outside.guarded import end_children
from tests.core.cli.conftest import Command

SHAPE = (40, 50)

Arguments = Callable[[Path], tuple[str | Path, ...]]


@pytest.fixture(scope="module", autouse=True)
def _no_child_left() -> Iterator[None]:
    yield
    end_children()


def _save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    PilImage.fromarray(pixels).save(path)


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A dataset of four images with labels, predictions of them, and masks and colours of each."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:20, 5:30] = 1
    noise = np.random.default_rng(3)
    for name in ("a", "b", "c", "d"):
        _save(tmp_path / "images" / f"{name}.png", noise.integers(0, 255, SHAPE, np.uint8))
        _save(tmp_path / "labels" / f"{name}.png", labels)
        _save(tmp_path / "predicted" / f"{name}.png", np.roll(labels, 3, axis=0))
        _save(tmp_path / "confidence" / f"{name}.png", np.full(SHAPE, 200, np.uint8))
        _save(tmp_path / "masks" / f"{name}_mitochondria.png", labels * 255)
    description = {
        "pixel_size_nm": 8, "labels": {"background": 0, "mitochondria": 1}, "train": ["a", "b"], "test": ["c", "d"],
    }  # fmt: skip
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    (tmp_path / "sheet.csv").write_text("image,condition\na,fed\nb,fed\nc,fasted\nd,fasted\n")
    return tmp_path


def _measure(lab: Path) -> tuple[str | Path, ...]:
    return ("measure", *sorted((lab / "labels").iterdir()), "--pixel-size", "8", "--out", lab / "o.csv",
            "--images", lab / "i.csv", "--sheet", lab / "sheet.csv", "--comparison", lab / "c.csv")  # fmt: skip


def _measure_dataset(lab: Path) -> tuple[str | Path, ...]:
    return "measure", "--dataset", lab, "--out", lab / "o.csv"


def _evaluate(lab: Path) -> tuple[str | Path, ...]:
    return ("evaluate", "--dataset", lab, "--reference", lab / "labels", "--prediction", lab / "predicted",
            "--confidence", lab / "confidence", "--out", lab / "report.json")  # fmt: skip


def _labels(lab: Path) -> tuple[str | Path, ...]:
    return "labels", "--labels", lab / "labels", "--image", lab / "images", "--out", lab / "made", "--classes", lab


def _masks(lab: Path) -> tuple[str | Path, ...]:
    return "labels", "--masks", lab / "masks", "--image", lab / "images", "--out", lab / "made", "--classes", lab


def _build(lab: Path) -> tuple[str | Path, ...]:
    return ("dataset", "build", "--images", lab / "images", "--labels", lab / "labels", "--classes", lab,
            "--test", "d", "--out", lab / "made")  # fmt: skip


def _check(lab: Path) -> tuple[str | Path, ...]:
    return "dataset", "check", lab


def _inspect(lab: Path) -> tuple[str | Path, ...]:
    return "inspect", lab / "images"


READING: dict[str, Arguments] = {
    "measure": _measure, "measure a dataset": _measure_dataset, "evaluate": _evaluate, "labels": _labels,
    "labels of masks": _masks, "dataset build": _build, "dataset check": _check, "inspect": _inspect,
}  # fmt: skip
"""Commands that read files from outside, and how they are given."""

ELSEWHERE = {"segment", "train", "export", "demo"}
"""Those that need a model, minutes or a store: tests of their own look at them, and at what they call."""

NO_IMAGES = {"phantom", "doctor", "serve"}
"""Commands that read no image from outside; nor do those about what is stored: model, results, round."""


def _commands(tree: typer.Typer, before: str = "") -> Iterator[str]:
    for command in tree.registered_commands:
        callback = command.callback
        yield f"{before}{command.name or (callback.__name__ if callback else '')}".replace("_", "-")
    for group in tree.registered_groups:
        if group.typer_instance is not None:
            yield from _commands(group.typer_instance, f"{before}{group.name} ")


def test_every_command_is_known_here() -> None:
    """A new one says whether it reads images from outside; if it does, it is tried below."""
    tried = {" ".join(name.split()[:2]) if name.startswith("dataset") else name.split()[0] for name in READING}
    of_the_store = ("model ", "results ", "round ")
    assert {name for name in _commands(app) if not name.startswith(of_the_store)} == tried | ELSEWHERE | NO_IMAGES


@pytest.mark.parametrize("name", READING)
def test_no_file_is_read_in_the_process_of_the_command(
    command: Command, lab: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Every format is opened by one function; here it opens none, in the guarded process it does."""

    def refuse(path: Path, shown: str) -> None:
        raise AssertionError(f"{shown} was opened beyond the guard")

    monkeypatch.setattr(reader, "_format_of", refuse)
    answer = command(*READING[name](lab))
    assert answer.code == 0, answer.err


def _spoil(path: Path) -> None:
    """A file that promises more than it has."""
    path.write_bytes(path.read_bytes()[:50])


@pytest.mark.parametrize(
    ("arguments", "odd", "made"),
    [
        pytest.param(_measure, "labels/b.png", "o.csv", id="measure"),
        pytest.param(_measure_dataset, "images/b.png", "o.csv", id="measure a dataset"),
        pytest.param(_evaluate, "predicted/c.png", "report.json", id="evaluate"),
        pytest.param(_labels, "labels/b.png", "made/d.tif", id="labels"),
        pytest.param(_masks, "masks/b_mitochondria.png", "made/d.tif", id="labels of masks"),
        pytest.param(_build, "images/b.png", "made/dataset.json", id="dataset build"),
        pytest.param(_check, "labels/b.png", "dataset.json", id="dataset check"),
        pytest.param(_inspect, "images/b.png", "dataset.json", id="inspect"),
    ],
)
def test_one_odd_file_is_named_and_the_others_go_on(
    command: Command, lab: Path, arguments: Arguments, odd: str, made: str
) -> None:
    _spoil(lab / odd)
    answer = command(*arguments(lab))
    assert answer.code == 1
    assert Path(odd).name in answer.err + answer.out
    assert "What to do:" in answer.err + answer.out or "cannot be read" in answer.err
    assert (lab / made).exists(), answer.err


def test_what_is_left_is_whole(command: Command, lab: Path) -> None:
    """Tables and reports hold every image but the odd one, and the report says which and why."""
    for odd in ("labels/a.png", "predicted/d.png"):
        _spoil(lab / odd)
    assert command(*_measure(lab)).code == 1
    with (lab / "o.csv").open(encoding="utf-8-sig") as file:
        assert {row["image"] for row in csv.DictReader(file)} == {"b", "c", "d"}
    assert (lab / "c.csv").exists()
    assert command(*_evaluate(lab)).code == 1
    report = json.loads((lab / "report.json").read_text())
    assert [image["name"] for image in report["images"]] == ["c"]
    assert report["partial"]
    assert "d.png" in report["unscored"]["d"]


def test_the_only_file_is_an_error_and_all_bad_files_leave_nothing(command: Command, lab: Path) -> None:
    for name in ("a", "b", "c", "d"):
        _spoil(lab / "labels" / f"{name}.png")
    alone = command("measure", lab / "labels" / "a.png", "--out", lab / "o.csv")
    assert alone.code == 1
    assert "a.png" in alone.err
    assert "What to do:" in alone.err
    several = command(*_measure(lab))
    assert several.code == 1
    assert "No label maps can be read" in several.err
    assert all(f"{name}.png" in several.err for name in ("a", "b", "c", "d"))
    assert not (lab / "o.csv").exists()
    assert command(*_build(lab)).code == 1
    assert not (lab / "made").exists()


def test_a_condition_that_is_lost_with_its_files_is_said(command: Command, lab: Path) -> None:
    for name in ("c", "d"):
        _spoil(lab / "labels" / f"{name}.png")
    answer = command(*_measure(lab))
    assert answer.code == 1
    assert "Conditions are not compared. The sample sheet has 1 conditions" in answer.err
    assert "c.png" in answer.err
    assert (lab / "o.csv").exists()
    assert not (lab / "c.csv").exists()


def test_colours_and_ways_of_reading_pass_the_guard(command: Command, tmp_path: Path) -> None:
    """What is said on the command line counts in the other process, too."""
    painted = np.zeros((*SHAPE, 3), np.uint8)
    painted[:9], painted[20:30] = (0, 255, 255), (255, 128, 0)
    _save(tmp_path / "c.png", painted)
    colors = ("--color", "mitochondria=#00ffff", "--color", "ER=#ff8000")
    answer = command("labels", "--rgb", tmp_path / "c.png", *colors, "--out", tmp_path / "c.tif")
    assert answer.code == 0, answer.err
    assert np.unique(tifffile.imread(tmp_path / "c.tif")).tolist() == [0, 1, 3]
    tifffile.imwrite(tmp_path / "v.tif", np.where(painted[..., 2] > 0, -1, painted[..., 0] // 255 * 7).astype(np.int16))
    values = ("--value=-1=ignore", "--value=7=nucleus")
    answer = command("labels", "--labels", tmp_path / "v.tif", *values, "--out", tmp_path / "w.tif")
    assert answer.code == 0, answer.err
    assert np.unique(tifffile.imread(tmp_path / "w.tif")).tolist() == [0, 2, 255]
