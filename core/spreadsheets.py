"""Tables that a spreadsheet opens as they are meant: names stay text, nothing in them is run."""

from __future__ import annotations

from typing import Final

import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

CSV_TYPE: Final = "text/csv; charset=utf-8"
"""Media type of the tables."""


def not_a_formula(text: str) -> str:
    """Text that a spreadsheet does not run."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def frame_csv(frame: pd.DataFrame, *, digits: int | None = None) -> str:
    """With a header, undefined empty; names of images and classes are text that a spreadsheet does not run.

    Parameters
    ----------
    frame
        To be written, without its index.
    digits
        Significant ones of numbers with a fraction; None: all.
    """
    safe = frame.copy()
    for name in frame.columns:
        if not (is_numeric_dtype(frame[name]) or is_bool_dtype(frame[name])):
            safe[name] = frame[name].map(lambda cell: not_a_formula(cell) if isinstance(cell, str) else cell)
    written = None if digits is None else f"%.{digits}g"
    return safe.to_csv(index=False, lineterminator="\n", float_format=written)


def spreadsheet(frame: pd.DataFrame) -> bytes:
    """`frame_csv` with six digits, as spreadsheets read it: UTF-8 with its mark."""
    return frame_csv(frame, digits=6).encode("utf-8-sig")
