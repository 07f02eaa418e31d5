"""The report of an evaluation: one HTML file that needs no network, to read, to print, to send to a reviewer.

Text of users is escaped by the template. What runs is named by its hash in the file's own content policy, so nothing
else in it can run, and nothing can be loaded.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from core.evaluation.metric_table import metric_named
from core.evaluation.words import figure_text, objects_text, sample_words
from core.evaluations.report.error_pictures import (
    PER_IMAGE,
    PREDICTION_COLOR,
    REFERENCE_COLOR,
    ErrorPicture,
    error_pictures,
    worst_errors,
)
from core.evaluations.report.findings import Findings
from core.evaluations.report.html_tables import (
    RANKED_BY,
    comparison_table,
    confusion_table,
    facts,
    family_tables,
    images_table,
    interval_note,
    metrics_explained,
    unscored_table,
)
from core.evaluations.report.methods import methods_sentences, versions_text
from core.evaluations.report.tables import class_name
from core.figures.bars import dice_bars, metric_bars_of
from core.figures.differences import paired_differences
from core.figures.heatmaps import confusion_heatmap, metric_heatmap
from core.store.records import EvaluationRecord
from core.store.store import Store
from core.wording import counted, significant

WIDTH_PX: Final = 680
"""Of figures: the width of A4 between margins of 15 mm, so that they print as they are shown."""

_BARS_PX: Final = 330
_CELL_PX: Final = 38
_AROUND_CELLS_PX: Final = 110
"""Height of bars, of a row of a heatmap, and of what is around its rows: bars and heatmap share the first page."""

_TEMPLATES: Final = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A figure: its id in the page, its title, and what Plotly draws it from."""

    id: str
    title: str
    json: Markup


def report_html(store: Store, found: Findings) -> bytes:
    """The report, UTF-8.

    Parameters
    ----------
    store
        Where the pictures of the errors are read from.
    found
        The evaluation.
    """
    overview = _overview(found)
    confusion_px = _AROUND_CELLS_PX + _CELL_PX * (len(found.report.scheme.classes) + 1)
    confusion = _drawn("confusion", "Confusion matrix", confusion_heatmap(found.report).figure, confusion_px)
    compared = _compared(found)
    figures = [*overview, *(compared["figures"] if compared else ()), confusion]
    page = _environment().get_template("report.html").render(
        **_head(found),
        **_scripts(),
        overview=overview,
        interval_note=interval_note(found),
        families=family_tables(found),
        compared=compared,
        confusion_figure=confusion,
        confusion=confusion_table(found),
        images=images_table(found),
        unscored=unscored_table(found),
        pictures=[_shown(found, one) for one in error_pictures(store, found, worst_errors(found))],
        per_image=PER_IMAGE,
        reference_color=_css(REFERENCE_COLOR),
        prediction_color=_css(PREDICTION_COLOR),
        methods=methods_sentences(found),
        metrics=metrics_explained(found),
        model=_model_facts(found),
        training=_training_facts(found),
        provenance=_provenance_facts(found),
        settings=_settings_facts(found),
        figures=figures,
    )  # fmt: skip
    return page.encode()


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@functools.cache
def _scripts() -> dict[str, Any]:
    """Style and scripts as they are inlined, and the policy that allows just these."""
    from plotly.offline import get_plotlyjs

    plotly = get_plotlyjs().replace("\r\n", "\n").replace("\r", "\n")  # as browsers read it before they hash it
    js = (_TEMPLATES / "report.js").read_text(encoding="utf-8")
    css = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in (plotly, js)
    )
    policy = f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
    return {"plotly": Markup(plotly), "js": Markup(js), "css": Markup(css), "policy": policy}  # noqa: S704, our own


def _head(found: Findings) -> dict[str, Any]:
    """Title, one line below it, and what to know before reading on."""
    row, report = found.record, found.report
    dice = report.figure(RANKED_BY)
    mean = f"mean Dice {figure_text(metric_named(RANKED_BY), dice.macro)}"
    if dice.low == dice.low:
        mean += f" [{dice.low:.3f}, {dice.high:.3f}]"
    finished = row.completed_at or row.created_at
    who = "imported predictions" if row.model_id is None else f"model {row.model_id}"
    partial = ""
    if report.partial:
        partial = (
            f"{len(report.images)} of {counted(row.image_count, 'image')} scored. The others are excluded from all "
            "scores; see “Images without scores”."
        )
    return {
        "title": row.name,
        "under": (f"{who}, test set of {found.project_name}", mean, f"{finished:%Y-%m-%d}"),
        "partial": partial,
        "warnings": found.seen_before,
        "sample": sample_words(report),
    }


def _overview(found: Findings) -> tuple[_Drawn, ...]:
    report = found.report
    shares = [metric for metric in report.metrics if not metric.unit]  # those in nm or objects are in the tables
    heatmap_px = _AROUND_CELLS_PX + _CELL_PX * (len(report.scheme.classes) + 1)
    return (
        _drawn("dice", "Dice per class", dice_bars(report, metric_named(RANKED_BY)).figure, _BARS_PX),
        _drawn("metrics", "Metrics per class, means over images", metric_heatmap(report, shares).figure, heatmap_px),
    )


