"""The pages of docs/ as sections whose pictures and links work inside the app. Nothing is fetched from elsewhere."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlencode

from core.errors import NotFoundError
from core.settings import ROOT

DOCS: Final = ROOT / "docs"

CONTENTS: Final = "guide"
"""The page that links to all pages of the guide, in their order, and says where sections of earlier versions are."""

REFERENCE: Final = ("formats", "metrics", "training", "benchmarks", "settings", "deploy", "faults")
"""In this order, after the guide; what else there is comes after them."""

_PAGES_OF_EARLIER_VERSIONS: Final = MappingProxyType({"annotators": "guide/correct"})

ADDRESS: Final = "guide"
"""Of the page, seen from the other pages."""

_HEADING: Final = re.compile(r"(#{1,6})\s+(.*?)\s*#*\s*")
_FENCE: Final = re.compile(r"\s*(```|~~~)")
_PICTURE: Final = re.compile(r"<picture>\s*(.*?)\s*</picture>", re.DOTALL)
_DARK: Final = re.compile(r'<source[^>]*dark[^>]*srcset="([^"]+)"')
_IMG: Final = re.compile(r"<img\b([^>]*)>")
_ATTRIBUTE: Final = re.compile(r'(\w+)="([^"]*)"')
_LINK: Final = re.compile(r"(!?)\[([^\]]*)\]\(([^()\s]*(?:\([^()]*\)[^()\s]*)*)\)")
_CODE: Final = re.compile(r"(`+)(?:.+?)\1", re.DOTALL)
_ANCHOR: Final = re.compile(r'<a id="([^"]+)"></a>')


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page, from its heading to the next.

    Parameters
    ----------
    level
        1 is the page's title.
    title
        Plain text.
    slug
        What links call it, as on GitHub; unique on its page.
    body
        Markdown without the heading.
    """

    level: int
    title: str
    slug: str
    body: str


@dataclass(frozen=True, slots=True)
class Document:
    """A page of docs/.

    Parameters
    ----------
    name
        Of its file, seen from docs/ and without the ending: "formats", "guide/segment".
    sections
        In their order; the first one bears the title.
    """

    name: str
    sections: tuple[Section, ...]

    @property
    def title(self) -> str:
        """As its first heading says."""
        return self.sections[0].title

    def section(self, slug: str) -> Section | None:
        """The section of this name."""
        return next((section for section in self.sections if section.slug == slug), None)


