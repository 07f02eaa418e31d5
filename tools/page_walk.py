"""Take pictures of every page at several widths, light and dark, to look at after a change of the layout.

``python -m tools.page_walk --url http://localhost:8501 --out DIR``

The app should hold the demo project with its predictions, corrections and rounds; all that changes in it is
a draft that the Correct page opens.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as BrowserError

FLAGS: Final = ("--no-sandbox", "--headless=new", "--disable-gpu", "--disable-background-networking", "--disable-sync")
WIDTHS_PX: Final = (1440, 1024, 800)
HEIGHT_PX: Final = 1250
"""Taller than a screen, so that most of a page is in one picture."""

SETTLE_MS: Final = 1500
"""Tiles and figures come after the page."""

LOADED: Final = """() => !document.querySelector('[data-testid="stSkeleton"], [data-test-script-state="running"]')"""
"""The script has ended, and every part of the page has its code."""

PERSON: Final = "Ada"


def _settle(page: Page) -> None:
    """Wait until the page is whole."""
    page.wait_for_timeout(500)
    page.wait_for_function(LOADED)
    page.wait_for_timeout(SETTLE_MS)


def _nothing(_: Page) -> None:
    """A page as its address shows it."""


def _press(*names: str) -> Callable[[Page], None]:
    """Press buttons one after the other."""

    def press(page: Page) -> None:
        for name in names:
            page.get_by_role("button", name=name).first.click()
            _settle(page)

    return press


def _tick_first_row(page: Page) -> None:
    """Choose the first image of the table, as far as a canvas lets one."""
    box = page.get_by_test_id("stDataFrame").first.bounding_box()
    if box:
        page.mouse.click(box["x"] + 38, box["y"] + 38 + 28)
        _settle(page)


def _then(*steps: Callable[[Page], None]) -> Callable[[Page], None]:
    def all_steps(page: Page) -> None:
        for step in steps:
            step(page)

    return all_steps


@dataclass(frozen=True, slots=True)
class View:
    """What one picture shows.

    Parameters
    ----------
    name
        Of the file.
    address
        Behind the app's.
    prepare
        What a person does on the page before.
    """

    name: str
    address: str
    prepare: Callable[[Page], None] = _nothing


VIEWS: Final = (
    View("overview", ""),
    View("segment", "segment"),
    View("segment-image", "segment", _press("synthetic liver B")),
    View("segment-scale", "segment", _press("synthetic liver B", "Set the scale")),
    View("results", "results"),
    View("results-images", "results?section=images"),
    View("results-image", "results?section=image"),
    View("results-compare", "results?section=compare"),
    View("results-report", "results?section=report"),
    View("results-new", "results?section=new"),
    View("measure", "measure"),
    View("correct", "correct"),
    View("correct-paint", "correct", _press("Begin")),
    View("review", "review"),
    View("review-one", "review", _press("Review the next one")),
    View("review-agreement", "review?section=agreement"),
    View("review-people", "review?section=people"),
    View("review-log", "review?section=log"),
    View("data", "data"),
    View("data-new-project", "data", _press("New project")),
    View("data-settings", "data", _press("Project settings")),
    View("data-sheet", "data", _press("Sample sheet")),
    View("data-scale", "data", _then(_tick_first_row, _press("Set scale"))),
    View("train", "train"),
    View("train-rounds", "train?section=rounds"),
    View("models", "models"),
    View("jobs", "jobs"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Take all pictures, or those of the views that are named."""
    options = _options(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    wanted = [view for view in VIEWS if not options.only or view.name in options.only]
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    failed = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        for scheme in options.schemes:
            for width in options.widths:
                for view in wanted:
                    failed += not _picture(browser, options.url, view, width, scheme, options.out)
        browser.close()
    return 1 if failed else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Pictures of every page at several widths, light and dark.")
    parser.add_argument("--url", default="http://localhost:8501", type=lambda text: text.rstrip("/"))
    parser.add_argument("--out", required=True, type=Path, help="folder for the pictures")
    parser.add_argument("--widths", nargs="+", type=int, default=list(WIDTHS_PX))
    parser.add_argument("--schemes", nargs="+", choices=("light", "dark"), default=["light", "dark"])
    parser.add_argument("--only", nargs="+", choices=[view.name for view in VIEWS], help="only these views")
    return parser.parse_args(arguments)


def _picture(browser: Browser, url: str, view: View, width: int, scheme: str, out: Path) -> bool:
    """One picture; False where the page did not get as far."""
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT_PX}, color_scheme="dark" if scheme == "dark" else "light"
    )
    context.add_cookies([{"name": "cristae_name", "value": PERSON, "url": url}])
    context.set_default_timeout(30_000)
    page = context.new_page()
    path = out / f"{view.name}-{width}-{scheme}.png"
    try:
        page.goto(f"{url}/{view.address}")
        page.get_by_test_id("stMain").wait_for()
        _settle(page)
        view.prepare(page)
        reached = True
    except BrowserError as error:
        print(f"{path.name}: {str(error).splitlines()[0]}")
        reached = False
    page.screenshot(path=path)
    context.close()
    return reached


if __name__ == "__main__":
    raise SystemExit(main())
