"""Models from and to nnU-Net and other Cristaes: round trips, and files that must not be trusted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.errors import ModelError
from core.exchange.bundle import export_bundle, import_bundle
from core.exchange.importing import import_model, ready_model
from core.exchange.nnunet_export import export_nnunet
from core.exchange.nnunet_import import import_nnunet
from core.label_scheme import LabelScheme
from core.models.card import ModelCard
from core.models.store import ModelStore, StoredModel, open_model
from core.models.weights import load_network, load_weights, network_from_architecture, save_weights
from tests.core.networks import plans

NAME = "Dataset007_Tiny"


def make_plans() -> dict[str, Any]:
    """Of a network that is made in no time, with statistics that are enough for z-scores only."""
    statistics = {"foreground_intensity_properties_per_channel": {"0": {"mean": 1.0}}}
    return plans(32, features=(4, 8), convolutions=1, name=NAME) | statistics


ARCHITECTURE: dict[str, Any] = make_plans()["configurations"]["2d"]["architecture"]
DATASET_JSON: dict[str, Any] = {
    "channel_names": {"0": "zscore"},
    "labels": {"background": 0, "axon": 1, "myelin": 2},
    "numTraining": 3,
    "file_ending": ".png",
}


def checkpoint_content(seed: int = 0, **changes: Any) -> dict[str, Any]:
    """As nnU-Net saves it, NumPy scalars in the log included."""
    torch.manual_seed(seed)
    return {
        "network_weights": network_from_architecture(ARCHITECTURE, 3).state_dict(),
        "optimizer_state": {"state": {}, "param_groups": [{"lr": 0.01}]},
        "grad_scaler_state": None,
        "logging": {"mean_fg_dice": [np.float64(0.5), np.float32(0.25)], "n": [np.int64(3)]},
        "_best_ema": np.float64(0.5),
        "current_epoch": 12,
        "init_args": {"plans": make_plans(), "configuration": "2d", "fold": 0, "dataset_json": DATASET_JSON},
        "trainer_name": "nnUNetTrainer",
        "inference_allowed_mirroring_axes": (0, 1),
        **changes,
    }


def trained_folder(root: Path, folds: tuple[str, ...] = ("0",)) -> Path:
    folder = root / NAME / "nnUNetTrainer__nnUNetPlans__2d"
    for number, fold in enumerate(folds):
        (folder / f"fold_{fold}").mkdir(parents=True)
        torch.save(checkpoint_content(number), folder / f"fold_{fold}" / "checkpoint_final.pth")
    (folder / "plans.json").write_text(json.dumps(make_plans()))
    (folder / "dataset.json").write_text(json.dumps(DATASET_JSON))
    return folder


def zipped(folder: Path, out: Path) -> Path:
    with zipfile.ZipFile(out, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder.parent.parent))
    return out


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "store")


def stored_model(path: Path, output_ids: tuple[int, ...] = (0, 9, 4)) -> StoredModel:
    """A model of our own whose class ids are not consecutive."""
    path.mkdir(parents=True)
    torch.manual_seed(3)
    save_weights(path / "fold_0.safetensors", network_from_architecture(ARCHITECTURE, 3).state_dict())
    names = {"axon": output_ids[1], "myelin": output_ids[2]}
    card = ModelCard(
        id=path.name, name="Mine", scheme=LabelScheme.from_names(names), output_ids=output_ids, pixel_size_nm=4.5,
        warning="Trained on synthetic tissue.",
    )  # fmt: skip
    for name, value in (("card", card.to_json()), ("plans", make_plans()), ("dataset", DATASET_JSON)):
        (path / f"{name}.json").write_text(json.dumps(value))
    return open_model(path)


def test_weights_are_stored_once_and_come_back_whole(tmp_path: Path) -> None:
    network = network_from_architecture(ARCHITECTURE, 3)
    state = network.state_dict()
    save_weights(tmp_path / "w.safetensors", state)
    back = load_weights(tmp_path / "w.safetensors")
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], state[name]) for name in state)
    unique = sum(value.numel() for value in network.parameters()) * 4
    assert unique < (tmp_path / "w.safetensors").stat().st_size < 1.5 * unique + 30_000


@pytest.mark.parametrize("kind", ["folder", "dataset folder", "zip"])
def test_nnunet_results_are_imported_with_all_folds(tmp_path: Path, store: ModelStore, kind: str) -> None:
    folder = trained_folder(tmp_path / "results", ("0", "3", "all"))
    source = {"folder": folder, "dataset folder": folder.parent}.get(kind) or zipped(folder, tmp_path / "x.zip")
    model = import_model(source, store, pixel_size_nm=8.0, name="Rat nerve")
    assert model.id == "rat-nerve"
    assert model.folds == ("0", "3", "all")
    assert model.scheme.ids == (1, 2)
    assert model.output_ids == (0, 1, 2)
    assert model.pixel_size_nm == 8.0
    assert model.patch_size_px == (32, 32)
    assert model.mirror_axes == (0, 1)
    expected = checkpoint_content(1)["network_weights"]
    state = load_network(model, 3).state_dict()
    assert all(torch.equal(state[name], expected[name]) for name in expected)


class _Touch:
    """Pickles to a call that makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("where", ["logging", "network_weights", "trainer_name"])
