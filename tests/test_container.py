"""The container's files, as far as they can be checked without Docker."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from core.settings import ROOT


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = [re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)", line) for line in lines]
    return {re.sub(r"[-_.]+", "-", match[1]).lower(): match[2] for match in found if match}


def test_every_package_but_torch_is_checked_by_its_hash() -> None:
    hashed, constraints = pins("requirements.hashes.txt"), pins("constraints.txt")
    assert set(pins("requirements.txt")) - {"torch"} <= set(hashed)
    others = {name: version for name, version in hashed.items() if constraints.get(name) != version}
    assert set(others) <= {"setuptools"}, "constraints.txt leaves out what comes with pip"
    lines = (ROOT / "requirements.hashes.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"\S+==\S+ --hash=sha256:[0-9a-f]{64}", line) for line in lines if line[0] != "#")
    assert not any(name.startswith(("torch", "nvidia", "triton")) for name in hashed)


def test_the_image_runs_as_nobody_special_and_watches_its_health() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER cristae$", text, re.MULTILINE)
    assert "--require-hashes --no-deps" in text
    assert "/healthz" in text
    assert "FROM ${BASE}" in text
    copied = set(re.findall(r"^COPY (?!\.streamlit)(\w+) \w+$", text, re.MULTILINE))
    assert {"core", "ui", "pages", "models"} <= copied


def test_everything_that_is_copied_is_there_and_everything_that_is_imported_is_copied() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    sources = [source for line in re.findall(r"^COPY (.+)$", text, re.MULTILINE) for source in line.split()[:-1]]
    assert [source for source in sources if not (ROOT / source).exists()] == []
    ignored = set((ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines())
    assert not ignored & set(sources)
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"pages"}
    assert packages - {"benchmarks", "tests", "tools"} <= set(sources)


def test_the_commands_of_the_image_are_there() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for words in re.findall(r"python -m core (\w+)", text):
        assert (ROOT / "core" / "cli" / f"{words}.py").is_file()
    assert "streamlit run app.py" in text
    assert 'Route("/healthz"' in "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "core" / "web").glob("*.py")
    )


@pytest.mark.parametrize(
    "line",
    [
        "read_only: true", "cap_drop: [ALL]", 'security_opt: ["no-new-privileges:true"]', 'user: "1000"',
        "pids_limit: 1024", "mem_limit: ${CRISTAE_MEMORY:-12g}", '- "127.0.0.1:8501:8501"',
    ],
)  # fmt: skip
def test_the_service_may_do_little(line: str) -> None:
    lines = [each.strip() for each in (ROOT / "compose.yaml").read_text(encoding="utf-8").splitlines()]
    assert line in lines


def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", ROOT / "tools" / "audit.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("code", "out", "err", "expected", "told"),
    [
        (0, "No known vulnerabilities found\n", "", 0, "No known"),
        (1, "Found 1 known vulnerability\nnumpy 1.0 X-1\n", "", 1, "numpy"),
        (1, "", "requests.exceptions.ConnectionError: Max retries exceeded", 0, "audit skipped"),
        (2, "", "error: no such option", 1, ""),
    ],
    ids=["nothing", "something", "offline", "broken"],
)
def test_the_audit_says_what_is_known_and_fails_only_then(
    code: int, out: str, err: str, expected: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    module = audit()
    monkeypatch.setattr(module, "command", lambda: ["pip-audit"])
    answer = subprocess.CompletedProcess([], code, out, err)
    monkeypatch.setattr(module.subprocess, "run", lambda *_, **__: answer)
    assert module.main() == expected
    assert told in capsys.readouterr().out


def test_without_the_tool_the_audit_is_skipped_with_a_notice(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    module = audit()
    monkeypatch.setattr(module, "command", lambda: None)
    assert module.main() == 0
    assert "not installed" in capsys.readouterr().out


def test_where_the_audit_is_required_a_skip_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    module = audit()
    monkeypatch.setattr(module, "command", lambda: None)
    monkeypatch.setenv("CRISTAE_AUDIT", "required")
    assert module.main() == 2
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert "pip install --quiet pip-audit" in workflow, "else the check of CI skips itself"
    assert "CRISTAE_AUDIT: required" in workflow


def test_the_audit_is_a_program() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "audit.py")], capture_output=True, env={"PATH": ""})
    assert done.returncode == 0
    assert Path(ROOT / "tools" / "freeze_hashes.py").is_file()
