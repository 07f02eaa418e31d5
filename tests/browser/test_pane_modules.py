"""The arithmetic of the linked panes, run where it runs and checked against Python's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.evaluation.error_map import RIGHT, UNCOVERED, error_map, outcome_map, split_error
from core.evaluation.label_pair import LabelPair
from core.evaluation.settings import EvaluationSettings
from core.label_scheme import DEFAULT_SCHEME
from tests.browser.conftest import Run

pytestmark = pytest.mark.browser

PIXELS = "viewer/static/panes/error_pixels.js"
TILES = "viewer/static/panes/pair_tiles.js"
LAYOUT = "viewer/static/panes/pane_layout.js"
PLAN = "viewer/static/panes/pane_plan.js"
PLACE = "viewer/static/place.js"


@pytest.fixture(scope="module")
def pair() -> LabelPair:
    rng = np.random.default_rng(4)
    reference = rng.choice(np.array([0, 1, 2, 3, 255], np.uint8), (30, 40))
    prediction = np.where(rng.random((30, 40)) < 0.5, reference, rng.integers(0, 6, (30, 40))).astype(np.uint8)
    prediction[prediction == 255] = 5
    return LabelPair(reference, prediction, DEFAULT_SCHEME, EvaluationSettings())


def js(array: NDArray[np.uint8]) -> str:
    return f"Uint8Array.from({array.ravel().tolist()})"


def both(run: Run, function: str, pair: LabelPair) -> NDArray[np.uint8]:
    out = run(PIXELS, f"[...m.{function}({js(pair.reference_yx)}, {js(pair.prediction_yx)})]")
    return np.array(out, np.uint8).reshape(pair.reference_yx.shape)


def test_errors_are_those_of_the_evaluation(run: Run, pair: LabelPair) -> None:
    codes = error_map(pair)
    said, is_ = both(run, "takenFor", pair), both(run, "mistaken", pair)
    wrong = (codes != RIGHT) & (codes != UNCOVERED)
    assert 200 < wrong.sum() < codes.size - 200
    assert [split_error(int(code)) for code in codes[wrong]] == list(zip(is_[wrong], said[wrong], strict=True))
    assert not said[codes == RIGHT].any() and not is_[~wrong].any()
    assert (said[codes == UNCOVERED] == 255).all()


@pytest.mark.parametrize("class_id", [0, 1, 3])
def test_outcomes_of_a_class_are_those_of_the_evaluation(run: Run, pair: LabelPair, class_id: int) -> None:
    got = both(run, f"outcomesOf({class_id})", pair)
    assert set(np.unique(got)) == {0, 1, 2, 3, 255}
    np.testing.assert_array_equal(got, outcome_map(pair, class_id))


def test_a_pixel_that_is_not_predicted_yet_is_no_error(run: Run) -> None:
    maps = "Uint8Array.of(1, 0), Uint8Array.of(255, 255)"
    got = run(PIXELS, f"[m.takenFor({maps}), m.mistaken({maps}), m.outcomesOf(1)({maps})].map((a) => [...a])")
    assert got == [[255, 255], [0, 0], [255, 255]]


@pytest.mark.parametrize(
    ("is_", "said", "text"),
    [
        ("1", "3", "reference: c1, predicted: c3"),
        ("1", "0", "reference: c1, predicted: c0"),
        ("2", "2", "c2, correct"),
        ("255", "2", "not annotated"),
        ("2", "255", "reference: c2, not predicted"),
        ("undefined", "2", "predicted: c2"),
        ("2", "undefined", "reference: c2"),
        ("undefined", "undefined", ""),
        ("null", "2", ""),
        ("2", "null", ""),
    ],
)
def test_pixels_in_words(run: Run, is_: str, said: str, text: str) -> None:
    assert run(PIXELS, pair_text(is_, said, "errors")) == text


def pair_text(is_: str, said: str, story: str) -> str:
    words = f"import('./panes/stories.js').then((found) => found.STORIES.{story}.pixel)"
    return f"{words}.then((words) => m.pairText({is_}, {said}, (id) => 'c' + id, words))"


@pytest.mark.parametrize(
    ("was", "now", "text"),
    [
        ("1", "0", "before: c1, after: c0"),
        ("2", "2", "c2, unchanged"),
        ("255", "2", "not labelled before"),
        ("2", "255", "before: c2, not labelled now"),
        ("undefined", "2", "after: c2"),
    ],
)
def test_changes_in_words(run: Run, was: str, now: str, text: str) -> None:
    assert run(PIXELS, pair_text(was, now, "changes")) == text


def test_pair_tiles_wait_for_both_are_kept_and_follow_a_change(run: Run) -> None:
    script = """(() => {
      const store = () => ({ map: new Map(), get(...key) { return this.map.get(key.join("/")); } });
      const [one, two] = [store(), store()];
      const tile = (value) => ({ data: Uint8Array.of(value), width: 1, height: 1, level: 2, row: 0, col: 1 });
      let made = 0;
      const pair = new m.PairTiles(one, two, (a, b) => { made += 1; return Uint8Array.of(a[0] + b[0]); });
      const seen = [];
      const look = () => seen.push([pair.get(2, 0, 1)?.data[0] ?? null, made]);
      look();
      one.map.set("2/0/1", tile(3));
      look();
      two.map.set("2/0/1", tile(4));
      look();
      look();
      two.map.set("2/0/1", tile(5));
      look();
      const { level, row, col, width } = pair.get(2, 0, 1);
      return [seen, { level, row, col, width }];
    })()"""
    seen, tile = run(TILES, script)
    assert seen == [[None, 0], [None, 0], [7, 1], [7, 1], [8, 2]]
    assert tile == {"level": 2, "row": 0, "col": 1, "width": 1}


@pytest.mark.parametrize(
    ("count", "width", "height", "aspect", "columns"),
    [
        (4, 1000, 600, 1.0, 2),
        (4, 2400, 500, 1.0, 4),
        (4, 600, 2000, 1.0, 1),
        (3, 1200, 520, 1.0, 3),
        (5, 1100, 700, 1.0, 3),
        (2, 1000, 600, 3.0, 2),
        (2, 1000, 900, 0.2, 1),
        (1, 800, 500, 1.0, 1),
    ],
)
def test_panes_fill_the_room(run: Run, count: int, width: int, height: int, aspect: float, columns: int) -> None:
    got = run(LAYOUT, f"m.layout({count}, {width}, {height}, {aspect})")
    assert got["columns"] == columns
    assert got["rows"] * columns >= count
    assert columns * got["width"] + (columns - 1) * 2 <= width
    assert got["rows"] * got["height"] + (got["rows"] - 1) * 2 <= height
    assert all(isinstance(got[side], int) for side in ("width", "height"))


def test_panes_are_stacked_where_it_is_narrow(run: Run) -> None:
    assert run(LAYOUT, "[m.isStacked(4, 400), m.isStacked(1, 400), m.isStacked(4, 800)]") == [True, False, False]
    assert run(LAYOUT, "m.stackedHeight(3, 400, 0.7)") == 3 * 280 + 2 * 2
    assert run(LAYOUT, "m.stackedHeight(2, 400, 5)") == 2 * 320 + 2
    assert run(LAYOUT, "m.layout(4, 400, 1200, 1, true).columns") == 1


def plan(run: Run, *, mode: str = "panes", sides: tuple[str, ...], gone: str = "") -> list[Any]:
    layers = [{"side": side, "name": f"name of {side}"} for side in sides]
    props = f"{{ mode: '{mode}', panes: ['image', 'reference', 'errors'], layers: {layers} }}"
    return [(p["title"], p["sides"], p["note"]) for p in run(PLAN, f"m.panesOf({props}, new Map([{gone}]))")]


def test_a_pane_for_every_kind_and_every_further_map(run: Run) -> None:
    assert plan(run, sides=("reference", "prediction", "other-0")) == [
        ("Image", ["image"], ""),
        ("Reference", ["reference"], ""),
        ("name of other-0", ["other-0"], ""),
        ("Errors", ["errors"], ""),
    ]


def test_before_and_after_are_called_so(run: Run) -> None:
    props = "{ mode: 'panes', panes: ['reference', 'prediction', 'errors'], layers: [], story: 'changes' }"
    panes = run(PLAN, f"m.panesOf({props})")
    assert [pane["title"] for pane in panes] == ["Before", "After", "Changes"]
    assert panes[0]["note"] == "The draft started from an empty label map."


def test_what_is_missing_is_told_in_its_pane(run: Run) -> None:
    no_reference = "This image has no reference."
    assert plan(run, sides=("prediction",)) == [
        ("Image", ["image"], ""),
        ("Reference", [], no_reference),
        ("Errors", [], f"{no_reference} There is nothing to compare."),
    ]
    assert plan(run, sides=("prediction",), mode="swipe") == [
        ("Prediction", ["prediction"], f"{no_reference} There is nothing to compare.")
    ]
    assert plan(run, sides=("reference", "prediction"), gone="['reference', 'It was deleted.']")[1] == (
        "Reference", [], "It was deleted.",
    )  # fmt: skip


def test_a_place_fills_half_of_the_view_and_a_pixel_keeps_its_surroundings(run: Run) -> None:
    place = "{ row: 100, column: 200, height_px: %d, width_px: %d }"
    assert run(PLACE, f"m.viewOfPlace({place % (50, 400)}, 800, 600)") == {"row": 125, "col": 400, "zoom": 1}
    assert run(PLACE, f"m.viewOfPlace({place % (1, 1)}, 800, 600)") == {"row": 100.5, "col": 200.5, "zoom": 4}


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("width", [560, 640, 760, 1300])
def test_no_pane_is_too_narrow_to_recognise_an_organelle(run: Run, count: int, width: int) -> None:
    """Three panes side by side were 180 px wide each."""
    found = run(LAYOUT, f"m.layout({count}, {width}, 700, 1)")
    assert found["width"] >= 240
    assert found["columns"] * found["rows"] >= count
