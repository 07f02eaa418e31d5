"""Touching objects in training labels: what is learned of them, and what a model of it says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch

from core.datasets.folder import load_case, load_objects, open_dataset
from core.errors import LabelMapError
from core.files import write_json
from core.models.store import StoredModel, open_model
from core.models.weights import load_weights, save_weights
from core.objects.separation import Separation, SeparationWay
from core.segmentation.parting import PartingRows
from core.training.object_labels import DROPPED, KEPT, LEAST_PAIRS, objects_in_labels
from core.training.preparation import Preparation, PreparedDataset, dataset_description
from core.training.presets import Preset
from core.training.request import TrainRequest
from core.training.run import FRESH_OUTPUT, with_outputs
from core.training.separation_ahead import NO_IDS
from core.training.train import train
from tests.core.training.datasets import make_dataset, noise


def tiles(shape: tuple[int, int] = (96, 96)) -> tuple[np.ndarray, np.ndarray]:
    """Squares of class 3 that touch in rows, each with an id of its own; class 7 in a corner, without ids."""
    labels, ids = np.zeros(shape, np.uint8), np.zeros(shape, np.uint32)
    labels[8:64] = 3
    row, column = np.nonzero(labels == 3)
    ids[row, column] = 100_000 + (row // 16) * 10 + column // 16
    labels[20:24] = ids[20:24] = 0
    labels[70:80, 70:90] = 7
    labels[88:] = 255
    return labels, ids


def with_objects(root: Path, count: int = 1, *, left_out: tuple[int, ...] = ()) -> Path:
    labels, ids = tiles()
    names = [f"i{number}" for number in range(count)]
    make_dataset(root, {n: noise(i, (96, 96)) for i, n in enumerate(names)}, dict.fromkeys(names, labels))
    (root / "objects").mkdir()
    for number, name in enumerate(names):
        if number not in left_out:
            tifffile.imwrite(root / "objects" / f"{name}.tif", ids)
    return root


def prepared(root: Path, tmp_path: Path, way: SeparationWay = SeparationWay.SEAMS) -> tuple[PreparedDataset, Path]:
    preparation = Preparation(
        open_dataset(root), tmp_path / "cases", wanted_nm=None, dataset_name=root.name, separation=way
    )
    return preparation.run(fraction=0, seed=0, report=lambda _: None), tmp_path / "cases"


def stored_labels(folder: Path, name: str) -> np.ndarray:
    import blosc2

    labels: np.ndarray = blosc2.open(str(folder / f"{name}_seg.b2nd"), mode="r")[:][0, 0]
    return labels


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.float32], ids=lambda kind: kind.__name__)
def test_ids_are_read_whatever_their_type(tmp_path: Path, dtype: type) -> None:
    root = with_objects(tmp_path / "d")
    values = np.zeros((96, 96), dtype)
    values[3:9, 4] = 250
    tifffile.imwrite(root / "objects" / "i0.tif", values)
    case = open_dataset(root).case("i0")
    ids = load_objects(case, load_case(case)[0].shape)
    assert ids is not None and ids.dtype == np.uint32
    np.testing.assert_array_equal(ids, values)


@pytest.mark.parametrize(
    ("values", "match"),
    [
        (np.full((96, 96), -1, np.int32), "from -1"),
        (np.full((96, 96), 1.5, np.float32), "not all of them whole"),
        (np.full((96, 96), 2**33, np.uint64), "8,?589,?934,?592|8.58993e"),
        (np.zeros((90, 96), np.uint16), "90"),
    ],
    ids=["negative", "fractions", "beyond 32 bits", "another size"],
)
def test_what_is_no_id_is_refused(tmp_path: Path, values: np.ndarray, match: str) -> None:
    root = with_objects(tmp_path / "d")
    tifffile.imwrite(root / "objects" / "i0.tif", values)
    with pytest.raises(LabelMapError, match=match):
        load_objects(open_dataset(root).case("i0"), (96, 96))


def test_a_class_with_touching_objects_gets_a_label_more_below_ignore(tmp_path: Path) -> None:
    result, folder = prepared(with_objects(tmp_path / "d"), tmp_path)
    labels = tiles()[0]
    stored = stored_labels(folder, "case_00000")
    assert result.output_ids == [0, 3, 7, 3]
    assert list(dataset_description(result)["labels"].items()) == [
        ("background", 0), ("axon", 1), ("myelin", 2), ("axon (parting)", 3), ("ignore", 4),
    ]  # fmt: skip
    np.testing.assert_array_equal(stored == 4, labels == 255)
    np.testing.assert_array_equal(stored == 2, labels == 7)
    np.testing.assert_array_equal((stored == 1) | (stored == 3), labels == 3)
    parting = stored == 3
    assert parting[10, 14:18].all() and not parting[10, 18:30].any()  # beside column 16
    assert not parting[18, 20:28].any()  # beside background
    assert any("of them touching" in notice for notice in result.notices)
    again = PreparedDataset(**json.loads(json.dumps({name: getattr(result, name) for name in result.__slots__})))
    assert again == result


@pytest.mark.parametrize("what", ["no ids", "nothing touches", "too few", "switched off"])
def test_nothing_to_learn_adds_no_output(tmp_path: Path, what: str) -> None:
    root = with_objects(tmp_path / "d", left_out=(0,) if what == "no ids" else ())
    way = SeparationWay.NONE if what == "switched off" else SeparationWay.SEAMS
    labels = tiles()[0]
    if what == "nothing touches":
        tifffile.imwrite(root / "objects" / "i0.tif", (labels == 3).astype(np.uint32))
    if what == "too few":
        tifffile.imwrite(
            root / "objects" / "i0.tif", np.where(np.arange(96) < 50, 1, 2)[None] * (labels == 3).astype(np.uint16)
        )
    result, folder = prepared(root, tmp_path, way)
    assert result.output_ids == [0, 3, 7]
    assert result.separation["way"] == "none"
    assert set(np.unique(stored_labels(folder, "case_00000"))) == {0, 1, 2, 3}
    assert "axon (parting)" not in dataset_description(result)["labels"]


def test_ids_in_some_images_alone_are_said(tmp_path: Path) -> None:
    root = with_objects(tmp_path / "d", 3, left_out=(1,))
    found = objects_in_labels(open_dataset(root).cases, (3, 7))
    assert set(found) == {3}
    assert (found[3].images, found[3].without_ids) == (3, 1)
    assert found[3].pairs >= 2 * LEAST_PAIRS
    assert "1 of 3 label maps have no object ids" in found[3].sentence("axon")


def test_a_label_map_without_ids_says_nothing_about_parting(tmp_path: Path) -> None:
    """Its pixels of the class get a label beyond ignore; they count as the class, also where patches are centred."""
    import pickle

    result, folder = prepared(with_objects(tmp_path / "d", 2, left_out=(1,)), tmp_path)
    with_ids, without = stored_labels(folder, "case_00000"), stored_labels(folder, "case_00001")
    own = tiles()[0] == 3
    assert result.has_unparted
    assert set(np.unique(with_ids[own])) == {1, 3}
    assert set(np.unique(without[own])) == {5}
    np.testing.assert_array_equal(with_ids[~own], without[~own])
    places = pickle.loads((folder / "case_00001.pkl").read_bytes())["class_locations"]
    assert len(places[1])
    assert not len(places[3])


LEARNED = Separation(SeparationWay.RIMS, (3,), pairs={3: 9})


def test_a_parents_outputs_stay_where_no_label_has_ids(tmp_path: Path) -> None:
    root = with_objects(tmp_path / "d", left_out=(0,))
    preparation = Preparation(
        open_dataset(root), tmp_path / "cases", wanted_nm=None, dataset_name="d", inherited=LEARNED
    )
    result = preparation.run(fraction=0, seed=0, report=lambda _: None)
    assert result.output_ids == [0, 3, 7, 3]
    assert (result.separation["way"], result.separation["class_ids"]) == ("rims", [3])
    assert set(np.unique(stored_labels(tmp_path / "cases", "case_00000"))) == {0, 2, 4, 5}
    assert f"axon: {KEPT}" in result.notices


def test_labels_without_ids_are_said(tmp_path: Path) -> None:
    result, _ = prepared(with_objects(tmp_path / "d", left_out=(0,)), tmp_path, SeparationWay.RIMS)
    assert result.output_ids == [0, 3, 7]
    assert NO_IDS in result.notices


def test_dropping_a_parents_outputs_is_said(tmp_path: Path) -> None:
    root = with_objects(tmp_path / "d")
    preparation = Preparation(
        open_dataset(root), tmp_path / "cases", wanted_nm=None, dataset_name="d",
        separation=SeparationWay.NONE, inherited=LEARNED,
    )  # fmt: skip
    result = preparation.run(fraction=0, seed=0, report=lambda _: None)
    assert result.output_ids == [0, 3, 7]
    assert f"axon: {DROPPED}" in result.notices


def test_what_nobody_knows_makes_no_loss_for_either_output() -> None:
    """Of the class and its parting output the one that the network prefers is taken for right."""
    from core.training.trainer import CristaeTrainer

    trainer = CristaeTrainer.__new__(CristaeTrainer)
    trainer.class_outputs, trainer.has_unparted = [0, 1, 2, 1], True
    logits = torch.zeros(1, 4, 1, 5)
    logits[0, 1, 0], logits[0, 3, 0] = torch.tensor([2.0, 1, 2, 2, 2]), torch.tensor([1.0, 2, 3, 3, 3])
    target = torch.tensor([[[[5, 5, 1, 4, 0]]]], dtype=torch.int16)
    settled = trainer._settled([logits], [target])
    assert settled[0].tolist() == [[[[1, 3, 1, 4, 0]]]]
    assert settled[0].dtype == torch.int16
    assert trainer._known(target).tolist() == [[[[1, 1, 1, 4, 0]]]]


def test_ids_come_along_to_another_pixel_size(tmp_path: Path) -> None:
    root = with_objects(tmp_path / "d")
    preparation = Preparation(open_dataset(root), tmp_path / "cases", wanted_nm=4.0, dataset_name="d")
    result = preparation.run(fraction=0, seed=0, report=lambda _: None)
    stored = stored_labels(tmp_path / "cases", "case_00000")
    assert stored.shape == (192, 192)
    assert (stored[20, 30:34] == 3).all() and not (stored[20, 36:60] == 3).any()  # two pixels of the training's own
    assert result.output_ids == [0, 3, 7, 3]


def test_a_parents_outputs_are_kept_and_a_further_one_begins_weak() -> None:
    weight = torch.arange(6.0).reshape(3, 2, 1, 1)
    state = {"decoder.seg_layers.0.weight": weight, "decoder.seg_layers.0.bias": torch.tensor([1.0, 2.0, 3.0]),
             "encoder.weight": torch.ones(2)}  # fmt: skip
    more = with_outputs(state, [0, 3, 7], [0, 3, 7, 7])
    assert more["decoder.seg_layers.0.weight"][:, 0, 0, 0].tolist() == [0, 2, 4, 4]
    assert more["decoder.seg_layers.0.bias"].tolist() == [1, 2, 3, 3 - FRESH_OUTPUT]
    assert state["decoder.seg_layers.0.bias"].tolist() == [1, 2, 3]
    assert more["encoder.weight"] is state["encoder.weight"]
    fewer = with_outputs(more, [0, 3, 7, 7], [0, 3, 7])
    assert fewer["decoder.seg_layers.0.bias"].tolist() == [1, 2, 3]
    other = with_outputs(more, [0, 3, 7, 7], [0, 3, 7, 3, 7])
    assert other["decoder.seg_layers.0.bias"].tolist() == [1, 2, 3, 2 - FRESH_OUTPUT, 3 - FRESH_OUTPUT]


def request(dataset: Path, out: Path, **changes: Any) -> TrainRequest:
    values = {"epochs": 1, "iterations_per_epoch": 1, "device": "cpu", "threads": 2, "seed": 5, **changes}
    return TrainRequest(dataset=dataset, preset=Preset.COMPACT, out=out, **values)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> StoredModel:
    folder = tmp_path_factory.mktemp("plain")
    root = with_objects(folder / "d", left_out=(0,))
    return train(request(root, folder / "plain"))


@pytest.mark.slow
def test_fine_tuning_a_parent_that_separates_nothing(plain: StoredModel, tmp_path: Path) -> None:
    """The child learns to separate; its classes, its Dice and its maps know no further class."""
    from core.imaging.image import Image
    from core.segmentation.array_sink import ArraySink
    from core.segmentation.predictor import Predictor

    dice: list[dict[str, float | None]] = []
    child = train(
        request(with_objects(tmp_path / "d"), tmp_path / "child", parent=plain.path, learning_rate=1e-8),
        on_progress=lambda report: dice.append(report.epoch.dice) if report.epoch else None,
    )
    assert (plain.output_ids, child.output_ids) == ((0, 3, 7), (0, 3, 7, 3))
    assert not plain.card.separation.learned
    assert child.card.separation.way is SeparationWay.RIMS
    assert child.card.separation.pairs[3] >= LEAST_PAIRS
    assert set(dice[0]) == {"axon", "myelin"}
    before, after = load_weights(plain.weights(0)), load_weights(child.weights(0))
    name = next(name for name in before if ".seg_layers." in name and name.endswith(".weight"))
    assert abs(before[name] - after[name][:3]).max() < 1e-3, "the outputs of the classes were not kept"
    sink, taken = ArraySink((96, 96)), list[PartingRows]()
    Predictor(child, backend="torch", precision="exact", threads=2).predict(
        Image(noise(0, (96, 96))), sink, take_parting=taken.append
    )
    assert set(np.unique(sink.labels_yx)) <= {0, 3, 7}
    assert len(taken) == 1
    told: list[str] = []
    grandchild = train(
        request(with_objects(tmp_path / "later", left_out=(0,)), tmp_path / "grandchild", parent=child.path),
        on_progress=lambda report: told.append(report.notice),
    )
    assert grandchild.output_ids == child.output_ids, "images without ids took the ability to separate away"
    assert grandchild.card.separation.way is child.card.separation.way
    assert f"axon: {KEPT}" in told


@pytest.mark.slow
def test_a_model_that_separates_survives_nnunets_format(plain: StoredModel, tmp_path: Path) -> None:
    """Exported and imported again, its further output is still no class."""
    from core.exchange.nnunet_export import export_nnunet
    from core.exchange.nnunet_import import import_nnunet
    from core.models.store import ModelStore

    folder = tmp_path / "models" / "parting"
    folder.mkdir(parents=True)
    for entry in plain.path.iterdir():
        (folder / entry.name).write_bytes(entry.read_bytes())
    weights = with_outputs(load_weights(plain.weights(0)), [0, 3, 7], [0, 3, 7, 3])
    save_weights(folder / "fold_0.safetensors", weights)
    write_json(folder / "dataset.json", {**plain.dataset_json, "labels": {
        "background": 0, "axon": 1, "myelin": 2, "axon (parting)": 3, "ignore": 4}})  # fmt: skip
    separation = Separation(SeparationWay.SEAMS, (3,), pairs={3: 9})
    card = replace(plain.card, id="parting", output_ids=(0, 3, 7, 3), separation=separation)
    write_json(folder / "card.json", card.to_json())
    archive = tmp_path / "parting.zip"
    export_nnunet(open_model(folder), archive)
    again = import_nnunet(archive, ModelStore(tmp_path / "again"), name="again")
    assert again.output_ids == (0, 3, 7, 3)
    assert again.card.separation == separation
    assert again.scheme.ids == (3, 7)
