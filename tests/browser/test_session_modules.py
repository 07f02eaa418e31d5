"""What modules do about an image or a draft that is left, and what a guest of the viewer gets: run in Chromium."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.browser.conftest import Run

pytestmark = pytest.mark.browser

DRAFT_SESSION = "viewer/static/paint/draft_session.js"
EM_VIEWER = "viewer/static/em_viewer.js"

SERVER = """
  const load = (name) => import(new URL(`/viewer/static/${name}.js`, location.href).href);
  const until = async (met) => { while (!met()) await new Promise((done) => setTimeout(done, 5)); };
  const { Outbox } = await load("paint/outbox");
  const draft = crypto.randomUUID?.() ?? String(Math.random());
  const opened = [];
  const posts = [];
  let answer = () => Promise.resolve();
  const real = window.fetch;
  window.fetch = async (url, options = {}) => {
    if (options.method === "POST") posts.push(url.split("/").at(-1).split("?")[0]);
    if (url.includes("/tiles")) await answer();
    return new Response(JSON.stringify({ version: 1, tiles: [], covered: {}, whole_image: false }));
  };
  const session = new m.DraftSession({ root: "/", draftId: draft, author: "somebody", events: {
    onOpen: () => opened.push(draft), onState: () => null, onSaved: () => null, onAsk: () => Promise.resolve(true) } });
"""
"""A session on a draft whose server answers everything; posts of tiles when `answer` allows."""


def in_session(run: Run, body: str) -> Any:
    return run(
        DRAFT_SESSION, f"await (async () => {{ {SERVER} try {{ {body} }} finally {{ window.fetch = real; }} }})()"
    )


def test_a_draft_that_was_left_does_not_open_when_its_strokes_are_sent(run: Run) -> None:
    """It began on top of the draft that was opened since, and went on holding itself for ever."""
    body = """
      const box = await new Outbox(draft).open();
      await box.put({ holder: "an earlier page", sequence: 1, keys: [], body: new Blob(["tiles"]) });
      box.close();
      let sent; answer = () => new Promise((done) => { sent = done; });
      const opening = session.open({});
      await until(() => sent);
      session.close();
      sent();
      await opening;
      const again = await new Outbox(draft).open();
      const left = await again.all();
      again.close();
      return [opened.length, session.renewal, left.length];
    """
    assert in_session(run, body) == [0, 0, 0]


def test_what_was_painted_last_is_kept_when_the_draft_is_left_offline(run: Run) -> None:
    """The browser's store was closed before the last tiles were packed."""
    body = """
      await session.open({});
      answer = () => Promise.reject(new TypeError("offline"));
      const labels = new Uint8Array(4);
      session.queue.touch({ key: "0/0", row: 0, col: 0, height: 2, width: 2, labels, coverage: null });
      const { outbox, queue } = session.work;
      session.close();
      await until(() => !queue.pumping && outbox.database === null);
      const box = await new Outbox(draft).open();
      const left = await box.all();
      box.close();
      return left.map(({ keys }) => keys);
    """
    assert in_session(run, body) == [["0/0"]]


def test_grey_values_that_were_being_chosen_do_not_reach_the_next_image(run: Run) -> None:
    body = """
      const image = { dtype: "uint16", window_low: 100, window_high: 900 };
      const told = [];
      const events = { filter: () => null, close: () => null, window: (...ends) => told.push(ends) };
      const make = () => new m.AdjustPanel(image, events);
      const [kept, left] = [make(), make()];
      kept.setWindow("low", 200);
      left.setWindow("low", 300);
      left.close();
      await new Promise((done) => setTimeout(done, 400));
      return told;
    """
    assert run("viewer/static/adjust_panel.js", f"await (async () => {{ {body} }})()") == [[200, 900]]


@pytest.mark.parametrize(
    ("module", "key", "stored", "expected"),
    [
        (
            "paint/paint_settings.js",
            "cristae.paint",
            {"tool": "airbrush", "size": "big", "step": 3, "smart": "both", "tolerance": 0, "classId": 2},
            {"step": 3, "classId": 2},
        ),
        (
            "paint/paint_settings.js",
            "cristae.paint",
            {"tool": "lasso", "size": 40, "step": 2, "smart": "similar", "tolerance": 9, "classId": 0},
            {"tool": "lasso", "size": 40, "step": 2, "smart": "similar", "tolerance": 9, "classId": 0},
        ),
        (
            "settings.js",
            "cristae.viewer.trial",
            {"opacity": 7, "palette": "neon", "outline": True, "legend": "yes", "minimap": False},
            {
                "opacity": 0.45,
                "palette": "standard",
                "outline": True,
                "objects": False,
                "legend": None,
                "minimap": False,
            },
        ),
    ],
    ids=["unknown tool and numbers", "all well", "unknown look"],
)
def test_only_what_fits_is_taken_over_from_another_version(
    run: Run, module: str, key: str, stored: dict[str, Any], expected: dict[str, Any]
) -> None:
    """A tool that this version does not have left the annotator without tools."""
    made = "new m.ViewSettings('trial')" if module == "settings.js" else "new m.PaintSettings()"
    body = f"""
      const before = localStorage.getItem("{key}");
      localStorage.setItem("{key}", JSON.stringify(stored));
      try {{ return {made}.values; }}
      finally {{ if (before === null) localStorage.removeItem("{key}"); else localStorage.setItem("{key}", before); }}
    """
    assert run(f"viewer/static/{module}", f"(() => {{ const stored = {json.dumps(stored)}; {body} }})()") == expected


