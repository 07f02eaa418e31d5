"""A store whose catalogue names a server of this machine, and models to fetch from there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from core.catalogue.catalogue import read_catalogue
from core.catalogue.entry import Entry
from core.exchange.bundle import export_bundle
from core.models.store import ModelStore
from core.settings import Settings, load_settings
from core.store import Store
from tests.core.remote.server import FileServer, Served, serving
from tests.models import write_loadable_model


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving() as here:
        yield here


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(
        data_dir=tmp_path / "data",
        models_dir=tmp_path / "models",
        catalogue=str(tmp_path / "catalogue.json"),
        min_free_bytes=0,
    )


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    opened = Store(settings)
    yield opened
    opened.close()


@pytest.fixture
def models(settings: Settings) -> ModelStore:
    return ModelStore(settings.models_dir)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A model that works, as a file."""
    folder = tmp_path_factory.mktemp("bundle")
    return export_bundle(write_loadable_model(folder / "liver"), folder / "liver.zip").read_bytes()


def file_of(server: FileServer, name: str, content: bytes, **how: Any) -> dict[str, Any]:
    """A file of an entry, given by the server."""
    server.files[f"/{name}"] = Served(content, **how)
    return {
        "name": name,
        "url": f"{server.url}/{name}",
        "size_bytes": len(content),
        "sha256": sha256(content).hexdigest(),
    }


def entry_values(files: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    return {
        "id": "liver",
        "name": "Human liver",
        "kind": "bundle",
        "licence": "CC BY 4.0",
        "tissue": ["human liver"],
        "classes": ["mitochondria"],
        "citation": "Doe 2026",
        "files": files,
        **changes,
    }


def write_catalogue(settings: Settings, *entries: dict[str, Any]) -> Entry:
    """The administrator's list; its first entry as it is read."""
    content = {"catalogue_version": 1, "entries": list(entries)}
    Path(settings.catalogue).write_text(json.dumps(content), encoding="utf-8")
    return read_catalogue(settings).get(entries[0]["id"])
