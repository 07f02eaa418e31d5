"""The viewer's arithmetic, run where it runs: its modules imported in Chromium, on arrays worked out by hand."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.browser.conftest import Run

pytestmark = pytest.mark.browser

PIXELS = "viewer/static/label_pixels.js"
TILE = "{ data: Uint8Array.from([%s]), width: %d, height: %d }"


def tile(rows: list[list[int]]) -> str:
    return TILE % (",".join(str(v) for row in rows for v in row), len(rows[0]), len(rows))


def as_rows(flat: dict[str, int] | list[int], width: int) -> list[list[int]]:
    values = list(flat.values()) if isinstance(flat, dict) else flat
    return [values[i : i + width] for i in range(0, len(values), width)]


def test_colours_come_from_the_table(run: Run) -> None:
    table = "Uint32Array.from({ length: 256 }, (_, i) => i * 10)"
    script = (
        "(() => { const out = new Uint32Array(3);"
        f" m.colourise(Uint8Array.from([0, 2, 255]), {table}, out); return [...out]; }})()"
    )
    assert run(PIXELS, script) == [0, 20, 2550]


def outline(run: Run, rows: list[list[int]], *, shift: int = 0, thickness: int = 1) -> list[list[int]]:
    border = max(1, -(-thickness // 2**shift))
    width = len(rows[0]) * 2**shift
    script = (
        f"(() => {{ const t = {tile(rows)};"
        f" const p = m.padded(t, 0, 0, t.width, t.height, {border}, () => null);"
        f" return [...m.outlined(p, {border}, {shift}, {thickness}).data]; }})()"
    )
    return as_rows(run(PIXELS, script), width)


def objects(run: Run, rows: list[list[int]], ids: list[list[int]] | None) -> list[list[str]]:
    """What each pixel is: "" nothing, "line", or the name of a shade."""
    flat = "null" if ids is None else f"Uint32Array.from({[v for row in ids for v in row]})"
    script = (
        f"(() => {{ const t = {tile(rows)}, table = new Uint32Array(256);"
        " table[1] = 0xff2040f0; table[2] = 0xff20f040;"
        " const shades = m.shadesOf(table, 0.5, false), out = new Uint32Array(t.data.length);"
        f" m.colouriseObjects(t, {flat}, {{ row: 0, col: 0, height: t.height, width: t.width }}, shades, out);"
        " return [...out].map((c) => (c === 0 ? '' : shades.line.includes(c) ? 'line' : String(c))); }})()"
    ).replace("}})()", "})()")
    values = run("viewer/static/object_pixels.js", script)
    return [values[i : i + len(rows[0])] for i in range(0, len(values), len(rows[0]))]


def test_two_objects_that_touch_are_seen_as_two(run: Run) -> None:
    seen = objects(run, [[0, 1, 1, 1, 1, 1, 1, 0]] * 3, [[0, 5, 5, 5, 6, 6, 6, 0]] * 3)[1]
    assert [pixel == "line" for pixel in seen] == [False, True, False, True, True, False, True, False]
    assert (seen[0], seen[2] == seen[5]) == ("", False), "each in its own shade"
    assert "line" not in objects(run, [[0, 1, 1, 1, 1, 1, 1, 0]] * 3, None)[1][2:6], "without ids they are one"


def test_a_shade_belongs_to_an_id_and_neighbouring_ids_differ(run: Run) -> None:
    shades = run("viewer/static/object_pixels.js", "Array.from({ length: 40 }, (_, i) => m.shadeOf(i))")
    assert shades[0] == 0, "no id: the class's own colour"
    assert set(shades[1:]) == set(range(1, 8))
    same = sum(one == other for one, other in itertools.pairwise(shades[1:]))
    assert same < 8


def test_far_out_where_objects_are_a_pixel_wide_they_are_filled(run: Run) -> None:
    seen = objects(run, [[1, 1, 1, 1, 1]] * 5, [[5 * y + x + 1 for x in range(5)] for y in range(5)])
    assert "line" not in {pixel for row in seen[1:-1] for pixel in row[1:-1]}


def test_an_area_keeps_its_rim_only(run: Run) -> None:
    square = [[0, 0, 0, 0, 0], [0, 3, 3, 3, 0], [0, 3, 3, 3, 0], [0, 3, 3, 3, 0], [0, 0, 0, 0, 0]]
    rim = [row[:] for row in square]
    rim[2][2] = 0
    assert outline(run, square) == rim
    assert outline(run, square, thickness=2) == square


def test_touching_areas_have_a_line_each_and_the_image_border_has_none(run: Run) -> None:
    assert outline(run, [[1, 1, 1, 2, 2, 2]] * 3) == [[0, 0, 1, 2, 0, 0]] * 3


def test_ignore_is_no_area_but_ends_one(run: Run) -> None:
    assert outline(run, [[4, 4, 4, 255, 255]] * 2) == [[0, 0, 4, 0, 0]] * 2


def test_magnified_outlines_stay_as_thin_as_asked(run: Run) -> None:
    got = outline(run, [[5, 5, 0, 0]], shift=2, thickness=1)
    assert got == [[0] * 7 + [5] + [0] * 8] * 4


def test_a_thin_line_is_its_own_outline(run: Run) -> None:
    line = [[0, 0, 0], [7, 7, 7], [0, 0, 0]]
    assert outline(run, line) == line


def test_padding_takes_the_neighbours_pixels_and_repeats_the_edge_without_one(run: Run) -> None:
    script = (
        f"(() => {{ const t = {tile([[1, 2], [3, 4]])};"
        f" const right = {tile([[5, 6], [7, 8]])};"
        " const p = m.padded(t, 0, 0, 2, 2, 1, (dRow, dCol) => (dRow === 0 && dCol === 1 ? right : null));"
        " return [...p.data]; })()"
    )
    assert as_rows(run(PIXELS, script), 4) == [[1, 1, 2, 2], [1, 1, 2, 5], [3, 3, 4, 7], [3, 3, 4, 4]]


def test_padding_of_a_part_stays_inside_its_tile(run: Run) -> None:
    rows = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    script = f"[...m.padded({tile(rows)}, 1, 1, 1, 1, 1, () => null).data]"
    assert as_rows(run(PIXELS, script), 3) == rows


def test_an_outline_across_a_tile_border_equals_that_of_the_whole(run: Run) -> None:
    whole = [[2, 2, 2, 2, 0, 0], [2, 2, 2, 2, 0, 0]]
    left, right = [row[:3] for row in whole], [row[3:] for row in whole]
    script = (
        f"(() => {{ const t = {tile(left)}; const other = {tile(right)};"
        " const p = m.padded(t, 0, 0, 3, 2, 1, (r, c) => (r === 0 && c === 1 ? other : null));"
        " return [...m.outlined(p, 1, 0, 1).data]; })()"
    )
    assert as_rows(run(PIXELS, script), 3) == [row[:3] for row in outline(run, whole)]


@pytest.mark.parametrize(
    ("zoom", "pixel_nm", "label", "width"),
    [
        (1, 8, "1 µm", 125),
        (10, 8, "100 nm", 125),
        (0.5, 8, "2 µm", 125),
        (0.01, 8, "100 µm", 125),
        (0.001, 80, "10 mm", 125),
        (48, 4.6, "10 nm", 48 * 10 / 4.6),
        (1, None, "100 px", 100),
        (0.01, None, "10,000 px", 100),
        (48, None, "2 px", 96),
    ],
)
def test_scale_bars_are_round_and_fit(run: Run, zoom: float, pixel_nm: float | None, label: str, width: float) -> None:
    bar = run("viewer/static/scale_bar.js", f"m.scaleBar({zoom}, {pixel_nm or 'null'}, 160)")
    assert bar["label"] == label
    assert bar["widthPx"] == pytest.approx(width)


@pytest.mark.parametrize(
    ("limit", "nice"), [(1, 1), (1.99, 1), (2, 2), (4.99, 2), (5, 5), (9.9, 5), (10, 10), (0.3, 0.2)]
)
def test_round_lengths(run: Run, limit: float, nice: float) -> None:
    assert run("viewer/static/scale_bar.js", f"m.niceBelow({limit})") == pytest.approx(nice)


@pytest.mark.parametrize(
    ("scale", "level", "shift"),
    [(0.01, 3, 0), (0.25, 2, 0), (0.5, 1, 0), (1, 0, 0), (1.2, 0, 1), (4, 0, 2), (100, 0, 6)],
)
def test_levels_follow_the_zoom(run: Run, scale: float, level: int, shift: int) -> None:
    got = run("viewer/static/geometry.js", f"[m.pickLevel({scale}, 4), m.magnification({scale})]")
    assert got == [level, shift]


def test_tiles_in_view(run: Run) -> None:
    image = "{ width_px: 1000, height_px: 600 }"
    view = "{ x0: -50, y0: 300, scale: 1, width: 700, height: 250 }"
    got = run("viewer/static/geometry.js", f"m.visibleTiles({view}, {image}, 512)")
    assert got == {"row0": 0, "row1": 2, "col0": 0, "col1": 2}


def test_neighbouring_tiles_neither_gap_nor_overlap(run: Run) -> None:
    view = "{ x0: 13.7, y0: 5.3, scale: 0.731, width: 900, height: 900 }"
    script = f"Array.from({{ length: 9 }}, (_, i) => m.onCanvas({view}, 512 * i, 0, 512, 512))"
    boxes = run("viewer/static/geometry.js", script)
    assert all(a["left"] + a["width"] == b["left"] for a, b in itertools.pairwise(boxes))


@pytest.mark.parametrize(
    "view",
    [{"row": 1204.5, "col": 880, "zoom": 0.5, "image": "abc"}, {"row": -3, "col": 0, "zoom": 12, "image": "a b&c#d@e"}],
    ids=["plain", "escaped"],
)
def test_views_survive_the_address(run: Run, view: dict[str, Any]) -> None:
    assert run("viewer/static/view_url.js", f"m.parseView(m.formatView({view}))") == view


@pytest.mark.parametrize(
    "fragment", ["", "#", "#heading", "#view=1,2@a", "#view=1,2,0@a", "#view=1,2,x@a", "#view=1.2.3,1,1@a"]
)
def test_other_fragments_are_no_views(run: Run, fragment: str) -> None:
    assert run("viewer/static/view_url.js", f"m.parseView('{fragment}')") is None


def test_a_view_goes_from_the_address_with_the_last_viewer_of_its_image(run: Run) -> None:
    """It stayed after Back, on pages without a viewer and in front of other images."""
    script = """(() => {
      const hashes = [];
      const note = () => hashes.push(window.location.hash);
      window.history.replaceState(null, "", "#view=1,2,3@a");
      m.enterView("a"); m.enterView("a"); m.enterView("b");
      m.leaveView("a"); note();
      m.leaveView("b"); note();
      m.leaveView("a"); note();
      window.history.replaceState(null, "", "#heading");
      m.enterView("a"); m.leaveView("a"); note();
      window.history.replaceState(null, "", window.location.pathname);
      return hashes;
    })()"""
    assert run("viewer/static/view_url.js", script) == ["#view=1,2,3@a", "#view=1,2,3@a", "", "#heading"]


def test_hidden_isolated_and_hovered_classes_in_the_table(run: Run) -> None:
    classes = "[{id: 1, color: '#ff0000', safe_color: '#d55e00'}, {id: 2, color: '#0000ff', safe_color: '#0072b2'}]"

    def table(options: str) -> list[str]:
        look = f"{{ palette: 'standard', hidden: new Set(), {options} }}"
        script = f"[0, 1, 2, 255].map((i) => m.labelTable({classes}, {look})[i].toString(16))"
        return list(run("viewer/static/palette.js", script))

    assert table("") == ["0", "ff0000ff", "ffff0000", "0"]
    assert table("palette: 'safe'") == ["0", "ff005ed5", "ffb27200", "0"]
    assert table("hidden: new Set([1])") == ["0", "0", "ffff0000", "0"]
    assert table("hidden: new Set([1]), isolated: 1") == ["0", "ff0000ff", "0", "0"]
    assert table("hovered: 2") == ["0", "380000ff", "ffff0000", "0"]
    assert table("hidden: new Set([2]), hovered: 2") == ["0", "380000ff", "ffff0000", "0"]


def test_the_confidence_ramp_only_gets_lighter(run: Run) -> None:
    colors = run("viewer/static/palette.js", "Array.from({ length: 256 }, (_, i) => m.rampColor(i / 255))")
    luminance = [0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in colors]
    assert all(a <= b + 0.8 for a, b in itertools.pairwise(luminance))
    assert luminance[0] < 40 and luminance[-1] > 215
    assert run("viewer/static/palette.js", "m.confidenceTable()[0]") == 0


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1500, "1.50 kB"),
        (378e6, "378 MB"),
        (4 * 1024**3, "4.29 GB"),
        (999_950, "1.00 MB"),
    ],
)
def test_sizes_in_words(run: Run, size: float, text: str) -> None:
    assert run("uploader/static/transfer.js", f"m.bytesText({size:.0f})") == text


def test_the_xsrf_cookie_is_found_among_others(run: Run) -> None:
    text = 'a=1; _streamlit_xsrf="2|x|y|3"; b=2'
    assert run("viewer/static/xsrf.js", f"m.cookie('_streamlit_xsrf', '{text}')") == "2|x|y|3"
    assert run("viewer/static/xsrf.js", "m.cookie('_streamlit_xsrf', 'x_streamlit_xsrf=1')") == ""


def test_the_cache_forgets_what_was_not_used_for_longest(run: Run) -> None:
    script = (
        "(() => { const c = new m.Lru(2); c.set('a', 1); c.set('b', 2); c.get('a'); c.set('c', 3);"
        " return [c.peek('a'), c.peek('b') ?? null, c.peek('c'), c.size]; })()"
    )
    assert run("viewer/static/lru.js", script) == [1, None, 3, 2]


CONNECTION = "viewer/static/connection.js"
TROUBLE = """(async () => {
  const real = { setTimeout: window.setTimeout, fetch: window.fetch, now: performance.now };
  const pauses = [];
  let clock = 0, up = true, held = false;
  window.setTimeout = (call, ms) => {
    if (ms >= 600 && ms !== 800) pauses.push(ms);
    return held && ms !== 250 ? -1 : real.setTimeout.call(window, call, 0);
  };
  window.fetch = async () => { if (!up) throw new TypeError("down"); return { ok: true }; };
  performance.now = () => clock;
  let fetched = 0;
  const connection = new m.Connection("/", () => { fetched += 1; });
  const turn = () => new Promise((done) => real.setTimeout.call(window, done, 1));
  const until = async (holds) => { while (!holds()) await turn(); };
  const fail = async () => { const before = fetched; connection.report(); await until(() => fetched > before); };
  try { %s } finally {
    connection.close();
    Object.assign(window, { setTimeout: real.setTimeout, fetch: real.fetch });
    performance.now = real.now;
  }
})()"""


def test_a_broken_tile_is_asked_for_less_and_less_often(run: Run) -> None:
    """It reloaded the whole image every few seconds, for ever."""
    body = "for (let i = 0; i < 12; i += 1) { await fail(); clock += 4000; connection.well(); } return pauses;"
    pauses = run(CONNECTION, TROUBLE % body)
    assert pauses[:6] == [600, 1200, 2400, 4800, 9600, 19200]
    assert pauses[-2:] == [300_000, 300_000]


def test_good_tiles_for_a_while_make_the_next_trouble_a_first_one(run: Run) -> None:
    body = "await fail(); await fail(); clock += 16000; connection.well(); await fail(); return pauses;"
    assert run(CONNECTION, TROUBLE % body) == [600, 1200, 600]


def test_a_server_that_was_away_is_used_at_once_when_it_is_back(run: Run) -> None:
    body = (
        "await fail(); await fail(); await fail(); up = false; connection.report();"
        "await until(() => connection.lost); up = true; await until(() => fetched === 4); return pauses;"
    )
    assert [pause for pause in run(CONNECTION, TROUBLE % body) if pause in (600, 1200, 2400, 4800)] == [
        600, 1200, 2400, 600,
    ]  # fmt: skip


def test_a_server_that_goes_while_a_broken_tile_waits_is_told(run: Run) -> None:
    body = (
        "await fail(); held = true; connection.report(); await until(() => connection.fetching);"
        "const quiet = connection.element.hidden; up = false; connection.report();"
        "await until(() => connection.lost); return [quiet, connection.element.hidden, fetched];"
    )
    assert run(CONNECTION, TROUBLE % body) == [True, False, 1]
