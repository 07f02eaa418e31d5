// Measuring the size of a pixel: a line over a scale bar that is part of the image. It works over the viewer and over
// the annotator; while it is open, what would paint or pan draws and moves the line.

import { isWithin } from "../dom.js";
import { lengthOf, onImage, snapped } from "./lengths.js";
import { ScaleLine } from "./scale_line.js";
import { ScalePanel } from "./scale_panel.js";

/** @import { EmViewer } from "../em_viewer.js" */
/** @import { ImagePoint, Line } from "./lengths.js" */
/** @import { LineEnd } from "./scale_line.js" */

/**
 * What the pointer holds: an end of the line; `from` while there is no line yet.
 * @typedef {{end: LineEnd, id: number, from: ImagePoint | null}} Grabbed
 */

/**
 * @typedef {object} ScaleEvents
 * @property {(line: {length_px: number, typed: string}) => void} use
 * @property {() => void} changed
 */

const CLOSE_ZOOM = 8; // CSS pixels per image pixel: where one pixel is seen
const SHARE = 0.6; // of the view that a proposed bar fills
const BELOW_MIDDLE = 0.38; // of the view's height

export class ScaleTool {
  /**
   * @param {EmViewer} viewer EmViewer
   * @param {ScaleEvents} events use({length_px, typed}), changed()
   */
  constructor(viewer, events) {
    this.viewer = viewer;
    this.events = events;
    /** @type {Line | null} */
    this.line = null;
    /** @type {Grabbed | null} */
    this.grabbed = null;
    this.isOpen = this.proposed = this.searching = this.none = false;
    /** @type {Map<number, {x: number, y: number}>} */
    this.touches = new Map();
    this.drawing = new ScaleLine({ onNudge: (...move) => this.nudge(...move), onGrab: (end, event) => this.grab(end, event) });
    this.panel = new ScalePanel({
      find: () => this.find(true), clear: () => this.setLine(null), look: (end) => this.look(end),
      use: (typed) => { if (this.line) this.events.use({ length_px: lengthOf(this.line), typed }); }, close: () => this.close(), place: () => this.place(),
    });
    viewer.stage.append(this.drawing.element, this.panel.element);
    const { signal } = (this.abort = new AbortController());
    /**
     * @param {"pointerdown" | "pointermove" | "pointerup" | "pointercancel"} type
     * @param {(event: PointerEvent) => void} action
     */
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

  /**
   * Ask the server where a bar is likely; its line is a proposal until a person has typed the length.
   * @param {boolean} asked
   */
  async find(asked) {
    const { viewer } = this;
    if (!viewer.image) return;
    const { id } = viewer.image;
    this.searching = true;
    this.show();
    /** @type {{row: number, column_start: number, column_end: number} | null} */
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
      const line = { row0: bar.row, col0: bar.column_start, row1: bar.row, col1: bar.column_end };
      this.setLine(line, true);
      this.lookAtAll(line);
    }
    this.show();
  }

  /** A line in the middle of the view, for those who have no pointer. */
  place() {
    const { base, image, surface } = this.viewer;
    if (!base || !image) return;
    const { row, col, zoom } = base.place();
    const half = surface.clientWidth / zoom / 6;
    this.setLine(asLine(onImage({ row, col: col - half }, image), onImage({ row, col: col + half }, image)));
    this.drawing.ends[0].focus({ preventScroll: true });
  }

  /**
   * @param {Line | null} line
   * @param {boolean} proposed
   */
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

  /** @param {LineEnd} end */
  look(end) {
    const { line } = this;
    if (!line) return;
    this.viewer.base?.goTo({ row: end ? line.row1 : line.row0, col: end ? line.col1 : line.col0, zoom: CLOSE_ZOOM });
    this.drawing.ends[end].focus({ preventScroll: true });
  }

  /** @param {Line} line */
  lookAtAll(line) {
    const { clientWidth, clientHeight } = this.viewer.surface;
    const zoom = Math.min(CLOSE_ZOOM, (SHARE * clientWidth) / Math.max(1, lengthOf(line)));
    const row = (line.row0 + line.row1) / 2 - (BELOW_MIDDLE * clientHeight) / zoom; // the panel lies over the upper part
    this.viewer.base?.goTo({ row, col: (line.col0 + line.col1) / 2, zoom });
  }

  // --- moving

