// Measuring the size of a pixel: a line over a scale bar that is part of the image. It works over the viewer and over
// the annotator; while it is open, what would paint or pan draws and moves the line.

import { lengthOf, onImage, snapped } from "./lengths.js";
import { ScaleLine } from "./scale_line.js";
import { ScalePanel } from "./scale_panel.js";

const CLOSE_ZOOM = 8; // CSS pixels per image pixel: where one pixel is seen
const SHARE = 0.6; // of the view that a proposed bar fills
const BELOW_MIDDLE = 0.38; // of the view's height

export class ScaleTool {
  /**
   * @param viewer EmViewer
   * @param events use({length_px, typed}), changed()
   */
  constructor(viewer, events) {
    Object.assign(this, { viewer, events });
    this.line = this.grabbed = null;
    this.isOpen = this.proposed = this.searching = this.none = false;
    this.touches = new Map();
    this.drawing = new ScaleLine({ onNudge: (...move) => this.nudge(...move), onGrab: (end, event) => this.grab(end, event) });
    this.panel = new ScalePanel({
      find: () => this.find(true), clear: () => this.setLine(null), look: (end) => this.look(end),
      use: (typed) => this.events.use({ length_px: lengthOf(this.line), typed }), close: () => this.close(), place: () => this.place(),
    });
    viewer.stage.append(this.drawing.element, this.panel.element);
    const { signal } = (this.abort = new AbortController());
    const listen = (type, action) => viewer.stage.addEventListener(type, (event) => { if (this.isOpen) action(event); }, { capture: true, signal });
    listen("pointerdown", (event) => this.onDown(event));
    listen("pointermove", (event) => this.onMove(event));
    listen("pointerup", (event) => this.onUp(event));
    listen("pointercancel", (event) => this.onUp(event));
  }

  toggle() {
    if (this.isOpen) this.close();
    else this.open();
  }

  open() {
    this.isOpen = true;
    this.panel.element.hidden = false;
    this.viewer.element.classList.add("measuring");
    this.show();
    if (!this.line) this.find(false);
    this.panel.length.focus({ preventScroll: true });
    this.events.changed();
  }

  close() {
    this.isOpen = false;
    this.grabbed = null;
    this.panel.element.hidden = true;
    this.viewer.element.classList.remove("measuring");
    this.show();
    this.viewer.surface.focus({ preventScroll: true });
    this.events.changed();
  }

  /** Ask the server where a bar is likely; its line is a proposal until a person has typed the length. */
  async find(asked) {
    const { viewer } = this;
    const id = viewer.image.id;
    this.searching = true;
    this.show();
    let bar = null;
    try {
      const response = await fetch(viewer.api.scaleBar(id));
      if (response.ok) bar = (await response.json()).bar;
    } catch {
      bar = null; // a proposal less; the line can be drawn
    }
    this.searching = false;
    if (this.viewer.image?.id !== id || !this.isOpen) return;
    this.none = asked && !bar;
    if (bar && !this.line) {
      this.setLine({ row0: bar.row, col0: bar.column_start, row1: bar.row, col1: bar.column_end }, true);
      this.lookAtAll();
    }
    this.show();
  }

  /** A line in the middle of the view, for those who have no pointer. */
  place() {
    const { row, col, zoom } = this.viewer.base.place();
    const half = this.viewer.surface.clientWidth / zoom / 6;
    this.setLine({ ...asLine(onImage({ row, col: col - half }, this.viewer.image), onImage({ row, col: col + half }, this.viewer.image)) });
    this.drawing.ends[0].focus({ preventScroll: true });
  }

  setLine(line, proposed = false) {
    this.line = line;
    this.proposed = proposed;
    this.none = false;
    this.show();
  }

  show() {
    this.panel.show(this);
    this.draw();
  }

  draw() {
    const { base } = this.viewer;
    this.drawing.draw(this.isOpen ? this.line : null, base?.isOpen ? base.view() : null);
  }

  // --- looking

  look(end) {
    const { line } = this;
    this.viewer.base.goTo({ row: end ? line.row1 : line.row0, col: end ? line.col1 : line.col0, zoom: CLOSE_ZOOM });
    this.drawing.ends[end].focus({ preventScroll: true });
  }

