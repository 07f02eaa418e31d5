"""What each role finds to press on each page, where access goes by roles. What is not drawn cannot be pressed."""

from __future__ import annotations

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.access.roles import Role, set_member
from core.annotation.submission import submit_draft
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.label_scheme import LabelScheme
from core.review.double_annotation import ask_to_annotate
from core.settings import current_settings
from core.store.records import ImageRecord, ProjectRecord, RevisionKind, Split
from core.store.store import Store
from tests.jobs import submit
from tests.models import write_model
from tests.pages.conftest import open_page, texts

SCHEME = LabelScheme.from_names({"mitochondria": 1})
SHAPE = (64, 96)
ROLES = (None, Role.VIEWER, Role.ANNOTATOR, Role.REVIEWER, Role.ADMIN)

MATRIX = {
    # page, address, what there is to press -> the least role that finds it
    ("data_page.py", "", "Project settings"): Role.ADMIN,
    ("data_page.py", "", "New project"): Role.ADMIN,
    ("train_page.py", "", "Train"): Role.REVIEWER,
    ("train_page.py", "section=rounds", "Start round"): Role.REVIEWER,
    ("train_page.py", "section=rounds", "Use model"): Role.REVIEWER,
    ("results_page.py", "", "Evaluate"): Role.REVIEWER,
    ("measure_page.py", "", "Measure 2 label maps"): Role.ANNOTATOR,
    ("review_page.py", "section=people", "Give role"): Role.ADMIN,
    ("review_page.py", "section=agreement", "Assign"): Role.REVIEWER,
    ("models_page.py", "", "Rename"): Role.REVIEWER,
    ("models_page.py", "", "Make default"): Role.ADMIN,
    ("segment_page.py", "image", "Segment"): Role.ANNOTATOR,
    ("segment_page.py", "image", "Set size"): Role.ANNOTATOR,
    ("segment_page.py", "image", "Try sizes on a crop"): Role.ANNOTATOR,
    ("overview_page.py", "", "Cancel"): Role.REVIEWER,
    ("jobs_page.py", "", "Cancel"): Role.REVIEWER,
    ("data_page.py", "", "Restore all"): Role.ADMIN,
}


@pytest.fixture
def project(store: Store) -> ProjectRecord:
    return store.projects.create("Tissue", SCHEME)


@pytest.fixture
def image(store: Store, project: ProjectRecord) -> ImageRecord:
    """One to learn from, one for the test, both with references; and one correction that waits."""
    first = None
    for place, split in enumerate((Split.TRAIN, Split.TEST)):
        pixels = np.arange(64 * 96, dtype=np.uint16).reshape(SHAPE) + place
        made = store.images.add(project.id, Image(pixels, PixelSize.from_user(8.0), f"image {place}"), split=split)
        begun = store.revisions.begin(made.id, RevisionKind.REFERENCE)
        write_label_pyramid(store.revisions.pyramid_path(begun.id), np.ones(SHAPE, np.uint8), pixel_size_nm=8.0)
        rows = [{"class_id": 1, "name": "mitochondria", "pixels": 6144}]
        store.revisions.complete(begun.id, coverage=rows)
        first = first or made
    assert first is not None
    draft, _ = store.drafts.open(first.id, "Ada", None)
    store.drafts.set_whole_image(draft.id, "tab", True)
    submit_draft(store, draft.id, "tab")
    return first


