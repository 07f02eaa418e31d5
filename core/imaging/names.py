"""Names that files come with: labels for people, never paths."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_LONGEST: Final = 120
"""Characters; longer names are cut in the middle, because their ends differ."""

_WINDOWS_DEVICES: Final = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def display_name(name: str) -> str:
    """A file's name made fit to be shown.

    The last part of a path, in composed Unicode, without control and direction-changing characters, at most 120
    characters. Not fit to be a path: `..` never remains, but ``con`` or a colon may.

    Examples
    --------
    >>> display_name("../../etc/liver\\\\mouse 1.tif")
    'mouse 1.tif'
    >>> display_name("../..")
    'unnamed'
    """
    last = re.split(r"[/\\]", name.rstrip("/\\"))[-1]
    composed = unicodedata.normalize("NFC", last)
    plain = "".join(c for c in composed if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
    plain = " ".join(plain.split())
    if len(plain) > _LONGEST:
        half = (_LONGEST - 1) // 2
        plain = f"{plain[:half]}…{plain[-half:]}"
    return plain if plain.strip(". ") else "unnamed"


def is_file_stem(name: str) -> bool:
    """Whether a name may be the stem of a file on every system: nothing that is a path, hidden, or special to Windows.

    Examples
    --------
    >>> [is_file_stem(n) for n in ("mouse 1", "a/b", "..", "con", "Leber_ö")]
    [True, False, False, False, True]
    """
    return (
        bool(name)
        and name == display_name(name)
        and not re.search(r'[<>:"/\\|?*]', name)
        and not name.startswith(".")
        and not name.endswith((".", " "))
        and name.split(".")[0].casefold() not in _WINDOWS_DEVICES
    )


def file_stem(name: str) -> str:
    """A file name that every system takes, from an image's label."""
    stem = re.sub(r"(\.ome)?\.[A-Za-z0-9]{2,4}(\.gz)?$", "", name)
    return re.sub(r"[^\w.-]+", "_", stem).strip("._")[:80] or "image"
