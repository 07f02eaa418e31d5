"""Whatever the program remembers of data has a name and a limit in bytes: `core.cache`, and nothing beside it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parent.parent

OF_THE_PROGRAM: Final = {
    "core/imaging/overlay.py:_font": "8 sizes of the program's font",
    "core/jobs/plain_values.py:_hints": "types of the classes of parameters",
    "core/morphometry/measures.py:measures_of": "names and units of measures; 64 classes",
    "core/morphometry/measures.py:measures_to": "names and units of measures; 256 pairs of classes",
    "core/outside/wire.py:_adapter": "types of the program",
    "core/outside/wire.py:_hints": "types of the program",
    "core/segmentation/resampling.py:_cubic_weights": "weights of 8 sizes, in workers",
    "core/segmentation/tiling.py:tile_weights": "weights of 8 tile sizes, in workers",
    "cristae/segmentation.py:_predictor": "the one model of a script",
    "ui/guide/documents.py:document": "pages of the guide",
    "ui/viewer/assets.py:bundle_digest": "files of the program",
}
"""Functions with arguments that may remember their answers without a limit in bytes, and why: they hold no data."""

STATES: Final = {
    "core/access/refusals.py:_lately": "when somebody was refused last, at most as many as it says",
    "core/cache.py:_caches": "the caches themselves",
    "core/cache.py:_values": "the values of a cache",
    "core/engine/usage.py:_measured": "processes of running jobs",
    "core/evaluation/image_scores.py:_NOTHING": "a constant",
    "core/store/presence.py:_known": "files that must stay where they are",
    "core/store/store.py:_stores": "opened databases",
    "core/training/work_clock.py:_cores": "looks at the processor, at most 2,000",
    "core/web/access.py:_until": "until when a right counts, at most 4,096",
    "ui/parts/kept_dialog.py:_DIALOGS": "functions of the program",
}
"""Containers that grow while a process runs and are no memory of data, and why."""

FORGETFUL: Final = ("lru_cache", "cache", "cache_data", "cache_resource")
GROWING: Final = ("OrderedDict", "deque", "defaultdict", "WeakValueDictionary", "dict", "list", "set")


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the program by its path."""
    for folder in ("core", "ui", "pages", "cristae"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "alembic" not in path.parts:
                yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def name_of(node: ast.AST) -> str:
    """The last part of what is called or decorates: ``st.cache_data(...)`` is "cache_data"."""
    if isinstance(node, ast.Call):
        return name_of(node.func)
    if isinstance(node, ast.Subscript):
        return name_of(node.value)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def grows(value: ast.AST | None) -> bool:
    """Whether a value is an empty container, or one that forgets by number only."""
    if isinstance(value, ast.Dict | ast.List | ast.Set):
        return not (value.keys if isinstance(value, ast.Dict) else value.elts)
    if not isinstance(value, ast.Call) or name_of(value) not in GROWING:
        return False
    return not value.args or name_of(value) == "deque"


def remembering(tree: ast.Module) -> Iterator[str]:
    """Functions with arguments whose answers are remembered by something else than `core.cache`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and {name_of(each) for each in node.decorator_list} & set(FORGETFUL):
            arguments = node.args
            if arguments.args or arguments.kwonlyargs or arguments.posonlyargs or arguments.vararg or arguments.kwarg:
                yield node.name
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Call) and name_of(node.func) in FORGETFUL:
            yield ast.unparse(node)[:60]


def growing(tree: ast.Module) -> Iterator[str]:
    """Containers of a module, or ordered ones of its objects, that grow while the process runs."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and grows(node.value):
            yield ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and name_of(node.value or node) in GROWING[:2]:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Attribute):
                yield target.attr


def test_functions_remember_data_only_in_a_named_cache() -> None:
    found = {f"{name}:{function}" for name, tree in modules() for function in remembering(tree)}
    assert found - set(OF_THE_PROGRAM) == set(), "use core.cache.remembered"
    assert set(OF_THE_PROGRAM) - found == set(), "these are not there any more"


def test_no_container_grows_without_a_limit() -> None:
    found = {f"{name}:{container}" for name, tree in modules() for container in growing(tree)}
    assert found - set(STATES) == set(), "use core.cache.Cache"
    assert set(STATES) - found == set(), "these are not there any more"


def test_every_cache_has_a_name_of_its_own() -> None:
    names: Counter[str] = Counter()
    for _, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and name_of(node) in ("Cache", "remembered") and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    names[str(first.value)] += 1
    assert len(names) > 20
    assert [name for name, count in names.items() if count > 1] == []
