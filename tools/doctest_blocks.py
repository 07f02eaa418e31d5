"""An extension of griffe: examples in docstrings (lines with ``>>>``) are code, not quotations of Markdown."""

from __future__ import annotations

from typing import Any

from griffe import Extension, Module, Object


class DoctestBlocks(Extension):
    """Fences each run of example lines before a docstring is parsed."""

    def on_package(self, *, pkg: Module, **_: Any) -> None:
        """Called when a package was read, before a page is made of it."""
        _fence(pkg)


def _fence(item: Object) -> None:
    """In an object and all that it holds; what is only imported there is fenced where it is defined."""
    if item.docstring is not None:
        item.docstring.value = fenced(item.docstring.value)
    for member in item.members.values():
        if isinstance(member, Object):
            _fence(member)


def fenced(text: str) -> str:
    """The text with fences around examples; one that stands in a section of examples already has none to gain.

    >>> fenced("Add.")
    'Add.'
    """
    if "Examples\n--------" in text:
        return text
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        starts, ends = not inside and line.lstrip().startswith(">>>"), inside and not line.strip()
        if starts or ends:
            lines.append(f"{line[: len(line) - len(line.lstrip())]}```{'pycon' if starts else ''}")
            inside = starts
        lines.append(line)
    return "\n".join([*lines, *(["```"] if inside else [])])
