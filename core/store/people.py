"""People are known by a name; two spellings of one name are one person."""

from __future__ import annotations

from typing import Final

NAME_CHARS: Final = 200
"""As wide as the columns."""


def clean_name(name: str) -> str:
    """A name as it is shown: no space around it, single spaces within, at most `NAME_CHARS`.

    >>> clean_name("  Ada   Lovelace ")
    'Ada Lovelace'
    """
    return " ".join(name.split())[:NAME_CHARS].rstrip()


def person_key(name: str) -> str:
    """A name as it is compared.

    >>> person_key("Ada  Lovelace") == person_key("ada lovelace")
    True
    """
    return clean_name(name).casefold()[:NAME_CHARS]
