"""The parts of a training that need no training: split, clock, checkpoints, preparation, requests."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError

from core.datasets.folder import open_dataset
from core.errors import StorageFullError, TrainingError
from core.label_scheme import LabelScheme
from core.segmentation.tile_source import TileSource, find_frame
from core.training.checkpoint import SLOTS, Checkpoint, load_checkpoint, save_checkpoint
from core.training.preparation import Preparation, PreparedDataset, dataset_description, network_labels
from core.training.presets import PRESETS, Preset
from core.training.process import DATASET_NAME
from core.training.request import EpochReport, TrainingProgress, TrainRequest
from core.training.run import prepare
from core.training.schedule import Schedule, eta_s
from core.training.splits import split_groups, split_images, validation_region
from core.training.train import unfinished
from tests.core.networks import write_model
from tests.core.training.datasets import make_dataset, noise, stripes


def prepared(root: Path, tmp_path: Path, **options: Any) -> tuple[PreparedDataset, Path]:
    folder = tmp_path / "cases"
    preparation = Preparation(
        open_dataset(root), folder, wanted_nm=options.pop("wanted_nm", None), dataset_name=root.name
    )
    return preparation.run(fraction=options.pop("fraction", 0.25), seed=0, report=lambda _: None), folder


def stored(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    import blosc2

    return (
        blosc2.open(str(folder / f"{name}.b2nd"), mode="r")[:][0, 0],
        blosc2.open(str(folder / f"{name}_seg.b2nd"), mode="r")[:][0, 0],
    )


@given(
    groups=st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=40),
    fraction=st.floats(0, 0.5),
    seed=st.integers(0, 1000),
)
def test_a_group_split_leaves_something_on_either_side(groups: list[str], fraction: float, seed: int) -> None:
    held = split_groups(groups, fraction, seed)
    if fraction > 0 and len(set(groups)) > 1:
        assert held
    assert held < set(groups)
    assert held == split_groups(list(reversed(groups)), fraction, seed)


def test_whole_groups_are_held_out_where_there_are_several() -> None:
    images = {f"i{n}": f"g{n // 5}" for n in range(20)}
    held = split_images(images, 0.2, 0)
    assert len(held) == 5
    assert len({images[name] for name in held}) == 1


@pytest.mark.parametrize(("seed", "expected"), [(0, {"s10", "s11"}), (1, {"s00", "s01"})])
def test_one_end_of_a_long_stack_is_held_out(seed: int, expected: set[str]) -> None:
    assert split_images({f"s{n:02d}": "stack" for n in range(12)}, 0.15, seed) == expected


@pytest.mark.parametrize("count", [1, 4, 7])
def test_few_images_of_one_group_are_not_split_by_image(count: int) -> None:
    assert split_images({f"i{n}": "g" for n in range(count)}, 0.15, 0) == frozenset()


def test_the_region_leaves_most_of_every_class_to_the_training() -> None:
    labels = np.zeros((100, 100), np.uint8)
    labels[:20, :] = 1  # all of class 1 is at the top, so the top must not be held out
    labels[:, 40:60] = 2
    region = validation_region(labels, 9, 0.2)
    assert region is not None
    inside = labels[region]
    assert (inside == 1).sum() <= (labels == 1).sum() / 2
    assert {0, 1, 2} <= set(np.unique(labels)) and inside.size == pytest.approx(2000, abs=100)


def test_the_region_follows_the_reviewed_pixels_and_gives_up_where_there_are_too_few() -> None:
    labels = np.full((100, 100), 9, np.uint8)
    labels[:, 60:100] = 1
    region = validation_region(labels, 9, 0.25)
    assert region is not None
    assert (labels[region] != 9).sum() == pytest.approx(1000, abs=100)
    labels[:] = 9
    labels[50, 50] = 1
    assert validation_region(labels, 9, 0.25) is None


@given(elapsed=st.floats(0, 1e5), iterations=st.integers(0, 10**6))
def test_the_learning_rate_falls_to_zero_by_the_clock(elapsed: float, iterations: int) -> None:
    schedule = Schedule(0.01, 600.0, None, 75)
    fraction = schedule.fraction(elapsed, iterations)
    assert fraction == pytest.approx(min(elapsed / 600, 1))
    assert 0 <= schedule.learning_rate(fraction, iterations) <= 0.01


def test_the_decay_is_nnunets() -> None:
    from nnunetv2.training.lr_scheduler.polylr import PolyLRScheduler

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.01)
    theirs = PolyLRScheduler(optimizer, 0.01, 1000)
    for epoch in (1, 250, 999):
        theirs.step(epoch)
        ours = Schedule(0.01, None, 1000, 250)
        assert ours.learning_rate(ours.fraction(0, epoch * 250), epoch * 250) == pytest.approx(
            optimizer.param_groups[0]["lr"]
        )


def test_the_learning_rate_rises_before_it_falls() -> None:
    schedule = Schedule(0.01, None, 10, 100, warm_up=20)
    rates = [schedule.learning_rate(schedule.fraction(0, n), n) for n in range(1000)]
    assert rates[0] == pytest.approx(0.0005)
    assert int(np.argmax(rates)) == 19
    assert rates[19:] == sorted(rates[19:], reverse=True)


@pytest.mark.parametrize(("speed", "expected"), [(0.4, 75), (0.01, 250), (100.0, 5)])
def test_a_budget_is_cut_into_epochs_by_the_measured_speed(speed: float, expected: int) -> None:
    schedule = Schedule(0.01, 600.0, None)
    schedule.set_speed(speed)
    assert schedule.iterations_per_epoch == expected


def test_eta() -> None:
    assert eta_s(0.0, 10) is None
    assert eta_s(0.25, 10) == 30


def checkpoint(epoch: int) -> Checkpoint:
    return Checkpoint({"network": {"a/b": torch.full((3,), float(epoch))}}, {"epoch": epoch})


def test_the_newest_checkpoint_counts_and_two_are_kept(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path) == (None, ())
    for epoch in (1, 2, 3):
        save_checkpoint(tmp_path, checkpoint(epoch))
    found, notices = load_checkpoint(tmp_path)
    assert found is not None and not notices
    assert found.epoch == 3
    assert found.tensors["network"]["a/b"].tolist() == [3, 3, 3]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(SLOTS)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="/proc")
def test_a_checkpoint_that_was_read_is_no_longer_mapped(tmp_path: Path) -> None:
    """On Windows a training that went on could not replace the file that it went on from."""
    path = save_checkpoint(tmp_path, checkpoint(1))
    found, _ = load_checkpoint(tmp_path)
    assert found is not None
    assert str(path) not in Path("/proc/self/maps").read_text()
    assert found.tensors["network"]["a/b"].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "harm",
    [lambda b: b[:-1], lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"\0" * len(b), lambda b: b[:4]],
    ids=["last byte", "half", "empty", "zeros", "four bytes"],
)
def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path: Path, harm: Callable[[bytes], bytes]) -> None:
    save_checkpoint(tmp_path, checkpoint(1))
    newest = save_checkpoint(tmp_path, checkpoint(2))
    newest.write_bytes(harm(newest.read_bytes()))
    found, notices = load_checkpoint(tmp_path)
    assert found is not None and found.epoch == 1
    assert len(notices) == 1 and newest.name in notices[0]


def test_a_full_disk_is_named_and_the_checkpoints_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """safetensors says it in words of its own, which came out as a fault of the program."""
    kept = save_checkpoint(tmp_path, Checkpoint({"network": {"w": torch.ones(3)}}, {"epoch": 1}))
    before = kept.read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(StorageFullError, match=r"No space left .* checkpoint_b\.safetensors"):
        save_checkpoint(tmp_path, Checkpoint({"network": {"w": torch.zeros(3)}}, {"epoch": 3}))
    assert [path.name for path in tmp_path.iterdir()] == [kept.name]
    assert kept.read_bytes() == before


def test_class_ids_become_consecutive_and_unknown_ones_are_refused() -> None:
    scheme = LabelScheme.from_names({"axon": 3, "myelin": 7})
    labels = np.array([[0, 3], [7, 255]], np.uint8)
    assert network_labels(labels, scheme, "x").tolist() == [[0, 1], [2, 3]]
    with pytest.raises(TrainingError, match=r"x contains the values \[5\]"):
        network_labels(np.full((2, 2), 5, np.uint8), scheme, "x")


def test_one_image_is_split_by_region_without_overlap(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / "one", {"a": noise(0)}, {"a": stripes()})
    result, folder = prepared(root, tmp_path)
    assert result.held_out
    assert (result.training, result.validation) == (["case_00000_train"], ["case_00000_val"])
    (values, train), (same, val) = (stored(folder, name) for name in (*result.training, *result.validation))
    assert ((train != 3) ^ (val != 3)).all()
    assert 0.2 < (val != 3).mean() < 0.3
    expected = noise(0).astype(np.float32)
    np.testing.assert_allclose(values, (expected - expected.mean()) / expected.std(), atol=1e-5)
    np.testing.assert_array_equal(values, same)
    assert dataset_description(result)["labels"] == {"background": 0, "axon": 1, "myelin": 2, "ignore": 3}
    assert result.output_ids == [0, 3, 7]


def test_several_images_are_split_by_image_and_unreviewed_ones_left_out(tmp_path: Path) -> None:
    names = [f"n{i}" for i in range(4)]
    labels = {name: stripes() for name in names}
    labels["n1"] = np.full((64, 64), 255, np.uint8)
    groups = {name: name for name in names}
    root = make_dataset(tmp_path / "d", {n: noise(i) for i, n in enumerate(names)}, labels, groups=groups)
    result, folder = prepared(root, tmp_path)
    assert sorted(result.image_of_case.values()) == ["n0", "n2", "n3"]
    assert len(result.validation) == 1 and len(result.training) == 2
    assert not result.has_ignore
    assert any("n1 was skipped" in notice for notice in result.notices)
    assert len(list(folder.glob("*_seg.b2nd"))) == 3


def test_images_are_brought_to_the_median_pixel_size(tmp_path: Path) -> None:
    root = make_dataset(
        tmp_path / "d",
        {"a": noise(0), "b": noise(1), "c": noise(2), "d": noise(3)},
        {name: stripes() for name in "abcd"},
        sizes_nm={"a": 4.0, "b": 8.0, "c": 16.0},
        groups={name: name for name in "abcd"},
    )
    result, folder = prepared(root, tmp_path)
    assert result.pixel_size_nm == 8.0
    shapes = {result.image_of_case[name]: stored(folder, name)[0].shape for name in result.image_of_case}
    assert shapes == {"a": (32, 32), "b": (64, 64), "c": (128, 128), "d": (64, 64)}
    assert any("pixel size of d is unknown" in notice for notice in result.notices)


def test_nothing_held_out_is_said(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / "d", {"a": noise(0)}, {"a": stripes()})
    result, _ = prepared(root, tmp_path, fraction=0)
    assert not result.held_out
    assert result.training == result.validation == ["case_00000"]


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (np.full((64, 64), 255, np.uint8), "are ignore"),
        (np.zeros((64, 64), np.uint8), "only background"),
    ],
    ids=["nothing reviewed", "no class"],
)
def test_a_dataset_without_anything_to_learn_is_refused(tmp_path: Path, labels: np.ndarray, says: str) -> None:
    root = make_dataset(tmp_path / "d", {"a": noise(0)}, {"a": labels})
    with pytest.raises(TrainingError, match=says):
        prepared(root, tmp_path)


def test_a_black_border_is_cut_off_as_in_nnunet(tmp_path: Path) -> None:
    image, labels = np.zeros((80, 90), np.uint8), np.zeros((80, 90), np.uint8)
    image[10:74, 20:84], labels[10:74, 20:84] = noise(0), stripes()
    result, folder = prepared(make_dataset(tmp_path / "d", {"a": image}, {"a": labels}), tmp_path, fraction=0)
    assert stored(folder, result.training[0])[0].shape == (64, 64)


@pytest.mark.parametrize("size_nm", [8.0, 4.0], ids=["same pixel size", "enlarged"])
@pytest.mark.parametrize("use_mask", [False, True], ids=["whole", "masked"])
@pytest.mark.parametrize("scheme", ["ZScore", "CT", "No", "RescaleTo01", "RGBTo01"])
def test_a_child_is_trained_on_what_its_predictor_makes(
    tmp_path: Path, scheme: str, use_mask: bool, size_nm: float
) -> None:
    """Whatever the parent's normalisation, training data were z-scored as a whole."""
    image, labels = np.zeros((80, 90), np.uint8), np.zeros((80, 90), np.uint8)
    image[10:74, 20:84], labels[10:74, 20:84] = noise(0), stripes()
    image[10:30, 20:50] = 0  # a corner without tissue, inside the frame
    root = make_dataset(tmp_path / "d", {"a": image}, {"a": labels})
    parent = write_model(
        tmp_path / "parent", [{"w": torch.zeros(2)}], pixel_size_nm=size_nm, patch_px=64 * 8 // int(size_nm),
        normalization=f"{scheme}Normalization", use_mask=use_mask,
    )  # fmt: skip
    asked = request(tmp_path, dataset=root, parent=parent.path, validation_fraction=0.0)
    plans, result = prepare(asked, parent, tmp_path / "work", lambda _: None)
    values, _ = stored(tmp_path / "work" / "preprocessed" / DATASET_NAME / "cases_2d", result.training[0])
    child = replace(parent, plans=plans)
    source = TileSource(find_frame(image).cut(image), child, 8.0 / size_nm, 0.5)
    np.testing.assert_array_equal(values, source.tiles(range(1))[0, 0])
    if scheme == "ZScore":
        assert (values[:10, :10] == 0).all() == use_mask


