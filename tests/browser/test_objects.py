"""Objects on the Correct page: split, merged, deleted, undone, submitted; the count and the next training follow."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from core.annotation.draft_ids import DraftPixels
from core.annotation.draft_tiles import draft_source
from core.imaging.image import Image, PixelSize
from core.imaging.object_pyramid import ObjectIds
from core.imaging.pyramid import open_pyramid, write_label_pyramid
from core.learning.merged_objects import MergedIds
from core.morphometry.coverage import coverage_table
from core.morphometry.doubts import CountInterval, interval_of
from core.objects.asking import questions_of
from core.objects.contacts import parting_target
from core.objects.rules import ObjectRules
from core.objects.separating import object_ids
from core.objects.separation import Separation, SeparationWay
from core.segmentation.parting import PartingRows
from core.store import RevisionKind
from core.store.records import ImageRecord
from tests.browser.painter import SCHEME, SHAPE, Painter, Tissue, served

pytestmark = pytest.mark.browser


class Objects(Tissue):
    """Images with mitochondria whose ids are known."""

    def image(self, name: str, pixels: np.ndarray | None = None) -> ImageRecord:
        """Two that touch (ids 3 and 4), one with a waist (id 5), and a nucleus in two parts (id 9)."""
        noise = np.random.default_rng(sum(name.encode())).integers(90, 160, SHAPE, np.uint8)
        image = self.store.images.add(self.project.id, Image(noise, PixelSize.from_user(8.0), name))
        labels, ids = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint32)
        for rows, columns, class_id, number in (
            (slice(60, 120), slice(100, 180), 1, 3), (slice(60, 120), slice(180, 260), 1, 4),
            (slice(200, 260), slice(100, 300), 1, 5), (slice(300, 330), slice(60, 100), 2, 9),
            (slice(300, 330), slice(400, 440), 2, 9),
        ):  # fmt: skip
            labels[rows, columns], ids[rows, columns] = class_id, number
        begun = self.store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id="model")
        write_label_pyramid(
            self.store.revisions.pyramid_path(begun.id), labels, pixel_size_nm=8.0, scheme=SCHEME,
            objects=ObjectIds(ids, (1, 2)),
        )  # fmt: skip
        self.store.revisions.complete(begun.id)
        return image

    def ids(self, image: ImageRecord) -> np.ndarray:
        """Ids of the open draft as the server has them."""
        (draft,) = self.store.drafts.of_image(image.id)
        assert draft.base_revision_id is not None
        base = open_pyramid(self.store.revisions.pyramid_path(draft.base_revision_id))
        pixels = DraftPixels(draft_source(self.store, draft, SHAPE, base))
        return pixels.window(slice(0, SHAPE[0]), slice(0, SHAPE[1]))[1]

    def doubtful(self, name: str) -> ImageRecord:
        """Three pairs of discs: separated at hardly more than enough, nearly separated, and nearly separated too."""
        noise = np.random.default_rng(sum(name.encode())).integers(90, 160, SHAPE, np.uint8)
        image = self.store.images.add(self.project.id, Image(noise, PixelSize.from_user(8.0), name))
        row, column = np.mgrid[: SHAPE[0], : SHAPE[1]]
        labels, levels = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
        for y, level in ((80, 2), (200, 1), (320, 1)):
            for x in (100, 150):
                labels[(row - y) ** 2 + (column - x) ** 2 <= 30**2] = 1
            levels[y - 35 : y + 35, 123:127] = level
        parting = PartingRows(SHAPE)
        parting.push(levels)
        separation, limits = Separation(SeparationWay.SEAMS, (1,)), ObjectRules().limits(None)
        found = object_ids(labels, parting, separation, limits)
        begun = self.store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id="model")
        path = self.store.revisions.pyramid_path(begun.id)
        write_label_pyramid(path, labels, pixel_size_nm=8.0, scheme=SCHEME, objects=found)
        questions = questions_of(labels, found, parting, separation, limits)
        questions.save(self.store.revisions.questions_path(begun.id))
        table = coverage_table(labels, SCHEME, 8.0, objects=found, doubts=questions.doubts())
        self.store.revisions.complete(begun.id, coverage=[each.to_json() for each in table])
        return image


class Worker(Painter):
    """Who edits objects: the server is asked before anything is saved."""

    def saved(self) -> None:
        """Wait until the work is done, and the server has it."""
        expect(self.page.locator(".paint-bar")).not_to_have_class(re.compile("busy"))
        super().saved()


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Objects]:
    with served(Objects, tmp_path_factory.mktemp("objects")) as made:
        yield made


def test_objects_are_split_merged_deleted_and_counted(objects: Objects, page: Page) -> None:
    image = objects.image("cell")
    painter = Worker(page, objects, image).begin()
    painter.key("#")
    painter.key("s")
    painter.drag((180, 200), (280, 200))
    painter.saved()
    ids = objects.ids(image)
    assert sorted(np.unique(ids[200:260, 100:300]).tolist()) == [5, 10], "two, and no pixel is lost"

    painter.drag((180, 150), (230, 150))
    expect(page.get_by_text("The line does not cut the object in two.")).to_be_visible()

    painter.key("a")
    painter.click(90, 130)
    painter.click(90, 230)
    painter.saved()
    assert np.unique(objects.ids(image)[60:120, 100:260]).tolist() == [3]
    painter.click(315, 80)
    expect(page.get_by_text("These objects are of different classes")).to_be_visible()
    painter.key("Escape")

    painter.key("x")
    painter.click(315, 80)
    painter.saved()
    assert not objects.ids(image)[300:330].any(), "both parts of it"
    painter.key("Control+z")
    painter.key("Control+z")
    painter.saved()
    ids = objects.ids(image)
    assert (np.unique(ids[60:120, 100:260]).tolist(), np.unique(ids[300:330]).tolist()) == ([3, 4], [0, 9])
    painter.key("Control+y")
    painter.saved()
    assert np.unique(objects.ids(image)[60:120, 100:260]).tolist() == [3]

    painter.key("b")
    painter.key("1")
    painter.key(";")
    painter.drag((230, 310), (230, 360))
    painter.saved()
    labels, coverage = objects.saved(image)
    stroke = (labels == 1) & (np.arange(SHAPE[1]) >= 300) & (np.arange(SHAPE[0])[:, None] > 150)
    assert np.unique(objects.ids(image)[stroke]).tolist() == [11], "a new object, although it touches another"
    assert coverage[60:120, 100:260].all(), "who merges has looked"

    seen = objects.ids(image)
    page.reload()
    painter.ready()
    np.testing.assert_array_equal(objects.ids(image), seen)
    painter.submit("objects")
    expect(page.get_by_text("1 object split, 2 merged, 1 new")).to_be_visible()
    (revision,) = objects.store.revisions.of_image(image.id, kind=RevisionKind.CORRECTION)
    written = open_pyramid(objects.store.revisions.pyramid_path(revision.id)).object_ids()
    assert written is not None
    np.testing.assert_array_equal(written.ids_yx, seen, "what the person saw")
    counts = {row["class_id"]: row["objects"] for row in revision.coverage}
    assert (counts[1], counts[2]) == (4, 1)
    learned = MergedIds(objects.store, [revision.id], SHAPE).whole()
    assert learned is not None
    assert np.unique(learned.ids_yx).tolist() == [0, 3, 5, 10, 11], "confirmed ones only"


def test_pieces_get_ids_and_an_object_that_is_cut_by_the_eraser_is_two(objects: Objects, page: Page) -> None:
    image = Tissue.image(objects, "bare")  # a nucleus without an id, rows 150 to 250, columns 100 to 200
    painter = Worker(page, objects, image).begin()
    painter.key("#")
    painter.key("2")
    expect(page.get_by_text("nucleus: no object ids. Each connected piece counts as one object.")).to_be_visible()
    page.get_by_role("button", name="Give each piece an id").click()
    expect(page.get_by_text("1 piece has an id now.")).to_be_visible()
    expect(page.get_by_role("button", name="Give each piece an id")).to_be_hidden()
    assert np.unique(objects.ids(image)).tolist() == [0, 1]
    page.mouse.move(*painter.at(60, 240))  # the viewer has the keys now
    painter.key("e")
    painter.drag((180, 80), (180, 220))
    painter.saved()
    ids = objects.ids(image)
    assert (np.unique(ids[150:165]).tolist(), np.unique(ids[215:250]).tolist()) == ([0, 2], [0, 1]), "largest keeps it"
    painter.key("Control+z")
    painter.saved()
    assert np.unique(objects.ids(image)).tolist() == [0, 1]


def test_questions_are_answered_by_key_and_the_count_and_the_next_training_follow(objects: Objects, page: Page) -> None:
    image = objects.doubtful("doubts")
    painter = Worker(page, objects, image).begin()
    panel = page.get_by_role("region", name="One or two?")
    painter.key("F2")
    expect(panel).to_contain_text("1 of 3")
    ready = page.locator(".questions[data-state=ready]")

    def press(key: str, then: str) -> None:
        expect(ready).to_have_count(1)
        expect(page.locator(".paint-bar")).not_to_have_class(re.compile("busy"))
        painter.key(key)
        expect(panel).to_contain_text(then)

    expect(panel).to_contain_text("now one")
    expect(page.locator(".question-cut .over")).to_have_attribute("d", re.compile("^M"))
    cut = page.locator(".question-cut .over").element_handle()
    page.wait_for_function("(path) => path.getBBox().height > 60", arg=cut)  # the view comes close, so that it is large
    press("2", "2 of 3")  # the second pair is two
    painter.saved()
    assert len(np.unique(objects.ids(image)[165:235, 60:190])) == 3, "two objects and the background"
    press("u", "1 of 3")
    painter.saved()
    assert len(np.unique(objects.ids(image)[165:235, 60:190])) == 2, "undone: one again, and asked again"
    press("2", "2 of 3")
    press("3", "3 of 3")  # the third pair is skipped; the first, which was hardly separated, comes last
    expect(panel).to_contain_text("now two")
    press("1", "2 of 3 answered, 1 skipped")
    expect(page.get_by_role("button", name="Ask the skipped ones again")).to_be_visible()
    painter.key("Escape")
    expect(panel).to_be_hidden()
    painter.saved()
    painter.submit("questions")
    (revision,) = objects.store.revisions.of_image(image.id, kind=RevisionKind.CORRECTION)
    row = next(row for row in revision.coverage if row["class_id"] == 1)
    assert (row["objects"], interval_of(row)) == (4, CountInterval(4, 5, 1)), "one, two, and the pair that is open"
    assert sorted(answer["answer"] for answer in revision.details["answers"]) == ["one", "two"]
    learned = MergedIds(objects.store, [revision.id], SHAPE).whole()
    assert learned is not None
    labels = np.where(learned.ids_yx > 0, np.uint8(1), np.uint8(255))
    seam = parting_target(SeparationWay.SEAMS, labels, learned.ids_yx, (1,))
    assert seam[170:230].any(), "two: a seam"
    assert not seam[:150].any(), "one: none"
    assert not learned.ids_yx[290:].any(), "nobody said anything there"


def test_where_nobody_looked_for_doubts_narrow_places_are_looked_for(objects: Objects, page: Page) -> None:
    image = Tissue.image(objects, "unasked")  # a nucleus, a square
    painter = Worker(page, objects, image).begin()
    painter.key("F2")
    panel = page.get_by_role("region", name="One or two?")
    expect(panel).to_contain_text("No doubts are recorded for this label map")
    page.get_by_role("button", name="Look for narrow places").click()
    expect(panel).to_contain_text("No doubtful places in this label map.")
