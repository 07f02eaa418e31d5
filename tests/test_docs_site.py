"""The documentation as a web site: what it is made from. The build itself, strict about links, is `make docs`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from core.settings import ROOT
from tools.build_docs import BESIDE, api_pages, loaded_from_elsewhere, moved_links, write_sources


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "docs"
    write_sources(folder)
    return folder


def pages_in(nav: Any) -> set[str]:
    """The files that a navigation names."""
    if isinstance(nav, str):
        return {nav}
    parts = nav.values() if isinstance(nav, dict) else nav
    return set().union(*(pages_in(part) for part in parts))


def test_the_navigation_names_every_page(sources: Path) -> None:
    nav = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    written = {path.relative_to(sources).as_posix() for path in sources.rglob("*.md")}
    # pages of the Python interface are named by its index; one is about conduct, and linked from another
    expected = {name for name in written if not name.startswith("api/core")} - {"CODE_OF_CONDUCT.md"}
    assert pages_in(nav) == expected


def test_no_link_leads_out_of_the_site(sources: Path) -> None:
    for page in sources.rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        assert "](../core/" not in text and "](../ui/" not in text and "](docs/" not in text
        assert "README.md" not in text or "](README.md" not in text


@pytest.mark.parametrize(
    ("text", "page", "expected"),
    [
        ("[a](../../README.md#x)", "guide/x.md", "[a](../index.md#x)"),
        ("[a](../CONTRIBUTING.md)", "formats.md", "[a](CONTRIBUTING.md)"),
        ("[a](../core/errors.py)", "formats.md", "a"),
        ("[a](formats.md#b) [c](#d)", "x.md", "[a](formats.md#b) [c](#d)"),
        ("[a](https://doi.org/10.1/x)", "x.md", "[a](https://doi.org/10.1/x)"),
        ("![a](../images/b.jpg)", "guide/x.md", "![a](../images/b.jpg)"),
    ],
)
def test_links_to_the_root_of_the_repository_follow_its_pages(text: str, page: str, expected: str) -> None:
    assert moved_links(text, page) == expected


def test_every_module_of_core_has_its_place_in_the_python_interface() -> None:
    named = {
        line.removeprefix("::: ") for text in api_pages().values() for line in text.splitlines() if line[:4] == "::: "
    }
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "core").rglob("*.py")
        if not path.stem.startswith("__") and "alembic" not in path.parts
    }
    assert modules <= named
    assert "cristae" in named


def test_what_a_page_would_load_from_another_server_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<a href="https://doi.org/10.1/x">x</a><link rel="canonical" href="https://x.org/">'
    )
    assert loaded_from_elsewhere(tmp_path) == []
    (tmp_path / "b.html").write_text('<script src=https://x.org/a.js></script><img alt="" src="//y.org/b.png">')
    assert loaded_from_elsewhere(tmp_path) == ["b.html: https://x.org/a.js", "b.html: //y.org/b.png"]


def test_the_tools_are_pinned_where_the_extra_declares_them() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {item.name: item for item in map(Requirement, project["optional-dependencies"]["docs"])}
    constrained = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    lines = (ROOT / "requirements-docs.txt").read_text(encoding="utf-8").splitlines()
    pinned = [line for line in lines if "==" in line]
    assert {line.partition("==")[0] for line in pinned} == set(declared)
    reasons = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    for line in pinned:
        name, _, version = line.partition("==")
        assert line in constrained
        assert version in declared[name].specifier
        assert f"| {name} |" in reasons


def test_pages_beside_the_docs_exist() -> None:
    assert all((ROOT / name).is_file() for name in BESIDE)
