"""A random painter: paints, undoes, reloads, loses the network and the server, and checks that no saved stroke is lost.

    python -m benchmarks.painter --minutes 10 --seed 1

A real Chromium on the Correct page of a synthetic image of 900 x 1000 px. After each action the page says "Saved"; the
pixels that the server has then are what must still be there after whatever comes next. Undo and redo must give back
exactly the pixels of that step, labels and coverage. After a reload, a killed server (SIGKILL), a time without network,
and a second tab that takes the draft over, the browser's tiles must be the server's. Exit code 1 when anything was lost
or wrong.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser

from benchmarks.painting_site import PIXEL_NM, chromium, shown_tile, tissue, wait_saved
from core.annotation.draft_post import tile_shape
from core.annotation.draft_tiles import unpack_tile
from core.engine.engine import stop_engine
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import TILE_PX, write_label_pyramid
from core.label_scheme import DEFAULT_SCHEME
from core.settings import ROOT
from core.store import RevisionKind, Store
from tests.browser.conftest import Server, free_port, streamlit_server
from tests.browser.test_viewer import INSTANCE

Labels = NDArray[np.uint8]

SHAPE: Final = (900, 1000)
VIEWPORT: Final = {"width": 1400, "height": 1100}
LONG_MS: Final = 90_000
STROKES: Final = ("b", "e", "w", "l")
CLICKS: Final = ("f", "r", ".", ",", "t")
ACTIONS: Final = {
    "stroke": 40, "click": 14, "undo": 14, "redo": 8, "class": 6, "zoom": 6, "region": 4, "reload": 3, "offline": 3,
    "kill": 2, "takeover": 2,
}  # fmt: skip
"""How often each comes, as weights."""


class RandomPainter:
    """One person, one draft, and what must be in it."""

    def __init__(self, browser: Browser, folder: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.folder, self.port = folder, free_port()
        self.stack = ExitStack()
        self.server: Server = self.serve()
        self.store = Store(self.server.settings)
        self.base, self.address = self.prepare()
        self.context = browser.new_context(viewport=VIEWPORT)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.steps: list[Labels] = []
        self.undone: list[Labels] = []
        self.known = self.stored()
        self.checks = 0

    def serve(self) -> Server:
        """The app, on the same port and data each time."""
        return self.stack.enter_context(streamlit_server(ROOT / "app.py", self.folder, self.port))

    def prepare(self) -> tuple[Labels, str]:
        """A synthetic image with its labels as the prediction."""
        project = self.store.projects.create("Painter", DEFAULT_SCHEME)
        pixels, labels = (plane[: SHAPE[0], : SHAPE[1]] for plane in tissue(1024))
        image = self.store.images.add(project.id, Image(pixels, PixelSize.from_user(PIXEL_NM), "synthetic"))
        begun = self.store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id="synthetic")
        path = self.store.revisions.pyramid_path(begun.id)
        write_label_pyramid(path, labels, pixel_size_nm=PIXEL_NM, scheme=DEFAULT_SCHEME)
        self.store.revisions.complete(begun.id)
        self.image_id = image.id
        return np.array(labels), f"{self.server.url}/correct?project={project.id}&image={image.id}"

    def begin(self) -> None:
        """Say a name, begin the draft."""
        page = self.page
        page.goto(self.address)
        page.get_by_label("Your name").fill("Ada", timeout=LONG_MS)
        page.get_by_role("button", name="Use name").click()
        page.get_by_role("button", name="Start", exact=True).click(timeout=LONG_MS)
        self.settle()

    def settle(self) -> None:
        """Until the page says that everything is saved, and its tiles are there."""
        self.page.wait_for_timeout(120)
        wait_saved(self.page, LONG_MS)

    def stored(self) -> Labels:
        """What the server has, labels and coverage: the prediction with the draft's tiles over it."""
        found = np.stack([self.base, np.zeros_like(self.base)])
        for draft in self.store.drafts.of_image(self.image_id):
            places = [(tile.row, tile.column) for tile in self.store.drafts.tiles(draft.id)]
            for (row, column), data in self.store.drafts.tile_data(draft.id, places).items():
                planes = np.stack(unpack_tile(data, tile_shape(SHAPE, row, column)))
                top, left = row * TILE_PX, column * TILE_PX
                found[:, top : top + planes.shape[1], left : left + planes.shape[2]] = planes
        return found

    def expect(self, wanted: Labels, what: str) -> None:
        """Report pixels that are not as they must be."""
        self.checks += 1
        found = self.stored()
        if not np.array_equal(found, wanted):
            self.wrong.append(f"{what}: {int((found != wanted).sum())} pixels differ")
        self.known = found

    def compare_browser(self, what: str) -> None:
        """The browser's tiles, as far as it has them, are the server's."""
        stored = self.stored()
        for row in range(-(-SHAPE[0] // TILE_PX)):
            for column in range(-(-SHAPE[1] // TILE_PX)):
                height, width = tile_shape(SHAPE, row, column)
                shown = shown_tile(self.page, row, column, (height, width))
                if shown is None:
                    continue
                self.checks += 1
                top, left = row * TILE_PX, column * TILE_PX
                wanted = stored[:, top : top + height, left : left + width]
                differing = int((shown != wanted).sum())
                if differing:
                    self.wrong.append(f"{what}: the browser shows {differing} other pixels in tile {row}/{column}")

    # --- places

    def spot(self, margin: int = 60) -> tuple[float, float]:
        """Somewhere on the image that can be seen."""
        box = self.page.locator(".viewer-host .surface").first.bounding_box()
        assert box is not None
        place = self.page.evaluate(f"() => ({INSTANCE})().base.place()")
        half_y, half_x = SHAPE[0] * place["zoom"] / 2, SHAPE[1] * place["zoom"] / 2
        bottom = min(box["height"], VIEWPORT["height"] - box["y"])
        middle_x, middle_y = box["width"] / 2, box["height"] / 2
        x = self.random.uniform(max(margin, middle_x - half_x), min(box["width"] - 320, middle_x + half_x))
        y = self.random.uniform(max(margin, middle_y - half_y), min(bottom - margin, middle_y + half_y))
        return box["x"] + x, box["y"] + y

    def drag(self) -> None:
        """From one place to others near it."""
        mouse, (x, y) = self.page.mouse, self.spot()
        mouse.move(x, y)
        mouse.down()
        for _ in range(self.random.randint(2, 5)):
            mouse.move(x := x + self.random.uniform(-70, 70), y := y + self.random.uniform(-50, 50), steps=5)
        mouse.up()

    # --- what is done

    def changed(self) -> None:
        """An action of which undo gives back what was there before."""
        self.settle()
        found = self.stored()
        if not np.array_equal(found, self.known):
            self.steps.append(self.known)
            self.undone.clear()
        self.known = found

    def stroke(self) -> None:
        self.page.keyboard.press(self.random.choice(STROKES))
        self.drag()
        self.changed()

    def click(self) -> None:
        self.page.keyboard.press(self.random.choice(CLICKS))
        self.page.mouse.click(*self.spot())
        self.page.wait_for_timeout(150)
        self.changed()

    def region(self) -> None:
        """Confirming a rectangle."""
        self.page.keyboard.press("q")
        self.drag()
        self.changed()

    def undo(self) -> None:
        if not self.steps:
            return
        self.undone.append(self.known)
        wanted = self.steps.pop()
        self.page.keyboard.press("Control+z")
        self.settle()
        self.expect(wanted, "undo")

    def redo(self) -> None:
        if not self.undone:
            return
        self.steps.append(self.known)
        wanted = self.undone.pop()
        self.page.keyboard.press("Control+Shift+z")
        self.settle()
        self.expect(wanted, "redo")

    def choose(self) -> None:
        self.page.keyboard.press(str(self.random.randint(1, 5)))

    def zoom(self) -> None:
        """In and out again, and somewhere else."""
        self.page.mouse.move(*self.spot())
        turns = self.random.randint(1, 3)
        for _ in range(turns):
            self.page.mouse.wheel(0, -120)
            self.page.wait_for_timeout(120)
        self.stroke()
        for _ in range(turns):
            self.page.mouse.wheel(0, 120)
            self.page.wait_for_timeout(120)

    def reload(self) -> None:
        self.page.reload()
        self.fresh("reload")

    def fresh(self, what: str) -> None:
        """A page that begins anew: everything is there, and the history of undo is empty."""
        wait_saved(self.page, LONG_MS)
        self.page.wait_for_timeout(900)
        self.expect(self.known, what)
        self.compare_browser(what)
        self.steps.clear()
        self.undone.clear()
        self.page.mouse.move(*self.spot())

    def away(self, what: str, back: Callable[[], None]) -> None:
        """Strokes while nobody answers; they arrive afterwards, on top of what was there."""
        before = self.known
        self.page.keyboard.press("b")
        self.page.keyboard.press(str(self.random.randint(1, 5)))
        for _ in range(self.random.randint(1, 3)):
            self.drag()
        self.page.wait_for_timeout(self.random.randint(300, 3000))
        if not np.array_equal(self.stored(), before):
            self.wrong.append(f"{what}: something was saved although nobody could answer")
        back()
        self.page.wait_for_timeout(500)
        wait_saved(self.page, LONG_MS)
        self.compare_browser(what)
        self.known = self.stored()
        self.steps.clear()
        self.undone.clear()
        self.reload()

    def offline(self) -> None:
        self.context.set_offline(True)
        self.away("offline", lambda: self.context.set_offline(False))

    def kill(self) -> None:
        os.kill(self.server.process_id, signal.SIGKILL)
        self.page.wait_for_timeout(200)

        def back() -> None:
            self.stack.pop_all().close()
            self.server = self.serve()

        self.away("killed server", back)

    def takeover(self) -> None:
        """A second tab takes the draft and paints; the first one takes it back and sees that."""
        other = self.context.new_page()
        other.goto(self.address)
        button = other.get_by_role("button", name="Take over")
        button.click(timeout=LONG_MS)
        wait_saved(other, LONG_MS)
        other.wait_for_timeout(500)
        mine, self.page = self.page, other
        self.expect(self.known, "taken over")
        self.compare_browser("taken over")
        self.page.keyboard.press("b")
        self.drag()
        self.settle()
        self.known = self.stored()
        self.page = mine
        mine.get_by_role("button", name="Take over").click(timeout=LONG_MS)
        self.settle()
        other.close()
        self.fresh("taken back")

    def run(self, seconds: float) -> None:
        """Random actions until the time is over."""
        acts = {
            "stroke": self.stroke, "click": self.click, "undo": self.undo, "redo": self.redo, "class": self.choose,
            "zoom": self.zoom, "region": self.region, "reload": self.reload, "offline": self.offline,
            "kill": self.kill, "takeover": self.takeover,
        }  # fmt: skip
        self.begin()
        self.page.mouse.click(*self.spot())
        self.page.keyboard.press("Control+z")
        self.settle()
        self.known = self.stored()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            name = self.random.choices(list(ACTIONS), list(ACTIONS.values()))[0]
            acts[name]()
            self.done[name] += 1
            if len(self.wrong) > 20:
                return

    def close(self) -> None:
        """End the browser's page and the server."""
        self.context.close()
        self.store.close()
        self.stack.close()
        stop_engine(self.server.settings)


def main() -> None:
    """Paint, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="painter-", ignore_cleanup_errors=True))
        painter = RandomPainter(stack.enter_context(chromium()), Path(folder), options.seed)
        stack.callback(painter.close)
        try:
            painter.run(60 * options.minutes)
        except Exception:
            painter.page.screenshot(path=str(Path(tempfile.gettempdir()) / "painter_failed.png"))
            print(f"after {dict(painter.done)}", file=sys.stderr)
            raise
    print("| action | times |\n|---|---|")
    for name, count in painter.done.most_common():
        print(f"| {name} | {count} |")
    told = f"{painter.checks} comparisons of all pixels, {len(painter.wrong)} of them wrong"
    print(f"\n{told}; {len(painter.errors)} script errors")
    for text in (*painter.wrong, *painter.errors):
        print(f"- {text}")
    sys.exit(1 if painter.wrong or painter.errors else 0)


if __name__ == "__main__":
    main()