def test_a_malicious_checkpoint_is_refused_and_does_not_run(tmp_path: Path, store: ModelStore, where: str) -> None:
    folder = trained_folder(tmp_path / "results")
    trap = tmp_path / "ran"
    torch.save(checkpoint_content(**{where: _Touch(trap)}), folder / "fold_0" / "checkpoint_final.pth")
    with pytest.raises(ModelError, match="more than weights"):
        import_nnunet(folder, store)
    assert not trap.exists()
    assert store.list() == ()
    torch.load(folder / "fold_0" / "checkpoint_final.pth", weights_only=False)
    assert trap.exists(), "the checkpoint of this test is harmless, so the test proves nothing"


def test_a_checkpoint_of_numpy_1_is_read(tmp_path: Path, store: ModelStore) -> None:
    """NumPy 1 calls its scalars numpy.core.multiarray.scalar; every log before 2024 holds some."""
    folder = trained_folder(tmp_path / "results")
    path = folder / "fold_0" / "checkpoint_final.pth"
    inside = "checkpoint_final/data.pkl"
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    renamed = members[inside].replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert renamed != members[inside]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, renamed if name == inside else content)
    assert import_model(folder, store).card.training.epochs == 12


def test_a_zip_with_backslashes_has_folders(tmp_path: Path, store: ModelStore) -> None:
    good = zipped(trained_folder(tmp_path / "results"), tmp_path / "good.zip")
    with zipfile.ZipFile(good) as archive, zipfile.ZipFile(tmp_path / "windows.zip", "w") as other:
        for name in archive.namelist():
            member = zipfile.ZipInfo("x")
            member.filename = name.replace("/", "\\")
            other.writestr(member, archive.read(name))
    assert "\\" in zipfile.ZipFile(tmp_path / "windows.zip").infolist()[0].orig_filename
    assert import_model(tmp_path / "windows.zip", store).folds == ("0",)


def test_models_after_public_reports(shared_data: Path, store: ModelStore) -> None:
    for name in ("M02", "M13"):
        assert import_model(shared_data / "cases" / name / f"{name}.zip", store).folds == ("0",)


def _broken_weights(folder: Path) -> None:
    state = load_weights(folder / "fold_0.safetensors")
    first = next(name for name, value in state.items() if value.ndim == 4)
    state[first][0, 0, 0, 0] = float("nan")
    save_weights(folder / "fold_0.safetensors", state)


