"""Going from page to page: what one looks at goes along, and an error of a test image leads to a better model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.annotation.draft_tiles import class_counts, pack_tile
from core.annotation.like_places import like_places
from core.annotation.progress import progress
from core.annotation.suggestions import Visit, tour, visit
from core.evaluation.settings import EvaluationSettings
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.label_scheme import LabelScheme
from core.review.decisions import decide
from core.review.records import Decision
from core.store.records import (
    DraftTileRecord,
    EvaluationImageRecord,
    ImageRecord,
    ProjectRecord,
    RevisionKind,
    RevisionRecord,
    Split,
)
from core.store.store import Store
from tests.models import write_model
from tests.pages.conftest import open_page, texts

SCHEME = LabelScheme.from_names({"mitochondria": 1, "nucleus": 2, "ER": 3})
SHAPE = (600, 600)


@pytest.fixture
def project(store: Store) -> ProjectRecord:
    write_model(store.settings.models_dir / "tiny", scheme=SCHEME)
    return store.projects.create("Tissue", SCHEME)


def add(store: Store, project: ProjectRecord, name: str, split: Split) -> ImageRecord:
    pixels = np.random.default_rng(len(store.images.all())).integers(0, 255, SHAPE, np.uint8)
    return store.images.add(project.id, Image(pixels, PixelSize.from_user(8.0), name), split=split)


def predict(
    store: Store, image: ImageRecord, unsure: dict[int, int], model_id: str = "tiny", *,
    kind: RevisionKind = RevisionKind.PREDICTION,
) -> RevisionRecord:  # fmt: skip
    """A prediction in bands of classes 0 to 3, with the confidence of each where it is not certain."""
    labels = np.repeat(np.arange(4, dtype=np.uint8), 150)[:, None].repeat(SHAPE[1], axis=1)
    sure = np.full(SHAPE, 255, np.uint8)
    for class_id, value in unsure.items():
        sure[labels == class_id] = value
    begun = store.revisions.begin(image.id, kind, model_id=model_id if kind is RevisionKind.PREDICTION else None)
    write_label_pyramid(store.revisions.pyramid_path(begun.id), labels, pixel_size_nm=8.0, confidence_yx=sure)
    return store.revisions.complete(begun.id, summary={"pixel_size_nm": 8.0})


def parameters(page: AppTest) -> dict[str, Any]:
    return {name: value[0] if isinstance(value, list) else value for name, value in page.query_params.items()}


class TestLikePlaces:
    def test_the_same_doubt_comes_first_and_only_in_images_that_train(
        self, store: Store, project: ProjectRecord
    ) -> None:
        predict(store, add(store, project, "test", Split.TEST), {1: 20})
        train = add(store, project, "train", Split.TRAIN)
        prediction = predict(store, train, {1: 150, 3: 20})
        predict(store, add(store, project, "pool", Split.POOL), {1: 100, 2: 10})
        add(store, project, "bare", Split.TRAIN)
        known = progress(store, project.id, "Ada")
        found = like_places(store, project.id, "Ada", known, answer=1, organelle=3)
        told = [(each.image.name, each.suggestion.class_id, each.same_doubt) for each in found]
        assert told[:2] == [("pool", 1, True), ("pool", 1, True)], "least sure first, two of an image at most"
        assert ("train", 1, True) in told
        assert {name for name, _, _ in told} == {"train", "pool"}
        assert all(class_id in (1, 3) for _, class_id, _ in told)
        place = next(each for each in found if each.image.id == train.id)
        assert place.revision_id == prediction.id
        visit(store, tour(store, train.id, "Ada"), "Ada", place.suggestion, Visit.SEEN)
        again = like_places(store, project.id, "Ada", known, answer=1, organelle=3)
        assert place.suggestion.place not in {each.suggestion.place for each in again if each.image.id == train.id}

    def test_a_missed_organelle_leads_to_doubtful_background(self, store: Store, project: ProjectRecord) -> None:
        predict(store, add(store, project, "train", Split.TRAIN), {0: 60, 2: 20})
        found = like_places(store, project.id, "Ada", {}, answer=0, organelle=2)
        assert found[0].suggestion.class_id == 0
        assert found[0].same_doubt

    def test_nothing_where_nothing_is_segmented(self, store: Store, project: ProjectRecord) -> None:
        add(store, project, "train", Split.TRAIN)
        assert like_places(store, project.id, "Ada", {}) == ()


def correct(app: AppTest, **query: str) -> AppTest:
    app.session_state["person"] = "Ada"
    page = open_page(app, "correct_page.py", **query)
    assert not page.exception
    return page


def test_the_image_does_not_wait_for_like_places(
    store: Store, project: ProjectRecord, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine nothing could be painted for half a minute."""
    tested = add(store, project, "test", Split.TEST)
    predict(store, tested, {1: 20})
    monkeypatch.setattr("ui.correct.like_places.like_places", lambda *_, **__: st.stop())
    page = correct(app, project=project.id, image=tested.id)
    assert page.button(key="correct-begin").label == "Start"
    assert "Searching for similar places" in texts(page)


