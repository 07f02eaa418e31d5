"""What is written twice is changed once: rules, lists and values of the program stand in one place each.

A second copy is found by its shape, whatever its names are. Where two places really are about different things, let
them read differently, or give the shared part a name that both use.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).resolve().parent.parent

LONG_ENOUGH: Final = 70
"""Characters of a function's body from which a second one like it is a copy."""

LONG_VALUE: Final = 30
"""Characters of a module's constant from which a second one like it is a copy."""

ONE_HOME: Final = {
    "the first of many names": (r"""['"], ?['"]\.join\([^\n]*\[:\w+\]\)""", "core/wording.py"),
    "all pixels of a pyramid": (
        r"\.read\(\w+, slice\(None\), slice\(None\)\)|level_shape\(level\)\n *return .*read\(",
        "core/imaging/pyramid.py",
    ),
    "addresses of pages": (r'/ "(pages|\w+_page\.py)"', "ui/pages.py"),
    "time and size of a file": (r"st_mtime_ns, \w+\.st_size", "core/files.py"),
    "the pixels and labels of a case": (r"sha256\(.*pixels_yx", "core/datasets/loading.py"),
    "stacks and specimens in training and test": (r'"specimen".*"stack".*\n.*\n.*counts', "core/datasets/leakage.py"),
    "what made a prediction of no model": (r'"maker"\) or "', "core/store/label_maps.py"),
    "the pixel size that a prediction was made with": (
        r"""["']summary["'][^\n]*pixel_size_nm""",
        "core/predictions/shown.py",
    ),
    "a mean with its interval": (r"\} \[\{[^\n]*\}, \{", "core/evaluation/words.py"),
    "the token of a request": (r"_streamlit_xsrf\b", "core/web/same_site.py"),
}
"""Rule to a pattern of how it is written, and the only module that may write it so."""


@cache
def modules() -> tuple[tuple[str, str, ast.Module], ...]:
    """Every module of the program, migrations apart: its path, its text and its tree. Nothing changes the trees."""
    return tuple((name, text, ast.parse(text)) for name, text in sources())


def sources() -> Iterator[tuple[str, str]]:
    """Every module of the program by its path, migrations apart: these are history."""
    for folder in ("core", "ui", "pages", "cristae"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "alembic" not in path.parts:
                yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def twice(places: Mapping[str, list[str]]) -> str:
    """What stands in several places, for the message of a failure."""
    return "\n".join(f"{', '.join(where)}: {what[:120]!r}" for what, where in places.items() if len(where) > 1)


class Renamed(ast.NodeTransformer):
    """Arguments and local variables by their order, so that copies with other names are equal."""

    def __init__(self, names: set[str]) -> None:
        self._names = names
        self._numbers: dict[str, str] = {}

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self._names:
            node.id = self._numbers.setdefault(node.id, f"v{len(self._numbers)}")
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if node.value is None:
            return node
        return ast.copy_location(ast.Assign([node.target], node.value), node)


def body_of(function: ast.FunctionDef) -> list[ast.stmt]:
    """The statements of a function without its docstring."""
    return function.body[1:] if ast.get_docstring(function) is not None else function.body


def shape_of(function: ast.FunctionDef) -> str:
    """The body of a function without its annotations and names of its own."""
    names = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
    names |= {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    renamed = Renamed(names)
    return "\n".join(ast.unparse(renamed.visit(deepcopy(statement))) for statement in body_of(function))


def test_no_two_functions_do_the_same() -> None:
    alike: dict[tuple[str, ...], list[tuple[str, ast.FunctionDef]]] = defaultdict(list)
    for name, _, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                kinds = tuple(type(part).__name__ for statement in body_of(node) for part in ast.walk(statement))
                alike[kinds].append((f"{name}:{node.name}", node))
    places: dict[str, list[str]] = defaultdict(list)
    for functions in alike.values():
        for name, node in functions if len(functions) > 1 else ():  # looked at closely only where the outline is alike
            if len(shape := shape_of(node)) > LONG_ENOUGH:
                places[shape].append(name)
    assert not twice(places), twice(places)


def test_no_two_enums_have_the_same_members() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for name, _, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and any("Enum" in ast.unparse(base) for base in node.bases):
                members = sorted(ast.unparse(line.value) for line in node.body if isinstance(line, ast.Assign))
                places[", ".join(members)].append(f"{name}:{node.name}")
    assert not twice(places), twice(places)


def test_no_constant_is_written_in_two_modules() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for name, _, tree in modules():
        for node in tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                value = ast.unparse(node.value)
                if len(value) > LONG_VALUE and "__file__" not in value:
                    places[value].append(name)
    assert not twice(places), twice(places)


@pytest.mark.parametrize("rule", ONE_HOME)
def test_a_rule_has_one_home(rule: str) -> None:
    pattern, home = ONE_HOME[rule]
    written = {name for name, text, _ in modules() if re.search(pattern, text)}
    assert home in written, f"the pattern of {rule} does not fit its own home any more"
    assert written == {home}, f"{rule}: use {home}"
