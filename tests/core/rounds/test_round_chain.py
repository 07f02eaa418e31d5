"""A round from its start to its end, in this process: with tasks that take no time, one job after the other."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

import core.engine.tasks.predict as predict_task
import core.engine.tasks.train as train_task
from core.annotation.suggestions import tour
from core.curation.model_use import trash_model
from core.errors import AccessError, DatasetError, ModelError, NotFoundError, RoundChangedError, RoundError, StoreError
from core.imaging.image import PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.jobs.rows import active_jobs, job, jobs, request_cancel, retry
from core.models.store import ModelStore
from core.review.audit_log import audit_entries
from core.review.decisions import decide
from core.review.records import Decision
from core.rounds.advance import advance_rounds, follow_rounds
from core.rounds.decisions import cancel_round, compare_again, go_on, keep, predict_pool, promote, retry_round
from core.rounds.gate import Judgement, Outcome
from core.rounds.plan import RoundPlan
from core.rounds.promotion import promote_model
from core.rounds.round import check_round, start_round, usual_parent
from core.rounds.timeline import round_progress, timeline
from core.settings import Access, Settings
from core.store import ImageRecord, JobState, ProjectRecord, RevisionKind, Split, Store
from core.store.round_records import RoundDecision, RoundRecord, RoundState, Step, StepState
from tests.core.conftest import settings, store
from tests.core.evaluations.conftest import project
from tests.core.rounds.chain import TRUTH, Machine, fill, label, work
from tests.models import write_model

__all__ = ["project", "settings", "store"]


@pytest.fixture
def machine(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """What trains and predicts; a model "parent" is in the store."""
    write_model(settings.models_dir / "parent")
    made = Machine()
    monkeypatch.setattr(train_task, "run", made.train)
    monkeypatch.setattr(predict_task, "warm_predictor", made.predictor)
    return made


@pytest.fixture
def plan(store: Store, project: ProjectRecord, machine: Machine) -> RoundPlan:
    """Fine-tuning the parent, in a project with images."""
    fill(store, project)
    return RoundPlan(project.id, parent_id="parent", minutes=1.0, learning_rate=0.001)


def states(it: RoundRecord) -> list[str]:
    return [it.steps[step].state.value for step in Step]


def outcome(it: RoundRecord) -> Outcome:
    return Judgement.from_json(it.comparison or {}).outcome


def first_promoted(store: Store, plan: RoundPlan) -> RoundRecord:
    """A round whose model Ada has promoted, done with all that follows."""
    first = start_round(store, plan)
    work(store)
    promote(store, first.id, "Ada")
    work(store)
    return first


def submitted(store: Store) -> Counter[str]:
    return Counter(row.kind for row in jobs(store=store))


def test_a_round_runs_to_its_decision_and_on_to_new_predictions(
    store: Store, plan: RoundPlan, machine: Machine
) -> None:
    machine.wrong = {"parent": 2}
    begun = start_round(store, plan, "Ada")
    assert (begun.number, begun.state, begun.step) == (1, RoundState.RUNNING, Step.SNAPSHOT)
    work(store)
    it = store.rounds.get(begun.id)
    assert (it.state, it.step, it.model_id) == (RoundState.WAITING, Step.DECIDE, "cells-round-1")
    assert states(it) == ["done", "done", "done", "done", "running", "pending"]
    assert machine.trained[0]["learning_rate"] == 0.001
    assert machine.trained[0]["parent_id"] == "parent"
    assert len(machine.trained[0]["snapshot"]["cases"]) == 2
    assert (it.base_model_id, it.promoted_then, len(it.test_set)) == ("parent", None, 5)
    assert outcome(it) is Outcome.PASSED
    assert Counter(model for model, _ in machine.predicted) == {"parent": 5, "cells-round-1": 5}

    promote(store, it.id, "Bo")
    work(store)
    it = store.rounds.get(begun.id)
    assert (it.state, it.decision, it.decided_by) == (RoundState.DONE, RoundDecision.PROMOTED, "Bo")
    assert it.finished_at is not None
    promoted = store.rounds.promoted_model(plan.project_id)
    assert promoted is not None
    assert (promoted.model_id, promoted.round_id, promoted.who) == ("cells-round-1", it.id, "Bo")
    pool = [image for image in store.images.all(plan.project_id) if image.split is Split.POOL]
    for image in pool:
        (made,) = store.revisions.of_image(image.id, kind=RevisionKind.PREDICTION)
        assert made.model_id == "cells-round-1"
        assert tour(store, image.id, "Ada").revision_id == made.id
    told = [(entry.who, entry.what) for entry in audit_entries(store, plan.project_id, by="Root")]
    assert [each for each in told if each[1] in ("round_started", "model_promoted")] == [
        ("Ada", "round_started"), ("Bo", "model_promoted"),
    ]  # fmt: skip
    assert usual_parent(store, plan.project_id) == "cells-round-1"

    drawn = timeline(store, plan.project_id)[0]
    dice, gain = drawn.dice(1), drawn.gain(1)
    assert dice is not None
    assert gain is not None
    assert (dice.mean, dice.images) == (1.0, 5)
    assert gain.mean == pytest.approx(1 - 2 * 2 / (2 + 4))
    assert (drawn.promoted, drawn.model_name, drawn.learned_images) == (True, "Cells-Round-1", 2)


def test_a_round_promotes_by_itself_only_when_asked(store: Store, plan: RoundPlan, machine: Machine) -> None:
    it = start_round(store, replace(plan, automatic=True), "Ada")
    work(store)
    it = store.rounds.get(it.id)
    assert (it.state, it.decision, it.decided_by) == (RoundState.DONE, RoundDecision.PROMOTED, "Ada")
    machine.wrong = {"cells-round-2": 3}
    worse = start_round(store, replace(plan, automatic=True), "Ada")
    work(store)
    worse = store.rounds.get(worse.id)
    assert (worse.state, worse.step, outcome(worse)) == (RoundState.WAITING, Step.DECIDE, Outcome.FAILED)
    assert store.rounds.promoted_model(plan.project_id).model_id == "cells-round-1"  # type: ignore[union-attr]


def test_the_model_in_use_is_not_scored_twice_on_the_same_references(
    store: Store, plan: RoundPlan, machine: Machine
) -> None:
    first = first_promoted(store, plan)
    second = start_round(store, plan)
    work(store)
    second = store.rounds.get(second.id)
    assert second.base_evaluation_id == store.rounds.get(first.id).evaluation_id
    assert (second.base_model_id, second.promoted_then) == ("cells-round-1", "cells-round-1")
    assert len(store.evaluations.of_project(plan.project_id)) == 3
    image = next(image for image in store.images.all(plan.project_id) if image.split is Split.TEST)
    keep(store, second.id, "Ada")
    work(store)
    label(store, image)
    third = start_round(store, plan)
    work(store)
    assert store.rounds.get(third.id).base_evaluation_id != second.base_evaluation_id


def test_the_model_in_use_is_scored_again_when_a_test_image_has_another_pixel_size(
    store: Store, plan: RoundPlan, machine: Machine
) -> None:
    first = first_promoted(store, plan)
    image = next(image for image in store.images.all(plan.project_id) if image.split is Split.TEST)
    store.images.set_pixel_size(image.id, PixelSize.from_user(500.0))  # the median, and so the tolerance, stays
    second = start_round(store, plan)
    work(store)
    assert store.rounds.get(second.id).base_evaluation_id not in (None, store.rounds.get(first.id).evaluation_id)


def test_asking_again_and_again_doubles_nothing(store: Store, plan: RoundPlan, machine: Machine) -> None:
    """The engine may end after any job, and look any number of times."""
    it = start_round(store, plan)
    for _ in range(30):
        opened = Store(store.settings)
        for _ in range(3):
            advance_rounds(opened)
        opened.close()
        work(store, most=1)
        if store.rounds.get(it.id).state is RoundState.WAITING:
            promote(store, it.id, "Ada")
    assert store.rounds.get(it.id).state is RoundState.DONE
    assert submitted(store) == {"train": 1, "evaluate": 2, "predict": 2}
    assert len(store.evaluations.of_project(plan.project_id)) == 2


@pytest.mark.parametrize("after", range(1, 8))
def test_a_step_that_was_cut_off_before_it_was_kept_is_done_once(
    store: Store, plan: RoundPlan, machine: Machine, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Whatever change of the round is lost with the process that was about to write it."""
    it = start_round(store, replace(plan, automatic=True))
    count, real = 0, store.rounds.change

    def cut(*arguments: object, **keywords: object) -> RoundRecord:
        nonlocal count
        count += 1
        if count == after:
            raise StoreError("The engine was killed.", "")
        return real(*arguments, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(store.rounds, "change", cut)
    with pytest.raises(StoreError):
        work(store)
    assert store.rounds.get(it.id).state is RoundState.RUNNING
    work(store)
    assert store.rounds.get(it.id).state is RoundState.DONE
    assert submitted(store) == {"train": 1, "evaluate": 2, "predict": 2}
    assert len(store.evaluations.of_project(plan.project_id)) == 2


def test_a_failed_training_stops_the_round_and_retry_goes_on_with_the_same_job(
    store: Store, plan: RoundPlan, machine: Machine
) -> None:
    machine.fails = "Memory was short."
    it = start_round(store, plan)
    work(store)
    it = store.rounds.get(it.id)
    assert (it.state, it.step) == (RoundState.FAILED, Step.TRAIN)
    assert (it.now.cause, it.now.remedy) == ("Memory was short.", "Free some.")
    assert round_progress(store, it).message == "Memory was short."
    machine.fails = ""
    retry_round(store, it.id, "Ada")
    with pytest.raises(RoundError, match="Only failed or cancelled"):
        retry_round(store, it.id, "Ada")
    work(store)
    assert store.rounds.get(it.id).state is RoundState.WAITING
    assert submitted(store)["train"] == 1


def test_a_job_retried_on_the_jobs_page_takes_its_round_along(store: Store, plan: RoundPlan, machine: Machine) -> None:
    machine.fails = "Memory was short."
    it = start_round(store, plan)
    work(store)
    machine.fails = ""
    retry(store.rounds.get(it.id).now.job_ids[0], store=store)
    work(store)
    assert store.rounds.get(it.id).state is RoundState.WAITING


def test_a_test_image_without_scores_stops_the_round_until_that_is_mended(
    store: Store, plan: RoundPlan, machine: Machine
) -> None:
    machine.refuses = {"test 1"}
    it = start_round(store, plan)
    work(store)
    it = store.rounds.get(it.id)
    assert (it.state, it.step) == (RoundState.FAILED, Step.EVALUATE)
    assert it.now.cause.startswith("1 of 5 test images have no scores with Parent. test 1 is too strange")
    machine.refuses = set()
    retry_round(store, it.id, "Ada")
    work(store)
    assert store.rounds.get(it.id).state is RoundState.WAITING
    assert submitted(store)["train"] == 1
    assert len(store.evaluations.of_project(plan.project_id)) == 2, "what was scored in part is removed"


def test_a_pool_image_that_cannot_be_predicted_is_told_and_retried_alone(
    store: Store, plan: RoundPlan, machine: Machine
) -> None:
    it = start_round(store, plan)
    work(store)
    promote(store, it.id, "Ada")
    machine.refuses = {"pool 0"}
    work(store)
    it = store.rounds.get(it.id)
    assert (it.state, it.step, it.decision) == (RoundState.FAILED, Step.PREDICT, RoundDecision.PROMOTED)
    assert it.now.cause == "1 of 2 images of the pool have no new prediction. pool 0 is too strange."
    machine.refuses, machine.predicted = set(), []
    retry_round(store, it.id, "Ada")
    work(store)
    assert store.rounds.get(it.id).state is RoundState.DONE
    assert machine.predicted == [("cells-round-1", "pool 0")]


def test_a_cancelled_round_stops_its_jobs_and_can_go_on(store: Store, plan: RoundPlan, machine: Machine) -> None:
    it = start_round(store, plan)
    advance_rounds(store)
    (training,) = active_jobs(store=store)
    cancel_round(store, it.id, "Ada")
    assert job(training.id, store=store).state is JobState.CANCELLED
    work(store)
    assert store.rounds.get(it.id).state is RoundState.CANCELLED
    assert machine.trained == []
    cancel_round(store, it.id, "Ada")
    retry_round(store, it.id, "Ada")
    work(store)
    assert store.rounds.get(it.id).state is RoundState.WAITING
    with pytest.raises(RoundError, match="waiting"):
        retry_round(store, it.id, "Ada")


def test_a_training_cancelled_on_the_jobs_page_stops_the_round(store: Store, plan: RoundPlan) -> None:
    it = start_round(store, plan)
    advance_rounds(store)
    request_cancel(active_jobs(store=store)[0].id, store=store)
    work(store)
    it = store.rounds.get(it.id)
    assert (it.state, it.now.cause) == (RoundState.FAILED, "The training was cancelled.")


def test_step_by_step_it_waits_for_the_word(store: Store, plan: RoundPlan, machine: Machine) -> None:
    it = start_round(store, replace(plan, step_by_step=True), "Ada")
    for step in (Step.TRAIN, Step.EVALUATE):
        work(store)
        it = store.rounds.get(it.id)
        assert (it.state, it.step, it.now.state) == (RoundState.WAITING, step, StepState.PENDING)
        with pytest.raises(RoundError, match=f"at the step {step.value}"):
            promote(store, it.id, "Ada")
        go_on(store, it.id, "Ada")
    work(store)
    assert store.rounds.get(it.id).step is Step.DECIDE
    with pytest.raises(RoundError, match="awaiting a decision"):
        go_on(store, it.id, "Ada")
    promote(store, it.id, "Ada")
    assert store.rounds.get(it.id).state is RoundState.WAITING
    go_on(store, it.id, "Ada")
    work(store)
    assert store.rounds.get(it.id).state is RoundState.DONE


def test_a_worse_model_is_promoted_with_a_reason_only(store: Store, plan: RoundPlan, machine: Machine) -> None:
    machine.wrong = {"cells-round-1": 2}
    it = start_round(store, plan)
    work(store)
    with pytest.raises(RoundError, match=r"mitochondria: Dice fell by 0\.333 \(interval -0\.333 to -0\.333, 5 images"):
        promote(store, it.id, "Ada")
    assert store.rounds.promoted_model(plan.project_id) is None
    promote(store, it.id, "Ada", "the reference misses them too")
    work(store)
    it = store.rounds.get(it.id)
    assert (it.state, it.decision, it.reason) == (
        RoundState.DONE, RoundDecision.OVERRIDDEN, "the reference misses them too",
    )  # fmt: skip


def test_a_kept_model_stays_and_nothing_is_predicted(store: Store, plan: RoundPlan, machine: Machine) -> None:
    it = start_round(store, plan)
    work(store)
    keep(store, it.id, "Ada", "no gain")
    with pytest.raises(RoundError, match="decided: kept by Ada"):
        promote(store, it.id, "Bo")
    work(store)
    it = store.rounds.get(it.id)
    assert (it.state, states(it)[-1], it.reason) == (RoundState.DONE, "skipped", "no gain")
    assert submitted(store)["predict"] == 0
    assert store.rounds.promoted_model(plan.project_id) is None


def test_the_second_of_two_promotions_is_compared_again_first(store: Store, plan: RoundPlan, machine: Machine) -> None:
    one = start_round(store, plan)
    work(store)
    two = start_round(store, plan)
    work(store)
    promote(store, one.id, "Ada")
    with pytest.raises(RoundError, match=r"cells-round-1 was promoted by Ada"):
        promote(store, two.id, "Bo", "mine is better")
    machine.wrong = {}
    compare_again(store, two.id, "Bo")
    work(store)
    assert store.rounds.get(two.id).base_model_id == "cells-round-1"
    promote(store, two.id, "Bo")
    assert store.rounds.promoted_model(plan.project_id).model_id == "cells-round-2"  # type: ignore[union-attr]
    with pytest.raises(RoundError, match="was promoted"):
        work(store)
        compare_again(store, two.id, "Bo")


def test_of_two_who_decide_at_once_one_is_told(store: Store, plan: RoundPlan, machine: Machine) -> None:
    it = start_round(store, plan)
    work(store)
    barrier, told = threading.Barrier(6), []

    def decide(number: int) -> None:
        barrier.wait()
        try:
            (promote if number % 2 else keep)(store, it.id, f"P{number}")
        except RoundError as error:
            told.append(error)

    threads = [threading.Thread(target=decide, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 5
    kept = store.rounds.get(it.id).decision is RoundDecision.KEPT
    assert (store.rounds.promoted_model(plan.project_id) is None) is kept


def test_test_images_never_enter_a_snapshot(store: Store, plan: RoundPlan, machine: Machine) -> None:
    test = [image for image in store.images.all(plan.project_id) if image.split is Split.TEST]
    train = [image for image in store.images.all(plan.project_id) if image.split is Split.TRAIN]
    with pytest.raises(DatasetError, match=r"test 0 is in the test set, and test images are never used for training"):
        start_round(store, replace(plan, image_ids=(train[0].id, test[0].id)))
    assert store.rounds.of_project() == ()
    it = start_round(store, plan)
    store.images.update(train[0].id, split=Split.TEST)
    work(store)
    it = store.rounds.get(it.id)
    assert (it.state, it.step) == (RoundState.FAILED, Step.TRAIN)
    assert "train 0 is now in the test set" in it.now.cause
    assert machine.trained == []


def test_without_a_test_set_a_person_decides(store: Store, project: ProjectRecord, machine: Machine) -> None:
    fill(store, project, test_images=0)
    plan = RoundPlan(project.id, parent_id="parent", automatic=True)
    assert any("the models cannot be compared" in each for each in check_round(store, plan).warnings)
    it = start_round(store, plan)
    work(store)
    it = store.rounds.get(it.id)
    assert (it.state, it.step, states(it)[2]) == (RoundState.WAITING, Step.DECIDE, "skipped")
    assert outcome(it) is Outcome.TOO_FEW


@pytest.mark.parametrize("wrong", [0, 2], ids=["as good", "worse"])
def test_with_too_few_test_images_only_a_person_with_a_reason_promotes(
    store: Store, project: ProjectRecord, machine: Machine, wrong: int
) -> None:
    """Four images passed and refused models by chance, and promoted them without asking."""
    fill(store, project, test_images=4)
    machine.wrong = {"cells-round-1": wrong}
    plan = RoundPlan(project.id, parent_id="parent", automatic=True, again_after=1)
    assert any("Only 4 test images" in each for each in check_round(store, plan).warnings)
    it = start_round(store, plan)
    work(store)
    it = store.rounds.get(it.id)
    assert (it.state, it.step, outcome(it)) == (RoundState.WAITING, Step.DECIDE, Outcome.TOO_FEW)
    with pytest.raises(RoundError, match="Too few test images to decide: 4 test images contain"):
        promote(store, it.id, "Ada", " ")
    assert store.rounds.promoted_model(project.id) is None
    promote(store, it.id, "Ada", "I looked at all four.")
    promoted = store.rounds.promoted_model(project.id)
    assert promoted is not None
    assert (promoted.model_id, promoted.reason) == ("cells-round-1", "I looked at all four.")


def test_from_scratch_the_first_model_has_nothing_to_be_compared_with(
    store: Store, plan: RoundPlan, machine: Machine
) -> None:
    it = start_round(store, replace(plan, parent_id=None, automatic=True))
    work(store)
    it = store.rounds.get(it.id)
    assert (it.state, outcome(it), it.base_model_id) == (RoundState.DONE, Outcome.FIRST, None)


def test_one_round_at_a_time_and_a_project_that_has_something_to_learn(
    store: Store, plan: RoundPlan, machine: Machine
) -> None:
    with pytest.raises(NotFoundError, match="no model 'nobody'"):
        start_round(store, replace(plan, parent_id="nobody"))
    start_round(store, plan)
    with pytest.raises(RoundError, match="Round 1 of this project is running"):
        start_round(store, plan)
    empty = store.projects.create("empty", store.projects.get(plan.project_id).scheme)
    with pytest.raises(DatasetError, match="no training labels yet"):
        start_round(store, RoundPlan(empty.id))


def test_only_those_who_may_train_start_and_decide(tmp_path: Path, store: Store, plan: RoundPlan) -> None:
    it = start_round(store, plan)
    work(store)
    guarded = Store(store.settings.model_copy(update={"access": Access.ROLES}))
    for refused in (
        lambda: start_round(guarded, plan, "Vi"),
        lambda: promote(guarded, it.id, "Vi"),
        lambda: keep(guarded, it.id, "Vi"),
        lambda: cancel_round(guarded, it.id, "Vi"),
        lambda: retry_round(guarded, it.id, "Vi"),
        lambda: promote_model(guarded, plan.project_id, "parent", "Vi", "why not"),
        lambda: predict_pool(guarded, plan.project_id, "Vi"),
    ):
        with pytest.raises(AccessError):
            refused()
    guarded.close()


def test_steps_can_be_done_alone(store: Store, plan: RoundPlan, machine: Machine) -> None:
    with pytest.raises(RoundError, match="No model has been promoted"):
        predict_pool(store, plan.project_id, "Ada")
    with pytest.raises(RoundError, match="Enter a reason"):
        promote_model(store, plan.project_id, "parent", "Ada", " ")
    promote_model(store, plan.project_id, "parent", "Ada", "from another lab")
    assert len(predict_pool(store, plan.project_id, "Ada")) == 2
    work(store)
    assert sorted(machine.predicted) == [("parent", "pool 0"), ("parent", "pool 1")]


def test_a_model_that_rounds_or_projects_need_stays(store: Store, plan: RoundPlan, machine: Machine) -> None:
    it = start_round(store, plan)
    work(store)
    models = ModelStore(store.settings.models_dir)
    for model_id in ("parent", "cells-round-1"):
        with pytest.raises(ModelError, match="needed by round 1"):
            trash_model(store, models, model_id)
    promote(store, it.id, "Ada")
    work(store)
    with pytest.raises(ModelError, match="promoted model of cells"):
        trash_model(store, models, "cells-round-1")
    trash_model(store, models, "parent")


def test_a_fault_of_the_program_fails_the_round_instead_of_the_engine(
    store: Store, plan: RoundPlan, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = start_round(store, plan)
    monkeypatch.setattr("core.rounds.steps.corrected_pixels", lambda *_: 1 / 0)
    work(store)
    it = store.rounds.get(it.id)
    assert (it.state, it.step) == (RoundState.FAILED, Step.SNAPSHOT)
    assert "ZeroDivisionError" in it.now.cause
    monkeypatch.undo()


def test_a_round_that_is_cancelled_while_a_step_is_worked_out_stays_cancelled(
    store: Store, plan: RoundPlan, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = start_round(store, plan)

    def meanwhile(*_: object) -> dict[int, int]:
        cancel_round(store, it.id, "Ada")
        return {}

    monkeypatch.setattr("core.rounds.steps.corrected_pixels", meanwhile)
    work(store)
    assert store.rounds.get(it.id).state is RoundState.CANCELLED
    assert active_jobs(store=store) == ()
    with pytest.raises(RoundChangedError):
        store.rounds.change(it.id, lambda _, now: now, version=it.version)


def test_the_next_round_follows_once_enough_is_approved(store: Store, plan: RoundPlan) -> None:
    begun = start_round(store, replace(plan, again_after=2, automatic=True), "Ada")
    work(store)
    assert store.rounds.get(begun.id).state is RoundState.DONE
    assert follow_rounds(store) == 0, "nothing is new"
    images = [image for image in store.images.all(plan.project_id) if image.split is Split.POOL]
    approve_correction(store, images[0])
    assert follow_rounds(store) == 0, "one is not enough"
    approve_correction(store, images[1])
    assert follow_rounds(store) == 1
    assert follow_rounds(store) == 0, "one at a time"
    first, second = store.rounds.of_project(plan.project_id)
    assert (second.number, second.author, second.plan["again_after"]) == (2, "Ada", 2)
    assert second.parent_model_id == first.model_id, "it goes on from the model in use"
    work(store)
    assert follow_rounds(store) == 0, "learned already"


def approve_correction(store: Store, image: ImageRecord) -> None:
    begun = store.revisions.begin(image.id, RevisionKind.CORRECTION, author="Cy", details={"covered": {"1": 4}})
    write_label_pyramid(store.revisions.pyramid_path(begun.id), TRUTH, pixel_size_nm=1000.0)
    store.revisions.complete(begun.id)
    decide(store, begun.id, "Eve", Decision.APPROVE)


def test_where_rounds_follow_a_worse_model_is_put_aside_without_asking(
    store: Store, plan: RoundPlan, machine: Machine
) -> None:
    class NewModelsMiss(dict[str, int]):
        def get(self, key: str, default: int | None = 0) -> int:  # type: ignore[override]
            return 0 if key == "parent" else 3

    machine.wrong = NewModelsMiss()
    begun = start_round(store, replace(plan, again_after=1, automatic=True), "Ada")
    work(store)
    ended = store.rounds.get(begun.id)
    assert (ended.state, ended.decision) == (RoundState.DONE, RoundDecision.KEPT)
    assert ended.reason.startswith("Not promoted automatically: mitochondria: Dice fell")
    assert store.rounds.promoted_model(plan.project_id) is None
    assert [each.what for each in audit_entries(store, plan.project_id, by="")][-1] == "model_kept"


def test_where_rounds_follow_a_loss_that_cannot_be_excluded_keeps_the_model_in_use(
    store: Store, plan: RoundPlan, machine: Machine
) -> None:
    """The new model is worse on one of five images: nobody can say that it is as good, and the next round may come."""
    machine.wrong = {"cells-round-1": 2}
    machine.wrong_on = {"test 0"}
    begun = start_round(store, replace(plan, again_after=1, automatic=True), "Ada")
    work(store)
    ended = store.rounds.get(begun.id)
    assert (ended.state, ended.decision) == (RoundState.DONE, RoundDecision.KEPT)
    assert ended.comparison is not None
    assert ended.comparison["outcome"] == "not_judged"
    assert "cannot be excluded from 5 images" in ended.reason
