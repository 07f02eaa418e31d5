"""Images that go to another project: what goes along, what is lost, what stays valid, who may."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

import core.engine.runner as runner
from core.access.roles import Role, set_member
from core.errors import AccessError, StoreError
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import LabelPyramidWriter, open_pyramid, write_label_pyramid
from core.jobs.rows import job
from core.jobs.transitions import claim
from core.label_scheme import LabelScheme
from core.review.audit_log import audit_entries
from core.review.decisions import decide
from core.review.label_maps import COVERAGE
from core.review.records import Decision
from core.settings import Access, load_settings
from core.store import ImageRecord, JobState, ProjectRecord, RevisionKind, RevisionRecord, Store
from core.store.label_maps import MATCH
from core.store.review_tables import ReviewRow
from core.transfers.plan import TransferMode, plan_transfer
from core.transfers.run import start_transfer, transfer_image
from tests.jobs import submit

HERE = LabelScheme.from_names({"mitochondria": 1, "ER": 2, "pores": 3})
THERE = LabelScheme.from_names({"ER": 1, "mitochondrion": 5, "Golgi": 6})
LABELS = np.array([[0, 1, 2, 3], [1, 1, 2, 255]], np.uint8)
REFERENCE_THERE = [[0, 5, 1, 255], [5, 5, 1, 255]]
PREDICTION_THERE = [[0, 5, 1, 0], [5, 5, 1, 255]]


@pytest.fixture
def here(store: Store) -> ProjectRecord:
    return store.projects.create("here", HERE)


@pytest.fixture
def there(store: Store) -> ProjectRecord:
    return store.projects.create("there", THERE)


@pytest.fixture
def image(store: Store, here: ProjectRecord) -> ImageRecord:
    pixels = np.arange(8, dtype=np.uint8).reshape(2, 4)
    return store.images.add(
        here.id,
        Image(pixels, PixelSize.from_user(8.0), "a.tif"),
        specimen="mouse 1",
        condition="control",
        split="train",
    )


def labelled(
    store: Store, image: ImageRecord, kind: RevisionKind, labels_yx: np.ndarray = LABELS, *, author: str = "Ada",
    covered: np.ndarray | None = None, **more: object,
) -> RevisionRecord:  # fmt: skip
    """A complete label map in the classes of the image's project."""
    project = store.projects.get(image.project_id)
    details = {"scheme": project.scheme.to_json(), MATCH: {}}
    if covered is not None:
        details["covered"] = {"1": 2}
    begun = store.revisions.begin(image.id, kind, author=author, details=details, **more)  # type: ignore[arg-type]
    path = store.revisions.pyramid_path(begun.id)
    with LabelPyramidWriter(path, labels_yx.shape, pixel_size_nm=8.0, scheme=project.scheme) as writer:
        writer.write(0, 0, labels_yx, np.full(labels_yx.shape, 200, np.uint8))
    if covered is not None:
        write_label_pyramid(path / COVERAGE, covered, pixel_size_nm=8.0)
    ids, counts = np.unique(labels_yx, return_counts=True)
    rows = [{"class_id": int(i), "name": str(i), "pixels": int(n)} for i, n in zip(ids, counts, strict=True)]
    return store.revisions.complete(begun.id, coverage=rows)


def go(store: Store, image: ImageRecord, target: ProjectRecord, mode: TransferMode, by: str = "Ada") -> str:
    """Do it in this process."""
    source = store.projects.get(image.project_id)
    began = datetime.now(UTC)
    return transfer_image(store, image, source, target, mode, by=by, began_at=began)


def pixels_of(store: Store, revision: RevisionRecord) -> list[list[int]]:
    """The label map as it is in its files."""
    pyramid = open_pyramid(store.revisions.pyramid_path(revision.id))
    return np.asarray(pyramid.read(0, slice(None), slice(None))).tolist()


