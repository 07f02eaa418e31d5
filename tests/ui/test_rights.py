"""Pages change nothing by themselves: whoever asks is named, and core asks for their rights at that moment."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from inspect import getsource, isfunction
from pathlib import Path
from tempfile import TemporaryDirectory

from core.settings import ROOT, load_settings
from core.store import Store
from core.store.base import StorePart


def parts_of_the_store() -> dict[str, type[StorePart]]:
    with TemporaryDirectory() as folder:
        store = Store(load_settings(data_dir=Path(folder)))
        store.close()
        return {name: type(part) for name, part in vars(store).items() if isinstance(part, StorePart)}


PARTS = parts_of_the_store()


def written_by(part: type[StorePart]) -> frozenset[str]:
    """The methods of a part of the store that write, by themselves or through each other."""
    sources = {name: getsource(method) for name, method in vars(part).items() if isfunction(method)}
    writing = {name for name, text in sources.items() if ".writing(" in text or "remove_files(" in text}
    while more := {n for n, text in sources.items() if any(f"self.{w}(" in text for w in writing)} - writing:
        writing |= more
    return frozenset(writing)


CHANGING = frozenset(
    {f"{name}.{method}" for name, part in PARTS.items() for method in written_by(part)}
    | {
        "set_pixel_size",
        "set_default",
        "rename",
        "archive",
        "trash",
        "restore",
        "give_to",
        "set_object_rules",
        "delete",
    }
)
"""Methods of the parts of the store, and of the model store, that ask nobody."""


def method_name(called: ast.Attribute) -> str:
    """ "images.delete" for a part of the store, "delete" for anything else."""
    owner = called.value
    part = owner.attr if isinstance(owner, ast.Attribute) and owner.attr in PARTS else ""
    return f"{part}.{called.attr}" if part else called.attr


PEOPLE = frozenset({"by", "who", "person", "author"})
"""Parameters that name who asks."""

DECIDING_NOTHING = {
    ("core.access.refusals", "note_refusal"),
    ("core.review.changes", "changed_regions"),
    ("core.store.import_batch", "new_batch"),
    ("core.store.import_batch", "take_upload"),
}
"""Functions that write, but change nothing of anybody: a refusal is told, what was computed is kept, a dropped file put
beside others."""

Name = tuple[str, str]
"""A module and a function in it."""


class Source:
    """The functions of core: their parameters, and which names each uses and which methods it calls."""

    def __init__(self) -> None:
        self.parameters: dict[Name, frozenset[str]] = {}
        self.words: dict[Name, frozenset[str]] = {}
        self.targets: dict[Name, frozenset[Name]] = {}
        for path in sorted((ROOT / "core").rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            tree = ast.parse(path.read_text(encoding="utf-8"))
            names = imported(tree)
            for function in tree.body:
                if isinstance(function, ast.FunctionDef):
                    self._read(module, function, names)

    def _read(self, module: str, function: ast.FunctionDef, names: dict[str, Name]) -> None:
        nodes, arguments = list(ast.walk(function)), function.args
        called = [node.func for node in nodes if isinstance(node, ast.Call)]
        used = {node.id for node in nodes if isinstance(node, ast.Name)}
        key = (module, function.name)
        self.parameters[key] = frozenset(each.arg for each in (*arguments.args, *arguments.kwonlyargs))
        self.words[key] = frozenset(used | {method_name(each) for each in called if isinstance(each, ast.Attribute)})
        self.targets[key] = frozenset(names.get(name, (module, name)) for name in used)

    def reaches(self, start: Name, wanted: frozenset[str]) -> bool:
        """Whether a function, or one that it calls, uses one of these names."""
        seen, waiting = set[Name](), [start]
        while waiting:
            name = waiting.pop()
            if name in seen or name not in self.words:
                continue
            seen.add(name)
            if self.words[name] & wanted:
                return True
            waiting += self.targets[name]
        return False


def imported(tree: ast.AST) -> dict[str, Name]:
    """What a module takes from core, by the name that it has here."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in nodes
        if node.module and node.module.startswith("core")
        for alias in node.names
    }


@cache
def source() -> Source:
    return Source()


def pages() -> Iterator[tuple[Path, ast.Module]]:
    for folder in ("ui", "pages"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def calls() -> Iterator[tuple[Path, ast.Call]]:
    for path, tree in pages():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield path, node


@cache
def used_functions() -> dict[Name, str]:
    """The functions of core that pages use, by themselves or through their module, and a page that does."""
    used: dict[Name, str] = {}
    for path, tree in pages():
        names = imported(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in names:
                used[names[node.id]] = str(path)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
                used[".".join(names[node.value.id]), node.attr] = str(path)
    return used


WRITING = frozenset({"writing", *CHANGING})
ASKING = frozenset(
    {"require", "require_within", "require_anywhere", "require_anywhere_within", "role_within", "require_batch_author"}
)


def changing_functions() -> list[Name]:
    known = source()
    return sorted(name for name in used_functions() if known.reaches(name, WRITING) and name not in DECIDING_NOTHING)


def test_the_survey_finds_what_pages_do() -> None:
    found = changing_functions()
    assert len(found) > 50
    assert {
        ("core.rounds.decisions", "promote"), ("core.jobs.rows", "submit"), ("core.curation.images", "trash_images"),
        ("core.annotation.draft_start", "discard_draft"),
    } <= set(found)  # fmt: skip
    assert ("core.jobs.rows", "active_jobs") not in found


def test_everything_that_a_page_can_change_asks_who_wants_it_and_whether_they_may() -> None:
    """A page that was drawn before a role was taken away, or a new dialog, cannot change anything past this."""
    wrong = []
    for name in changing_functions():
        if not PEOPLE & source().parameters[name]:
            wrong.append(f"{'.'.join(name)} of {used_functions()[name]} does not know who asks")
        elif not source().reaches(name, ASKING):
            wrong.append(f"{'.'.join(name)} of {used_functions()[name]} does not ask whether they may")
    assert wrong == []


def test_pages_say_who_asks_where_core_would_take_nobody_for_the_program_itself() -> None:
    wrong = []
    for path, tree in pages():
        names = imported(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            inner = node.args[0] if isinstance(node.func, ast.Name) and node.func.id == "partial" else node.func
            name = names.get(inner.id) if isinstance(inner, ast.Name) else None
            if name is None or not source().reaches(name, WRITING):
                continue
            if "by" in source().parameters[name] and "by" not in {keyword.arg for keyword in node.keywords}:
                wrong.append(f"{path}:{node.lineno} {'.'.join(name)}")
    assert wrong == []


def test_no_page_changes_the_store_without_asking_for_rights() -> None:
    wrong = []
    for path, call in calls():
        if not isinstance(call.func, ast.Attribute) or (name := method_name(call.func)) not in CHANGING:
            continue
        value = ast.unparse(call.func.value)
        if "." in name or value.endswith(("models()", "models")):
            wrong.append(f"{path}:{call.lineno} {value}.{call.func.attr}")
    assert wrong == []
