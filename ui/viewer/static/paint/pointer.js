// Mouse, pen and fingers over the image: what becomes a gesture of the chosen tool, and what stays with the viewer.

import { isWithin } from "../dom.js";
import { TOOL, tooFarOut } from "./tools.js";

/** @import { BaseImage } from "../base_image.js" */
/** @import { Editor } from "./editor.js" */
/** @import { Preview } from "./preview.js" */
/** @import { BrushPoint } from "./shapes.js" */
/** @import { Stroke } from "./stroke.js" */
/** @import { Tool } from "./tools.js" */

/**
 * A region, a line, a polygon or objects to merge while they are drawn; `id` of the pointer, none where it is click by click.
 * @typedef {{tool: string, points: BrushPoint[], id?: number, hover?: BrushPoint}} Gesture
 */

/**
 * @typedef {object} PointerEvents
 * @property {() => boolean} mayPaint
 * @property {(text: string) => void} onTooFar
 * @property {(up: boolean) => void} onSize
 * @property {(row: number, col: number) => void} onPick
 * @property {() => void} onDraw
 * @property {() => boolean} isPanning
 */

const CLOSE_PX = 9; // CSS pixels around the first point of a polygon that close it
const WHEEL_STEP = 40; // of a wheel's way, in CSS pixels, for one step of size

export class Pointer {
  /**
   * @param {HTMLElement} surface over which it works
   * @param {() => BaseImage | null} base
   * @param {Editor} editor Editor; preview: Preview
   * @param {Preview} preview
   * @param {PointerEvents} events mayPaint() => boolean, onTooFar(text), onSize(up), onPick(row, col), onDraw(), isPanning() => boolean
   */
  constructor(surface, base, editor, preview, events) {
    this.surface = surface;
    this.base = base;
    this.editor = editor;
    this.preview = preview;
    this.events = events;
    /** @type {Stroke | null} */
    this.stroke = null;
    this.raw = false; // whether the stroke under way gets its way as the pointer goes it, ahead of the frame
    /** @type {Gesture | null} */
    this.gesture = null;
    /** @type {[number, number] | null} */
    this.at = null; // where the brush's circle is, CSS pixels of the surface
    /** @type {Map<number, {x: number, y: number}>} */
    this.touches = new Map();
    this.penSeen = false;
    this.wheel = 0;
    const { signal } = (this.abort = new AbortController());
    /**
     * @template {keyof HTMLElementEventMap} K
     * @param {K} type
     * @param {(event: HTMLElementEventMap[K]) => void} action
     * @param {AddEventListenerOptions} [options]
     */
    const listen = (type, action, options = {}) => surface.addEventListener(type, action, { capture: true, signal, ...options });
    listen("pointerdown", (event) => this.onDown(event));
    listen("pointerrawupdate", (event) => this.onRaw(/** @type {PointerEvent} */ (event)));
    listen("pointermove", (event) => this.onMove(event));
    listen("pointerup", (event) => this.onUp(event));
    listen("pointercancel", (event) => this.onUp(event, true));
    listen("pointerleave", () => this.preview.hideRing(), { capture: false });
    listen("dblclick", (event) => { if (this.gesture?.tool === "polygon") this.closePolygon(event); });
    listen("wheel", (event) => this.onWheel(event), { passive: false });
    listen("contextmenu", (event) => { if (this.tool.gesture) event.preventDefault(); });
  }

  get tool() {
    return TOOL[this.editor.choice.tool];
  }

  /**
   * Image coordinates of an event, fractions included; they may lie outside the image.
   * @param {PointerEvent} event
   * @param {BaseImage} base
   * @returns {BrushPoint}
   */
  pointOf(event, base) {
    const box = this.surface.getBoundingClientRect();
    const view = base.view();
    const ratio = window.devicePixelRatio || 1;
    const pressure = event.pointerType === "pen" && event.pressure > 0 ? 0.3 + 0.7 * event.pressure : 1;
    return {
      row: view.y0 + ((event.clientY - box.top) * ratio) / view.scale,
      col: view.x0 + ((event.clientX - box.left) * ratio) / view.scale,
      radius: (this.editor.choice.size / 2) * pressure,
    };
  }

  /**
   * Whether the viewer shall have an event: the hand, another button, the overview map, panning with the space bar.
   * @param {PointerEvent} event
   */
  isViewers(event) {
    if (!this.tool.gesture || event.button > 0 || this.events.isPanning() || !this.base()?.isOpen) return true;
    return isWithin(event, ".navigator") || (event.pointerType === "touch" && this.penSeen);
  }

