"""The database belongs to the store: others ask its parts, and know neither SQL nor rows."""

from __future__ import annotations

import ast
from pathlib import Path

from core.settings import ROOT

TABLES = ("core.store.tables", "core.store.review_tables", "core.store.round_tables")

STILL = {
    "core/access/models.py",
    "core/access/roles.py",
    "core/batches/followers.py",
    "core/batches/rows.py",
    "core/batches/start.py",
    "core/curation/images.py",
    "core/jobs/history.py",
    "core/jobs/rights.py",
    "core/jobs/rows.py",
    "core/jobs/task_kind.py",
    "core/jobs/transitions.py",
    "core/review/decisions.py",
    "core/review/double_annotation.py",
    "core/review/queue.py",
    "core/review/rows.py",
    "core/review/talk.py",
    "core/rounds/steps.py",
    "core/transfers/plan.py",
}
"""Modules that work on rows all the same: the queue of jobs, reviews, roles, batches, copies. It may only shrink."""


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
            if any(each in TABLES or each.split(".")[0] == "sqlalchemy" for each in _imports(path)):
                knowing.add(name)
    assert knowing == STILL
