"""Who sends a request: as the sign-in proxy says, or as the browser calls itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from starlette.requests import HTTPConnection

from core.settings import Settings
from core.store.people import clean_name, person_key

PERSON_COOKIE: Final = "cristae_name"
"""The name that somebody chose in this browser, percent-encoded."""


def person_of(request: HTTPConnection, settings: Settings) -> str:
    """The name of who sends a request, "" where nobody said.

    With ``person_header`` only that header counts: a cookie is what the browser's owner wrote into it.
    """
    return person_from(request.headers, request.cookies, settings)


def person_from(headers: Mapping[str, str], cookies: Mapping[str, str], settings: Settings) -> str:
    """`person_of` where headers and cookies come from elsewhere, as in Streamlit's ``st.context``."""
    if settings.person_header:
        return clean_name(_utf8(headers.get(settings.person_header, "")))
    return clean_name(unquote(cookies.get(PERSON_COOKIE, "")))


def asker(request: HTTPConnection, settings: Settings) -> str:
    """Whose share of the server a request takes: a person's key, or the machine of who has not said their name."""
    address = request.client.host if request.client else ""
    return person_key(person_of(request, settings)) or f"address {address}"


def _utf8(text: str) -> str:
    """Header values are bytes, read as Latin-1; sign-in proxies send UTF-8."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text
