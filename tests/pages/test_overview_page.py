"""The overview says what is there and how to begin."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.jobs.rows import jobs
from core.settings import ROOT, current_settings
from core.store.records import ImageRecord
from tests.pages.conftest import texts


def test_an_empty_store_offers_a_beginning(app: AppTest) -> None:
    assert not app.exception
    assert "Nothing here yet" in texts(app)
    assert "There is no model yet" in texts(app)


def test_the_demo_button_queues_its_job(app: AppTest) -> None:
    next(button for button in app.button if button.label == "Make the demo project").click().run()
    assert [job.kind for job in jobs()] == ["demo"]


def test_images_are_listed_with_size_and_state(image: ImageRecord, app: AppTest) -> None:
    shown = texts(app)
    assert not app.exception
    assert "Nothing here yet" not in shown
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
    assert "data folder cannot be made" in app.error[0].value
    assert "CRISTAE\\_DATA\\_DIR" in app.error[0].value