def test_a_test_image_without_like_places_leads_to_segmenting_others(
    store: Store, project: ProjectRecord, app: AppTest
) -> None:
    """A sentence ended in a colon with nothing behind it."""
    tested = add(store, project, "test", Split.TEST)
    predict(store, tested, {1: 20})
    add(store, project, "train", Split.TRAIN)
    page = correct(app, project=project.id, image=tested.id)
    assert "has a prediction with unreviewed places yet" in texts(page)
    assert page.button(key="like-places-segment").label == "Segment images"


def test_a_test_image_says_why_it_does_not_train_and_leads_on(
    store: Store, project: ProjectRecord, app: AppTest
) -> None:
    """It said so, and that was all: one corrected where no model ever learns."""
    tested = add(store, project, "test", Split.TEST)
    older = predict(store, tested, {1: 20})
    predict(store, tested, {2: 20})
    train = add(store, project, "train", Split.TRAIN)
    prediction = predict(store, train, {1: 30})
    page = correct(app, project=project.id, image=tested.id, revision=older.id, doubt="1", **{"class": "2"})
    assert "This image is in the test set" in texts(page)
    assert page.selectbox(key=f"correct-start-{tested.id}-3").value == older.id, "the prediction that was looked at"
    label = page.button(key="like-place-0").label
    assert label.startswith("train")
    assert "mitochondria, confidence 0" in label
    page = page.button(key="like-place-0").click().run()
    assert not page.exception
    assert parameters(page)["image"] == train.id
    assert page.selectbox(key=f"correct-start-{train.id}-2").value == prediction.id
    assert "This image is in the test set" not in texts(page)


def test_where_nothing_can_be_corrected_instead_it_says_what_to_do(
    store: Store, project: ProjectRecord, app: AppTest
) -> None:
    page = correct(app, project=project.id, image=add(store, project, "test", Split.TEST).id)
    page_texts, leads = texts(page), page.button(key="like-places-segment")
    assert "has a prediction with unreviewed places yet" in page_texts
    assert leads.label == "Segment images"


def test_a_draft_of_another_label_map_is_named(store: Store, project: ProjectRecord, app: AppTest) -> None:
    image = add(store, project, "a", Split.TRAIN)
    older, newer = predict(store, image, {1: 20}), predict(store, image, {2: 20})
    store.drafts.open(image.id, "Ada", newer.id)
    assert "To start from" not in texts(correct(app, project=project.id, image=image.id))
    assert "instead, submit or discard this draft first" in texts(
        correct(app, project=project.id, image=image.id, revision=older.id)
    )


def test_what_is_painted_is_told_and_nothing_else(store: Store, project: ProjectRecord, app: AppTest) -> None:
    """It said "nothing painted yet" as long as the page was open, whatever was painted."""
    image = add(store, project, "a", Split.TRAIN)
    draft, _ = store.drafts.open(image.id, "Ada", None)
    page = correct(app, project=project.id, image=image.id)
    assert "nothing painted" not in texts(page)
    labels = np.ones((512, 512), np.uint8)
    tile = DraftTileRecord(0, 0, 0, class_counts(labels), class_counts(labels), {})
    store.drafts.write_tiles(draft.id, "tab", 1, [(tile, pack_tile(labels, labels > 0))], seconds=90, strokes=3)
    assert "3 strokes in" in texts(page.run())


def test_the_list_begins_with_what_needs_work(store: Store, project: ProjectRecord, app: AppTest) -> None:
    """It began with the oldest images, often finished references."""
    add(store, project, "finished", Split.TRAIN)
    done = store.images.all(project.id)[0]
    reference = store.revisions.begin(done.id, RevisionKind.REFERENCE)
    write_label_pyramid(store.revisions.pyramid_path(reference.id), np.ones(SHAPE, np.uint8), pixel_size_nm=8.0)
    store.revisions.complete(reference.id)
    predict(store, add(store, project, "test", Split.TEST), {1: 20})
    predict(store, add(store, project, "open", Split.TRAIN), {1: 20})
    store.drafts.open(add(store, project, "mine", Split.POOL).id, "Ada", None)
    page = correct(app, project=project.id)
    names = [option.split(" · ")[0] for option in page.selectbox(key="correct-image").options]
    assert names == ["mine", "open", "test", "finished"]


