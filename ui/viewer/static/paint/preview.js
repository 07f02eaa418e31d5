// What is seen of a gesture before it is done: the brush's circle, the line around a region. An SVG over the image.

import { PlaceFrame, setNumbers, svgShape as shape } from "../place.js";

/** @import { View } from "../geometry.js" */
/** @import { Place } from "../messages.js" */
/** @import { Point } from "./shapes.js" */

export class Preview {
  constructor() {
    this.element = shape("svg", "paint-preview");
    this.element.setAttribute("aria-hidden", "true");
    this.ring = [shape("circle", "under"), shape("circle", "over")];
    this.line = [shape("polyline", "under"), shape("polyline", "over")];
    this.focus = new PlaceFrame();
    this.start = shape("circle", "start");
    this.element.append(...this.focus.lines, ...this.line, this.start, ...this.ring);
    /** @type {Point[]} */
    this.points = [];
    this.closed = false;
    this.handles = false;
    /** @type {View | null} */
    this.view = null;
    this.hideRing();
    this.draw(null);
  }

  /**
   * The brush at a place of the element (CSS pixels).
   * @param {number} x
   * @param {number} y
   * @param {number} radius
   */
  showRing(x, y, radius) {
    for (const circle of this.ring) {
      setNumbers(circle, { cx: x, cy: y, r: Math.max(1.5, radius) });
      circle.style.display = "";
    }
  }

  hideRing() {
    for (const circle of this.ring) circle.style.display = "none";
  }

  /**
   * @param {Point[]} points in image pixels
   * @param {{closed?: boolean, handles?: boolean}} [options] closed, back to the first, handles, mark the first
   */
  showLine(points, { closed = false, handles = false } = {}) {
    this.points = points;
    this.closed = closed;
    this.handles = handles;
    this.draw(this.view);
  }

  clear() {
    this.showLine([]);
  }

  /**
   * Outline a part of the image {row, column, height_px, width_px}, or null.
   * @param {Place | null} target
   */
  showFocus(target) {
    this.focus.show(target, this.view);
  }

  /** @param {View | null} view see geometry.js */
  draw(view) {
    this.view = view;
    const ratio = window.devicePixelRatio || 1;
    const points = view ? this.points.map(({ row, col }) => [((col - view.x0) * view.scale) / ratio, ((row - view.y0) * view.scale) / ratio]) : [];
    const [first] = points;
    const path = (first && this.closed ? [...points, first] : points).map((point) => point.join(",")).join(" ");
    for (const line of this.line) line.setAttribute("points", path);
    this.start.style.display = first && this.handles ? "" : "none";
    if (first && this.handles) setNumbers(this.start, { cx: first[0], cy: first[1], r: 5 });
    this.focus.draw(view);
  }
}
