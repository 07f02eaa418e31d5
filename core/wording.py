"""Words that sentences everywhere are made of: a number with its noun, the first of many names."""

from __future__ import annotations

from collections.abc import Iterable


def counted(number: int, what: str) -> str:
    """A number with its noun.

    >>> counted(1, "image"), counted(3, "image")
    ('1 image', '3 images')
    """
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def some_of(names: Iterable[object], most: int = 5) -> str:
    """The first of many names, and how many there are besides: a sentence never hides that it leaves some out.

    >>> some_of(["a", "b", "c"], 2), some_of([127, 255]), some_of([])
    ('a, b and 1 more', '127, 255', '')
    """
    listed = [str(name) for name in names]
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more:,} more" if more > 0 else "")
