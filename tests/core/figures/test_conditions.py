"""Differences from a reference condition: where marks stand, what is filled, what is left out."""

from __future__ import annotations

import math

import pytest

from core.figures.conditions import differences
from core.morphometry.conditions import Compared, Design, Difference
from core.morphometry.frames import differences_frame

NAN = math.nan


def compared(name: str, condition: str, found: Difference, p_adjusted: float = NAN) -> Compared:
    return Compared(name, name.title(), "µm", condition, found, p_adjusted)


CLEAR = Difference(2.0, 3.0, 0.5, 1.5, 0.001, 4, 5, Design.INDEPENDENT)
UNTESTED = Difference(2.0, 1.0, NAN, NAN, NAN, 4, 1, Design.INDEPENDENT)
OF_NOTHING = Difference(0.0, 1.0, 0.2, 1.8, 0.03, 4, 4, Design.INDEPENDENT)


def test_marks_are_per_cent_of_the_reference_and_filled_where_it_is_no_chance() -> None:
    found = [compared("area", "a", CLEAR, 0.01), compared("length", "a", UNTESTED), compared("width", "a", CLEAR, 0.06)]
    drawn = differences(found, "control")
    (trace,) = (each for each in drawn.figure.data if each.mode == "markers")
    assert list(trace.x) == [50.0, -50.0, 50.0]
    assert list(trace.y) == [0, 1, 2]
    assert list(trace.marker.symbol) == ["circle", "circle-open", "circle-open"]
    assert list(trace.error_x.array) == [25.0, None, 25.0]
    assert list(trace.error_x.arrayminus) == [25.0, None, 25.0]
    assert "p = 0.001, adjusted p = 0.010" in trace.hovertext[0]
    assert trace.hovertext[1] == "Length: a 1.00 µm, control 2.00 µm<br>n = 1 and 4"
    assert drawn.figure.layout.showlegend is False


def test_several_conditions_are_told_apart_and_named() -> None:
    drawn = differences([compared("area", name, CLEAR) for name in ("low", "<b>high")], "control")
    assert [trace.name for trace in drawn.figure.data] == ["low", "&lt;b&gt;high"]
    assert drawn.figure.layout.showlegend is True
    assert drawn.figure.data[0].y[0] < 0 < drawn.figure.data[1].y[0]


def test_of_a_reference_of_nothing_there_are_no_per_cent_but_the_table_tells() -> None:
    found = [compared("contact", "a", OF_NOTHING, 0.03)]
    drawn = differences(found, "control")
    assert [len(trace.x) for trace in drawn.figure.data] == [0]
    assert drawn.figure.layout.yaxis.ticktext == ("Contact",)
    frame = differences_frame(found, "control")
    assert frame["difference"].tolist() == [1.0]
    assert math.isnan(frame["difference_percent"][0])
    assert frame["p_holm"].tolist() == [0.03]


def test_wide_intervals_do_not_hide_the_marks() -> None:
    wide = Difference(2.0, 3.0, -90.0, 110.0, 0.5, 2, 2, Design.INDEPENDENT)
    low, high = differences([compared("area", "a", wide)], "control").figure.layout.xaxis.range
    assert (low, high) == pytest.approx((-108, 108))
