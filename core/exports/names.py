"""File names that every system takes and that stay apart everywhere."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from core.imaging.names import file_stem, is_file_stem

_LONGEST: Final = 80
"""Characters of a stem; Windows allows 260 for a whole path."""


def safe_stem(name: str) -> str:
    """A name as the stem of a file on Linux, macOS and Windows.

    >>> [safe_stem(name) for name in ("liver: 1.tif", "con", "../..", "a.b ", "Leber ä.ome.tif", "=1+2")]
    ['liver_1', 'con_', 'image', 'a.b', 'Leber_ä', '1_2']
    """
    stem = file_stem(unicodedata.normalize("NFC", name))
    stem = re.sub(r"[^\w.+-]+", "_", stem).strip("._- ")[:_LONGEST].rstrip("._- ") or "image"
    if not is_file_stem(stem):  # a device of Windows, with or without an ending
        head, dot, tail = stem.partition(".")
        stem = f"{head}_{dot}{tail}"
    return stem


def distinct_stems(names: Iterable[str]) -> list[str]:
    """A stem for each name, in order; no two are the same on a system that does not tell capitals apart.

    >>> distinct_stems(["Liver.tif", "liver.png", "liver_2.tif", "liver"])
    ['Liver', 'liver_3', 'liver_2', 'liver_4']
    """
    wanted = [safe_stem(name) for name in names]
    reserved = {_key(stem) for stem in wanted}
    taken: set[str] = set()
    counts: dict[str, int] = {}
    stems = []
    for stem in wanted:
        unique = stem
        while _key(unique) in taken or (unique != stem and _key(unique) in reserved):
            counts[_key(stem)] = counts.get(_key(stem), 1) + 1
            ending = f"_{counts[_key(stem)]}"
            unique = stem[: _LONGEST - len(ending)] + ending
        taken.add(_key(unique))
        stems.append(unique)
    return stems


def _key(stem: str) -> str:
    """Equal for names that are one file on macOS or Windows."""
    return unicodedata.normalize("NFC", stem.casefold())