def _compared(found: Findings) -> dict[str, Any] | None:
    if found.earlier is None:
        return None
    comparison, other = found.earlier.comparison, found.earlier.record
    metric = metric_named(RANKED_BY)
    bars = metric_bars_of({_label(other): found.earlier.report, _label(found.record): found.report}, metric)
    differences = paired_differences(comparison, found.report.scheme, metric)
    under = f"The same {counted(len(comparison.names), 'image')} in both. The other evaluation: "
    under += f"{other.model_id or 'imported predictions'}, {other.created_at:%Y-%m-%d}, {other.id}."
    if comparison.left_out:
        under += f" Excluded (scored in only one of the two): {', '.join(comparison.left_out)}."
    return {
        "name": other.name,
        "under": under,
        "figures": (
            _drawn("both", "Dice of both evaluations, each over its own images", bars.figure, _BARS_PX),
            _drawn("differences", "Differences of Dice on the same images", differences.figure, _BARS_PX),
        ),
        "table": comparison_table(found),
    }


def _label(row: EvaluationRecord) -> str:
    """Names of evaluations repeat; with its time one is told from the other."""
    return f"{row.name}, {row.created_at:%Y-%m-%d %H:%M:%S}"


def _drawn(name: str, title: str, figure: Any, height_px: int) -> _Drawn:
    """A figure as wide as the page. In the JSON nothing can end the script that holds it."""
    figure.update_layout(width=WIDTH_PX, height=height_px, autosize=False, font_size=11)
    figure.update_yaxes(automargin=True, title_standoff=8)
    text = figure.to_json().replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return _Drawn(f"figure-{name}", title, Markup(text))  # noqa: S704, escaped above


def _shown(found: Findings, one: ErrorPicture) -> dict[str, str]:
    """A picture with its caption."""
    error, scheme = one.error, found.report.scheme
    size = f"{error.pixels:,} px" if error.area_um2 is None else f"{significant(error.area_um2, 3)} µm²"
    reference, prediction = (class_name(scheme, i) for i in (error.reference_id, error.prediction_id))
    source = "" if one.jpeg is None else f"data:image/jpeg;base64,{base64.b64encode(one.jpeg).decode()}"
    return {
        "source": source,
        "kind": str(error.kind),
        "size": size,
        "caption": objects_text(error) or f"{reference} predicted as {prediction}",
        "place": f"{one.image.name}, row {error.row}, column {error.column}",
    }


def _model_facts(found: Findings) -> Sequence[tuple[str, str]]:
    row, card = found.record, found.card
    if row.model_id is None:
        return facts([("Predictions", "imported label maps")])
    if card is None:
        return facts([("Id", row.model_id), ("Card", "The model was deleted or cannot be read.")])
    size = f"{card.pixel_size_nm:g} nm" if card.pixel_size_nm else "unknown"
    return facts(
        [
            ("Name", card.name),
            ("Id", card.id),
            ("Description", card.description),
            ("Origin", card.origin),
            ("Warning", card.warning),
            ("Preset", card.preset),
            ("Parent model", card.parent),
            ("Created", card.created),
            ("Pixel size", size),
            ("Classes", ", ".join(item.name for item in card.scheme.classes)),
        ]
    )


def _training_facts(found: Findings) -> Sequence[tuple[str, str]]:
    if found.card is None:
        return ()
    training = found.card.training
    return facts(
        [
            ("Dataset", training.dataset),
            ("Licence", training.licence),
            ("Images", training.images),
            ("Time", f"{training.minutes:.0f} min" if training.minutes else ""),
            ("Epochs", training.epochs or ""),
            ("Iterations", training.iterations or ""),
            ("Seed", training.seed),
            ("Hardware", training.hardware or training.device),
            ("Versions", versions_text(training.versions)),
        ]
    )


def _provenance_facts(found: Findings) -> Sequence[tuple[str, str]]:
    row = found.record
    finished = f"{row.completed_at:%Y-%m-%d %H:%M} UTC" if row.completed_at else ""
    return facts(
        [
            ("Evaluation", row.id),
            ("Project", f"{found.project_name} ({row.project_id})"),
            ("Model", row.model_id or "imported predictions"),
            ("Compared with", found.earlier.record.id if found.earlier else ""),
            ("Requested by", row.author),
            ("Started", f"{row.created_at:%Y-%m-%d %H:%M} UTC"),
            ("Finished", finished),
            ("Job", row.job_id),
            ("Scored with", "; ".join(versions_text(each) for each in found.scored_with)),
            ("Report created with", versions_text({**found.report.versions, "plotly": metadata.version("plotly")})),
        ]
    )


def _settings_facts(found: Findings) -> Sequence[tuple[str, str]]:
    scheme = found.report.scheme
    settings = found.report.settings.to_json()
    for name in ("thin_ids", "object_ids"):
        settings[name] = ", ".join(scheme.name_of(i) for i in settings[name] or ()) or "none"
    return facts((name, value if isinstance(value, str) else json.dumps(value)) for name, value in settings.items())


def _css(color: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)
