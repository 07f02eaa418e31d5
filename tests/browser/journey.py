"""What a user does on the Data and Train pages, step by step; the tests and a walk on real sections share it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Page, expect

from ui.parts.scores import counted

LONG_MS = 60_000


def make_project(page: Page, url: str, name: str, classes_of: Path | None = None) -> None:
    """A new project on the Data page, with the classes of a dataset.json or the five of liver."""
    page.goto(f"{url}/data")
    page.get_by_role("button", name="New project").click(timeout=LONG_MS)
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill(name)
    if classes_of is not None:
        dialog.get_by_role("radio", name="From a dataset.json").click()
        dialog.get_by_label("dataset.json, or its folder, on the server").fill(str(classes_of))
        dialog.get_by_label("dataset.json, or its folder, on the server").press("Enter")
    page.wait_for_timeout(1500)
    dialog.get_by_role("button", name="Create project").click()
    expect(dialog).to_have_count(0, timeout=LONG_MS)


def drop_files(page: Page, images: Sequence[Path], labels: Sequence[Path]) -> None:
    """Choose images and labels in the two drop zones of the Data page, and wait until they have arrived."""
    inputs = page.locator("input[type=file]")
    expect(page.get_by_role("group", name="Drop micrographs here")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_role("group", name="Drop label files here (optional)")).to_be_visible()
    inputs.nth(0).set_input_files(list(images))
    expect(page.get_by_text(f"{counted(len(images), 'image')} and 0 label files ready.")).to_be_visible(timeout=LONG_MS)
    inputs.nth(1).set_input_files(list(labels))
    told = f"{counted(len(images), 'image')} and {counted(len(labels), 'label file')} ready."
    expect(page.get_by_text(told)).to_be_visible(timeout=LONG_MS)


def import_files(page: Page, count: int, labels: int) -> None:
    """Press the button under the preview and wait for the outcome."""
    page.get_by_role("button", name=f"Import {count} images").click(timeout=LONG_MS)
    told = f"{count} imported · 0 already imported · 0 rejected · {counted(labels, 'label map')} added"
    expect(page.get_by_text(told)).to_be_visible(timeout=3 * LONG_MS)


def begin_training(page: Page, minutes: float, name: str) -> None:
    """Go to the Train page by its link and press the one button, with a length and a name of one's own."""
    page.get_by_role("link", name="Train").first.click()
    length = page.get_by_label("Minutes", exact=True)
    another = page.get_by_role("button", name="Train another model")
    page.wait_for_timeout(2000)  # the page that the link left is gone
    expect(length.or_(another)).to_be_visible(timeout=LONG_MS)
    if another.is_visible():  # a training is open
        another.click()
    length.fill(f"{minutes:g}", timeout=LONG_MS)
    length.press("Enter")
    page.get_by_label("Name of the model").fill(name)
    page.get_by_label("Name of the model").press("Enter")
    page.wait_for_timeout(2000)
    page.get_by_role("button", name="Train", exact=True).click()


def see_curves(page: Page, timeout_ms: float) -> None:
    """Wait until both learning curves are drawn."""
    expect(page.locator(".stPlotlyChart .scatterlayer .trace").first).to_be_visible(timeout=timeout_ms)
    expect(page.locator("img[src*='preview/prediction']")).to_be_visible(timeout=timeout_ms)