  /** @param {PointerEvent} event */
  onDown(event) {
    if (event.pointerType === "pen") this.penSeen = true;
    if (event.pointerType === "touch" && this.touch(event)) return;
    if (this.isViewers(event)) return;
    keep(event);
    this.surface.focus({ preventScroll: true });
    if (!this.events.mayPaint() || this.stroke) return;
    const base = this.base();
    if (!base) return;
    const problem = tooFarOut(this.tool, base.zoom(true), this.editor.choice.size);
    if (problem) {
      this.events.onTooFar(problem);
      return;
    }
    try {
      this.surface.setPointerCapture(event.pointerId);
    } catch {
      // a pointer that is gone already: the stroke is a dot
    }
    this.begin(event, this.pointOf(event, base), base);
  }

  /**
   * @param {PointerEvent} event
   * @param {BrushPoint} point
   * @param {BaseImage} base
   */
  begin(event, point, base) {
    const { tool } = this;
    if (tool.gesture === "stroke") {
      this.stroke = this.editor.beginStroke();
      this.raw = false;
      this.stroke.id = event.pointerId;
      this.stroke.moveTo(point);
      this.events.onDraw();
    } else if (tool.gesture === "click") {
      this.click(tool, point);
    } else if (tool.gesture === "several") {
      this.choose(tool, point);
    } else if (tool.gesture === "points") {
      this.addCorner(event, point, base);
    } else {
      this.gesture = { tool: tool.name, points: [point, point], id: event.pointerId };
      this.showGesture();
    }
  }

  /**
   * @param {Tool} tool
   * @param {BrushPoint} point
   */
  click(tool, point) {
    const row = Math.floor(point.row);
    const col = Math.floor(point.col);
    const { height, width } = this.editor.tiles.size;
    if (row < 0 || col < 0 || row >= height || col >= width) return;
    if (tool.name === "pick") this.events.onPick(row, col);
    else this.editor.click(tool.name, row, col);
  }

  /**
   * Click one, then others: the first is remembered, each further one is done with it.
   * @param {Tool} tool
   * @param {BrushPoint} point
   */
  choose(tool, point) {
    const { height, width } = this.editor.tiles.size;
    if (point.row < 0 || point.col < 0 || point.row >= height || point.col >= width) return;
    const first = this.gesture?.points[0];
    if (first) this.editor.mergeObjects([first, point]);
    else this.gesture = { tool: tool.name, points: [point] };
    this.showGesture();
  }

  /** @param {PointerEvent} event */
  onMove(event) {
    if (event.pointerType === "touch" && this.pinch(event)) return;
    this.showRing(event);
    const base = this.base();
    const own = event.pointerId === (this.stroke ?? this.gesture)?.id;
    if (!base?.isOpen) return;
    if (this.stroke && own) {
      event.preventDefault();
      if (!this.raw) this.advance(event, this.stroke, base);
    } else if (this.gesture && (own || isByClick(this.gesture))) {
      this.extend(this.gesture, this.pointOf(event, base));
    }
  }

  /**
   * Browsers hold moves back until a frame begins; most tell of them at once too, so that little is left to do in it.
   * @param {PointerEvent} event
   */
  onRaw(event) {
    const { stroke } = this;
    const base = this.base();
    if (!base?.isOpen || event.pointerId !== stroke?.id || (event.pointerType === "touch" && this.touches.size > 1)) return;
    this.raw = true;
    this.advance(event, stroke, base);
  }

  /**
   * @param {PointerEvent} event
   * @param {Stroke} stroke
   * @param {BaseImage} base
   */
  advance(event, stroke, base) {
    const parts = event.getCoalescedEvents?.() ?? [];
    for (const part of parts.length ? parts : [event]) stroke.moveTo(this.pointOf(part, base));
    this.events.onDraw();
  }

  /**
   * @param {Gesture} gesture
   * @param {BrushPoint} point
   */
  extend(gesture, point) {
    if (isByClick(gesture)) gesture.hover = point;
    else if (gesture.tool === "rightBox" || gesture.tool === "split") gesture.points[1] = point;
    else gesture.points.push(point);
    this.showGesture();
  }

  /**
   * @param {PointerEvent} event
   * @param {boolean} cancelled
   */
  onUp(event, cancelled = false) {
    this.touches.delete(event.pointerId);
    if (this.stroke?.id === event.pointerId) {
      const { stroke } = this;
      this.stroke = null;
      if (cancelled) stroke.cancel();
      else stroke.finish();
      event.stopImmediatePropagation();
    } else if (this.gesture?.id === event.pointerId && !isByClick(this.gesture)) {
      const { tool, points } = this.gesture;
      this.cancel();
      event.stopImmediatePropagation();
      if (!cancelled) this.finish(tool, points);
    }
  }

  /**
   * @param {string} tool
   * @param {BrushPoint[]} points
   */
  finish(tool, points) {
    const [a, b] = [points[0], points[points.length - 1]];
    const zoom = this.base()?.zoom(true) ?? 0;
    const moved = points.some((p) => Math.hypot(p.row - a.row, p.col - a.col) * zoom > 3);
    if (!moved) return;
    if (tool === "split") this.editor.splitObject([a, b]);
    else this.editor.region(tool, points);
  }

