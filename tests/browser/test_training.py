"""From an empty project to a model of one's own, through a killed server: Data, Train and Segment pages together."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from playwright.sync_api import BrowserContext, expect

from core.engine.engine import stop_engine
from core.jobs.rows import jobs
from core.label_scheme import DEFAULT_SCHEME
from core.models.store import ModelStore
from core.phantom.phantom import generate_phantom
from core.settings import ROOT
from core.store.records import JobState, RevisionKind
from core.store.store import Store
from tests.browser.conftest import Server, free_port, streamlit_server
from tests.browser.journey import begin_training, drop_files, import_files, make_project, see_curves

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL"),
    pytest.mark.skipif(not (ROOT / "models" / "starter").is_dir(), reason="the starter model is not there"),
]

EDGE_PX = 192


def write_phantoms(folder: Path) -> tuple[list[Path], list[Path]]:
    """Four small synthetic images; labels of three as images, of the last as one mask per organelle."""
    images, labels = [], []
    for index in range(4):
        phantom = generate_phantom(900 + index, EDGE_PX)
        images.append(folder / f"tissue_{index}.png")
        Picture.fromarray(phantom.image_yx).save(images[-1])
        if index < 3:
            labels.append(folder / f"tissue_{index}_labels.png")
            Picture.fromarray(phantom.labels_yx).save(labels[-1])
            continue
        for item in DEFAULT_SCHEME.classes:
            if item.id and (phantom.labels_yx == item.id).any():
                labels.append(folder / f"tissue_{index}_{item.name.replace(' ', '_')}.png")
                Picture.fromarray(np.where(phantom.labels_yx == item.id, 255, 0).astype(np.uint8)).save(labels[-1])
    return images, labels


@pytest.mark.timeout(600)
def test_a_model_of_ones_own_through_a_killed_server(context: BrowserContext, tmp_path: Path) -> None:
    images, labels = write_phantoms(tmp_path)
    models = tmp_path / "models"
    shutil.copytree(ROOT / "models" / "starter", models / "starter")
    port = free_port()

    with streamlit_server(ROOT / "app.py", tmp_path, port, CRISTAE_MODELS_DIR=str(models)) as server:
        try:
            page = context.new_page()
            make_project(page, server.url, "Tissue")
            drop_files(page, images, labels)
            import_files(page, 4, 4)
            begin_training(page, 8, "My first")
            see_curves(page, 240_000)
            page.close()
            os.kill(server.process_id, signal.SIGKILL)
        except BaseException:
            stop_engine(server.settings)
            raise

    with streamlit_server(ROOT / "app.py", tmp_path, port, CRISTAE_MODELS_DIR=str(models)) as server:
        try:
            _come_back(context, server)
        finally:
            stop_engine(server.settings)


def _come_back(context: BrowserContext, server: Server) -> None:
    """The training has gone on; keep it, begin and cancel another, use the first."""
    store = Store(server.settings)
    page = context.new_page()
    page.goto(f"{server.url}/train")
    see_curves(page, 60_000)
    page.get_by_role("button", name="Finish now").click()
    expect(page.get_by_text("Mean validation Dice", exact=False)).to_be_visible(timeout=60_000)
    assert [item.card.name for item in ModelStore(server.settings.models_dir).list()] == [
        "My first",
        "Starter (synthetic liver)",
    ]

    begin_training(page, 30, "Not wanted")
    page.get_by_role("button", name="Cancel", exact=True).click(timeout=60_000)
    page.get_by_role("button", name="Discard training").click()
    expect(page.get_by_text("Cancelled; no model was kept.")).to_be_visible(timeout=20_000)
    assert [row.state for row in jobs(kinds=["train"], store=store)] == [JobState.CANCELLED, JobState.SUCCEEDED]

    page.get_by_role("combobox", name="Trainings").click()
    page.get_by_role("option", name=re.compile(r"^My first · .* · done$")).click()
    page.get_by_role("button", name="Segment images").click()
    page.locator("[class*=st-key-own-]").get_by_role("button", name="tissue").click(timeout=60_000)  # the stack
    page.get_by_role("button", name="Segment", exact=True).click(timeout=60_000)
    expect(page.get_by_role("button", name="Downloads")).to_be_visible(timeout=120_000)
    image = next(item for item in store.images.all() if item.name == "tissue_0")
    (prediction,) = store.revisions.of_image(image.id, kind=RevisionKind.PREDICTION)
    assert prediction.model_id not in (None, "starter")
    assert sum(row["pixels"] for row in prediction.coverage) == EDGE_PX**2
