"""Lists resolve what is chosen by its id, whatever it is called."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.settings import ROOT
from ui.parts.options import titled, unequal

LISTS = ("selectbox", "multiselect", "radio", "pills", "segmented_control", "select_slider")


@pytest.mark.parametrize(
    ("texts", "details", "shown"),
    [
        pytest.param({"a": "x", "b": "y"}, None, ["x", "y"], id="unequal"),
        pytest.param({"a1": "x", "b2": "x"}, None, ["x · a1", "x · b2"], id="ids"),
        pytest.param({"abcdef1": "x", "abcdef2": "x"}, None, ["x · abcdef1", "x · abcdef2"], id="ids-begin-alike"),
        pytest.param({"a": "x", "b": "x "}, None, ["x · a", "x  · b"], id="white-space-only"),
        pytest.param({"a": "x", "b": "x"}, {"a": ["1"], "b": ["2"]}, ["x · 1", "x · 2"], id="details"),
        pytest.param({"a": "x", "b": "x"}, {"a": ["1", "2"], "b": ["1", "3"]}, ["x · 2", "x · 3"], id="second-detail"),
        pytest.param(
            {"a": "x", "b": "x", "c": "x"}, {"a": ["1"], "b": ["1"], "c": ["2"]},
            ["x · 1 · a", "x · 1 · b", "x · 2"], id="detail-and-id",
        ),
        pytest.param({"a": "x", "b": "x"}, {"a": ["1"], "b": []}, ["x · 1", "x"], id="one-without-detail"),
        pytest.param({"a": "x", "b": "x", "c": "x · a"}, None, ["x · a", "x · b", "x · a (2)"], id="named-like-that"),
        pytest.param({}, None, [], id="empty"),
    ],
)  # fmt: skip
def test_equal_texts_become_unequal(
    texts: dict[str, str], details: dict[str, list[str]] | None, shown: list[str]
) -> None:
    assert list(unequal(texts, details).values()) == shown


def test_equal_titles_are_a_mistake() -> None:
    assert titled({1: "one"})(1) == "one"
    with pytest.raises(ValueError, match="not unequal"):
        titled({1: "one", 2: "one"})


def test_no_page_shows_names_but_by_their_ids() -> None:
    """Streamlit finds what is chosen by its text: the second of two equal names could not be chosen in any list."""
    wrong = []
    for path in [*(ROOT / "ui").rglob("*.py"), *(ROOT / "pages").glob("*.py")]:
        if path.name != "options.py":
            wrong += [f"{path.relative_to(ROOT)}:{line}" for line in _free_lists(path)]
    assert not wrong, f"lists of what people name, not through ui.parts.options: {wrong}"


def _free_lists(path: Path) -> list[int]:
    """Lines of lists whose texts are not `titled`."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LISTS:
            shown = [keyword.value for keyword in node.keywords if keyword.arg == "format_func"]
            by = [each.func.id for each in shown if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)]
            if shown and by != ["titled"]:
                found.append(node.lineno)
    return found


def page() -> None:
    """Two things of one name, in both kinds of list; the button renames what is chosen."""
    import streamlit as st

    from ui.parts.options import choice, choices

    texts = st.session_state.setdefault("texts", {"a": "cell", "b": "cell", "c": "other"})
    one = choice("One", texts, key="one", first="b")
    many = choices("Several", texts, key="many", first=["a"])
    st.text(f"{one} {','.join(many)}")
    if st.button("Rename"):
        st.session_state["texts"] = texts | {"b": "renamed", "d": "cell"}
        st.rerun()


def test_the_first_and_the_second_of_one_name_can_be_chosen_and_renamed() -> None:
    app = AppTest.from_function(page).run()
    assert app.text[0].value == "b a"
    app.selectbox[0].select("cell · a").run()
    assert app.text[0].value == "a a"
    app.selectbox[0].select("cell · b").run()
    app.multiselect[0].select("cell · b").run()
    assert app.text[0].value == "b a,b"
    app.button[0].click().run()
    assert app.text[0].value == "b a,b"
    assert app.selectbox[0].options == ["cell · a", "renamed", "other", "cell · d"]
    app.run()
    assert app.text[0].value == "b a,b"
    assert not app.warning
    assert not app.exception
