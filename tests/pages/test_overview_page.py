"""The overview says what is there and how to begin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from core.demo.project import DEMO_PROJECT
from core.imaging.image import Image
from core.jobs.rows import job, jobs
from core.label_scheme import DEFAULT_SCHEME
from core.settings import ROOT, current_settings
from core.store.records import ImageRecord, JobState
from core.store.store import Store
from core.store.tables import JobRow
from tests.jobs import submit
from tests.pages.conftest import texts


def test_an_empty_store_offers_a_beginning(app: AppTest) -> None:
    assert not app.exception
    assert "No images yet" in texts(app)
    assert "There is no model yet" in texts(app)


def test_the_demo_button_queues_its_job(app: AppTest) -> None:
    next(button for button in app.button if button.label == "Create demo project").click().run()
    assert [job.kind for job in jobs()] == ["demo"]


def test_images_are_listed_with_size_and_state(image: ImageRecord, app: AppTest) -> None:
    shown = texts(app)
    assert not app.exception
    assert "No images yet" not in shown
    assert "96 × 64 px · 0.768 × 0.512 µm" in shown
    assert "8 nm per pixel, entered" in shown
    assert "not segmented yet" in shown
    assert any("liver" in button.label for button in app.button)


def test_a_data_folder_that_cannot_be_used_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CRISTAE_DATA_DIR", str(tmp_path / "file" / "data"))
    monkeypatch.setenv("CRISTAE_CONFIG", str(tmp_path / "none.toml"))
    current_settings.cache_clear()
    try:
        app = AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=20).run()
    finally:
        current_settings.cache_clear()
    assert not app.exception
    assert "data folder cannot be created" in app.error[0].value
    assert "CRISTAE\\_DATA\\_DIR" in app.error[0].value


def test_bars_say_which_file_or_image_each_is_about(image: ImageRecord, app: AppTest) -> None:
    """Bars of several files at once were all alike."""
    submit("ingest", {"name": "a_1.tif"})
    submit("predict", {"image_id": image.id, "model_id": "m"})
    lines = [bar.proto.text for bar in app.run().get("progress")]
    assert len(lines) == 2
    assert any("a\\_1.tif" in line for line in lines)
    assert any("liver \\*1\\*.tif" in line for line in lines)


def test_a_stack_is_one_card_and_more_images_than_fit_are_a_link_away(
    store: Store, image: ImageRecord, app: AppTest
) -> None:
    """Planes took a card each, and of many images there was no way to the older ones."""
    for z in range(5):
        store.images.add(image.project_id, Image(np.full((8, 8), z, np.uint8), name=f"p{z}"), stack="s.tif", z_index=z)
    submit("predict", {"image_id": image.id, "model_id": "m"})
    app.run()
    cards = [button.label for button in app.button if (button.key or "").startswith("open-own")]
    assert cards == ["s.tif", "liver \\*1\\*.tif"]
    assert "5 planes, none segmented" in texts(app)
    assert "queued for segmentation" in texts(app)
    assert not any(button.label.startswith("All ") for button in app.button)
    for n in range(12):
        store.images.add(image.project_id, Image(np.full((9, 9), n, np.uint8), name=f"n{n}"))
    page = app.run()
    assert len([button for button in page.button if (button.key or "").startswith("open-own")]) == 12
    page = next(button for button in page.button if button.label == "Show 2 more").click().run()
    assert len([button for button in page.button if (button.key or "").startswith("open-own")]) == 14
    assert not any(button.label.startswith(("Show ", "All ")) for button in page.button)
    del page.session_state["images_shown"]
    page = page.run()
    next(button for button in page.button if button.label == "All 18 images").click().run()
    assert not page.exception
    assert [title.value for title in page.title] == ["Data"]
    assert page.query_params["project"] in (image.project_id, [image.project_id])


def test_images_of_the_demo_that_models_are_evaluated_on_are_in_no_gallery(store: Store, app: AppTest) -> None:
    demo = store.projects.create(DEMO_PROJECT, DEFAULT_SCHEME, 8.0)
    for n, name in enumerate(("A", "T1")):
        store.images.add(demo.id, Image(np.full((8, 8), n, np.uint8), name=name), example=name == "A")
    app.run()
    assert [button.label for button in app.button if (button.key or "").startswith("open-")] == ["A"]


def test_a_training_is_not_thrown_away_without_a_question(store: Store, app: AppTest) -> None:
    """One press on Cancel, beside the bars of short jobs, ended a training of hours."""
    row = submit("train", {"name": "Long"}, store=store)
    with store.database.writing() as session:
        session.execute(update(JobRow).where(JobRow.id == row.id).values(state=JobState.RUNNING.value, attempts=1))
    page = app.run()
    assert not page.exception
    assert not any(button.label == "Cancel" for button in page.button), "a popover, which asks"
    assert "The training progress will be lost" in texts(page)
    next(button for button in page.button if button.label == "Discard training").click().run()
    assert job(row.id).cancel_requested
