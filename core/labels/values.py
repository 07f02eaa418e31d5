"""Classes and grey values as people write them: ``127 = mitochondria``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from core.errors import LabelMapError
from core.label_scheme import IGNORE_ID, LabelScheme

_NUMBER: Final = re.compile(r"[-−]?\d{1,18}")
_SEPARATORS: Final = re.compile(r"[,;\n]")


def class_id(text: str, scheme: LabelScheme) -> int:
    """The id of a class by its name or id; case, spaces and punctuation do not count.

    Raises
    ------
    LabelMapError
        The scheme has no such class.
    """
    names = {"background": 0, "ignore": IGNORE_ID, **{_plain(item.name): item.id for item in scheme.classes}}
    if _plain(text) in names:
        return names[_plain(text)]
    if text.strip().isdecimal() and int(text) in (0, IGNORE_ID, *scheme.ids):
        return int(text)
    raise LabelMapError(
        f"There is no class {text!r}.",
        f"The classes are {', '.join(f'{c.id} {c.name}' for c in scheme.classes)}; also background and ignore.",
    )


def value_map(pairs: Iterable[tuple[str, str]], scheme: LabelScheme) -> dict[int, int]:
    """Grey value to class id, of pairs of both as text.

    Raises
    ------
    LabelMapError
        A value that is no whole number or stands there twice, or a class that is not in the scheme.
    """
    found: dict[int, int] = {}
    for value, name in pairs:
        if not _NUMBER.fullmatch(value.strip()):
            raise LabelMapError(
                f"{value.strip()!r} is not a grey value.", ("Write value = class, for example 127 = myelin.")
            )
        number = int(value.strip().replace("−", "-"))
        if number in found:
            raise LabelMapError(f"The grey value {number} is listed twice.", "Assign one class to each value.")
        found[number] = class_id(name.strip(), scheme)
    return found


def read_value_map(text: str, scheme: LabelScheme) -> dict[int, int]:
    """Grey value to class id, of a list such as ``127 = mitochondria, 255 = nucleus``; empty for an empty text.

    >>> read_value_map("127 = X; 255=background", LabelScheme.from_names({"x": 1}))
    {127: 1, 255: 0}

    Raises
    ------
    LabelMapError
        As for `value_map`; a part without an equals sign.
    """
    pairs = []
    for part in filter(None, map(str.strip, _SEPARATORS.split(text))):
        value, equals, name = part.rpartition("=")
        if not equals or not name.strip():
            raise LabelMapError(f"{part!r} is invalid.", "Write value = class, for example 127 = myelin.")
        pairs.append((value, name))
    return value_map(pairs, scheme)


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())
