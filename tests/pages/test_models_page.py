"""The Models page: what a card says, and what its buttons do to the store."""

from __future__ import annotations

import json
import re
import shutil
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.engine.context import JobContext
from core.engine.tasks.import_model import run
from core.exchange.bundle import export_bundle
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.jobs.rows import jobs, log_file
from core.jobs.transitions import claim
from core.label_scheme import DEFAULT_SCHEME
from core.models.store import STARTER_ID, ModelStore
from core.objects.separation import Separation, SeparationWay
from core.settings import ROOT
from core.store.records import RevisionKind
from core.store.store import Store
from tests.jobs import submit
from tests.models import write_loadable_model, write_model
from tests.pages.conftest import open_page, texts

PAGE = "models_page.py"


@pytest.fixture
def models(store: Store) -> ModelStore:
    """The starter, its child without a pixel size, and a broken folder."""
    found = ModelStore(store.settings.models_dir)
    shutil.copytree(ROOT / "models" / STARTER_ID, found.models_dir / STARTER_ID)
    write_model(found.models_dir / "child", pixel_size_nm=None)
    card = found.models_dir / "child" / "card.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), "parent": STARTER_ID, "name": "Child *2*"}))
    (found.models_dir / "broken").mkdir()
    return found


def click(page: AppTest, key: str) -> AppTest:
    return page.button(key=key).click().run()


def labels(page: AppTest) -> list[str]:
    return [str(link.label) for link in page.get("page_link")]


def test_an_empty_store_says_how_to_begin(app: AppTest) -> None:
    page = open_page(app, PAGE)
    assert not page.exception
    assert "There is no model yet" in texts(page)


def test_a_card_says_how_touching_objects_are_separated(models: ModelStore, app: AppTest) -> None:
    scores = {1: {"panoptic_quality": 0.81, "panoptic_quality_of_pieces": 0.6, "merges": 1, "merges_of_pieces": 9,
                  "splits": 0, "objects": 40}}  # fmt: skip
    write_model(
        models.models_dir / "parted", separation=Separation(SeparationWay.RIMS, (1,), pairs={1: 30}, scores=scores)
    )
    write_model(models.models_dir / "unscored", separation=Separation(SeparationWay.SEAMS, (2,), pairs={2: 30}))
    page = open_page(app, PAGE)
    assert not page.exception
    shown = texts(page).replace("\\", "")
    assert "Touching objects are separated as the model has learned: mitochondria." in shown
    assert "mitochondria: panoptic quality 0.810 (0.600 without separation), 1 of 40 objects merged" in shown
    assert "Learned from where objects meet in labels with object ids. Not measured on held-out data." in shown
    assert "Touching objects of a class are counted as one." in shown


def test_cards_say_what_the_models_are(models: ModelStore, app: AppTest) -> None:
    page = open_page(app, PAGE)
    assert not page.exception
    shown = texts(page)
    assert "Starter (synthetic liver) :green-badge" in shown
    assert "never" in shown
    assert "first guess to correct" in shown
    assert "8 nm per pixel" in shown
    assert "5.2 MB" in shown
    assert re.search(r"Dice on \d+ held-out images of the same data, mean 0\.\d{3}", shown)
    assert "58 for training, 6 for validation" in shown
    assert "Child \\*2\\*" in shown
    assert "training pixel size is unknown" in shown
    assert labels(page).count("Starter (synthetic liver)") == 1  # the child's parent
    assert labels(page).count("Child \\*2\\*") == 1  # what the starter led to
    assert "broken cannot be used" in page.error[0].value
    figures = "".join(str(element.proto.body) for element in page.get("html"))
    dice = models.get(STARTER_ID).card.metrics["dice"]
    assert f"width:{100 * dice['cell boundaries']:.1f}%" in figures
    assert f"{dice['nucleus']:.3f}" in figures


def test_the_starter_offers_no_deletion(models: ModelStore, app: AppTest) -> None:
    keys = {button.key for button in open_page(app, PAGE).button}
    assert "delete-child" in keys
    assert f"delete-{STARTER_ID}" not in keys
    assert f"archive-{STARTER_ID}" not in keys  # it is the default


def test_delete_undo_and_restore(models: ModelStore, app: AppTest) -> None:
    page = click(open_page(app, PAGE, model="child"), "delete-child")
    assert "does not exist or was deleted" not in texts(page)
    assert [item.id for item in models.trashed()] == ["child"]
    assert "is in the trash" in texts(page)
    page = click(page, "undo-trash")
    assert models.get("child").card.name == "Child *2*"
    assert "is in the trash" not in texts(page)
    page = click(click(page, "delete-child"), "undo-dismiss")
    click(page, "restore-0-child")
    assert models.trashed() == ()


