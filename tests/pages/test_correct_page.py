"""The Correct page: what it offers, and what its buttons do to the store."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.annotation.history import history
from core.annotation.ranking import Strategy
from core.annotation.submission import submit_draft
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import LabelPyramidWriter, write_label_pyramid
from core.label_scheme import LabelScheme
from core.review.decisions import decide, withdraw
from core.review.discussion import add_mark, comment, marks
from core.review.double_annotation import ask_to_annotate
from core.review.records import Box, Decision, ReviewState
from core.review.rows import review
from core.rounds.promotion import promote_model
from core.settings import ROOT
from core.store.records import DraftState, ImageRecord, ProjectRecord, RevisionKind, RevisionRecord, Split
from core.store.store import Store
from tests.models import write_model
from tests.pages.conftest import open_page, texts
from ui.correct import work as correct_work
from ui.correct.history import history_table
from ui.correct.start import default_start

PAGE = "correct_page.py"
SCHEME = LabelScheme.from_names({"mitochondria": 1, "nucleus": 2})
SHAPE = (300, 400)


@pytest.fixture
def project(store: Store) -> ProjectRecord:
    return store.projects.create("Tissue", SCHEME)


@pytest.fixture
def image(store: Store, project: ProjectRecord) -> ImageRecord:
    pixels = np.random.default_rng(0).integers(0, 255, SHAPE, np.uint8)
    return store.images.add(project.id, Image(pixels, PixelSize.from_user(8.0), "liver *1*"))


@pytest.fixture
def prediction(store: Store, image: ImageRecord) -> RevisionRecord:
    """Everything is mitochondria; in doubt at rows and columns 100 to 140."""
    begun = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id="starter")
    confidence = np.full(SHAPE, 255, np.uint8)
    confidence[100:140, 100:140] = 30
    with LabelPyramidWriter(store.revisions.pyramid_path(begun.id), SHAPE, pixel_size_nm=8.0) as writer:
        writer.write(0, 0, np.ones(SHAPE, np.uint8), confidence)
    return store.revisions.complete(begun.id)


def opened(app: AppTest, person: str = "Ada", **query: str) -> AppTest:
    """The page of somebody who has given a name."""
    app.session_state["person"] = person
    page = open_page(app, PAGE, **query)
    assert not page.exception
    return page


def press(app: AppTest, key: str) -> AppTest:
    page = app.button(key=key).click().run()
    assert not page.exception
    return page


def test_without_a_project_or_an_image_it_says_what_to_do(store: Store, app: AppTest) -> None:
    assert "No project yet" in texts(open_page(app, PAGE))
    store.projects.create("Empty", SCHEME)
    assert "This project has no images yet" in texts(open_page(app, PAGE))


def test_a_name_is_asked_for_once(store: Store, image: ImageRecord, app: AppTest) -> None:
    page = open_page(app, PAGE)
    assert "Who are you?" in texts(page)
    page.text_input(key="correct-person-name").set_value("  Ada   L. ")
    page = page.button[0].click().run()
    assert page.session_state["person"] == "Ada L."
    assert "Who are you?" not in texts(page)


def test_in_a_project_without_a_model_the_page_opens_on_an_image_that_nobody_has_begun(
    store: Store, project: ProjectRecord, image: ImageRecord, app: AppTest
) -> None:
    other = store.images.add(project.id, Image(np.zeros(SHAPE, np.uint8), PixelSize.from_user(8.0), "liver 2"))
    draft, _ = store.drafts.open(image.id, "Ada", None)
    store.drafts.set_whole_image(draft.id, "tab", True)
    submit_draft(store, draft.id, "tab", "all of it")
    page = opened(app)
    assert page.selectbox(key="correct-image").value == other.id


def test_a_correction_begins_from_the_newest_prediction(
    store: Store, image: ImageRecord, prediction: RevisionRecord, app: AppTest
) -> None:
    page = opened(app)
    assert page.selectbox(key=f"correct-start-{image.id}-2").value == prediction.id
    page = press(page, "correct-begin")
    (draft,) = store.drafts.of_image(image.id)
    assert (draft.author, draft.base_revision_id) == ("Ada", prediction.id)
    assert "Your draft" in texts(page)


def test_it_can_begin_from_nothing(store: Store, image: ImageRecord, app: AppTest) -> None:
    page = opened(app)
    assert "This image has no label map yet" in texts(page)
    press(page, "correct-begin")
    assert store.drafts.of_image(image.id)[0].base_revision_id is None


def test_an_approved_correction_is_the_better_start(
    store: Store, image: ImageRecord, prediction: RevisionRecord, app: AppTest
) -> None:
    correction = correct(store, image, prediction, "Bob")
    page = opened(app)
    key = f"correct-start-{image.id}-3"
    assert page.selectbox(key=key).value == prediction.id, "not reviewed yet"
    decide(store, correction.id, "Eve", Decision.APPROVE)
    fresh = opened(AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=20).run())
    assert fresh.selectbox(key=key).value == correction.id


def correct(store: Store, image: ImageRecord, parent: RevisionRecord, author: str) -> RevisionRecord:
    """A correction of the whole image, submitted."""
    draft, _ = store.drafts.open(image.id, author, parent.id)
    store.drafts.set_whole_image(draft.id, "tab", True)
    return submit_draft(store, draft.id, "tab", "looks right").revision


def test_others_are_named_and_their_draft_left_alone(
    store: Store, image: ImageRecord, prediction: RevisionRecord, app: AppTest
) -> None:
    store.drafts.open(image.id, "Bob", prediction.id)
    page = opened(app)
    assert "Bob also has an open draft of this image" in texts(page)
    press(page, "correct-begin")
    assert sorted(draft.author for draft in store.drafts.of_image(image.id)) == ["Ada", "Bob"]


def test_a_draft_is_discarded_only_when_asked_twice(
    store: Store, image: ImageRecord, prediction: RevisionRecord, app: AppTest
) -> None:
    draft, _ = store.drafts.open(image.id, "Ada", prediction.id)
    page = opened(app)
    page = press(page, f"discard-{draft.id}")
    assert store.drafts.get(draft.id).state is DraftState.DISCARDED
    assert page.button(key="correct-begin")


def test_an_image_without_a_prediction_has_places_to_begin_with(store: Store, image: ImageRecord, app: AppTest) -> None:
    store.drafts.open(image.id, "Ada", None)
    page = opened(app)
    assert page.segmented_control(key="correct-strategy-1").options == ["Varied places"]
    page = press(page, "correct-next")
    assert page.session_state["suggested"].startswith(f"{image.id}/")
    page = press(page, "correct-skip")
    assert "1 of" in texts(page)
    assert "chosen for varied texture" in texts(page)


def test_a_prediction_can_be_looked_through_by_texture_too(
    store: Store, image: ImageRecord, prediction: RevisionRecord, app: AppTest
) -> None:
    store.drafts.open(image.id, "Ada", prediction.id)
    page = opened(app)
    choice = page.segmented_control(key="correct-strategy-3")
    assert choice.options == ["Where the model is unsure", "At random", "Varied places"]
    page = choice.set_value(Strategy.VARIETY).run()
    assert not page.exception
    page = press(page, "correct-next")
    assert page.session_state["suggested"].startswith(f"{image.id}/")


def test_places_are_gone_through_and_remembered(
    store: Store, image: ImageRecord, prediction: RevisionRecord, app: AppTest
) -> None:
    store.drafts.open(image.id, "Ada", prediction.id)
    page = opened(app)
    assert "0 of" in texts(page)
    page = press(page, "correct-next")
    assert "mitochondria, mean confidence" in texts(page)
    page = press(page, "correct-skip")
    assert "1 of" in texts(page)
    app.session_state["suggested"] = None
    assert "1 of" in texts(opened(app)), "remembered in the database"


def test_what_was_submitted_is_told_in_numbers(
    store: Store, image: ImageRecord, prediction: RevisionRecord, app: AppTest
) -> None:
    revision = correct(store, image, prediction, "Ada")
    app.session_state["submitted"] = revision.id
    page = opened(app)
    assert "0 px changed in 0 strokes" in "\n".join(str(element.value) for element in page.success)
    table = next(frame.value for frame in page.dataframe if "Confirmed, px" in frame.value and "Class" in frame.value)
    assert table["Confirmed, px"].tolist() == [SHAPE[0] * SHAPE[1]]


def test_history_withdraw_and_restore(
    store: Store, image: ImageRecord, prediction: RevisionRecord, app: AppTest
) -> None:
    revision = correct(store, image, prediction, "Ada")
    page = opened(app)
    table = next(frame.value for frame in page.dataframe if "Review" in frame.value)
    assert table["Review"].tolist() == ["awaiting review", ""]
    assert table["Note"].tolist() == ["looks right", ""]
    page = press(page, "history-withdraw")
    assert review(store, revision.id).state is ReviewState.WITHDRAWN
    press(page, "history-restore")
    assert store.drafts.of_image(image.id)[0].base_revision_id == revision.id


def test_two_label_maps_are_compared(
    store: Store, image: ImageRecord, prediction: RevisionRecord, app: AppTest
) -> None:
    begun = store.revisions.begin(image.id, RevisionKind.REFERENCE)
    labels = np.ones(SHAPE, np.uint8)
    labels[:10, :20] = 2
    write_label_pyramid(store.revisions.pyramid_path(begun.id), labels, pixel_size_nm=8.0)
    store.revisions.complete(begun.id)
    page = opened(app)
    page = page.toggle(key="history-show").set_value(True).run()
    assert not page.exception
    assert "200 px differ" in texts(page)
    table = next(frame.value for frame in page.dataframe if "Gained, px" in frame.value)
    assert table.values.tolist() == [["mitochondria", 0, 200], ["nucleus", 200, 0]]


def test_a_link_to_what_has_gone_is_explained(store: Store, image: ImageRecord, app: AppTest) -> None:
    assert "no longer in this project" in texts(opened(app, image="gone"))


def test_the_model_in_use_comes_before_newer_predictions(
    store: Store, image: ImageRecord, prediction: RevisionRecord, app: AppTest
) -> None:
    write_model(store.settings.models_dir / "starter")
    promote_model(store, image.project_id, "starter", "Eve", "the best we have")
    newer = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id="other")
    write_label_pyramid(
        store.revisions.pyramid_path(newer.id), np.zeros(SHAPE, np.uint8), pixel_size_nm=8.0, scheme=SCHEME
    )
    store.revisions.complete(newer.id)
    assert opened(app).selectbox(key=f"correct-start-{image.id}-3").value == prediction.id


def test_asked_for_changes_the_author_goes_on_from_there(
    store: Store, image: ImageRecord, prediction: RevisionRecord, app: AppTest
) -> None:
    correction = correct(store, image, prediction, "Ada")
    decide(store, correction.id, "Eve", Decision.REQUEST_CHANGES, "the nucleus is missing")
    page = opened(app)
    assert page.selectbox(key=f"correct-start-{image.id}-3").value == correction.id
    assert "the nucleus is missing" in texts(page)
    press(page, "correct-begin")
    (draft,) = store.drafts.of_image(image.id)
    assert draft.base_revision_id == correction.id
    assert draft.whole_image, "what was confirmed stays"
    page = opened(app, "Bob", image=image.id)
    assert "the nucleus is missing" not in texts(page), "that is asked of Ada"


def test_after_a_submission_the_next_image_is_one_click_away(
    store: Store, project: ProjectRecord, image: ImageRecord, prediction: RevisionRecord, app: AppTest
) -> None:
    other = store.images.add(project.id, Image(np.ones(SHAPE, np.uint8), PixelSize.from_user(8.0), "second"))
    begun = store.revisions.begin(other.id, RevisionKind.PREDICTION, model_id="starter")
    write_label_pyramid(
        store.revisions.pyramid_path(begun.id), np.zeros(SHAPE, np.uint8), pixel_size_nm=8.0, scheme=SCHEME
    )
    store.revisions.complete(begun.id)
    page = opened(app)
    assert page.query_params["image"] in (image.id, [image.id])
    app.session_state["submitted"] = correct(store, image, prediction, "Ada").id
    page = press(page.run(), "correct-next-image")
    assert page.query_params["image"] in (other.id, [other.id])
    assert page.selectbox(key="correct-image").value == other.id
    labels = page.selectbox(key="correct-image").options
    assert any("awaiting review" in label for label in labels)
    assert any("segmented" in label for label in labels)


def test_whoever_is_asked_to_annotate_alone_is_told_and_begins_from_the_common_label_map(
    app: AppTest, store: Store, project: ProjectRecord, image: ImageRecord, prediction: RevisionRecord
) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, SHAPE, np.uint8)
    other = store.images.add(project.id, Image(pixels, PixelSize.from_user(8.0), "another"))
    ask_to_annotate(store, image.id, ["Ada", "Bob"], by="Rita")
    page = opened(app, project=project.id, image=other.id)
    assert "You have been assigned liver" in texts(page)
    press(page, "correct-asked")
    page = opened(app, project=project.id)
    assert page.selectbox(key="correct-image").value == image.id, "it comes first"
    (begin,) = [each for each in page.selectbox if each.label == "Start from"]
    assert len(begin.options) == 1
    press(page, "correct-begin")
    assert store.drafts.of_image(image.id)[0].base_revision_id == prediction.id
    page = opened(app, "Cy", project=project.id, image=image.id)
    assert "You have been assigned" not in texts(page)


def test_marks_are_gone_to_and_ticked_off_without_losing_the_next_place(
    store: Store, image: ImageRecord, prediction: RevisionRecord, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Bug: after a click on a mark the bar with "Next place" was gone for good.
    went = []
    monkeypatch.setattr(correct_work, "annotator", lambda *_, focus, **__: went.append(focus))
    correction = correct(store, image, prediction, "Ada")
    add_mark(store, correction.id, "Eve", Box(7, 8, 9, 10), "two, not one")
    comment(store, correction.id, "Eve", "nearly there")
    decide(store, correction.id, "Eve", Decision.REQUEST_CHANGES, "see the mark")
    store.drafts.open(image.id, "Ada", correction.id)
    page = opened(app)
    assert "see the mark" in texts(page)
    assert "nearly there" in texts(page)
    page = press(page, f"mark-{correction.id}-1")
    assert (went[-1].row, went[-1].column) == (7, 8)
    page = press(page, "correct-next")
    assert (went[-1].row, went[-1].column) != (7, 8)
    assert "place" not in page.query_params
    page = press(page, f"mark-{correction.id}-1")
    assert (went[-1].row, went[-1].column) == (7, 8), "and back"
    page = press(page, f"mark-done-{correction.id}-1")
    assert marks(store, correction.id)[0].resolved_by == "Ada"
    assert "1 place marked, 0 unresolved" in texts(page)


def fresh_app() -> AppTest:
    return AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=20).run()


def predicted_by(store: Store, image: ImageRecord, model_id: str) -> RevisionRecord:
    begun = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id=model_id)
    write_label_pyramid(
        store.revisions.pyramid_path(begun.id), np.zeros(SHAPE, np.uint8), pixel_size_nm=8.0, scheme=SCHEME
    )
    return store.revisions.complete(begun.id)


def test_going_on_after_a_submission_begins_from_ones_own_work(
    store: Store, image: ImageRecord, prediction: RevisionRecord, app: AppTest
) -> None:
    # Bug: the uncorrected prediction was offered, so what the person had done was lost from view.
    correction = correct(store, image, prediction, "Ada")
    page = opened(app, image=image.id)
    assert page.selectbox(key=f"correct-start-{image.id}-3").value == correction.id
    assert "replaces it there" in texts(page)
    page = opened(fresh_app(), image=image.id, revision=prediction.id)
    assert page.selectbox(key=f"correct-start-{image.id}-3").value == prediction.id
    assert "Your earlier correction is awaiting review. To change it, start from it." in texts(page)
    page = opened(fresh_app(), "Bob", image=image.id)
    assert page.selectbox(key=f"correct-start-{image.id}-3").value == prediction.id
    assert "awaiting review" not in "\n".join(str(caption.value) for caption in page.caption)


def test_what_to_begin_from_is_ranked(store: Store, image: ImageRecord, prediction: RevisionRecord) -> None:
    def start(person: str = "Ada", model_id: str | None = "starter") -> str:
        return default_start(history(store, image.id), person, model_id)

    newer = predicted_by(store, image, "tried once")
    assert (start(), start(model_id="tried once"), start(model_id=None)) == (prediction.id, newer.id, newer.id)
    begun = store.revisions.begin(image.id, RevisionKind.REFERENCE)
    write_label_pyramid(store.revisions.pyramid_path(begun.id), np.ones(SHAPE, np.uint8), pixel_size_nm=8.0)
    reference = store.revisions.complete(begun.id)
    assert (start(), start(model_id="in use elsewhere")) == (prediction.id, reference.id)
    mine = correct(store, image, prediction, "Ada")
    assert (start(), start("Bob")) == (mine.id, prediction.id)
    withdraw(store, mine.id, "Ada")
    assert start() == mine.id
    bobs = correct(store, image, prediction, "Bob")
    decide(store, bobs.id, "Eve", Decision.APPROVE)
    assert start() == bobs.id
    dees = correct(store, image, prediction, "Dee")
    decide(store, dees.id, "Eve", Decision.REJECT, "wrong cell")
    assert start("Dee") == bobs.id, "nobody goes on from what was rejected"


def test_test_images_are_named_and_come_last(
    store: Store, project: ProjectRecord, image: ImageRecord, prediction: RevisionRecord, app: AppTest
) -> None:
    # Bug: annotators were not told that an image is in the test set, although its corrections never train.
    other = store.images.add(project.id, Image(np.ones(SHAPE, np.uint8), PixelSize.from_user(8.0), "second"))
    store.images.update(image.id, split=Split.TEST)
    page = opened(app)
    assert page.selectbox(key="correct-image").value == other.id
    assert any("test set" in label for label in page.selectbox(key="correct-image").options)
    assert "Test images are never used for training" not in texts(page)
    assert "Test images are never used for training" in texts(opened(fresh_app(), image=image.id))


def test_after_a_withdrawal_nothing_is_said_to_wait(
    store: Store, image: ImageRecord, prediction: RevisionRecord, app: AppTest
) -> None:
    correction = correct(store, image, prediction, "Ada")
    app.session_state["submitted"] = correction.id
    assert "Awaiting review" in texts(opened(app, image=image.id))
    withdraw(store, correction.id, "Ada")
    page = opened(app, image=image.id)
    assert "withdrawn by Ada" in texts(page)
    assert "Awaiting review" not in texts(page)


def test_a_prediction_is_by_its_model_whoever_asked_for_it(store: Store, image: ImageRecord) -> None:
    begun = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id="m-1", author="Simulated annotator")
    write_label_pyramid(
        store.revisions.pyramid_path(begun.id), np.zeros(SHAPE, np.uint8), pixel_size_nm=8.0, scheme=SCHEME
    )
    store.revisions.complete(begun.id)
    entries = history(store, image.id)
    assert history_table(entries, {"m-1": "Liver, second round"})["By"].tolist() == ["Liver, second round"]
    assert history_table(entries)["By"].tolist() == ["m-1"]
