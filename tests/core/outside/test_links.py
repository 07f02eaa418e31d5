"""No link that lies in a folder or file from outside is followed, wherever such are read."""

from __future__ import annotations

import json
import os
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.datasets.check import check_dataset
from core.datasets.folder import load_case, load_image, open_dataset, read_classes
from core.datasets.import_case import ImportCase
from core.datasets.import_check import check_import, read_labels
from core.datasets.import_plan import plan_import
from core.datasets.plan import check_case, plan_dataset
from core.errors import CristaeError, ModelError, Refusal
from core.evaluations.prediction_files import PredictionCase, check_prediction, read_prediction
from core.exchange.bundle import export_bundle, is_bundle
from core.exchange.importing import import_model, ready_model
from core.exchange.nnunet_import import find_trained
from core.label_scheme import DEFAULT_SCHEME, LabelScheme
from core.labels.reading import LabelReading, LabelSource
from core.models.store import ModelStore, open_model
from core.outside.links import copy_plain, entries, is_link, is_plain_file
from tests.core.imaging.files import png

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links need a right on Windows that test machines lack")

SHAPE = (4, 5)
HIDDEN = "what nobody may get"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A file that nobody may get."""
    folder = tmp_path / "secret"
    folder.mkdir()
    (folder / "key.json").write_text(json.dumps([HIDDEN]))
    (folder / "key.png").write_bytes(png(np.ones(SHAPE, np.uint8)))
    return folder


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Two cases in our layout."""
    folder = tmp_path / "dataset"
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
        for name in ("a", "b"):
            (folder / part / f"{name}.png").write_bytes(png(np.ones(SHAPE, np.uint8)))
    (folder / "dataset.json").write_text(json.dumps({"labels": {"ER": 1}, "train": ["a", "b"]}))
    return folder


def _link(place: Path, target: Path) -> Path:
    if place.is_dir() and not place.is_symlink():
        place.rename(place.with_name(f"{place.name}-before"))
    else:
        place.unlink(missing_ok=True)
    place.symlink_to(target, target_is_directory=target.is_dir())
    return place


def test_kinds_of_entries(tmp_path: Path, key: Path) -> None:
    folder = tmp_path / "f"
    (folder / "sub").mkdir(parents=True)
    (folder / "file").write_text("x")
    os.mkfifo(folder / "pipe")
    for name, target in (("link", key / "key.json"), ("away", key), ("broken", tmp_path / "none")):
        (folder / name).symlink_to(target)
    found = entries(folder)
    assert [path.name for path in found.files] == ["file"]
    assert [path.name for path in found.folders] == ["sub"]
    assert [path.name for path in found.links] == ["away", "broken", "link", "pipe"]
    assert [is_link(folder / n) for n in ("file", "sub", "pipe", "link", "broken", "none")] == [False] * 2 + [
        True, True, True, False,
    ]  # fmt: skip
    assert is_plain_file(folder / "file")
    assert not is_plain_file(folder / "link")
    with pytest.raises(ModelError, match="f/link is a link") as caught:
        copy_plain(folder / "link", tmp_path / "copy", ModelError)
    assert str(key) not in str(caught.value)
    assert not (tmp_path / "copy").exists()


