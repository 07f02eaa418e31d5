// Mouse, pen and fingers over the image: what becomes a gesture of the chosen tool, and what stays with the viewer.

import { TOOL, tooFarOut } from "./tools.js";

const CLOSE_PX = 9; // CSS pixels around the first point of a polygon that close it
const WHEEL_STEP = 40; // of a wheel's way, in CSS pixels, for one step of size

export class Pointer {
  /**
   * @param surface element over which it works; base: () => BaseImage
   * @param editor Editor; preview: Preview
   * @param events mayPaint() => boolean, onTooFar(text), onSize(up), onPick(row, col), onDraw(), isPanning() => boolean
   */
  constructor(surface, base, editor, preview, events) {
    Object.assign(this, { surface, base, editor, preview, events });
    this.stroke = null;
    this.raw = false; // whether the stroke under way gets its way as the pointer goes it, ahead of the frame
    this.gesture = null; // {tool, points, id} while a region, a line or a polygon is being drawn
    this.touches = new Map();
    this.penSeen = false;
    this.wheel = 0;
    const { signal } = (this.abort = new AbortController());
    const listen = (type, action, options = {}) => surface.addEventListener(type, (event) => action(event), { capture: true, signal, ...options });
    listen("pointerdown", (event) => this.onDown(event));
    listen("pointerrawupdate", (event) => this.onRaw(event));
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

  /** Image coordinates of an event, fractions included; they may lie outside the image. */
  pointOf(event) {
    const box = this.surface.getBoundingClientRect();
    const view = this.base().view();
    const ratio = window.devicePixelRatio || 1;
    const pressure = event.pointerType === "pen" && event.pressure > 0 ? 0.3 + 0.7 * event.pressure : 1;
    return {
      row: view.y0 + ((event.clientY - box.top) * ratio) / view.scale,
      col: view.x0 + ((event.clientX - box.left) * ratio) / view.scale,
      radius: (this.editor.choice.size / 2) * pressure,
    };
  }

  /** Whether the viewer shall have an event: the hand, another button, the overview map, panning with the space bar. */
  isViewers(event) {
    if (!this.tool.gesture || event.button > 0 || this.events.isPanning() || !this.base()?.isOpen) return true;
    return Boolean(event.target.closest?.(".navigator")) || (event.pointerType === "touch" && this.penSeen);
  }

  onDown(event) {
    if (event.pointerType === "pen") this.penSeen = true;
    if (event.pointerType === "touch" && this.touch(event)) return;
    if (this.isViewers(event)) return;
    keep(event);
    this.surface.focus({ preventScroll: true });
    if (!this.events.mayPaint() || this.stroke) return;
    const problem = tooFarOut(this.tool, this.base().zoom(true), this.editor.choice.size);
    if (problem) {
      this.events.onTooFar(problem);
      return;
    }
    try {
      this.surface.setPointerCapture(event.pointerId);
    } catch {
      // a pointer that is gone already: the stroke is a dot
    }
    this.begin(event, this.pointOf(event));
  }

  begin(event, point) {
    const { tool } = this;
    if (tool.gesture === "stroke") {
      this.stroke = this.editor.beginStroke();
      this.raw = false;
      this.stroke.id = event.pointerId;
      this.stroke.moveTo(point);
      this.events.onDraw();
    } else if (tool.gesture === "click") {
      this.click(tool, point);
    } else if (tool.gesture === "points") {
      this.addCorner(event, point);
    } else {
      this.gesture = { tool: tool.name, points: [point, point], id: event.pointerId };
      this.showGesture();
    }
  }

  click(tool, point) {
    const row = Math.floor(point.row);
    const col = Math.floor(point.col);
    const { height, width } = this.editor.tiles.size;
    if (row < 0 || col < 0 || row >= height || col >= width) return;
    if (tool.name === "pick") this.events.onPick(row, col);
    else this.editor.click(tool.name, row, col);
  }

  onMove(event) {
    if (event.pointerType === "touch" && this.pinch(event)) return;
    this.showRing(event);
    const own = event.pointerId === (this.stroke ?? this.gesture)?.id;
    if (this.stroke && own) {
      event.preventDefault();
      if (!this.raw) this.advance(event);
    } else if (this.gesture && (own || this.gesture.tool === "polygon")) {
      this.extend(this.pointOf(event));
    }
  }

  /** Browsers hold moves back until a frame begins; most tell of them at once too, so that little is left to do in it. */
  onRaw(event) {
    if (event.pointerId !== this.stroke?.id || (event.pointerType === "touch" && this.touches.size > 1)) return;
    this.raw = true;
    this.advance(event);
  }

  advance(event) {
    const parts = event.getCoalescedEvents?.() ?? [];
    for (const part of parts.length ? parts : [event]) this.stroke.moveTo(this.pointOf(part));
    this.events.onDraw();
  }

  extend(point) {
    const { gesture } = this;
    if (gesture.tool === "polygon") gesture.hover = point;
    else if (gesture.tool === "rightBox" || gesture.tool === "split") gesture.points[1] = point;
    else gesture.points.push(point);
    this.showGesture();
  }

  onUp(event, cancelled = false) {
    this.touches.delete(event.pointerId);
    if (this.stroke?.id === event.pointerId) {
      const { stroke } = this;
      this.stroke = null;
      if (cancelled) stroke.cancel();
      else stroke.finish();
      event.stopImmediatePropagation();
    } else if (this.gesture?.id === event.pointerId && this.gesture.tool !== "polygon") {
      const { tool, points } = this.gesture;
      this.cancel();
      event.stopImmediatePropagation();
      if (!cancelled) this.finish(tool, points);
    }
  }

  finish(tool, points) {
    const [a, b] = [points[0], points.at(-1)];
    const moved = points.some((p) => Math.hypot(p.row - a.row, p.col - a.col) * this.base().zoom(true) > 3);
    if (!moved) return;
    if (tool === "split") this.editor.split(a, b);
    else this.editor.region(tool, points);
  }

  // --- polygon

  addCorner(event, point) {
    this.gesture ??= { tool: "polygon", points: [] };
    const { points } = this.gesture;
    const zoom = this.base().zoom(true);
    const near = (p) => Math.hypot(p.row - point.row, p.col - point.col) * zoom <= CLOSE_PX;
    if (points.length >= 3 && near(points[0])) {
      this.closePolygon(event);
      return;
    }
    if (!points.length || !near(points.at(-1))) points.push(point);
    this.showGesture();
  }

  /** Fill the polygon that is being drawn. Whether there was one. */
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
    const { tool, points, hover } = this.gesture;
    if (tool === "rightBox") {
      const [a, b] = points;
      this.preview.showLine([a, { row: a.row, col: b.col }, b, { row: b.row, col: a.col }], { closed: true });
    } else {
      const shown = hover ? [...points, hover] : points;
      this.preview.showLine(shown, { closed: tool !== "split" && shown.length > 2, handles: tool === "polygon" });
    }
  }

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
    if (this.at && this.tool.sized && this.base()?.isOpen) this.preview.showRing(...this.at, (this.editor.choice.size / 2) * this.base().zoom(true));
    else this.preview.hideRing();
  }

  // --- wheel and fingers

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

  /** A finger comes down; two of them move the image. Whether that is what this one does. */
  touch(event) {
    if (this.penSeen || !this.tool.gesture || event.target.closest?.(".navigator")) return false;
    this.touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.touches.size < 2) return false;
    if (this.stroke || this.gesture?.id) this.cancel();
    keep(event);
    return true;
  }

  pinch(event) {
    const before = this.touches.get(event.pointerId);
    if (!before) return false;
    const now = { x: event.clientX, y: event.clientY };
    this.touches.set(event.pointerId, now);
    if (this.touches.size < 2) return false;
    const other = [...this.touches].find(([id]) => id !== event.pointerId)[1];
    const box = this.surface.getBoundingClientRect();
    const middle = (p) => ({ x: (p.x + other.x) / 2 - box.left, y: (p.y + other.y) / 2 - box.top });
    const spread = (p) => Math.max(20, Math.hypot(p.x - other.x, p.y - other.y));
    const [from, to] = [middle(before), middle(now)];
    this.base().pinch(to.x - from.x, to.y - from.y, spread(now) / spread(before), to);
    event.stopImmediatePropagation();
    return true;
  }

  close() {
    this.cancel();
    this.abort.abort();
  }
}

function keep(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
}
