"""The command line as a user meets it: in a process of its own, by exit code, files and words."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from PIL import Image as PilImage

from core.settings import ROOT
from tests.models import write_loadable_model, write_model

WIDTH: Final = "200"


@dataclass(frozen=True)
class Answer:
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


class Command:
    """Runs what ``python -m core`` runs, with its own data and models.

    Each command has a process of its own, forked from one that has imported everything: importing takes seconds.
    """

    def __init__(self, folder: Path, width: str = WIDTH) -> None:
        self.models = folder / "models"
        self._folder = folder
        self._environment = {
            "CRISTAE_DATA_DIR": str(folder / "data"),
            "CRISTAE_MODELS_DIR": str(self.models),
            "CRISTAE_CONFIG": str(folder / "none.toml"),
            "COLUMNS": width,
        }

    def __call__(self, *arguments: str | Path) -> Answer:
        words, log = [str(word) for word in arguments], self._folder / "command"
        if "forkserver" not in multiprocessing.get_all_start_methods():
            return self.anew(*words)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["core.cli.app"])
        process = context.Process(target=_run, args=(words, self._environment, log))
        process.start()
        process.join()
        said = [log.with_suffix(suffix).read_text("utf-8") for suffix in (".out", ".err")]
        return self._checked(Answer(process.exitcode or 0, *said))

    def anew(self, *words: str) -> Answer:
        """The same by a fresh interpreter."""
        answer = subprocess.run(
            [sys.executable, "-m", "core", *words],
            cwd=ROOT,
            env={**os.environ, **self._environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return self._checked(Answer(answer.returncode, answer.stdout, answer.stderr))

    def _checked(self, answer: Answer) -> Answer:
        assert "Traceback" not in answer.stderr + answer.stdout
        return answer


def _run(words: Sequence[str], environment: dict[str, str], log: Path) -> None:
    from core.cli import console
    from core.cli.app import main

    os.environ.update(environment)
    os.chdir(ROOT)
    for suffix, stream in ((".out", sys.stdout), (".err", sys.stderr)):
        os.dup2(os.open(log.with_suffix(suffix), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream.fileno())
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    console.stdout.width = console.stderr.width = int(environment["COLUMNS"])
    sys.argv = ["core", *words]
    main()


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Two tiny images with labels, one of them for testing."""
    folder = tmp_path / "dataset"
    for part in ("images", "labels", "predicted"):
        (folder / part).mkdir(parents=True)
    labels = np.zeros((8, 8), np.uint8)
    labels[:4] = 1
    for name in ("a", "b"):
        PilImage.fromarray(labels * 50).save(folder / "images" / f"{name}.png")
        PilImage.fromarray(labels).save(folder / "labels" / f"{name}.png")
    labels[:2] = 0
    PilImage.fromarray(labels).save(folder / "predicted" / "b.png")
    description = {"pixel_size_nm": 8, "labels": {"background": 0, "mitochondria": 1}, "train": ["a"], "test": ["b"]}
    (folder / "dataset.json").write_text(json.dumps(description))
    return folder


def test_help_lists_every_command(command: Command) -> None:
    answer = command.anew("--help")
    assert answer.returncode == 0
    for name in (
        "phantom",
        "segment",
        "train",
        "evaluate",
        "measure",
        "labels",
        "inspect",
        "dataset",
        "model",
        "results",
        "doctor",
        "demo",
    ):
        assert name in answer.stdout


@pytest.mark.parametrize("name", ["phantom", "segment", "train", "evaluate", "measure", "demo", "inspect"])
def test_every_command_has_an_example(command: Command, name: str) -> None:
    assert "Example:" in command(name, "--help").stdout


