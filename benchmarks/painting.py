"""How fast painting is, in a real browser on a large image, beside streamlit-drawable-canvas on a small one.

    python -m benchmarks.painting --work build/painting

The image is synthetic, and so is its prediction. Chromium draws in software, on the same processor that the server and
this program use. "To pixels" begins with the input's own time and ends after the frame in which the canvas has changed;
waiting for that frame is in it, up to 17 ms of it at 60 frames a second. The other canvas gets the same strokes
on a crop of 1024 px; there, an answer is what Python made of the stroke, shown on the page.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
from PIL import Image as PillowImage
from playwright.sync_api import Browser, Page

from benchmarks.painting_site import (
    LONG_MS,
    chromium,
    correct_address,
    introduce,
    prepare,
    shown_tile,
    tissue,
    wait_saved,
)
from core.annotation.draft_post import tile_shape
from core.annotation.draft_tiles import unpack_tile
from core.engine.engine import stop_engine
from core.settings import ROOT
from core.store import Store
from core.store.records import DraftState
from tests.browser.conftest import Server, streamlit_server

PROBE: Final = (ROOT / "benchmarks" / "painting_probe.js").read_text(encoding="utf-8")
BRUSH_PX: Final = 60
AHEAD_PX: Final = BRUSH_PX / 2 - 4
STEP_PX: Final = 14
STROKE_PX: Final = 280
VIEWPORT: Final = {"width": 1400, "height": 1000}
CLASS_ID: Final = 2


@dataclass
class Measured:
    """Seconds, frames and megabytes of one of the two."""

    opened_s: list[float] = field(default_factory=list)
    reopened_s: list[float] = field(default_factory=list)
    drawn_ms: list[float] = field(default_factory=list)
    handled_ms: list[float] = field(default_factory=list)
    answered_ms: list[float] = field(default_factory=list)
    lines_ms: list[float] = field(default_factory=list)
    pan_fps: float = 0.0
    zoom_fps: float = 0.0
    rss_mb: float = 0.0
    idle_mb: float = 0.0
    sent_kb: float = 0.0
    compared_px: int = 0
    differing_px: int = 0


def main() -> None:
    """Measure both and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=16384, help="edge of the image in pixels")
    parser.add_argument("--strokes", type=int, default=40)
    parser.add_argument("--openings", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5, help="of panning, and of zooming")
    parser.add_argument("--work", type=Path, help="folder in which the synthetic image is kept from run to run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cristae-painting-") as scratch, chromium() as browser:
        ours = measure_ours(browser, Path(scratch), options)
        theirs = measure_theirs(browser, Path(scratch), options)
        theirs.lines_ms = measure_theirs(browser, Path(scratch), options, pixels=False).answered_ms
    print(f"Synthetic image of {options.size} x {options.size} px, {psutil.cpu_count()} processor cores,")
    print(f"Chromium {browser.version} in software; {len(ours.answered_ms)} strokes, {len(ours.drawn_ms)} movements\n")
    print_table(ours, theirs)
    if not (ours.drawn_ms and ours.answered_ms and theirs.answered_ms):
        sys.exit("something was not measured")


# --- Cristae


def measure_ours(browser: Browser, folder: Path, options: argparse.Namespace) -> Measured:
    """The Correct page."""
    measured = Measured()
    prepare(folder, options.size, options.work)
    with streamlit_server(ROOT / "app.py", folder) as server:
        measured.idle_mb = rss_mb(server)
        page = browser.new_page(viewport=VIEWPORT)
        sent = Sent(page)
        address = correct_address(server.url, server.settings)
        middle = f"#view={options.size / 2},{options.size / 2},1@{address.rsplit('=', 1)[1]}"
        introduce(page, address + middle)
        settings = f'{{"tool": "brush", "classId": {CLASS_ID}, "size": {BRUSH_PX}}}'
        page.evaluate("(settings) => localStorage.setItem('cristae.paint', settings)", settings)
        for turn in range(options.openings):
            if turn:
                discard(server)
                page.goto("about:blank")
                page.goto(address + middle)
            measured.opened_s.append(opening(page))
        for _ in range(options.openings):
            page.goto("about:blank")
            began = time.perf_counter()
            page.goto(address + middle)
            wait_saved(page)
            measured.reopened_s.append(time.perf_counter() - began)
        page.wait_for_timeout(2000)
        page.evaluate(
            PROBE,
            {"canvasSelector": ".label-canvas:not(.cover-canvas)", "answerSelector": ".save-state", "ahead": AHEAD_PX},
        )
        sent.begin()
        paint(page, ".viewer-host .surface", options.strokes, lambda: wait_saved(page))
        measured.sent_kb = sent.bytes / 1000 / options.strokes
        collect(page, measured)
        compare(page, server, options.size, measured)
        measured.pan_fps = frame_rate(page, lambda end: pan(page, end), options.seconds)
        measured.zoom_fps = frame_rate(page, lambda end: zoom(page, end), options.seconds)
        measured.rss_mb = rss_mb(server)
        page.close()
    stop_engine(server.settings)
    return measured