  lookAtAll() {
    const { line } = this;
    const { clientWidth, clientHeight } = this.viewer.surface;
    const zoom = Math.min(CLOSE_ZOOM, (SHARE * clientWidth) / Math.max(1, lengthOf(line)));
    const row = (line.row0 + line.row1) / 2 - (BELOW_MIDDLE * clientHeight) / zoom; // the panel lies over the upper part
    this.viewer.base.goTo({ row, col: (line.col0 + line.col1) / 2, zoom });
  }

  // --- moving

  nudge(end, rows, cols) {
    const { row, col } = this.endAt(end);
    this.moveEnd(end, { row: row + rows, col: col + cols });
  }

  endAt(end) {
    return end ? { row: this.line.row1, col: this.line.col1 } : { row: this.line.row0, col: this.line.col0 };
  }

  moveEnd(end, point, level = false) {
    const other = this.endAt(1 - end);
    const { row, col } = onImage(level ? snapped(other, point) : point, this.viewer.image);
    this.setLine(end ? asLine(other, { row, col }) : asLine({ row, col }, other));
  }

  grab(end, event) {
    if (event.button > 0) return;
    this.grabbed = { end, id: event.pointerId };
    capture(this.drawing.ends[end], event);
  }

  pointOf(event) {
    const box = this.viewer.surface.getBoundingClientRect();
    const view = this.viewer.base.view();
    const ratio = window.devicePixelRatio || 1;
    return { row: view.y0 + ((event.clientY - box.top) * ratio) / view.scale, col: view.x0 + ((event.clientX - box.left) * ratio) / view.scale };
  }

  /** A press on the image begins a line where there is none; with a line it moves the image, as without the tool. */
  onDown(event) {
    const onSurface = event.composedPath().includes(this.viewer.surface);
    if (event.pointerType === "touch") this.touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (!onSurface || this.line || event.button > 0 || event.target.closest?.(".navigator")) return;
    keep(event);
    if (this.touches.size > 1) {
      this.grabbed = null;
      return;
    }
    const point = onImage(this.pointOf(event), this.viewer.image);
    this.grabbed = { end: 1, id: event.pointerId, from: point };
    capture(this.viewer.surface, event);
  }

  onMove(event) {
    if (this.pinch(event)) return;
    if (this.grabbed?.id !== event.pointerId) return;
    keep(event);
    const point = this.pointOf(event);
    if (this.grabbed.from) {
      this.line = asLine(this.grabbed.from, this.grabbed.from);
      this.grabbed.from = null;
    }
    this.moveEnd(this.grabbed.end, point, event.shiftKey);
  }

  /** Two fingers before there is a line: they zoom and move the image. */
  pinch(event) {
    const before = this.touches.get(event.pointerId);
    if (!before) return false;
    const now = { x: event.clientX, y: event.clientY };
    this.touches.set(event.pointerId, now);
    const other = [...this.touches].find(([id]) => id !== event.pointerId)?.[1];
    if (!other || this.line) return false;
    keep(event);
    const box = this.viewer.surface.getBoundingClientRect();
    const distance = (point) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
    const middle = { x: (now.x + other.x) / 2 - box.left, y: (now.y + other.y) / 2 - box.top };
    this.viewer.base.pinch((now.x - before.x) / 2, (now.y - before.y) / 2, distance(now) / distance(before), middle);
    return true;
  }

  onUp(event) {
    this.touches.delete(event.pointerId);
    if (this.grabbed?.id !== event.pointerId) return;
    keep(event);
    this.grabbed = null;
    if (this.line && lengthOf(this.line) < 2) this.setLine(null); // a click is no line
    if (this.line) this.panel.length.focus({ preventScroll: true });
  }

  end() {
    this.abort.abort();
    this.drawing.element.remove();
    this.panel.element.remove();
    this.viewer.element.classList.remove("measuring");
  }
}

/** From one point to another; the first end is the left one while it is being drawn, and stays what it is. */
function asLine(from, to) {
  return { row0: from.row, col0: from.col, row1: to.row, col1: to.col };
}

function keep(event) {
  event.preventDefault();
  event.stopPropagation();
}

function capture(element, event) {
  try {
    element.setPointerCapture(event.pointerId);
  } catch {
    // a pointer that is gone already
  }
}
