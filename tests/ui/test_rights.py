"""Pages change nothing by themselves: whoever asks is named, and core asks for their rights at that moment."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from core.settings import ROOT

BY_THE_PROGRAM = {"time_training"}
"""Jobs that a page begins without anybody asking."""

CHANGING = frozenset(
    {
        "create_project", "update_project", "delete_project", "update_image", "set_pixel_size", "trash_images",
        "restore_images", "delete_image", "set_default", "rename", "archive", "trash", "restore", "give_to",
        "set_object_rules", "delete",
    }
)  # fmt: skip
"""Methods of the store and of the model store that ask nobody."""


def calls() -> Iterator[tuple[Path, ast.Call]]:
    for folder in ("ui", "pages"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    yield path.relative_to(ROOT), node


def test_every_job_of_a_page_is_asked_for_by_somebody() -> None:
    wrong = []
    for path, call in calls():
        if isinstance(call.func, ast.Name) and call.func.id == "submit":
            kind = call.args[0].value if isinstance(call.args[0], ast.Constant) else ""
            if "by" not in {each.arg for each in call.keywords} and kind not in BY_THE_PROGRAM:
                wrong.append(f"{path}:{call.lineno}")
    assert wrong == []


def test_no_page_changes_the_store_without_asking_for_rights() -> None:
    wrong = []
    for path, call in calls():
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in CHANGING:
            continue
        source = ast.unparse(call.func.value)
        if source.endswith(("store()", "models()")) and (path.name, call.func.attr) != ("context.py", "create_project"):
            wrong.append(f"{path}:{call.lineno} {source}.{call.func.attr}")
    assert wrong == []
