"""Take pictures of every page at several widths, light and dark, to look at after a change of the layout.

``python -m tools.page_walk --url http://localhost:8501 --out DIR``

The app should hold the demo project with its predictions, corrections and rounds; all that changes in it is
a draft that the Correct page opens. ``--project ID`` walks through another project, ``--only`` through some views. A
view that a project has nothing for (no image in review, no label map) is named and left as far as it got. What the
browser's console complains of is named too, such as what the Content-Security-Policy refused; the exit code is 1 then.
"""

from __future__ import annotations

import argparse
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from playwright.sync_api import Error as BrowserError

FLAGS: Final = ("--no-sandbox", "--headless=new", "--disable-gpu", "--disable-background-networking", "--disable-sync")
WIDTHS_PX: Final = (1440, 1024, 800)
HEIGHT_PX: Final = 1250
"""Taller than a screen, so that most of a page is seen at once."""

HIGHEST_PX: Final = 4000
"""Of the picture of a long page."""

CONTENT_PX: Final = """() => Math.max(0, ...[...document.querySelectorAll('[data-testid="stMain"], [role="dialog"]')]
  .map((part) => part.scrollHeight))"""
"""Height of the page, or of the dialog over it."""

SETTLE_MS: Final = 1500
"""Tiles and figures come after the page."""

PATIENCE_MS: Final = 60_000
"""For a page of a machine that has much else to do."""

LOADED: Final = """() => !document.querySelector('[data-testid="stSkeleton"], [data-test-script-state="running"]')"""
"""The script has ended, and every part of the page has its code."""

PROBED: Final = r"/[a-z]+/_stcore/(health|host-config)$"
"""Addresses that Streamlit's own script tries where there is nothing."""

PERSON: Final = "Ada"


def _settle(page: Page) -> None:
    """Wait until the page is whole."""
    page.wait_for_timeout(500)
    page.wait_for_function(LOADED)
    page.wait_for_timeout(SETTLE_MS)
    page.wait_for_function(LOADED)  # a page that writes its choice into the address runs once more


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
    table = page.get_by_test_id("stDataFrame").last
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    if box:
        page.mouse.click(box["x"] + 38, box["y"] + 38 + 28)
        _settle(page)


def _open(*names: str) -> Callable[[Page], None]:
    """Open the folded parts with these titles, or patterns of titles, unless they are open already."""

    def unfold(page: Page) -> None:
        for name in names:
            part = page.get_by_test_id("stExpander").filter(has=page.locator("summary", has_text=re.compile(name)))
            part.first.wait_for()
            if part.first.locator("details[open]").count() == 0:
                part.first.locator("summary").click()
            _settle(page)

    return unfold


def _choose(label: str, place: int) -> Callable[[Page], None]:
    """Choose an entry of a list by its place."""

    def choose(page: Page) -> None:
        page.get_by_role("combobox", name=label).first.click()
        page.get_by_role("option").nth(place).click()
        _settle(page)

    return choose


def _begin(page: Page) -> None:
    """Begin a draft, or go on with the one that an earlier picture has begun."""
    for name in ("Start", "Take over"):
        page.wait_for_timeout(SETTLE_MS)
        button = page.get_by_role("button", name=name).first
        if button.is_visible():
            button.click()
            _settle(page)


def _first_image(page: Page) -> None:
    """Open the first image of the gallery that is drawn first."""
    page.get_by_test_id("stMain").locator("[class*='st-key-open-'] button").first.click()
    page.wait_for_timeout(SETTLE_MS)
    _settle(page)


def _job_row(page: Page) -> None:
    """Open the newest job that has ended."""
    table = page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    if box:
        page.mouse.click(box["x"] + 12, box["y"] + 38 + 17)
        _settle(page)


def _keys(*keys: str) -> Callable[[Page], None]:
    """Press keys in the viewer."""

    def press(page: Page) -> None:
        for key in keys:
            page.locator(".viewer-host").first.evaluate("host => host.querySelector('[tabindex]')?.focus()")
            page.keyboard.press(key)
            page.wait_for_timeout(SETTLE_MS)

    return press


