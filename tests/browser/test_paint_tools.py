"""Every tool with a real mouse: the pixels that it must change, no others, and undo brings back the very same."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from playwright.sync_api import Page
from scipy import ndimage
from skimage.draw import polygon2mask

from core.store.records import ImageRecord
from tests.browser.painter import SHAPE, Painter, Tissue, base_labels, served

pytestmark = pytest.mark.browser

EDGE = 340
"""Column where the image turns from dark to bright."""

NUCLEUS = base_labels() == 2
CORE = np.zeros(SHAPE, bool)
CORE[155:245, 105:195] = True
"""The nucleus without its rim."""


@pytest.fixture(scope="module")
def tissue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tissue]:
    with served(Tissue, tmp_path_factory.mktemp("tools")) as made:
        yield made


class Bench:
    """One image with an edge in it, and a painter before it."""

    def __init__(self, tissue: Tissue, page: Page, name: str) -> None:
        pixels = np.random.default_rng(sum(name.encode())).integers(58, 63, SHAPE, np.uint8)
        pixels[:, EDGE:] += 130
        self.tissue = tissue
        self.image: ImageRecord = tissue.image(name, pixels)
        self.painter = Painter(page, tissue, self.image).begin()
        self.painter.click(60, 40)  # the viewer has the keys, and the draft its tile
        self.painter.key("Control+z")
        self.painter.saved()

    @property
    def labels(self) -> np.ndarray:
        return self.tissue.saved(self.image)[0]

    def after(self, act: Callable[[], object]) -> np.ndarray:
        """Labels that the server has once this is done; undo must bring back what was there, redo what was made."""
        before = self.labels
        act()
        self.painter.saved()
        made = self.labels
        assert not np.array_equal(before, made), "nothing happened"
        self.painter.key("Control+z")
        self.painter.saved()
        assert np.array_equal(self.labels, before), "undo"
        self.painter.key("Control+Shift+z")
        self.painter.saved()
        assert np.array_equal(self.labels, made), "redo"
        return made

    def reset(self) -> None:
        """Undo everything since the beginning."""
        for _ in range(12):
            self.painter.key("Control+z")
        self.painter.saved()
        assert np.array_equal(self.labels, base_labels())


def test_polygon_fill_pick_lock_and_the_smart_brush(tissue: Tissue, page: Page) -> None:
    bench = Bench(tissue, page, "areas")
    painter = bench.painter
    painter.key("1")

    corners = [(265, 60), (275, 180), (345, 150), (335, 70)]  # the window cuts the image off below
    painter.key("g")
    made = bench.after(lambda: [*(painter.click(*corner) for corner in corners), painter.key("Enter")])
    drawn = made == 1
    expected = polygon2mask(SHAPE, np.array(corners))
    assert (drawn & expected).sum() / (drawn | expected).sum() > 0.97
    assert np.array_equal(made == 2, NUCLEUS)

    painter.key("2")
    painter.key("f")  # fills the object that is clicked, and nothing else
    filled = bench.after(lambda: painter.click(310, 110))
    assert np.array_equal(filled == 2, NUCLEUS | drawn)
    bench.reset()

    painter.key("1")
    painter.key("l")  # a closed outline: a ring, made of a large lasso and a small one that is erased within
    painter.drag((262, 60), (262, 200), (345, 200), (345, 60), (264, 60))
    painter.saved()
    ring = bench.labels == 1
    painter.key("0")
    painter.drag((280, 90), (280, 170), (325, 170), (325, 90), (282, 90))
    painter.saved()
    hole = ring & (bench.labels == 0)
    assert 0.7 < hole.sum() / (45 * 80) < 1.3
    painter.key("1")
    painter.key("f")
    assert np.array_equal(bench.after(lambda: painter.click(302, 130)) == 1, ring), "the hole, up to its outline"
    bench.reset()

    painter.key("k")  # pick the class under the pointer
    painter.click(200, 150)
    painter.key("b")
    made = bench.after(lambda: painter.drag((60, 60), (60, 120)))
    assert (made[60, 70:110] == 2).all()
    assert not (made == 1).any()
    bench.reset()

    page.get_by_role("button", name="Lock nucleus", exact=False).click()
    painter.key("1")
    made = bench.after(lambda: painter.drag((200, 40), (200, 260)))
    assert np.array_equal(made == 2, NUCLEUS), "a locked class is not painted over"
    assert made[200, 60] == 1
    assert made[200, 240] == 1
    page.get_by_role("button", name="Lock nucleus", exact=False).click()
    bench.reset()

    painter.key("w")  # the brush reaches over the edge, the smart one stops there
    painter.key("1")
    made = bench.after(lambda: painter.drag((60, EDGE - 6), (330, EDGE - 6)))
    assert (made[80:300, EDGE - 8] == 1).all()
    assert not (made[:, EDGE + 2 :] == 1).any()


def test_tools_for_whole_objects(tissue: Tissue, page: Page) -> None:
    bench = Bench(tissue, page, "objects")
    painter = bench.painter

    painter.key(".")
    grown = bench.after(lambda: painter.click(200, 150)) == 2
    rim = grown & ~NUCLEUS
    step = round(rim.sum() / (4 * 100))
    assert step >= 1
    assert grown[NUCLEUS].all()
    assert not (grown & ~ndimage.binary_dilation(NUCLEUS, np.ones((3, 3)), iterations=step)).any()
    bench.reset()

    painter.key(",")
    shrunk = bench.after(lambda: painter.click(200, 150)) == 2
    assert not (shrunk & ~NUCLEUS).any()
    assert shrunk[ndimage.binary_erosion(NUCLEUS, np.ones((3, 3)), iterations=step)].all()
    assert shrunk.sum() < NUCLEUS.sum()
    bench.reset()

    painter.key("s")
    painter.drag((200, 60), (200, 240))
    painter.saved()
    assert np.array_equal(bench.labels, base_labels()), "two objects now, and no pixel is lost between them"
    painter.key("1")
    painter.key("r")
    made = bench.after(lambda: painter.click(170, 150)) == 1
    assert made[155:195, 105:195].all()
    assert not made[205:245].any(), "one half only"
    assert not (made & ~NUCLEUS).any()
    bench.reset()

    painter.key("2")
    painter.key("b")
    painter.drag((150, 150), (120, 150))  # a spike
    painter.saved()
    spiked = bench.labels == 2
    painter.key("t")
    smooth = bench.after(lambda: painter.click(200, 150)) == 2
    assert smooth[CORE].all()
    assert spiked[249, 100]
    assert not smooth[249, 100], "corners are rounded"
    changed = smooth ^ spiked
    far = ~ndimage.binary_dilation(spiked ^ ndimage.binary_erosion(spiked), iterations=8)
    assert not (changed & far).any(), "only the outline changes"
    bench.reset()

    painter.key("x")
    assert not (bench.after(lambda: painter.click(200, 150)) == 2).any()
