"""``labels`` and ``dataset`` in this process: by exit code, files and words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as PilImage

from core.datasets.folder import Split, load_case, open_dataset
from tests.core.cli.conftest import Command

SHAPE = (40, 50)


def _save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    PilImage.fromarray(pixels).save(path)
    return path


def _read(path: Path) -> np.ndarray:
    with PilImage.open(path) as picture:
        return np.asarray(picture)


def _labels() -> np.ndarray:
    """Mitochondria above, ER below, apart."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:20, 5:30] = 1
    labels[25:35] = 3
    return labels


def _masks(folder: Path, name: str = "a") -> Path:
    for class_name, number in (("mitochondria", 1), ("ER", 3)):
        _save(folder / f"{name}_{class_name}.png", (_labels() == number).astype(np.uint8) * 255)
    return folder


@pytest.fixture
def tissue(tmp_path: Path) -> Path:
    """images/ a, b, c; labels/ of a and b; masks/ of a and b."""
    noise = np.random.default_rng(3)
    for name in ("a", "b", "c"):
        _save(tmp_path / "images" / f"{name}.png", noise.integers(0, 255, SHAPE, np.uint8))
    for name in ("a", "b"):
        _save(tmp_path / "labels" / f"{name}_labels.png", _labels())
        _masks(tmp_path / "masks", name)
    return tmp_path


@pytest.mark.parametrize("name", [("labels",), ("dataset", "check"), ("dataset", "build")], ids=" ".join)
def test_every_command_has_an_example(command: Command, name: tuple[str, ...]) -> None:
    assert "Example:" in command(*name, "--help").out


# labels, one image


def test_masks_are_found_by_name_and_the_report_has_counts(command: Command, tissue: Path) -> None:
    mask = _read(tissue / "masks" / "a_ER.png").copy()
    mask[25, :3] = 100  # below half: cut away
    _save(tissue / "masks" / "a_ER.png", mask)
    out, report = tissue / "a.tif", tissue / "report.json"
    answer = command(
        "labels", "--masks", tissue / "masks" / "a_*.png", "--image", tissue / "images" / "a.png", "--pixel-size", "8",
        "--out", out, "--json", report,
    )  # fmt: skip
    assert answer.code == 0, answer.err
    expected = _labels()
    expected[25, :3] = 0
    with tifffile.TiffFile(out) as file:
        assert np.array_equal(file.pages.first.asarray(), expected)
        assert file.pages.first.resolution == (125.0, 125.0)  # pixels per µm
    assert "a_ER.png: 3 pixels had values between background and mask" in answer.err
    assert "No mask for nucleus, lipid droplets, cell boundaries" in answer.err
    assert f"mitochondria {18 * 25 / 2000:.2%}".replace("%", " %") in answer.out
    (row,) = json.loads(report.read_text())["label_maps"]
    assert row["files"] == ["a_mitochondria.png", "a_ER.png"]
    assert row["counts"] == [{"rule": "cut_at_half", "pixels": 3, "file": "a_ER.png", "detail": "100 (3 px)"}]
    assert row["class_pixels"] == {"0": 2000 - 450 - 497, "1": 450, "3": 497}


def test_masks_can_be_assigned_and_the_first_wins(command: Command, tmp_path: Path) -> None:
    _save(tmp_path / "x.png", np.pad(np.full((10, 10), 255, np.uint8), ((0, 30), (0, 40))))
    _save(tmp_path / "y.png", np.pad(np.full((8, 10), 255, np.uint8), ((0, 32), (0, 40))))
    given = ("--masks", f"Lipid_Droplets={tmp_path / 'x.png'}", f"2={tmp_path / 'y.png'}")
    refused = command("labels", *given, "--out", tmp_path / "o.png")
    assert refused.code == 1
    assert "share 80 pixels, 100% of the smaller one" in refused.err
    assert not (tmp_path / "o.png").exists()
    answer = command("labels", *given, "--overlap", "first", "--out", tmp_path / "o.png")
    assert answer.code == 0, answer.err
    assert np.array_equal(np.unique(_read(tmp_path / "o.png"), return_counts=True), ([0, 4], [1900, 100]))
    assert "80 pixels belonged to more than one mask and got the first class" in answer.err


