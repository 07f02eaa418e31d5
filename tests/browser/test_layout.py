"""Nothing is cut in narrow windows: the menu's last word, and the names that people choose by."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from core.label_scheme import DEFAULT_SCHEME
from core.store import Store
from core.store.records import ProjectRecord
from tests.browser.conftest import Server

pytestmark = pytest.mark.browser

LONG_NAME = "Drosophila nerve cord, ssTEM sections, summer 2026"

CUT = """() => [...document.querySelectorAll('[data-testid="stSelectbox"] input')]
  .filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.value)"""
"""Choices that do not fit into their boxes."""

MENU_END = """() => Math.max(...[...document.querySelectorAll('[data-testid="stTopNav"] .rc-overflow-item')]
  .filter((item) => getComputedStyle(item).opacity !== "0").map((item) => item.getBoundingClientRect().right))"""
"""Where the last word of the menu ends, in px."""


def a_project(server: Server) -> ProjectRecord:
    """Made by whichever test comes first."""
    store = Store(server.settings)
    known = [project for project in store.projects.all() if project.name == LONG_NAME]
    return known[0] if known else store.projects.create(LONG_NAME, DEFAULT_SCHEME)


@pytest.mark.parametrize("width", [800, 1024, 1200])
def test_menu_and_names_are_whole(app_server: Server, page: Page, width: int) -> None:
    project = a_project(app_server)
    page.set_viewport_size({"width": width, "height": 900})
    for address in ("segment", "review", "train"):
        page.goto(f"{app_server.url}/{address}?project={project.id}")
        expect(page.get_by_role("combobox", name="Project")).to_have_value(LONG_NAME)
        page.wait_for_timeout(500)
        assert page.evaluate(MENU_END) <= width
        assert page.evaluate(CUT) == []
    for wide in (1440, width):  # a window that becomes narrower
        page.set_viewport_size({"width": wide, "height": 900})
        page.wait_for_timeout(500)
    assert page.evaluate(MENU_END) <= width


BELOW = """() => {
  const columns = document.querySelectorAll('.st-key-side-by-side-people > * > * > [data-testid="stColumn"]');
  const [one, other] = [...columns].map((column) => column.getBoundingClientRect());
  return other.top >= one.bottom - 1;
}"""
"""Whether the second column stands below the first."""


def test_tables_are_whole_in_a_window_of_1024_px(app_server: Server, page: Page) -> None:
    """The roles that a table compares were cut off beside the list of members."""
    page.set_viewport_size({"width": 1024, "height": 900})
    page.context.add_cookies([{"name": "cristae_name", "value": "Ada", "url": app_server.url}])
    page.goto(f"{app_server.url}/review?section=people&project={a_project(app_server).id}")
    expect(page.get_by_text("Permissions by role")).to_be_visible()
    page.wait_for_function(BELOW)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.wait_for_function(f"() => !({BELOW})()")
