"""Matching a model's classes to a project's before anything is predicted."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.access.roles import Role, set_member
from core.jobs.rows import jobs
from core.label_scheme import DEFAULT_SCHEME, LabelScheme
from core.settings import current_settings
from core.store.records import ImageRecord
from core.store.store import Store
from tests.models import write_model
from tests.pages.conftest import open_page, texts
from ui.segment import workspace
from ui.state import StateKey

PAGE = "segment_page.py"
MODEL = LabelScheme.from_names({"golgi": 1, "mitochondrion": 2, "endoplasmic reticulum": 3})


@pytest.fixture(autouse=True)
def model(store: Store) -> str:
    return write_model(store.settings.models_dir / "brain", scheme=MODEL).id


def button(page: AppTest, label: str) -> Any:
    return next((found for found in page.button if found.label == label), None)


def answers(page: AppTest) -> dict[str, str | None]:
    """By class of the model."""
    return {box.label: box.value for box in page.selectbox if box.key and "-class-" in str(box.key)}


def test_it_is_asked_before_and_the_answers_are_kept(store: Store, image: ImageRecord, app: AppTest) -> None:
    """What the project does not have was written under the number of another class."""
    app.session_state[StateKey.PREDICT_NEXT] = image.id
    page = open_page(app, PAGE, image=image.id)
    assert not page.exception
    assert "**Brain** has classes that **My images** does not have." in texts(page)
    assert jobs() == (), "nothing is predicted before it is answered"
    assert button(page, "Segment") is None
    assert answers(page) == {"golgi": "+", "endoplasmic reticulum": "+"}
    next(box for box in page.selectbox if box.label == "endoplasmic reticulum").set_value("3")
    button(page, "Use these classes").click().run()
    assert not page.exception
    scheme = store.projects.get(image.project_id).scheme
    assert scheme.classes[:5] == DEFAULT_SCHEME.classes
    assert [(item.id, item.name) for item in scheme.classes[5:]] == [(6, "golgi")]
    assert len({item.color for item in scheme.classes}) == 6
    assert [row.params["image_id"] for row in jobs()] == [image.id], "what was dropped is segmented now"
    assert "class endoplasmic reticulum is ER in the project" in texts(page)


def test_a_decision_can_be_changed(store: Store, image: ImageRecord, app: AppTest) -> None:
    store.projects.keep_class_map(image.project_id, "brain", {"golgi": None, "endoplasmic reticulum": "nucleus"})
    page = open_page(app, PAGE, image=image.id)
    assert button(page, "Use these classes") is None
    assert answers(page) == {"golgi": "0", "endoplasmic reticulum": "2"}
    next(box for box in page.selectbox if box.label == "endoplasmic reticulum").set_value("3")
    button(page, "Save").click().run()
    assert store.projects.class_map(image.project_id, MODEL, "brain") == {"golgi": None, "endoplasmic reticulum": "ER"}


def test_who_may_not_change_the_project_chooses_among_its_classes(
    store: Store, image: ImageRecord, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_member(store, image.project_id, "ada", Role.ANNOTATOR, by="")
    monkeypatch.setenv("CRISTAE_ACCESS", "roles")
    current_settings.cache_clear()
    store._data.settings = current_settings()
    app.session_state[StateKey.PERSON] = "ada"
    page = open_page(app, PAGE, image=image.id)
    assert not page.exception
    assert answers(page) == {"golgi": None, "endoplasmic reticulum": None}
    assert "Add to the project" not in next(box for box in page.selectbox if box.label == "golgi").options
    assert button(page, "Use these classes").disabled
    assert "Only admins of the project can add classes" in texts(page)
    for box in page.selectbox:
        if box.label in answers(page):
            box.set_value("0")
    page.run()
    button(page, "Use these classes").click().run()
    assert store.projects.class_map(image.project_id, MODEL, "brain") == {"golgi": None, "endoplasmic reticulum": None}
    assert store.projects.get(image.project_id).scheme == DEFAULT_SCHEME


def test_the_viewer_has_the_projects_classes(
    store: Store, image: ImageRecord, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """References were drawn with the names and colours of the chosen model."""
    store.projects.keep_class_map(image.project_id, "brain", {"golgi": None, "endoplasmic reticulum": None})
    seen: list[Any] = []
    real = workspace.viewer

    def spied(*args: Any, **options: Any) -> Any:
        seen.append(options["classes"])
        return real(*args, **options)

    monkeypatch.setattr(workspace, "viewer", spied)
    open_page(app, PAGE, image=image.id, model="brain")
    assert seen[-1] == DEFAULT_SCHEME.classes
