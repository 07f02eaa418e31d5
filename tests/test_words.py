"""Texts that people see use the words of docs/glossary.md, and none that it forbids."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

TREE = Path(__file__).parent.parent
GLOSSARY = TREE / "docs" / "glossary.md"
SHOWN = ("app.py", "pages", "ui", "core")

NOT_SHOWN = ("core/store/alembic", "core/phantom/look.py", "core/outside/child.py")
"""Scripts and statements, not texts."""
EXCEPTIONS = {("core/annotation/label_repair.py", "anew"): "a folder's name, by which what is unfinished is found"}
"""Module and phrase that it may use, with the reason."""

_LOGGING = re.compile(r"_?log(ger)?\.\w+")
_JS_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)""",
    re.DOTALL,
)
_PLACEHOLDER = re.compile(r"\$\{[^}]*\}")


@dataclass(frozen=True)
class Text:
    """A text that people may see; ``{}`` stands for values."""

    path: str
    line: int
    text: str


@dataclass(frozen=True)
class Forbidden:
    """A phrase, and the one to write instead."""

    phrase: str
    better: str
    pattern: re.Pattern[str]


def _pattern(phrase: str) -> re.Pattern[str]:
    """The phrase at the borders of words, in any case; `*` is any ending."""
    stem, star, _ = phrase.partition("*")
    begin = r"\b" if stem[0].isalnum() else ""
    end = "" if star or not stem[-1].isalnum() else r"\b"
    return re.compile(begin + re.escape(stem).replace(r"\ ", r"\s+") + end, re.IGNORECASE)


def _rows(heading: str) -> list[list[str]]:
    """The cells of a table of the glossary, without its head."""
    section = GLOSSARY.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@cache
def _forbidden() -> tuple[Forbidden, ...]:
    terms = [(row[3], row[0]) for row in _rows("Terms")]
    phrases = [(row[0], row[1]) for row in _rows("Phrases")]
    return tuple(
        Forbidden(phrase, better, _pattern(phrase))
        for cell, better in terms + phrases
        for phrase in re.findall(r"`([^`]+)`", cell)
    )


def _joined(node: ast.expr) -> str | None:
    """A text or f-string as it is shown, values as ``{}``."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def _is_command(node: ast.AST) -> bool:
    """A function whose docstring is the help of a command."""
    if not isinstance(node, ast.FunctionDef):
        return False
    decorators = (each.func for each in node.decorator_list if isinstance(each, ast.Call))
    arguments = (ast.unparse(each.annotation) for each in node.args.args if each.annotation)
    return any(isinstance(each, ast.Attribute) and each.attr in ("command", "callback") for each in decorators) or any(
        "typer." in annotation for annotation in arguments
    )


def python_texts(source: str, path: str = "") -> Iterator[Text]:
    """Every text of a module but docstrings (those of commands are shown) and the log's."""
    tree = ast.parse(source)
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and _joined(node.value) is not None:
            skipped.add(id(node.value))
        if isinstance(node, ast.Call) and _LOGGING.fullmatch(ast.unparse(node.func)):
            skipped.update(id(each) for each in ast.walk(node))
        if isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in node.values)
        if isinstance(node, ast.FunctionDef) and _is_command(node):
            text = ast.get_docstring(node) or ""
            yield Text(path, node.lineno, text)
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and id(node) not in skipped:
            text_or_none = _joined(node)
            if text_or_none and re.search(r"[^\W\d_]{2}", text_or_none):
                yield Text(path, node.lineno, text_or_none)


def javascript_texts(source: str, path: str = "") -> Iterator[Text]:
    """Every text literal that is no comment; what templates put in as ``{}``."""
    for token in _JS_TOKEN.finditer(source):
        if token["text"]:
            line = source.count("\n", 0, token.start()) + 1
            yield Text(path, line, _PLACEHOLDER.sub("{}", token["text"][1:-1]))


@cache
def _shown() -> tuple[Text, ...]:
    return tuple(_texts_of(SHOWN))


def _texts_of(names: Iterable[str]) -> Iterator[Text]:
    for name in names:
        top = TREE / name
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            where = path.relative_to(TREE).as_posix()
            if where.startswith(NOT_SHOWN) or ".min." in path.name or "node_modules" in where:
                continue
            if path.suffix == ".py":
                yield from python_texts(path.read_text(encoding="utf-8"), where)
            elif path.suffix == ".js":
                yield from javascript_texts(path.read_text(encoding="utf-8"), where)


def problems(texts: Iterable[Text], forbidden: Iterable[Forbidden]) -> list[str]:
    """A line for every forbidden word: where it is, what it is, what to write."""
    words = tuple(forbidden)
    some = re.compile("|".join(each.pattern.pattern for each in words), re.IGNORECASE)
    return [
        f"{text.path}:{text.line}: {each.phrase!r} in {' '.join(text.text.split())[:100]!r}; write: {each.better}"
        for text in texts
        if some.search(text.text)
        for each in words
        if (text.path, each.phrase) not in EXCEPTIONS and each.pattern.search(text.text)
    ]


def test_no_text_on_screen_uses_a_forbidden_word() -> None:
    found = problems(_shown(), _forbidden())
    assert not found, f"{len(found)} texts use words that docs/glossary.md forbids:\n" + "\n".join(found)


def test_every_term_of_the_glossary_is_used_on_screen() -> None:
    """A term that no screen uses has been renamed there and not here."""
    everything = "\n".join(text.text for text in _shown()).lower()
    unused = [row[0] for row in _rows("Terms") if row[0].lower() not in everything]
    assert not unused, f"No text on screen uses {unused}: rename the terms in docs/glossary.md, or the texts."


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ('st.caption("It goes on by itself.")', 1),
        ('x = (f"{a} is gone "\n     "for good.")', 1),
        ('raise Problem(f"{name} goes on from {other}.")', 1),
        ('@app.command()\ndef run() -> None:\n    """Mend the file."""', 2),
        ("st.button(label='Vouch for it')", 1),
    ],
    ids=["text", "joined", "value", "help of a command", "start of a sentence"],
)
def test_a_forbidden_word_is_found_wherever_a_screen_gets_it(source: str, line: int) -> None:
    (first, *_) = problems(python_texts(source, "page.py"), _forbidden())
    assert first.startswith(f"page.py:{line}: ")
    assert "; write: " in first


@pytest.mark.parametrize(
    "source",
    [
        'def f():\n    """It goes on by itself."""',
        'logger.info("goes on")',
        'x = "mendelian"',
        'y = "a bearing"',
        "z = 1",
    ],
    ids=["docstring", "log", "longer word", "other word", "number"],
)
def test_what_no_screen_shows_is_let_be(source: str) -> None:
    assert not problems(python_texts(source), _forbidden())


def test_forbidden_words_of_scripts_are_found_and_comments_let_be() -> None:
    source = "// it goes on by itself\nconst a = h(\"p\", `${name} goes on`);\n/* for good */ const b = 'Vouched';"
    assert [each.split(":")[1] for each in problems(javascript_texts(source, "a.js"), _forbidden())] == ["2", "3"]
