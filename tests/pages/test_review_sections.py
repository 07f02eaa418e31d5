"""The sections of the Review page beside the queue: agreement, people, log."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.access.roles import Role, members, set_member
from core.annotation.submission import submit_draft
from core.imaging.image import Image, PixelSize
from core.label_scheme import LabelScheme
from core.review.audit_log import audit_entries
from core.review.double_annotation import assignments
from core.settings import current_settings
from core.store.records import ImageRecord, ProjectRecord
from core.store.store import Store
from tests.pages.conftest import open_page, texts
from tests.pages.test_review_page import press, write_tile

PAGE = "review_page.py"
SCHEME = LabelScheme.from_names({"mitochondria": 1, "nucleus": 2})
SHAPE = (300, 400)


@pytest.fixture
def project(store: Store) -> ProjectRecord:
    return store.projects.create("Tissue", SCHEME)


@pytest.fixture
def image(store: Store, project: ProjectRecord) -> ImageRecord:
    pixels = np.random.default_rng(0).integers(0, 255, SHAPE, np.uint8)
    return store.images.add(project.id, Image(pixels, PixelSize.from_user(8.0), "liver *1*"))


def opened(app: AppTest, section: str, person: str = "Rita") -> AppTest:
    app.session_state["person"] = person
    page = open_page(app, PAGE, section=section)
    assert not page.exception
    return page


def paint(store: Store, image: ImageRecord, author: str, columns: slice) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[100:120, columns] = 1
    draft, _ = store.drafts.open(image.id, author, None)
    write_tile(store, draft.id, labels)
    store.drafts.set_whole_image(draft.id, "tab", True)
    submit_draft(store, draft.id, "tab")


def test_roles_are_given_and_taken_away(app: AppTest, store: Store, project: ProjectRecord) -> None:
    page = opened(app, "people")
    assert "Access is open" in texts(page)
    page.text_input(key="people-name").set_value("Ada")
    page.selectbox(key="people-role").set_value(Role.REVIEWER)
    next(button for button in page.button if button.label == "Give role").click()
    page = page.run()
    assert not page.exception
    assert [(each.name, each.role) for each in members(store, project.id)] == [("Ada", Role.REVIEWER)]
    press(opened(app, "people"), "people-remove")
    assert members(store, project.id) == ()


def test_own_work_may_be_approved_only_where_an_admin_says_so(
    app: AppTest, store: Store, project: ProjectRecord
) -> None:
    page = opened(app, "people")
    page.toggle(key=f"people-own-{project.id}-False").set_value(True).run()
    assert store.projects.get(project.id).approve_own


@pytest.fixture
def roles(store: Store, project: ProjectRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """Access by roles; Ada is admin, Vera viewer."""
    set_member(store, project.id, "Ada", Role.ADMIN, by="")
    set_member(store, project.id, "Vera", Role.VIEWER, by="")
    monkeypatch.setenv("CRISTAE_ACCESS", "roles")
    current_settings.cache_clear()
    store._data.settings = current_settings()


@pytest.mark.usefixtures("roles")
def test_who_is_no_admin_sees_roles_and_changes_none(app: AppTest) -> None:
    page = opened(app, "people", "Vera")
    assert "Only admins of the project can change roles" in texts(page)
    assert not [button for button in page.button if button.label == "Give role"]
    assert "Only admins of the project can read its log" in texts(opened(app, "log", "Vera"))


@pytest.mark.usefixtures("roles")
def test_the_last_admin_stays(app: AppTest, store: Store, project: ProjectRecord) -> None:
    page = opened(app, "people", "Ada")
    page.selectbox(key=f"people-gone-{project.id}").set_value("Ada").run()
    page = press(page, "people-remove")
    assert "the only admin" in texts(page)
    assert len(members(store, project.id)) == 2


def test_the_log_is_listed_filtered_and_taken_away(
    app: AppTest, store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    assert "No entries yet" in texts(opened(app, "log"))
    set_member(store, project.id, "Ada", Role.ANNOTATOR, by="Rita")
    paint(store, image, "Ada", slice(50, 80))
    page = opened(app, "log")
    (table,) = page.dataframe
    assert table.value["Action"].tolist() == ["submitted a correction", "changed a role"]
    assert table.value["Subject"].tolist() == [image.name, "Ada"], "names, not the ids that the files hold"
    assert image.id not in " ".join(table.value["Details"])
    assert len(list(audit_entries(store, project.id, by=""))) == 2
    page.selectbox(key="log-who").set_value("Ada").run()
    assert app.dataframe[0].value["Who"].tolist() == ["Ada"]


def test_two_people_are_asked_and_their_agreement_is_told(
    app: AppTest, store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    page = opened(app, "agreement")
    assert "Inter-annotator agreement" in texts(page)
    page.text_input(key="agreement-one").set_value("Ada")
    page.text_input(key="agreement-two").set_value("ada ")
    next(button for button in page.button if button.label == "Assign").click()
    page = page.run()
    assert "Select two different annotators" in texts(page)
    assert page.text_input(key="agreement-two").value == "ada ", "what was typed stays"
    page.text_input(key="agreement-one").set_value("Ada")
    page.text_input(key="agreement-two").set_value("Bob")
    next(button for button in page.button if button.label == "Assign").click()
    page = page.run()
    assert not page.exception
    assert sorted(each.person for each in assignments(store, project.id)) == ["Ada", "Bob"]
    assert page.text_input(key="agreement-one-1").value == ""

    paint(store, image, "Ada", slice(50, 80))
    page = opened(app, "agreement")
    assert "Inter-annotator agreement" in texts(page), "one has not submitted"
    paint(store, image, "Bob", slice(50, 70))
    page = opened(app, "agreement")
    assert "Inter-annotator agreement" in texts(page)
    table = page.dataframe[0].value
    assert table["Class"].tolist() == ["mitochondria", "nucleus", "mean of classes"]
    assert table["Dice"].tolist() == ["0.800", "–", "0.800"]
    assert page.dataframe[1].value["Differing"].tolist() == ["0.17%"]


def test_somebody_is_excused(app: AppTest, store: Store, project: ProjectRecord, image: ImageRecord) -> None:
    from core.review.double_annotation import ask_to_annotate

    ask_to_annotate(store, image.id, ["Ada", "Bob"], by="Rita")
    press(opened(app, "agreement"), "agreement-cancel")
    assert len(assignments(store, project.id)) == 1
