"""An evaluation as a folder in a zip: tables as CSV, everything as JSON. The same evaluation gives the same bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from typing import Any, Final

from core.evaluations.report.findings import Findings
from core.evaluations.report.tables import TABLES, written_tables
from core.files import json_bytes

_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)
"""Time of every entry: the earliest that a zip can hold, so that it does not change the bytes."""

_README: Final = """\
{title}
{underline}

{what}
Evaluation {id} of the project {project}; {state}.

Tables, UTF-8, comma-separated, undefined values are empty:
{tables}

JSON, undefined values are null:
{documents}

Definitions of the metrics and references to cite: docs/metrics.md of Cristae. The formula and DOI of each metric are in
report.json under "metrics". Unannotated pixels (255 in the reference) are excluded.
"""


def bundle_zip(found: Findings) -> bytes:
    """The zip; everything is in one folder named ``evaluation-<id>``."""
    documents = _documents(found)
    files = {name: TABLES[name][0](found).csv() for name, _ in written_tables(found)}
    files |= {name: json_bytes(value) for name, (value, _) in documents.items()}
    files["README.txt"] = _readme(found, documents).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"evaluation-{found.record.id}/{name}", _LONG_AGO)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def comparison_json(found: Findings) -> dict[str, Any] | None:
    """The paired differences as plain values, None where nothing is compared."""
    if found.earlier is None:
        return None
    comparison, scheme = found.earlier.comparison, found.report.scheme
    return {
        "this": found.record.id,
        "other": found.earlier.record.id,
        "difference": (
            "this evaluation minus the other, on the same images; for count errors, the difference of absolute values"
        ),
        "interval_over": comparison.unit_kind,
        "caution": comparison.caution,
        "images": list(comparison.names),
        "left_out": list(comparison.left_out),
        "metrics": {
            metric: {scheme.name_of(i) if i else "all": row.to_json() for i, row in by_class.items()}
            for metric, by_class in comparison.differences.items()
        },
        "by_image": {
            metric: [[None if value != value else float(value) for value in row] for row in values]
            for metric, values in comparison.by_image.items()
        },
    }


def _documents(found: Findings) -> dict[str, tuple[Any, str]]:
    """JSON files: value, and what it is."""
    names = {image.image_id: image.name for image in found.images}
    errors = {names[i]: [error.to_json() for error in errors] for i, errors in found.errors.items() if i in names}
    documents: dict[str, tuple[Any, str]] = {
        "report.json": (
            found.report.to_json(),
            (
                "all scores, counts, confusion matrices, settings, versions and the label scheme, in the format of "
                "`evaluate`"
            ),
        ),
        "errors.json": (errors, "the largest connected errors by image"),
        "provenance.json": (found.provenance(), "author, date and versions of the evaluation"),
    }
    if found.card:
        documents["model_card.json"] = (found.card.to_json(), "the model: origin, training, versions")
    if (compared := comparison_json(found)) is not None:
        documents["comparison.json"] = (
            compared,
            ("paired differences from the other evaluation, overall and by image"),
        )
    return documents


def _readme(found: Findings, documents: dict[str, tuple[Any, str]]) -> str:
    row = found.record
    title = f"Evaluation: {row.name}"
    made = f"Model {row.model_id}" if row.model_id else "Imported predictions"
    scored = f"{row.scored_count} of {row.image_count} images scored"
    return _README.format(
        title=title,
        underline="=" * len(title),
        what=f"{made} against the reference labels of the test set, {scored}.",
        id=row.id,
        project=found.project_name,
        state="PARTIAL: images without scores are missing from all results" if found.report.partial else "complete",
        tables=_lines(written_tables(found)),
        documents=_lines([(name, told) for name, (_, told) in documents.items()]),
    )


def _lines(files: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"  {name:24} {told}" for name, told in files)
