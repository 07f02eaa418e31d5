"""Who works here: the name that was chosen once in this browser, or what the sign-in says."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.settings import current_settings
from core.store.people import NAME_CHARS, clean_name
from core.web.people import PERSON_COOKIE, person_from
from ui.state import StateKey
from ui.viewer.assets import app_root

FORM_PX: Final = 480
"""Width of the form that asks for a name."""

_YEAR_S: Final = 365 * 24 * 3600


def person() -> str:
    """The name of who uses this browser, "" where nobody has said yet."""
    settings = current_settings()
    identity = person_from(st.context.headers, st.context.cookies, settings)
    if settings.person_header:
        return identity
    return str(st.session_state.get(StateKey.PERSON) or identity)


def signed_in() -> bool:
    """Whether the name comes from a sign-in and cannot be chosen."""
    return bool(current_settings().person_header)


def person_field(*, key: str, place: DeltaGenerator | None = None) -> str:
    """Ask for the name once, here; afterwards show it, with a way to change it. Returns it, "" until it is given.

    Parameters
    ----------
    key
        Names the widgets on their page.
    place
        Where a known name stands, in the page's head; None: here too.
    """
    name = person()
    if signed_in():
        if not name:
            st.warning("Sign in first: the server received no user name.", icon=":material/person_off:")
        return name
    if not name:
        with st.container(border=True, width=FORM_PX):
            st.subheader("Who are you?", anchor=False)
            st.markdown("Your name is recorded with your corrections. This browser remembers it.")
            _form(key, "")
        return ""
    with (
        place or nullcontext(),
        st.container(horizontal=True, horizontal_alignment="right"),
        st.popover(name, icon=":material/person:", type="tertiary"),
    ):
        st.caption("Your name is recorded with your corrections.")
        _form(key, name)
    _remember(name, key)
    return name


def _form(key: str, name: str) -> None:
    with st.form(f"{key}-person", border=False):
        given = clean_name(st.text_input("Your name", value=name, max_chars=NAME_CHARS, key=f"{key}-person-name"))
        if st.form_submit_button("Use name", type="primary") and given:
            st.session_state[StateKey.PERSON] = given
            st.rerun()


def _remember(name: str, key: str) -> None:
    """Write the cookie; the browser sends it with every request from then on."""
    if quote(name) == st.context.cookies.get(PERSON_COOKIE):
        return
    cookie = f"{PERSON_COOKIE}={quote(name, safe='')}; path={app_root()}; max-age={_YEAR_S}; SameSite=Lax"
    _component()(key=f"{key}-person-cookie", data={"cookie": cookie})


@lru_cache(maxsize=1)
def _component() -> Callable[..., Any]:
    """The component, registered once per process."""
    return st.components.v2.component(
        "cristae_person",
        html="<div></div>",
        js="export default function ({ data }) {\n  document.cookie = data.cookie;\n}\n",
    )