def only(store: Store, image: ImageRecord, kind: RevisionKind) -> RevisionRecord:
    """The one label map of a kind."""
    (revision,) = store.revisions.of_image(image.id, kind=kind)
    return revision


def test_a_copy_has_the_label_maps_in_the_classes_of_the_other_project(
    store: Store, image: ImageRecord, there: ProjectRecord
) -> None:
    reference = labelled(store, image, RevisionKind.REFERENCE)
    labelled(store, image, RevisionKind.PREDICTION, np.zeros((2, 4), np.uint8), model_id="m")
    labelled(store, image, RevisionKind.PREDICTION, model_id="m")
    before = [each.id for each in store.revisions.of_image(image.id)]
    plan = plan_transfer(store, [image.id], image.project_id, there.id, TransferMode.COPY, person="Ada")
    assert (plan.lost, plan.unknown) == ({"pores": 1}, ("Golgi",))
    assert (plan.going[0].label_maps, plan.going[0].left_behind) == (2, 1)
    assert go(store, image, there, TransferMode.COPY) == ""
    (copy,) = store.images.all(there.id)
    assert (copy.name, copy.specimen, copy.condition, copy.split, copy.pixel_size.nm) == (
        "a.tif", "mouse 1", "control", "train", 8.0,
    )  # fmt: skip
    copied = only(store, copy, RevisionKind.REFERENCE)
    assert pixels_of(store, copied) == REFERENCE_THERE
    assert copied.details["scheme"] == THERE.to_json()
    assert copied.details["copied_from"]["revision_id"] == reference.id
    assert {row["name"]: row["pixels"] for row in copied.coverage if row["pixels"]} == {
        "background": 1, "ER": 2, "mitochondrion": 3,
    }  # fmt: skip
    prediction = only(store, copy, RevisionKind.PREDICTION)
    assert (pixels_of(store, prediction), prediction.model_id) == (PREDICTION_THERE, "m")
    confidence = open_pyramid(store.revisions.pyramid_path(prediction.id)).confidence
    assert confidence is not None
    assert int(confidence.read(0, slice(None), slice(None)).min()) == 200
    assert [each.id for each in store.revisions.of_image(image.id)] == before  # the original is as it was
    assert pixels_of(store, reference) == LABELS.tolist()
    for project_id in (image.project_id, there.id):
        assert [entry.what for entry in audit_entries(store, project_id, by="Ada")] == ["image_copied"]


def test_an_approved_correction_waits_for_review_in_the_other_project(
    store: Store, image: ImageRecord, there: ProjectRecord
) -> None:
    """Nobody there has approved it."""
    covered = np.array([[0, 1, 0, 0], [1, 0, 0, 0]], np.uint8)
    approved = labelled(store, image, RevisionKind.CORRECTION, covered=covered)
    decide(store, approved.id, "Bo", Decision.APPROVE, "")
    labelled(store, image, RevisionKind.CORRECTION, author="Cy")  # not decided: stays
    assert go(store, image, there, TransferMode.COPY) == ""
    (copy,) = store.images.all(there.id)
    correction = only(store, copy, RevisionKind.CORRECTION)
    assert (correction.author, correction.details["covered"]) == ("Ada", {"5": 2})
    path = store.revisions.pyramid_path(correction.id) / COVERAGE
    assert np.asarray(open_pyramid(path).read(0, slice(None), slice(None))).tolist() == covered.tolist()
    with store.database.reading() as session:
        states = dict(session.execute(select(ReviewRow.revision_id, ReviewRow.state)).all())
    assert (states[correction.id], states[approved.id]) == ("submitted", "approved")


