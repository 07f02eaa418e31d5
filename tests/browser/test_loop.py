"""The loop on real micrographs: correct, review with a marked box, mend, approve, train a round, promote, predict."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage
from playwright.sync_api import Browser, Locator, Page, expect

from core.datasets.folder import read_classes
from core.engine.engine import stop_engine
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.jobs.rows import active_jobs
from core.label_scheme import LabelScheme
from core.morphometry.coverage import coverage_table
from core.review.discussion import marks
from core.review.queue import QueueFilter, queue
from core.review.records import Review, ReviewState
from core.settings import ROOT
from core.store import RevisionKind, Split, Store
from core.store.records import ImageRecord
from core.store.round_records import RoundDecision, Step
from tests.browser.conftest import Server, streamlit_server
from tests.browser.painter import LONG_MS, SHAPE, Painter

pytestmark = pytest.mark.browser

NM = 4.6
TRAINING_MS = 420_000


class Lab:
    """Crops of real sections: two to learn from, two to test on, one of the pool that somebody has segmented."""

    def __init__(self, server: Server, vnc: Path) -> None:
        self.server = server
        self.store = Store(server.settings)
        self.scheme = read_classes(vnc)
        self.project = self.store.projects.create("Nerve cord", self.scheme)
        self.add(vnc, "vnc_00", Split.TRAIN)
        self.add(vnc, "vnc_04", Split.TRAIN)
        self.add(vnc, "vnc_12", Split.TEST)
        self.add(vnc, "vnc_13", Split.TEST)
        self.image = self.add(vnc, "vnc_08", Split.POOL)

    def add(self, vnc: Path, name: str, split: Split) -> ImageRecord:
        """A crop, with its reference unless it is of the pool: that one has a prediction without mitochondria."""
        where = slice(0, SHAPE[0]), slice(0, SHAPE[1])
        pixels, labels = (
            np.array(np.asarray(PilImage.open(vnc / part / f"{name}.png"))[where]) for part in ("images", "labels")
        )
        record = self.store.images.add(self.project.id, Image(pixels, PixelSize.from_user(NM), name), split=split)
        pool = split is Split.POOL
        if pool:
            labels[labels == self.class_id("mitochondria")] = 0
        kind = RevisionKind.PREDICTION if pool else RevisionKind.REFERENCE
        begun = self.store.revisions.begin(record.id, kind, model_id="earlier" if pool else None)
        write_label_pyramid(self.store.revisions.pyramid_path(begun.id), labels, pixel_size_nm=NM, scheme=self.scheme)
        rows = coverage_table(labels, self.scheme, NM)
        self.store.revisions.complete(begun.id, coverage=[row.to_json() for row in rows])
        return record

    def class_id(self, name: str) -> int:
        return next(item.id for item in self.scheme.classes if item.name == name)

    def review(self) -> Review:
        """The newest."""
        found = queue(self.store, self.project.id, QueueFilter(states=frozenset(ReviewState)), person="")
        return max(found, key=lambda each: each.created_at)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("loop")
    models = folder / "models"
    models.mkdir()
    (models / "starter").symlink_to(ROOT / "models" / "starter", target_is_directory=True)
    with streamlit_server(ROOT / "app.py", folder, CRISTAE_MODELS_DIR=str(models)) as server:
        made = Lab(server, shared_data / "vnc")
        yield made
        made.store.close()
    stop_engine(server.settings)


def person(browser: Browser, lab: Lab, name: str) -> Page:
    """Somebody's own browser."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(LONG_MS)
    context.add_cookies([{"name": "cristae_name", "value": name, "url": lab.server.url}])
    return context.new_page()


def press_until(page: Page, name: str | re.Pattern[str], effect: Locator) -> None:
    """Press a button; again where the page was just being drawn anew and the click was lost."""
    for _ in range(4):
        page.wait_for_timeout(1000)
        button = page.get_by_role("button", name=name, exact=isinstance(name, str))
        if button.is_visible():
            button.click()
        try:
            expect(effect.first).to_be_visible(timeout=8000)
        except AssertionError:
            continue
        return
    expect(effect.first).to_be_visible()