def _lost_weights(folder: Path) -> None:
    state = load_weights(folder / "fold_0.safetensors")
    save_weights(folder / "fold_0.safetensors", dict(list(state.items())[:-2]))


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (_broken_weights, "is not finite"),
        (_lost_weights, "does not match"),
        (lambda f: _config(f, "patch_size", value=[31, 32]), "cannot be divided"),
        (lambda f: _config(f, "architecture", "arch_kwargs", "strides", value=[[1, 1], [3, 3]]), "does not match"),
        (lambda f: _config(f, "architecture", "arch_kwargs", "strides", value=None), "strides"),
        (
            lambda f: _config(f, "architecture", "arch_kwargs", "features_per_stage", value=[4, 10**9]),
            "features_per_st",
        ),
        (lambda f: _config(f, "architecture", "arch_kwargs", "n_stages", value=10**6), "n_stages"),
        (lambda f: _config(f, "architecture", "arch_kwargs", "conv_op", value=None), "does not work|cannot be built"),
        (lambda f: _config(f, "normalization_schemes", value=["CTNormalization"]), "does not work|normalis"),
        (lambda f: _config(f, "normalization_schemes", value=["Unheard"]), "Unheard"),
        (lambda f: (f / "plans.json").write_text("[" * 100_000), "cannot be read as JSON"),
        (lambda f: _config(f, "architecture", "_kw_requires_import", value=[["conv_op"]]), "contain no network"),
        (lambda f: _config(f, "architecture", "arch_kwargs", "n_conv_per_stage", value=[10**9, 1]), "n_conv_per_stage"),
        (lambda f: _set(f, "card.json", "scheme", value=[{"id": 1, "name": ["axon"]}]), "scheme is invalid"),
    ],
)
def test_a_model_that_does_not_work_is_refused_by_trying_it(
    tmp_path: Path, store: ModelStore, harm: Any, says: str
) -> None:
    folder = stored_model(tmp_path / "mine").path
    (folder / "fold_0.safetensors").touch()
    harm(folder)
    with pytest.raises(ModelError, match=says) as caught:
        import_model(folder, store)
    assert caught.value.remedy
    assert store.scan() == ((), ())


def _set(folder: Path, file: str, *keys: str, value: Any) -> None:
    content = json.loads((folder / file).read_text())
    place = content
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    (folder / file).write_text(json.dumps(content))


