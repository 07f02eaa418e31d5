"""Whole trainings in their own process: result, cancel, kill, resume, fine-tuning, errors. Tiny, but real nnU-Net."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from core.errors import CristaeError, JobCancelledError, TrainingError
from core.models.store import StoredModel
from core.models.weights import load_network, load_weights
from core.objects.rules import AreaUnit, RuleSource
from core.training.presets import Preset
from core.training.request import TrainingProgress, TrainRequest
from core.training.train import train
from tests.core.training.datasets import make_dataset, noise, stripes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One image, two classes with ids 3 and 7, partly unreviewed."""
    labels = stripes((96, 96))
    labels[80:] = 255
    image = noise(0, (96, 96))
    image[labels == 3] = 250
    return make_dataset(tmp_path_factory.mktemp("data") / "one", {"a": image}, {"a": labels})


def request(dataset: Path, out: Path, **changes: Any) -> TrainRequest:
    values = {"epochs": 3, "iterations_per_epoch": 2, "device": "cpu", "threads": 2, "seed": 5, **changes}
    return TrainRequest(dataset=dataset, preset=Preset.COMPACT, out=out, **values)


@pytest.fixture(scope="module")
def trained(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[StoredModel, list[TrainingProgress]]:
    reports: list[TrainingProgress] = []
    model = train(request(dataset, tmp_path_factory.mktemp("models") / "tiny"), on_progress=reports.append)
    return model, reports


def test_one_image_becomes_a_model_with_a_full_card(trained: tuple[StoredModel, list[TrainingProgress]]) -> None:
    model, reports = trained
    epochs = [report.epoch for report in reports if report.epoch]
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3]
    assert all(np.isfinite(epoch.train_loss) for epoch in epochs)
    assert set(epochs[0].dice) == {"axon", "myelin"}
    assert all(epoch.lr > 0 for epoch in epochs)
    assert reports[-1].fraction == 1.0
    card = model.card
    assert (model.output_ids, model.pixel_size_nm, card.mirror_axes) == ((0, 3, 7), 8.0, (0, 1))
    assert (card.training.images, card.training.epochs, card.training.iterations, card.training.seed) == (1, 3, 6, 5)
    assert len(card.training.snapshot["a"]) == 64
    assert {"torch", "nnunetv2"} <= set(card.training.versions)
    assert card.metrics["mean_dice"] is not None
    assert not model.path.with_name(".tiny.training").exists()
    network = load_network(model, 0)
    assert sum(value.numel() for value in network.parameters()) == pytest.approx(1.3e6, rel=0.03)
    rules = {rule.class_id: rule for rule in card.object_rules.rules}
    assert set(rules) == {3, 7}
    assert card.object_rules.unit is AreaUnit.UM2
    assert all(rule.source in (RuleSource.LABELS, RuleSource.VALIDATION) for rule in rules.values())


def test_a_training_goes_on_from_a_parent(
    trained: tuple[StoredModel, list[TrainingProgress]], dataset: Path, tmp_path: Path
) -> None:
    parent, _ = trained
    child = train(request(dataset, tmp_path / "child", parent=parent.path, epochs=1, learning_rate=1e-8))
    assert child.card.parent == parent.id
    before, after = load_weights(parent.weights(0)), load_weights(child.weights(0))
    name = "encoder.stages.0.0.convs.0.conv.weight"
    assert abs(before[name] - after[name]).max() < 1e-3, "it did not begin with the parent's weights"


def test_other_classes_get_new_output_layers_and_a_notice(
    trained: tuple[StoredModel, list[TrainingProgress]], tmp_path: Path
) -> None:
    labels = np.where(stripes((96, 96)) == 7, 2, 0).astype(np.uint8)
    root = make_dataset(tmp_path / "d", {"a": noise(0, (96, 96))}, {"a": labels}, classes={"nucleus": 2})
    notices: list[str] = []
    child = train(
        request(root, tmp_path / "child", parent=trained[0].path, epochs=1, learning_rate=1e-8),
        on_progress=lambda report: notices.append(report.notice),
    )
    assert child.output_ids == (0, 2)
    assert any("re-initialised" in notice for notice in notices)
    name = "encoder.stages.0.0.convs.0.conv.weight"
    assert abs(load_weights(trained[0].weights(0))[name] - load_weights(child.weights(0))[name]).max() < 1e-3


