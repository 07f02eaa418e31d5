"""The checks of JavaScript: pinned, nothing exempted, and never passed over in silence."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = [path for path in sorted((ROOT / "ui").glob("*/static/**/*.js")) if "vendor" not in path.parts]


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The tool, with nothing installed."""
    spec = importlib.util.spec_from_file_location("check_javascript", ROOT / "tools" / "check_javascript.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "STAMP", tmp_path / ".installed")
    monkeypatch.setattr(module, "find_node", lambda: ("/nowhere/node", "/nowhere/npm"))
    monkeypatch.delenv("CRISTAE_CHECK_JAVASCRIPT", raising=False)
    return module


def test_without_its_tools_the_check_is_skipped_loudly(check: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main() == 0
    said = capsys.readouterr().out
    assert "JavaScript was NOT checked: npm could not install TypeScript and Biome" in said
    assert not check.STAMP.exists()


@pytest.mark.parametrize(("wanted", "status"), [("required", 1), ("", 0)])
def test_where_it_is_required_a_check_that_cannot_run_fails(
    check: ModuleType, monkeypatch: pytest.MonkeyPatch, wanted: str, status: int
) -> None:
    monkeypatch.setenv("CRISTAE_CHECK_JAVASCRIPT", wanted)
    assert check.main() == status


@pytest.mark.parametrize("wrong", [(), ("types",), ("types", "lint")], ids=["nothing", "types", "both"])
def test_what_is_wrong_is_named_and_fails(
    check: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wrong: tuple[str, ...]
) -> None:
    class Done:
        def __init__(self, command: list[str], **_: object) -> None:
            self.name = next(
                name for name, (script, *_rest) in check.CHECKS.items() if command[1].endswith(Path(script).name)
            )

        def wait(self) -> int:
            return int(self.name in wrong)

    monkeypatch.setattr(check, "install_modules", lambda node: None)
    monkeypatch.setattr(check.subprocess, "Popen", Done)
    assert check.main() == int(bool(wrong))
    assert all(name in capsys.readouterr().out for name in wrong[:1])


def test_the_tools_are_pinned_exactly() -> None:
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    assert set(wanted) & {"dependencies", "scripts"} == set()
    for name, version in wanted["devDependencies"].items():
        assert re.fullmatch(r"[0-9]+(\.[0-9]+){2}", version), f"{name} {version} is no single version"
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    assert all(entry.get("integrity") for path, entry in lock["packages"].items() if path)


def test_no_module_is_left_out_of_the_checks() -> None:
    """Neither by a word in it nor by its folder."""
    config = json.loads((ROOT / "jsconfig.json").read_text(encoding="utf-8"))
    assert config["include"] == ["ui/*/static/**/*.js", "ui/types/*.d.ts"]
    assert config["exclude"] == ["ui/viewer/static/vendor"]
    assert config["compilerOptions"]["strict"] is config["compilerOptions"]["checkJs"] is True
    assert len(MODULES) > 80
    words = re.compile(r"@ts-(ignore|nocheck|expect-error)|biome-ignore|[{<(,|:] ?any\b ?[}>),|\[]")
    exempted = [
        f"{path.relative_to(ROOT)}: {hit.group()}" for path in MODULES if (hit := words.search(path.read_text("utf-8")))
    ]
    assert not exempted
