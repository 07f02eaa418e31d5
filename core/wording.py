"""Words that sentences everywhere are made of: a number with its noun, the first of many names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence


def counted(number: int, what: str) -> str:
    """A number with its noun.

    >>> counted(1, "image"), counted(3, "image")
    ('1 image', '3 images')
    """
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def files_and_images(pages: Sequence[int]) -> str:
    """Files with their number of pages, counted: each page is an image.

    Parameters
    ----------
    pages
        Of each file; 0 where it cannot be read, which counts as one.

    >>> files_and_images([1, 1]), files_and_images([1, 50]), files_and_images([0]), files_and_images([3])
    ('2 images', '2 files (51 images)', '1 image', '1 file (3 images)')
    """
    images = counted(sum(max(1, number) for number in pages), "image")
    return images if all(number <= 1 for number in pages) else f"{counted(len(pages), 'file')} ({images})"


def some_of(names: Iterable[object], most: int = 5) -> str:
    """The first of many names, and how many there are besides: a sentence never hides that it leaves some out.

    >>> some_of(["a", "b", "c"], 2), some_of([127, 255]), some_of([])
    ('a, b and 1 more', '127, 255', '')
    """
    listed = [str(name) for name in names]
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more:,} more" if more > 0 else "")


def significant(value: float, digits: int) -> str:
    """A number to read with so many significant digits and never an exponent; whole numbers are not cut.

    >>> significant(1726.7, 3), significant(0.0045678, 3), significant(4.6, 4), significant(12345.6, 4)
    ('1,727', '0.00457', '4.6', '12,346')
    """
    if not value:
        return "0"
    text = f"{value:,.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