def test_a_cancelled_training_leaves_no_process_and_resumes(dataset: Path, tmp_path: Path) -> None:
    seen: list[TrainingProgress] = []
    asked = request(dataset, tmp_path / "m", epochs=6)
    with pytest.raises(JobCancelledError):
        train(asked, on_progress=seen.append, should_cancel=lambda: any(r.epoch and r.epoch.epoch == 2 for r in seen))
    assert not _processes_of(tmp_path)
    assert not (tmp_path / "m").exists()
    again: list[TrainingProgress] = []
    model = train(request(dataset, tmp_path / "m", epochs=6, resume=True), on_progress=again.append)
    epochs = [report.epoch.epoch for report in again if report.epoch]
    assert epochs[0] in (3, 4)
    assert epochs[-1] == 6
    assert model.card.training.epochs == 6
    assert any("Resumed after epoch" in report.notice for report in again)


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_killed_parent_takes_the_training_with_it(dataset: Path, tmp_path: Path) -> None:
    asked = request(dataset, tmp_path / "m", epochs=10_000)
    code = (
        "import json,sys\nfrom core.training.train import train\n"
        "from core.training.request import TrainRequest\n"
        "train(TrainRequest.from_json(json.loads(sys.argv[1])), on_progress=lambda p: print(p.stage, flush=True))"
    )
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(asked.to_json())], stdout=subprocess.PIPE, cwd=root, text=True
    ) as parent:
        assert parent.stdout is not None
        while parent.stdout.readline().strip() != "training":
            assert parent.poll() is None
        assert _processes_of(tmp_path)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while _processes_of(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not _processes_of(tmp_path)


def test_a_killed_training_is_explained_and_resumes(dataset: Path, tmp_path: Path) -> None:
    asked = request(dataset, tmp_path / "m", epochs=5)

    def kill(report: TrainingProgress) -> None:
        if report.epoch and report.epoch.epoch == 2:
            for process in _processes_of(tmp_path):
                process.kill()

    with pytest.raises(TrainingError, match="ended unexpectedly"):
        train(asked, on_progress=kill)
    newest = max((tmp_path / ".m.training").glob("checkpoint_*.safetensors"), key=lambda p: p.stat().st_mtime_ns)
    newest.write_bytes(newest.read_bytes()[:1000])
    reports: list[TrainingProgress] = []
    model = train(request(dataset, tmp_path / "m", epochs=5, resume=True), on_progress=reports.append)
    assert any("is damaged and was ignored" in report.notice for report in reports)
    assert model.card.training.epochs == 5


def test_a_time_budget_is_kept(dataset: Path, tmp_path: Path) -> None:
    started = time.monotonic()
    reports: list[TrainingProgress] = []
    model = train(
        request(dataset, tmp_path / "m", epochs=None, iterations_per_epoch=None, minutes=0.2),
        on_progress=reports.append,
    )
    rates = [report.epoch.lr for report in reports if report.epoch]
    assert time.monotonic() - started < 60
    assert rates[-1] < 0.0006
    assert model.card.training.minutes < 0.5


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"device": "cuda:7"}, "no usable device"),
        ({"device": "abacus"}, "no device"),
        ({"threads": 1}, "only background"),
    ],
)
def test_what_cannot_be_trained_says_why(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    empty = make_dataset(tmp_path / "d", {"a": noise(0)}, {"a": np.zeros((64, 64), np.uint8)})
    with pytest.raises(CristaeError, match=says):
        train(request(empty, tmp_path / "m", **change))
    assert not (tmp_path / "m").exists()
    assert not _processes_of(tmp_path)


def test_an_existing_model_is_never_overwritten(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    with pytest.raises(TrainingError, match="already exists"):
        train(request(dataset, tmp_path / "m"))


def _processes_of(folder: Path) -> list[psutil.Process]:
    """Training processes that work below a folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if "core.training.process" in line and any(str(folder) in part for part in line):
            found.append(process)
    return found