def test_a_move_between_projects_of_like_classes_keeps_everything(
    store: Store, image: ImageRecord, here: ProjectRecord
) -> None:
    like = store.projects.create("like", LabelScheme.from_names({"mitochondria": 1, "ER": 2, "pores": 3, "Golgi": 9}))
    approved = labelled(store, image, RevisionKind.CORRECTION)
    decide(store, approved.id, "Bo", Decision.APPROVE, "")
    plan = plan_transfer(store, [image.id], here.id, like.id, TransferMode.MOVE, person="Ada")
    assert plan.going[0].keeps_history
    assert go(store, image, like, TransferMode.MOVE) == ""
    assert store.images.get(image.id).project_id == like.id
    assert (store.images.all(here.id), store.trash.images(here.id)) == ((), ())
    assert [each.id for each in store.revisions.of_image(image.id)] == [approved.id]
    with store.database.reading() as session:
        assert session.get_one(ReviewRow, approved.id).state == "approved"
    assert [entry.what for entry in audit_entries(store, like.id, by="Ada")][-1] == "image_moved"


def test_a_class_that_occurs_nowhere_is_no_reason_to_renumber(store: Store, image: ImageRecord) -> None:
    other = store.projects.create("other", LabelScheme.from_names({"mitochondria": 1, "vesicles": 3}))
    labelled(store, image, RevisionKind.REFERENCE, np.array([[0, 1, 1, 0], [0, 0, 0, 0]], np.uint8))
    plan = plan_transfer(store, [image.id], image.project_id, other.id, TransferMode.MOVE, person="Ada")
    assert plan.going[0].keeps_history
    labelled(store, image, RevisionKind.REFERENCE, np.array([[0, 1, 3, 0], [0, 0, 0, 0]], np.uint8))
    plan = plan_transfer(store, [image.id], image.project_id, other.id, TransferMode.MOVE, person="Ada")
    assert (plan.going[0].keeps_history, plan.lost) == (False, {"pores": 1})  # 3 is vesicles there


def test_a_move_to_other_numbers_leaves_the_original_in_the_trash(
    store: Store, image: ImageRecord, here: ProjectRecord, there: ProjectRecord
) -> None:
    labelled(store, image, RevisionKind.REFERENCE)
    assert go(store, image, there, TransferMode.MOVE) == ""
    (moved,) = store.images.all(there.id)
    assert pixels_of(store, only(store, moved, RevisionKind.REFERENCE)) == REFERENCE_THERE
    assert [each.id for each in store.trash.images(here.id)] == [image.id]
    assert len(store.revisions.of_image(image.id)) == 1  # with its history


def test_what_stands_in_the_way_is_named(store: Store, image: ImageRecord, there: ProjectRecord) -> None:
    store.images.add(there.id, Image(np.arange(8, dtype=np.uint8).reshape(2, 4), name="twin.tif"))
    for mode in TransferMode:
        (planned,) = plan_transfer(store, [image.id], image.project_id, there.id, mode, person="Ada").refused
        assert planned.refusal == "there contains the same image, twin.tif"
        assert go(store, image, there, mode) == planned.refusal
    assert len(store.images.all(there.id)) == 1


def test_planes_of_another_stack_of_that_name_are_not_mixed(
    store: Store, here: ProjectRecord, there: ProjectRecord
) -> None:
    def plane(project: ProjectRecord, value: int) -> ImageRecord:
        return store.images.add(project.id, Image(np.full((2, 4), value, np.uint8)), stack="s.tif", z_index=0)

    mine = plane(here, 1)
    plane(there, 2)
    plan = plan_transfer(store, [mine.id], here.id, there.id, TransferMode.COPY, person="Ada")
    assert "another plane at this position of a stack s.tif" in plan.refused[0].refusal


