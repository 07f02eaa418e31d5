"""Take the pictures of the README and the guide from a running app: ``python tools/screenshots.py http://localhost:8501``.

The app should hold the demo project with its predictions, corrections and rounds, and nothing else. Every picture shows
synthetic images, so the pictures have the licence of the program.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

OUT = Path(__file__).resolve().parent.parent / "docs" / "images"
FLAGS = ("--no-sandbox", "--headless=new", "--disable-gpu", "--disable-background-networking", "--disable-sync")
WIDE, TALL, NARROW = (1500, 950), (1500, 1250), (430, 900)


def main() -> int:
    """Overview and Segment page, light and dark, the Segment page on a phone, and one of each other page."""
    url = sys.argv[1].rstrip("/") if len(sys.argv) > 1 else "http://localhost:8501"
    OUT.mkdir(parents=True, exist_ok=True)
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        for scheme in ("light", "dark"):
            _overview(browser, url, scheme)
            _segment(browser, url, scheme, WIDE, f"segment-{scheme}")
        _segment(browser, url, "light", NARROW, "segment-narrow")
        for picture in (_correct, _review, _rounds, _results, _results_image, _measure):
            picture(browser, url)
        browser.close()
    return 0


def _page(browser: Browser, scheme: str, size: tuple[int, int]) -> Page:
    """A page in its own profile."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    return context.new_page()


def _overview(browser: Browser, url: str, scheme: str) -> None:
    page = _page(browser, scheme, WIDE)
    page.goto(url)
    expect(page.get_by_text("synthetic liver A")).to_be_visible(timeout=60_000)
    page.wait_for_timeout(2500)
    _save(page, f"overview-{scheme}")


def _segment(browser: Browser, url: str, scheme: str, size: tuple[int, int], name: str) -> None:
    page = _page(browser, scheme, size)
    page.goto(f"{url}/segment")
    page.get_by_role("button", name="synthetic liver B").click(timeout=60_000)
    expect(page.get_by_role("button", name="Downloads")).to_be_visible(timeout=60_000)
    page.wait_for_timeout(5000)
    _save(page, name)


def _correct(browser: Browser, url: str) -> None:
    """A place that the model is unsure of, as one begins to paint; the draft is discarded afterwards."""
    page = _named(browser, url, TALL)
    page.goto(f"{url}/correct")
    page.get_by_role("button", name="synthetic liver P").first.click(timeout=60_000)  # an image that trains
    page.get_by_role("button", name="Start", exact=True).click(timeout=60_000)
    page.get_by_role("button", name="Next place").click(timeout=60_000)
    page.wait_for_timeout(6000)
    _shoot(page, "correct-light")
    page.get_by_role("button", name="Discard").first.click()
    page.get_by_role("button", name="Discard draft").click()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible(timeout=60_000)
    page.context.close()


def _results(browser: Browser, url: str) -> None:
    page = _named(browser, url, TALL)
    page.goto(f"{url}/results")
    expect(page.locator(".main-svg").nth(1)).to_be_visible(timeout=60_000)  # Plotly's
    page.wait_for_timeout(3000)
    _save(page, "results-light")


def _results_image(browser: Browser, url: str) -> None:
    page = _named(browser, url, TALL, scheme="dark")
    page.goto(f"{url}/results?section=image")
    expect(page.get_by_role("button", name="Correct this image")).to_be_visible(timeout=60_000)
    page.wait_for_timeout(6000)
    _save(page, "results-image-dark")


def _measure(browser: Browser, url: str) -> None:
    """The references, measured if they are not yet."""
    page = _named(browser, url, TALL)
    page.goto(f"{url}/measure")
    expect(page.locator(".main-svg").first).to_be_visible(timeout=120_000)  # Plotly's
    page.wait_for_timeout(3000)
    _save(page, "measure-light")


def _review(browser: Browser, url: str) -> None:
    page = _named(browser, url, TALL)
    page.goto(f"{url}/review")
    page.get_by_role("button", name="Review next").click(timeout=60_000)
    expect(page.get_by_role("button", name="Approve")).to_be_visible(timeout=60_000)
    page.wait_for_timeout(6000)
    _save(page, "review-light")


def _rounds(browser: Browser, url: str) -> None:
    page = _named(browser, url, (1500, 1850))
    page.goto(f"{url}/train?section=rounds")
    expect(page.locator(".main-svg").nth(1)).to_be_visible(timeout=60_000)  # Plotly's
    page.wait_for_timeout(3000)
    _save(page, "rounds-light")


def _named(browser: Browser, url: str, size: tuple[int, int], *, scheme: str = "light") -> Page:
    """A page of somebody who has said who they are."""
    page = _page(browser, scheme, size)
    page.context.add_cookies([{"name": "cristae_name", "value": "Ada", "url": url}])
    return page


def _save(page: Page, name: str) -> None:
    """The last picture of a page."""
    _shoot(page, name)
    page.context.close()


def _shoot(page: Page, name: str) -> None:
    """As JPEG of moderate size."""
    path = OUT / f"{name}.jpg"
    page.screenshot(path=path, type="jpeg", quality=85)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    raise SystemExit(main())
