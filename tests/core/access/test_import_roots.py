"""What a browser may name on the server: the folders of the settings, where paths really lead, and who may."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

import core.engine.runner as runner
from core.access.import_roots import allowed_path, may_name_paths
from core.access.roles import Role, set_member
from core.datasets.import_case import ImportCase
from core.errors import AccessError, NotFoundError, SettingsError
from core.label_scheme import LabelScheme
from core.settings import Access, Settings, load_settings
from core.store.import_batch import Part, new_batch
from core.store.records import JobRecord
from core.store.store import Store
from tests.core.evaluations.conftest import run_job as run_in
from tests.jobs import submit

links = pytest.mark.skipif(os.name == "nt", reason="links need a right there")


def settings_for(folder: Path, *roots: Path, access: Access = Access.ROLES) -> Settings:
    return Settings(
        data_dir=folder / "data", models_dir=folder / "models", min_free_bytes=0, access=access, admins="Root",
        import_roots=os.pathsep.join(map(str, roots)),
    )  # fmt: skip


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """A folder of images that may be read, beside one that may not."""
    for name in ("share", "secret"):
        (tmp_path / name / "deep").mkdir(parents=True)
        tifffile.imwrite(tmp_path / name / "a.tif", np.arange(64, dtype=np.uint8).reshape(8, 8) + len(name))
    return tmp_path / "share"


@pytest.mark.parametrize("name", ["a.tif", "deep", "missing.tif", ".", "deep/../a.tif"])
def test_what_lies_inside_may_be_named(tmp_path: Path, share: Path, name: str) -> None:
    settings = settings_for(tmp_path, share)
    assert allowed_path(settings, str(share / name)) == (share / name).resolve()


@pytest.mark.parametrize(
    "name", ["../secret/a.tif", "../secret", "..", "/etc/passwd", "deep/../../secret/a.tif", "../shared", "~", "a\0b"]
)
def test_what_lies_outside_is_refused_in_the_same_words(tmp_path: Path, share: Path, name: str) -> None:
    """Whether it is there is not said either."""
    settings = settings_for(tmp_path, share)
    with pytest.raises(AccessError) as refused:
        allowed_path(settings, name if name.startswith(("/", "~")) else f"{share}/{name}")
    assert "secret" not in refused.value.remedy
    assert "exist" not in str(refused.value)


@links
def test_links_out_of_the_roots_are_refused_wherever_they_are(tmp_path: Path, share: Path) -> None:
    settings = settings_for(tmp_path, share)
    (share / "deep" / "inside.tif").symlink_to(share / "a.tif")
    assert allowed_path(settings, share / "deep" / "inside.tif") == share / "a.tif"
    assert allowed_path(settings, share) == share
    (share / "deep" / "out.tif").symlink_to(tmp_path / "secret" / "a.tif")
    for path in (share / "deep" / "out.tif", share / "deep", share):
        with pytest.raises(AccessError, match=r"out\.tif"):
            allowed_path(settings, path)
    (share / "deep" / "out.tif").unlink()
    (share / "ring").symlink_to(share / "ring")
    with pytest.raises(AccessError):
        allowed_path(settings, share / "ring")


@links
def test_a_root_may_be_a_link_itself(tmp_path: Path, share: Path) -> None:
    (tmp_path / "mount").symlink_to(share)
    assert allowed_path(settings_for(tmp_path, tmp_path / "mount"), tmp_path / "mount" / "a.tif") == share / "a.tif"


def test_the_folders_of_cristae_are_closed_even_inside_a_root(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, tmp_path)
    for name in ("data/images/x", "data/engine/engine.json", "models/liver", "data"):
        with pytest.raises(AccessError):
            allowed_path(settings, tmp_path / name)
    batch = new_batch(settings)
    assert allowed_path(settings, batch.path / "images" / "a.tif", own=[batch.path])


def test_with_roles_it_is_off_and_with_open_access_everything_may_be_read(tmp_path: Path, share: Path) -> None:
    with pytest.raises(AccessError):
        allowed_path(settings_for(tmp_path), share / "a.tif")
    opened = settings_for(tmp_path, access=Access.OPEN)
    assert allowed_path(opened, share / "a.tif") == share / "a.tif"
    limited = settings_for(tmp_path, share / "deep", access=Access.OPEN)
    with pytest.raises(AccessError):
        allowed_path(limited, share / "a.tif")


@pytest.mark.parametrize("text", ["share", "./x", os.pathsep.join(["/a", "b"])])
def test_a_root_is_a_whole_path(text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CRISTAE_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("CRISTAE_IMPORT_ROOTS", text)
    with pytest.raises(SettingsError, match="IMPORT_ROOTS"):
        load_settings()


def run_job(store: Store, row: JobRecord, patch: pytest.MonkeyPatch) -> JobRecord:
    """The job, run to its end in this process."""
    patch.setattr(runner, "current_store", lambda: store)
    return run_in(store, row)


class Lab:
    """A project with a member of each role, on a server that may read `share`."""

    def __init__(self, folder: Path, *roots: Path) -> None:
        self.store = Store(settings_for(folder, *roots))
        self.project = self.store.projects.create("Liver", LabelScheme.from_names({"mitochondria": 1}))
        for role in Role:
            set_member(self.store, self.project.id, role.value, role, by="Root")

    def params(self, kind: str, path: Path) -> dict[str, Any]:
        case = {"image_path": str(path), "paths": [str(path)]} if kind == "import_predictions" else None
        if kind == "import_cases":
            case = ImportCase("a", path).to_json()
        named = {"cases": [case]} if case else {"path": str(path)}
        return {"project_id": self.project.id, **named}


@pytest.fixture
def lab(tmp_path: Path, share: Path) -> Iterator[Lab]:
    made = Lab(tmp_path, share)
    yield made
    made.store.close()


KINDS = ("ingest", "import_cases", "import_predictions", "import_model")


@pytest.mark.parametrize("kind", KINDS)
def test_only_admins_name_paths_and_only_inside(lab: Lab, share: Path, kind: str) -> None:
    for role in Role:
        if role is not Role.ADMIN:
            with pytest.raises(AccessError):
                submit(kind, lab.params(kind, share / "a.tif"), by=role.value, store=lab.store)
    for person in ("admin", "Root"):
        row = submit(kind, lab.params(kind, share / "a.tif"), by=person, store=lab.store)
        assert (row.author, row.params["fenced"]) == (person, True)
    with pytest.raises(AccessError, match="may not be read"):
        submit(kind, lab.params(kind, share.parent / "secret" / "a.tif"), by="admin", store=lab.store)
    # the program itself, and the command line, are not concerned
    assert "fenced" not in submit(kind, lab.params(kind, share.parent / "secret" / "a.tif"), store=lab.store).params


def test_nobody_names_paths_where_it_is_off(tmp_path: Path, share: Path) -> None:
    lab = Lab(tmp_path)
    assert not may_name_paths(lab.store, "Root", lab.project.id)
    for kind in KINDS:
        with pytest.raises(AccessError, match="is disabled"):
            submit(kind, lab.params(kind, share / "a.tif"), by="Root", store=lab.store)
    lab.store.close()


def test_dropped_files_need_no_root(tmp_path: Path, share: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(tmp_path)
    batch = new_batch(lab.store.settings, by="annotator")
    path = batch.path / Part.IMAGES.value / "a.tif"
    path.write_bytes((share / "a.tif").read_bytes())
    params = {**lab.params("import_cases", path), "batch_id": batch.id}
    done = run_job(lab.store, submit("import_cases", params, by="annotator", store=lab.store), monkeypatch)
    assert [each["outcome"] for each in done.result["outcomes"]] == ["imported"]
    with pytest.raises(NotFoundError, match="You have no batch"):
        submit("import_cases", params, by="reviewer", store=lab.store)
    other = new_batch(lab.store.settings, by="annotator")
    with pytest.raises(AccessError):
        submit(
            "import_cases", {**lab.params("import_cases", path), "batch_id": other.id}, by="annotator", store=lab.store
        )
    lab.store.close()


@links
@pytest.mark.parametrize("kind", KINDS)
def test_a_link_that_comes_after_asking_is_not_followed(
    lab: Lab, share: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = share / "b.tif"
    path.write_bytes((share / "a.tif").read_bytes())
    params = lab.params(kind, path)
    if kind == "import_predictions":
        image = run_job(
            lab.store, submit("ingest", lab.params("ingest", share / "a.tif"), store=lab.store), monkeypatch
        )
        params["cases"][0] |= {"image_id": image.result["image_ids"][0], "image_name": "a", "shape_yx": [8, 8]}
    row = submit(kind, params, by="admin", store=lab.store)
    path.unlink()
    path.symlink_to(share.parent / "secret" / "a.tif")
    done = run_job(lab.store, row, monkeypatch)
    told = f"{done.error_cause} {done.result}"
    assert "may not be read" in told
    assert "imported" not in told


def test_a_job_names_nothing_of_another_project(lab: Lab, share: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = lab.store.projects.create("Other", lab.project.scheme)
    params = {**lab.params("ingest", share / "a.tif"), "project_id": other.id}
    image_id = run_job(lab.store, submit("ingest", params, store=lab.store), monkeypatch).result["image_ids"][0]
    named: dict[str, dict[str, Any]] = {
        "train": {"image_ids": [image_id]},
        "import_predictions": {"cases": [{"image_id": image_id}]},
        "clean": {"image_id": image_id},
        "measure": {"revision_ids": [image_id]},
    }
    for kind, values in named.items():
        with pytest.raises(NotFoundError, match="in this project"):
            submit(kind, {"project_id": lab.project.id, **values}, by="admin", store=lab.store)
