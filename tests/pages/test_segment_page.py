"""The Segment page: what it shows, what it queues, how it says no."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.batches.plan import SegmentPlan
from core.batches.start import NewFile, add_file
from core.errors import PredictionError
from core.familiarity.verdict import TITLES, Level, Verdict
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.jobs.rows import Priority, jobs
from core.jobs.transitions import claim, fail, succeed
from core.label_scheme import DEFAULT_SCHEME
from core.models.store import STARTER_ID, ModelStore
from core.morphometry.coverage import coverage_table
from core.objects.cleaning import Changes
from core.objects.pieces import piece_table
from core.objects.rules import ObjectRule, ObjectRules, RuleSource
from core.predictions.cleaning import clean_again, keep_cleaning
from core.settings import ROOT
from core.store.label_maps import MATCH
from core.store.records import ImageRecord, JobRecord, JobState, RevisionKind
from core.store.store import Store
from tests.jobs import submit
from tests.models import write_model
from tests.pages.conftest import open_page, texts
from ui.frame import indicator
from ui.parts.familiarity import STRUCK
from ui.segment import workspace
from ui.state import StateKey
from ui.viewer import LabelLayer, component

PAGE = "segment_page.py"
BATCH = "0123456789abcdef"
SIZE = PixelSize.from_user(8.0)


@pytest.fixture
def model(store: Store) -> str:
    """A model in the store; its weights are never used here."""
    return write_model(store.settings.models_dir / "tiny", warning="Only for tests.").id


def test_without_an_image_it_offers_the_drop_zone(app: AppTest) -> None:
    page = open_page(app, PAGE)
    assert not page.exception
    assert "Segment a micrograph" in texts(page)


def test_an_unknown_image_is_explained(app: AppTest) -> None:
    page = open_page(app, PAGE, image="0123456789abcdef")
    assert not page.exception
    assert len(page.error) == 1
    assert "no image" in page.error[0].value
    assert "eload" not in page.error[0].value
    next(button for button in page.button if button.label == "All images").click().run()
    assert not page.error
    assert "Segment a micrograph" in texts(page)


def test_an_image_in_the_trash_says_so_and_can_be_restored(store: Store, image: ImageRecord, app: AppTest) -> None:
    """It opened by its address as if nothing had happened."""
    store.trash.put([image.id])
    page = open_page(app, PAGE, image=image.id)
    assert "This image is in the trash" in texts(page)
    next(button for button in page.button if button.label == "Restore").click().run()
    assert [kept.id for kept in store.images.all()] == [image.id]
    assert "trash" not in texts(page)


def test_a_link_to_a_model_that_is_gone_shows_the_default_and_says_so(
    image: ImageRecord, model: str, app: AppTest
) -> None:
    page = open_page(app, PAGE, image=image.id, model="other")
    assert not page.exception
    assert "Model other does not exist or was deleted" in page.warning[0].value
    assert "Tiny" in page.warning[0].value
    next(button for button in page.button if button.label == "Segment").click().run()
    assert jobs()[0].params["model_id"] == model


def test_an_image_without_a_model_says_what_is_missing(image: ImageRecord, app: AppTest) -> None:
    page = open_page(app, PAGE, image=image.id)
    assert not page.exception
    assert "There is no model yet" in texts(page)
    assert "liver \\*1\\*.tif" in texts(page)
    assert "python -m" not in texts(page)
    next(button for button in page.button if button.label == "Use the starter model").click().run()
    assert not page.exception
    assert "There is no model yet" not in texts(page)
    assert page.selectbox[0].value == STARTER_ID


def test_without_a_shipped_starter_the_way_leads_to_the_models_page(
    image: ImageRecord, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.parts.no_model.shipped_starter", lambda: None)
    page = open_page(app, PAGE, image=image.id)
    assert not page.exception
    assert [link.proto.label for link in page.get("page_link")] == ["Models page", "Show steps", "Draw two regions"]
    assert not any(button.label == "Use the starter model" for button in page.button)


def test_the_button_queues_a_prediction_with_its_options(image: ImageRecord, model: str, app: AppTest) -> None:
    page = open_page(app, PAGE, image=image.id)
    assert "Only for tests." in texts(page)
    page.select_slider[0].set_value(0.75)
    next(button for button in page.button if button.label == "Segment").click().run()
    assert not page.exception
    (job,) = jobs()
    assert job.kind == "predict"
    assert job.params == {"image_id": image.id, "model_id": model, "step": 0.75}


def test_an_unknown_pixel_size_is_asked_for(store: Store, image: ImageRecord, model: str, app: AppTest) -> None:
    unknown = store.images.add(image.project_id, Image(np.ones((40, 40), np.uint8)))
    page = open_page(app, PAGE, image=unknown.id)
    assert "Pixel size unknown" in texts(page)
    for typed, words in (("0", "not a positive length"), ("1e9", "is not plausible"), ("8 kg", "not a unit")):
        next(field for field in page.text_input if field.label == "Pixel size (nm per pixel)").set_value(typed)
        _press(page, "Set size")
        assert words in texts(page)
        assert store.images.get(unknown.id).pixel_size.nm is None
    next(field for field in page.text_input if field.label == "Pixel size (nm per pixel)").set_value("0.0055 µm")
    _press(page, "Set size")
    assert not page.exception
    assert store.images.get(unknown.id).pixel_size.nm == 5.5
    (job,) = jobs()  # segmented at once
    assert job.params["image_id"] == unknown.id


def _press(page: AppTest, label: str) -> None:
    next(button for button in page.button if button.label == label).click().run()


def _type_size(page: AppTest, typed: str) -> None:
    next(field for field in page.text_input if field.label == "Pixel size (nm per pixel)").set_value(typed)
    _press(page, "Set size")


def test_a_size_that_makes_masks_outdated_asks_first(
    store: Store, image: ImageRecord, model: str, app: AppTest
) -> None:
    revision = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id=model)
    write_label_pyramid(
        store.revisions.pyramid_path(revision.id), np.zeros(image.shape_yx, np.uint8), pixel_size_nm=8.0
    )
    summary = {"pixel_size_nm": 8.0, "seconds": 90.0, "shape_yx": list(image.shape_yx), "scale_factor": 1.0}
    store.revisions.complete(revision.id, summary=summary)
    page = open_page(app, PAGE, image=image.id)
    _type_size(page, "16")
    assert store.images.get(image.id).pixel_size.nm == 8.0, "nothing is changed before a yes"
    assert "1 label map by models becomes outdated. Segmenting again takes about 6 min." in texts(page)
    _press(page, "Cancel")
    assert store.images.get(image.id).pixel_size.nm == 8.0
    assert "becomes outdated" not in texts(page)
    _type_size(page, "16")
    _press(page, "Change the pixel size")
    assert not page.exception
    assert store.images.get(image.id).pixel_size.nm == 16.0
    assert jobs()[0].params["image_id"] == image.id, "segmented again at once"


@pytest.mark.parametrize("level", [Level.UNSEEN, Level.LIKE, Level.UNKNOWN])
def test_an_image_that_the_model_does_not_know_is_said_before_any_figure(
    store: Store, image: ImageRecord, model: str, app: AppTest, level: Level
) -> None:
    revision = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id=model)
    labels = np.zeros(image.shape_yx, np.uint8)
    labels[5:20, 5:20] = 1
    write_label_pyramid(store.revisions.pyramid_path(revision.id), labels, pixel_size_nm=8.0)
    verdict = Verdict(level, 3.2, 1.0, ("its detail is coarser",), 0.04, 0.5, 24, 18)
    summary = {"pixel_size_nm": 8.0, "seconds": 9.0, "shape_yx": list(image.shape_yx), "scale_factor": 1.0}
    rows = [row.to_json() for row in coverage_table(labels, DEFAULT_SCHEME, 8.0)]
    store.revisions.complete(revision.id, coverage=rows, summary={**summary, "verdict": verdict.to_json()})
    page = open_page(app, PAGE, image=image.id)
    assert not page.exception
    links = {link.proto.label: link.proto for link in page.get("page_link")}
    table = page.dataframe[0].value
    struck_through = any(STRUCK in str(value) for value in table.to_numpy().ravel())
    if level is Level.UNSEEN:
        assert TITLES[level] in texts(page)
        assert "its detail is coarser" in texts(page).lower()
        assert "4 % of 24 images" in texts(page)
        assert "section=get" in links["Get a ready model"].query_string
        assert f"image={image.id}" in links["Label two regions and train"].query_string
        assert struck_through
    else:
        assert "Get a ready model" not in links
        assert not struck_through


def test_a_size_far_from_the_models_is_warned_of(store: Store, image: ImageRecord, model: str, app: AppTest) -> None:
    page = open_page(app, PAGE, image=image.id)
    _type_size(page, "400")
    assert "enlarged" in texts(page)
    assert "cannot find it" in texts(page)
    _press(page, "Cancel")
    _type_size(page, "0.5")
    assert "are lost" in texts(page)
    assert store.images.get(image.id).pixel_size.nm == 8.0


def test_a_typed_size_can_go_to_the_others_without_one(
    store: Store, image: ImageRecord, model: str, app: AppTest
) -> None:
    unknown = [store.images.add(image.project_id, Image(np.full((40, 40), value, np.uint8))) for value in (1, 2, 3)]
    page = open_page(app, PAGE, image=unknown[0].id)
    next(box for box in page.checkbox if "2 other images" in box.label).check()
    _type_size(page, "6")
    assert [store.images.get(record.id).pixel_size.nm for record in (*unknown, image)] == [6, 6, 6, 8]


def test_the_coverage_table_follows_the_pixel_size(store: Store, image: ImageRecord, model: str, app: AppTest) -> None:
    labels = np.zeros(image.shape_yx, np.uint8)
    labels[:10, :10] = 1
    revision = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id=model)
    write_label_pyramid(store.revisions.pyramid_path(revision.id), labels, pixel_size_nm=8.0)
    rows = coverage_table(labels, DEFAULT_SCHEME, 8.0)
    store.revisions.complete(
        revision.id, coverage=[row.to_json() for row in rows], summary={"pixel_size_nm": 8.0, "notices": ["A remark."]}
    )
    page = open_page(app, PAGE, image=image.id)
    assert not page.exception
    table = page.dataframe[0].value
    assert table["pixels"].tolist() == [64 * 96 - 100, 100, 0, 0, 0, 0]
    assert table["area"].tolist()[1] == 0.0064  # two decimals read 0.01
    assert list(table.columns)[-1] == "pixels"  # the widest column is the one that a narrow window cuts
    assert "Every connected region counts as an object" in texts(page)
    assert "A remark." in texts(page)


def test_an_image_opens_with_its_masks_and_offers_the_current_model(
    store: Store, image: ImageRecord, model: str, app: AppTest
) -> None:
    """It opened bare, with the model of the project, though another one had segmented it."""
    predicted(store, image, model)
    own = write_model(store.settings.models_dir / "own", project_id=image.project_id, created="2024-01-01T00:00:00")
    page = open_page(app, PAGE, image=image.id)
    assert page.query_params["model"] == model
    assert page.dataframe, "the table of what was found"
    assert "Current model of this project: Own" in texts(page)
    page.button(key=f"current-{image.id}").click().run()
    assert not page.exception
    assert page.query_params["model"] == own.id
    assert not page.dataframe


def test_masks_of_a_model_that_is_gone_are_shown(store: Store, image: ImageRecord, model: str, app: AppTest) -> None:
    """They were out of reach, and the image looked as if nobody had segmented it."""
    predicted(store, image, "gone")
    page = open_page(app, PAGE, image=image.id)
    assert page.dataframe
    assert "Segmented by gone, which is not in the model store." in texts(page)
    next(button for button in page.button if button.label == "Segment").click().run()
    assert jobs()[0].params["model_id"] == model


def test_masks_made_before_are_shown_when_they_are_asked_for_again(
    store: Store, image: ImageRecord, model: str, app: AppTest
) -> None:
    """The newest masks were shown whatever was asked for: going back to an earlier pixel size changed nothing."""
    revisions = []
    for label in (1, 2):
        labels = np.full(image.shape_yx, label, np.uint8)
        revision = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id=model)
        write_label_pyramid(store.revisions.pyramid_path(revision.id), labels, pixel_size_nm=8.0)
        rows = coverage_table(labels, DEFAULT_SCHEME, 8.0)
        store.revisions.complete(revision.id, coverage=[row.to_json() for row in rows], summary={"pixel_size_nm": 8.0})
        revisions.append(revision.id)
    row = claim(store, submit("predict", {"image_id": image.id, "model_id": model}), "here")
    assert row is not None
    assert succeed(store, row.id, row.attempts, {"revision_id": revisions[0], "reused": True})
    page = open_page(app, PAGE, image=image.id)
    assert page.dataframe[0].value["pixels"].tolist()[:3] == [0, 64 * 96, 0]


def test_sizes_of_objects_are_tried_and_applied_without_predicting(
    store: Store, image: ImageRecord, model: str, app: AppTest
) -> None:
    labels = np.zeros(image.shape_yx, np.uint8)
    labels[10:30, 10:30] = 1
    labels[40, 40:44] = 1  # 4 px of 64 nm2: 0.000256 um2
    revision = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id=model, details={MATCH: {}})
    write_label_pyramid(store.revisions.pyramid_path(revision.id), labels, pixel_size_nm=8.0)
    rules = ObjectRules((ObjectRule(class_id=1, smallest=0.0001, source=RuleSource.LABELS),))
    ModelStore(store.settings.models_dir).set_object_rules(model, rules)
    kept = keep_cleaning(store, revision.id, labels, Changes.none(), rules, 8.0, DEFAULT_SCHEME, piece_table(labels))
    rows = coverage_table(labels, DEFAULT_SCHEME, 8.0)
    store.revisions.complete(
        revision.id, coverage=[row.to_json() for row in rows], summary={"pixel_size_nm": 8.0}, objects=kept
    )
    page = open_page(app, PAGE, image=image.id, model=model)
    assert not page.exception
    assert "No objects below the minimum size." in texts(page)
    assert "Sizes are learned from the training labels." in texts(page)
    apply = next(button for button in page.button if button.label == "Apply to masks")
    assert apply.disabled
    page.select_slider(key=f"object-sizes-{revision.id}").set_value(4.0).run()
    counts = next(frame.value for frame in page.dataframe if "then" in frame.value)
    assert counts.iloc[0][["found", "now", "then"]].tolist() == [2, 2, 1]
    next(button for button in page.button if button.label == "Apply to masks").click().run()
    asked = jobs(kinds=["clean"])[0]
    assert asked.params["revision_id"] == revision.id
    assert ObjectRules.from_json(asked.params["rules"]).of(1).smallest == pytest.approx(0.0004)
    row = claim(store, asked, "here")
    assert row is not None
    new = clean_again(store, store.revisions.get(revision.id), ObjectRules.from_json(asked.params["rules"]))
    assert succeed(store, row.id, row.attempts, {"revision_id": new.id})
    page = open_page(app, PAGE, image=image.id, model=model)
    assert "1 piece below the minimum size removed (1 mitochondria)." in texts(page)
    assert page.dataframe[0].value["objects"].tolist()[1] == 1
    assert page.select_slider(key=f"object-sizes-{new.id}").value == 4.0
    back = clean_again(store, new, ObjectRules())
    row = claim(
        store, submit("clean", {"revision_id": new.id, "image_id": image.id, "project_id": image.project_id}), "here"
    )
    assert row is not None
    assert succeed(store, row.id, row.attempts, {"revision_id": back.id})
    page = open_page(app, PAGE, image=image.id, model=model)
    assert "Nothing is removed." in texts(page)
    slider = page.select_slider(key=f"object-sizes-{back.id}")
    assert slider.value == 0.0
    slider.set_value(1.0).run()  # the way back to what the model learned
    assert not next(button for button in page.button if button.label == "Apply to masks").disabled


def test_the_planes_of_a_stack_are_segmented_together(
    store: Store, image: ImageRecord, model: str, app: AppTest
) -> None:
    planes = [
        store.images.add(image.project_id, Image(np.full((40, 40), z, np.uint8)), stack="s.tif", z_index=z)
        for z in range(3)
    ]
    page = open_page(app, PAGE, image=planes[1].id)
    assert not page.exception
    assert page.slider[0].value == 2
    next(button for button in page.button if button.label == "Segment 3 planes").click().run()
    assert {job.params["image_id"] for job in jobs()} == {plane.id for plane in planes}
    assert any(button.label == "All planes done or in progress" for button in page.button)
    page.slider[0].set_value(3).run()
    assert page.query_params["image"] in (planes[2].id, [planes[2].id])


def ingested(store: Store, image: ImageRecord, model: str, app: AppTest, name: str, **result: object) -> AppTest:
    """The Segment page of a tab whose file, dropped alone, has just been read."""
    file = NewFile(name=name, path=Path(name))
    row = add_file(store, BATCH, image.project_id, SegmentPlan(model_id=model), file, files=1, by="")
    assert claim(store, row, "here")
    assert succeed(store, row.id, 1, dict(result))
    app.session_state[StateKey.OPEN_WHEN_READ] = BATCH
    return open_page(app, PAGE)


def predicted(store: Store, image: ImageRecord, model: str) -> str:
    """A finished prediction of the image as it is."""
    revision = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id=model)
    labels = np.zeros(image.shape_yx, np.uint8)
    write_label_pyramid(store.revisions.pyramid_path(revision.id), labels, pixel_size_nm=image.pixel_size.nm)
    rows = coverage_table(labels, DEFAULT_SCHEME, image.pixel_size.nm)
    summary = {"pixel_size_nm": image.pixel_size.nm}
    store.revisions.complete(revision.id, coverage=[row.to_json() for row in rows], summary=summary)
    return revision.id


def test_an_upload_that_was_here_before_says_so_and_is_not_segmented_again(
    store: Store, image: ImageRecord, model: str, app: AppTest
) -> None:
    """The older image was opened without a word, and segmented anew."""
    predicted(store, image, model)
    page = ingested(
        store,
        image,
        model,
        app,
        "b_2.tif",
        image_ids=[image.id],
        duplicates=[image.id],
        sizes_nm={image.id: 4.0},
        notices=["Odd."],
    )
    assert page.query_params["image"] in (image.id, [image.id])
    said = texts(page)
    assert "**b\\_2.tif** has the same pixels as **liver \\*1\\*.tif**, which was opened." in said
    assert "This file contains 4 nm per pixel; the 8 nm already recorded were kept." in said
    assert "Odd." in said
    assert jobs(kinds=["predict"]) == ()
    next(button for button in page.button if button.label == "Close").click().run()
    assert "has the same pixels" not in texts(page)


def test_an_upload_that_tells_the_pixel_size_is_segmented_with_it(
    store: Store, image: ImageRecord, model: str, app: AppTest
) -> None:
    predicted(store, image, model)
    old = submit("predict", {"image_id": image.id, "model_id": model})
    store.images.set_pixel_size(image.id, PixelSize.from_user(4.0))
    page = ingested(
        store,
        image,
        model,
        app,
        "b.tif",
        image_ids=[image.id],
        duplicates=[image.id],
        restored=[image.id],
        sized=[image.id],
    )
    assert "which was restored from the trash. The pixel size was unknown; it was set to 4 nm" in texts(page)
    new, cancelled = jobs(kinds=["predict"])
    assert (cancelled.id, cancelled.state) == (old.id, JobState.CANCELLED)
    assert (new.params["image_id"], new.state) == (image.id, JobState.QUEUED)


def test_all_pages_of_a_dropped_file_are_segmented(store: Store, image: ImageRecord, model: str, app: AppTest) -> None:
    """Only the first was; those of a lone file waited to be asked for."""
    planes = [
        store.images.add(image.project_id, Image(np.full((40, 40), z, np.uint8), SIZE), stack="s.tif", z_index=z)
        for z in range(3)
    ]
    ingested(store, image, model, app, "s.tif", image_ids=[plane.id for plane in planes], duplicates=[])
    asked = {job.params["image_id"]: job.priority for job in jobs(kinds=["predict"])}
    assert asked == {planes[0].id: Priority.INTERACTIVE, planes[1].id: Priority.BATCH, planes[2].id: Priority.BATCH}


def dropped(store: Store, project_id: str, model: str, count: int, size: PixelSize) -> list[JobRecord]:
    """Files of one drop, read; their predictions wait."""
    for number in range(count):
        file = NewFile(name=f"{number}.tif", path=Path(f"{number}.tif"))
        row = add_file(store, BATCH, project_id, SegmentPlan(model_id=model), file, files=count, by="")
        assert claim(store, row, "here")
        made = store.images.add(project_id, Image(np.full((40, 40), number, np.uint8), size, f"{number}.tif"))
        assert succeed(store, row.id, 1, {"image_ids": [made.id], "duplicates": []})
    return list(jobs(kinds=["predict"], batch_id=BATCH))


def bars(app: AppTest) -> list[str]:
    """What stands on the progress bars of the page."""
    return [str(bar.proto.text) for bar in app.get("progress")]


def test_many_files_are_one_line_that_says_how_far_it_is(
    store: Store, image: ImageRecord, model: str, app: AppTest
) -> None:
    """Thirty files were thirty bars."""
    rows = dropped(store, image.project_id, model, 3, SIZE)
    for row in rows[1:]:
        assert claim(store, row, "here")
    assert succeed(store, rows[1].id, 1, {})
    assert fail(store, rows[2].id, PredictionError("Too small.", "Use a larger image."))
    page = open_page(app, PAGE)
    assert not page.exception
    (bar,) = bars(page)
    assert bar.startswith("**1 of 3 images segmented** with Tiny in My images · 1 failed · about ")
    assert "0.tif\\: Too small." in texts(page)
    next(button for button in page.button if button.label == "Cancel all").click().run()
    assert {row.state for row in jobs(kinds=["predict"])} == {JobState.CANCELLED, JobState.SUCCEEDED, JobState.FAILED}
    next(button for button in page.button if button.label == "Close").click().run()
    assert bars(page) == []


def test_images_without_a_pixel_size_wait_and_are_answered_together(
    store: Store, image: ImageRecord, model: str, app: AppTest
) -> None:
    """They were segmented at a guessed scale, and the wish was lost with the tab."""
    dropped(store, image.project_id, model, 2, PixelSize())
    page = open_page(app, PAGE)
    assert not page.exception
    assert "2 waiting for a pixel size" in bars(page)[0]
    assert "2 images (0.tif and others)" in texts(page)
    next(field for field in page.text_input if field.label == "Pixel size (nm per pixel)").set_value("0.005 µm")
    next(button for button in page.button if button.label == "Use for all").click().run()
    assert not page.exception
    assert [made.pixel_size.nm for made in store.images.all(image.project_id)][1:] == [5.0, 5.0]
    assert {row.state for row in jobs(kinds=["predict"])} == {JobState.QUEUED}


def test_a_held_image_says_what_it_waits_for_on_its_own_page_and_among_the_jobs(
    store: Store, image: ImageRecord, model: str, app: AppTest
) -> None:
    (row,) = dropped(store, image.project_id, model, 1, PixelSize())
    page = open_page(app, "jobs_page.py")
    assert "needs input" in texts(page)
    page = open_page(app, PAGE, image=str(row.params["image_id"]), model=model)
    assert "Segmentation starts once the pixel size is known" in texts(page)
    next(button for button in page.button if button.label == "Assume 8 nm per pixel").click().run()
    assert [row.state for row in jobs(kinds=["predict"])] == [JobState.QUEUED]
    next(field for field in page.text_input if field.label == "Pixel size (nm per pixel)").set_value("5.5")
    next(button for button in page.button if button.label == "Set size").click().run()
    states = [row.state for row in jobs(kinds=["predict"])]
    assert sorted(states) == [JobState.CANCELLED, JobState.QUEUED]  # the one of the wrong size does not go on


def test_project_and_model_are_chosen_before_the_drop_and_remembered(
    store: Store, image: ImageRecord, model: str, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file went to "My images", whatever one worked on."""
    drops: list[dict[str, Any]] = []
    monkeypatch.setattr("ui.segment.start.uploader", lambda *, key, drop: drops.append(drop) or ())
    other = write_model(store.settings.models_dir / "other").id
    brain, _ = (store.projects.create(name, DEFAULT_SCHEME) for name in ("Brain", "Newest"))
    page = open_page(app, PAGE)
    assert page.selectbox[0].options == ["Newest", "Brain", "My images"]
    page.selectbox[0].set_value(brain.id).run()
    page.selectbox[1].set_value(other).run()
    assert not page.exception
    assert (drops[-1]["project"], drops[-1]["plan"]["model_id"]) == (brain.id, other)
    add_file(store, BATCH, brain.id, SegmentPlan(model_id=other), NewFile(name="a", path=Path("a")), files=1, by="")
    fresh = open_page(AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=20).run(), PAGE)
    assert fresh.selectbox[0].value == brain.id


