"""A store in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import Settings, load_settings
from core.store import Store


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings for an empty data folder."""
    return load_settings(data_dir=tmp_path / "data", min_free_bytes=0)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """An open, empty store."""
    opened = Store(settings)
    yield opened
    opened.close()