def test_a_link_that_comes_between_looking_and_copying_is_not_followed(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "history.json"
    link.symlink_to(key / "key.json")
    monkeypatch.setattr("core.outside.links.require_no_link", lambda *_: None)
    with pytest.raises(CristaeError, match="is a link"):
        copy_plain(link, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("place", ["images", "labels", "images/a.png", "labels/a.png", "dataset.json"])
def test_dataset_folders(dataset: Path, key: Path, place: str) -> None:
    folder = "." not in place
    target = dataset / f"{place}-before" if folder else key / f"key.{place[-4:].strip('.')}"
    _link(dataset / place, target)
    checked = check_dataset(dataset)
    assert any("is a link" in problem.cause for problem in checked.problems)
    assert not checked.usable
    with pytest.raises(CristaeError, match="is a link"):
        if place == "dataset.json":
            read_classes(dataset)
        case = open_dataset(dataset).case("a")
        load_image(case)
        load_case(case)
    if place != "dataset.json":
        _check_planned(dataset, folder)


def _check_planned(dataset: Path, folder: bool) -> None:
    """The same through the planning of an import and of a dataset; the other case is used."""
    (dataset / "dataset.json").unlink()
    if folder:
        with pytest.raises(CristaeError, match="is a link"):
            plan_import(dataset, DEFAULT_SCHEME)
        return
    first, second = plan_import(dataset, DEFAULT_SCHEME).cases
    refused = check_import(first, DEFAULT_SCHEME, deep=True, max_px=100).refusal
    assert refused is not None
    assert "is a link" in refused.cause
    assert check_import(second, DEFAULT_SCHEME, deep=True, max_px=100).refusal is None
    reading = LabelReading(LabelSource.IMAGE, DEFAULT_SCHEME)
    planned = plan_dataset(dataset / "images", dataset / "labels").cases
    results = [check_case(case, reading) for case in planned]
    assert isinstance(results[0], Refusal)
    assert not isinstance(results[1], Refusal)


@pytest.mark.parametrize("part", ["imagesTr", "labelsTr", "imagesTr/a_0000.png", "labelsTr/a.png"])
def test_raw_folders_of_nnunet(tmp_path: Path, key: Path, part: str) -> None:
    folder = tmp_path / "Dataset001"
    for name, file in (("imagesTr", "a_0000.png"), ("labelsTr", "a.png")):
        (folder / name).mkdir(parents=True)
        (folder / name / file).write_bytes(png(np.ones(SHAPE, np.uint8)))
    described = {"labels": {"background": 0, "ER": 1}, "channel_names": {"0": "EM"}, "file_ending": ".png"}
    (folder / "dataset.json").write_text(json.dumps(described))
    load_case(open_dataset(folder).case("a"))
    _link(folder / part, key / "key.png" if "/" in part else folder / f"{part}-before")
    with pytest.raises(CristaeError, match="is a link"):
        load_case(open_dataset(folder).case("a"))


def test_masks_in_folders_named_by_class(tmp_path: Path, key: Path) -> None:
    (tmp_path / "set" / "images").mkdir(parents=True)
    (tmp_path / "set" / "images" / "a.png").write_bytes(png(np.ones(SHAPE, np.uint8)))
    (tmp_path / "set" / "masks").mkdir()
    _link(tmp_path / "set" / "masks" / "nucleus", key)
    with pytest.raises(CristaeError, match="masks/nucleus is a link"):
        plan_import(tmp_path / "set", DEFAULT_SCHEME)


def test_predictions_and_labels_at_the_moment_of_reading(tmp_path: Path, key: Path) -> None:
    link = _link(tmp_path / "a.png", key / "key.png")
    case = PredictionCase("i", "a", SHAPE, (link,))
    assert "is a link" in check_prediction(case, DEFAULT_SCHEME, deep=True).cause
    with pytest.raises(CristaeError, match="is a link"):
        read_prediction(case, DEFAULT_SCHEME)
    image = tmp_path / "image.png"
    image.write_bytes(png(np.ones(SHAPE, np.uint8)))
    with pytest.raises(CristaeError, match="is a link"):
        read_labels(ImportCase("a", image, (link,)), DEFAULT_SCHEME, SHAPE)


def _model(folder: Path) -> Path:
    """The shipped starter as a folder of somebody's."""
    from core.settings import ROOT

    source = ROOT / "models" / "starter"
    folder.mkdir()
    for path in entries(source).files:
        copy_plain(path, folder / path.name)
    (folder / "history.json").write_text("[]")
    return folder


@pytest.mark.parametrize("name", ["history.json", "snapshot.json", "card.json", "plans.json", "fold_0.safetensors"])
def test_model_folders(tmp_path: Path, key: Path, name: str) -> None:
    folder = _model(tmp_path / "mine")
    store = ModelStore(tmp_path / "models")
    good = open_model(folder)
    (tmp_path / "scratch").mkdir()
    _link(folder / name, key / "key.json")
    for read in (
        lambda: open_model(folder),
        lambda: store.add(folder),
        lambda: export_bundle(good, tmp_path / "out.zip"),
        lambda: ready_model(folder, tmp_path / "scratch", None, None),
        lambda: import_model(folder, store),
    ):
        with pytest.raises(ModelError, match=f"mine/{name} is a link"):
            read()
    assert not (tmp_path / "out.zip").exists()
    assert not store.list()


def test_links_in_the_store_itself(tmp_path: Path) -> None:
    folder = _model(tmp_path / "starter")
    store = ModelStore(tmp_path / "models")
    store.models_dir.mkdir()
    (store.models_dir / "starter").symlink_to(folder)
    models, broken = store.scan()
    assert not models
    assert "is a link" in broken[0].reason
    with pytest.raises(ModelError, match="is a link"):
        store.get("starter")


@pytest.mark.parametrize("place", ["plans.json", "fold_0", "fold_0/checkpoint_final.pth", "further"])
def test_results_folders_of_nnunet(tmp_path: Path, key: Path, place: str) -> None:
    folder = tmp_path / "Dataset007" / "nnUNetTrainer__nnUNetPlans__2d"
    (folder / "fold_0").mkdir(parents=True)
    for name in ("plans.json", "dataset.json", "fold_0/checkpoint_final.pth"):
        (folder / name).write_text("{}")
    find_trained(folder.parent)
    _link(folder / place, key if "." not in place else key / "key.json")
    for given in (folder, folder.parent):
        with pytest.raises(ModelError, match="is a link"):
            find_trained(given)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
@pytest.mark.parametrize("bundle", [True, False])
def test_members_of_zips(tmp_path: Path, kind: int, bundle: bool) -> None:
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w") as archive:
        if bundle:
            archive.writestr("cristae-model.json", "{}")
        member = zipfile.ZipInfo("history.json")
        member.external_attr = (kind | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    assert is_bundle(path) is bundle
    (tmp_path / "scratch").mkdir()
    with pytest.raises(ModelError, match="is a link"):
        ready_model(path, tmp_path / "scratch", None, None)


def test_junctions_of_windows_in_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w") as archive:
        member = zipfile.ZipInfo("fold_0")
        member.create_system = 0
        member.external_attr = 0x410
        archive.writestr(member, "")
    with pytest.raises(ModelError, match="is a link"):
        ready_model(path, tmp_path, None, None)


def test_a_path_that_a_person_names_may_be_a_link(tmp_path: Path, dataset: Path) -> None:
    """A home folder on another disk is one, too."""
    (tmp_path / "named").symlink_to(dataset)
    assert check_dataset(tmp_path / "named").usable
    assert isinstance(open_dataset(tmp_path / "named").scheme, LabelScheme)
