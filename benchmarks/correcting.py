"""Correct a real prediction in a real browser, and measure what that does to Dice.

A script holds the mouse: it knows the reference, goes through the largest missed and false objects of chosen classes,
draws around the missed ones with the lasso and deletes the false ones, with the app's own tools on the app's own page,
then submits. So it says what the tools can do, not how long a person needs to see the mistakes.

    python -m benchmarks.correcting --data DATA_DIR --models MODELS_DIR --project "My project" --image section_12
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cc3d
import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page, sync_playwright
from skimage.measure import approximate_polygon, find_contours

from core.evaluation.overlap import confusion, counts_from_confusion
from core.imaging.pyramid import open_pyramid
from core.settings import ROOT, load_settings
from core.store import RevisionKind, Store
from tests.browser.conftest import BROWSER_FLAGS, streamlit_server

Labels = NDArray[np.uint8]

ZOOM = 2.0
"""CSS pixels per image pixel while drawing."""


def main() -> None:
    """Correct, submit, print Dice before and after."""
    options = _options()
    settings = load_settings(data_dir=options.data, models_dir=options.models)
    store = Store(settings)
    project = next(item for item in store.projects.all() if item.name == options.project)
    image = next(item for item in store.images.all(project.id) if item.name == options.image)
    reference, prediction = (
        _labels(store, store.revisions.of_image(image.id, kind=kind)[0].id)
        for kind in (RevisionKind.REFERENCE, RevisionKind.PREDICTION)
    )
    ids = [item.id for item in project.scheme.classes if not options.classes or item.name in options.classes]
    keys = {item.id: item.key for item in project.scheme.classes}
    jobs = _mistakes(reference, prediction, ids)[: options.objects]
    environment = {"CRISTAE_DATA_DIR": str(options.data), "CRISTAE_MODELS_DIR": str(options.models)}
    with (
        streamlit_server(ROOT / "app.py", options.data.parent, **environment) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=options.chromium, args=list(BROWSER_FLAGS))
        page = browser.new_page(viewport={"width": 1400, "height": 1100})
        page.goto(f"{server.url}/correct?project={project.id}&image={image.id}")
        page.get_by_label("Your name").fill("Script")
        page.get_by_role("button", name="Use name").click()
        page.get_by_role("button", name="Start", exact=True).click(timeout=30_000)
        page.get_by_text("Saved", exact=True).wait_for(timeout=30_000)
        began = time.monotonic()
        for kind, class_id, piece in jobs:
            _mend(page, image.id, kind, keys[class_id], piece)
        page.get_by_text("Saved", exact=True).wait_for(timeout=30_000)
        seconds = time.monotonic() - began
        if options.screenshot:
            page.screenshot(path=str(options.screenshot))
        page.get_by_role("button", name="Submit…").click()
        page.get_by_role("button", name="Submit", exact=True).click()
        page.get_by_text("Submitted: ", exact=False).wait_for(timeout=60_000)
        browser.close()
    corrected = _labels(store, store.revisions.of_image(image.id, kind=RevisionKind.CORRECTION)[0].id)
    missed = sum(kind == "missed" for kind, _, _ in jobs)
    print(f"{missed} objects drawn, {len(jobs) - missed} deleted in {seconds:.0f} s; {options.image}")
    for item in project.scheme.classes:
        before, after = (
            _dice(reference, labels, tuple(project.scheme.ids), item.id) for labels in (prediction, corrected)
        )
        print(f"| {item.name} | {before:.3f} | {after:.3f} |")
    store.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="data folder with the project")
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    parser.add_argument("--project", required=True)
    parser.add_argument("--image", required=True, help="name; needs a reference and a prediction")
    parser.add_argument("--classes", nargs="*", default=[], help="names; all without")
    parser.add_argument("--objects", type=int, default=30, help="mistakes to mend, largest first")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--screenshot", type=Path)
    return parser.parse_args()


def _labels(store: Store, revision_id: str) -> Labels:
    pyramid = open_pyramid(store.revisions.pyramid_path(revision_id))
    return np.asarray(pyramid.read(0, slice(None), slice(None)), np.uint8)


def _mistakes(reference: Labels, prediction: Labels, ids: list[int]) -> list[tuple[str, int, NDArray[np.bool_]]]:
    """Objects of which less than half was found, and predicted ones that are less than half true; largest first."""
    found: list[tuple[str, int, NDArray[np.bool_]]] = []
    for class_id in ids:
        for kind, ours, theirs in (("missed", reference, prediction), ("false", prediction, reference)):
            pieces = cc3d.connected_components((ours == class_id).astype(np.uint8), connectivity=8)
            for number in range(1, int(pieces.max()) + 1):
                piece = pieces == number
                if piece.sum() >= 60 and (theirs[piece] == class_id).mean() < 0.5:
                    found.append((kind, class_id, piece))
    return sorted(found, key=lambda job: -int(job[2].sum()))


def _mend(page: Page, image_id: str, kind: str, key: str, piece: NDArray[np.bool_]) -> None:
    """Go there, take the tool, draw or click."""
    rows, columns = np.nonzero(piece)
    row, column = (rows.min() + rows.max()) / 2, (columns.min() + columns.max()) / 2
    page.evaluate("view => { location.hash = view }", f"view={row:.1f},{column:.1f},{ZOOM}@{image_id}")
    page.wait_for_timeout(350)
    box = page.locator(".viewer-host canvas").first.bounding_box()
    if box is None:
        raise SystemExit("The annotator is not on the page.")
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def at(image_row: float, image_column: float) -> tuple[float, float]:
        return middle[0] + (image_column + 0.5 - column) * ZOOM, middle[1] + (image_row + 0.5 - row) * ZOOM

    page.mouse.move(*at(rows[0], columns[0]))
    page.locator(".viewer-host").first.evaluate("host => host.querySelector('[tabindex]')?.focus()")
    if kind == "false":
        page.keyboard.press("x")
        inside = len(rows) // 2
        page.mouse.click(*at(rows[inside], columns[inside]))
    else:
        page.keyboard.press(key)
        page.keyboard.press("l")
        outline = max(find_contours(np.pad(piece, 1).astype(float), 0.5), key=len) - 1
        places = [at(*place) for place in approximate_polygon(outline, 0.6)]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=2)
        page.mouse.up()
    page.wait_for_timeout(150)


def _dice(reference: Labels, labels: Labels, ids: tuple[int, ...], class_id: int) -> float:
    return float(counts_from_confusion(confusion(reference, labels, (0, *ids)))[class_id].dice)


if __name__ == "__main__":
    main()