  /**
   * @param {LineEnd} end
   * @param {number} rows
   * @param {number} cols
   */
  nudge(end, rows, cols) {
    if (!this.line) return;
    const { row, col } = endOf(this.line, end);
    this.moveEnd(end, { row: row + rows, col: col + cols });
  }

  /**
   * @param {LineEnd} end
   * @param {ImagePoint} point
   * @param {boolean} level along a row or a column
   */
  moveEnd(end, point, level = false) {
    const { image } = this.viewer;
    if (!this.line || !image) return;
    const other = endOf(this.line, end === 0 ? 1 : 0);
    const { row, col } = onImage(level ? snapped(other, point) : point, image);
    this.setLine(end ? asLine(other, { row, col }) : asLine({ row, col }, other));
  }

  /**
   * @param {LineEnd} end
   * @param {PointerEvent} event
   */
  grab(end, event) {
    if (event.button > 0) return;
    this.grabbed = { end, id: event.pointerId, from: null };
    capture(this.drawing.ends[end], event);
  }

  /**
   * @param {PointerEvent} event
   * @returns {ImagePoint | null}
   */
  pointOf(event) {
    const { base, surface } = this.viewer;
    if (!base?.isOpen) return null;
    const box = surface.getBoundingClientRect();
    const view = base.view();
    const ratio = window.devicePixelRatio || 1;
    return { row: view.y0 + ((event.clientY - box.top) * ratio) / view.scale, col: view.x0 + ((event.clientX - box.left) * ratio) / view.scale };
  }

  /**
   * A press on the image begins a line where there is none; with a line it moves the image, as without the tool.
   * @param {PointerEvent} event
   */
  onDown(event) {
    const onSurface = event.composedPath().includes(this.viewer.surface);
    if (event.pointerType === "touch") this.touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (!onSurface || this.line || event.button > 0 || isWithin(event, ".navigator")) return;
    keep(event);
    if (this.touches.size > 1) {
      this.grabbed = null;
      return;
    }
    const { image } = this.viewer;
    const point = this.pointOf(event);
    if (!point || !image) return;
    this.grabbed = { end: 1, id: event.pointerId, from: onImage(point, image) };
    capture(this.viewer.surface, event);
  }

  /** @param {PointerEvent} event */
  onMove(event) {
    if (this.pinch(event)) return;
    const { grabbed } = this;
    if (grabbed?.id !== event.pointerId) return;
    keep(event);
    const point = this.pointOf(event);
    if (!point) return;
    if (grabbed.from) {
      this.line = asLine(grabbed.from, grabbed.from);
      grabbed.from = null;
    }
    this.moveEnd(grabbed.end, point, event.shiftKey);
  }

  /**
   * Two fingers before there is a line: they zoom and move the image.
   * @param {PointerEvent} event
   * @returns {boolean}
   */
  pinch(event) {
    const before = this.touches.get(event.pointerId);
    if (!before) return false;
    const now = { x: event.clientX, y: event.clientY };
    this.touches.set(event.pointerId, now);
    const other = [...this.touches].find(([id]) => id !== event.pointerId)?.[1];
    if (!other || this.line) return false;
    keep(event);
    const box = this.viewer.surface.getBoundingClientRect();
    /** @param {{x: number, y: number}} point */
    const distance = (point) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
    const middle = { x: (now.x + other.x) / 2 - box.left, y: (now.y + other.y) / 2 - box.top };
    this.viewer.base?.pinch((now.x - before.x) / 2, (now.y - before.y) / 2, distance(now) / distance(before), middle);
    return true;
  }

  /** @param {PointerEvent} event */
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

/**
 * From one point to another; the first end is the left one while it is being drawn, and stays what it is.
 * @param {ImagePoint} from
 * @param {ImagePoint} to
 * @returns {Line}
 */
function asLine(from, to) {
  return { row0: from.row, col0: from.col, row1: to.row, col1: to.col };
}

/**
 * @param {Line} line
 * @param {LineEnd} end
 * @returns {ImagePoint}
 */
function endOf(line, end) {
  return end ? { row: line.row1, col: line.col1 } : { row: line.row0, col: line.col0 };
}

/** @param {Event} event */
function keep(event) {
  event.preventDefault();
  event.stopPropagation();
}

/**
 * @param {HTMLElement} element
 * @param {PointerEvent} event
 */
function capture(element, event) {
  try {
    element.setPointerCapture(event.pointerId);
  } catch {
    // a pointer that is gone already
  }
}
