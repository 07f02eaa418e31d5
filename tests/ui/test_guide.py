"""The guide inside the app: every link and picture leads somewhere, and nothing is fetched from elsewhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.settings import ROOT
from ui.guide.documents import (
    document,
    document_names,
    rendered,
    sections_of,
)
from ui.viewer.assets import asset_routes, asset_url

HELPS = ("page_title", "page_head", "help_link")


def linked_sections() -> list[tuple[str, str]]:
    """Every section that a page links to, with the file that does."""
    found = []
    for folder in ("ui", "pages"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in HELPS:
                    texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
                    found += [(path.name, str(text)) for text in texts if "#" in str(text)]
    return found


def test_every_page_links_to_a_section_that_exists() -> None:
    linked = linked_sections()
    assert {name for name, _ in linked} >= {path.name for path in (ROOT / "pages").glob("*.py")} - {
        "guide_page.py", "segment_page.py",
    }  # fmt: skip
    for path, text in linked:
        name, _, slug = text.partition("#")
        assert document(name).section(slug), f"{path} links to {text}, which the guide does not have"


@pytest.mark.parametrize("name", document_names())
def test_pictures_come_from_our_own_server(name: str) -> None:
    client = TestClient(Starlette(routes=asset_routes()))
    images = asset_url("guide", "x").removesuffix("/x")
    for section in document(name).sections:
        shown = rendered(section.body, name, images=images, dark=True)
        for target in re.findall(r"!\[[^\]]*\]\(([^)]*)\)", shown):
            assert target.startswith(images)
            assert client.get(target).status_code == 200


def test_links_between_pages_stay_in_the_app() -> None:
    body = "[formats](formats.md#a-b), [here](#pixel-size), [DOI](https://d.org/1), [code](../core/x.py), `[a](b.md)`."
    assert rendered(body, "guide", images="/i", dark=False) == (
        "[formats](guide?doc=formats&section=a-b), [here](#pixel-size), [DOI](https://d.org/1), code, `[a](b.md)`."
    )


def test_what_would_be_fetched_from_elsewhere_is_not_shown() -> None:
    body = '![x](https://elsewhere.org/a.png) ![y](../secret.png) <img src="http://elsewhere.org/b.png" alt="z">'
    assert rendered(body, "guide", images="/i", dark=False) == "*x* *y* *z*"


def test_a_picture_has_a_version_for_dark_screens() -> None:
    body = document("guide").sections[1].body
    assert "overview-dark.jpg" in rendered(body, "guide", images="/i", dark=True)
    assert "overview-light.jpg" in rendered(body, "guide", images="/i", dark=False)


def test_lines_of_code_are_no_headings() -> None:
    text = "# A\n```console\n# not one\n```\n## B\n## B\n"
    assert [section.slug for section in sections_of(text)] == ["a", "b", "b-1"]


def test_the_image_of_the_container_has_the_docs() -> None:
    assert "COPY docs docs" in Path(ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "docs" not in Path(ROOT / ".dockerignore").read_text(encoding="utf-8").split()
