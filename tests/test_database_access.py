"""The database belongs to the store: others ask its parts, and know neither SQL nor rows."""

from __future__ import annotations

import ast
from pathlib import Path

from core.settings import ROOT

TABLES = frozenset(
    f"core.store.{path.stem}"
    for path in (ROOT / "core/store").glob("*.py")
    if "__tablename__ = " in path.read_text("utf-8")
)
"""Modules with row classes."""

LIBRARIES = ("sqlalchemy", "alembic")


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_only_the_store_knows_rows_and_sql() -> None:
    knowing = set()
    for folder in ("core", "ui", "pages", "cristae"):
        for path in (ROOT / folder).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            if name.startswith("core/store/"):
                continue
            if any(module in TABLES or module.split(".")[0] in LIBRARIES for module in _imports(path)):
                knowing.add(name)
    assert not knowing
