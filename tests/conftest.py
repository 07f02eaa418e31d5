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


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--failed-to FILE`: names of the tests that failed, one a line."""
    parser.addoption("--failed-to", type=Path, help="write the names of the tests that failed here, one a line")


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember a test of which any phase failed."""
    if report.failed:
        _failed[report.nodeid] = None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what failed."""
    path: Path | None = session.config.getoption("--failed-to")
    if path is not None:
        path.write_text("".join(f"{name}\n" for name in _failed), "utf-8")


_failed: dict[str, None] = {}
