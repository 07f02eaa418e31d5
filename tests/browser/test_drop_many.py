"""Many files dropped at once: one line on the page, and work that goes on without the tab."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from playwright.sync_api import BrowserContext, Page, expect

from core.label_scheme import DEFAULT_SCHEME
from core.settings import ROOT
from core.store import RevisionKind, Store
from tests.browser.conftest import Server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (ROOT / "models" / "starter").is_dir(), reason="the starter model is not there"),
]

FILES = 14
"""More than the page shows at once."""
EDGE_PX = 48
LONG_MS = 240_000


def write_images(folder: Path) -> list[Path]:
    """Small images with their pixel size, all different."""
    sizes = {"PhysicalSizeX": 8.0, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 8.0, "PhysicalSizeYUnit": "nm"}
    paths = []
    for number in range(FILES):
        pixels = np.random.default_rng(700 + number).integers(60, 190, (EDGE_PX, EDGE_PX), np.uint8)
        paths.append(folder / f"drop_{number:02}.ome.tif")
        tifffile.imwrite(paths[-1], pixels, ome=True, metadata={"axes": "YX", **sizes})
    return paths


def open_segment(page: Page, server: Server, project_id: str) -> None:
    page.goto(f"{server.url}/segment?project={project_id}")
    expect(page.get_by_role("group", name="Drop micrographs here")).to_be_visible(timeout=LONG_MS)


def hold_answer(page: Page, number: int) -> list[str]:
    """Ids of the answers to uploads, as they come; the page never gets the one of this number: so it cannot go on."""
    session = page.context.new_cdp_session(page)
    arrived: list[str] = []

    def paused(event: dict[str, Any]) -> None:
        if event.get("responseStatusCode", 0) < 300:
            arrived.append(event["requestId"])
        if len(arrived) < number:
            session.send("Fetch.continueResponse", {"requestId": event["requestId"]})

    session.on("Fetch.requestPaused", paused)
    session.send("Fetch.enable", {"patterns": [{"urlPattern": "*/api/uploads*", "requestStage": "Response"}]})
    return arrived


def test_many_dropped_files_are_one_line_and_are_segmented_without_the_tab(
    context: BrowserContext, app_server: Server, tmp_path: Path
) -> None:
    """They were a line each, and those not yet read when the tab was closed were never segmented."""
    store = Store(app_server.settings)
    project = store.projects.create("Many drops", DEFAULT_SCHEME)
    paths = write_images(tmp_path)
    first = context.new_page()
    open_segment(first, app_server, project.id)
    arrived = hold_answer(first, FILES)
    first.locator("input[type=file]").set_input_files(paths)
    for _ in range(LONG_MS // 100):
        if len(arrived) == FILES:
            break
        first.wait_for_timeout(100)
    assert len(arrived) == FILES
    expect(first.get_by_text(f"All {FILES} files are uploaded.")).to_have_count(0)
    first.close()

    second = context.new_page()
    open_segment(second, app_server, project.id)
    lines = second.locator("[class*='st-key-batch-']").filter(has=second.get_by_role("progressbar"))
    expect(lines).to_have_count(1, timeout=LONG_MS)
    expect(lines).to_contain_text(f"{FILES} of {FILES} images segmented", timeout=LONG_MS)
    images = store.images.all(project.id)
    assert sorted(image.name for image in images) == [path.name for path in paths]
    made = [store.revisions.of_image(image.id, kind=RevisionKind.PREDICTION) for image in images]
    assert [len(predictions) for predictions in made] == [1] * FILES
    second.reload()
    expect(lines).to_have_count(1, timeout=LONG_MS)
    expect(second.get_by_role("button", name=f"Export {FILES} images")).to_be_visible()
    assert len(store.images.all(project.id)) == FILES

    # the oldest is the last card of a long page, and opens at its top: one looked at the end of its table
    second.get_by_role("button", name="Show 2 more").click()
    second.get_by_role("button", name=re.compile("drop_00")).click()
    expect(second.get_by_role("button", name="Downloads")).to_be_visible(timeout=LONG_MS)
    second.wait_for_function("() => document.querySelector('[data-testid=stMain]').scrollTop < 5", timeout=15_000)
    assert second.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight > innerHeight + 50")
    second.close()
    store.projects.delete(project.id)  # its images and its line are in nobody's way on the same server
    store.close()