def opening(page: Page) -> float:
    """Seconds from the button to "Saved"."""
    begin = page.get_by_role("button", name="Start", exact=True)
    begin.wait_for(timeout=LONG_MS)
    page.wait_for_timeout(1500)  # a person reads before
    began = time.perf_counter()
    begin.click()
    wait_saved(page)
    return time.perf_counter() - began


def discard(server: Server) -> None:
    """Throw the open draft away."""
    store = Store(server.settings)
    (project,) = store.projects.all()
    for image in store.images.all(project.id):
        for draft in store.drafts.of_image(image.id):
            store.drafts.close(draft.id, DraftState.DISCARDED, holder=draft.holder_id)
    store.close()


class Sent:
    """Counts what a page sends, bodies of requests and frames of sockets; made before the page opens any."""

    def __init__(self, page: Page) -> None:
        self._page, self._frames = page, 0
        page.on("websocket", lambda socket: socket.on("framesent", self._add))

    def _add(self, payload: str | bytes) -> None:
        self._frames += len(payload)

    def begin(self) -> None:
        """Count from now on, until the page is left."""
        self._frames = 0
        self._page.evaluate(COUNT_BODIES)

    @property
    def bytes(self) -> int:
        """So far."""
        return int(self._page.evaluate("() => window.sentBytes")) + self._frames


COUNT_BODIES: Final = """() => {
  const send = window.fetch;
  window.sentBytes = 0;
  window.fetch = (address, options) => {
    const body = options?.body ?? "";
    window.sentBytes += body.byteLength ?? body.size ?? body.length;
    return send(address, options);
  };
}"""
"""Chromium tells nobody how large a binary body is."""


def compare(page: Page, server: Server, size: int, measured: Measured) -> None:
    """The draft's tiles as the browser shows them and as the database has them: labels, and what is confirmed."""
    store = Store(server.settings)
    (project,) = store.projects.all()
    (image,) = store.images.all(project.id)
    (draft,) = store.drafts.of_image(image.id)
    places = [(tile.row, tile.column) for tile in store.drafts.tiles(draft.id)]
    for (row, column), data in store.drafts.tile_data(draft.id, places).items():
        kept = np.stack(unpack_tile(data, tile_shape((size, size), row, column)))
        shown = shown_tile(page, row, column, kept[0].shape)
        if shown is not None:
            measured.compared_px += kept[0].size
            measured.differing_px += int((shown != kept).any(0).sum())
    store.close()


def rss_mb(server: Server) -> float:
    """Of the server's process, at this moment."""
    return psutil.Process(server.process_id).memory_info().rss / 1e6


# --- the other canvas


def measure_theirs(browser: Browser, folder: Path, options: argparse.Namespace, *, pixels: bool = True) -> Measured:
    """`canvas_page`, with the same strokes; Python gets the painted pixels, or only the lines that were drawn."""
    measured = Measured()
    crop = folder / "crop.png"
    PillowImage.fromarray(tissue(min(1024, options.size))[0]).save(crop)
    own = folder / f"canvas-{pixels}"
    own.mkdir()
    told = {"PAINTING_CROP": str(crop), "PAINTING_PIXELS": "1" if pixels else ""}
    with streamlit_server(ROOT / "benchmarks" / "canvas_page.py", own, **told) as server:
        measured.idle_mb = rss_mb(server)
        page = browser.new_page(viewport={"width": 1400, "height": 1400})
        sent = Sent(page)
        for _ in range(options.openings):
            page.goto("about:blank")
            began = time.perf_counter()
            page.goto(server.url)
            page.locator(".upper-canvas").wait_for(timeout=LONG_MS)
            page.locator(".answer").wait_for(timeout=LONG_MS)
            measured.reopened_s.append(time.perf_counter() - began)
        page.wait_for_timeout(2000)
        page.evaluate(PROBE, {"canvasSelector": ".upper-canvas", "answerSelector": ".answer", "ahead": AHEAD_PX})
        sent.begin()
        paint(page, ".upper-canvas", options.strokes, lambda: page.wait_for_timeout(1000))
        measured.sent_kb = sent.bytes / 1000 / options.strokes
        collect(page, measured)
        measured.rss_mb = rss_mb(server)
        page.close()
    return measured


# --- hands


def paint(page: Page, surface: str, strokes: int, settled: Callable[[], object]) -> None:
    """Strokes from left to right over the middle of an element, row by row."""
    box = page.locator(surface).first.bounding_box()
    assert box is not None
    rng = np.random.default_rng(1)
    for _ in range(strokes):
        x = box["x"] + rng.uniform(60, box["width"] - STROKE_PX - 60)
        y = box["y"] + rng.uniform(60, min(box["height"], VIEWPORT["height"] - box["y"]) - 60)
        page.mouse.move(x, y)
        page.mouse.down()
        for way in range(STEP_PX, STROKE_PX, STEP_PX):
            page.mouse.move(x + way, y)
            page.wait_for_timeout(4)
        page.mouse.up()
        page.wait_for_timeout(250)
        settled()


