"""A store in a folder of its own, for every part of core that has no fixture of its own for that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import core.engine.runner as runner
from core.settings import Settings, load_settings
from core.store import Store
from tests.core.networks import section, tiny_model, training_pair, weights  # noqa: F401 - fixtures


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings for an empty data folder and model store."""
    return load_settings(data_dir=tmp_path / "data", models_dir=tmp_path / "models", min_free_bytes=0)


@pytest.fixture
def store(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An open, empty store, also the process's for jobs."""
    opened = Store(settings)
    monkeypatch.setattr(runner, "current_store", lambda: opened)
    yield opened
    opened.close()
