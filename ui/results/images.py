"""The table of an evaluation's images: worst first, a bar per class, a click opens the image."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st

from core.evaluation.metric import Better, Metric
from core.evaluation.report import EvaluationReport
from core.evaluations.read import EvaluatedImage, evaluated_images
from core.label_scheme import LabelScheme
from core.store.records import EvaluationRecord, ImageRecord
from core.wording import counted
from ui import context
from ui.parts.columns import picked_row
from ui.parts.gallery import thumbnail_address
from ui.parts.scores import figure_text
from ui.results.choices import metric_choice, open_image
from ui.viewer.assets import app_root

ROW_PX: Final = 48

_MEAN: Final = "mean"


def images_panel(row: EvaluationRecord, report: EvaluationReport) -> None:
    """Filters and the table."""
    everything = evaluated_images(context.store(), row.id)
    left, middle, right = st.columns([2, 2, 3], vertical_alignment="bottom")
    with left:
        metric = metric_choice(report, key="results-table-metric")
    words = middle.text_input("Search", placeholder="name or specimen", key="results-find", icon=":material/search:")
    specimens = sorted({image.specimen for image in everything if image.specimen})
    chosen = right.multiselect("Specimen", specimens, placeholder="all", key=f"results-specimens-{row.id}")
    shown = worst_first(matching(everything, words, chosen), metric, report.scheme)
    if not shown:
        st.info("No images match. Remove a filter.", icon=":material/filter_alt_off:")
        return
    what = (
        counted(len(shown), "image") if len(shown) == len(everything) else f"{len(shown)} of {len(everything)} images"
    )
    st.caption(f"{what}, worst first by {metric.title}. Click a row to open the image; click a title to sort by it.")
    records = {image.id: image for image in context.store().images.all(row.project_id)}
    picked = st.dataframe(
        table(shown, records, report.scheme, metric),
        key=f"results-table-{row.id}-{metric.name}-{abs(hash(tuple(image.image_id for image in shown)))}",
        hide_index=True,
        placeholder="–",
        width="stretch",
        height=min(38 + ROW_PX * len(shown), 700),
        row_height=ROW_PX,
        column_config=column_config(report.scheme, metric, shown),
        on_select="rerun",
        selection_mode="single-cell",
    )
    index = picked_row(picked["selection"])
    if index is not None:
        open_image(shown[index].image_id)


def matching(images: Sequence[EvaluatedImage], text: str, specimens: Sequence[str]) -> list[EvaluatedImage]:
    """The images that fit both filters; an empty filter lets everything through."""
    wanted = text.casefold().strip()
    return [
        image
        for image in images
        if (not wanted or wanted in f"{image.name} {image.specimen}".casefold())
        and (not specimens or image.specimen in specimens)
    ]


def mean_of(image: EvaluatedImage, metric: Metric, scheme: LabelScheme) -> float | None:
    """Mean of a metric over the classes where it is defined, None where it is nowhere; for signed figures, of their
    sizes."""
    values = [value for i in scheme.ids if (value := value_of(image, metric, i)) is not None]
    if metric.better is Better.NEAREST_ZERO:
        values = [abs(value) for value in values]
    return sum(values) / len(values) if values else None


def value_of(image: EvaluatedImage, metric: Metric, class_id: int) -> float | None:
    """One figure of one image, None for undefined."""
    value = image.values.get(metric.name, {}).get(class_id)
    return None if value is None or math.isnan(value) else value


def worst_first(images: Sequence[EvaluatedImage], metric: Metric, scheme: LabelScheme) -> list[EvaluatedImage]:
    """Worst mean first; images without a figure last."""

    def place(image: EvaluatedImage) -> tuple[bool, float, str]:
        mean = mean_of(image, metric, scheme)
        return mean is None, 0.0 if mean is None else metric.goodness(mean), image.name

    return sorted(images, key=place)


def table(
    images: Sequence[EvaluatedImage], records: Mapping[str, ImageRecord], scheme: LabelScheme, metric: Metric
) -> pd.DataFrame:
    """One row per image: picture, name, specimen, mean, a column per class."""
    root = app_root()
    rows: list[dict[str, Any]] = []
    for image in images:
        record = records.get(image.image_id)
        values = {_column(i): value_of(image, metric, i) for i in scheme.ids}
        rows.append(
            {
                "Picture": f"{root}{thumbnail_address(record)}" if record else None,
                "Image": image.name,
                "Specimen": image.specimen,
                _MEAN: mean_of(image, metric, scheme),
                **values,
                "State": "" if image.scored else image.reason or "not scored yet",
            }
        )
    frame = pd.DataFrame(rows)
    numbers = [_MEAN, *(_column(i) for i in scheme.ids)]
    frame[numbers] = frame[numbers].astype("float64")
    return frame if any(not image.scored for image in images) else frame.drop(columns="State")


def column_config(scheme: LabelScheme, metric: Metric, images: Sequence[EvaluatedImage]) -> dict[str, Any]:
    """Bars in the colours of the classes; plain numbers for a metric that has no fixed range."""
    top = max(
        (abs(v) for image in images for i in scheme.ids if (v := value_of(image, metric, i)) is not None), default=1
    )
    config: dict[str, Any] = {
        "Picture": st.column_config.ImageColumn("", width=64),
        "Image": st.column_config.TextColumn(width="medium"),
        "State": st.column_config.TextColumn("Reason for no scores", width="large"),
        _MEAN: _figures("Mean of classes", metric, None, top),
    }
    return config | {_column(item.id): _figures(item.name, metric, item.color, top) for item in scheme.classes}


def _column(class_id: int) -> str:
    return f"class {class_id}"


def _figures(label: str, metric: Metric, color: str | None, top: float) -> Any:
    """One column of figures."""
    title = f"{label} ({metric.unit})" if metric.unit else label
    if metric.better is Better.NEAREST_ZERO:
        return st.column_config.NumberColumn(title, format="%+.1f" if color else "%.1f")
    if metric.unit:
        return st.column_config.ProgressColumn(
            title, format="%.0f", min_value=0, max_value=max(top, 1e-9), color=color, help=_help(metric)
        )
    return st.column_config.ProgressColumn(
        title, format="%.3f", min_value=0, max_value=1, color=color, help=_help(metric)
    )


def _help(metric: Metric) -> str:
    return f"{metric.title}: {metric.formula}"


def summary(image: EvaluatedImage, metric: Metric, scheme: LabelScheme) -> str:
    """One image's mean in words."""
    return figure_text(metric, mean_of(image, metric, scheme))