def test_phantoms_are_the_same_for_the_same_seed(command: Command, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        answer = command("phantom", "--out", tmp_path / folder, "--count", "2", "--size", "128", "--seed", "5")
        assert answer.returncode == 0, answer.stderr
    first, second = (sorted((tmp_path / folder / "images").iterdir()) for folder in ("one", "two"))
    assert len(first) == 2
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_evaluation_writes_counts_and_prints_a_table(command: Command, dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    answer = command(
        "evaluate", "--dataset", dataset / "dataset.json", "--reference", dataset / "labels",
        "--prediction", dataset / "predicted", "--out", out,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    report = json.loads(out.read_text())
    counts = report["images"][0]["classes"]["mitochondria"]
    assert (counts["tp"], counts["fp"], counts["fn"], counts["tn"]) == (16, 0, 16, 32)
    assert report["mean_macro"]["dice"] == pytest.approx(2 * 16 / (2 * 16 + 16))
    assert "0.667" in answer.stdout


def test_predictions_in_other_numbers_are_matched_by_name(command: Command, dataset: Path, tmp_path: Path) -> None:
    """They were scored by number: what a model calls 2 counted as the dataset's class 2."""
    other = tmp_path / "other"
    other.mkdir()
    for path in (dataset / "predicted").iterdir():
        pixels = np.asarray(PilImage.open(path))
        PilImage.fromarray(np.where(pixels == 1, 7, 0).astype(np.uint8)).save(other / path.name)
    classes = tmp_path / "dataset.json"
    classes.write_text(json.dumps({"labels": {"background": 0, "Mitochondrion": 7, "golgi": 1}}))
    base = ("evaluate", "--dataset", dataset, "--reference", dataset / "labels", "--prediction", other, "--out")
    answer = command(*base, tmp_path / "a.json", "--prediction-classes", classes)
    assert answer.returncode == 0, answer.stderr
    assert json.loads((tmp_path / "a.json").read_text())["images"][0]["classes"]["mitochondria"]["tp"] == 16
    assert "no class golgi" in " ".join((answer.stdout + answer.stderr).split())
    classes.rename(other / "dataset.json")
    assert command(*base, tmp_path / "b.json").returncode == 0
    (other / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "golgi": 7}}))
    refused = command(*base, tmp_path / "c.json")
    assert refused.returncode == 1
    assert "other classes (golgi)" in " ".join(refused.stderr.split())


def test_objects_of_a_dataset_are_measured_into_tables(command: Command, dataset: Path, tmp_path: Path) -> None:
    objects, images = tmp_path / "objects.csv", tmp_path / "images.csv"
    answer = command("measure", "--dataset", dataset, "--out", objects, "--images", images)
    assert answer.returncode == 0, answer.stderr
    rows = list(csv.DictReader(objects.read_text("utf-8-sig").splitlines()))
    assert [(row["image"], row["class"], row["cut_off"]) for row in rows] == [
        ("a", "mitochondria", "True"), ("b", "mitochondria", "True")
    ]  # fmt: skip
    assert float(rows[0]["area_um2"]) == pytest.approx(32 * 64e-6)
    summary = list(csv.DictReader(images.read_text("utf-8-sig").splitlines()))
    assert [(row["image"], row["class"], row["objects"], row["measured"]) for row in summary] == [
        ("a", "mitochondria", "1", "0"), ("b", "mitochondria", "1", "0")
    ]  # fmt: skip
    assert list(summary[0])[:5] == ["image", "specimen", "stack", "condition", "class"]
    assert "mean area (µm²)" in answer.stdout


