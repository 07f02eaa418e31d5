"""Thirty images: segmented, one corrected and approved, all taken away and brought back, two conditions compared."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from benchmarks.journeys.painting import paint
from benchmarks.journeys.walk import Walk

PROJECT: Final = "Tissue"
SEGMENT, CORRECT, TAKE, COMPARE = (
    "30 images dropped and segmented",
    "one corrected and approved",
    "everything taken away and imported again",
    "two conditions measured and compared",
)


def segment(walk: Walk) -> None:
    """A new project, all files dropped at once, the masks of one."""
    count = len(walk.images)
    with walk.step(SEGMENT, "make a project", "Project") as ada:
        ada.open("segment")
        ada.press("New project")
        dialog = ada.page.get_by_role("dialog")
        ada.type("Name", PROJECT, inside=dialog)
        ada.press("Create project", inside=dialog)
    with walk.step(SEGMENT, "drop the files", rf"{count} of {count} images segmented") as ada:
        ada.drop(walk.images)
        ada.see(re.compile(rf"{count} of {count} images segmented"))
    with walk.step(SEGMENT, "see the masks of one", "Downloads") as ada:
        ada.press(ada.page.get_by_role("button", name=_name(walk.images[-1])))
        ada.see("Downloads")


def correct(walk: Walk) -> None:
    """From the masks to the brush, to a reviewer, to approved."""
    with walk.step(CORRECT, "paint", "Saved", elsewhere="is editing this draft in another tab") as ada:
        ada.press("Correct this image")
        ada.press("Start")
        paint(ada, "1", [(0.30, 0.30), (0.30, 0.45)])
    with walk.step(CORRECT, "submit", "[Aa]waiting review") as ada:
        ada.press("Submit…")
        ada.press("Submit")
    with walk.step(CORRECT, "approve", "Approved by Rita", who="Rita") as rita:
        rita.open("review")
        rita.press("Review next")
        rita.press("Approve")


def take_away(walk: Walk) -> None:
    """All files as one zip, the dataset folder as another, and that back into a new project."""
    count = len(walk.images)
    with walk.step(TAKE, "label maps, overlays, tables as one zip", again=False) as ada:
        ada.go("Segment")
        all_images = ada.page.get_by_role("button", name=f"Export {count} images")
        another = ada.page.get_by_role("button", name="Another image")
        ada.see(all_images.or_(another))  # whichever the page opens with
        if another.count():
            ada.press(another)
        ada.press(all_images)
        dialog = ada.page.get_by_role("dialog")
        ada.press("Create zip", inside=dialog)
        zipped = dialog.get_by_role("link", name=re.compile("^Download"))
        ada.take(lambda: ada.press(zipped)).save_as(walk.folder / "files.zip")
    with walk.step(TAKE, "the dataset folder", again=False) as ada:
        dialog = ada.page.get_by_role("dialog")
        ada.press("Dataset folder", role="radio", inside=dialog)
        ada.press("Create zip", inside=dialog)
        zipped = dialog.get_by_role("link", name=re.compile("^Download"))
        ada.take(lambda: ada.press(zipped)).save_as(walk.folder / "dataset.zip")
        ada.press(dialog.get_by_role("button", name="Close"))
    with walk.step(TAKE, "import it again", f"{count} imported") as ada:
        _import_again(walk, walk.folder / "dataset.zip")


def _import_again(walk: Walk, zipped: Path) -> None:
    ada = walk.person()
    ada.go("Data")
    ada.press("New project")
    dialog = ada.page.get_by_role("dialog")
    ada.type("Name", f"{PROJECT} again", inside=dialog)
    ada.press("Create project", inside=dialog)
    ada.drop([zipped])
    ada.press(ada.page.get_by_role("button", name=re.compile(r"^Import \d+ images")))
    ada.see(re.compile("Import finished"))


def compare(walk: Walk) -> None:
    """Half of the images treated, half not: a sample sheet, one measurement, the difference."""
    count = len(walk.images)
    with walk.step(COMPARE, "say the conditions by a sample sheet", f"{count} images") as ada:
        ada.go("Data")
        ada.choose("Project", PROJECT)
        ada.press("Sample sheet")
        dialog = ada.page.get_by_role("dialog")
        cells = dialog.get_by_label("Paste cells from a spreadsheet")
        ada.type(cells, _sheet(walk.images), enter=False)
        cells.blur()
        ada.press(f"Change {count} images", inside=dialog)
    with walk.step(COMPARE, "measure and compare", "Difference, fed from control") as ada:
        ada.go("Measure")
        ada.press(ada.page.get_by_role("button", name=re.compile(r"^Measure \d+ label maps")))
        ada.see("Difference, fed from control")


def _sheet(images: list[Path] | tuple[Path, ...]) -> str:
    """Six specimens, half of them fed."""
    rows = ["image\tspecimen\tcondition"]
    for number, path in enumerate(images):
        specimen = number % 6
        rows.append(f"{path.name}\tmouse {specimen + 1}\t{'fed' if specimen % 2 else 'control'}")
    return "\n".join(rows)


def _name(path: Path) -> re.Pattern[str]:
    return re.compile(re.escape(path.name))
