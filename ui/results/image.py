"""One image of an evaluation: linked panes, its largest errors, its figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd
import streamlit as st

from core.evaluation.error_objects import ConnectedError
from core.evaluation.metric_table import metric_named
from core.evaluation.report import EvaluationReport
from core.evaluation.words import objects_text
from core.evaluations.read import EvaluatedImage, evaluated_images, image_errors
from core.label_scheme import LabelScheme
from core.store.records import EvaluationRecord, ImageRecord, Split
from core.wording import counted
from ui import context
from ui.address import kept_in_address
from ui.errors import plain
from ui.pages import CORRECT_PAGE
from ui.parts.columns import picked_row
from ui.parts.options import choice, titled
from ui.parts.scores import figure_text
from ui.parts.units import AREA_FORMAT, field_text, pixel_size_text, shape_text
from ui.results.choices import DEFAULT_METRIC
from ui.results.images import summary, value_of, worst_first
from ui.state import Query, query, set_query
from ui.viewer.compare import PANE_MODES, PaneKind, PaneMode, linked_panes
from ui.viewer.place import Place

HEIGHT_PX: Final = 640

PANEL_PX: Final = 370
"""The list of errors; below the panes where both do not fit beside each other."""

LISTED: Final = 200
"""As many errors as an evaluation keeps of an image (`largest_errors`)."""

_ALL: Final = "all"

_PANES: Final = {
    PaneKind.IMAGE: "Image",
    PaneKind.REFERENCE: "Reference",
    PaneKind.PREDICTION: "Prediction",
    PaneKind.ERRORS: "Errors",
}
_BACKGROUND: Final = "background"


def image_panel(row: EvaluationRecord, report: EvaluationReport) -> None:
    """Choice of the image, panes on the left, errors and figures on the right."""
    metric = metric_named(query(Query.METRIC) or DEFAULT_METRIC) if _known(report) else report.metrics[0]
    images = worst_first(evaluated_images(context.store(), row.id), metric, report.scheme)
    image = _chosen(images, {i.image_id: summary(i, metric, report.scheme) for i in images}, metric.title)
    if image is None:
        return
    record = next((each for each in context.store().images.all(row.project_id) if each.id == image.image_id), None)
    if record is None:
        st.info("This image was deleted after the evaluation; its scores are kept.", icon=":material/delete:")
        _figures(row, report, image)
        return
    _facts(record)
    if not image.scored:
        st.warning(plain(image.reason or "This image is not scored yet."), icon=":material/block:")
    with st.container(horizontal=True, gap="medium"):
        picture, panel = (
            st.container(width="stretch", key="results-picture"),
            st.container(width=PANEL_PX, key="results-side"),
        )
    with panel:
        error_class = _error_class(report.scheme)
        error = _errors(row, report, image, error_class) if image.scored else None
        focus = _place(row, image, error) if error else None
        _correct(row, image, record, error)
    with picture:
        mode, panes = _modes()
        linked_panes(
            image.image_id,
            reference_id=image.reference_id,
            prediction_id=image.prediction_id,
            classes=report.scheme.classes,
            mode=mode,
            panes=panes,
            error_class=error_class,
            focus=focus,
            key=f"results-panes-{row.id}-{image.image_id}",
            height=HEIGHT_PX,
            remember_as="results",
        )
    if image.scored:
        _figures(row, report, image)


def _correct(row: EvaluationRecord, image: EvaluatedImage, record: ImageRecord, error: ConnectedError | None) -> None:
    """One click to the brush, at the error that was chosen, on the prediction that is shown."""
    target = {Query.PROJECT.value: row.project_id, Query.IMAGE.value: image.image_id}
    if image.prediction_id:
        target[Query.REVISION.value] = image.prediction_id
    if error is not None:
        target[Query.PLACE.value] = f"{error.row},{error.column},{error.height},{error.width}"
        target[Query.DOUBT.value] = str(error.prediction_id)
        target[Query.CLASS.value] = str(error.reference_id or error.prediction_id)
    label = "Correct this place" if error else "Correct this image"
    tested = record.split is Split.TEST
    said = "Test images are never used for training. The Correct page shows similar places in training images."
    if st.button(
        label, icon=":material/brush:", key=f"results-correct-{image.image_id}", width="stretch",
        help=said if tested else None,
    ):  # fmt: skip
        st.switch_page(CORRECT_PAGE, query_params=target)
    if tested:
        st.caption(said)


def errors_table(errors: Sequence[ConnectedError], scheme: LabelScheme) -> pd.DataFrame:
    """One row per error: what went wrong, what was taken for what, how large."""
    known = any(error.area_um2 is not None for error in errors)
    names = {0: _BACKGROUND, **{item.id: item.name for item in scheme.classes}}
    return pd.DataFrame(
        {
            "Error": [str(error.kind) for error in errors],
            "Reference": [names[error.reference_id] for error in errors],
            "Predicted": [names[error.prediction_id] for error in errors],
            **(
                {"Objects": [objects_text(error) for error in errors]} if any(error.objects for error in errors) else {}
            ),
            "Size": [error.area_um2 if known else float(error.pixels) for error in errors],
        }
    )


def of_class(errors: Sequence[ConnectedError], class_id: int | None) -> list[ConnectedError]:
    """Those in which a class is on either side; all for None."""
    return [error for error in errors if class_id is None or class_id in (error.reference_id, error.prediction_id)]


def _known(report: EvaluationReport) -> bool:
    return (query(Query.METRIC) or DEFAULT_METRIC) in {metric.name for metric in report.metrics}


def _chosen(images: Sequence[EvaluatedImage], figures: dict[str, str], title: str) -> EvaluatedImage | None:
    """The image that is looked at, and the way to the next."""
    by_id = {image.image_id: image for image in images}
    asked = query(Query.IMAGE)
    if asked and asked not in by_id:
        st.warning(
            "This link points to an image outside this evaluation. The worst image is shown.",
            icon=":material/link_off:",
        )
    changed = kept_in_address(Query.IMAGE, "results-image", by_id, images[0].image_id)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = choice(
            f"Image, worst first by {title}",
            {image_id: f"{image.name} · {figures[image_id]}" for image_id, image in by_id.items()},
            key="results-image",
            on_change=changed,
        )
        place = list(by_id).index(chosen)
        for step, label, icon in ((-1, "Worse", ":material/chevron_left:"), (1, "Better", ":material/chevron_right:")):
            other = place + step
            inside = 0 <= other < len(images)
            st.button(
                label,
                icon=icon,
                disabled=not inside,
                key=f"results-image-{label}",
                on_click=set_query,
                args=(Query.IMAGE, images[other].image_id if inside else None),
            )
    return by_id[chosen]


def _facts(record: ImageRecord) -> None:
    facts = (
        f"specimen {record.specimen}" if record.specimen else "specimen not recorded",
        shape_text(record.shape_yx),
        field_text(record.shape_yx, record.pixel_size),
        pixel_size_text(record.pixel_size),
    )
    st.caption(plain(" · ".join(fact for fact in facts if fact)))


def _modes() -> tuple[PaneMode, tuple[PaneKind, ...]]:
    """How the label maps are compared, and which panes there are side by side."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        mode = st.segmented_control(
            "View",
            list(PANE_MODES),
            default=PaneMode.PANES,
            format_func=titled(PANE_MODES),
            key="results-mode",
            required=True,
            label_visibility="collapsed",
        )
        if mode is not PaneMode.PANES:
            return PaneMode(mode or PaneMode.PANES), tuple(_PANES)
        panes = st.pills(
            "Panes",
            list(_PANES),
            default=list(_PANES),
            format_func=titled(_PANES),
            selection_mode="multi",
            key="results-pane-kinds",
            label_visibility="collapsed",
        )
    return mode, tuple(pane for pane in _PANES if pane in panes) or tuple(_PANES)


