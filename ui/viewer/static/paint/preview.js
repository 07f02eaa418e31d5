// What is seen of a gesture before it is done: the brush's circle, the line around a region. An SVG over the image.

import { PlaceFrame, svgShape as shape } from "../place.js";

export class Preview {
  constructor() {
    this.element = shape("svg", "paint-preview");
    this.element.setAttribute("aria-hidden", "true");
    this.ring = [shape("circle", "under"), shape("circle", "over")];
    this.line = [shape("polyline", "under"), shape("polyline", "over")];
    this.focus = new PlaceFrame();
    this.start = shape("circle", "start");
    this.element.append(...this.focus.lines, ...this.line, this.start, ...this.ring);
    this.points = [];
    this.closed = false;
    this.hideRing();
    this.draw(null);
  }

  /** The brush at a place of the element (CSS pixels). */
  showRing(x, y, radius) {
    for (const circle of this.ring) {
      circle.setAttribute("cx", x);
      circle.setAttribute("cy", y);
      circle.setAttribute("r", Math.max(1.5, radius));
      circle.style.display = "";
    }
  }

  hideRing() {
    for (const circle of this.ring) circle.style.display = "none";
  }

  /** @param points {row, col}[] in image pixels; @param options closed: back to the first; handles: mark the first */
  showLine(points, { closed = false, handles = false } = {}) {
    Object.assign(this, { points, closed, handles });
    this.draw(this.view);
  }

  clear() {
    this.showLine([]);
  }

  /** Outline a part of the image {row, column, height_px, width_px}, or null. */
  showFocus(target) {
    this.focus.show(target, this.view);
  }

  /** @param view see geometry.js */
  draw(view) {
    this.view = view;
    const visible = view && this.points.length > 0;
    const ratio = window.devicePixelRatio || 1;
    const at = ({ row, col }) => [((col - view.x0) * view.scale) / ratio, ((row - view.y0) * view.scale) / ratio];
    const path = visible ? (this.closed ? [...this.points, this.points[0]] : this.points).map((p) => at(p).join(",")).join(" ") : "";
    for (const line of this.line) line.setAttribute("points", path);
    this.start.style.display = visible && this.handles ? "" : "none";
    if (visible && this.handles) {
      const [x, y] = at(this.points[0]);
      this.start.setAttribute("cx", x);
      this.start.setAttribute("cy", y);
      this.start.setAttribute("r", 5);
    }
    this.focus.draw(view);
  }
}
