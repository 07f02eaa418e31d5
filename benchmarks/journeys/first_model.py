"""Nothing labelled yet: from a few images to a model of one's own, its score, and a round."""

from __future__ import annotations

import re
from typing import Final

from benchmarks.journeys.painting import paint
from benchmarks.journeys.person import Person
from benchmarks.journeys.walk import Walk

PROJECT: Final = "Own labels"
FIRST: Final = "first model without any labels"
IMAGES: Final = 3
"""One to learn from, one for the test, one to use the model on."""

_DECISION: Final = re.compile("Promote (model|anyway)")


def first_model(walk: Walk) -> None:
    """Draw two regions on one image, one on a test image, train, evaluate, correct, a round."""
    with walk.step(FIRST, "make a project and add images", f"{IMAGES} imported") as ada:
        ada.open("data")
        ada.press("New project")
        dialog = ada.page.get_by_role("dialog")
        ada.type("Name", PROJECT, inside=dialog)
        ada.press("Create project", inside=dialog)
        ada.drop(walk.images[:IMAGES])
        ada.press(ada.page.get_by_role("button", name=re.compile(r"^Import \d+ images")))
        ada.see(re.compile(f"{IMAGES} imported"))
    with walk.step(FIRST, "draw two regions on one image", "[Aa]waiting review", again=False) as ada:
        ada.go("Correct")
        _draw(ada, 0.2)
    with walk.step(FIRST, "draw on a second image for the test", "[Aa]waiting review") as ada:
        ada.press(ada.page.get_by_role("button", name=re.compile("^Next image")))
        _draw(ada, 0.45)
    with walk.step(FIRST, "approve both", "No other corrections are awaiting review", who="Rita") as rita:
        rita.open("review")
        rita.choose("Project", PROJECT)
        for _ in range(2):
            rita.press(rita.page.get_by_role("button", name=re.compile("^Review next")))
            rita.press("Approve")
    with walk.step(FIRST, "mark the test image", "Split") as ada:
        ada.go("Data")
        _tick_row(ada, 1)
        ada.press(ada.page.get_by_test_id("stPopoverButton").filter(has_text="Split"))
        ada.press("Test")
    with walk.step(FIRST, "train for a minute", "Segment images") as ada:
        ada.go("Train")
        ada.type("Minutes", "1")
        ada.press("Train")
        ada.see("Segment images")
    with walk.step(FIRST, "evaluate it", "Mean Dice|Dice of each organelle|Worst first|Dice") as ada:
        ada.press(ada.page.get_by_role("button", name="Evaluate", exact=True))
        ada.press("Use as reference")
        ada.press("Evaluate")
        ada.see(ada.page.locator(".figure-host .main-svg"))
    with walk.step(FIRST, "a round", "Current model") as ada:
        ada.go("Train")
        ada.press(ada.page.get_by_role("radio", name=re.compile("Rounds")))
        ada.type("Minutes of training", "1")
        ada.press("Start round")
        ada.see(ada.page.get_by_role("button", name=_DECISION))
        ada.type("Reason", "the first one of this tissue")
        ada.press(ada.page.get_by_role("button", name=_DECISION))


def _draw(person: Person, top: float) -> None:
    """Two regions: some mitochondria, some nucleus, and the background around them confirmed."""
    person.press("Start")
    for key, row in (("1", top), ("2", top + 0.2)):
        paint(person, key, [(row, 0.42), (row, 0.52)])
    paint(person, "", [(top - 0.1, 0.38), (top + 0.35, 0.62)], tool="q")
    person.press("Submit…")
    person.press("Submit")
    person.see("Awaiting review")


def _tick_row(person: Person, row: int) -> None:
    """Tick an image in the table, which is a canvas."""
    table = person.page.get_by_test_id("stDataFrame").last
    person.see(table)
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    if box is None:
        raise SystemExit("The table of images is not on the Data page.")
    person.page.mouse.click(box["x"] + 38, box["y"] + 38 + 56 * row + 28)
    person.settled()
