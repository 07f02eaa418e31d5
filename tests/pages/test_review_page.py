"""The Review page: the queue, what a decision does, marks in the pixels of the image."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image as PilImage
from streamlit.testing.v1 import AppTest

from core.annotation.submission import submit_draft
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.label_scheme import LabelScheme
from core.review.decisions import decide, withdraw
from core.review.discussion import add_mark, marks, resolve_mark, thread
from core.review.records import Box, Decision, ReviewState
from core.review.rows import review
from core.store.records import ImageRecord, ProjectRecord, RevisionKind, RevisionRecord
from core.store.store import Store
from tests.core.web.test_draft_routes import post_body
from tests.pages.conftest import open_page, texts
from ui.review import decision as review_decide
from ui.review import view as review_view
from ui.review.marks import around, boxes_of, picture_of

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


@pytest.fixture
def correction(store: Store, image: ImageRecord) -> RevisionRecord:
    """Ada turned 20 x 30 px of background into a nucleus, which the reference has too."""
    after = np.zeros(SHAPE, np.uint8)
    after[100:120, 50:80] = 2
    for kind, labels in ((RevisionKind.REFERENCE, after), (RevisionKind.PREDICTION, np.zeros(SHAPE, np.uint8))):
        begun = store.revisions.begin(image.id, kind)
        write_label_pyramid(store.revisions.pyramid_path(begun.id), labels, pixel_size_nm=8.0, scheme=SCHEME)
        base = store.revisions.complete(begun.id)
    draft, _ = store.drafts.open(image.id, "Ada", base.id)
    write_tile(store, draft.id, after)
    return submit_draft(store, draft.id, "tab", "a nucleus was missing").revision


def write_tile(store: Store, draft_id: str, labels: np.ndarray) -> None:
    """As the route keeps a painted tile: what is no background is confirmed."""
    from core.annotation.draft_post import read_post
    from core.annotation.draft_tiles import class_counts, pack_tile
    from core.store.records import DraftTileRecord

    (edit,) = read_post(post_body({(0, 0): (labels, labels > 0)}), SHAPE).tiles
    counts = class_counts(edit.labels_yx)
    record = DraftTileRecord(0, 0, 0, counts, class_counts(edit.labels_yx, edit.coverage_yx), counts)
    tiles = [(record, pack_tile(edit.labels_yx, edit.coverage_yx))]
    store.drafts.write_tiles(draft_id, "tab", 1, tiles, seconds=9.0, strokes=3)


def opened(app: AppTest, person: str = "Rita", **query: str) -> AppTest:
    app.session_state["person"] = person
    page = open_page(app, PAGE, **query)
    assert not page.exception
    return page


def press(app: AppTest, key: str) -> AppTest:
    page = app.button(key=key).click().run()
    assert not page.exception
    return page


def test_an_empty_queue_says_what_comes_here(store: Store, project: ProjectRecord, app: AppTest) -> None:
    assert "No corrections are awaiting review" in texts(opened(app))


def test_the_queue_tells_size_place_and_effect(store: Store, correction: RevisionRecord, app: AppTest) -> None:
    (row,) = opened(app).dataframe[0].value.to_dict("records")
    assert (row["Image"], row["By"], row["Changed, px"]) == ("liver *1*", "Ada", 600)
    assert row["Where"] == "rows 100–120, columns 50–80"
    assert row["Dice"] == pytest.approx(1.0)
    assert row["State"] == "awaiting review"


def test_approving_is_one_click(store: Store, correction: RevisionRecord, app: AppTest) -> None:
    page = press(opened(app), "review-next")
    assert "a nucleus was missing" in texts(page)
    assert next(toggle for toggle in page.toggle if toggle.label == "Dim unconfirmed pixels").value
    tables = [frame.value for frame in page.dataframe]
    assert tables[0][["Class", "Gained, px", "Lost, px"]].values.tolist() == [
        ["background", 0, 600],
        ["nucleus", 600, 0],
    ]
    assert tables[0]["Dice"].fillna("–").tolist() == ["–", "0.000 → 1.000"]
    assert tables[1].values.tolist() == [["background", "nucleus", 600]]
    page = press(page, "review-approve")
    it = review(store, correction.id)
    assert (it.state, it.decided_by) == (ReviewState.APPROVED, "Rita")
    assert "Approved by Rita" in texts(page)
    assert "No other corrections are awaiting review." in texts(page)
    assert "Train a model" in [link.proto.label for link in page.get("page_link")]


def test_after_a_decision_the_next_correction_is_one_click_away(
    store: Store, project: ProjectRecord, correction: RevisionRecord, app: AppTest
) -> None:
    """One had to go back to the queue after each."""
    pixels = np.random.default_rng(1).integers(0, 255, SHAPE, np.uint8)
    other = store.images.add(project.id, Image(pixels, PixelSize.from_user(8.0), "liver 2"))
    draft, _ = store.drafts.open(other.id, "Ada", None)
    write_tile(store, draft.id, np.full(SHAPE, 1, np.uint8))
    second = submit_draft(store, draft.id, "tab", "").revision
    page = press(opened(app, revision=correction.id), "review-approve")
    assert page.button(key="review-onward").label == "Review next: liver 2"
    page = press(page, "review-onward")
    assert page.query_params["revision"] in (second.id, [second.id])
    page = press(page, "review-approve")
    assert review(store, second.id).state is ReviewState.APPROVED
    assert not any(button.key == "review-onward" for button in page.button)


def test_asking_for_changes_needs_a_reason(store: Store, correction: RevisionRecord, app: AppTest) -> None:
    page = press(opened(app, revision=correction.id), "review-request_changes")
    assert review(store, correction.id).state is ReviewState.SUBMITTED
    drawn = [item.key if item.type == "button" else item.type for item in page.main]
    assert drawn.index("error") > drawn.index("review-fix"), "below the buttons, not between them"
    page.text_area(key=f"review-reason-{correction.id}").set_value("the envelope is missing")
    press(page, "review-request_changes")
    it = review(store, correction.id)
    assert (it.state, it.reason) == (ReviewState.CHANGES_REQUESTED, "the envelope is missing")


def test_nobody_approves_their_own_work(store: Store, correction: RevisionRecord, app: AppTest) -> None:
    page = opened(app, person="ada", revision=correction.id)
    assert page.button(key="review-approve").disabled


def test_a_decision_that_came_too_late_is_told(store: Store, correction: RevisionRecord, app: AppTest) -> None:
    page = opened(app, revision=correction.id)
    decide(store, correction.id, "Eve", Decision.REJECT, "wrong cell")
    page = press(page, "review-approve")
    assert review(store, correction.id).state is ReviewState.REJECTED
    assert "Eve" in texts(page)


def test_a_withdrawn_correction_cannot_be_approved(store: Store, correction: RevisionRecord, app: AppTest) -> None:
    withdraw(store, correction.id, "Ada")
    page = opened(app, revision=correction.id)
    assert "Withdrawn" in texts(page)
    assert "review-approve" not in {button.key for button in page.button}


def test_comments_and_marks_reach_the_author(store: Store, correction: RevisionRecord, app: AppTest) -> None:
    add_mark(store, correction.id, "Rita", Box(100, 50, 20, 30), "two nuclei")
    page = opened(app, revision=correction.id)
    page.text_area(key=f"comment-text-{correction.id}").set_value("please look again")
    page = next(button for button in page.button if button.label == "Send").click().run()
    assert [entry.text for entry in thread(store, correction.id)] == ["please look again"]
    press(opened(app, person="Ada", revision=correction.id), f"mark-done-{correction.id}-1")
    assert marks(store, correction.id)[0].resolved_by == "Ada"


def test_mending_it_oneself_opens_a_draft_on_it(store: Store, correction: RevisionRecord, app: AppTest) -> None:
    press(opened(app, revision=correction.id), "review-fix")
    (draft,) = store.drafts.of_image(correction.image_id)
    assert (draft.author, draft.base_revision_id) == ("Rita", correction.id)


def test_small_fixes_are_approved_together_with_what_they_mend(
    store: Store, correction: RevisionRecord, app: AppTest
) -> None:
    draft, _ = store.drafts.open(correction.image_id, "Rita", correction.id)
    fixed = np.zeros(SHAPE, np.uint8)
    fixed[100:120, 50:82] = 2
    write_tile(store, draft.id, fixed)
    mended = submit_draft(store, draft.id, "tab").revision
    press(opened(app, revision=mended.id), "review-with-fixes")
    it = review(store, mended.id)
    assert (it.state, set(it.authors)) == (ReviewState.APPROVED, {"Ada", "Rita"})
    assert review(store, correction.id).state is ReviewState.APPROVED


def test_a_link_to_nothing_is_explained(store: Store, project: ProjectRecord, app: AppTest) -> None:
    assert "does not exist" in texts(opened(app, revision="gone"))


def test_boxes_of_the_canvas_are_in_pixels_of_the_image() -> None:
    area = Box(100, 40, 200, 100)
    drawn = [{"label": "here", "left": 20.0, "top": 40.0, "width": 30.0, "height": 60.0}]
    assert boxes_of(drawn, area, scale=2.0) == [(Box(120, 50, 30, 15), "here")]


def test_a_region_is_shown_with_its_surroundings_inside_the_image() -> None:
    assert around(Box(0, 390, 4, 4), SHAPE) == Box(0, 240, 160, 160)
    assert around(Box(10, 10, 280, 380), SHAPE) == Box(0, 0, 300, 400)


def test_the_picture_to_draw_on_shows_the_correction(
    store: Store, project: ProjectRecord, image: ImageRecord, correction: RevisionRecord
) -> None:
    content, scale = picture_of(image, correction.id, project.scheme, Box(80, 30, 160, 160))
    picture = np.asarray(PilImage.open(io.BytesIO(content)))
    assert picture.shape == (760, 760, 3)
    assert scale == 760 / 160
    inside, outside = (picture[round(r * scale), round(c * scale)].astype(int) for r, c in ((30, 35), (100, 100)))
    assert np.ptp(inside) > 40, "coloured"
    assert np.ptp(outside) < 12, "grey"


def resubmitted(store: Store, correction: RevisionRecord) -> RevisionRecord:
    """Rita marked a place and asked for changes; Ada widened the nucleus by 2 x 20 px."""
    add_mark(store, correction.id, "Rita", Box(100, 50, 20, 30), "too narrow")
    decide(store, correction.id, "Rita", Decision.REQUEST_CHANGES, "see the mark")
    draft, _ = store.drafts.open(correction.image_id, "Ada", correction.id)
    wider = np.zeros(SHAPE, np.uint8)
    wider[100:120, 50:82] = 2
    write_tile(store, draft.id, wider)
    return submit_draft(store, draft.id, "tab").revision


def test_a_second_reviewer_sees_all_that_approving_would_let_in(
    store: Store, correction: RevisionRecord, app: AppTest
) -> None:
    # Bug: only the last 40 px were shown, and "No marks yet".
    second = resubmitted(store, correction)
    resolve_mark(store, correction.id, 1, "Ada")
    page = opened(app, "Eve", revision=second.id)
    assert "640 px" in texts(page)
    assert "On earlier submissions: 1 mark, all resolved" in texts(page)
    assert "resolved by Ada" in page.button(key=f"mark-go-{correction.id}-1").label
    page = page.toggle(key=f"review-since-{second.id}").set_value(True).run()
    assert not page.exception
    assert "**Changes**: 40 px" in texts(page)


def test_a_first_submission_has_no_earlier_one_to_hide_behind(
    store: Store, correction: RevisionRecord, app: AppTest
) -> None:
    toggles = [toggle.key for toggle in opened(app, revision=correction.id).toggle]
    assert toggles == [f"review-dimmed-{correction.id}"]  # no "since the earlier submission", as none was before


def test_after_a_mark_the_changed_regions_can_be_clicked_again(
    store: Store, correction: RevisionRecord, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Bug: the mark stayed in charge, on this and on every other correction.
    add_mark(store, correction.id, "Rita", Box(10, 10, 5, 5), "here")
    went = []
    monkeypatch.setattr(review_view, "linked_panes", lambda *_, focus, **__: went.append(focus))
    page = press(opened(app, revision=correction.id), f"mark-go-{correction.id}-1")
    assert (went[-1].row, went[-1].column) == (10, 10)
    monkeypatch.setattr(review_view, "picked_row", lambda _: 0)
    forget = page.session_state  # what a click in the table calls
    forget["review_mark"] = None
    page.run()
    assert (went[-1].row, went[-1].column) == (100, 50)


def test_an_approval_is_taken_back_with_a_reason(store: Store, correction: RevisionRecord, app: AppTest) -> None:
    decide(store, correction.id, "Rita", Decision.APPROVE)
    page = press(opened(app, revision=correction.id), "review-take-back-go")
    assert review(store, correction.id).state is ReviewState.APPROVED, "a reason is needed"
    assert page.error
    page.text_area(key=f"take-back-reason-{correction.id}").set_value("the wrong cell")
    page = press(page, "review-take-back-go")
    it = review(store, correction.id)
    assert (it.state, it.decided_by, it.reason) == (ReviewState.REJECTED, "Rita", "the wrong cell")
    page.text_area(key=f"take-back-reason-{correction.id}").set_value("it was right after all")
    press(page, "review-take-back-go")
    assert review(store, correction.id).state is ReviewState.SUBMITTED
    assert [entry.text for entry in thread(store, correction.id)] == [
        "Withdrew the approval: the wrong cell", "Withdrew the rejection: it was right after all",
    ]  # fmt: skip


def test_rounds_that_learned_from_it_are_named_before_an_approval_is_taken_back(
    store: Store, correction: RevisionRecord, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(store, correction.id, "Rita", Decision.APPROVE)
    learned = [SimpleNamespace(number=2, model_id="second")]
    monkeypatch.setattr(review_decide, "rounds_that_learned", lambda *_: learned)
    assert "Round 2 already used it" in texts(opened(app, revision=correction.id))


def test_after_somebody_else_has_decided_no_answer_can_be_pressed(
    store: Store, correction: RevisionRecord, app: AppTest
) -> None:
    # Bug: only Approve was grey; the others failed when pressed.
    decide(store, correction.id, "Eve", Decision.REQUEST_CHANGES, "see the envelope")
    page = opened(app, revision=correction.id)
    assert all(page.button(key=f"review-{each}").disabled for each in Decision)
    assert "Eve requested changes" in texts(page)
