"""Two or more evaluations side by side: bars, paired differences, and where it got better or worse."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import streamlit as st

from core.cache import MB, remembered
from core.evaluation.comparison import Comparison
from core.evaluation.image_scores import ALL
from core.evaluation.metric import Better, Metric
from core.evaluation.report import EvaluationReport
from core.evaluation.words import VERDICTS, change_text, digits_of, interval_ends, smallest_words
from core.evaluations.read import EvaluatedImage, compare_evaluations, evaluated_images, evaluation_report
from core.figures.bars import metric_bars_of
from core.figures.differences import paired_differences
from core.figures.drawn import DrawnFigure
from core.store.records import EvaluationRecord, EvaluationState
from core.store.store import Store
from core.wording import counted
from ui import context
from ui.address import address_list, set_address_list
from ui.errors import explained, logger, plain
from ui.figure import figure
from ui.parts.columns import picked_row
from ui.parts.options import choice, choices
from ui.parts.scores import evaluation_texts, figure_text
from ui.parts.side_by_side import side_by_side
from ui.results.choices import first_metric, metric_choice
from ui.results.images import mean_of
from ui.state import Query, query, set_query
from ui.viewer import LabelLayer
from ui.viewer.compare import PaneKind, PaneMode, linked_panes

MOST: Final = 4
"""Evaluations beside the chosen one; more cannot be told apart in one figure."""


_ahead = threading.Lock()
"""Held while one comparison is prepared; another waits for its click."""


def compare_panel(row: EvaluationRecord, report: EvaluationReport, rows: Sequence[EvaluationRecord]) -> None:
    """Choice of the others, bars of all, differences to one."""
    others = _others(row, rows)
    if not {*address_list(Query.COMPARED)} <= {row.id for row in rows}:
        st.warning("This link points to an evaluation that is no longer in this project.", icon=":material/link_off:")
    if not others:
        st.info(
            "This project has only one evaluation. Evaluate a second model on the same images to compare them here.",
            icon=":material/compare_arrows:",
        )
        return
    chosen = _chosen(others)
    if not chosen:
        st.caption("Select at least one other evaluation.")
        return
    with st.container(border=True):
        place, _ = st.columns([1, 3])
        with place:
            metric = metric_choice(report, key="results-compare-metric")
        key = f"results-compare-bars-{row.id}-{metric.name}-{'-'.join(chosen)}"
        drawn = _bars_of(context.store(), row, [others[i] for i in chosen], metric)
        figure(drawn, name=f"{metric.name}_compared", key=key, height=380)
    before = others[chosen[0]]
    if len(chosen) > 1:
        texts = evaluation_texts(list(others.values()))
        before = others[choice("Baseline", {i: texts[i] for i in chosen}, key="results-before")]
    with explained():
        comparison = compare_evaluations(context.store(), before.id, row.id)
        _differences(before, row, report, comparison, metric)


def compare_ahead(row: EvaluationRecord, rows: Sequence[EvaluationRecord]) -> None:
    """While something else is looked at: read and draw in the background what the comparison shows first."""
    other = next(iter(_others(row, rows).values()), None)
    growing = row.state is EvaluationState.RUNNING  # its figures change with every image
    if other is None or growing or not row.scored_count or not _ahead.acquire(blocking=False):
        return
    store = context.store()

    def work() -> None:
        try:
            report = evaluation_report(store, row.id)
            comparison = compare_evaluations(store, other.id, row.id)
            metric = first_metric(report)
            _bars_of(store, row, [other], metric)
            if metric.name in comparison.differences:
                _drawn_differences(comparison, report, metric)
        except Exception as error:  # whatever it is, opening the comparison says it
            logger.debug("Nothing was compared ahead: %s", error)
        finally:
            _ahead.release()

    threading.Thread(target=work, name="comparison ahead", daemon=True).start()


def _others(row: EvaluationRecord, rows: Sequence[EvaluationRecord]) -> dict[str, EvaluationRecord]:
    """The evaluations that there is something to compare with in, newest first."""
    return {other.id: other for other in rows if other.id != row.id and other.scored_count}


def differences_table(comparison: Comparison, report: EvaluationReport, metric: Metric) -> pd.DataFrame:
    """One row per class: mean difference, interval, n, verdict."""
    names = {**{item.id: item.name for item in report.scheme.classes}, ALL: "mean of classes"}
    found = comparison.differences.get(metric.name, {})
    return pd.DataFrame(
        [
            {
                "Class": names[i],
                "Difference": change_text(found[i].mean, digits_of(metric), metric.unit),
                "Interval": "–"
                if found[i].low != found[i].low
                else f"{' to '.join(interval_ends(metric, found[i].low, found[i].high))} {metric.unit}".strip(),
                "Images": found[i].images,
                "Verdict": VERDICTS[found[i].verdict] if found[i].images else "not measured",
            }
            for i in names
            if i in found
        ]
    )


def by_image_table(
    comparison: Comparison, images: Mapping[str, EvaluatedImage], report: EvaluationReport, metric: Metric
) -> pd.DataFrame:
    """One row per image: difference of the means and per class; most worsened first."""
    found = comparison.by_image.get(metric.name)
    if found is None:
        return pd.DataFrame()
    defined = np.isfinite(found)
    counts = defined.sum(1)
    means = np.divide(np.where(defined, found, 0.0).sum(1), counts, out=np.full(len(found), np.nan), where=counts > 0)
    frame: dict[str, Any] = {
        "Image": list(comparison.names),
        "Specimen": [images[name].specimen if name in images else "" for name in comparison.names],
        "mean": means,
    }
    frame |= {f"class {i}": found[:, position] for position, i in enumerate(report.scheme.ids)}
    ordered = pd.DataFrame(frame).sort_values(
        "mean", ascending=metric.better is Better.HIGHER, kind="stable", na_position="last", ignore_index=True
    )
    figures = ordered.columns[2:]
    ordered[figures] = ordered[figures].round(digits_of(metric)) + 0.0  # else the table shows -0.000
    return ordered


def _chosen(others: Mapping[str, EvaluationRecord]) -> list[str]:
    """The evaluations to compare with, kept in the address; the newest other one at first."""
    key = "results-compared"
    asked = [i for i in address_list(Query.COMPARED) if i in others][:MOST]
    st.session_state[key] = asked or ([next(iter(others))] if query(Query.COMPARED) is None else [])
    return choices(
        "Compare with",
        evaluation_texts(list(others.values())),
        max_selections=MOST,
        key=key,
        on_change=lambda: set_address_list(Query.COMPARED, st.session_state[key]),
    )


@remembered("bars of several evaluations", "drawn figures", limit_bytes=32 * MB)
def _drawn_bars(reports: tuple[tuple[str, EvaluationReport], ...], metric: Metric) -> DrawnFigure:
    """`metric_bars_of`, drawn once."""
    return metric_bars_of(dict(reports), metric)


@remembered("differences of evaluations", "drawn figures", limit_bytes=32 * MB)
def _drawn_differences(comparison: Comparison, report: EvaluationReport, metric: Metric) -> DrawnFigure:
    """`paired_differences`, drawn once."""
    return paired_differences(comparison, report.scheme, metric)


def _bars_of(store: Store, row: EvaluationRecord, others: Sequence[EvaluationRecord], metric: Metric) -> DrawnFigure:
    """All of them in one figure; the chosen one first."""
    texts = evaluation_texts((row, *others))
    return _drawn_bars(tuple((texts[other.id], evaluation_report(store, other.id)) for other in (row, *others)), metric)


def _differences(
    before: EvaluationRecord, row: EvaluationRecord, report: EvaluationReport, comparison: Comparison, metric: Metric
) -> None:
    """Which classes and which images got better, which worse, and where."""
    st.subheader(plain(f"{row.name} against {before.name}"), anchor=False)
    sentences = [f"{counted(len(comparison.names), 'image')} with scores in both evaluations."]
    if comparison.left_out:
        sentences.append(
            f"{counted(len(comparison.left_out), 'image')} with scores in only one evaluation are excluded."
        )
    st.markdown(plain(" ".join((*sentences, comparison.caution))))
    if metric.name not in comparison.differences:
        st.info(f"{metric.title} is missing in at least one evaluation.", icon=":material/block:")
        return
    drawn = _drawn_differences(comparison, report, metric)
    left, right = side_by_side([1.5, 1], key=f"results-differences-{before.id}")
    with left.container(border=True):
        key = f"results-differences-{before.id}-{row.id}-{metric.name}"
        figure(drawn, name=f"{metric.name}_differences", key=key, height=380)
    with right:
        st.dataframe(
            differences_table(comparison, report, metric), hide_index=True, placeholder="–", width="stretch",
            key=f"results-verdicts-{before.id}-{row.id}-{metric.name}",
        )  # fmt: skip
        better = {Better.HIGHER: "Above zero is better", Better.LOWER: "Below zero is better"}
        st.caption(
            f"{better.get(metric.better, 'Below zero is better: absolute errors are compared')}. *Better* and "
            "*worse* are about these two models on these images, and are shown only where the difference is not "
            f"chance (p adjusted for the number of classes, Holm) and at least {smallest_words(metric)}: another seed "
            "of the same training changes as much."
        )
    _by_image(before, row, report, comparison, metric)


def _by_image(
    before: EvaluationRecord, row: EvaluationRecord, report: EvaluationReport, comparison: Comparison, metric: Metric
) -> None:
    """The images, most worsened first, and the one that was clicked in panes."""
    store = context.store()
    images = {image.name: image for image in evaluated_images(store, row.id)}
    frame = by_image_table(comparison, images, report, metric)
    st.markdown("**Image by image**, largest loss first. Click a row to see both predictions.")
    form = "%+.3f" if not metric.unit else "%+.1f"
    labels = {"mean": "Mean of classes", **{f"class {item.id}": item.name for item in report.scheme.classes}}
    picked = st.dataframe(
        frame,
        key=f"results-by-image-{before.id}-{row.id}-{metric.name}",
        hide_index=True,
        placeholder="–",
        width="stretch",
        height=min(38 + 35 * len(frame), 380),
        column_config={name: st.column_config.NumberColumn(label, format=form) for name, label in labels.items()},
        on_select="rerun",
        selection_mode="single-cell",
    )
    index = picked_row(picked["selection"])
    if index is not None:
        set_query(Query.IMAGE, images[str(frame["Image"][index])].image_id)
    wanted = query(Query.IMAGE)
    image = next((image for image in images.values() if image.image_id == wanted), None)
    other = next((o for o in evaluated_images(store, before.id) if image and o.image_id == image.image_id), None)
    if image and other:
        _panes(before, row, image, other, report, metric)


def _panes(
    before: EvaluationRecord,
    row: EvaluationRecord,
    image: EvaluatedImage,
    other: EvaluatedImage,
    report: EvaluationReport,
    metric: Metric,
) -> None:
    """Reference and both predictions of one image."""
    now, then = (figure_text(metric, mean_of(each, metric, report.scheme)) for each in (image, other))
    st.markdown(plain(f"{image.name}: {metric.title} {then} before ({before.name}), {now} now ({row.name})."))
    layers = [LabelLayer(other.prediction_id, before.name)] if other.prediction_id else []
    linked_panes(
        image.image_id,
        reference_id=image.reference_id,
        prediction_id=image.prediction_id,
        others=layers,
        classes=report.scheme.classes,
        mode=PaneMode.PANES,
        panes=(PaneKind.REFERENCE, PaneKind.PREDICTION, PaneKind.ERRORS),
        error_class=None,
        focus=None,
        key=f"results-compare-panes-{before.id}-{row.id}-{image.image_id}",
        height=520,
        remember_as="results",
    )
