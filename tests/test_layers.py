"""Imports run one way, and the server process stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

ALLOWED = {"core": {"core"}, "ui": {"core", "ui"}, "pages": {"core", "ui"}}
"""Folder to the project's folders that it may import."""

PURE = ("imaging", "labels", "segmentation", "evaluation", "morphometry", "objects", "phantom", "training")
"""Parts of core that know no database, no jobs and no routes."""


def _imports(path: Path) -> set[str]:
    """Every module that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("folder", ALLOWED)
def test_a_folder_imports_only_what_lies_below_it(folder: str) -> None:
    forbidden = {"core", "ui", "pages", "app"} - ALLOWED[folder]
    for path in (ROOT / folder).rglob("*.py"):
        wrong = {name for name in _imports(path) if name.split(".")[0] in forbidden}
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


def test_core_knows_no_streamlit() -> None:
    for path in (ROOT / "core").rglob("*.py"):
        wrong = {name for name in _imports(path) if name.split(".")[0] == "streamlit"}
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


@pytest.mark.parametrize("part", PURE)
def test_pure_parts_know_neither_store_nor_jobs_nor_routes(part: str) -> None:
    for path in (ROOT / "core" / part).rglob("*.py"):
        wrong = {
            name for name in _imports(path) if name.startswith(("core.store", "core.jobs", "core.web", "core.cli"))
        }
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


def test_the_server_process_imports_neither_torch_nor_nnunet_nor_openvino() -> None:
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for folder in ("ui", "core/web", "core/store", "core/jobs")
        for path in (ROOT / folder).rglob("*.py")
        if path.name not in ("__main__.py", "main.py") and "alembic" not in path.parts
    ]
    code = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name.removesuffix('.__init__'))\n"
        "heavy = {'torch', 'nnunetv2', 'openvino', 'torchvision'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