def _error_class(scheme: LabelScheme) -> int | None:
    """The class whose errors are drawn; None for all."""
    names = {_ALL: "all classes (confusions)"} | {str(item.id): item.name for item in scheme.classes}
    chosen = choice(
        "Errors of",
        names,
        key="results-error-class",
        on_change=kept_in_address(Query.ERROR_CLASS, "results-error-class", names, _ALL),
    )
    return None if chosen == _ALL else int(chosen)


def _errors(
    row: EvaluationRecord, report: EvaluationReport, image: EvaluatedImage, class_id: int | None
) -> ConnectedError | None:
    """The list; the error that was clicked."""
    everything = image_errors(context.store(), row.id, image.image_id)
    errors = of_class(everything, class_id)
    if not errors:
        name = f" of {report.scheme[class_id].name}" if class_id else ""
        st.success(plain(f"No errors{name} in this image."), icon=":material/check_circle:")
        return None
    frame = errors_table(errors, report.scheme)
    physical = errors[0].area_um2 is not None
    picked = st.dataframe(
        frame,
        key=f"results-errors-{row.id}-{image.image_id}-{class_id}",
        hide_index=True,
        placeholder="–",
        width="stretch",
        height=min(38 + 35 * len(frame), 430),
        column_config={
            "Error": st.column_config.TextColumn(width=90),
            "Reference": st.column_config.TextColumn(width=95, help="The class in the reference"),
            "Predicted": st.column_config.TextColumn(width=95, help="The class in the prediction"),
            "Objects": st.column_config.TextColumn(help="Ids of the objects that were merged or split"),
            "Size": st.column_config.NumberColumn(
                "µm²" if physical else "px", format=AREA_FORMAT if physical else "%.0f", width=62
            ),
        },
        on_select="rerun",
        selection_mode="single-cell",
    )
    more = ", without the smallest ones" if len(everything) >= LISTED else ""
    st.caption(f"{counted(len(errors), 'connected error')}, largest first{more}. Click one to jump to it.")
    index = picked_row(picked["selection"])
    if index is None:
        return None
    return errors[index]


def _place(row: EvaluationRecord, image: EvaluatedImage, error: ConnectedError) -> Place:
    token = f"{row.id}-{image.image_id}-{error.row}-{error.column}-{error.reference_id}-{error.prediction_id}"
    return Place(error.row, error.column, error.height, error.width, token)


def _figures(row: EvaluationRecord, report: EvaluationReport, image: EvaluatedImage) -> None:
    """All figures of this image, a row per class."""
    with st.expander("All scores of this image", icon=":material/table:"):
        frame = pd.DataFrame(
            {
                "Class": [item.name for item in report.scheme.classes],
                **{
                    metric.title: [figure_text(metric, value_of(image, metric, i)) for i in report.scheme.ids]
                    for metric in report.metrics
                },
            }
        )
        st.dataframe(
            frame, hide_index=True, placeholder="–", width="stretch", key=f"results-figures-{row.id}-{image.image_id}"
        )
        st.caption("A dash means undefined: the class is in neither label map, or the metric was not computed.")
