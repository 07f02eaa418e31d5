"""Walks outside the suite (journeys, pictures) press buttons by name: a renamed one would break them unseen."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from core.settings import ROOT

PRESSING = {"press", "choose", "_press", "_open", "_choose"}
"""Functions that take names of things on a page."""

SCRIPTS = sorted([*(ROOT / "benchmarks").rglob("*.py"), *(ROOT / "tools").glob("*.py")])
"""The browser tests run, and fail by themselves."""

_WORDS = re.compile(r"[^\W\d_][\w …-]*[\w…]")


def screen() -> str:
    """All source that puts words on the screen."""
    files = [*(ROOT / "ui").rglob("*.py"), *(ROOT / "ui").rglob("*.js"), *(ROOT / "pages").glob("*.py")]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def pressed(source: str) -> Iterator[str]:
    """Runs of plain words in the names that a script presses, also in patterns and f-strings."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        named = [word.value for word in call.keywords if word.arg == "name" and _called(call) == "get_by_role"]
        for argument in [*(call.args if _called(call) in PRESSING else []), *named]:
            yield from _words(argument)


def _called(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def _words(node: ast.expr) -> Iterator[str]:
    """Of a text or of the pattern of one; what is a place of the page has been looked at as a call of its own."""
    if isinstance(node, ast.Call) and _called(node) == "compile":
        node = node.args[0]
    for part in node.values if isinstance(node, ast.JoinedStr) else [node]:
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield from _WORDS.findall(re.sub(r"\\\w\+?|\d+", "|", part.value))


def test_words_are_taken_out_of_names_and_patterns() -> None:
    source = r"""
ada.press(re.compile(r"^Import \d+ images"))
ada.press(f"Export {count} images", inside=page.get_by_role("dialog", name="Any (one|two)"))
ada.type("Not pressed")
"""
    assert sorted(pressed(source)) == ["Any", "Export", "Import", "images", "images", "one", "two"]


def test_what_walks_press_is_on_the_screen() -> None:
    shown = screen()
    missing = [
        f"{script.relative_to(ROOT)}: {words}"
        for script in SCRIPTS
        for words in pressed(script.read_text(encoding="utf-8"))
        if words not in shown and "synthetic" not in words  # names of the demo's images
    ]
    assert missing == []
