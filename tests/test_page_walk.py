"""What the walk over all pages takes for a fault in the browser's console."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tools.page_walk import note

POLICY = "Refused to load the script because it violates the following Content Security Policy directive"
MISSING = "Failed to load resource: the server responded with a status of 404 (Not Found)"


@pytest.mark.parametrize(
    ("kind", "text", "url", "is_fault"),
    [
        ("error", POLICY, "http://localhost:8501/correct", True),
        ("warning", f"[Report Only] {POLICY}", "http://localhost:8501/", True),
        ("error", "TypeError: x is undefined", "http://localhost:8501/viewer.js", True),
        ("error", MISSING, "http://localhost:8501/api/images/1/tile", True),
        ("error", MISSING, "http://localhost:8501/correct/_stcore/health", False),
        ("warning", "a slow frame", "http://localhost:8501/", False),
    ],
)
def test_errors_and_refusals_of_the_policy_are_faults(kind: str, text: str, url: str, is_fault: bool) -> None:
    message: Any = SimpleNamespace(type=kind, text=text, location={"url": url})
    found: list[str] = []
    note(found, message)
    assert bool(found) is is_fault
