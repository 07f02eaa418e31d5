"""Painting in the app with a real mouse: what is seen, what is saved and what is submitted are the same pixels."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from core.annotation.draft_tiles import class_counts, pack_tile
from core.review.label_maps import LabelMap
from core.settings import ROOT
from core.store import RevisionKind
from core.store.records import DraftTileRecord
from tests.browser.conftest import free_port, streamlit_server
from tests.browser.painter import LONG_MS, SHAPE, Painter, Tissue, base_labels, served

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def tissue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tissue]:
    with served(Tissue, tmp_path_factory.mktemp("painting")) as made:
        yield made


def test_brush_eraser_undo_lock_and_submission(tissue: Tissue, page: Page) -> None:
    image = tissue.image("one")
    painter = Painter(page, tissue, image).begin()
    painter.click(60, 240)  # the viewer has the keys now
    painter.key("Control+z")
    painter.key("b")
    painter.key("1")
    painter.drag((80, 300), (80, 400))
    painter.saved()
    labels, coverage = tissue.saved(image)
    assert labels[80, 350] == 1
    assert coverage[80, 350] == 1
    assert (labels[150:250, 100:200] == 2).all()
    assert np.array_equal(coverage > 0, labels == 1), "what was painted is confirmed, nothing else"
    stroke = int((labels == 1).sum())
    assert stroke > 100 * 10

    painter.drag((300, 300), (300, 400))
    painter.key("Control+z")
    painter.saved()
    assert int((tissue.saved(image)[0] == 1).sum()) == stroke, "undone across a save"
    painter.key("Control+Shift+z")
    painter.saved()
    twice = tissue.saved(image)[0]
    assert twice[300, 350] == 1

    painter.key("e")
    painter.drag((200, 120), (200, 180))
    painter.saved()
    erased, coverage = tissue.saved(image)
    assert erased[200, 150] == 0
    assert coverage[200, 150] == 1
    assert int((erased == 1).sum()) == int((twice == 1).sum())

    painter.submit("erased a false nucleus")
    (submitted,) = tissue.corrections(image)
    assert np.array_equal(submitted, erased)
    (revision,) = tissue.store.revisions.of_image(image.id, kind=RevisionKind.CORRECTION)
    confirmed = LabelMap(tissue.store, revision.id, SHAPE).confirmed(slice(None))
    assert np.array_equal(confirmed, np.where(coverage > 0, erased, 255))
    assert (revision.author, revision.details["note"]) == ("Ada", "erased a false nucleus")
    assert revision.details["changes"]["pixels"] == int((submitted != base_labels()).sum())


def test_the_tools_are_fetched_ahead_and_end_with_the_window(tissue: Tissue, page: Page) -> None:
    with page.expect_request(lambda request: request.url.endswith("/paint/annotator.js")):
        painter = Painter(page, tissue, tissue.image("tall"))  # who has not begun yet
    viewer = page.locator(".annotator")
    expect(viewer).to_have_count(0)
    painter.begin()
    for height in (1100, 800):
        page.set_viewport_size({"width": 1300, "height": height})
        gap = None
        for _ in range(100):
            gap = height - viewer.evaluate("element => element.getBoundingClientRect().bottom")
            if 0 <= gap < 40:
                break
            page.wait_for_timeout(100)
        assert 0 <= gap < 40
    page.set_viewport_size({"width": 1300, "height": 400})  # too low to work in: it scrolls, the tools stay in reach
    expect(viewer).to_have_css("height", f"{400 - 88}px")


def test_undo_while_painting_gives_up_that_stroke_only(tissue: Tissue, page: Page) -> None:
    image = tissue.image("midway")
    painter = Painter(page, tissue, image).begin()
    painter.key("b")
    painter.key("1")
    painter.drag((80, 300), (80, 400))
    painter.saved()
    before, _ = tissue.saved(image)
    page.mouse.move(*painter.at(300, 300))
    page.mouse.down()
    page.mouse.move(*painter.at(300, 400), steps=8)
    painter.key("Control+z")
    page.mouse.up()
    page.wait_for_timeout(500)
    painter.saved()
    after, _ = tissue.saved(image)
    assert (before == 1).any()
    np.testing.assert_array_equal(after, before)


def test_a_stroke_is_the_same_in_a_browser_that_tells_of_moves_with_its_frames_only(tissue: Tissue, page: Page) -> None:
    image = tissue.image("frames")
    painter = Painter(page, tissue, image).begin()
    painter.key("b")
    painter.key("1")
    painter.drag((80, 300), (80, 400))
    page.evaluate("window.addEventListener('pointerrawupdate', (e) => e.stopImmediatePropagation(), { capture: true })")
    painter.drag((300, 300), (300, 400))
    painter.saved()
    labels, _ = tissue.saved(image)
    assert (labels == 1).any()
    np.testing.assert_array_equal(labels[20:140, 200:500] == 1, labels[240:360, 200:500] == 1)


def test_areas_objects_and_regions(tissue: Tissue, page: Page) -> None:
    image = tissue.image("two")
    painter = Painter(page, tissue, image).begin()
    painter.click(60, 240)
    painter.key("Control+z")
    painter.key("1")
    painter.key("l")  # lasso
    painter.drag((40, 300), (40, 380), (120, 380), (120, 300), (42, 300))
    painter.saved()
    labels, _ = tissue.saved(image)
    assert labels[80, 340] == 1
    assert int((labels == 1).sum()) == pytest.approx(80 * 80, rel=0.15), "the viewer leaves a margin"

    painter.key("r")  # the predicted nucleus becomes a mitochondrion
    painter.click(200, 150)
    painter.saved()
    assert (tissue.saved(image)[0][150:250, 100:200] == 1).all()

    painter.key("x")  # delete it
    painter.click(200, 150)
    painter.saved()
    labels, coverage = tissue.saved(image)
    assert (labels[150:250, 100:200] == 0).all()
    assert (coverage[150:250, 100:200] == 1).all()

    painter.key("q")  # this region is right
    painter.drag((300, 50), (380, 200))
    painter.saved()
    labels, coverage = tissue.saved(image)
    assert coverage[310:370, 60:190].all()
    assert not coverage[302:378, 230:280].any()
    assert (labels[300:380, 50:200] == 0).all(), "confirming changes no label"
    expect(page.get_by_text("Hatched: confirmed regions")).to_be_visible()
    expect(page.get_by_role("button", name="Show confirmed regions")).to_have_attribute("aria-pressed", "true")


def test_a_reload_and_a_killed_server_lose_nothing(tissue: Tissue, context: BrowserContext, tmp_path: Path) -> None:
    port = free_port()
    with streamlit_server(ROOT / "app.py", tmp_path, port) as server:
        own = Tissue(server)
        image = own.image("three")
        page = context.new_page()
        painter = Painter(page, own, image).begin()
        painter.click(60, 240)
        painter.key("Control+z")
        painter.key("1")
        painter.drag((80, 300), (80, 400))
        painter.saved()
        page.reload()
        painter.ready()
        os.kill(server.process_id, signal.SIGKILL)
        page.wait_for_timeout(300)
        painter.drag((320, 300), (320, 400))
        page.wait_for_timeout(500)
        assert own.saved(image)[0][320, 350] == 0
        expect(page.get_by_text("Saved", exact=True)).not_to_be_visible()
    with streamlit_server(ROOT / "app.py", tmp_path, port):
        expect(page.get_by_text("Saved", exact=True)).to_be_visible(timeout=2 * LONG_MS)
        labels = own.saved(image)[0]
        assert labels[80, 350] == 1
        assert labels[320, 350] == 1, "painted while the server was away"
        own.store.close()


def test_a_second_tab_is_told_and_can_take_over(tissue: Tissue, context: BrowserContext) -> None:
    image = tissue.image("four")
    first = context.new_page()
    Painter(first, tissue, image).begin()
    second = context.new_page()
    Painter(second, tissue, image)
    expect(second.get_by_text("is editing this draft in another tab", exact=False)).to_be_visible(timeout=LONG_MS)
    second.get_by_role("button", name="Take over").click()
    expect(second.get_by_text("Saved", exact=True)).to_be_visible(timeout=LONG_MS)
    expect(first.get_by_text("is editing this draft in another tab", exact=False)).to_be_visible(timeout=LONG_MS)


def test_strokes_of_a_closed_tab_are_sent_by_the_next_one(tissue: Tissue, context: BrowserContext) -> None:
    """The network is away, the tab is closed: the browser keeps the stroke, and a new tab of another name sends it."""
    image = tissue.image("five")
    page = context.new_page()
    painter = Painter(page, tissue, image).begin()
    painter.click(60, 240)
    painter.key("Control+z")
    painter.key("1")
    painter.saved()
    page.route("**/api/drafts/*/tiles*", lambda route: route.abort())
    painter.drag((320, 300), (320, 400))
    page.wait_for_timeout(800)
    assert tissue.saved(image)[0][320, 350] == 0
    page.close()

    again = context.new_page()
    Painter(again, tissue, image).ready()
    assert tissue.saved(image)[0][320, 350] == 1


def test_a_tab_that_slept_while_another_person_painted_is_told(tissue: Tissue, context: BrowserContext) -> None:
    image = tissue.image("six")
    sleeper = context.new_page()
    painter = Painter(sleeper, tissue, image).begin()
    painter.click(60, 240)
    painter.key("Control+z")
    painter.saved()
    (draft,) = tissue.store.drafts.of_image(image.id)
    before, coverage = tissue.saved(image)
    labels = before.copy()
    labels[20:40, 20:40] = 1
    tissue.store.drafts.hold(draft.id, "elsewhere", "Bob", take_over=True)
    record = DraftTileRecord(0, 0, 0, class_counts(labels), {}, class_counts(before))
    tile = (record, pack_tile(labels, coverage > 0))
    tissue.store.drafts.write_tiles(draft.id, "elsewhere", 1, [tile], seconds=1, strokes=1)

    painter.key("1")
    painter.drag((320, 300), (320, 400))
    expect(sleeper.get_by_text("Bob is editing this draft", exact=False)).to_be_visible(timeout=LONG_MS)
    assert np.array_equal(tissue.saved(image)[0], labels), "nothing of Bob's is overwritten"
    sleeper.get_by_role("button", name="Take over").click()
    expect(sleeper.get_by_text("Send your changes?")).to_be_visible(timeout=LONG_MS)
    asked = sleeper.get_by_role("dialog", name="Send your changes?")
    asked.get_by_role("button", name="Discard").click()
    expect(sleeper.get_by_text("Saved", exact=True)).to_be_visible(timeout=LONG_MS)
    assert np.array_equal(tissue.saved(image)[0], labels)


def test_a_narrow_window_stacks_a_review_below_its_pictures(tissue: Tissue, page: Page) -> None:
    image = tissue.image("narrow")
    painter = Painter(page, tissue, image).begin()
    painter.click(60, 240)
    painter.drag((80, 300), (80, 400))
    painter.saved()
    painter.submit()
    (revision,) = tissue.store.revisions.of_image(image.id, kind=RevisionKind.CORRECTION)
    page.set_viewport_size({"width": 800, "height": 900})
    page.goto(f"{tissue.server.url}/review?project={tissue.project.id}&revision={revision.id}")
    approve = page.get_by_role("button", name="Approve", exact=True)
    expect(approve).to_be_attached(timeout=LONG_MS)
    # Both at one moment: while the pictures arrive, everything below them moves.
    page.wait_for_function(
        """() => {
            const [box, side] = ["picture", "side"].map(
                (name) => document.querySelector(`.st-key-review-${name}`)?.getBoundingClientRect());
            return box?.width > 600 && side?.width > 600 && side.top >= box.bottom;
        }""",
        timeout=LONG_MS,
    )
