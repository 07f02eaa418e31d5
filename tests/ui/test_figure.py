"""The Python face of a figure: what the browser gets, and what comes back from it."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

import ui.figure
from core.figures.drawn import DrawnFigure
from ui.figure import FigureState, figure
from ui.viewer.assets import asset_routes


class Browser:
    """Stands in for Streamlit's component: notes what it is given, answers ``clicked``."""

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}
        self.clicked: str | int | None = None

    def __call__(self, **given: Any) -> dict[str, Any]:
        self.given = given
        return {"clicked": self.clicked}


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Browser:
    stand_in = Browser()
    monkeypatch.setattr(ui.figure, "_component", lambda: stand_in)
    return stand_in


TABLE = pd.DataFrame({"image": ["Zelle ä, links", "=1+1"], "dice": [0.7, float("nan")]})


def shown() -> FigureState:
    return figure(DrawnFigure(go.Figure(go.Bar(y=[0.7])), TABLE), name="dice", key="bars", height=300)


def test_the_browser_gets_the_figure_its_name_and_its_size(browser: Browser) -> None:
    shown()
    data = browser.given["data"]
    assert json.loads(data["figure"])["data"][0]["y"] == [0.7]
    assert (data["name"], data["height"], browser.given["key"]) == ("dice", 300, "bars")


def test_plotly_comes_from_our_own_server_to_be_kept(browser: Browser) -> None:
    shown()
    answer = TestClient(Starlette(routes=asset_routes())).get(browser.given["data"]["plotly"])
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    assert b"plotly.js v" in answer.content[:200]


def test_numbers_have_a_header_undefined_is_empty_and_text_is_no_formula(browser: Browser) -> None:
    shown()
    rows = list(csv.reader(io.StringIO(browser.given["data"]["csv"])))
    assert rows == [["image", "dice"], ["Zelle ä, links", "0.7"], ["'=1+1", ""]]


@pytest.mark.parametrize(("clicked", "told"), [(None, None), ("section 1", "section 1"), (7, "7")])
def test_a_click_comes_back_as_text(browser: Browser, clicked: str | int | None, told: str | None) -> None:
    browser.clicked = clicked
    assert shown().clicked == told
