"""Imports run one way, and the server process stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

LAYERS = (
    ("core",),  # the package itself: its version
    ("core.cache", "core.errors", "core.program", "core.scratch", "core.wording"),
    ("core.label_scheme", "core.files", "core.settings", "core.spreadsheets"),
    ("core.processes",),
    ("core.outside", "core.remote"),
    # pixels, label maps, dataset folders, figures
    ("core.imaging",),
    ("core.labels",),
    ("core.datasets",),
    ("core.phantom", "core.evaluation"),
    ("core.morphometry",),
    ("core.objects", "core.familiarity"),
    ("core.figures",),
    # networks, still without a database
    ("core.models",),
    ("core.segmentation",),
    ("core.training",),
    ("core.exchange",),
    # what is stored, who may see it, what shall be done
    ("core.store",),
    ("core.access",),
    ("core.jobs",),
    # what people do with what is stored
    ("core.review",),
    ("core.learning",),
    ("core.annotation", "core.predictions", "core.evaluations", "core.measurements"),
    ("core.exports",),
    ("core.rounds", "core.projects"),
    ("core.demo",),
    ("core.batches",),
    ("core.curation",),
    ("core.transfers",),
    ("core.catalogue",),
    # processes and faces
    ("core.engine",),
    ("core.engine.tasks",),
    ("core.doctor",),
    ("core.web",),
    ("core.cli",),
    ("core.__main__",),
)
"""From the bottom up: a folder imports from layers below its own, never from one beside it or above. No exceptions."""

PURE = tuple(folder for layer in LAYERS[: LAYERS.index(("core.store",))] for folder in layer)
"""Folders that know no database, no jobs and no routes."""

PAGE_FOLDERS = frozenset(path.name.removesuffix("_page.py") for path in (ROOT / "pages").glob("*_page.py"))
"""Folders of ui that belong to one page each."""


def _modules(*folders: str) -> Iterator[tuple[str, Path]]:
    """Every module of these folders by its dotted name."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def _imports(path: Path) -> set[str]:
    """Every module, and every name of one, that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _folder(name: str) -> str:
    """The folder of the table that a module, or a name in one, belongs to: the longest that fits."""
    fitting = [folder for layer in LAYERS for folder in layer if name == folder or name.startswith(f"{folder}.")]
    return max(fitting, key=len)


def test_core_imports_only_from_layers_below() -> None:
    number = {folder: place for place, layer in enumerate(LAYERS) for folder in layer}
    wrong = []
    for name, path in _modules("core"):
        if "alembic" in path.parts:
            continue
        own = _folder(name)
        for imported in _imports(path):
            if imported.split(".")[0] in ("ui", "pages", "app", "streamlit"):
                wrong.append(f"{name} imports {imported}")
            elif imported.split(".")[0] == "core":
                other = _folder(imported)
                if other != own and number[other] >= number[own]:
                    wrong.append(f"{name} imports {imported}, of {other}, which does not lie below {own}")
    assert not wrong, "\n".join(wrong)


def test_every_folder_of_core_has_its_layer() -> None:
    known = {folder for layer in LAYERS for folder in layer}
    there = {".".join(name.split(".")[:2]) for name, _ in _modules("core")}
    assert there == {folder for folder in known if folder.count(".") < 2}


@pytest.mark.parametrize("part", PURE)
def test_pure_parts_know_no_database_and_no_web_server(part: str) -> None:
    libraries = {"sqlalchemy", "alembic", "starlette", "distributed", "dask"}
    for name, path in _modules("core"):
        if _folder(name) == part:
            wrong = {imported for imported in _imports(path) if imported.split(".")[0] in libraries}
            assert not wrong, f"{name} imports {wrong}"


def test_the_dashboard_imports_core_and_itself_only() -> None:
    for name, path in _modules("ui", "pages"):
        wrong = {imported for imported in _imports(path) if imported.split(".")[0] in ("pages", "app")}
        assert not wrong, f"{name} imports {wrong}"


def test_the_python_face_lies_on_core_and_nothing_lies_on_it() -> None:
    for name, path in _modules("cristae"):
        wrong = {
            imported for imported in _imports(path) if imported.split(".")[0] in ("ui", "pages", "app", "streamlit")
        }
        assert not wrong, f"{name} imports {wrong}"
    for name, path in _modules("core", "ui", "pages"):
        assert "cristae" not in {imported.split(".")[0] for imported in _imports(path)}, name


def test_panels_of_a_page_are_used_by_that_page_only() -> None:
    wrong = []
    for name, path in _modules("ui", "pages"):
        parts = name.split(".")
        own = parts[1].removesuffix("_page") if len(parts) > 1 else ""
        for imported in _imports(path):
            above = imported.split(".")
            if above[0] == "ui" and len(above) > 1 and above[1] in PAGE_FOLDERS and above[1] != own:
                wrong.append(f"{name} imports {imported}: what several pages share lies in ui/parts")
    assert not wrong, "\n".join(wrong)


def test_the_server_process_imports_neither_torch_nor_nnunet_nor_openvino() -> None:
    kept_out = ("core.engine.tasks", "core.engine.worker", "core.engine.serve")
    modules = [
        name
        for name, path in _modules("ui", "core/web", "core/store", "core/jobs", "core/engine")
        if not name.startswith(kept_out) and path.name not in ("__main__.py", "main.py") and "alembic" not in path.parts
    ]
    code = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "heavy = {'torch', 'nnunetv2', 'openvino', 'torchvision'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