def test_the_first_project_is_made_with_the_first_file(
    store: Store, model: str, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    drops: list[dict[str, Any]] = []
    monkeypatch.setattr("ui.segment.start.uploader", lambda *, key, drop: drops.append(drop) or ())
    page = open_page(app, PAGE)
    assert not page.exception
    assert page.selectbox[0].options == ["My images (new)"]
    assert store.projects.all() == ()  # looking makes nothing
    plan = SegmentPlan.from_json(drops[-1]["plan"])
    add_file(store, BATCH, drops[-1]["project"], plan, NewFile(name="a", path=Path("a")), files=1, by="")
    assert [project.name for project in store.projects.all()] == ["My images"]


def test_planes_segmented_with_another_pixel_size_are_segmented_again(
    store: Store, image: ImageRecord, model: str, app: AppTest
) -> None:
    """They counted as done, so a stack could be left with masks at two scales."""
    planes = [
        store.images.add(image.project_id, Image(np.full((40, 40), z, np.uint8)), stack="s.tif", z_index=z)
        for z in range(3)
    ]
    for plane in planes:
        predicted(store, plane, model)
    page = open_page(app, PAGE, image=planes[0].id)
    assert "It applies to all planes of s.tif." in texts(page)
    _type_size(page, "5")
    _press(page, "Change the pixel size")
    assert [job.params["image_id"] for job in jobs()] == [planes[0].id]
    assert any(button.label == "Segment 2 planes" for button in page.button)


def test_a_reference_is_shown_where_there_is_no_prediction(
    store: Store, image: ImageRecord, model: str, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was hidden, and the legend has no ticks for a single label map."""
    seen: list[list[tuple[str, bool]]] = []
    real = workspace.viewer

    def spied(*args: Any, layers: list[LabelLayer], **options: Any) -> Any:
        seen.append([(layer.name, layer.visible) for layer in layers])
        return real(*args, layers=layers, **options)

    monkeypatch.setattr(workspace, "viewer", spied)
    revision = store.revisions.begin(image.id, RevisionKind.REFERENCE)
    write_label_pyramid(store.revisions.pyramid_path(revision.id), np.ones(image.shape_yx, np.uint8), pixel_size_nm=8.0)
    store.revisions.complete(revision.id)
    named = "The outlines are the reference labels"  # beside the model's name they were taken for its result
    assert named in texts(open_page(app, PAGE, image=image.id))
    predicted(store, image, model)
    assert named not in texts(open_page(app, PAGE, image=image.id))
    assert (seen[0], seen[-1]) == ([("Reference", True)], [("Reference", False), ("Prediction", True)])


def _measure(page: AppTest, image: ImageRecord, typed: str) -> AppTest:
    """As if a line of 200 px had been drawn over a scale bar."""
    arguments = (image.id, 200.0, typed, None, False, ())
    page.session_state[StateKey.DIALOG] = {"name": "measured scale", "args": arguments, "kwargs": {}, "page": None}
    return page.run()


def test_a_measured_scale_goes_to_the_images_that_are_chosen(
    store: Store, image: ImageRecord, model: str, app: AppTest
) -> None:
    unknown = [store.images.add(image.project_id, Image(np.full((40, 40), value, np.uint8))) for value in (1, 2)]
    page = _measure(open_page(app, PAGE, image=unknown[0].id), unknown[0], "1.2 µm")
    assert "6 nm per pixel** ± 0.042 nm" in texts(page)
    page.radio[0].set_value("All images without a pixel size").run()
    assert "2 images" in texts(page)
    _press(page, "Use scale")
    assert not page.exception
    assert [store.images.get(record.id).pixel_size.nm for record in (*unknown, image)] == [6.0, 6.0, 8.0]
    detail = store.images.get(unknown[1].id).pixel_size.detail
    assert detail == "measured on the image: 1.2 µm over 200.0 px"


def test_a_measured_scale_that_cannot_be_is_refused(store: Store, image: ImageRecord, model: str, app: AppTest) -> None:
    page = _measure(open_page(app, PAGE, image=image.id), image, "30 m")
    assert "is not plausible" in texts(page)
    assert not any(button.label == "Use scale" for button in page.button)
    _press(page, "Close")
    assert store.images.get(image.id).pixel_size.nm == 8.0


def test_a_tab_notices_a_pixel_size_that_was_changed_elsewhere(
    store: Store, image: ImageRecord, model: str, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second tab kept its scale bar and its areas, wrong by the factor of the change."""
    page = open_page(app, PAGE, image=image.id)
    reruns: list[bool] = []
    monkeypatch.setattr(component.st, "session_state", {StateKey.DRAWN_SIZES: page.session_state["drawn_sizes"]})
    monkeypatch.setattr(indicator.st, "rerun", lambda: reruns.append(True))
    look = inspect.unwrap(indicator.indicator)
    look()
    assert not reruns
    store.images.set_pixel_size(image.id, PixelSize.from_user(16.0))
    look()
    assert reruns
