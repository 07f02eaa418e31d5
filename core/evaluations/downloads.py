"""Files of an evaluation that people take away, from the Results page and from the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from core.errors import NotFoundError
from core.evaluations.report.bundle import bundle_zip
from core.evaluations.report.findings import Findings, findings
from core.evaluations.report.tables import metrics_table
from core.files import json_bytes
from core.imaging.names import file_stem
from core.spreadsheets import CSV_TYPE
from core.store.store import Store


def render_evaluation(store: Store, evaluation_id: str, what: str, compare_with: str = "") -> tuple[bytes, str, str]:
    """Make one of the files.

    Parameters
    ----------
    store
        Where the evaluation is.
    evaluation_id
        With at least one scored image.
    what
        One of `DOWNLOADS`.
    compare_with
        Id of another evaluation of the project, whose paired differences come along; "" for none.

    Returns
    -------
    tuple
        The bytes, their media type, a file name.

    Raises
    ------
    NotFoundError
        No such evaluation or file, or nothing is scored.
    DatasetError
        The two cannot be compared.
    """
    if what not in DOWNLOADS:
        raise NotFoundError(f"There is no file {what!r} of an evaluation.", f"There are {', '.join(DOWNLOADS)}.")
    media_type, render = DOWNLOADS[what]
    found = findings(store, evaluation_id, compare_with)
    return render(store, found), media_type, f"{file_stem(found.record.name)}_{evaluation_id[:8]}_{what}"


def _report(store: Store, found: Findings) -> bytes:
    from core.evaluations.report.html import report_html  # Plotly takes 0.3 s to import, for this file only

    return report_html(store, found)


DOWNLOADS: Final[dict[str, tuple[str, Callable[[Store, Findings], bytes]]]] = {
    "report.html": ("text/html; charset=utf-8", _report),
    "metrics.csv": (CSV_TYPE, lambda _, found: metrics_table(found).csv()),
    "report.json": ("application/json", lambda _, found: json_bytes(found.report.to_json())),
    "bundle.zip": ("application/zip", lambda _, found: bundle_zip(found)),
}
"""File name to media type and what makes it."""
