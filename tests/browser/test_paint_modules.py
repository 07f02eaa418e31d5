"""The arithmetic of painting, run where it runs (Chromium) and checked against NumPy and SciPy."""

from __future__ import annotations

import base64
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser
from scipy import ndimage

from core.imaging.downsample import halve_majority
from core.imaging.object_pyramid import ObjectIds
from core.imaging.pyramid import open_pyramid, write_label_pyramid
from core.objects.carried_ids import carry_ids
from ui.viewer.assets import BUNDLES

pytestmark = pytest.mark.browser

Run = Callable[[str, str], Any]

EIGHT = np.ones((3, 3), int)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}  # noqa: RUF012

    def log_message(self, *_: object) -> None:
        """Say nothing."""


HELPERS = """
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const text = (a) => { let s = ""; for (const v of a) s += String.fromCharCode(v); return btoa(s); };
const painted = (p) => ({ row: p.row, col: p.col, height: p.height, width: p.width, mask: text(p.mask) });
const planeTiles = (M, labels, height, width, tilePx, levels) => new M.PaintTiles({
  size: { height, width }, tilePx, levels, load: async (row, col) => {
    const h = Math.min(tilePx, height - row * tilePx), w = Math.min(tilePx, width - col * tilePx);
    const out = new Uint8Array(h * w);
    for (let y = 0; y < h; y += 1)
      for (let x = 0; x < w; x += 1) out[y * w + x] = labels[(row * tilePx + y) * width + col * tilePx + x];
    return { labels: out, coverage: null };
  } });
"""


@pytest.fixture(scope="module")
def run(browser: Browser) -> Iterator[Run]:
    """Evaluate a function body in which ``m`` is a module of paint/ and ``load(name)`` another one."""
    folder = BUNDLES["viewer"]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        base = f"http://127.0.0.1:{server.server_port}/paint"
        page.goto(f"{base}/paint.css")

        def evaluate(module: str, body: str) -> Any:
            script = (
                f"{HELPERS} const load = (n) => import(`{base}/${{n}}.js`); const m = await load('{module}'); {body}"
            )
            return page.evaluate(f"async () => {{ {script} }}")

        yield evaluate
        page.close()
        server.shutdown()


def packed(array: NDArray[np.uint8]) -> str:
    return f"bytes('{base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()}')"


def unpacked(text: str, shape: tuple[int, int]) -> NDArray[np.uint8]:
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(shape)


