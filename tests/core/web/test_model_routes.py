"""Models to take away: what arrives can be used, torch stays out of the server, nothing is left behind."""

from __future__ import annotations

import io
import shutil
import zipfile
from functools import partial
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.exchange.bundle import import_bundle
from core.models.store import STARTER_ID, ModelStore
from core.settings import ROOT, Settings
from core.web.download_slots import DownloadSlots, downloading
from core.web.models import model_routes
from tests.models import write_model


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", models_dir=tmp_path / "models", min_free_bytes=0)


@pytest.fixture
def client(settings: Settings) -> TestClient:
    downloads = partial(downloading, slots=DownloadSlots(), settings=settings)
    return TestClient(Starlette(routes=model_routes(settings, downloads)))


def test_a_bundle_arrives_and_can_be_imported(tmp_path: Path, settings: Settings, client: TestClient) -> None:
    model = write_model(settings.models_dir / "tiny", warning="Only for tests.")
    answer = client.get("/api/models/tiny/download/bundle")
    assert answer.status_code == 200
    assert "tiny-cristae-model.zip" in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"
    (tmp_path / "got.zip").write_bytes(answer.content)
    back = import_bundle(tmp_path / "got.zip", ModelStore(tmp_path / "other"))
    assert back.card == model.card
    assert list((settings.data_dir / "tmp").iterdir()) == []


def test_the_nnunet_zip_is_made_in_another_process(settings: Settings, client: TestClient) -> None:
    shutil.copytree(ROOT / "models" / STARTER_ID, settings.models_dir / STARTER_ID)
    answer = client.get(f"/api/models/{STARTER_ID}/download/nnunet.zip")
    assert answer.status_code == 200, answer.text
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert {name.rsplit("/", 1)[1] for name in names} >= {"plans.json", "dataset.json", "checkpoint_final.pth"}
    assert list((settings.data_dir / "tmp").iterdir()) == []


def test_an_export_that_fails_says_why_and_leaves_nothing(settings: Settings, client: TestClient) -> None:
    weights = write_model(settings.models_dir / "tiny").weights(0)
    weights.write_bytes(weights.read_bytes().replace(b'"F32"', b'"X32"'))  # noticed by the child only
    answer = client.get("/api/models/tiny/download/nnunet.zip")
    assert answer.status_code == 400
    assert "could not be written for nnU-Net" in answer.json()["cause"]
    assert "bundle" in answer.json()["remedy"]
    assert list((settings.data_dir / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("tiny/download/other", 404),
        ("none/download/bundle", 404),
        ("..%2Fup/download/bundle", 404),
        ("UP/download/bundle", 400),
    ],
)
def test_what_is_not_there_is_refused(settings: Settings, client: TestClient, path: str, status: int) -> None:
    write_model(settings.models_dir / "tiny")
    assert client.get(f"/api/models/{path}").status_code == status
