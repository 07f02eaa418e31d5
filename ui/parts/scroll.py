"""Bringing a part of the page into sight. A script in the page would be refused by the content security policy."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import streamlit as st

_JS: Final = """export default function ({ data, parentElement }) {
  if (parentElement.scrolledFor === data.token) return;
  parentElement.scrolledFor = data.token;
  const scroll = () => {
    if (data.anchor) document.getElementById(data.anchor)?.scrollIntoView({ block: "start" });
    else document.querySelector('[data-testid="stMain"]')?.scrollTo({ top: 0, behavior: "smooth" });
  };
  for (const wait of data.anchor ? [0, 400, 1200] : [0]) setTimeout(scroll, wait); // pictures above it may be coming
}
"""


def scroll_to(anchor: str, *, token: str, key: str) -> None:
    """Scroll once for each token.

    Parameters
    ----------
    anchor
        Id of the element, "" for the top of the page.
    token
        Another one scrolls again.
    key
        Names it on its page.
    """
    _component()(key=key, data={"anchor": anchor, "token": token})


@lru_cache(maxsize=1)
def _component() -> Callable[..., Any]:
    """The component, registered once per process."""
    return st.components.v2.component("cristae_scroll", html="<div></div>", js=_JS)