def on_image(patch: dict[str, Any], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """A patch's mask in the place where it lies."""
    out = np.zeros(shape, bool)
    mask = unpacked(patch["mask"], (patch["height"], patch["width"]))
    out[patch["row"] : patch["row"] + patch["height"], patch["col"] : patch["col"] + patch["width"]] = mask
    return out


def centres(shape: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows, cols = np.indices(shape)
    return rows + 0.5, cols + 0.5


def segment_distance(shape: tuple[int, int], a: tuple[float, float], b: tuple[float, float]) -> NDArray[np.float64]:
    """Distance of every pixel's centre to a segment."""
    rows, cols = centres(shape)
    dr, dc = b[0] - a[0], b[1] - a[1]
    along = np.clip(((rows - a[0]) * dr + (cols - a[1]) * dc) / max(dr * dr + dc * dc, 1e-12), 0, 1)
    return np.hypot(rows - a[0] - along * dr, cols - a[1] - along * dc)


def blobs(shape: tuple[int, int], seed: int, classes: int = 3) -> NDArray[np.uint8]:
    """Random objects of some classes."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(classes, *shape)), (0, 3, 3))
    best = noise.argmax(0)
    return np.where(noise.max(0) > 0.04, best + 1, 0).astype(np.uint8)


@pytest.mark.parametrize(
    ("a", "b", "radius"),
    [((20.3, 30.7), (41.2, 55.1), 7.5), ((3.0, 2.0), (3.0, 2.0), 6.0), ((-4.0, 50.0), (70.0, 95.0), 9.3)],
    ids=["slanted", "a dot at the corner", "beyond the edges"],
)
def test_brush_marks_what_lies_within_its_radius(
    run: Run, a: tuple[float, float], b: tuple[float, float], radius: float
) -> None:
    shape = (60, 90)
    point = "{ row: %r, col: %r, radius: %r }"
    size = "{ height: 60, width: 90 }"
    patch = run("shapes", f"return painted(m.capsule({point % (*a, radius)}, {point % (*b, radius)}, {size}));")
    np.testing.assert_array_equal(on_image(patch, shape), segment_distance(shape, a, b) <= radius)


def test_a_brush_below_one_pixel_marks_the_pixel_that_it_is_in(run: Run) -> None:
    point = "{ row: 4.05, col: 7.9, radius: 0.2 }"
    patch = run("shapes", f"return painted(m.capsule({point}, {point}, {{ height: 9, width: 9 }}));")
    assert np.argwhere(on_image(patch, (9, 9))).tolist() == [[4, 7]]


def even_odd(shape: tuple[int, int], corners: list[tuple[float, float]]) -> NDArray[np.bool_]:
    """Pixels whose centre has an odd number of crossings to its left."""
    rows, cols = centres(shape)
    inside = np.zeros(shape, bool)
    for (r0, c0), (r1, c1) in zip(corners, corners[1:] + corners[:1], strict=True):
        if r0 == r1:
            continue
        crosses = (rows >= min(r0, r1)) & (rows < max(r0, r1))
        inside ^= crosses & (c0 + (rows - r0) * (c1 - c0) / (r1 - r0) <= cols)
    return inside


@pytest.mark.parametrize("seed", range(3))
def test_polygons_are_filled_by_the_even_odd_rule(run: Run, seed: int) -> None:
    shape = (70, 80)
    corners = [tuple(map(float, p)) for p in np.random.default_rng(seed).uniform(-10, 85, (7, 2)).round(2)]
    points = json.dumps([{"row": r, "col": c} for r, c in corners])
    patch = run("shapes", f"return painted(m.polygon({points}, {{ height: 70, width: 80 }}));")
    np.testing.assert_array_equal(on_image(patch, shape), even_odd(shape, corners))  # type: ignore[arg-type]


@pytest.mark.parametrize("radius", [1, 2, 5])
def test_outlines_grow_shrink_and_smooth_by_discs(run: Run, radius: int) -> None:
    mask = (blobs((64, 75), 4) == 1).astype(np.uint8)
    args = f"{packed(mask)}, 64, 75, {radius}"
    out = run("outlines", f"return [m.grown({args}), m.shrunk({args}), m.smoothed({args})].map(text);")
    grown, shrunk, smoothed = (unpacked(text, mask.shape).astype(bool) for text in out)
    inside = mask.astype(bool)
    np.testing.assert_array_equal(grown, ndimage.distance_transform_edt(~inside) <= radius)
    np.testing.assert_array_equal(shrunk, ndimage.distance_transform_edt(inside) > radius)
    rows, cols = np.indices((2 * radius + 1, 2 * radius + 1)) - radius
    disc = (rows**2 + cols**2 <= radius**2).astype(int)
    votes = ndimage.convolve(mask.astype(int), disc, mode="constant")
    places = ndimage.convolve(np.ones(mask.shape, int), disc, mode="constant")
    np.testing.assert_array_equal(smoothed, np.where(2 * votes == places, inside, 2 * votes > places))


@pytest.mark.parametrize("shape", [(64, 64), (37, 51)], ids=["even", "odd"])
def test_coarser_levels_are_what_the_server_makes(run: Run, shape: tuple[int, int]) -> None:
    labels = np.random.default_rng(1).choice(np.array([0, 1, 2, 5, 255], np.uint8), shape)
    after = labels.copy()
    after[5:20, 11:30] = 3
    script = (
        f"const plane = {packed(labels)}; const levels = m.coarseLevels(plane, {shape[0]}, {shape[1]}, 3);"
        f" for (let y = 5; y < 20; y += 1) plane.fill(3, y * {shape[1]} + 11, y * {shape[1]} + 30);"
        f" m.updateCoarse(plane, {shape[0]}, {shape[1]}, levels, {{ row: 5, col: 11, height: 15, width: 19 }});"
        " return levels.map((level) => text(level.data));"
    )
    expected = after
    for text in run("halving", script):
        expected = halve_majority(expected)
        np.testing.assert_array_equal(unpacked(text, expected.shape), expected)  # type: ignore[arg-type]


@pytest.mark.parametrize("corners", [True, False], ids=["eight neighbours", "four neighbours"])
def test_objects_are_found_across_tiles(run: Run, corners: bool) -> None:
    labels = blobs((70, 93), 11)
    parts, _ = ndimage.label(labels == 2, EIGHT if corners else None)
    largest = int(np.bincount(parts[parts > 0]).argmax())
    row, col = np.argwhere(parts == largest)[0]
    script = (
        f"const t = planeTiles(await load('paint_tiles'), {packed(labels)}, 70, 93, 16, 1);"
        f" const o = await m.objectAt(t, {row}, {col}, {{ corners: {str(corners).lower()} }});"
        " return [o.label, o.pixels, painted(m.windowOf(o, 3, t.size))];"
    )
    label, pixels, window = run("objects", script)
    assert (label, pixels) == (2, int((parts == largest).sum()))
    np.testing.assert_array_equal(on_image(window, labels.shape), parts == largest)
    assert window["row"] == max(0, int(np.argwhere(parts == largest)[:, 0].min()) - 3)


def test_too_large_an_object_is_refused(run: Run) -> None:
    script = (
        f"const t = planeTiles(await load('paint_tiles'), {packed(np.ones((64, 64), np.uint8))}, 64, 64, 16, 1);"
        " try { await m.objectAt(t, 1, 1, { most: 4 }); } catch (e) { return [e instanceof m.TooLarge, e.message]; }"
    )
    assert run("objects", script) == [
        True,
        "This object lies in more than 4 tiles of 16 px and is too large to edit as a whole.",
    ]


SMART = "const patch = { row: 0, col: 0, height: 21, width: 21, mask: new Uint8Array(441).fill(1) };"


def test_the_smart_brush_takes_similar_grey_values_that_are_connected(run: Run) -> None:
    grey = np.full((21, 21), 100, np.uint8)
    grey[:, 9:12] = 200  # a wall three pixels wide, so softening does not open it
    script = (
        f"{SMART} return text(m.smartMask(patch, {packed(grey)}, {{ row: 10, col: 3 }},"
        " { mode: 'similar', tolerance: 20, reference: 100 }));"
    )
    mask = unpacked(run("smart", script), grey.shape)
    assert mask[:, :8].all()
    assert not mask[:, 8:].any()


def test_the_smart_brush_stops_at_strong_edges_only(run: Run) -> None:
    grey = np.repeat(np.linspace(100, 130, 21).round().astype(np.uint8)[None], 21, axis=0)  # a gentle slope
    grey[:, 14:] = 220
    script = (
        f"{SMART} return text(m.smartMask(patch, {packed(grey)}, {{ row: 10, col: 3 }},"
        " { mode: 'edges', tolerance: 12, reference: 0 }));"
    )
    mask = unpacked(run("smart", script), grey.shape)
    assert mask[:, :12].all()
    assert not mask[:, 14:].any()


@pytest.mark.parametrize("col", [9.7, 22.3], ids=["from the left", "from the right"])
def test_the_smart_brush_sees_an_edge_just_outside_itself(run: Run, col: float) -> None:
    """The rim of the brush took steep pixels, for the grey values beyond it were not looked at."""
    grey = np.full((32, 32), 100, np.uint8)
    grey[:, 16:] = 200  # steep: columns 14 to 17
    body = f"""
      const grey = {packed(grey)}, out = new Uint8Array(1024), size = {{ height: 32, width: 32 }};
      const window = ({{ row, col, height, width }}) => Uint8Array.from({{ length: height * width }},
        (_, i) => grey[(row + Math.floor(i / width)) * 32 + col + (i % width)]);
      const put = (tile, patch) => patch.mask.forEach((value, i) => {{
        out[(patch.row + Math.floor(i / patch.width)) * 32 + patch.col + (i % patch.width)] |= value; }});
      const tiles = {{ size, under: () => [[0, 0]], peek: () => ({{}}), paintTile: put }};
      const choice = {{ smart: "edges", tolerance: 12 }};
      const stroke = new m.Stroke({{ tiles, choice, grey: {{ read: window }}, newStep: () => ({{}}) }}, "smart", {{}});
      stroke.moveTo({{ row: 16.2, col: {col}, radius: 5 }});
      return text(out);
    """
    mask = unpacked(run("stroke", body), grey.shape).astype(bool)
    place = (16.2, col)
    steep = np.zeros((32, 32), bool)
    steep[:, 14:18] = True
    np.testing.assert_array_equal(mask, (segment_distance((32, 32), place, place) <= 5) & ~steep)


def test_undo_and_redo_restore_labels_coverage_and_counts(run: Run) -> None:
    labels = blobs((70, 93), 3)
    script = f"""
      const {{ History }} = await load('history'); const {{ capsule }} = await load('shapes');
      const t = planeTiles(m, {packed(labels)}, 70, 93, 32, 3), h = new History(), locked = new Uint8Array(256);
      locked[2] = 1;
      const all = {{ row: 0, col: 0, height: 70, width: 93 }};
      await t.ensure(t.under(all));
      const read = (plane) => {{
        const out = new Uint8Array(70 * 93);
        t.eachPart(all, (tile, p) => {{
          for (let y = 0; y < p.height; y += 1) for (let x = 0; x < p.width; x += 1)
            out[(p.top + y) * 93 + p.left + x] = tile[plane]?.[(p.row + y) * tile.width + p.col + x] ?? 0;
        }});
        return text(out);
      }};
      const states = [];
      const counts = () => [...t.covered].filter(([, n]) => n).sort().join(';');
      const keep = () => states.push([read('labels'), read('coverage'), counts()]);
      keep();
      for (let n = 0; n < 400; n += 1) {{
        const step = {{ name: 'brush', tiles: new Map() }};
        const at = (k) => ({{ row: (n * 37 + k * 11) % 70, col: (n * 53 + k * 17) % 93, radius: 1 + n % 9 }});
        t.paint(capsule(at(0), at(1), t.size), {{ label: n % 7 === 6 ? m.LEAVE : n % 4, cover: 1, locked }}, step);
        if (h.push(step)) keep();
      }}
      const steps = h.past.length, last = states.length - 1; let same = true;
      const equal = (k) => {{
        return read('labels') === states[k][0] && read('coverage') === states[k][1] && counts() === states[k][2];
      }};
      for (let k = last - 1; k >= 0; k -= 1) {{ t.replay(h.take(true), true); same &&= equal(k); }}
      const none = h.canUndo;
      for (let k = 1; k <= last; k += 1) {{ t.replay(h.take(false), false); same &&= equal(k); }}
      return [steps, last, same, none, h.canRedo, states[last][0], h.bytes];"""
    steps, last, same, undoable, redoable, final, weight = run("paint_tiles", script)
    assert steps == last
    assert steps >= 200
    assert same
    assert not undoable
    assert not redoable
    painted = unpacked(final, labels.shape)
    assert (painted[labels == 2] == 2).all()  # class 2 was locked all the time
    assert weight < 2_000_000


def test_history_forgets_the_oldest_steps_only_beyond_its_least(run: Run) -> None:
    script = """
      const { Runs } = await load('runs');
      const h = new m.History({ leastSteps: 3, roomBytes: 10 });
      for (let n = 0; n < 5; n += 1) {
        const r = new Runs();
        r.add(n, 0, 1, 0, 1);
        h.push({ name: n, tiles: new Map([['0/0', r]]) });
      }
      h.push({ name: 'nothing', tiles: new Map([['0/0', new Runs()]]) });
      return h.past.map((step) => step.name);"""
    assert run("history", script) == [2, 3, 4]


def test_undo_and_redo_are_work_and_no_strokes(run: Run) -> None:
    script = """
      const queue = new m.SaveQueue({ events: { onState: () => null } });
      for (const tool of ['brush', 'undo', 'redo', 'fill']) queue.commit({ tool, class_id: null });
      const strokes = queue.tally.strokes;
      queue.close();
      return strokes;"""
    assert run("save_queue", script) == 2


def settled(run: Run, before: NDArray[np.uint8], ids: NDArray[np.uint32], after: NDArray[np.uint8]) -> Any:
    """Ids as the browser gives them when a stroke is over, redone after being undone, and those of undo."""
    height, width = before.shape
    body = f"""
      const {{ Editor }} = await load("editor"), {{ History }} = await load("history");
      const {{ ObjectIds }} = await load("object_ids"), before = {packed(before)}, after = {packed(after)};
      const ids = new Uint32Array({packed(ids.view(np.uint8))}.buffer);
      const tiles = planeTiles(m, before, {height}, {width}, 16, 1);
      tiles.loadIds = async (row, col) => {{
        const h = Math.min(16, {height} - row * 16), w = Math.min(16, {width} - col * 16), out = new Uint32Array(h * w);
        for (let y = 0; y < h; y += 1)
          for (let x = 0; x < w; x += 1) out[y * w + x] = ids[(row * 16 + y) * {width} + col * 16 + x];
        return out;
      }};
      const objects = new ObjectIds(async () => ({{ classes: [1], next_id: 101 }}));
      objects.begin([1]);
      const trouble = [];
      const editor = new Editor({{ tiles, grey: null, history: new History(), classes: [], objects,
        events: {{ onStep() {{}}, onTrouble: (text) => trouble.push(text), onBusy() {{}} }} }});
      const step = editor.newStep("brush"), window = {{ row: 0, col: 0, height: {height}, width: {width} }};
      await tiles.ensure(tiles.under(window));
      for (const label of [0, 1, 2]) {{
        const mask = after.map((value, i) => (value === label && value !== before[i] ? 1 : 0));
        tiles.paint({{ ...window, mask }}, {{ label, cover: 1, locked: new Uint8Array(256) }}, step);
      }}
      editor.close(step, "brush", 1);
      await editor.work; await editor.work;
      const read = async () => {{
        await tiles.ensureIds(tiles.under(window));
        const out = new Uint32Array({height * width});
        tiles.eachPart(window, (tile, part) => {{
          for (let y = 0; y < part.height; y += 1) for (let x = 0; x < part.width; x += 1)
            out[(part.top + y) * {width} + part.left + x] = tile.ids[(part.row + y) * tile.width + part.col + x];
        }});
        return text(new Uint8Array(out.buffer));
      }};
      const first = await read();
      await editor.undo();
      const undone = await read();
      await editor.redo();
      return {{ first, undone, again: await read(), trouble }};
    """
    found = run("paint_tiles", body)
    assert not found.pop("trouble")
    return {name: unpacked(text, (height, 4 * width)).view(np.uint32) for name, text in found.items()}


@pytest.mark.parametrize("seed", range(6))
def test_a_stroke_gets_its_objects_by_the_rules_of_submission(run: Run, tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    before = (blobs((40, 50), seed) % 2).astype(np.uint8)
    pieces, count = ndimage.label(before, EIGHT)
    ids = np.where(pieces == random.integers(1, count + 1), 0, pieces).astype(np.uint32)
    before[ids == 0] *= np.uint8(seed % 2)  # a piece without an id, in every second case
    after = before.copy()
    row, col = random.integers(5, 25, 2)
    rows, columns = slice(row, row + int(random.integers(3, 12))), slice(col, col + int(random.integers(3, 22)))
    after[rows, columns] = random.permutation([0, 1, 1, 2])[0]
    found = settled(run, before, ids, after)
    write_label_pyramid(tmp_path / "before", before, pixel_size_nm=5.0, objects=ObjectIds(ids, (1,)))
    write_label_pyramid(tmp_path / "after", after, pixel_size_nm=5.0)
    carry_ids(open_pyramid(tmp_path / "before"), tmp_path / "after", [(0, 0)])
    objects = open_pyramid(tmp_path / "after").object_ids()
    assert objects is not None
    wanted = np.where(after == 1, objects.ids_yx, 0)
    new = {int(number): int(found["first"][wanted == number][0]) for number in np.unique(wanted[wanted > ids.max()])}
    renamed = wanted.astype(np.int64)
    for number, own in new.items():
        renamed[wanted == number] = own
    np.testing.assert_array_equal(found["first"], renamed)
    assert all(number > 100 for number in new.values())
    np.testing.assert_array_equal(found["undone"], np.where(before == 1, ids, 0))
    np.testing.assert_array_equal(found["again"], found["first"])
