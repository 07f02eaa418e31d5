"""The Guide page: a list of the pages and sections, a search, and the page itself."""

from __future__ import annotations

from collections import Counter
from typing import Final

import streamlit as st

from core.errors import NotFoundError
from ui.errors import plain, show_error
from ui.guide.documents import (
    Document,
    Section,
    document,
    document_names,
    guide_address,
    is_guide,
    present_address,
    rendered,
)
from ui.parts.options import titled
from ui.parts.scroll import scroll_to
from ui.state import Query, query, set_query
from ui.viewer.assets import app_root, bundle_digest

_FOUND: Final = 30
"""Sections that a search lists."""


def guide_page() -> None:
    """The page of the address, at the section of the address."""
    name, slug = present_address(query(Query.DOC) or document_names()[0], query(Query.SECTION) or "")
    try:
        shown = document(name)
    except NotFoundError as error:
        show_error(error.cause, error.remedy)
        shown = document(document_names()[0])
    left, right = st.columns([1, 3], gap="large")
    with left:
        _contents(shown)
    with right:
        text = st.text_input(
            "Search the guide", placeholder="for example pixel size", icon=":material/search:", key="guide-search"
        )
        if text.strip():
            _search(text.strip())
        else:
            _document(shown)
            section = shown.section(slug)
            if section is not None:
                scroll_to(section.slug, token=f"{shown.name}#{section.slug}", key="guide-scroll")


def _contents(shown: Document) -> None:
    """The sections of the page that is open, and all pages."""
    sections = [section for section in shown.sections[1:] if section.level <= 3]
    if sections:
        st.caption("On this page")
        st.markdown("\n".join(f"{'  ' * (part.level - 2)}- [{plain(part.title)}](#{part.slug})" for part in sections))
    titles, names = _titles(), document_names()
    guide = tuple(name for name in names if is_guide(name))
    for label, group in (("Guide", guide), ("Reference", tuple(name for name in names if name not in guide))):
        chosen = st.radio(
            label, group, index=group.index(shown.name) if shown.name in group else None,
            format_func=titled(titles), key=f"guide-{label}-{shown.name}",
        )  # fmt: skip
        if chosen not in (None, shown.name):
            set_query(Query.DOC, chosen)
            set_query(Query.SECTION, None)
            st.rerun()


def _titles() -> dict[str, str]:
    """What the pages are called, each with its name behind it where two are called the same."""
    titles = {name: document(name).title for name in document_names()}
    counts = Counter(titles.values())
    return {name: title if counts[title] == 1 else f"{title} ({name})" for name, title in titles.items()}


def _document(shown: Document) -> None:
    """All sections, with anchors."""
    images = f"{app_root()}assets/guide/{bundle_digest('guide')}"
    dark = st.context.theme.type == "dark"
    for section in shown.sections:
        _heading(section)
        if section.body:
            st.markdown(rendered(section.body, shown.name, images=images, dark=dark))


def _heading(section: Section) -> None:
    draw = {1: st.title, 2: st.header}.get(section.level, st.subheader)
    draw(plain(section.title), anchor=section.slug)


def _search(text: str) -> None:
    """The sections that hold all words, those with the words in their heading first."""
    words = text.casefold().split()
    found = []
    for name in document_names():
        for section in document(name).sections:
            title, body = section.title.casefold(), section.body.casefold()
            if all(word in title or word in body for word in words):
                found.append((not all(word in title for word in words), name, section))
    st.caption(f"{len(found)} sections" if len(found) != 1 else "1 section")
    for _, name, section in sorted(found, key=lambda each: each[0])[:_FOUND]:
        address = guide_address(name, section.slug)
        st.markdown(f"[{plain(section.title)}]({address})  \n{plain(document(name).title)}")
