"""A fresh data folder, and the app in it, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.imaging.image import Image, PixelSize
from core.label_scheme import DEFAULT_SCHEME
from core.settings import ROOT, current_settings
from core.store.records import ImageRecord
from core.store.store import Store, current_store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The process's store, empty; the model store too."""
    monkeypatch.setenv("CRISTAE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CRISTAE_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("CRISTAE_CONFIG", str(tmp_path / "none.toml"))
    current_settings.cache_clear()
    yield current_store()
    current_store().close()
    current_settings.cache_clear()


@pytest.fixture
def image(store: Store) -> ImageRecord:
    """A small micrograph of known pixel size."""
    project = store.projects.create("My images", DEFAULT_SCHEME, None)
    pixels = np.arange(64 * 96, dtype=np.uint16).reshape(64, 96)
    return store.images.add(project.id, Image(pixels, PixelSize.from_user(8.0), "liver *1*.tif"))


@pytest.fixture
def app(store: Store) -> AppTest:
    """The app on its first page."""
    return AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=20).run()


def open_page(app: AppTest, script: str, **query: str) -> AppTest:
    """Go to a page with parameters in the address."""
    for name, value in query.items():
        app.query_params[name] = value
    return app.switch_page(f"../pages/{script}").run()


def texts(app: AppTest) -> str:
    """Everything written on the page."""
    kinds = ("markdown", "caption", "error", "info", "success", "warning", "title", "subheader")
    return "\n".join(str(element.value) for kind in kinds for element in getattr(app, kind))