@pytest.mark.parametrize("why", ["scored", "training", "job"])
def test_what_is_frozen_or_worked_on_is_copied_not_moved(
    store: Store, image: ImageRecord, there: ProjectRecord, why: str
) -> None:
    """An evaluation, a snapshot or a job would lose its image."""
    if why == "scored":
        from core.store.tables import EvaluationImageRow, EvaluationRow

        with store.database.writing() as session:
            session.add(
                EvaluationRow(
                    id="e", project_id=image.project_id, name="e", source="model", model_id="m", job_id=None,
                    state="complete", scheme=[], settings={}, image_count=1, scored_count=1, author="",
                    created_at=datetime.now(UTC), completed_at=None,
                )
            )  # fmt: skip
            session.flush()
            session.add(
                EvaluationImageRow(
                    evaluation_id="e", image_id=image.id, position=0, name="a", specimen="", group="",
                    pixel_size_nm=8.0, reference_id=None, prediction_id=None, reason="", scores=None, errors=None,
                )
            )  # fmt: skip
    elif why == "training":
        row = submit("train", {"project_id": image.project_id, "image_ids": [image.id]}, store=store)
        assert claim(store, row, "here")
        from core.jobs.transitions import succeed

        assert succeed(store, row.id, 1, {})
    else:
        submit("predict", {"image_id": image.id, "model_id": "m"}, store=store)
    plan = plan_transfer(store, [image.id], image.project_id, there.id, TransferMode.MOVE, person="Ada")
    assert [each.image.id for each in plan.refused] == [image.id]
    assert plan_transfer(store, [image.id], image.project_id, there.id, TransferMode.COPY, person="Ada").going


def test_the_job_goes_on_where_it_was_cut_off_and_doubles_nothing(
    store: Store, image: ImageRecord, here: ProjectRecord, there: ProjectRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled(store, image, RevisionKind.REFERENCE)
    labelled(store, image, RevisionKind.PREDICTION, model_id="m")
    row = start_transfer(store, [image.id], here.id, there.id, TransferMode.COPY, by="Ada")
    import core.transfers.run as run

    real, calls = run._copy_labels, []

    def cut_off(*args: object) -> None:
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(run, "_copy_labels", cut_off)
    assert claim(store, row, "here")
    with pytest.raises(KeyboardInterrupt):
        runner.run_job(row.id, 1)
    monkeypatch.setattr(run, "_copy_labels", real)
    from core.jobs.transitions import interrupt

    interrupt(store, row.id, 1, "killed", restartable=True)
    assert claim(store, job(row.id, store=store), "here")
    runner.run_job(row.id, 2)
    done = job(row.id, store=store)
    assert (done.state, done.result) == (JobState.SUCCEEDED, {"went": [image.id], "stayed": []})
    (copy,) = store.images.all(there.id)
    assert sorted(each.kind for each in store.revisions.of_image(copy.id)) == ["prediction", "reference"]


def test_rights_are_asked_in_both_projects(tmp_path: Path) -> None:
    store = Store(
        load_settings(
            data_dir=tmp_path / "data",
            models_dir=tmp_path / "models",
            access=Access.ROLES,
            admins="Root",
            min_free_bytes=0,
        )
    )
    one, other = (store.projects.create(name, HERE) for name in ("one", "other"))
    image = store.images.add(one.id, Image(np.ones((2, 4), np.uint8)))
    set_member(store, one.id, "Ada", Role.ADMIN, by="Root")
    with pytest.raises(AccessError):
        start_transfer(store, [image.id], one.id, other.id, TransferMode.COPY, by="Ada")
    set_member(store, other.id, "Ada", Role.ANNOTATOR, by="Root")
    start_transfer(store, [image.id], one.id, other.id, TransferMode.COPY, by="Ada")
    with pytest.raises(AccessError):
        start_transfer(store, [image.id], one.id, other.id, TransferMode.MOVE, by="Ada")
    set_member(store, one.id, "Bo", Role.VIEWER, by="Root")
    with pytest.raises(AccessError):
        start_transfer(store, [image.id], other.id, one.id, TransferMode.COPY, by="Bo")
    with pytest.raises(StoreError):
        start_transfer(store, [image.id], one.id, one.id, TransferMode.COPY, by="Ada")
    store.close()