def _past_round(page: Page) -> None:
    """Open the details of the newest round."""
    rounds = page.get_by_role("combobox", name="Details of round").first
    rounds.scroll_into_view_if_needed()
    page.wait_for_timeout(SETTLE_MS)  # a list that opens while the page scrolls closes again
    rounds.click()
    page.get_by_role("option").first.click()
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
    View("segment-again", "segment", _press("Segment all")),
    View("segment-takeaway", "segment", _press("Export")),
    View("segment-new-project", "segment", _press("New project")),
    View("segment-image", "segment", _first_image),
    View(
        "segment-folds",
        "segment",
        _then(_first_image, _open("Minimum object size", "Pixel size", "Segment again|Options")),
    ),
    View("segment-scale", "segment", _then(_first_image, _press("Measure the pixel size"))),
    View("segment-downloads", "segment", _then(_first_image, _press("Downloads"))),
    View("results", "results"),
    View("results-images", "results?section=images"),
    View("results-image", "results?section=image"),
    View("results-objects", "results?section=image", _keys("#")),
    View("results-compare", "results?section=compare"),
    View("results-report", "results?section=report"),
    View("results-takeaway", "results?section=report", _press("Export")),
    View("results-new", "results?section=new"),
    View("measure", "measure"),
    View("measure-how", "measure", _press("Measurement settings")),
    View("measure-takeaway", "measure", _press("Export")),
    View("correct", "correct"),
    View("correct-paint", "correct", _begin),
    View("correct-objects", "correct", _then(_begin, _keys("#"))),
    View("correct-questions", "correct", _then(_begin, _keys("F2"))),
    View("correct-history", "correct", _open("History")),
    View("review", "review"),
    View("review-one", "review", _press("Review next")),
    View("review-marks", "review", _then(_press("Review next"), _open("Mark places"))),
    View("review-objects", "review", _then(_press("Review next"), _keys("#"))),
    View("review-agreement", "review?section=agreement", _open("Assign image")),
    View("review-people", "review?section=people"),
    View("review-log", "review?section=log"),
    View("data", "data"),
    View("data-add", "data", _open("Add images")),
    View("data-new-project", "data", _press("New project")),
    View("data-settings", "data", _then(_press("Project settings"), _open("Delete project"))),
    View("data-sheet", "data", _press("Sample sheet")),
    View("data-takeaway", "data", _press("Export")),
    View("data-scale", "data", _then(_tick_first_row, _press("Set pixel size"))),
    View("data-again", "data", _then(_tick_first_row, _press("Segment 1 image"))),
    View("data-transfer", "data", _then(_tick_first_row, _press("Copy or move"))),
    View("train", "train"),
    View("train-more", "train", _open("More")),
    View("train-ended", "train", _choose("Trainings", 1)),
    View("train-rounds", "train?section=rounds"),
    View("train-past-round", "train?section=rounds", _past_round),
    View("models", "models"),
    View("models-import", "models", _open("Import a model")),
    View("models-rename", "models", _press("Rename")),
    View("models-export", "models", _press("Export")),
    View("jobs", "jobs"),
    View("jobs-one", "jobs", _job_row),
    View("guide", "guide"),
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
            for widths in [options.widths] if options.resize else [[width] for width in options.widths]:
                for view in wanted:
                    failed += not _pictures(browser, options, view, widths, scheme)
        browser.close()
    return 1 if failed else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Pictures of every page at several widths, light and dark.")
    parser.add_argument("--url", default="http://localhost:8501", type=lambda text: text.rstrip("/"))
    parser.add_argument("--out", required=True, type=Path, help="folder for the pictures")
    parser.add_argument("--project", help="id of the project, as the address of a page holds it; else the usual one")
    parser.add_argument(
        "--person", default=PERSON, help=f"who looks; default: {PERSON}. Reviews are shown to others only"
    )
    parser.add_argument("--widths", nargs="+", type=int, default=list(WIDTHS_PX))
    parser.add_argument(
        "--resize", action="store_true", help="load a view once and resize the window, which is quicker"
    )
    parser.add_argument("--schemes", nargs="+", choices=("light", "dark"), default=["light", "dark"])
    parser.add_argument("--only", nargs="+", choices=[view.name for view in VIEWS], help="only these views")
    return parser.parse_args(arguments)


def _pictures(browser: Browser, options: argparse.Namespace, view: View, widths: Sequence[int], scheme: str) -> bool:
    """One view, loaded once, at one or more widths; False where the page did not get as far."""
    context = browser.new_context(
        viewport={"width": widths[0], "height": HEIGHT_PX}, color_scheme="dark" if scheme == "dark" else "light"
    )
    context.add_cookies([{"name": "cristae_name", "value": options.person, "url": options.url}])
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(f"a script failed: {error}"))
    page.on("console", lambda message: note(complaints, message))
    project = f"{'&' if '?' in view.address else '?'}project={options.project}" if options.project else ""
    reached = True
    try:
        page.goto(f"{options.url}/{view.address}{project}")
        page.get_by_test_id("stMain").wait_for()
        _settle(page)
        view.prepare(page)
    except BrowserError as error:
        print(f"{view.name}-{widths[0]}-{scheme}: {str(error).splitlines()[0]}")
        reached = False
    for width in widths:
        if width != widths[0]:
            page.set_viewport_size({"width": width, "height": HEIGHT_PX})
            page.wait_for_timeout(SETTLE_MS)
        if reached:
            _grow(page, width)
        page.screenshot(path=options.out / f"{view.name}-{width}-{scheme}.png")
    context.close()
    for complaint in dict.fromkeys(complaints):
        print(f"{view.name}-{widths[0]}-{scheme}: {complaint}")
    return reached and not complaints


def note(complaints: list[str], message: ConsoleMessage) -> None:
    """Keep a line of the browser's console that is an error, such as what the Content-Security-Policy refused.

    Streamlit asks for its own health below the address of every page before it asks at the root; that 404 is none.
    """
    where = str(message.location.get("url", ""))
    if re.search(PROBED, where) and "404" in message.text:
        return
    if message.type == "error" or "Content Security Policy" in message.text:
        complaints.append(f"{message.text} ({where})")


def _grow(page: Page, width: int) -> None:
    """Make the window as high as what is in it, so that one picture holds all."""
    height = int(page.evaluate(CONTENT_PX))
    if height > HEIGHT_PX:
        page.set_viewport_size({"width": width, "height": min(height, HIGHEST_PX)})
        page.wait_for_timeout(SETTLE_MS)


if __name__ == "__main__":
    raise SystemExit(main())