  // --- polygon

  /**
   * @param {PointerEvent} event
   * @param {BrushPoint} point
   * @param {BaseImage} base
   */
  addCorner(event, point, base) {
    this.gesture ??= { tool: "polygon", points: [] };
    const { points } = this.gesture;
    const zoom = base.zoom(true);
    /** @param {BrushPoint} p */
    const near = (p) => Math.hypot(p.row - point.row, p.col - point.col) * zoom <= CLOSE_PX;
    if (points.length >= 3 && near(points[0])) {
      this.closePolygon(event);
      return;
    }
    const last = points.at(-1);
    if (!last || !near(last)) points.push(point);
    this.showGesture();
  }

  /**
   * Fill the polygon that is being drawn. Whether there was one.
   * @param {Event | null} event
   */
  closePolygon(event) {
    if (this.gesture?.tool !== "polygon") return false;
    if (event) keep(event);
    const { points } = this.gesture;
    this.cancel();
    if (points.length >= 3) this.editor.region("polygon", points);
    return true;
  }

  /** Take back the last corner. Whether there was one. */
  removeCorner() {
    if (this.gesture?.tool !== "polygon") return false;
    this.gesture.points.pop();
    if (this.gesture.points.length) this.showGesture();
    else this.cancel();
    return true;
  }

  /** Give up what is being drawn. Whether there was anything. */
  cancel() {
    const had = Boolean(this.gesture ?? this.stroke);
    this.stroke?.cancel();
    this.stroke = this.gesture = null;
    this.preview.clear();
    return had;
  }

  showGesture() {
    if (!this.gesture) return;
    const { tool, points, hover } = this.gesture;
    if (tool === "rightBox") {
      const [a, b] = points;
      this.preview.showLine([a, { row: a.row, col: b.col }, b, { row: b.row, col: a.col }], { closed: true });
    } else {
      const shown = hover ? [...points, hover] : points;
      this.preview.showLine(shown, { closed: tool !== "split" && shown.length > 2, handles: tool === "polygon" || tool === "merge" });
    }
  }

  /** @param {PointerEvent} event */
  showRing(event) {
    if (!this.tool.sized || event.pointerType === "touch" || !this.base()?.isOpen) {
      this.preview.hideRing();
      return;
    }
    const box = this.surface.getBoundingClientRect();
    this.at = [event.clientX - box.left, event.clientY - box.top];
    this.ringAgain();
  }

  ringAgain() {
    const base = this.base();
    if (this.at && this.tool.sized && base?.isOpen) this.preview.showRing(...this.at, (this.editor.choice.size / 2) * base.zoom(true));
    else this.preview.hideRing();
  }

  // --- wheel and fingers

  /** @param {WheelEvent} event */
  onWheel(event) {
    if (!(event.shiftKey || event.altKey) || !this.tool.sized) return;
    keep(event);
    this.wheel += event.deltaY || event.deltaX; // with Shift some systems turn the wheel sideways
    while (Math.abs(this.wheel) >= WHEEL_STEP) {
      this.events.onSize(this.wheel < 0);
      this.wheel -= Math.sign(this.wheel) * WHEEL_STEP;
    }
    this.ringAgain();
  }

  /**
   * A finger comes down; two of them move the image. Whether that is what this one does.
   * @param {PointerEvent} event
   */
  touch(event) {
    if (this.penSeen || !this.tool.gesture || isWithin(event, ".navigator")) return false;
    this.touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.touches.size < 2) return false;
    if (this.stroke || this.gesture?.id) this.cancel();
    keep(event);
    return true;
  }

  /** @param {PointerEvent} event */
  pinch(event) {
    const before = this.touches.get(event.pointerId);
    if (!before) return false;
    const now = { x: event.clientX, y: event.clientY };
    this.touches.set(event.pointerId, now);
    const other = [...this.touches].find(([id]) => id !== event.pointerId)?.[1];
    if (!other) return false;
    const box = this.surface.getBoundingClientRect();
    /** @param {{x: number, y: number}} p */
    const middle = (p) => ({ x: (p.x + other.x) / 2 - box.left, y: (p.y + other.y) / 2 - box.top });
    /** @param {{x: number, y: number}} p */
    const spread = (p) => Math.max(20, Math.hypot(p.x - other.x, p.y - other.y));
    const [from, to] = [middle(before), middle(now)];
    this.base()?.pinch(to.x - from.x, to.y - from.y, spread(now) / spread(before), to);
    event.stopImmediatePropagation();
    return true;
  }

  close() {
    this.cancel();
    this.abort.abort();
  }
}

/**
 * Whether a gesture goes on from click to click.
 * @param {Gesture} gesture
 */
function isByClick({ tool }) {
  return tool === "polygon" || tool === "merge";
}

/** @param {Event} event */
function keep(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
}