def _config(folder: Path, *keys: str, value: Any) -> None:
    _set(folder, "plans.json", "configurations", "2d", *keys, value=value)


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda f: _config(f, "patch_size", value=[32, 32, 32]), "not a 2D model"),
        (lambda f: _config(f, "previous_stage", value="2d_low"), "cascade"),
        (lambda f: _config(f, "normalization_schemes", value=["ZScoreNormalization"] * 2), "channels"),
        (lambda f: _config(f, "normalization_schemes", value=["os.system"]), "channels"),
        (lambda f: _config(f, "architecture", "network_class_name", value="os.system"), "os.system"),
        (lambda f: _config(f, "architecture", "arch_kwargs", "nonlin", value="os.remove"), "os.remove"),
        (lambda f: _config(f, "architecture", "arch_kwargs", "features_per_stage", value=[4, 16]), "does not match"),
        (lambda f: _config(f, "architecture", "arch_kwargs", "surprise", value=1), "cannot be built"),
        (lambda f: _set(f, "dataset.json", "channel_names", value={"0": "a", "1": "b"}), "single-channel"),
        (lambda f: _set(f, "dataset.json", "labels", value={"background": 0, "a": [1, 2], "b": 2}), "regions"),
        (lambda f: _set(f, "dataset.json", "labels", value={"background": 0, "a": 1, "b": 5}), "without a gap"),
        (lambda f: _set(f, "dataset.json", "labels", value={"background": 0, "a": "x"}), "unusable"),
        (lambda f: (f / "fold_0/checkpoint_final.pth").write_bytes(b"PK\x03\x04"), "cannot be read"),
        (lambda f: (f / "fold_0/checkpoint_final.pth").write_bytes(b""), "cannot be read"),
        (lambda f: torch.save([1, 2], f / "fold_0/checkpoint_final.pth"), "not an nnU-Net v2 checkpoint"),
        (lambda f: torch.save({"state_dict": {}}, f / "fold_0/checkpoint_final.pth"), "not an nnU-Net v2 checkpoint"),
        (lambda f: (f / "plans.json").unlink(), "no trained nnU-Net model"),
        (lambda f: (f / "dataset.json").write_text("[]"), "names no labels"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(
    tmp_path: Path, store: ModelStore, harm: Any, says: str
) -> None:
    folder = trained_folder(tmp_path / "results")
    harm(folder)
    with pytest.raises(ModelError, match=says):
        import_nnunet(folder, store)
    assert store.scan() == ((), ())


def test_several_trained_models_are_listed_not_guessed(tmp_path: Path, store: ModelStore) -> None:
    folder = trained_folder(tmp_path)
    other = folder.parent / "nnUNetTrainer__nnUNetResEncUNetMPlans__2d"
    folder.rename(other)
    trained_folder(tmp_path)
    with pytest.raises(ModelError, match=r"ResEnc.*nnUNetPlans|nnUNetPlans.*ResEnc"):
        import_nnunet(other.parent, store)


def test_an_ignore_label_is_no_class(tmp_path: Path, store: ModelStore) -> None:
    folder = trained_folder(tmp_path)
    _set(folder, "dataset.json", "labels", value={"background": 0, "axon": 1, "myelin": 2, "ignore": 3})
    assert import_nnunet(folder, store).output_ids == (0, 1, 2)


@pytest.mark.parametrize(
    "name", ["../evil.txt", "/etc/evil", "a\\..\\evil", "\\\\host\\evil", "C:evil", "x/../../evil"]
)
def test_zip_paths_that_lead_outside_are_refused(tmp_path: Path, store: ModelStore, name: str) -> None:
    bad = zipped(trained_folder(tmp_path / "results"), tmp_path / "bad.zip")
    with zipfile.ZipFile(bad, "a") as archive:
        archive.writestr(name, "x")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ModelError, match="points outside its folder"):
        import_model(bad, store)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, store: ModelStore) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{NAME}/t__p__2d/plans.json", b"\0" * (40 * 1024**2))
    with pytest.raises(ModelError, match="do not use"):
        import_model(bomb, store)


def test_many_members_that_are_each_allowed_may_not_be_a_bomb_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.outside.archive.MAX_TOTAL_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for fold in range(3):
            archive.writestr(f"fold_{fold}/checkpoint_final.pth", b"0" * 400)
    (tmp_path / "scratch").mkdir()
    with pytest.raises(ModelError, match="would have 1,200 bytes"):
        ready_model(tmp_path / "x.zip", tmp_path / "scratch", None, None)


