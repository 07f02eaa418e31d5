"""The report in a browser without a network: every figure is drawn, nothing is asked for, names of users do not run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

import core.engine.runner as runner
from core.evaluations.downloads import render_evaluation
from core.label_scheme import LabelScheme
from core.settings import load_settings
from core.store import Store
from tests.core.evaluations.conftest import PREDICTION, REFERENCE, add_image, add_labels
from tests.core.evaluations.test_downloads import HOSTILE, PERFECT, evaluate

pytestmark = pytest.mark.browser


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An open, empty store, also the process's for jobs."""
    opened = Store(load_settings(data_dir=tmp_path / "data", models_dir=tmp_path / "models", min_free_bytes=0))
    monkeypatch.setattr(runner, "current_store", lambda: opened)
    yield opened
    opened.close()


def test_it_opens_offline_and_draws_every_figure(
    store: Store, context: BrowserContext, page: Page, tmp_path: Path
) -> None:
    project = store.projects.create("cells", LabelScheme.from_names({f"m {HOSTILE}": 1, "nucleus": 2}))
    images = [add_image(store, project, f"{name} {HOSTILE}", number) for number, name in enumerate("ab")]
    for image in images:
        add_labels(store, image, REFERENCE)
    before = evaluate(store, {image.id: PREDICTION for image in images}, project.id, HOSTILE)
    after = evaluate(store, {image.id: PERFECT for image in images}, project.id, HOSTILE)
    report = tmp_path / "report.html"
    report.write_bytes(render_evaluation(store, after, "report.html", before)[0])
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("dialog", lambda dialog: told.append(f"dialog {dialog.message}") or dialog.dismiss())  # type: ignore[func-returns-value]
    page.on("request", lambda request: told.append(request.url) if request.url.startswith("http") else None)
    context.set_offline(True)
    page.goto(report.as_uri())
    figures = page.locator(".figure")
    figures.last.locator(".main-svg").first.wait_for()
    assert figures.count() == 5
    for number in range(5):
        assert figures.nth(number).locator(".main-svg").first.bounding_box()["width"] == pytest.approx(680, abs=1)  # type: ignore[index]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert told == []
    assert page.title() == f"Evaluation: {HOSTILE}"
