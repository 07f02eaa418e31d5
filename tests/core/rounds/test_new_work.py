"""What is new since the last round, how much work is in it, and what a plan is warned of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import core.engine.runner as runner
import core.engine.tasks.predict as predict_task
import core.engine.tasks.train as train_task
from core.imaging.pyramid import write_label_pyramid
from core.label_scheme import LabelClass, LabelScheme
from core.learning.snapshot import Snapshot
from core.review.decisions import decide, take_back_approval
from core.review.label_maps import COVERAGE
from core.review.records import Decision
from core.rounds.new_work import new_work
from core.rounds.plan import RoundPlan
from core.rounds.round import check_round, start_round
from core.rounds.timeline import timeline
from core.settings import Settings
from core.store import ImageRecord, ProjectRecord, RevisionKind, RevisionRecord, Split, Store
from core.store.tables import DraftRow
from tests.core.conftest import settings, store
from tests.core.evaluations.conftest import project
from tests.core.rounds.chain import Machine, fill, work
from tests.models import write_model

__all__ = ["project", "settings", "store"]


@pytest.fixture
def plan(store: Store, project: ProjectRecord, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> RoundPlan:
    """A project with images and references; round 1 has run."""
    write_model(settings.models_dir / "parent")
    machine = Machine()
    monkeypatch.setattr(train_task, "run", machine.train)
    monkeypatch.setattr(predict_task, "warm_predictor", machine.predictor)
    monkeypatch.setattr(runner, "current_store", lambda: store)
    fill(store, project)
    asked = RoundPlan(project.id, parent_id="parent")
    start_round(store, asked)
    work(store)
    return asked


def image_of(store: Store, plan: RoundPlan, split: Split, number: int = 0) -> ImageRecord:
    return [image for image in store.images.all(plan.project_id) if image.split is split][number]


def correct(
    store: Store, image: ImageRecord, class_id: int, rows: int, *, seconds: float, parent: str | None = None
) -> RevisionRecord:
    """A correction that paints the class over the first rows, and confirms them; made in a draft."""
    draft, _ = store.drafts.open(image.id, "Ada", parent)
    begun = store.revisions.begin(image.id, RevisionKind.CORRECTION, author="Ada", parent_id=parent)
    labels, covered = np.zeros((2, 4, 4), np.uint8)
    labels[:rows], covered[:rows] = class_id, 1
    path = store.revisions.pyramid_path(begun.id)
    write_label_pyramid(path, labels, pixel_size_nm=8.0)
    write_label_pyramid(path / COVERAGE, covered, pixel_size_nm=8.0)
    made = store.revisions.complete(begun.id, covered={str(class_id): 4 * rows})
    with store.database.writing() as session:
        row = session.get_one(DraftRow, draft.id)
        row.state, row.seconds, row.submitted_revision_id = "submitted", seconds, begun.id
    return made


def test_only_what_is_approved_and_not_learned_is_new(store: Store, plan: RoundPlan) -> None:
    none = new_work(store, plan.project_id)
    assert (none.since, none.nothing, none.covered) == (1, True, {0: 0, 1: 0, 2: 0})
    pool = image_of(store, plan, Split.POOL)
    first = correct(store, pool, 2, 1, seconds=60)
    second = correct(store, pool, 2, 2, seconds=30, parent=first.id)
    assert new_work(store, plan.project_id).nothing
    decide(store, second.id, "Bo", Decision.APPROVE)
    new = new_work(store, plan.project_id)
    assert [each.id for each in new.corrections] == [second.id]
    assert (new.covered, new.images) == ({0: 0, 1: 0, 2: 8}, 1)
    assert new.annotation_s == 90, "with the version that it took the place of"

    it = start_round(store, plan)
    work(store)
    assert new_work(store, plan.project_id).nothing
    drawn = timeline(store, plan.project_id)[1]
    assert (drawn.corrected, drawn.covered, drawn.annotation_minutes) == ({2: 8}, {2: 8}, 1.5)
    assert drawn.learned_images == 3
    learned = [each for case in Snapshot.from_json(it.snapshot).cases for each in case.revision_ids]
    assert second.id in learned
    assert first.id not in learned
    take_back_approval(store, second.id, "Bo", "wrong class")
    assert new_work(store, plan.project_id).gone == (second.id,)


def test_corrections_of_test_images_are_counted_apart(store: Store, plan: RoundPlan) -> None:
    made = correct(store, image_of(store, plan, Split.TEST), 1, 2, seconds=10)
    decide(store, made.id, "Bo", Decision.APPROVE)
    new = new_work(store, plan.project_id)
    assert (new.corrections, new.test_corrections, new.nothing) == ((), 1, True)


def test_a_round_is_warned_of_what_it_cannot_learn(store: Store, plan: RoundPlan) -> None:
    assert "No new labels since round 1: the model is trained on the same label maps." in (
        check_round(store, plan).warnings
    )
    made = correct(store, image_of(store, plan, Split.POOL), 2, 1, seconds=10)
    decide(store, made.id, "Bo", Decision.APPROVE)
    warned = "The new corrections contain no mitochondria: for these classes the training labels are unchanged."
    assert warned in check_round(store, plan).warnings
    assert warned in start_round(store, plan).notices


def test_a_class_that_came_into_the_scheme_between_rounds_is_told_of(store: Store, plan: RoundPlan) -> None:
    scheme = store.projects.get(plan.project_id).scheme
    more = LabelScheme((*scheme.classes, LabelClass(3, "ER", "#00ff00", "#009e73")))
    store.projects.update(plan.project_id, scheme=more)
    check = check_round(store, plan)
    (told,) = (each for each in check.warnings if each.startswith("New since round 1: ER."))
    assert "2 of 2 images have older label maps" in told
    assert any("the model will never find: ER" in each for each in check.warnings)
    it = start_round(store, plan)
    work(store)
    it = store.rounds.get(it.id)
    old, new = store.rounds.get(it.id), store.evaluations.get(it.evaluation_id or "")
    assert [each.name for each in new.scheme.classes] == ["mitochondria", "nucleus", "ER"]
    assert old.base_evaluation_id not in {store.rounds.of_project(plan.project_id)[0].base_evaluation_id}, (
        "other classes: anew"
    )
    assert it.comparison is not None
    assert [each["name"] for each in it.comparison["classes"]][:3] == ["mitochondria", "nucleus", "ER"]


def test_chosen_images_only(store: Store, plan: RoundPlan) -> None:
    one = image_of(store, plan, Split.TRAIN, 1)
    it = start_round(store, replace(plan, image_ids=(one.id,)))
    assert [case.image_id for case in Snapshot.from_json(it.snapshot).cases] == [one.id]
