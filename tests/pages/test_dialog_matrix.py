"""Every dialog, by role, when a role is taken away while it is open, and about things of another project."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import TextInput

import ui.parts.dialog_rights as dialog_rights
from core.access.refusals import REFUSED
from core.access.roles import Role, set_member
from core.jobs.rows import job
from core.jobs.transitions import claim, succeed
from core.models.store import ModelStore
from core.settings import ROOT, current_settings
from core.store.review_tables import AuditRow
from core.store.tables import Base
from tests.jobs import submit
from tests.pages.conftest import texts
from tests.pages.lab import FOREIGN, OURS, Lab, Things, build
from tests.pages.test_page_matrix import everything

Name = tuple[str, str]

TABLES = Base.metadata.sorted_tables


@dataclass(frozen=True)
class Row:
    """A dialog.

    Parameters
    ----------
    least
        The least role that may see it.
    arguments
        What it is opened with, for things of a project.
    anywhere
        Whether it is about no project, and a role in any will do.
    """

    least: Role
    arguments: Callable[[Lab, Things], tuple[Any, ...]]
    anywhere: bool = False


def _trial(lab: Lab, things: Things) -> tuple[Any, ...]:
    """An image, a model, and a finished trial of pixel sizes."""
    image = lab.store.images.get(things.image)
    row = submit("scale_trial", {"image_id": image.id, "model_id": things.model}, store=lab.store)
    assert claim(lab.store, row, "here")
    succeed(lab.store, row.id, 1, {"trials": [{"path": "", "pixel_size_nm": nm} for nm in (4.0, 8.0)]})
    return image, ModelStore(lab.store.settings.models_dir).get(things.model), job(row.id, store=lab.store)


DIALOGS = {
    ("ui.parts.new_project", "new_project"): Row(Role.ADMIN, lambda lab, things: (), anywhere=True),
    ("ui.parts.new_project", "_settings"): Row(Role.ADMIN, lambda lab, things: (things.project,)),
    ("ui.data.sheet", "sample_sheet"): Row(Role.ADMIN, lambda lab, things: (things.project,)),
    ("ui.segment.pixel_size", "_compare"): Row(Role.ANNOTATOR, _trial),
    ("ui.parts.scale_of_images", "scale_of_images"): Row(Role.ANNOTATOR, lambda lab, things: ((things.image,),)),
    ("ui.parts.takeaway", "_takeaway"): Row(
        Role.VIEWER, lambda lab, things: (things.project, (things.image,), "all", "counts")
    ),
    ("ui.parts.pixel_size_change", "use_measured_scale"): Row(
        Role.ANNOTATOR, lambda lab, things: (things.image, 50.0, "500 nm", None, False, ())
    ),
    ("ui.parts.pixel_size_change", "_confirm"): Row(
        Role.ANNOTATOR, lambda lab, things: ({4.0: (things.image,)}, None, "typed", None)
    ),
    ("ui.parts.model_size_change", "_confirm"): Row(Role.REVIEWER, lambda lab, things: (things.model, 4.0)),
    ("ui.parts.transfer", "transfer_images"): Row(Role.VIEWER, lambda lab, things: ((things.image,), things.project)),
    ("ui.parts.segment_again", "segment_again"): Row(Role.ANNOTATOR, lambda lab, things: ((things.image,),)),
}
"""Every dialog by its module and function. A new dialog needs a line."""

NAMES = list(DIALOGS)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with pytest.MonkeyPatch.context() as patch:
        made = build(tmp_path_factory.mktemp("lab"), patch)
        second = made.store.projects.create("Second", made.store.projects.get(made.here.project).scheme)
        set_member(made.store, second.id, "admin", Role.REVIEWER, by="Root")
        yield made
        made.store.close()
    current_settings.cache_clear()


def dialogs() -> Iterator[tuple[Name, list[str]]]:
    """Each dialog of the app, with what decorates it, outermost first."""
    for folder in ("ui", "pages"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef):
                    calls = (each.func if isinstance(each, ast.Call) else each for each in node.decorator_list)
                    decorators = [ast.unparse(each) for each in calls]
                    if "st.dialog" in decorators:
                        yield (module, node.name), decorators


def test_every_dialog_is_in_the_matrix_and_asks_for_a_right_each_time_it_is_drawn() -> None:
    found = dict(dialogs())
    assert set(found) == set(DIALOGS)
    assert [name for name, decorators in found.items() if decorators[-2:] != ["st.dialog", "asks"]] == []
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "ui").rglob("*.py"))
    assert code.count("st.dialog(") == len(found)  # none is made in another way


def _script(name: tuple[str, str], arguments: tuple[object, ...], person: str) -> None:
    """Draws the dialog in each run, as it is while it is open."""
    import importlib

    import streamlit as st

    st.session_state["person"] = person
    shown = getattr(importlib.import_module(name[0]), name[1])
    if "kept_dialog" in shown.__code__.co_qualname:  # that would only remember that it is open
        shown = shown.__wrapped__
    shown(*arguments)


def opened(lab: Lab, name: Name, person: str, things: Things | None = None) -> AppTest:
    arguments = DIALOGS[name].arguments(lab, things or lab.here)
    page = AppTest.from_function(_script, args=(name, arguments, person), default_timeout=30).run()
    assert not page.exception
    return page


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[1])
def test_a_dialog_is_drawn_for_who_may_and_says_what_is_missing_to_others(lab: Lab, name: Name) -> None:
    for place, person in enumerate(("", "stranger", *(role.value for role in Role))):
        page = opened(lab, name, person)
        enough = place - 2 >= list(Role).index(DIALOGS[name].least)
        assert ([button.label for button in page.button] == ["Close"]) is not enough, person
        if not enough:
            assert "may not" in texts(page) or not person
            assert "QOURS" not in everything(page)


def typed(field: TextInput) -> str | None:
    """What makes a button do something: a size, a name, the name of the project that is to be deleted."""
    if str(field.key).startswith("delete-name"):
        return OURS
    if field.label == "Name":
        return "New name"
    return "4" if field.label.startswith("Pixel size") else None


def kept(lab: Lab) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the database but the lines that tell of refusals."""
    with lab.store.database.reading() as session:
        rows = {table.name: [tuple(row) for row in session.execute(table.select())] for table in TABLES}
    rows[AuditRow.__tablename__] = [row for row in rows[AuditRow.__tablename__] if REFUSED not in row]
    return rows


