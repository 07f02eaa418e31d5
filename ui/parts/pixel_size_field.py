"""The one field for a pixel size: it shows the unit, takes what people type, and refuses what cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pandas as pd
import streamlit as st
from streamlit.elements.lib.layout_utils import WidthWithoutContent

from core.errors import CristaeError
from core.imaging.lengths import parse_pixel_size_nm
from ui.errors import plain, show_error

EXAMPLE: Final = "for example 8, or 0.008 µm"
_WHOLE_DIGITS: Final = 6
"""Before the decimal point of a size in nm, as far as any that was ever accepted (100 µm)."""

UNITS: Final = "A number in nm, or a number with unit: Å, µm, mm."


@dataclass(frozen=True, slots=True)
class TypedSize:
    """What a field for a pixel size holds.

    Parameters
    ----------
    nm
        None: nothing is typed, or it is no size.
    cause, remedy
        Why it is no size; empty where it is one, or nothing is typed.
    """

    nm: float | None = None
    cause: str = ""
    remedy: str = ""

    @property
    def refused(self) -> bool:
        """Whether something is typed that is no size."""
        return bool(self.cause)

    def submitted(self, wanted: bool) -> float | None:
        """The size in nm, once its button was pressed; an empty field says what is missing."""
        if wanted and self.nm is None and not self.refused:
            show_error("The pixel size is missing.", f"Enter it, {EXAMPLE}.")
        return self.nm if wanted else None


def typed_size(cell: object) -> TypedSize:
    """What a person typed for a pixel size, into a field or the cell of a table; blank or missing: nothing.

    >>> typed_size("0.008 µm").nm, typed_size(" ").nm, typed_size(None).nm, typed_size("8 kg").refused
    (8.0, None, None, True)
    """
    text = "" if cell is None or pd.isna(cell) else str(cell)  # type: ignore[call-overload]
    if not text.strip():
        return TypedSize()
    try:
        return TypedSize(parse_pixel_size_nm(text))
    except CristaeError as error:
        return TypedSize(cause=error.cause, remedy=error.remedy)


def size_cell(nm: float | None) -> str:
    """A pixel size as a field or a table holds it, in nm; blank for an unknown one."""
    return "" if nm is None else f"{nm:.6g}"


def sortable_size_cell(nm: float | None) -> str:
    """`size_cell` for a column that a table sorts as text: spaces before the number put 4.6 before 70 and 100.

    >>> sorted(sortable_size_cell(nm).strip() for nm in (100.0, 4.6, 70.25))
    ['100', '4.6', '70.25']
    >>> [cell.strip() for cell in sorted(sortable_size_cell(nm) for nm in (100.0, 4.6, 70.25))]
    ['4.6', '70.25', '100']
    """
    whole, point, rest = size_cell(nm).partition(".")
    return f"{whole:>{_WHOLE_DIGITS}}{point}{rest}" if whole else ""


def pixel_size_field(
    label: str,
    *,
    key: str | None = None,
    value_nm: float | None = None,
    placeholder: str = EXAMPLE,
    help: str = "",
    width: WidthWithoutContent = "stretch",
) -> TypedSize:
    """Ask for a pixel size; what is no size is explained below the field.

    Parameters
    ----------
    label
        Without the unit, which is added.
    value_nm
        What the field begins with.
    placeholder, help
        Of the field; the units that it takes are added to the help.
    """
    text = st.text_input(
        f"{label} (nm per pixel)",
        value=size_cell(value_nm),
        key=key,
        placeholder=placeholder,
        help=f"{help} {UNITS}".strip(),
        width=width,
    )
    size = typed_size(text)
    if size.refused:
        st.markdown(f":red[:material/error: {plain(size.cause)} {plain(size.remedy)}]")
    return size