def test_colours_and_values_are_named(command: Command, tmp_path: Path) -> None:
    labels = _labels()
    rgb = np.zeros((*SHAPE, 3), np.uint8)
    rgb[labels == 1], rgb[labels == 3] = (0, 255, 255), (255, 128, 0)
    _save(tmp_path / "c.png", rgb)
    colors = ("--color", "mitochondria=#00ffff", "--color", "er=ff8000")
    answer = command("labels", "--rgb", tmp_path / "c.png", *colors, "--out", tmp_path / "c.tif")
    assert answer.code == 0, answer.err
    assert np.array_equal(tifffile.imread(tmp_path / "c.tif"), labels)
    _save(tmp_path / "v.png", labels * 60)
    values = ("--value", "60=mitochondria", "--value", "180=ER")
    answer = command("labels", "--labels", tmp_path / "v.png", *values, "--out", tmp_path / "v.tif")
    assert answer.code == 0, answer.err
    assert np.array_equal(tifffile.imread(tmp_path / "v.tif"), labels)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param((), "No labels are specified", id="nothing"),
        pytest.param(("--labels", "l.png", "--rgb", "l.png"), "specified in 2 ways", id="two ways"),
        pytest.param(("--labels", "l.png", "--image", "small.png"), "10 x 10 px (width x height) but l.png", id="size"),
        pytest.param(("--masks", "golgi=l.png"), "There is no class 'golgi'", id="class"),
        pytest.param(("--masks", "l.png"), "No class matches the file names l.png", id="unmatched"),
        pytest.param(("--masks", "n_*.png"), "No files match", id="pattern"),
        pytest.param(("--masks", "ER=l.png", "3=l.png"), "both given as masks of ER", id="class twice"),
        pytest.param(("--rgb", "l.png", "--color", "ER=green"), "'green' is not a colour", id="colour"),
        pytest.param(("--labels", "l.png", "--value", "x"), "not have the form VALUE=CLASS", id="value"),
        pytest.param(("--labels", "l.png", "--color", "ER=#00ff00"), "--color cannot be used with", id="option"),
        pytest.param(("--labels", "l.png", "--pixel-size", "-3"), "-3 is not a positive length", id="pixel size"),
        pytest.param(("--labels", "none.png"), "There is no file none.png", id="no file"),
        pytest.param(("--labels", "l.png", "--classes", "l.png"), "l.png cannot be read", id="classes"),
        pytest.param(("l.png",), "l.png is not specified", id="bare file"),
    ],
)
def test_bad_input_is_explained_and_nothing_written(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    _save(tmp_path / "l.png", _labels())
    _save(tmp_path / "small.png", np.zeros((10, 10), np.uint8))
    answer = command("labels", *arguments, "--out", "out.tif")
    usage = (
        "are specified", "specified in 2 ways", "not a colour", "not have the form", "cannot be used with",
        "is not specified", "-3 is",
    )  # fmt: skip
    assert answer.code == (2 if any(text in words for text in usage) else 1)
    assert words in answer.err
    assert "What to do:" in answer.err
    assert not (tmp_path / "out.tif").exists()


def test_inputs_are_never_written_over(command: Command, tissue: Path) -> None:
    path = tissue / "labels" / "a_labels.png"
    before = path.read_bytes()
    answer = command("labels", "--labels", path, "--out", path)
    assert answer.code == 1
    assert "would overwrite" in answer.err
    assert path.read_bytes() == before


# labels, many images


def test_a_folder_of_masks_becomes_a_folder_of_label_maps(command: Command, tissue: Path) -> None:
    answer = command("labels", "--masks", tissue / "masks", "--image", tissue / "images", "--out", tissue / "out")
    assert answer.code == 0, answer.err
    assert sorted(path.name for path in (tissue / "out").iterdir()) == ["a.tif", "b.tif"]
    assert np.array_equal(tifffile.imread(tissue / "out" / "b.tif"), _labels())
    assert "c.png has no labels" in answer.err


def test_a_folder_of_masks_with_one_image_gives_that_one(command: Command, tissue: Path) -> None:
    image = tissue / "images" / "b.png"
    answer = command("labels", "--masks", tissue / "masks", "--image", image, "--out", tissue / "b.tif")
    assert answer.code == 0, answer.err
    assert np.array_equal(tifffile.imread(tissue / "b.tif"), _labels())


def test_one_bad_mask_and_none_is_written(command: Command, tissue: Path) -> None:
    _save(tissue / "masks" / "b_golgi.png", np.zeros(SHAPE, np.uint8))
    _save(tissue / "masks" / "d_ER.png", np.zeros(SHAPE, np.uint8))
    answer = command("labels", "--masks", tissue / "masks", "--image", tissue / "images", "--out", tissue / "out")
    assert answer.code == 1
    assert "No class matches the file names b_golgi.png" in answer.err
    assert "d_ER.png matches no image" in answer.err
    assert "2 rejected; nothing was written" in answer.err
    assert not (tissue / "out").exists()


# dataset build


@pytest.mark.parametrize("way", ["labels", "masks"])
def test_build_makes_what_train_takes(command: Command, tissue: Path, way: str) -> None:
    out = tissue / "made"
    answer = command(
        "dataset", "build", "--images", tissue / "images", f"--{way}", tissue / way, "--pixel-size", "8",
        "--test", "b", "--out", out,
    )  # fmt: skip
    assert answer.code == 0, answer.err
    described = open_dataset(out)
    assert [(c.name, c.split, c.pixel_size_nm) for c in described.cases] == [
        ("a", Split.TRAIN, 8), ("b", Split.TEST, 8), ("c", Split.POOL, 8),
    ]  # fmt: skip
    image, labels = load_case(described.case("b"))
    assert np.array_equal(labels, _labels())
    assert np.array_equal(image.pixels_yx, _read(tissue / "images" / "b.png"))
    assert described.scheme.name_of(3) == "ER"
    checked = command("dataset", "check", out)
    assert checked.code == 0
    assert "1 train, 1 test, 1 pool" in checked.out


def test_build_guesses_groups_as_an_opened_dataset_does(command: Command, tmp_path: Path) -> None:
    for name in ("s_1", "s_2", "x"):
        _save(tmp_path / "images" / f"{name}.png", np.full(SHAPE, len(name) + ord(name[-1]), np.uint8))
        _save(tmp_path / "labels" / f"{name}.png", _labels())
    answer = command(
        "dataset", "build", "--images", tmp_path / "images", "--labels", tmp_path / "labels", "--out", tmp_path / "o"
    )
    assert answer.code == 0, answer.err
    assert {c.name: c.group for c in open_dataset(tmp_path / "o").cases} == {"s_1": "s_#", "s_2": "s_#", "x": "x"}
    assert "pixel size of 3 of 3 images is unknown" in answer.err


def test_build_shows_every_refusal_before_anything_is_written(command: Command, tissue: Path) -> None:
    _save(tissue / "labels" / "a_labels.png", np.full(SHAPE, 77, np.uint8))
    _save(tissue / "labels" / "b_labels.png", np.zeros((3, 3), np.uint8))
    _save(tissue / "labels" / "c.png", _labels())
    _save(tissue / "labels" / "c_old.png", _labels())
    _save(tissue / "labels" / "c_2.png", _labels())
    answer = command(
        "dataset", "build", "--images", tissue / "images", "--labels", tissue / "labels", "--test", "z*",
        "--out", tissue / "made",
    )  # fmt: skip
    assert answer.code == 1
    for words in (
        "values that match no class: 77", "b_labels.png is 3 x 3 px", "2 files match the labels of one image",
        "c_2.png matches no image", "There is no image named z*", "5 rejected; nothing was written",
    ):  # fmt: skip
        assert words in answer.err
    assert "b_labels.png" in answer.out
    assert answer.out.count("refused") == 3
    assert not (tissue / "made").exists()


def test_build_can_be_tried_and_takes_only_new_folders(command: Command, tissue: Path) -> None:
    given = ("dataset", "build", "--images", tissue / "images", "--labels", tissue / "labels", "--out")
    answer = command(*given, tissue / "made", "--dry-run")
    assert answer.code == 0
    assert "a_labels.png" in answer.out
    assert not (tissue / "made").exists()
    answer = command(*given, tissue / "images")
    assert answer.code == 1
    assert "not an empty folder" in answer.err
    answer = command(*given, tissue / "made", "--test", "*")
    assert answer.code == 1
    assert "The test image c has no labels" in answer.err


# dataset check


def test_check_lists_every_problem_with_its_remedy(command: Command, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, SHAPE, np.uint8)
    for name in ("a", "b", "c", "d"):
        _save(tmp_path / "images" / f"{name}.png", pixels if name in "ab" else np.roll(pixels, ord(name)))
    _save(tmp_path / "labels" / "a.png", _labels())
    _save(tmp_path / "labels" / "b.png", _labels())
    _save(tmp_path / "labels" / "c.png", np.full(SHAPE, 9, np.uint8))
    _save(tmp_path / "labels" / "e.png", _labels())
    description = {
        "labels": {"background": 0, "mitochondria": 1, "nucleus": 2, "ER": 3},
        "train": ["a", "c"],
        "test": ["b", "d"],
        "groups": {"c": "mouse 1", "d": "mouse 1"},
    }
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    answer = command("dataset", "check", tmp_path, "--json", tmp_path / "check.json")
    assert answer.code == 1
    found = json.loads((tmp_path / "check.json").read_text())
    problems = {(p["where"], p["fatal"]): p["cause"] for p in found["problems"]}
    assert not found["usable"]
    assert "values that match no class: 9" in problems["c", True]
    assert problems["b", True] == "a (train) and b (test) are the same image."
    assert problems["d", True] == "The test image has no labels to score against."
    assert problems["labels/e.png", False] == "There is no image named e."
    assert "No training image contains nucleus" in problems["nucleus", False]
    assert "pixel size of 4 of 4 images is unknown" in problems["", False]
    assert problems["mouse 1", False] == "Its images are in the training set (1) and in the test set (1)."
    assert len(problems) == 7
    assert all(p["remedy"] for p in found["problems"])
    assert all(p["cause"] in answer.out and p["remedy"] in answer.out for p in found["problems"])
    assert "mitochondria 22.50 %, ER 25.00 %" in answer.out


@pytest.mark.parametrize(
    ("description", "words"),
    [
        pytest.param(None, "has no dataset.json", id="no description"),
        pytest.param({"labels": {"ER": 1}, "train": ["z"]}, "under train that have no image: z", id="unknown case"),
        pytest.param(
            {"labels": {"ER": 3, "mitochondria": 1}}, "The training set has no labelled image", id="pool only"
        ),
    ],
)
def test_check_of_what_cannot_be_trained_on(
    command: Command, tissue: Path, description: dict[str, object] | None, words: str
) -> None:
    if description is not None:
        (tissue / "dataset.json").write_text(json.dumps(description))
    answer = command("dataset", "check", tissue)
    assert answer.code == 1
    assert words in answer.out
    assert "What to do:" in answer.out


# real files


def test_real_masks_and_colours_give_the_real_label_map(command: Command, shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "vnc" / "masks_per_organelle"
    expected = _read(shared_data / "vnc" / "labels" / "vnc_12.png")
    common = ("--classes", shared_data / "vnc", "--image", shared_data / "vnc" / "images" / "vnc_12.png")
    answer = command("labels", "--masks", *sorted(folder.glob("vnc_12_*.png")), *common, "--out", tmp_path / "m.tif")
    assert answer.code == 0, answer.err
    assert "vnc_12_rgb.png is skipped" in answer.err
    assert np.array_equal(tifffile.imread(tmp_path / "m.tif"), expected)
    named = ("cell boundaries=#ff00ff", "glia_extracellular=#00ffff", "mitochondria=#ff0000", "synapse=#ffff00")
    colors = [part for text in named for part in ("--color", text)]
    answer = command("labels", "--rgb", folder / "vnc_12_rgb.png", *colors, *common, "--out", tmp_path / "c.png")
    assert answer.code == 0, answer.err
    assert np.array_equal(_read(tmp_path / "c.png"), expected)


def test_real_messy_masks_are_counted(command: Command, shared_data: Path, tmp_path: Path) -> None:
    messy, nerve = shared_data / "messy", shared_data / "sem_nerve"
    answer = command(
        "labels", "--masks", messy / "stray_values_axon_mask.png", messy / "stray_values_myelin_mask.png",
        "--classes", nerve / "dataset.json", "--out", tmp_path / "s.tif",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    assert "9 pixels belonged to more than one mask and became ignore (axon and myelin)" in answer.err
    assert np.count_nonzero(tifffile.imread(tmp_path / "s.tif") == 255) == 9
    given = ("labels", "--labels", messy / "gray_alpha_mask.png", "--classes", nerve, "--out", tmp_path / "g.tif")
    refused = command(*given)
    assert refused.code == 1
    assert "127 (1,182,110 px)" in refused.err
    answer = command(*given, "--value", "127=myelin", "--value", "255=axon")
    assert answer.code == 0, answer.err
    expected = _read(nerve / "labels" / "sub-rat5_sample-data14.png")
    assert np.array_equal(tifffile.imread(tmp_path / "g.tif"), expected)


def test_which_part_of_a_mask_is_the_object_can_be_said(command: Command, tmp_path: Path) -> None:
    mask = _labels() == 1
    tifffile.imwrite(tmp_path / "a_ER.tif", ~mask)  # 1 bit, "white is zero": most of it would be object
    unclear = command("labels", "--masks", tmp_path / "a_ER.tif", "--out", tmp_path / "out.png")
    assert unclear.code == 1
    assert "--foreground light" in unclear.err
    said = ("--foreground", "light")
    answer = command("labels", "--masks", tmp_path / "a_ER.tif", *said, "--out", tmp_path / "out.png")
    assert answer.code == 0, answer.err
    np.testing.assert_array_equal(_read(tmp_path / "out.png"), mask * 3)
    senseless = command("labels", "--rgb", tmp_path / "a_ER.tif", *said, "--out", tmp_path / "out.png")
    assert "--foreground cannot be used with" in senseless.err