@lru_cache(maxsize=1)
def document_names() -> tuple[str, ...]:
    """The pages that there are: the contents, the guide in the order of the contents, then reference and the rest."""
    known = sorted(path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md"))
    linked = dict.fromkeys(page_of(target, CONTENTS) for target in links_of(_text(CONTENTS)))
    order = dict.fromkeys((CONTENTS, *(name for name in linked if is_guide(name)), *REFERENCE, *known))
    return tuple(name for name in order if name in known)


def is_guide(name: str) -> bool:
    """Whether a page is part of the user guide, not of the reference."""
    return name == CONTENTS or name.startswith(f"{CONTENTS}/")


@lru_cache(maxsize=1)
def sections_of_earlier_versions() -> Mapping[str, tuple[str, str]]:
    """Where the sections are now that the guide had when it was one page: page and slug by the slug of then."""
    moved = {}
    for line in _text(CONTENTS).splitlines():
        anchor, target = _ANCHOR.search(line), next(iter(links_of(line)), "")
        if anchor:
            moved[anchor[1]] = (page_of(target, CONTENTS), target.partition("#")[2])
    return MappingProxyType(moved)


def present_address(name: str, slug: str = "") -> tuple[str, str]:
    """Page and section that an address means, which may be one of an earlier version.

    >>> present_address("guide", "pixel-size"), present_address("formats", "links")
    (('guide/pixel-size', 'pixel-size'), ('formats', 'links'))
    """
    if name == CONTENTS:
        return sections_of_earlier_versions().get(slug, (name, slug))
    return _PAGES_OF_EARLIER_VERSIONS.get(name, name), slug


def page_of(target: str, name: str) -> str:
    """The page that a link on another page leads to; "" where it leads out of docs/.

    >>> page_of("../formats.md#links", "guide/data"), page_of("#links", "formats"), page_of("../README.md", "guide")
    ('formats', 'formats', '')
    """
    path = target.partition("#")[0]
    if not path:
        return name
    inside = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
    outside = inside.startswith("../") or "://" in target or not inside.endswith(".md")
    return "" if outside else inside.removesuffix(".md")


@lru_cache(maxsize=32)
def document(name: str) -> Document:
    """A page, read once per process.

    Raises
    ------
    NotFoundError
        There is no such page.
    """
    if name not in document_names():
        raise NotFoundError(f"The guide has no page {name[:40]!r}.", "Choose one from the list.")
    return Document(name, sections_of(_text(name)))


def _text(name: str) -> str:
    return Path(DOCS, f"{name}.md").read_text(encoding="utf-8")


def sections_of(text: str) -> tuple[Section, ...]:
    """Split Markdown at its headings; lines of code are none.

    >>> [(s.level, s.slug, s.body) for s in sections_of("# The guide\\n\\nHello\\n\\n## Pixel size (nm)\\n")]
    [(1, 'the-guide', 'Hello'), (2, 'pixel-size-nm', '')]
    """
    found: list[tuple[int, str, list[str]]] = []
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if mark and (not fence or fence == mark[1]):
            fence = "" if fence else mark[1]
        heading = None if fence or mark else _HEADING.fullmatch(line)
        if heading:
            found.append((len(heading[1]), heading[2], []))
        elif found:
            found[-1][2].append(line)
    seen: Counter[str] = Counter()
    sections = []
    for level, title, lines in found:
        slug = slug_of(title)
        seen[slug] += 1
        unique = slug if seen[slug] == 1 else f"{slug}-{seen[slug] - 1}"
        sections.append(Section(level, title.replace("`", ""), unique, "\n".join(lines).strip()))
    return tuple(sections)


def slug_of(title: str) -> str:
    """What a link calls a heading, as on GitHub.

    >>> slug_of("Bring images and label maps into a project"), slug_of("`segment`: on a stack?")
    ('bring-images-and-label-maps-into-a-project', 'segment-on-a-stack')
    """
    kept = re.sub(r"[^\w\- ]", "", title.strip().casefold())
    return kept.replace(" ", "-")


def rendered(body: str, name: str, *, images: str, dark: bool) -> str:
    """The Markdown of a section as the app shows it: pictures from our own server, links to pages of the guide.

    Parameters
    ----------
    body
        Of a section.
    name
        Of its page.
    images
        Address of the folder of pictures, without a slash at its end.
    dark
        Whether pictures for a dark screen are taken where there are any.
    """
    body = _ANCHOR.sub("", _PICTURE.sub(lambda found: _picture(found[1], dark), body))
    body = _IMG.sub(lambda found: _image(found[1]), body)
    kept: list[str] = []
    parts: list[str] = []
    start = 0
    for code in _CODE.finditer(body):  # code stays as it is
        parts.append(_LINK.sub(lambda found: _link(found, name, images), body[start : code.start()]))
        parts.append(code[0])
        start = code.end()
    parts.append(_LINK.sub(lambda found: _link(found, name, images), body[start:]))
    kept.extend(parts)
    return "".join(kept)


def links_of(text: str) -> tuple[str, ...]:
    """What the links and pictures of a Markdown text point to, outside of code."""
    text = re.sub(r"^\s*(```|~~~).*?^\s*\1", "", text, flags=re.DOTALL | re.MULTILINE)
    text = _IMG.sub(lambda found: _image(found[1]), _PICTURE.sub(lambda found: _picture(found[1], False), text))
    return tuple(found[3] for found in _LINK.finditer(_CODE.sub("", text)))


def guide_address(name: str, slug: str = "") -> str:
    """Address of a page of the guide, or a section of it, seen from the app's other pages."""
    asked = {"doc": name} | ({"section": slug} if slug else {})
    return f"{ADDRESS}?{urlencode(asked)}"


def _picture(inside: str, dark: bool) -> str:
    """The image of a ``<picture>`` for this screen."""
    image, other = _IMG.search(inside), _DARK.search(inside)
    if image is None:
        return ""
    attributes = dict(_ATTRIBUTE.findall(image[1]))
    source = other[1] if dark and other else attributes.get("src", "")
    return f"![{attributes.get('alt', '')}]({source})"


def _image(attributes: str) -> str:
    """``<img>`` as Markdown."""
    values = dict(_ATTRIBUTE.findall(attributes))
    return f"![{values.get('alt', '')}]({values.get('src', '')})"


def _link(found: re.Match[str], name: str, images: str) -> str:
    """A link or picture whose address works here; what leads out of the docs keeps its words only."""
    picture, words, target = found[1], found[2], found[3]
    if picture:
        shown = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
        local = shown.startswith("images/") and (DOCS / shown).is_file()
        return f"![{words}]({images}/{shown.removeprefix('images/')})" if local else f"*{words}*"
    if target.startswith(("https://", "http://")):
        return found[0]
    page, slug = page_of(target, name), target.partition("#")[2]
    if page == name and slug:
        return f"[{words}](#{slug})"
    if target and page in document_names():
        return f"[{words}]({guide_address(page, slug)})"
    return words