@pytest.fixture
def by_roles(store: Store, project: ProjectRecord, image: ImageRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(store.settings.models_dir / "starter", scheme=SCHEME)
    write_model(store.settings.models_dir / "ours", project_id=project.id, scheme=SCHEME)
    other = store.projects.create("Secret", SCHEME)
    write_model(store.settings.models_dir / "theirs", project_id=other.id)
    submit("evaluate", {"project_id": project.id, "name": "of somebody else"}, author="Ada", store=store)
    thrown = store.images.add(project.id, Image(np.zeros(SHAPE, np.uint8), name="thrown away"))
    store.trash.put([thrown.id])
    for role in Role:
        set_member(store, project.id, role.value, role, by="")
    monkeypatch.setenv("CRISTAE_ACCESS", "roles")
    set_member(store, other.id, "elsewhere", Role.VIEWER, by="")
    current_settings.cache_clear()
    store._data.settings = current_settings()


def opened(app: AppTest, script: str, role: Role | None, address: str, image: ImageRecord) -> AppTest:
    for name in list(app.query_params):
        del app.query_params[name]
    app.session_state["person"] = role.value if role else "stranger"
    query = {"image": image.id} if address == "image" else dict([address.split("=")]) if address else {}
    page = open_page(app, script, **query)
    assert not page.exception, page.exception
    return page


def pressable(page: AppTest) -> set[str]:
    return {button.label for button in page.button if not button.disabled}


@pytest.mark.usefixtures("by_roles")
@pytest.mark.parametrize("role", ROLES)
def test_each_role_finds_what_it_may_press_and_nothing_else(
    app: AppTest, image: ImageRecord, role: Role | None
) -> None:
    wrong = []
    for (script, address, label), least in MATRIX.items():
        found = label in pressable(opened(app, script, role, address, image))
        wanted = role is not None and list(Role).index(role) >= list(Role).index(least)
        if found is not wanted:
            wrong.append(f"{script}?{address} {label}: {'there' if found else 'missing'} for {role}")
    assert not wrong, wrong


@pytest.mark.usefixtures("by_roles")
def test_whoever_has_no_role_sees_no_project_and_no_image(app: AppTest, image: ImageRecord) -> None:
    for script in (
        "data_page.py",
        "train_page.py",
        "results_page.py",
        "measure_page.py",
        "correct_page.py",
        "review_page.py",
    ):
        told = texts(opened(app, script, None, "", image))
        assert "You have no role in any project" in told, script
        assert "image 0" not in told, script
    assert "may not see this project" in texts(opened(app, "segment_page.py", None, "image", image))
    assert "image 0" not in texts(opened(app, "overview_page.py", None, "", image))
    assert "of somebody else" not in texts(opened(app, "jobs_page.py", None, "", image))


@pytest.mark.usefixtures("by_roles")
def test_a_model_does_not_name_a_project_to_whoever_has_no_role_in_it(
    app: AppTest, store: Store, image: ImageRecord
) -> None:
    card = store.settings.models_dir / "starter" / "card.json"
    card.write_text(
        json.dumps(json.loads(card.read_text()) | {"origin": "Trained in Cristae on the project 'Tissue'."})
    )
    assert "'Tissue'" in texts(opened(app, "models_page.py", Role.VIEWER, "", image)).replace("\\", "")
    app.session_state["person"] = "elsewhere"
    told = texts(open_page(app, "models_page.py")).replace("\\", "")
    assert "Tissue" not in told
    assert "a project that you cannot access" in told


@pytest.mark.usefixtures("by_roles")
def test_models_of_other_projects_are_not_shown(app: AppTest, image: ImageRecord) -> None:
    for script in ("models_page.py", "segment_page.py", "train_page.py"):
        page = opened(app, script, Role.REVIEWER, "image" if script == "segment_page.py" else "", image)
        offered = [str(option) for box in page.selectbox for option in box.options]
        assert "Theirs" not in texts(page) + " ".join(offered), script
        assert "Ours" in texts(page) + " ".join(offered), script
    said = texts(opened(app, "models_page.py", Role.REVIEWER, "model=theirs", image))
    assert "Model theirs does not exist" in said


@pytest.mark.usefixtures("by_roles")
def test_a_review_by_its_id_asks_for_project_and_blindness(app: AppTest, store: Store, image: ImageRecord) -> None:
    other = next(project for project in store.projects.all() if project.name == "Secret")
    pixels = np.arange(64 * 96, dtype=np.uint16).reshape(SHAPE) + 7
    hidden = store.images.add(other.id, Image(pixels, PixelSize.from_user(8.0), "hidden image"))
    drafts = [store.drafts.open(hidden.id, "Bo", None)[0]]
    ask_to_annotate(store, image.id, ["annotator", "reviewer"], by="admin")
    drafts.append(store.drafts.open(image.id, "annotator", None)[0])
    reviews = []
    for draft in drafts:
        store.drafts.set_whole_image(draft.id, "tab", True)
        reviews.append(submit_draft(store, draft.id, "tab").revision.id)
    for revision_id, role, words in (
        (reviews[0], Role.REVIEWER, "may not see this project"),
        (reviews[1], Role.REVIEWER, "You are annotating this image independently"),
        (reviews[1], Role.ADMIN, "Decision"),
    ):
        told = texts(opened(app, "review_page.py", role, f"revision={revision_id}", image))
        assert words in told, (revision_id, role)
        assert "hidden image" not in told
        assert ("Decision" in told) is (role is Role.ADMIN)
