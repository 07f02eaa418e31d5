// One pane: a picture of the image, the label maps over it, its title, the cursor of the others.

import { context2d, h } from "../dom.js";
import { PlaceFrame, svgShape } from "../place.js";

/** @import { MouseTracker, Viewer } from "../../../types/openseadragon.js" */
/** @import { OpenSeadragonStatic } from "../openseadragon.js" */

/**
 * A pane that is wanted: its title, the maps in it, and why there is nothing to see, or "".
 * @typedef {{title: string, sides: string[], note: string}} PanePlan
 */

export class Pane {
  /** @param {PanePlan} plan */
  constructor({ title, sides, note }) {
    this.sides = new Map(sides.map((name) => /** @type {const} */ ([name, h("div", { class: "side", "data-side": name })])));
    this.over = h("div", { class: "sides" }, [...this.sides.values()]);
    this.title = h("span", { class: "pane-title" }, title);
    this.note = h("p", { class: "pane-note", hidden: !note }, note);
    this.cross = h("div", { class: "cross", hidden: true }, h("i", { class: "across" }), h("i", { class: "down" }));
    this.frame = new PlaceFrame();
    const frame = svgShape("svg", "place-frame");
    frame.setAttribute("aria-hidden", "true");
    frame.append(...this.frame.lines);
    this.element = h("section", { class: "pane", role: "group", "aria-label": title }, frame, this.cross, this.title, this.note);
    this.element.classList.toggle("empty", Boolean(note));
    /** @type {MouseTracker | null} */
    this.tracker = null;
    /** @type {HTMLCanvasElement | null} */
    this.picture = null;
    /** @type {HTMLElement | null} */
    this.input = null; // takes the gestures of a pane that follows
  }

  /**
   * The pane that holds the image itself: what lies over it is drawn inside OpenSeadragon's element.
   * @param {HTMLElement} surface
   * @param {HTMLElement} labels
   */
  lead(surface, labels) {
    this.element.prepend(surface);
    labels.append(this.over);
  }

  /** A pane that shows a copy of the image. */
  follow() {
    this.picture = h("canvas", { class: "picture" });
    this.input = h("div", { class: "input" });
    this.element.prepend(this.picture, this.over, this.input);
  }

  /**
   * Let gestures here move the image: a pane has the lead's size, so positions mean the same.
   * @param {OpenSeadragonStatic} osd
   * @param {Viewer} viewer
   */
  listen(osd, { innerTracker }) {
    if (!this.input || this.tracker) return;
    const { dragHandler, dragEndHandler, scrollHandler, pinchHandler, clickHandler, dblClickHandler } = innerTracker;
    this.tracker = new osd.MouseTracker({
      element: this.input, dragHandler, dragEndHandler, scrollHandler, pinchHandler, clickHandler, dblClickHandler,
    });
  }

  /** @param {HTMLCanvasElement} canvas */
  copy(canvas) {
    if (!this.picture) return;
    if (this.picture.width !== canvas.width || this.picture.height !== canvas.height) {
      this.picture.width = canvas.width;
      this.picture.height = canvas.height;
    }
    const context = context2d(this.picture);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(canvas, 0, 0);
  }

  /** @param {{x: number, y: number} | null} point */
  showCross(point) {
    this.cross.hidden = !point;
    if (!point) return;
    this.cross.style.setProperty("--x", `${point.x}px`);
    this.cross.style.setProperty("--y", `${point.y}px`);
  }

  /** Let go of the gestures; the elements go with their parent. */
  close() {
    this.tracker?.destroy();
    this.tracker = null;
    this.over.remove();
  }
}
