"""A person at a browser whose every act is counted."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import BrowserContext, Download, Locator, Page, expect

LONG_MS: Final = 300_000
"""A prediction of thirty images on a busy machine."""

_SETTLE_MS: Final = 400
"""A script of the page has begun after this."""

_WAIT_S: Final = 1.0
"""What takes longer is waiting; less is the page being drawn."""

_PRESSES: Final = "addEventListener('pointerdown', (event) => event.isTrusted && window.pressed(), true)"

_BUSY: Final = '[data-testid="stSkeleton"], [data-test-script-state="running"], [data-testid="stStatusWidget"]'


@dataclass(slots=True)
class Tally:
    """What a journey took.

    Parameters
    ----------
    clicks
        Presses of the mouse: on buttons, in lists, strokes, and drops of files.
    fields
        Fields that were typed in.
    pages
        Changes from one page of the app to another.
    waited_s
        Seconds in which there was nothing to do but to wait for the app.
    """

    clicks: int = 0
    fields: int = 0
    pages: int = 0
    waited_s: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


class Person:
    """Acts on a page and counts.

    Parameters
    ----------
    context
        A browser profile; the counting begins with it.
    url
        Of the app, without a slash at its end.
    name
        Who it is, as the app asks it; "": nobody yet.
    """

    def __init__(self, context: BrowserContext, url: str, name: str = "Ada") -> None:
        self.url = url
        self.context = context
        self.tally = Tally()
        self.files: list[Download] = []
        self._path = ""
        context.expose_function("pressed", self._pressed)
        context.add_init_script(_PRESSES)
        if name:
            context.add_cookies([{"name": "cristae_name", "value": name, "url": url}])
        self.page = self._watched(context.new_page())

    def open(self, address: str) -> None:
        """Come to the app by an address: where a journey begins; that is no change of page."""
        self._path = address.split("?")[0]
        self.page.goto(f"{self.url}/{address}")
        self.settled()

    def press(self, what: str | Locator, *, role: Any = "button", inside: Locator | None = None) -> None:
        """Click something by its name, or a place of the page."""
        place = inside or self.page
        found = what if isinstance(what, Locator) else place.get_by_role(role, name=what, exact=True)
        self.see(found)
        self.settled()
        found.first.click()
        self.settled()

    def go(self, page: str) -> None:
        """Click a page in the bar with all pages."""
        self.press(self.page.get_by_test_id("stTopNavLink").filter(has_text=re.compile(page)))

    def type(self, what: str | Locator, text: str, *, enter: bool = True, inside: Locator | None = None) -> None:
        """Fill a field by its name."""
        place = inside or self.page
        found = what if isinstance(what, Locator) else place.get_by_label(what, exact=True)
        self.see(found)
        found.first.fill(text)
        self.tally.fields += 1
        if enter:
            found.first.press("Enter")
        self.settled()

    def choose(self, label: str, option: str, *, inside: Locator | None = None) -> None:
        """Open a list and choose in it."""
        self.press(label, role="combobox", inside=inside)
        self.press(self.page.get_by_role("option", name=re.compile(re.escape(option))))

    def drop(self, paths: Sequence[Path], *, zone: int = 0) -> None:
        """Drop files into a drop zone: one act, however many."""
        field = self.page.locator("input[type=file]").nth(zone)
        field.wait_for(state="attached", timeout=LONG_MS)
        self.settled()
        field.set_input_files(list(paths))
        self.tally.clicks += 1
        self.settled()

    def see(self, what: str | re.Pattern[str] | Locator, timeout_ms: float = LONG_MS) -> Locator:
        """Wait until something is on the page."""
        found = what if isinstance(what, Locator) else self.page.get_by_text(what)
        began = time.monotonic()
        expect(found.first).to_be_visible(timeout=timeout_ms)
        took_s = time.monotonic() - began
        if took_s > _WAIT_S:
            self.tally.waited_s += took_s
        return found.first

    def settled(self, page: Page | None = None) -> None:
        """Wait until the script of the page has ended."""
        page = page or self.page
        page.wait_for_timeout(_SETTLE_MS)
        expect(page.locator(_BUSY)).to_have_count(0, timeout=LONG_MS)

    def take(self, act: Callable[[], None]) -> Download:
        """Do what brings a file, and wait for it."""
        before = len(self.files)
        act()
        end = time.monotonic() + LONG_MS / 1000
        while len(self.files) == before and time.monotonic() < end:
            self.page.wait_for_timeout(100)
        return self.files[before]

    def second_tab(self) -> Page:
        """Another tab at the same address."""
        page = self._watched(self.context.new_page(), counted=False)
        page.goto(self.page.url)
        self.settled(page)
        return page

    def _watched(self, page: Page, *, counted: bool = True) -> Page:
        page.set_default_timeout(LONG_MS)
        page.on("download", lambda file: self.files.append(file))
        if counted:
            page.on("framenavigated", lambda frame: self._moved(frame.url) if frame == page.main_frame else None)
        return page

    def _pressed(self) -> None:
        self.tally.clicks += 1

    def _moved(self, url: str) -> None:
        path = url.removeprefix(self.url).lstrip("/").split("?")[0].split("#")[0]
        if path != self._path and "://" not in path and path != "about:blank":
            self.tally.pages += 1
            self._path = path