def test_a_fetch_that_fails_after_all_was_dropped_does_not_end_the_one_under_way(run: Run) -> None:
    """The tile was fetched a third time."""
    body = """
      const ends = [];
      const load = () => new Promise((done, failed) => ends.push({
        well: () => done({ labels: new Uint8Array(4), coverage: null }), badly: () => failed(new Error("gone")) }));
      const tiles = new m.PaintTiles({ size: { height: 2, width: 2 }, tilePx: 2, load });
      const first = tiles.ensureOne(0, 0).catch((error) => error.message);
      tiles.clear();
      const second = tiles.ensureOne(0, 0);
      ends[0].badly();
      const told = await first;
      const third = tiles.ensureOne(0, 0);
      ends.at(-1).well();
      ends[1].well();
      await Promise.all([second, third]);
      return [told, ends.length];
    """
    assert run("viewer/static/paint/paint_tiles.js", f"await (async () => {{ {body} }})()") == ["gone", 2]


def test_the_confidence_of_a_prediction_is_drawn_in_its_pane(run: Run) -> None:
    """It was to be put into an element that panes do not have, and nothing was shown."""
    body = """
      const [labels, host] = [document.createElement("div"), document.createElement("div")];
      const image = { width_px: 8, height_px: 8, levels: 1, tile_px: 8 };
      const api = { labelTile: (...parts) => parts.join("/") };
      const nothing = () => null;
      const events = { onRedraw: nothing, onTrouble: nothing, onWell: nothing, onState: nothing, onGone: nothing };
      const overlays = new m.PaneOverlays(api, image, { labels, sideOf: () => host }, events);
      const feed = { state: { has_confidence: true } };
      overlays.entries = [{ id: "r", what: "labels", side: "prediction", host, visible: true, feed }];
      overlays.takeConfidence();
      return [overlays.hasConfidence, host.contains(overlays.confidence.layer.canvas), labels.childElementCount];
    """
    assert run("viewer/static/panes/pane_overlays.js", f"(() => {{ {body} }})()") == [True, True, 0]


PROPS = """{ image_id: "none", pixel_size: "", layers: [], isolated: null, key: "k", remember_as: "trial", height: 300,
  url_view: false, root: "/", classes: [{ id: 1, name: "ER", color: "#ff0000", safe_color: "#00ff00", key: "1" }] }"""

GUEST = f"""
  const told = [], calls = [];
  const slot = (name) => Object.assign(document.createElement("div"), {{ className: `slot-${{name}}` }});
  const host = document.body.appendChild(document.createElement("div"));
  const guest = {{
    className: "trial", isSilent: silent, hasOwnClassList: true, tips: {{ fit: "Fit  (Home)" }},
    help: [["Trial", [[["Q"], "nothing"]]]],
    parts: {{ toolRow: slot("row"), toolbarStart: slot("start"), toolbarEnd: slot("end"), underStage: slot("under"),
      overStage: [slot("over")], legendEnd: slot("legend"), dialogs: [slot("dialog")] }},
    keys: (own) => ({{ ...own, q: () => calls.push("q") }}),
    labelAt: (row) => (row === 0 ? 7 : null), topId: () => null, escape: () => calls.push("escape") > 0,
    onBuilt: () => calls.push("built"), onUpdate: () => calls.push("update"), onClosing: () => calls.push("closing"),
    onClosed: () => calls.push("closed"), close: () => calls.push("close"),
  }};
  const viewer = new m.EmViewer(host, {PROPS}, (name) => told.push(name), () => guest);
"""


def with_guest(run: Run, body: str, *, silent: bool = False) -> Any:
    script = (
        f"const silent = {str(silent).lower()}; {GUEST} try {{ {body} }} finally {{ viewer.close(); host.remove(); }}"
    )
    return run(EM_VIEWER, f"await (async () => {{ {script} }})()")


def test_a_guest_has_its_parts_in_the_viewers_slots(run: Run) -> None:
    body = """
      const names = (element) => [...element.children].map((child) => child.className.split(" ")[0]);
      const { element, toolbar, stage, legend, help } = viewer;
      const tip = toolbar.buttons.fit.dataset.tip, heading = help.element.querySelector("h4").textContent;
      return [names(element), names(toolbar.element).slice(-4), names(stage)[0], names(stage).at(-1),
        names(legend.element).at(-1), element.classList.contains("trial"), tip, heading];
    """
    viewer, toolbar, first, last, legend, named, tip, heading = with_guest(run, body)
    assert viewer == ["toolbar", "slot-row", "stage", "status-line", "sheet", "slot-dialog"]
    assert toolbar == ["slot-start", "space", "slot-end", "group"]
    assert (first, last, legend) == ("slot-under", "slot-over", "slot-legend")
    assert (named, tip, heading) == (True, "Fit  (Home)", "Trial")


def test_a_guest_is_asked_and_told(run: Run) -> None:
    body = f"""
      const begun = calls.splice(0);
      for (const key of ["q", "Escape"])
        viewer.element.dispatchEvent(new KeyboardEvent("keydown", {{ key, bubbles: true, composed: true }}));
      viewer.update({{ ...{PROPS}, isolated: 1 }});
      viewer.isolate(1);
      const {{ legend, topId }} = viewer;
      return [begun, [...calls], told, viewer.labelAt(0, 0), viewer.labelAt(1, 1), topId, legend.element.hidden];
    """
    begun, calls, told, painted, below, top, legend_hidden = with_guest(run, body)
    assert begun == ["built", "closing", "closed"]
    assert calls == ["q", "escape", "update"]
    assert told == ["class_clicked"]
    assert (painted, below, top, legend_hidden) == (7, None, None, True)


def test_a_silent_guest_tells_python_nothing_and_leaves_with_the_viewer(run: Run) -> None:
    body = "viewer.isolate(1); calls.length = 0; viewer.close(); return [told, [...calls]];"
    assert with_guest(run, body, silent=True) == [[], ["close", "closing", "closed"]]
