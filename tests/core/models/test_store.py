"""The model store: what it accepts, what it refuses, and that nothing breaks the list."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from core.errors import CristaeError, ModelError, NotFoundError, TrainingError
from core.label_scheme import LabelScheme
from core.models.card import ModelCard, TrainingSummary, check_id, slug
from core.models.store import ModelStore, open_model, read_safetensors_header, resolve_configuration
from core.outside.links import copy_plain
from core.training import model_writing
from core.training.presets import Preset
from core.training.request import TrainRequest

PLANS: dict[str, Any] = {
    "plans_name": "nnUNetPlans",
    "configurations": {
        "2d": {
            "patch_size": [64, 32],
            "batch_size": 2,
            "normalization_schemes": ["ZScoreNormalization"],
            "architecture": {"network_class_name": "somewhere.PlainConvUNet"},
        }
    },
}


def card(model_id: str = "tiny", **changes: Any) -> ModelCard:
    values: dict[str, Any] = {
        "id": model_id,
        "name": "Tiny",
        "scheme": LabelScheme.from_names({"nucleus": 7, "myelin": 3}),
        "output_ids": (0, 7, 3),
        "pixel_size_nm": 8.0,
        "created": "2026-01-01T00:00:00+00:00",
        "training": TrainingSummary(images=3, seed=1, versions={"torch": "2"}, training_images=("a", "b")),
        **changes,
    }
    return ModelCard(**values)


def model_folder(parent: Path, model_id: str = "tiny", folds: tuple[str, ...] = ("0",), **changes: Any) -> Path:
    folder = parent / model_id
    folder.mkdir(parents=True)
    (folder / "card.json").write_text(json.dumps(card(model_id, **changes).to_json()))
    (folder / "plans.json").write_text(json.dumps(PLANS))
    (folder / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "nucleus": 1, "myelin": 2}}))
    for fold in folds:
        save_file({"w": np.arange(6, dtype=np.float32)}, folder / f"fold_{fold}.safetensors")
    return folder


def test_card_survives_json() -> None:
    original = card(parent="older", metrics={"dice": {"nucleus": 0.5}})
    assert ModelCard.from_json(json.loads(json.dumps(original.to_json()))) == original


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"card_version": 2}, "version 2"),
        ({"output_ids": [0, 7]}, r"\(0, 7\)"),
        ({"output_ids": [7, 0, 3]}, "predicts"),
        ({"pixel_size_nm": -1}, "-1"),
        ({"pixel_size_nm": "eight"}, "pixel_size_nm"),
        ({"scheme": 5}, "label scheme"),
        ({"mirror_axes": [2]}, "mirror axes"),
        ({"id": "../up"}, "is not a valid model id"),
    ],
)
def test_bad_cards_are_refused_with_the_reason(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ModelError, match=says):
        ModelCard.from_json({**card().to_json(), **change})


@pytest.mark.parametrize("bad", ["", ".", "..", "a/b", "a\\b", "A", "a--b", ".a", "con", "nul.x", "x" * 65, "a\n"])
def test_ids_that_are_no_folder_names_are_refused(bad: str) -> None:
    with pytest.raises(ModelError):
        check_id(bad)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Überblick 8 nm", "uberblick-8-nm"), ("../../etc", "etc"), ("肝", "model"), ("a" * 99, "a" * 56)],
)
def test_slugs_are_valid_ids(name: str, expected: str) -> None:
    assert check_id(slug(name)) == expected


def test_add_get_list_default_delete(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    assert store.list() == ()
    assert store.default() is None
    store.add(model_folder(tmp_path / "in", folds=("0", "10", "2")))
    model = store.get("tiny")
    assert model.folds == ("0", "2", "10")
    assert model.patch_size_px == (64, 32)
    assert model.output_ids == (0, 7, 3)
    assert model.normalization == "ZScoreNormalization"
    assert model.weights(2).name == "fold_2.safetensors"
    newer = model_folder(tmp_path / "in", "newer", created="2026-02-01T00:00:00+00:00")
    store.add(newer)
    assert [m.id for m in store.list()] == ["newer", "tiny"]
    assert store.default().id == "newer"  # type: ignore[union-attr]
    store.add(newer, model_id="starter")
    assert store.default().id == "starter"  # type: ignore[union-attr]
    store.set_default("tiny")
    assert store.default().id == "tiny"  # type: ignore[union-attr]
    assert store.free_id("Tiny") == "tiny-2"
    store.delete("tiny")
    assert store.default().id == "starter"  # type: ignore[union-attr]
    with pytest.raises(NotFoundError, match="newer"):
        store.get("tiny")
    assert not [p for p in store.models_dir.iterdir() if p.name.startswith(".")]


def test_an_id_is_never_overwritten(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    folder = model_folder(tmp_path / "in")
    store.add(folder)
    with pytest.raises(ModelError, match="already has a model 'tiny'"):
        store.add(folder)


def test_of_two_imports_of_one_name_at_once_both_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both said that they had become `tiny`, and the second had replaced the first."""
    store, folder = ModelStore(tmp_path / "models"), model_folder(tmp_path / "in")
    copy, others = copy_plain, []

    def slow(source: Path, target: Path, kind: type[CristaeError]) -> None:
        copy(source, target, kind)
        if not others:
            others.append("begun")
            others[0] = store.add_free(folder, "Tiny").id

    monkeypatch.setattr("core.models.store.copy_plain", slow)
    assert (store.add_free(folder, "Tiny").id, others) == ("tiny-2", ["tiny"])
    others.clear()
    with pytest.raises(ModelError, match="already has a model 'mine'"):
        monkeypatch.setattr(store, "free_id", lambda _: "mine")
        store.add(folder, model_id="mine")
    assert sorted(path.name for path in store.models_dir.iterdir()) == ["mine", "tiny", "tiny-2"]