def collect(page: Page, measured: Measured) -> None:
    """Take over what the probe has seen."""
    seen: dict[str, Any] = page.evaluate("() => window.paintingProbe")
    measured.drawn_ms, measured.handled_ms = seen["drawn"], seen["handled"]
    measured.answered_ms = seen["answered"]


def frame_rate(page: Page, move: Callable[[float], None], seconds: float) -> float:
    """Frames a second while something moves."""
    page.evaluate("() => { window.paintingProbe.frames = []; window.paintingProbe.counting = true; }")
    move(time.monotonic() + seconds)
    frames: list[float] = page.evaluate(
        "() => { window.paintingProbe.counting = false; return window.paintingProbe.frames; }"
    )
    return 1000 * (len(frames) - 1) / (frames[-1] - frames[0])


def pan(page: Page, end: float) -> None:
    """Drag the image about with the hand."""
    mouse, x, y = page.mouse, 700.0, 600.0
    page.keyboard.press("v")
    angle = 0.0
    while time.monotonic() < end:
        mouse.move(x, y)
        mouse.down()
        for way in range(0, 300, 10):
            mouse.move(x + way * np.cos(angle), y + way * np.sin(angle) / 2)
        mouse.up()
        angle += 2.4


def zoom(page: Page, end: float) -> None:
    """Turn the wheel back and forth."""
    page.mouse.move(700, 600)
    turn = 0
    while time.monotonic() < end:
        page.mouse.wheel(0, 100 if turn % 16 < 8 else -100)
        page.wait_for_timeout(60)
        turn += 1


# --- the table


def print_table(ours: Measured, theirs: Measured) -> None:
    """Markdown: what, target, Cristae, its share of the target, the other canvas, how many times as long that takes."""
    rows: list[tuple[str, float, float, float | None, str]] = [
        ("opening a draft: 'Begin' to 'Saved', median", 1.5, median(ours.opened_s), None, "s"),
        ("the page by its address to 'Saved', median", 1.5, median(ours.reopened_s), median(theirs.reopened_s), "s"),
        ("stroke to pixels, median", 16, median(ours.drawn_ms), median(theirs.drawn_ms), "ms"),
        ("stroke to pixels, p95", 33, percentile(ours.drawn_ms), percentile(theirs.drawn_ms), "ms"),
        ("of it since the page got the event, median", 16, median(ours.handled_ms), median(theirs.handled_ms), "ms"),
        (
            "of it since the page got the event, p95",
            33,
            percentile(ours.handled_ms),
            percentile(theirs.handled_ms),
            "ms",
        ),
        (
            "stroke's end to 'Saved' or to Python's answer, median",
            100,
            median(ours.answered_ms),
            median(theirs.answered_ms),
            "ms",
        ),
        (
            "the same, Python getting lines instead of pixels",
            100,
            median(ours.answered_ms),
            median(theirs.lines_ms),
            "ms",
        ),
        ("sent for a stroke, mean", math.nan, ours.sent_kb, theirs.sent_kb, "kB"),
        ("frames a second, panning", 30, ours.pan_fps, None, ""),
        ("frames a second, zooming", 30, ours.zoom_fps, None, ""),
        ("memory of the server (RSS)", 300, ours.rss_mb, theirs.rss_mb, "MB"),
        ("before the first page", 300, ours.idle_mb, theirs.idle_mb, "MB"),
    ]
    heads = ["", "target", "Cristae", "of target", "drawable-canvas, 1024 px", "its ratio to Cristae"]
    print_row(heads)
    print_row(["---"] * len(heads))
    for what, target, value, other, unit in rows:
        beside = (f"{other:.3g} {unit}", f"{other / value:.2g}") if other else ("", "")
        wanted = ("", "") if math.isnan(target) else (f"{target:g} {unit}", f"{100 * value / target:.0f} %")
        print_row([what, wanted[0], f"{value:.3g} {unit}", wanted[1], *beside])
    print(f"\n{ours.compared_px} painted and neighbouring pixels compared between browser and database, ", end="")
    print(f"{ours.differing_px} differ")


def print_row(cells: Sequence[str]) -> None:
    """One line of Markdown."""
    print(f"| {' | '.join(cell.strip() for cell in cells)} |")


def median(values: Sequence[float]) -> float:
    """Not a number where nothing was measured."""
    return statistics.median(values) if values else float("nan")


def percentile(values: Sequence[float]) -> float:
    """The 95th."""
    return float(np.percentile(values, 95)) if values else float("nan")


if __name__ == "__main__":
    main()