def test_a_model_in_use_is_not_deleted(store: Store, models: ModelStore, app: AppTest) -> None:
    submit("train", {"parent_id": "child", "model_id": "next"})
    page = click(open_page(app, PAGE), "delete-child")
    assert "in use by 1 job" in "".join(error.value for error in page.error)
    assert models.get("child")


def test_rename_default_and_archive(models: ModelStore, app: AppTest) -> None:
    page = open_page(app, PAGE)
    page.text_input(key="name-child").set_value("Liver, round 2")
    page = (
        next(button for button in page.button if button.label == "Rename" and "child" in str(button.form_id))
        .click()
        .run()
    )
    assert models.get("child").card.name == "Liver, round 2"
    page = click(page, "archive-child")
    assert models.get("child").archived
    assert "default-child" not in {button.key for button in page.button}
    page = page.toggle(key="models-archived").set_value(True).run()
    page = click(page, "default-child")
    assert not models.get("child").archived
    assert models.default().id == "child"  # type: ignore[union-attr]
    assert "becomes the default" in texts(page)  # what deleting it would mean


def test_the_pixel_size_is_asked_for(models: ModelStore, app: AppTest) -> None:
    page = open_page(app, PAGE)
    page = page.text_input(key="size-child").set_value("0.0045 µm").run()
    page = click(page, "use-size-child")
    assert models.get("child").pixel_size_nm == 4.5
    assert "is unknown: images" not in texts(page)


def test_a_pixel_size_that_makes_predictions_outdated_asks_first(
    store: Store, models: ModelStore, app: AppTest
) -> None:
    """Until then the model took images as they are; then it does not, and what it made stood unmarked."""
    project = store.projects.create("liver", DEFAULT_SCHEME)
    image = store.images.add(project.id, Image(np.zeros((8, 8), np.uint8), PixelSize.from_user(9.0), "a"))
    details = {"summary": {"pixel_size_nm": 9.0, "seconds": 30.0, "shape_yx": [8, 8], "scale_factor": 1.0}}
    made = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id="child", details=details)
    write_label_pyramid(store.revisions.pyramid_path(made.id), np.zeros((8, 8), np.uint8), pixel_size_nm=9.0)
    store.revisions.complete(made.id)
    page = open_page(app, PAGE)
    page = page.text_input(key="size-child").set_value("4.5").run()
    page = click(page, "use-size-child")
    assert not page.exception
    assert "1 label map by models becomes outdated. Segmenting again takes about 2 min." in texts(page)
    assert models.get("child").pixel_size_nm is None
    next(button for button in page.button if button.label == "Set pixel size").click().run()
    assert models.get("child").pixel_size_nm == 4.5


def test_a_broken_folder_can_be_thrown_away(models: ModelStore, app: AppTest) -> None:
    click(open_page(app, PAGE), "trash-broken-broken")
    assert models.scan()[1] == ()


def test_an_import_from_a_path_is_queued_and_the_job_does_it(store: Store, models: ModelStore, app: AppTest) -> None:
    sent = write_loadable_model(store.settings.data_dir / "elsewhere" / "sent", pixel_size_nm=None)
    bundle = export_bundle(sent, store.settings.data_dir / "in.zip")
    page = open_page(app, PAGE)
    page = page.text_input(key="model-path").set_value(str(bundle)).run()
    page.text_input(key="model-name").set_value("From afar")
    page.text_input(key="model-size").set_value("6")
    page = next(button for button in page.button if button.label == "Import").click().run()
    assert not page.exception
    (row,) = jobs(kinds=["import_model"])
    assert row.params == {"path": str(bundle), "name": "From afar", "pixel_size_nm": 6.0, "fenced": True}
    result = run_here(store)
    assert result.model_id == "from-afar"
    assert models.get("from-afar").pixel_size_nm == 6.0


def run_here(store: Store) -> dict[str, Any]:
    row = claim(store, jobs(kinds=["import_model"])[0], "here:1")
    assert row is not None
    with JobContext(store, row, log_file(store, row)) as context:
        return run(context)


def test_a_link_to_a_model_that_is_gone_says_so(models: ModelStore, app: AppTest) -> None:
    page = open_page(app, PAGE, model="gone")
    assert not page.exception
    assert "Model gone does not exist or was deleted" in page.warning[0].value


def test_a_model_without_validation_says_why_in_one_sentence(models: ModelStore, app: AppTest) -> None:
    """It read: "No validation: none: trained on everything"."""
    card = models.models_dir / "child" / "card.json"
    told = {"metrics": {"validation": "none: all images used for training"}}
    card.write_text(json.dumps({**json.loads(card.read_text()), **told}))
    assert "No validation: all images used for training.".replace(":", "\\:") in texts(open_page(app, PAGE))
