"""Figures: their numbers and colours, and nothing drawn behind them."""

from __future__ import annotations

import pytest

from core.label_scheme import DEFAULT_SCHEME
from core.learning.checks import ClassBalance
from core.training.request import EpochReport
from ui.parts.charts import balance_bars, dice_curves, loss_curves

CLEAR = "rgba(0,0,0,0)"


def report(number: int, loss: float, val: float | None, dice: dict[str, float | None]) -> EpochReport:
    return EpochReport(number, 10, loss, val, dice, None, 0.01, 5.0, 0.5)


REPORTS = (
    report(1, 1.0, 1.2, {"mitochondria": None, "nucleus": 0.25}),
    report(2, 0.5, None, {"mitochondria": 0.5, "nucleus": 0.75}),
)


def test_loss_has_a_curve_for_training_and_one_for_validation() -> None:
    figure = loss_curves(REPORTS)
    assert [trace.name for trace in figure.data] == ["training", "validation"]
    assert [tuple(trace.y) for trace in figure.data] == [(1.0, 0.5), (1.2, None)]
    assert tuple(figure.data[0].x) == (1, 2)


def test_dice_is_drawn_in_the_colours_of_the_classes() -> None:
    figure = dice_curves(REPORTS, DEFAULT_SCHEME)
    colors = {item.name: item.color for item in DEFAULT_SCHEME.classes}
    assert {trace.name: trace.line.color for trace in figure.data} == {
        name: colors[name] for name in ("mitochondria", "nucleus")
    }
    assert tuple(figure.data[0].y) == (None, 0.5)
    assert tuple(figure.layout.yaxis.range) == (0, 1)


@pytest.mark.parametrize("figure", [loss_curves(REPORTS), dice_curves(REPORTS, DEFAULT_SCHEME)], ids=["loss", "dice"])
def test_nothing_stands_where_the_legend_is(figure: object) -> None:
    """At 800 px the legend takes two rows, and the title of the axis was beneath them."""
    layout = figure.layout  # type: ignore[attr-defined]
    assert layout.xaxis.title.text is None
    assert layout.title.text.endswith("by epoch")
    assert layout.legend.yanchor == "top"


def test_no_epoch_gives_an_empty_figure() -> None:
    assert len(dice_curves((), DEFAULT_SCHEME).data) == 0


def test_bars_are_in_percent_and_leave_out_what_is_not_there() -> None:
    first, second, third = DEFAULT_SCHEME.classes[:3]
    rows = [ClassBalance(first, 300, 0.75, 2), ClassBalance(second, 0, 0.0, 0), ClassBalance(third, 1, 0.0025, 1)]
    (bars,) = balance_bars(rows).data
    assert list(bars.y) == [first.name, third.name]
    assert list(bars.x) == pytest.approx([75, 0.25])
    assert list(bars.marker.color) == [first.color, third.color]
    assert list(bars.text) == ["75 % · 2 images", "0.25 % · 1 image"]


@pytest.mark.parametrize(
    "figure",
    [loss_curves(REPORTS), dice_curves(REPORTS, DEFAULT_SCHEME), balance_bars([])],
    ids=["loss", "dice", "bars"],
)
def test_both_themes_show_through(figure: object) -> None:
    layout = figure.layout  # type: ignore[attr-defined]
    assert (layout.paper_bgcolor, layout.plot_bgcolor) == (CLEAR, CLEAR)
