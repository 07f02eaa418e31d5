"""What texts point to exists: links and anchors of the documentation, our own files and modules that texts name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from ui.guide.documents import links_of, sections_of

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("benchmarks", "core", "cristae", "docs", "models", "pages", "tests", "tools", "ui")
CODE = ("app.py", "hatch_build.py", "Makefile", "Dockerfile", "pyproject.toml", ".github/workflows/ci.yml")

MADE = ("cristae/_program",)
"""Named in texts and not in the repository: the build makes it."""

_QUOTED = re.compile(r"`+([^`\n]+)`+")
_TOP = "|".join(FOLDERS)
_PATH = re.compile(rf"(?:{_TOP})/[\w./-]*")
_BARE_PATH = re.compile(rf"(?<![\w/.-])(?:{_TOP})/[\w./-]+\.(?:py|js|css|md)\b(?![\w/*])")
_MODULE = re.compile(r"(?:benchmarks|core|cristae|pages|tools|ui)(?:\.\w+)+(?=$|[(\[ ])")
_NO_MODULE = (".json", ".md", ".org", ".toml")
_FILE = re.compile(r"[\w-]+\.(?:py|js)")
_ANCHOR = re.compile(r"""["']([a-z][a-z/-]+#[a-z0-9-]+)["']""")


def _pages() -> list[Path]:
    """Every text of ours in Markdown."""
    folders = [path for folder in ("docs", ".github") for path in (ROOT / folder).rglob("*.md")]
    return sorted([*ROOT.glob("*.md"), *folders, ROOT / "models" / "README.md"])


def _sources() -> Iterator[Path]:
    """Every file of ours with comments in it, besides this one."""
    yield from (ROOT / name for name in CODE)
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")) + sorted((ROOT / folder).rglob("*.js")):
            if "vendor" not in path.parts and "_program" not in path.parts and path != Path(__file__):
                yield path


@lru_cache(maxsize=1)
def _file_names() -> frozenset[str]:
    """The names of all our modules, without their folders."""
    return frozenset(path.name for path in (*_sources(), *(ROOT / "ui").rglob("*.js"), Path(__file__)))


@lru_cache(maxsize=1024)
def _anchors(page: Path) -> frozenset[str]:
    return frozenset(section.slug for section in sections_of(page.read_text(encoding="utf-8")))


@lru_cache(maxsize=1024)
def _names_in(path: Path) -> frozenset[str]:
    """The names that a module defines or imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.alias(name=name, asname=as_name):
                names.add(as_name or name)
    return frozenset(names)


def _module_exists(dotted: str) -> bool:
    """Whether this is a package, a module, or a name in one."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        base, rest = ROOT.joinpath(*parts[:count]), parts[count:]
        source = base.with_suffix(".py") if base.with_suffix(".py").is_file() else base / "__init__.py"
        if not rest and (source.is_file() or base.is_dir()):
            return True
        if source.is_file():
            return rest[0] in _names_in(source)
    return False


def _is_stale(text: str) -> bool:
    """Whether a quoted text names a file or module of ours that is not there; other texts never are."""
    text = text.strip()
    if _PATH.fullmatch(text):
        return not text.startswith(MADE) and not (ROOT / text).exists()
    if (module := _MODULE.match(text)) and not module[0].endswith(_NO_MODULE):
        return not _module_exists(module[0])
    return bool(_FILE.fullmatch(text)) and text not in _file_names()


@pytest.mark.parametrize("page", _pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_and_anchors_of_texts_lead_somewhere(page: Path) -> None:
    wrong = []
    for target in links_of(page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        other = (page.parent / path).resolve() if path else page
        if not other.exists() or (anchor and other.suffix == ".md" and anchor not in _anchors(other)):
            wrong.append(target)
    assert not wrong, f"{page.relative_to(ROOT)} links to {wrong}"


def test_sections_that_the_dashboard_names_exist() -> None:
    docs = ROOT / "docs"
    pages = {path.relative_to(docs).with_suffix("").as_posix() for path in docs.rglob("*.md")}
    linked, wrong = 0, []
    for path in _sources():
        if path.relative_to(ROOT).parts[0] not in ("ui", "pages", "app.py") or path.suffix != ".py":
            continue
        for name in _ANCHOR.findall(path.read_text(encoding="utf-8")):
            page, _, anchor = name.partition("#")
            linked += 1
            if page not in pages or anchor not in _anchors(docs / f"{page}.md"):
                wrong.append(f"{path.relative_to(ROOT)}: {name}")
    assert linked > 10
    assert not wrong, "\n".join(wrong)


def test_files_and_modules_that_texts_name_exist() -> None:
    wrong = []
    for path in (*_pages(), *_sources()):
        if path.name == "CHANGELOG.md":  # tells of what was there once
            continue
        prose = path.suffix != ".md" and "tests" not in path.parts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            names = [name for name in _QUOTED.findall(line) if _is_stale(name)] if "`" in line else []
            if prose and "/" in line:
                names += [name for name in _BARE_PATH.findall(line) if _is_stale(name)]
            wrong += [f"{path.relative_to(ROOT)}:{number}: {name}" for name in names]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("text", "stale"),
    [
        ("core/imaging/reader.py", False),
        ("core/imaging/", False),
        ("core/imaging/label_colors.py", True),
        ("ui/panels/rounds.py", True),
        ("core.labels", False),
        ("core.labels.colors", False),
        ("core.files.replacing(path)", False),
        ("core.imaging.label_colors", True),
        ("core.files.replacing_nothing", True),
        ("core.nothing", True),
        ("reader.py", False),
        ("label_colors_of_old.py", True),
        ("cristae.toml", False),
        ("cristae segment --project", False),
        ("core", False),
    ],
)
def test_a_name_is_stale_where_nothing_has_it(text: str, stale: bool) -> None:
    assert _is_stale(text) is stale
