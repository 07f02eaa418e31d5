"""Strokes on the Correct page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from benchmarks.journeys.person import Person

_FOCUS: Final = "host => host.querySelector('[tabindex]')?.focus()"


def paint(person: Person, key: str, shares: Sequence[tuple[float, float]], tool: str = "b") -> None:
    """Draw a line with a class.

    Parameters
    ----------
    key
        Of the class.
    shares
        Places that the mouse goes through, as shares of the picture's height and width.
    tool
        Key of the tool: brush, or "q" for a confirmed rectangle.
    """
    person.see(person.page.get_by_text("Saved", exact=True))
    person.settled()
    box = person.page.locator(".viewer-host .surface").first.bounding_box()
    if box is None:
        raise SystemExit("The image is not on the Correct page.")
    places = [(box["x"] + column * box["width"], box["y"] + row * box["height"]) for row, column in shares]
    mouse = person.page.mouse
    mouse.move(*places[0])
    person.page.locator(".viewer-host").first.evaluate(_FOCUS)
    person.page.keyboard.press(tool)
    if key:
        person.page.keyboard.press(key)
    mouse.down()
    for place in places[1:]:
        mouse.move(*place, steps=8)
    mouse.up()
    person.page.wait_for_timeout(300)
    person.see(person.page.get_by_text("Saved", exact=True))
