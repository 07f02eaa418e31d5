"""``python -m core export``: what the dialog does, without a browser."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.cli.app import app
from core.datasets.folder import open_dataset
from core.errors import CristaeError
from tests.core.exports.conftest import Tissue, tissue  # noqa: F401


@pytest.fixture(autouse=True)
def here(tissue: Tissue, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr("core.cli.export.current_store", lambda: tissue.store)


def run(*arguments: object) -> str:
    """What the command prints; raises what it raises."""
    answer = CliRunner().invoke(app, [str(each) for each in arguments])
    if isinstance(answer.exception, CristaeError):
        raise answer.exception
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_a_zip_of_some_images(tmp_path: Path) -> None:
    run("export", "Liver", "--out", tmp_path / "a.zip", "--split", "train", "--include", "label-png")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        names = {name.split("/", 1)[1] for name in archive.namelist()}
        manifest = json.loads(archive.read(next(name for name in archive.namelist() if name.endswith(".json"))))
    label_maps = {"label_maps_png/Liver_1.png", "label_maps_png/vol_z0.png"}
    assert names == {"README.txt", "manifest.csv", "manifest.json"} | label_maps
    assert [image["name"] for image in manifest["images"]] == ["Liver 1.tif", "vol z0", "vol z1", "vol z2"]


def test_a_dataset_folder_of_a_stack(tmp_path: Path) -> None:
    run("export", "Liver", "--out", tmp_path / "set", "--as", "dataset", "--stack", "vol")
    dataset = open_dataset(tmp_path / "set")
    assert [case.name for case in dataset.cases] == ["vol_z0", "vol_z1", "vol_z2"]
    assert {case.facts.stack for case in dataset.cases if case.facts} == {"vol"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("export", "Kidney", "--out", "x.zip"), "no project 'Kidney'"),
        (("export", "Liver", "--out", "x.zip", "--image", "none.tif"), "no image 'none.tif'"),
        (("export", "Liver", "--out", "x.zip", "--stack", "none"), "No image of the project Liver matches"),
        (("export", "Liver", "--out", "x.zip", "--labels", "none"), "no label maps named 'none'"),
        (("export", "Liver", "--out", "there.zip"), "exists already"),
        (("export", "Liver", "--out", "full"), "exists already"),
    ],
)
def test_what_cannot_be_exported_is_explained(
    tmp_path: Path, arguments: tuple[str, ...], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.zip").write_bytes(b"mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_bytes(b"mine")
    with pytest.raises(CristaeError, match=says):
        run(*arguments)
    assert (tmp_path / "there.zip").read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "full", "there.zip"]
