"""Lists to choose from, resolved by id.

Streamlit sends a choice as the text that is shown and looks it up among the texts: of equal texts it always finds the
last, and where the text of what was chosen has changed meanwhile, the choice falls back to the first. So every list of
things that people name goes through here: equal texts are made unequal, and a choice survives a changed text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

K = TypeVar("K", bound=Hashable)

ID_LENGTH: Final = 6
"""Characters of an id that are shown where nothing else tells two things apart."""

Details = Mapping[K, Sequence[str]]


def unequal(texts: Mapping[K, str], details: Details[K] | None = None) -> dict[K, str]:
    """The texts, with as much after the equal ones as tells them apart.

    Parameters
    ----------
    texts
        Id to the text that is shown.
    details
        Id to what may follow it, the most telling first; used only where texts are equal. Last comes the id.

    Examples
    --------
    >>> unequal({"a1": "cell", "b2": "cell", "c3": "other"})
    {'a1': 'cell · a1', 'b2': 'cell · b2', 'c3': 'other'}
    >>> unequal({"a1": "cell", "b2": "cell"}, {"a1": ["monday"], "b2": ["tuesday"]})
    {'a1': 'cell · monday', 'b2': 'cell · tuesday'}
    """
    found = dict(texts)
    levels = max((len(details.get(key, ())) for key in texts), default=0) if details else 0
    for level in range(levels):
        for group in _equal(found):
            parts = {key: _part(details, key, level) for key in group}
            if len(set(parts.values())) > 1:
                found |= {key: f"{found[key]} · {parts[key]}" if parts[key] else found[key] for key in group}
    for group in _equal(found):
        found |= {key: f"{found[key]} · {_short(key, group)}" for key in group}
    numbers: Counter[str] = Counter()
    for key, text in found.items():  # what is added may be another's name
        seen = _seen(text)
        numbers[seen] += 1
        if numbers[seen] > 1:
            found[key] = f"{text} ({numbers[seen]})"
    return found


def _equal(texts: Mapping[K, str]) -> list[list[K]]:
    """Groups of two and more that look alike."""
    groups: dict[str, list[K]] = {}
    for key, text in texts.items():
        groups.setdefault(_seen(text), []).append(key)
    return [group for group in groups.values() if len(group) > 1]


def _seen(text: str) -> str:
    """A browser draws any white space as one space."""
    return " ".join(text.split())


def _part(details: Details[K] | None, key: K, level: int) -> str:
    found = (details or {}).get(key, ())
    return found[level] if level < len(found) else ""


def _short(key: K, group: Iterable[K]) -> str:
    """The beginning of an id, all of it where several begin alike."""
    short = str(key)[:ID_LENGTH]
    return short if sum(str(other)[:ID_LENGTH] == short for other in group) == 1 else str(key)


def choice(
    label: str,
    texts: Mapping[K, str],
    *,
    key: str,
    first: K | None = None,
    details: Details[K] | None = None,
    place: DeltaGenerator | None = None,
    **options: Any,
) -> K:
    """A select box of things with ids.

    Parameters
    ----------
    label
        Above the box.
    texts
        Id to what is shown; one at least.
    key
        The widget's. Where `ui.address.kept_in_address` has put a choice under it, that counts.
    first
        Chosen at first; None: the first.
    details
        See `unequal`.
    place
        Where it is drawn; None: here.
    options
        Of `streamlit.selectbox`.
    """
    found = _selected(
        label,
        texts,
        key,
        next((place for place, option in enumerate(texts) if option == first), 0),
        details,
        place,
        options,
    )
    return next(iter(texts)) if found is None else found


def choice_or_none(
    label: str,
    texts: Mapping[K, str],
    *,
    key: str,
    first: K | None = None,
    details: Details[K] | None = None,
    place: DeltaGenerator | None = None,
    **options: Any,
) -> K | None:
    """`choice` with nothing chosen at first, unless ``first`` is among the ids."""
    index = next((place for place, option in enumerate(texts) if option == first), None)
    return _selected(label, texts, key, index, details, place, options)


def choices(
    label: str,
    texts: Mapping[K, str],
    *,
    key: str,
    first: Sequence[K] = (),
    details: Details[K] | None = None,
    place: DeltaGenerator | None = None,
    **options: Any,
) -> list[K]:
    """Several of the things with ids; parameters as `choice`."""
    shown = unequal(texts, details)
    kept = _remembered(key, shown) or key in st.session_state
    chosen: list[K] = (place or st).multiselect(
        label, list(shown), default=None if kept else [each for each in first if each in shown],
        format_func=_shower(shown), key=key, **options,
    )  # fmt: skip
    _remember(key, shown, chosen)
    return chosen


def titled(titles: Mapping[K, str]) -> Callable[[K], str]:
    """The ``format_func`` of a fixed list of words.

    Raises
    ------
    ValueError
        Two of them are the same words.
    """
    if _equal(titles):
        raise ValueError(f"these titles are not unequal: {sorted(titles.values())}")
    return _shower(titles)


def _selected(
    label: str,
    texts: Mapping[K, str],
    key: str,
    index: int | None,
    details: Details[K] | None,
    place: DeltaGenerator | None,
    options: Mapping[str, Any],
) -> K | None:
    shown = unequal(texts, details)
    kept = _remembered(key, shown) or key in st.session_state
    found: K | None = (place or st).selectbox(
        label, list(shown), index=0 if kept and index is not None else index, format_func=_shower(shown), key=key,
        **options,
    )  # fmt: skip
    _remember(key, shown, [] if found is None else [found])
    return found


def _shower(shown: Mapping[K, str]) -> Callable[[K], str]:
    """What is shown of an id; of anything else itself, which Streamlit then finds to be no option."""
    return lambda option: shown.get(option, str(option))


def _remembered(key: str, shown: Mapping[K, str]) -> bool:
    """Say a choice again whose text has changed since it was made, so that the browser learns the new text."""
    before: dict[K, str] = st.session_state.get(_memory(key), {})
    changed = any(option in shown and shown[option] != text for option, text in before.items())
    if not changed or key not in st.session_state:
        return False
    value = st.session_state[key]  # read before the widget is made, it is found among the texts of then
    if isinstance(value, list):
        st.session_state[key] = [option for option in value if option in shown]
    elif value in shown:
        st.session_state[key] = value
    return True


def _remember(key: str, shown: Mapping[K, str], chosen: Sequence[K]) -> None:
    st.session_state[_memory(key)] = {option: shown[option] for option in chosen if option in shown}


def _memory(key: str) -> str:
    return f"{key} was shown as"
