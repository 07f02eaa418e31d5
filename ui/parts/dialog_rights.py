"""The right that a dialog takes, asked for each time it is drawn: it may be open when a role is taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import wraps
from typing import ParamSpec

import streamlit as st

from core.access.roles import Permission
from core.errors import CristaeError, NotFoundError
from ui import context
from ui.access import refusal_of
from ui.errors import explained, plain, show_cristae_error
from ui.parts.kept_dialog import close_dialog

P = ParamSpec("P")


def asks(
    permission: Permission, projects: Callable[P, Iterable[str | None]]
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Decorate what draws a dialog, below ``@st.dialog``; a test asks it of every dialog.

    Streamlit draws an open dialog alone when something in it is pressed, so its page does not ask again. What is not
    drawn cannot be pressed; core asks once more when something is saved.

    Parameters
    ----------
    permission
        What a person needs.
    projects
        From the dialog's arguments to the ids of the projects that it is about; None: any project will do.
    """

    def decorate(draw: Callable[P, None]) -> Callable[P, None]:
        @wraps(draw)
        def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
            with explained():
                try:
                    if not _refused(permission, projects(*args, **kwargs)):
                        draw(*args, **kwargs)
                        return
                except CristaeError as error:  # what it is about may have gone
                    show_cristae_error(error)
                if st.button("Close", key="dialog-refused"):
                    close_dialog()

        return drawn

    return decorate


def of_images(image_ids: Iterable[str]) -> set[str | None]:
    """The projects of images; those that are gone are left out."""
    found: set[str | None] = set()
    for image_id in image_ids:
        with suppress(NotFoundError):
            found.add(context.store().images.get(image_id).project_id)
    return found


def _refused(permission: Permission, project_ids: Iterable[str | None]) -> bool:
    """Say what is missing; nothing is said where nothing is."""
    for project_id in project_ids:
        error = refusal_of(permission, project_id)
        if error is not None:
            st.info(plain(f"{error.cause} {error.remedy}"), icon=":material/lock:")
            return True
    return False
