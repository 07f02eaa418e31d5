"""What a page that was left still asks for is not done: a click was lost, or the next page stayed empty."""

from __future__ import annotations

import ast

import pytest
from streamlit.runtime.scriptrunner import RerunData
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests, ScriptRequestType

from core.settings import ROOT
from ui.frame.stale_reruns import ignore_stale_reruns

LEFT = RerunData(page_script_hash="segment", fragment_id="gallery", is_auto_rerun=True)
"""A gallery of the page that was left looks whether there is something new."""


@pytest.fixture
def clicked() -> ScriptRequests:
    """Somebody has clicked the page Data."""
    ignore_stale_reruns()
    requests = ScriptRequests()
    requests.request_rerun(RerunData(page_script_hash="data"))
    return requests


def test_the_page_that_was_clicked_is_drawn(clicked: ScriptRequests) -> None:
    assert clicked.request_rerun(LEFT)
    assert clicked.on_scriptrunner_ready().rerun_data.page_script_hash == "data"


def test_nothing_is_drawn_over_the_page_that_was_clicked(clicked: ScriptRequests) -> None:
    clicked.on_scriptrunner_ready()  # the page is being drawn
    assert clicked.request_rerun(LEFT)
    assert clicked.on_scriptrunner_ready().type is ScriptRequestType.STOP


def test_parts_of_the_page_that_is_shown_go_on(clicked: ScriptRequests) -> None:
    clicked.on_scriptrunner_ready()
    clicked.request_rerun(RerunData(page_script_hash="data", fragment_id="table", is_auto_rerun=True))
    assert clicked.on_scriptrunner_ready().rerun_data.fragment_id_queue == ["table"]


def test_a_click_that_is_no_timer_is_always_done(clicked: ScriptRequests) -> None:
    clicked.on_scriptrunner_ready()
    clicked.request_rerun(RerunData(page_script_hash="segment"))
    assert clicked.on_scriptrunner_ready().rerun_data.page_script_hash == "segment"


def test_an_address_that_was_typed_names_no_page_yet() -> None:
    ignore_stale_reruns()
    requests = ScriptRequests()
    requests.request_rerun(RerunData(page_script_hash="", page_name="data"))
    requests.on_scriptrunner_ready()
    requests.request_rerun(RerunData(page_script_hash="data", fragment_id="table", is_auto_rerun=True))
    assert requests.on_scriptrunner_ready().rerun_data.fragment_id_queue == ["table"]


def test_what_sends_a_value_by_itself_interrupts_no_page() -> None:
    """The canvas sends its drawing when it appears: a run that handled a press of Approve was thrown away for it."""
    drawing = {}
    for path in sorted((ROOT / "ui").rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                called = {ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
                if "st_canvas" in called:
                    drawing[function.name] = [ast.unparse(each) for each in function.decorator_list]
    assert drawing == {"draw_panel": ["st.fragment", "explaining"]}