BROKEN_DIRECTORY = b"PK\x05\x06" + bytes(4) + b"\x01\0\x01\0" + b"\x2e\0\0\0" + bytes(6)
"""The end of a zip file whose list of members is missing: `zipfile.is_zipfile` takes it for one."""


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04broken", b"x" * 46 + BROKEN_DIRECTORY])
def test_files_that_are_no_zip_are_refused(tmp_path: Path, store: ModelStore, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(ModelError, match=r"x\.zip"):
        import_model(tmp_path / "x.zip", store)


def test_a_bundle_comes_back_the_same_under_a_free_id(tmp_path: Path, store: ModelStore) -> None:
    model = stored_model(tmp_path / "mine")
    export_bundle(model, tmp_path / "mine.zip")
    first, second = (import_model(tmp_path / "mine.zip", store) for _ in range(2))
    assert (first.id, second.id) == ("mine", "mine-2")
    assert first.card == model.card
    assert first.weights(0).read_bytes() == model.weights(0).read_bytes()


@pytest.mark.parametrize("form", ["folder", "bundle", "export", "nnunet"])
def test_every_form_takes_a_name_a_pixel_size_and_a_free_id(tmp_path: Path, store: ModelStore, form: str) -> None:
    model = stored_model(tmp_path / "mine")
    paths = {"folder": model.path, "bundle": tmp_path / "b.zip", "export": tmp_path / "e.zip"}
    export_bundle(model, paths["bundle"])
    export_nnunet(model, paths["export"])
    paths["nnunet"] = trained_folder(tmp_path / "results")
    first, second = (import_model(paths[form], store, pixel_size_nm=6.0, name="Rat nerve") for _ in range(2))
    assert (first.id, second.id) == ("rat-nerve", "rat-nerve-2")
    assert [each.card.name for each in (first, second)] == ["Rat nerve", "Rat nerve (2)"]
    assert {each.pixel_size_nm for each in (first, second)} == {6.0}
    if form in ("folder", "bundle"):
        kept, again = (import_model(paths[form], store) for _ in range(2))
        assert (kept.id, again.id) == ("mine", "mine-2")
        assert (kept.card.name, kept.pixel_size_nm) == ("Mine", 4.5)
    with pytest.raises(ModelError, match="per pixel is not plausible"):
        import_model(paths[form], store, pixel_size_nm=-1.0)


def test_a_damaged_bundle_is_refused(tmp_path: Path, store: ModelStore) -> None:
    model = stored_model(tmp_path / "mine")
    export_bundle(model, tmp_path / "mine.zip")
    with zipfile.ZipFile(tmp_path / "mine.zip") as good, zipfile.ZipFile(tmp_path / "bad.zip", "w") as bad:
        for item in good.namelist():
            content = good.read(item)
            bad.writestr(item, content if not item.startswith("fold") else content[:-4] + b"\0\0\0\1")
    with pytest.raises(ModelError, match=r"fold_0.safetensors in bad.zip is damaged"):
        import_bundle(tmp_path / "bad.zip", store)
    assert store.scan() == ((), ())


def test_an_export_to_nnunet_comes_back_with_ids_and_pixel_size(tmp_path: Path, store: ModelStore) -> None:
    model = stored_model(tmp_path / "mine")
    export_nnunet(model, tmp_path / "out.zip")
    back = import_model(tmp_path / "out.zip", store)
    assert back.output_ids == (0, 9, 4)
    assert back.scheme == model.scheme
    assert back.pixel_size_nm == 4.5
    assert back.card.warning == model.card.warning
    expected = load_weights(model.weights(0))
    assert all(torch.equal(value, expected[name]) for name, value in load_weights(back.weights(0)).items())


@pytest.mark.slow
def test_nnunet_itself_predicts_with_the_export(tmp_path: Path) -> None:
    """Its own command on the unpacked zip gives our network's answer."""
    from skimage.io import imread, imsave

    model = stored_model(tmp_path / "mine")
    inside = export_nnunet(model, tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        archive.extractall(tmp_path / "results")
    image = np.random.default_rng(0).integers(1, 255, (32, 32), dtype=np.uint8)
    (tmp_path / "in").mkdir()
    imsave(tmp_path / "in" / "a_0000.png", image, check_contrast=False)
    command = Path(sys.executable).with_name("nnUNetv2_predict_from_modelfolder")
    done = subprocess.run(
        [command, "-i", tmp_path / "in", "-o", tmp_path / "out", "-m", tmp_path / "results" / inside, "-f", "0",
         "-device", "cpu", "--disable_tta", "-npp", "1", "-nps", "1"],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    values = torch.from_numpy(((image - image.mean()) / image.std()).astype(np.float32))[None, None]
    with torch.no_grad():
        expected = load_network(model, 0)(values).argmax(1)[0].numpy()
    assert (imread(tmp_path / "out" / "a.png") == expected).mean() > 0.999
