"""``segment --project``: files are queued as if they were dropped, and the command need not stay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

import core.cli.segment_project as segment_project
from core.cli.app import app
from core.cli.console import UsageError
from core.errors import ImageError, NotFoundError
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.jobs.rows import jobs
from core.label_scheme import DEFAULT_SCHEME
from core.settings import current_settings
from core.store.records import RevisionKind
from core.store.store import Store, current_store
from tests.models import write_model


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The process's store, with a model and a project; no engine is started."""
    monkeypatch.setenv("CRISTAE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CRISTAE_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("CRISTAE_CONFIG", str(tmp_path / "none.toml"))
    current_settings.cache_clear()
    monkeypatch.setattr(segment_project, "ensure_engine", lambda settings: None)
    write_model(tmp_path / "models" / "tiny")
    opened = current_store()
    opened.projects.create("Liver", DEFAULT_SCHEME)
    yield opened
    opened.close()
    current_settings.cache_clear()


def run(*arguments: str) -> None:
    """The command; what it raises is raised."""
    result = CliRunner().invoke(app, ["segment", *arguments], catch_exceptions=False)
    if result.exception:
        raise result.exception


def test_files_are_queued_into_the_project(store: Store, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.tif" for number in range(2)]
    for path in paths:
        tifffile.imwrite(path, np.ones((8, 8), np.uint8))
    run(*map(str, paths), "--project", "Liver", "--as", "Ada", "--pixel-size", "5", "--step", "0.75")
    rows = jobs(kinds=["ingest"])
    assert {row.params["path"] for row in rows} == {str(path) for path in paths}
    assert {row.batch_id for row in rows} == {rows[0].batch_id}
    params = rows[0].params
    assert (params["then"]["model_id"], params["then"]["step"], params["pixel_size_nm"]) == ("tiny", 0.75, 5.0)
    assert rows[0].author == "Ada"


def test_a_missing_file_queues_nothing(store: Store, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.ones((8, 8), np.uint8))
    with pytest.raises(ImageError, match="no file"):
        run(str(tmp_path / "a.tif"), str(tmp_path / "b.tif"), "--project", "Liver")
    assert jobs() == ()


def test_what_does_not_go_together_is_refused(store: Store, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.ones((8, 8), np.uint8))
    with pytest.raises(UsageError, match="--out cannot be used with --project"):
        run(str(tmp_path / "a.tif"), "--project", "Liver", "--out", "x.tif")
    with pytest.raises(UsageError, match="No output is specified"):
        run(str(tmp_path / "a.tif"))
    with pytest.raises(NotFoundError):
        run(str(tmp_path / "a.tif"), "--project", "Kidney")
    assert jobs() == ()


def test_what_a_new_pixel_size_makes_outdated_is_said_before_anything_is_queued(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Label maps of an image without a pixel size became outdated without a word."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.arange(64, dtype=np.uint8).reshape(8, 8))
    project = store.projects.all()[0]
    image = store.images.add(project.id, Image(np.arange(64, dtype=np.uint8).reshape(8, 8), name="old"))
    details = {"summary": {"pixel_size_nm": None, "seconds": 2.0, "shape_yx": [8, 8], "scale_factor": 1.0}}
    made = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id="tiny", details=details)
    write_label_pyramid(store.revisions.pyramid_path(made.id), np.zeros((8, 8), np.uint8), pixel_size_nm=None)
    store.revisions.complete(made.id)
    said = CliRunner().invoke(app, ["segment", str(path), "--project", "Liver", "--pixel-size", "0.005 µm"]).output
    said = " ".join(said.split())
    assert "a.tif: old already exists without a pixel size, which is set to 5 nm." in said
    assert "1 label map by models becomes outdated: segment the image again." in said
    assert len(jobs(kinds=["ingest"])) == 1
    store.images.set_pixel_size(image.id, PixelSize.from_user(5.0))
    said = CliRunner().invoke(app, ["segment", str(path), "--project", "Liver", "--pixel-size", "4"]).output
    assert "outdated" not in said  # a known size stays


def test_the_first_project_is_made_by_the_rule_of_the_page(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.ones((8, 8), np.uint8))
    with pytest.raises(NotFoundError, match="My images"):  # there is Liver already
        run(str(path), "--project", "My images")
    store.projects.delete(store.projects.all()[0].id)
    with pytest.raises(NotFoundError, match="has no projects") as refused:  # it only said "none yet"
        run(str(path), "--project", "Kidney")
    assert '--project "My images"' in refused.value.remedy
    run(str(path), "--project", "My images")
    assert [project.id for project in store.projects.all()] == [jobs(kinds=["ingest"])[0].params["project_id"]]
    made = store.projects.uploads_project()
    assert made is not None
    assert made.name == "My images"