def test_an_id_that_is_being_made_is_not_free(tmp_path: Path) -> None:
    """A model that was imported while a training made one of its name was replaced when that ended."""
    (tmp_path / ".liver.training").mkdir()
    assert ModelStore(tmp_path).free_id("Liver") == "liver-2"
    assert ModelStore(tmp_path, coming={"liver-2"}).free_id("Liver") == "liver-3"


def test_a_training_that_ends_leaves_a_model_of_its_name_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = TrainRequest(dataset=tmp_path, preset=Preset.COMPACT, out=tmp_path / "m", minutes=1.0)
    monkeypatch.setattr(model_writing, "make_card", lambda *_: card("m", name="Trained"))
    monkeypatch.setattr(model_writing, "dataset_description", lambda _: {"labels": {"background": 0}})

    def save(path: Path, _: Any) -> None:
        save_file({"w": np.zeros(6, np.float32)}, path)
        model_folder(tmp_path, "m", name="Imported")

    monkeypatch.setattr(model_writing, "save_weights", save)
    trained: Any = SimpleNamespace(
        restore_parameters=lambda _: None, network=SimpleNamespace(state_dict=dict), weights={}, history=[], notices=[]
    )
    with pytest.raises(TrainingError, match="now contains another model 'm'"):
        model_writing.write_model(request, None, PLANS, trained, tmp_path, trained, trained)
    assert open_model(tmp_path / "m").card.name == "Imported"
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_a_failed_add_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    store = ModelStore(tmp_path / "models")
    folder = model_folder(tmp_path / "in")
    monkeypatch.setattr("core.models.store.copy_plain", full)
    with pytest.raises(Exception, match="No space left"):
        store.add(folder)
    assert list(store.models_dir.iterdir()) == []


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda f: (f / "card.json").unlink(), "card.json is missing"),
        (lambda f: (f / "plans.json").write_text("{"), "plans.json"),
        (lambda f: (f / "plans.json").write_text("{}"), "no valid configuration"),
        (lambda f: (f / "fold_0.safetensors").unlink(), "no fold_"),
        (lambda f: (f / "fold_0.safetensors").write_bytes(b""), "truncated"),
        (lambda f: (f / "fold_0.safetensors").write_bytes((f / "fold_0.safetensors").read_bytes()[:-1]), "truncated"),
        (lambda f: (f / "fold_0.safetensors").write_bytes(b"\x80\x04pickle" + b"x" * 99), "fold_0"),
        (lambda f: f.rename(f.with_name("renamed")), "renamed"),
    ],
    ids=["no card", "bad json", "empty plans", "no weights", "empty weights", "truncated", "pickle", "renamed"],
)
def test_a_broken_folder_is_listed_with_its_reason_and_breaks_nothing(tmp_path: Path, harm: Any, says: str) -> None:
    store = ModelStore(tmp_path)
    harm(model_folder(tmp_path))
    model_folder(tmp_path, "good")
    models, broken = store.scan()
    assert [m.id for m in models] == ["good"]
    assert len(broken) == 1
    assert says in broken[0].reason
    assert store.default().id == "good"  # type: ignore[union-attr]
    store.delete(broken[0].id)
    assert store.scan()[1] == ()


