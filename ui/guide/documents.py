"""The pages of docs/ as sections whose pictures and links work inside the app. Nothing is fetched from elsewhere."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode

from core.errors import NotFoundError
from core.settings import ROOT

DOCS: Final = ROOT / "docs"
IMAGES: Final = DOCS / "images"

FIRST: Final = ("guide", "annotators", "formats", "metrics", "training", "benchmarks", "settings", "deploy", "faults")
"""In this order; what else there is comes after them."""

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
        Of its file, without the ending.
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
    """The pages that there are, the guide first."""
    known = sorted(path.stem for path in DOCS.glob("*.md"))
    return (*(name for name in FIRST if name in known), *(name for name in known if name not in FIRST))


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
    return Document(name, sections_of((DOCS / f"{name}.md").read_text(encoding="utf-8")))


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
    body = _PICTURE.sub(lambda found: _picture(found[1], dark), body)
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
    path, _, slug = target.partition("#")
    if picture:
        local = path.startswith("images/") and (IMAGES / path.removeprefix("images/")).is_file()
        return f"![{words}]({images}/{path.removeprefix('images/')})" if local else f"*{words}*"
    if target.startswith(("https://", "http://")):
        return found[0]
    if not path:
        return f"[{words}](#{slug})" if slug else words
    if path.endswith(".md") and path.removesuffix(".md") in document_names():
        other = path.removesuffix(".md")
        return f"[{words}](#{slug})" if other == name and slug else f"[{words}]({guide_address(other, slug)})"
    return words
