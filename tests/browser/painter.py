"""A person at the Correct page, with a real mouse, and what the database has of what they paint."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
from playwright.sync_api import Page, expect

from core.annotation.draft_tiles import unpack_tile
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import open_pyramid, write_label_pyramid
from core.label_scheme import LabelScheme
from core.settings import ROOT
from core.store import RevisionKind, Store
from core.store.records import ImageRecord
from tests.browser.conftest import Server, streamlit_server
from tests.browser.test_viewer import INSTANCE

SCHEME = LabelScheme.from_names({"mitochondria": 1, "nucleus": 2})
SHAPE = (400, 480)
LONG_MS = 30_000


class Tissue:
    """Images with a predicted square each, one for every test."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.store = Store(server.settings)
        self.project = self.store.projects.create("Tissue", SCHEME)

    def image(self, name: str, pixels: np.ndarray | None = None) -> ImageRecord:
        """A new image, noise unless told; the prediction has a nucleus at rows 150 to 250, columns 100 to 200."""
        if pixels is None:
            pixels = np.random.default_rng(sum(name.encode())).integers(90, 160, SHAPE, np.uint8)
        image = self.store.images.add(self.project.id, Image(pixels, PixelSize.from_user(8.0), name))
        begun = self.store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id="model")
        labels = base_labels()
        write_label_pyramid(self.store.revisions.pyramid_path(begun.id), labels, pixel_size_nm=8.0, scheme=SCHEME)
        self.store.revisions.complete(begun.id)
        return image

    def saved(self, image: ImageRecord) -> tuple[np.ndarray, np.ndarray]:
        """Labels and coverage of the open draft as the database has them; the image is one tile."""
        (draft,) = self.store.drafts.of_image(image.id)
        data = self.store.drafts.tile_data(draft.id, [(0, 0)])[0, 0]
        return unpack_tile(data, SHAPE)

    def corrections(self, image: ImageRecord) -> list[np.ndarray]:
        found = self.store.revisions.of_image(image.id, kind=RevisionKind.CORRECTION)
        paths = [self.store.revisions.pyramid_path(revision.id) for revision in found]
        return [np.asarray(open_pyramid(path).read(0, slice(None), slice(None))) for path in paths]


Made = TypeVar("Made", bound=Tissue)


@contextmanager
def served(kind: Callable[[Server], Made], folder: Path) -> Iterator[Made]:
    """The app with a project of this kind, for the tests of a module; server, store and engine end afterwards."""
    with streamlit_server(ROOT / "app.py", folder) as server:
        made = kind(server)
        yield made
        made.store.close()
    from core.engine.engine import stop_engine

    stop_engine(server.settings)


class Painter:
    """A person at the Correct page."""

    def __init__(self, page: Page, tissue: Tissue, image: ImageRecord, name: str = "Ada") -> None:
        self.page, self.tissue = page, tissue
        page.goto(f"{tissue.server.url}/correct?project={tissue.project.id}&image={image.id}")
        expect(page.get_by_role("heading", name="Correct")).to_be_visible(timeout=LONG_MS)
        asked, begin = page.get_by_text("Who are you?"), page.get_by_role("button", name="Start", exact=True)
        expect(asked.or_(begin).or_(page.locator(".viewer-host")).first).to_be_visible(timeout=LONG_MS)
        if asked.is_visible():
            page.get_by_label("Your name").fill(name)
            page.get_by_role("button", name="Use name").click()

    def begin(self) -> Painter:
        self.page.get_by_role("button", name="Start", exact=True).click(timeout=LONG_MS)
        return self.ready()

    def ready(self) -> Painter:
        expect(self.page.get_by_text("Saved", exact=True)).to_be_visible(timeout=LONG_MS)
        self.page.wait_for_timeout(700)  # tiles under the pointer
        return self

    def at(self, row: float, column: float) -> tuple[float, float]:
        """Where an image pixel is on the page."""
        box = self.page.locator(".viewer-host .surface").first.bounding_box()
        assert box is not None
        place = self.page.evaluate(f"() => ({INSTANCE})().base.place()")
        left, top = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        return left + (column - place["col"]) * place["zoom"], top + (row - place["row"]) * place["zoom"]

    def key(self, key: str) -> None:
        self.page.keyboard.press(key)

    def click(self, row: float, column: float) -> None:
        self.page.mouse.click(*self.at(row, column))

    def drag(self, *places: tuple[float, float]) -> None:
        """Press at the first place, go over the others, let go."""
        mouse = self.page.mouse
        mouse.move(*self.at(*places[0]))
        mouse.down()
        for place in places[1:]:
            mouse.move(*self.at(*place), steps=8)
        mouse.up()

    def saved(self) -> None:
        """Wait until nothing is worked out any more, and the server has everything."""
        expect(self.page.locator(".paint-bar")).not_to_have_class(re.compile("busy"), timeout=LONG_MS)
        self.page.wait_for_timeout(150)
        expect(self.page.get_by_text("Saved", exact=True)).to_be_visible(timeout=LONG_MS)

    def submit(self, note: str = "") -> None:
        self.page.get_by_role("button", name="Submit…").click()
        self.page.get_by_label("Note for the reviewer").fill(note)
        self.page.get_by_role("button", name="Submit", exact=True).click()
        expect(self.page.get_by_text("Submitted: ", exact=False)).to_be_visible(timeout=LONG_MS)


def base_labels() -> np.ndarray:
    """What the drafts begin from."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[150:250, 100:200] = 2
    return labels
