"""The Rounds section of the Train page: from the button to the decision, with tasks that take no time."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

import core.engine.tasks.predict as predict_task
import core.engine.tasks.train as train_task
from core.rounds.plan import RoundPlan
from core.rounds.round import start_round
from core.store import ProjectRecord, Store
from core.store.round_records import RoundDecision, RoundState, Step
from tests.core.evaluations.conftest import SCHEME
from tests.core.rounds.chain import Machine, fill, work
from tests.models import write_model
from tests.pages.conftest import open_page, texts

PAGE = "train_page.py"


@pytest.fixture
def project(store: Store) -> ProjectRecord:
    return store.projects.create("Tissue", SCHEME)


@pytest.fixture
def machine(store: Store, monkeypatch: pytest.MonkeyPatch) -> Machine:
    write_model(store.settings.models_dir / "parent")
    made = Machine()
    monkeypatch.setattr(train_task, "run", made.train)
    monkeypatch.setattr(predict_task, "warm_predictor", made.predictor)
    return made


class NewModelsMiss(dict[str, int]):
    """How many pixels a model misses: the parent none, any other three."""

    def get(self, key: str, default: int | None = 0) -> int:  # type: ignore[override]
        return 0 if key == "parent" else 3


def opened(app: AppTest, project: ProjectRecord, person: str = "Ada") -> AppTest:
    app.session_state["person"] = person
    page = open_page(app, PAGE, project=project.id, section="rounds")
    assert not page.exception
    return page


def press(page: AppTest, key: str) -> AppTest:
    page = page.button(key=key).click().run()
    assert not page.exception
    return page


def test_without_anything_to_learn_it_says_what_to_do(app: AppTest, project: ProjectRecord) -> None:
    page = opened(app, project)
    assert "No training labels yet" in texts(page)
    assert "No model has been promoted yet" in texts(page)


def test_whoever_has_not_said_who_they_are_may_look_and_not_start(
    app: AppTest, store: Store, project: ProjectRecord, machine: Machine
) -> None:
    fill(store, project)
    page = opened(app, project, person="")
    told = texts(page)
    assert "Who are you?" in told
    assert "2 images for training" in told
    assert page.button(key="round-start").disabled
    assert "Enter your name above first" in told


def test_one_button_runs_a_round_and_a_person_decides(
    app: AppTest, store: Store, project: ProjectRecord, machine: Machine
) -> None:
    fill(store, project)
    machine.wrong = {"parent": 2}
    page = opened(app, project)
    assert "2 images for training" in texts(page)
    page = press(page, "round-start")
    (record,) = store.rounds.of_project(project.id)
    assert (record.author, record.plan["parent_id"]) == ("Ada", "parent")
    assert "Round 1" in texts(page)
    assert not [button for button in page.button if button.key == "round-start"], "one round at a time"

    work(store)
    page = opened(app, project)
    told = texts(page)
    assert store.rounds.of_project(project.id)[0].step is Step.DECIDE
    assert "Passed" in told
    assert "its parent\\: no model had been promoted" in told
    assert page.button(key=f"round-keep-{record.id}").label == "Do not promote", "there is none to keep"
    page = press(page, f"round-promote-{record.id}")
    decided = store.rounds.of_project(project.id)[0]
    assert (decided.decision, decided.decided_by) == (RoundDecision.PROMOTED, "Ada")
    work(store)
    page = opened(app, project)
    assert store.rounds.of_project(project.id)[0].state is RoundState.DONE
    assert "Current model: Tissue-Round-1" in texts(page)
    assert "Past rounds" in texts(page)
    assert page.button(key="round-start"), "the next one can begin"
    assert "No new labels since round 1" in texts(page).replace("\\", "")


def test_a_worse_model_needs_a_reason(app: AppTest, store: Store, project: ProjectRecord, machine: Machine) -> None:
    fill(store, project, test_images=5)
    record = start_round(store, RoundPlan(project.id, parent_id="parent", minutes=1.0), "Ada")
    machine.wrong = NewModelsMiss()
    work(store)
    page = opened(app, project)
    assert "Failed: a class lost 0.04 or more" in texts(page)
    page = press(page, f"round-promote-{record.id}")
    assert "The new model failed the check" in texts(page)
    assert store.rounds.get(record.id).decision is None
    page.text_input(key=f"round-reason-{record.id}").set_value("it finds small ones").run()
    press(page, f"round-promote-{record.id}")
    assert store.rounds.get(record.id).decision is RoundDecision.OVERRIDDEN


def test_too_few_test_images_decide_nothing(
    app: AppTest, store: Store, project: ProjectRecord, machine: Machine
) -> None:
    """Three images refused a model in red."""
    fill(store, project, test_images=3)
    record = start_round(store, RoundPlan(project.id, parent_id="parent", minutes=1.0, automatic=True), "Ada")
    machine.wrong = NewModelsMiss()
    work(store)
    page = opened(app, project)
    assert "Too few test images to decide" in texts(page)
    assert not page.error
    page = press(page, f"round-promote-{record.id}")
    assert "Too few test images to decide: 3 test images contain" in texts(page).replace("\\", "")
    page.text_input(key=f"round-reason-{record.id}").set_value("good on all three").run()
    press(page, f"round-promote-{record.id}")
    assert store.rounds.get(record.id).decision is RoundDecision.PROMOTED


def test_a_failed_round_says_why_and_goes_on(
    app: AppTest, store: Store, project: ProjectRecord, machine: Machine
) -> None:
    fill(store, project)
    machine.fails = "The disk is full."
    record = start_round(store, RoundPlan(project.id, parent_id="parent", minutes=1.0), "Ada")
    work(store)
    page = opened(app, project)
    assert "The disk is full" in texts(page)
    machine.fails = ""
    press(page, f"round-Resume-{record.id}")
    work(store)
    assert store.rounds.get(record.id).step is Step.DECIDE


def test_a_round_can_be_cancelled(app: AppTest, store: Store, project: ProjectRecord, machine: Machine) -> None:
    fill(store, project)
    record = start_round(store, RoundPlan(project.id, parent_id="parent", minutes=1.0), "Ada")
    press(opened(app, project), f"round-Cancel round-{record.id}")
    assert store.rounds.get(record.id).state is RoundState.CANCELLED


def test_a_viewer_sees_rounds_and_starts_none(
    app: AppTest, store: Store, project: ProjectRecord, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, project)
    monkeypatch.setattr("ui.train.rounds_next.may_as", lambda *_: False)
    monkeypatch.setattr("ui.train.rounds_past.may_as", lambda *_: False)
    page = opened(app, project, "Vera")
    assert page.button(key="round-start").disabled
    assert "Only reviewers and admins of the project can start rounds" in texts(page)


def test_a_model_can_be_used_without_a_round_with_a_reason(
    app: AppTest, store: Store, project: ProjectRecord, machine: Machine
) -> None:
    page = opened(app, project)
    page = press(page, f"round-use-go-{project.id}")
    assert "not based on a comparison" in texts(page)
    page.text_input(key=f"round-use-reason-{project.id}").set_value("our best so far").run()
    press(page, f"round-use-go-{project.id}")
    promoted = store.rounds.promoted_model(project.id)
    assert promoted is not None
    assert (promoted.model_id, promoted.who) == ("parent", "Ada")
