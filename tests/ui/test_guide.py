"""The guide inside the app: every link and picture leads somewhere, and nothing is fetched from elsewhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.cli.app import app
from core.settings import ROOT
from ui.guide.documents import (
    CONTENTS,
    DOCS,
    REFERENCE,
    document,
    document_names,
    guide_address,
    is_guide,
    links_of,
    page_of,
    present_address,
    rendered,
    sections_of,
)
from ui.viewer.assets import asset_routes, asset_url

HELPS = ("page_title", "page_head", "help_link")


OF_EARLIER_VERSIONS = (
    "a-first-look", "words", "segment-a-micrograph", "pixel-size", "the-viewer", "the-table-and-the-files",
    "take-away-many-images", "bring-images-and-label-maps-into-a-project", "train-a-model", "nothing-labelled-yet",
    "see-how-good-a-model-is-and-where-it-fails", "measure-organelles", "correct-a-prediction", "review-corrections",
    "do-people-agree", "rounds-train-on-what-was-corrected", "results-as-files", "models-and-jobs",
    "from-your-labels-to-a-dataset-on-the-command-line", "the-starter-model", "when-something-is-wrong",
)  # fmt: skip
"""Every section that docs/guide.md had when it was the whole guide: bookmarks, reports and papers link to them."""

LONGEST_WORDS = 1_500
LONGEST_REPEATED = 12
"""Words in a row that two pages may share; commands and table rows have fewer."""


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


def test_links_of_a_page_in_a_folder_lead_where_its_file_lies() -> None:
    body = "[formats](../formats.md#a-b), [measure](measure.md), [README](../../README.md#five-minutes)."
    assert rendered(body, "guide/data", images="/i", dark=False) == (
        "[formats](guide?doc=formats&section=a-b), [measure](guide?doc=guide%2Fmeasure), README."
    )
    picture = "![x](../images/review-light.jpg) ![y](../images/../../core/errors.py) ![z](images/review-light.jpg)"
    assert rendered(picture, "guide/review", images="/i", dark=False) == "![x](/i/review-light.jpg) *y* *z*"


def walk(body: str, name: str) -> list[str]:
    """The links of a rendered page that lead into the app and to nothing there."""
    wrong = []
    for target in links_of(rendered(body, name, images="/i", dark=False)):
        if target.startswith("guide?"):
            asked = dict(parse_qsl(target.partition("?")[2]))
            page, slug = asked["doc"], asked.get("section", "")
        elif target.startswith("#"):
            page, slug = name, target[1:]
        else:
            continue
        if page not in document_names() or (slug and document(page).section(slug) is None):
            wrong.append(target)
    return wrong


@pytest.mark.parametrize("name", document_names())
def test_every_link_of_a_page_leads_to_a_section_in_the_app(name: str) -> None:
    assert not [target for section in document(name).sections for target in walk(section.body, name)]


def test_the_walk_sees_a_link_that_leads_nowhere() -> None:
    assert walk("[a](guide.md#no-such-section) [b](#neither)", "formats") == [
        guide_address("guide", "no-such-section"), "#neither",
    ]  # fmt: skip


@pytest.mark.parametrize("slug", OF_EARLIER_VERSIONS)
def test_addresses_of_the_guide_as_one_page_lead_to_its_pages(slug: str) -> None:
    name, present = present_address("guide", slug)
    assert name == "glossary" if slug == "words" else name != CONTENTS and is_guide(name)
    assert document(name).section(present) is not None
    text = (DOCS / "guide.md").read_text(encoding="utf-8")
    assert text.count(f'<a id="{slug}"></a>') == 1, "on the web, too, the old address must lead to the line of its page"


def test_an_address_that_never_was_stays_as_it_is() -> None:
    assert present_address("guide", "quetzalcoatl") == ("guide", "quetzalcoatl")
    assert present_address("formats", "pixel-size") == ("formats", "pixel-size")
    assert present_address("annotators", "tools") == ("guide/correct", "tools")


def test_the_contents_link_to_every_page_of_the_guide_and_of_the_reference() -> None:
    linked = {page_of(target, CONTENTS) for target in links_of((DOCS / "guide.md").read_text(encoding="utf-8"))}
    names = document_names()
    assert linked >= {name for name in names if is_guide(name)} - {CONTENTS}
    assert names[: len(linked) + 1][0] == CONTENTS and set(names) >= set(REFERENCE)


@pytest.mark.parametrize("name", [name for name in document_names() if is_guide(name)])
def test_a_page_of_the_guide_is_short(name: str) -> None:
    assert len((DOCS / f"{name}.md").read_text(encoding="utf-8").split()) < LONGEST_WORDS


def runs_of_words(page: Path) -> set[tuple[str, ...]]:
    """Every run of words in the prose of a page."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    words = re.findall(r"[\w'%]+", text.casefold())
    return {tuple(words[i : i + LONGEST_REPEATED]) for i in range(len(words) - LONGEST_REPEATED + 1)}


def test_no_page_repeats_another() -> None:
    where: dict[tuple[str, ...], str] = {}
    repeated = []
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))):
        for run in runs_of_words(page):
            if run in where:
                repeated.append(f"{page.name} and {where[run]}: {' '.join(run)}")
            where[run] = page.name
    assert not repeated, "\n".join(repeated)


def test_the_command_line_page_has_every_command() -> None:
    text = (DOCS / "guide" / "command-line.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `cristae (\w+)` \|", text, flags=re.MULTILINE))
    commands = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    assert listed == commands


def test_what_would_be_fetched_from_elsewhere_is_not_shown() -> None:
    body = '![x](https://elsewhere.org/a.png) ![y](../secret.png) <img src="http://elsewhere.org/b.png" alt="z">'
    assert rendered(body, "guide", images="/i", dark=False) == "*x* *y* *z*"


def test_a_picture_has_a_version_for_dark_screens() -> None:
    body = document("guide/first-steps").sections[1].body
    assert "overview-dark.jpg" in rendered(body, "guide/first-steps", images="/i", dark=True)
    assert "overview-light.jpg" in rendered(body, "guide/first-steps", images="/i", dark=False)


def test_lines_of_code_are_no_headings() -> None:
    text = "# A\n```console\n# not one\n```\n## B\n## B\n"
    assert [section.slug for section in sections_of(text)] == ["a", "b", "b-1"]


def test_the_image_of_the_container_has_the_docs() -> None:
    assert "COPY docs docs" in Path(ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "docs" not in Path(ROOT / ".dockerignore").read_text(encoding="utf-8").split()
