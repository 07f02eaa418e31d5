"""Fields for the options of a training, drawn from their declaration in `core.training.options`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import streamlit as st

from core.training.options import DECLARED, Option, Shown, TrainingOptions, default_of

_PERCENT_STEP = 5


def option_fields(
    kind: type[TrainingOptions], *, key: str, helps: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    """A field for each option that forms ask for by themselves.

    Parameters
    ----------
    kind
        The class whose defaults count.
    key
        Begins the keys of the widgets.
    helps
        Name of an option to another help than the declared one.

    Returns
    -------
    dict
        Name to value, as ``kind`` takes them.
    """
    return {
        name: _field(known, default_of(kind, name), helps.get(name, known.help) or None, f"{key}-{name}")
        for name, known in DECLARED.items()
        if known.shown is not Shown.APART
    }


def _field(known: Option, default: Any, words: str | None, key: str) -> Any:
    """One widget; its value in the unit of the option."""
    if known.shown is Shown.SWITCH:
        return st.toggle(known.label, value=bool(default), key=key, help=words)
    if known.shown is Shown.PERCENT:
        most = round(100 * (1.0 if known.most is None else known.most))
        return st.slider(known.label, 0, most, round(100 * default), _PERCENT_STEP, key=key, help=words) / 100
    least = None if known.least is None else int(known.least)
    most_number = None if known.most is None else int(known.most)
    number = st.number_input(
        known.label, min_value=least, max_value=most_number, value=default, step=1, key=key, help=words
    )
    return None if number is None else int(number)