def test_a_damaged_default_file_is_no_choice(tmp_path: Path) -> None:
    model_folder(tmp_path)
    (tmp_path / "default.json").write_text("{")
    assert ModelStore(tmp_path).default().id == "tiny"  # type: ignore[union-attr]


@pytest.mark.parametrize("patch", [[64, 64, 64], "big", [0, 64], [1 << 20, 64]])
def test_only_2d_patches(tmp_path: Path, patch: Any) -> None:
    folder = model_folder(tmp_path)
    plans = json.loads((folder / "plans.json").read_text())
    plans["configurations"]["2d"]["patch_size"] = patch
    (folder / "plans.json").write_text(json.dumps(plans))
    with pytest.raises(ModelError, match="patch size"):
        open_model(folder)


def test_configurations_inherit_and_circles_are_refused() -> None:
    plans = {"configurations": {"2d": {"a": 1, "b": 1}, "2d_big": {"inherits_from": "2d", "b": 2}}}
    assert resolve_configuration(plans, "2d_big") == {"a": 1, "b": 2}
    with pytest.raises(ModelError):
        resolve_configuration({"configurations": {"x": {"inherits_from": "x"}}}, "x")


@pytest.mark.parametrize("parent", [["2d"], {"name": "2d"}, 5, True, "nowhere"])
def test_a_parent_that_is_no_configuration_breaks_its_own_folder_only(tmp_path: Path, parent: Any) -> None:
    folder = model_folder(tmp_path)
    model_folder(tmp_path, "good")
    plans = json.loads((folder / "plans.json").read_text())
    plans["configurations"]["2d"]["inherits_from"] = parent
    (folder / "plans.json").write_text(json.dumps(plans))
    models, broken = ModelStore(tmp_path).scan()
    assert [model.id for model in models] == ["good"]
    assert [(each.id, "no valid configuration" in each.reason) for each in broken] == [("tiny", True)]


@pytest.mark.parametrize("parent", [None, ""])
def test_a_configuration_may_say_that_it_inherits_from_none(parent: Any) -> None:
    assert resolve_configuration({"configurations": {"2d": {"a": 1, "inherits_from": parent}}}, "2d") == {"a": 1}


def test_header_agrees_with_the_library(tmp_path: Path) -> None:
    save_file({"a": np.zeros((2, 3), np.float32), "b": np.ones(4, np.float32)}, tmp_path / "w.safetensors")
    header = read_safetensors_header(tmp_path / "w.safetensors")
    assert {name: entry["shape"] for name, entry in header.items()} == {"a": [2, 3], "b": [4]}