def test_label_maps_alone_are_measured_in_pixels_unless_told(command: Command, dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "objects.csv"
    labels = dataset / "labels" / "a.png"
    answer = command("measure", labels, "--classes", dataset, "--out", out)
    assert "The pixel size is unknown" in answer.stderr
    assert "area_px" in out.read_text("utf-8-sig").splitlines()[0]
    answer = command("measure", labels, "--classes", dataset, "--pixel-size", "8", "--out", out)
    assert answer.returncode == 0, answer.stderr
    assert "area_um2" in out.read_text("utf-8-sig").splitlines()[0]


def test_conditions_of_a_sample_sheet_are_compared(tmp_path: Path) -> None:
    """On 80 columns, where no figure may be cut."""
    for number, edge in enumerate((20, 22, 30, 33)):
        labels = np.zeros((64, 64), np.uint8)
        labels[10 : 10 + edge, 10 : 10 + edge] = 1
        labels[50:54, 10:50] = 2
        PilImage.fromarray(labels).save(tmp_path / f"section_{number}.png")
    sheet = tmp_path / "samples.csv"
    sheet.write_text(
        "file;mouse;treatment\nsection_0.png;1;fed\nsection_1;2;fed\nsection_2;3;fasted\nsection_3;4;fasted\n"
    )
    maps = [tmp_path / f"section_{number}.png" for number in range(4)]
    out, comparison = tmp_path / "objects.csv", tmp_path / "comparison.csv"
    given = ("measure", *maps, "--pixel-size", "8", "--out", out, "--sheet", sheet)
    command = Command(tmp_path, "80")
    answer = command(*given, "--reference", "fed", "--comparison", comparison)
    assert answer.returncode == 0, answer.stderr
    rows = list(csv.DictReader(out.read_text("utf-8-sig").splitlines()))
    assert {(row["image"], row["specimen"], row["condition"]) for row in rows} >= {("section_3", "4", "fasted")}
    found = {
        (row["class"], row["measure"]): row for row in csv.DictReader(comparison.read_text("utf-8-sig").splitlines())
    }
    area = found["mitochondria", "Area"]
    assert float(area["difference"]) == pytest.approx((30**2 + 33**2 - 20**2 - 22**2) / 2 * 64e-6, rel=1e-5)
    assert (area["reference"], area["condition"], area["condition_units"]) == ("fed", "fasted", "2")
    told = answer.stdout.partition("fasted beside fed")[2].replace(str(out), "")
    assert "0.0354" in told  # the difference of the areas, in µm²
    assert "…" not in told
    assert max(map(len, told.splitlines())) <= 80

    for more, words in (
        (("--reference", "starved"), "no condition 'starved'"),
        (("--reference", "fed", "--sheet", tmp_path / "none.csv"), "cannot be read"),
    ):
        answer = command(*given, *more)
        assert answer.returncode == 1
        assert words in " ".join(answer.stderr.split())
    sheet.write_text("file,treatment\nsection_0,fed\n")
    answer = command(*given)
    assert "The specimen of 1 label maps is unknown" in " ".join(answer.stderr.split())
    assert "1 conditions of these label maps" in " ".join(answer.stderr.split())


def test_eighty_columns_show_every_figure_whole(tmp_path: Path) -> None:
    """Long names and large counts; a figure with its end cut off would be a wrong one."""
    classes = {"mitochondria": 1, "nuclear_envelope": 2, "endoplasmic_reticulum": 3, "lipid_droplets": 4}
    blocks = np.random.default_rng(0).integers(0, 5, (6, 6)).astype(np.uint8)
    reference = np.kron(blocks, np.ones((200, 200), np.uint8))
    predicted = np.where(np.indices(reference.shape)[1] < 900, reference, 1).astype(np.uint8)
    for folder, pixels in (("images", reference), ("labels", reference), ("predicted", predicted)):
        (tmp_path / folder).mkdir()
        PilImage.fromarray(pixels).save(tmp_path / folder / "a.png")
    labels = {"background": 0, **classes}
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels, "train": [], "test": ["a"]}))
    out = tmp_path / "report.json"
    answer = Command(tmp_path, "80")(
        "evaluate", "--dataset", tmp_path, "--reference", tmp_path / "labels",
        "--prediction", tmp_path / "predicted", "--out", out,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert max(map(len, answer.stdout.replace(str(out), "").splitlines())) <= 80
    shown = answer.stdout.split()
    scores = json.loads(out.read_text())["mean_macro"]
    assert {f"{scores[name]:.3f}" for name in ("dice", "iou", "precision", "recall", "specificity")} <= set(shown)
    assert {str(count) for count in np.bincount(reference.ravel())} <= set(shown)


def test_a_missing_prediction_is_an_error_not_a_smaller_test_set(
    command: Command, dataset: Path, tmp_path: Path
) -> None:
    (dataset / "predicted" / "b.png").unlink()
    answer = command(
        "evaluate", "--dataset", dataset, "--reference", dataset / "labels",
        "--prediction", dataset / "predicted", "--out", tmp_path / "report.json",
    )  # fmt: skip
    assert answer.returncode == 1
    assert "1 of 1 test images have no prediction" in answer.stderr
    assert not (tmp_path / "report.json").exists()


def test_models_are_listed_shown_moved_and_deleted(command: Command, tmp_path: Path) -> None:
    write_loadable_model(command.models / "tiny")
    assert "tiny" in command("model", "list").stdout
    assert json.loads(command("model", "show", "tiny").stdout)["pixel_size_nm"] == 8
    bundle = tmp_path / "tiny.zip"
    assert command("model", "export", "tiny", "--out", bundle).returncode == 0
    assert command("model", "delete", "tiny", "--yes").returncode == 0
    answer = command("model", "show", "tiny")
    assert answer.returncode == 1
    assert "There is no model 'tiny'" in answer.stderr
    assert command("model", "import", bundle).returncode == 0
    assert "tiny" in command("model", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("model", "import", "nowhere.zip"), "does not exist", id="no file"),
        pytest.param(("model", "show", "../etc"), "is not a valid model id", id="path as id"),
        pytest.param(("train", "--dataset", "nowhere", "--out", "x"), "nowhere", id="no dataset"),
        pytest.param(("segment", "nowhere.tif", "--out", "x.tif"), "There is no model", id="no model"),
    ],
)
def test_errors_say_cause_and_remedy(command: Command, arguments: tuple[str, ...], words: str) -> None:
    answer = command(*arguments)
    assert answer.returncode == 1
    assert words in answer.stderr
    assert "What to do:" in answer.stderr