def test_an_image_that_the_parent_cannot_take_is_named(tmp_path: Path) -> None:
    image = noise(0).astype(np.uint16) * 100
    root = make_dataset(tmp_path / "d", {"a": image}, {"a": stripes()})
    parent = write_model(tmp_path / "parent", [{"w": torch.zeros(2)}], normalization="RGBTo01Normalization")
    with pytest.raises(TrainingError, match=r"^a does not match the parent model\..*0 to 255"):
        prepare(request(tmp_path, dataset=root, parent=parent.path), parent, tmp_path / "work", lambda _: None)


def request(tmp_path: Path, **changes: Any) -> TrainRequest:
    return TrainRequest(**{"dataset": tmp_path, "preset": Preset.COMPACT, "out": tmp_path / "m", **changes})


def test_a_request_survives_json_and_knows_the_same_work(tmp_path: Path) -> None:
    one = request(tmp_path, minutes=3.0, parent=tmp_path / "p")
    assert TrainRequest.from_json(json.loads(json.dumps(one.to_json()))) == one
    assert one.same_work(request(tmp_path, minutes=3.0, parent=tmp_path / "p", resume=True, name="x"))
    assert not one.same_work(request(tmp_path, minutes=4.0, parent=tmp_path / "p"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"minutes": 1.0, "epochs": 1}, "cannot be combined"),
        ({"minutes": 0.0}, "minutes"),
        ({"minutes": float("nan")}, "minutes"),
        ({"epochs": 0}, "epochs"),
        ({"validation_fraction": 0.9}, "validation fraction"),
        ({"seed": -1}, "seed"),
        ({"pixel_size_nm": -8.0}, "-8 nm per pixel is not plausible"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    with pytest.raises(TrainingError, match=says):
        request(tmp_path, **change)


@pytest.mark.parametrize("preset", Preset)
def test_every_preset_has_an_end(tmp_path: Path, preset: Preset) -> None:
    asked = request(tmp_path, preset=preset)
    assert (asked.budget_s is None) != (asked.total_epochs is None)
    assert PRESETS[preset].preset is preset


def test_progress_survives_its_line() -> None:
    report = EpochReport(1, 5, 0.5, None, {"axon": 0.5, "myelin": None}, 0.5, 0.01, 1.0, 0.2)
    progress = TrainingProgress("training", "x", 0.5, 3.0, report, "notice")
    assert TrainingProgress.from_json(json.loads(progress.to_line())) == progress


def test_unfinished_work_that_is_unreadable_is_none(tmp_path: Path) -> None:
    assert unfinished(tmp_path / "m") is None
    (tmp_path / ".m.training").mkdir()
    (tmp_path / ".m.training" / "job.json").write_text("{")
    assert unfinished(tmp_path / "m") is None