def test_segment_leads_to_the_brush_on_what_it_shows(store: Store, project: ProjectRecord, app: AppTest) -> None:
    image = add(store, project, "a", Split.TRAIN)
    prediction = predict(store, image, {1: 20})
    app.session_state["person"] = "Ada"
    page = open_page(app, "segment_page.py", image=image.id, model="tiny")
    page = next(button for button in page.button if button.label == "Correct this image").click().run()
    assert not page.exception
    asked = parameters(page)
    assert (asked["project"], asked["image"], asked["revision"]) == (project.id, image.id, prediction.id)
    assert page.selectbox(key=f"correct-start-{image.id}-2").value == prediction.id


def go(app: AppTest, script: str) -> AppTest:
    """By the bar with the pages: without parameters."""
    app.query_params.clear()
    page = app.switch_page(f"../pages/{script}").run()
    assert not page.exception
    return page


class TestWhatGoesAlong:
    def test_the_image_and_the_model(self, store: Store, project: ProjectRecord, app: AppTest) -> None:
        first, second = (add(store, project, name, Split.TRAIN) for name in "ab")
        for image in (first, second):
            predict(store, image, {1: 20})
        app.session_state["person"] = "Ada"
        open_page(app, "segment_page.py", image=second.id, model="tiny")
        page = go(app, "correct_page.py")
        assert parameters(page)["image"] == second.id
        assert parameters(page)["project"] == project.id
        assert "model" not in parameters(page)
        page = go(app, "segment_page.py")
        assert (parameters(page)["image"], parameters(page)["model"]) == (second.id, "tiny")

    def test_not_after_one_has_left_the_image(self, store: Store, project: ProjectRecord, app: AppTest) -> None:
        image = add(store, project, "a", Split.TRAIN)
        app.session_state["person"] = "Ada"
        open_page(app, "segment_page.py", image=image.id)
        go(app, "overview_page.py")
        assert "image" not in parameters(go(app, "segment_page.py"))

    def test_not_what_was_deleted_nor_over_another_choice(
        self, store: Store, project: ProjectRecord, app: AppTest
    ) -> None:
        second = add(store, project, "b", Split.TRAIN)
        other = store.projects.create("Other", SCHEME)
        app.session_state["person"] = "Ada"
        open_page(app, "segment_page.py", image=second.id)
        app.query_params.clear()
        page = open_page(app, "correct_page.py", project=other.id)
        assert parameters(page)["project"] == other.id
        assert "image" not in parameters(page)
        app.query_params.clear()
        open_page(app, "segment_page.py", image=second.id)
        store.trash.put([second.id])
        assert "image" not in parameters(go(app, "correct_page.py"))

    def test_the_model_to_measure_and_back(self, store: Store, project: ProjectRecord, app: AppTest) -> None:
        """Measure opened on whichever model had segmented most images, not on the one that was looked at."""
        image, other = (add(store, project, name, Split.TRAIN) for name in "ab")
        write_model(store.settings.models_dir / "second", scheme=SCHEME)
        for shown in (image, other):
            predict(store, shown, {1: 20})
        predict(store, image, {1: 20}, "second")
        app.session_state["person"] = "Ada"
        open_page(app, "segment_page.py", image=image.id, model="second")
        assert parameters(go(app, "measure_page.py"))["labels"] == "model:second"
        page = app.selectbox(key="measure-source").set_value("model:tiny").run()
        assert parameters(page)["labels"] == "model:tiny"
        assert parameters(go(app, "segment_page.py"))["model"] == "tiny"

    def test_corrections_are_measured_whatever_model_was_looked_at(
        self, store: Store, project: ProjectRecord, app: AppTest
    ) -> None:
        image, other = (add(store, project, name, Split.TRAIN) for name in "ab")
        for shown in (image, other):
            predict(store, shown, {1: 20})
        made = predict(store, image, {}, kind=RevisionKind.CORRECTION)
        decide(store, made.id, "Bo", Decision.APPROVE)
        app.session_state["person"] = "Ada"
        open_page(app, "segment_page.py", image=image.id, model="tiny")
        assert parameters(go(app, "measure_page.py"))["labels"] == "counts"

    def test_the_model_to_its_scores(self, store: Store, project: ProjectRecord, app: AppTest) -> None:
        image = add(store, project, "a", Split.TEST)
        write_model(store.settings.models_dir / "second", scheme=SCHEME)
        scored = EvaluationImageRecord(image.id, "a", "", "", 8.0, None, None)
        settings = EvaluationSettings().to_json()
        first, _ = (
            store.evaluations.create(
                project.id, model_id, [scored], scheme=SCHEME, settings=settings, model_id=model_id
            )
            for model_id in ("tiny", "second")
        )
        app.session_state["person"] = "Ada"
        open_page(app, "segment_page.py", image=image.id, model="tiny")
        assert parameters(go(app, "results_page.py"))["evaluation"] == first.id