def test_text_renamed_to_tif_is_refused(command: Command, tmp_path: Path) -> None:
    write_model(command.models / "tiny")
    path = tmp_path / "notes.tif"
    path.write_text("This is not an image.")
    answer = command("segment", path, "--out", tmp_path / "out.tif")
    assert answer.returncode == 1
    assert "notes.tif" in answer.stderr
    assert not (tmp_path / "out.tif").exists()


def test_a_file_where_a_folder_is_needed_is_named(command: Command, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("x")
    answer = command("phantom", "--out", tmp_path / "notes" / "inside", "--count", "1", "--size", "32")
    assert answer.returncode == 1
    assert "notes" in answer.stderr
    assert "What to do:" in answer.stderr


def test_segment_never_writes_over_an_image(command: Command, tmp_path: Path) -> None:
    write_model(command.models / "tiny")
    paths = [tmp_path / "a.tif", tmp_path / "b.tif"]
    for path in paths:
        PilImage.fromarray(np.full((40, 40), 90, np.uint8)).save(path)
    before = [path.read_bytes() for path in paths]
    for arguments in ([*paths, "--out", tmp_path], [paths[0], "--out", paths[0]]):
        answer = command("segment", *arguments)
        assert answer.returncode == 1
        assert "would overwrite the input image" in answer.stderr
    assert [path.read_bytes() for path in paths] == before


def test_segment_refuses_two_results_of_one_name(command: Command, tmp_path: Path) -> None:
    write_model(command.models / "tiny")
    paths = [tmp_path / "a.tif", tmp_path / "a.png"]
    for path in paths:
        PilImage.fromarray(np.full((40, 40), 90, np.uint8)).save(path)
    answer = command("segment", *paths, "--out", tmp_path / "out")
    assert answer.returncode == 1
    assert "Several images would be written to" in answer.stderr


def _stack(path: Path, pages: int, size: int = 40) -> Path:
    pictures = [PilImage.fromarray(np.full((size, size), 20 * n, np.uint8)) for n in range(1, pages + 1)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:])
    return path


def test_inspect_shows_every_file_and_fails_if_one_cannot_be_read(command: Command, tmp_path: Path) -> None:
    stack = _stack(tmp_path / "stack.tif", 3)
    (tmp_path / "a.dm3").write_bytes(b"\0\0\0\3\0\0\1\0\0\0\0\1" + bytes(99))
    before = sorted(tmp_path.iterdir())
    answer = command("inspect", stack, tmp_path / "a.dm3")
    assert answer.returncode == 1
    assert "3 images, a stack" in answer.stdout
    assert "Gatan DM3" in answer.stdout
    assert "1 of 2 files cannot be read" in answer.stderr
    assert [path for path in sorted(tmp_path.iterdir()) if path.name not in ("command.out", "command.err")] == before
    answer = command("inspect", tmp_path, "--json", tmp_path / "facts.json")
    assert answer.returncode == 0, answer.stdout
    (facts,) = json.loads((tmp_path / "facts.json").read_text("utf-8"))["files"]
    assert (facts["name"], facts["pages"], facts["rows"], facts["columns"]) == ("stack.tif", 3, 40, 40)
    assert (facts["lowest"], facts["highest"], facts["pixel_size_nm"]) == (20, 60, None)


def test_inspect_never_writes_over_what_it_reads(command: Command, tmp_path: Path) -> None:
    stack = _stack(tmp_path / "stack.tif", 1)
    before = stack.read_bytes()
    assert command("inspect", stack, "--json", stack).returncode == 1
    assert stack.read_bytes() == before


def test_doctor_names_what_is_missing(command: Command) -> None:
    answer = command("doctor")
    assert answer.returncode == 1  # there is no model in the store
    assert "none in" in answer.stdout
    assert "What to do:" in answer.stdout
    write_model(command.models / "tiny")
    assert command("doctor").returncode == 0