@pytest.mark.timeout(900)
def test_from_a_correction_to_a_better_model_in_use(lab: Lab, browser: Browser) -> None:
    assert isinstance(lab.scheme, LabelScheme)
    ada, rita = person(browser, lab, "Ada"), person(browser, lab, "Rita")
    key = next(item.key for item in lab.scheme.classes if item.name == "mitochondria")

    # Ada corrects and submits
    painter = Painter(ada, lab, lab.image).begin()
    painter.click(60, 240)
    painter.key("Control+z")
    painter.key("b")
    painter.key(key)
    painter.drag((80, 300), (80, 400))
    painter.saved()
    painter.key("q")
    painter.drag((150, 50), (250, 250))
    painter.saved()
    painter.submit("one mitochondrion was missing")
    first = lab.review()
    assert first.state is ReviewState.SUBMITTED

    # Rita marks a place and asks for changes
    rita.goto(f"{lab.server.url}/review?project={lab.project.id}")
    rita.get_by_role("button", name="Review next").click()
    expect(rita.get_by_text("“one mitochondrion was missing”")).to_be_visible()
    rita.get_by_text("Mark places for the author").click()
    rita.get_by_label("What to fix").fill("a second one is here")
    rita.get_by_label("What to fix").press("Enter")
    canvas = rita.locator(".upper-canvas")
    expect(canvas).to_be_visible()
    add = rita.get_by_role("button", name="Add 1 mark")
    for _ in range(4):  # the page above may still grow and move the canvas away
        rita.wait_for_timeout(1500)
        canvas.evaluate("element => element.scrollIntoView({ block: 'center' })")
        rita.wait_for_timeout(300)
        box = canvas.bounding_box()
        assert box is not None
        rita.mouse.move(box["x"] + 100, box["y"] + 100)
        rita.mouse.down()
        rita.mouse.move(box["x"] + 260, box["y"] + 200, steps=8)
        rita.mouse.up()
        rita.wait_for_timeout(2500)
        if add.is_visible():
            break
    add.click()
    expect(rita.get_by_text("a second one is here").first).to_be_visible()
    (mark,) = marks(lab.store, first.revision_id)
    assert mark.author == "Rita"
    rita.get_by_label("Reason").fill("see the mark")
    rita.get_by_label("Reason").press("Control+Enter")
    press_until(rita, "Request changes", rita.get_by_text("Changes requested by Rita", exact=False))
    assert lab.review().state is ReviewState.CHANGES_REQUESTED

    # Ada sees what is asked, mends it and submits again
    painter = Painter(ada, lab, lab.image)
    expect(ada.get_by_text("Rita requested changes", exact=False)).to_be_visible()
    painter.begin()
    expect(ada.get_by_text("1 place marked, 1 unresolved", exact=False)).to_be_visible()
    painter.click(60, 240)
    painter.key("Control+z")
    painter.key("b")
    painter.key(key)
    painter.drag((320, 300), (320, 400))
    painter.saved()
    painter.submit("and the second one")
    second = lab.review()
    assert second.revision_id != first.revision_id
    labels = lab.store.revisions.get(second.revision_id).details["covered"]
    assert sum(labels.values()) > 100 * 200, "the region of the first submission is still confirmed"

    # Rita approves
    rita.goto(f"{lab.server.url}/review?project={lab.project.id}")
    rita.get_by_role("button", name="Review next").click()
    expect(rita.get_by_text("“and the second one”")).to_be_visible()
    expect(rita.get_by_text("On earlier submissions: 1 mark, 1 unresolved")).to_be_visible()
    press_until(rita, "Approve", rita.get_by_text("Approved by Rita", exact=False))

    # a round: one button, then her decision
    rita.goto(f"{lab.server.url}/train?project={lab.project.id}&section=rounds")
    expect(rita.get_by_text("3 images for training", exact=False)).to_be_visible()
    minutes = rita.get_by_role("spinbutton", name="Minutes of training")
    minutes.fill("1")
    minutes.press("Enter")
    press_until(rita, "Start round", rita.get_by_role("button", name="Cancel"))
    wanted = re.compile("Promote (model|anyway)")
    promote = rita.get_by_role("button", name=wanted)
    expect(promote).to_be_visible(timeout=TRAINING_MS)
    expect(
        rita.get_by_text(re.compile("^(Passed|Failed|Too few|These test images cannot)|First model")).first
    ).to_be_visible()
    (record,) = lab.store.rounds.of_project(lab.project.id)
    assert record.step is Step.DECIDE
    assert record.comparison is not None
    rita.get_by_label("Reason").fill("the first one for this tissue")
    rita.get_by_label("Reason").press("Enter")
    told = re.compile(r"Current model: .+, promoted .+ UTC by Rita\. the first one for this tissue")
    press_until(rita, wanted, rita.get_by_text(told))
    record = lab.store.rounds.get(record.id)
    assert record.decision in (RoundDecision.PROMOTED, RoundDecision.OVERRIDDEN)

    # the pool is predicted with it, and that is what Ada is offered next
    for _ in range(120):
        if lab.store.revisions.of_image(lab.image.id, kind=RevisionKind.PREDICTION, model_id=record.model_id):
            break
        rita.wait_for_timeout(1000)
    found = lab.store.revisions.of_image(lab.image.id, kind=RevisionKind.PREDICTION, model_id=record.model_id)
    assert found, [row.message for row in active_jobs(store=lab.store)]
    ada.goto(f"{lab.server.url}/correct?project={lab.project.id}&image={lab.image.id}")
    expect(ada.get_by_text("History: 4 label maps")).to_be_visible()
    ada.context.close()
    rita.context.close()
