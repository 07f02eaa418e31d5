"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED_DATA = Path(os.environ.get("CRISTAE_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
os.environ.pop("CRISTAE_TEST_DATA", None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real micrographs with labels; a test that needs them is skipped where they are absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real micrographs are not on this machine (set CRISTAE_TEST_DATA to their folder)")
    return SHARED_DATA


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: quick answers first, and Playwright's event loop stays open once it is there."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