@pytest.mark.parametrize("guarded", [True, False], ids=["dialog", "core"])
@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[1])
def test_a_dialog_that_is_open_while_the_role_is_taken_away_changes_nothing(
    lab: Lab, name: Name, guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once as it is, and once without its own question, so that only core can refuse."""
    if not guarded:
        monkeypatch.setattr(dialog_rights, "refusal_of", lambda permission, project_id: None)
    buttons = opened(lab, name, "admin").button
    labels = {button.label for button in buttons if not button.disabled} - {"Cancel", "Close"}
    assert bool(labels) is (name[1] != "sample_sheet")  # nothing is pasted yet
    for label in labels:
        page = opened(lab, name, "admin")
        for field in page.text_input:
            if (text := typed(field)) is not None:
                field.set_value(text)
        set_member(lab.store, lab.here.project, "admin", None, by="Root")
        before = kept(lab)
        try:
            next(button for button in page.button if button.label == label).click().run()
            assert not page.exception
            assert kept(lab) == before, label
            assert not guarded or re.search("admin (has no role|is reviewer) in this project", texts(page)), label
        finally:
            set_member(lab.store, lab.here.project, "admin", Role.ADMIN, by="Root")


def test_who_keeps_the_role_changes_something(lab: Lab) -> None:
    """The test above cannot pass because nothing is ever seen to change."""
    page = opened(lab, ("ui.parts.pixel_size_change", "_confirm"), "admin")
    before = kept(lab)
    next(button for button in page.button if button.label == "Change the pixel size").click().run()
    assert kept(lab) != before
    assert lab.store.images.get(lab.here.image).pixel_size.nm == 4.0


@pytest.mark.parametrize("name", [name for name in NAMES if not DIALOGS[name].anywhere], ids=lambda name: name[1])
def test_a_dialog_about_another_project_tells_nothing_of_it(lab: Lab, name: Name) -> None:
    page = opened(lab, name, "admin", lab.there)
    assert [button.label for button in page.button] == ["Close"]
    assert "has no role in this project" in texts(page)
    assert FOREIGN not in everything(page)
