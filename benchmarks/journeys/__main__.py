"""Walk journeys of a user in a real browser and count what they take.

    python -m benchmarks.journeys --sections vnc/images --pixel-nm 4.6

Starts the app on an empty data folder with the starter model, walks, and prints a table. Clicks are presses of the
mouse, strokes and drops of files among them; a drop of many files is one. Keys that choose a tool are not counted.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.journeys import first_model, many_images
from benchmarks.journeys.images import write_images
from benchmarks.journeys.person import Tally
from benchmarks.journeys.walk import DisturbedError, Step, Walk
from benchmarks.painting_site import chromium
from core.engine.engine import stop_engine
from core.settings import ROOT, Settings
from tests.browser.conftest import streamlit_server

JOURNEYS: Final[dict[str, Callable[[Walk], None]]] = {
    "segment": many_images.segment,
    "correct": many_images.correct,
    "take-away": many_images.take_away,
    "compare": many_images.compare,
    "first-model": first_model.first_model,
}
"""In an order in which each has what it needs."""


def main() -> int:
    """Walk and print; 1 where a reload or a second tab lost something or did something twice."""
    options = _options()
    lost = ""
    with (
        tempfile.TemporaryDirectory(prefix="cristae-journeys-", ignore_cleanup_errors=True) as scratch,
        chromium() as browser,
    ):
        folder = Path(scratch)
        images = write_images(folder / "images", options.images, options.size, options.sections, options.pixel_nm)
        with _server(folder, options.url) as (url, settings):
            walk = Walk(browser, url, images, folder, settings, options.disturb, options.pictures)
            try:
                for name, journey in JOURNEYS.items():
                    if not options.only or name in options.only:
                        journey(walk)
            except DisturbedError as error:
                lost = str(error)
            finally:
                walk.close()
    print(table(walk.steps, each_step=options.steps))
    if lost:
        print(f"Disturbed: {lost}", file=sys.stderr)
    return 1 if lost else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="", type=lambda text: text.rstrip("/"), help="of an app that runs already")
    parser.add_argument("--sections", type=Path, help="folder of real sections to cut images from; else synthetic ones")
    parser.add_argument("--pixel-nm", type=float, default=8.0, help="nm per pixel of the sections")
    parser.add_argument("--images", type=int, default=30)
    parser.add_argument("--size", type=int, default=256, help="edge of an image in pixels")
    parser.add_argument("--only", nargs="+", choices=list(JOURNEYS), help="those before must have been walked")
    parser.add_argument("--disturb", action="store_true", help="load the page again and open a second tab at each step")
    parser.add_argument("--steps", action="store_true", help="a row for each step, not only for each journey")
    parser.add_argument("--pictures", type=Path, help="folder for a picture after each step")
    return parser.parse_args()


@contextmanager
def _server(folder: Path, url: str) -> Iterator[tuple[str, Settings | None]]:
    """The app that runs, or one of its own."""
    if url:
        yield url, None
        return
    models = folder / "models"
    models.mkdir()
    shutil.copytree(ROOT / "models" / "starter", models / "starter")
    with streamlit_server(ROOT / "app.py", folder, CRISTAE_MODELS_DIR=str(models)) as server:
        try:
            yield server.url, server.settings
        finally:
            stop_engine(server.settings)


def table(steps: list[Step], *, each_step: bool = False) -> str:
    """Markdown: a row for each journey, or for each step."""
    rows: dict[str, Tally] = {}
    for step in steps:
        name = f"{step.journey}: {step.name}" if each_step else step.journey
        rows[name] = rows.get(name, Tally()) + step.tally
    lines = ["| journey | clicks | fields | changes of page | waiting, s |", "|---|---|---|---|---|"]
    for name, tally in rows.items():
        lines.append(f"| {name} | {tally.clicks} | {tally.fields} | {tally.pages} | {tally.waited_s:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
