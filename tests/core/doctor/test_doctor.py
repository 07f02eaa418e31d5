"""What the doctor says of access."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.doctor.doctor import Level, examine


@pytest.mark.parametrize(
    ("variables", "level", "words"),
    [
        ({}, Level.OK, "everyone"),
        ({"ACCESS": "roles"}, Level.NOTE, "admins is empty"),
        ({"ACCESS": "roles", "ADMINS": "Root"}, Level.NOTE, "that people choose"),
        ({"ACCESS": "roles", "ADMINS": "Root", "PERSON_HEADER": "X-User"}, Level.OK, "X-User"),
    ],
    ids=["open", "nobody", "believed", "proxy"],
)
def test_access_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], level: Level, words: str
) -> None:
    monkeypatch.setenv("CRISTAE_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("core.doctor.doctor._devices", list)
    for name, value in variables.items():
        monkeypatch.setenv(f"CRISTAE_{name}", value)
    (finding,) = [each for each in examine() if each.what == "access"]
    assert finding.level is level
    assert words in finding.detail


def test_a_check_that_fails_is_a_finding_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(*_: object) -> None:
        raise LookupError("nobody thought of this")

    monkeypatch.setattr("core.doctor.doctor._database", odd)
    findings = {finding.what: finding for finding in examine()}
    assert findings["database"].level is Level.PROBLEM
    assert "nobody thought of this" in findings["database"].detail
    assert "models" in findings
