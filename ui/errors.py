"""The one place where errors meet the screen: cause and remedy for the expected, an id for the unexpected."""

from __future__ import annotations

import functools
import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec

import streamlit as st

from core.access.refusals import note_refusal
from core.errors import CristaeError, RoleError
from core.store.store import current_store

logger = logging.getLogger("cristae.ui")

P = ParamSpec("P")


@contextmanager
def explained() -> Iterator[None]:
    """Show what went wrong in the block, instead of a stack trace."""
    try:
        yield
    except CristaeError as error:
        show_cristae_error(error)
    except Exception:
        code = uuid.uuid4().hex[:8]
        logger.exception("unexpected error %s", code)
        show_error(
            f"An unexpected error occurred (error {code}).",
            "Saved work is not affected. Reload the page. If the error returns, report it with the lines marked "
            f"{code} in the server log.",
        )


def explaining(function: Callable[P, None]) -> Callable[P, None]:
    """`explained` around a fragment, which Streamlit runs apart from its page."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        with explained():
            function(*args, **kwargs)

    return wrapped


def show_cristae_error(error: CristaeError) -> None:
    """What Cristae raised on purpose; what a person's role does not allow is told in the audit log, too."""
    if isinstance(error, RoleError):
        note_refusal(current_store(), error)
    show_error(error.cause, error.remedy)


def show_error(cause: str, remedy: str) -> None:
    """One error box."""
    st.error(f"**{plain(cause)}**" + (f"\n\n{plain(remedy)}" if remedy else ""), icon=":material/error:")


def plain(text: str) -> str:
    """Text whose Markdown signs are shown, not obeyed: file names and values come from outside."""
    for sign in "\\`*_[]<>$~:":
        text = text.replace(sign, f"\\{sign}")
    return text
