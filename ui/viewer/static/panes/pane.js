// One pane: a picture of the image, the label maps over it, its title, the cursor of the others.

import { h } from "../dom.js";
import { PlaceFrame, svgShape } from "../place.js";

export class Pane {
  /** @param wanted {title, sides: [name of a map], note: why there is nothing to see, or ""} */
  constructor({ title, sides, note }) {
    this.sides = new Map(sides.map((name) => [name, h("div", { class: "side", "data-side": name })]));
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
    this.tracker = null;
    this.picture = null;
  }

  /** The pane that holds the image itself: what lies over it is drawn inside OpenSeadragon's element. */
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

  /** Let gestures here move the image: a pane has the lead's size, so positions mean the same. */
  listen(osd, { innerTracker }) {
    if (!this.input || this.tracker) return;
    const names = ["dragHandler", "dragEndHandler", "scrollHandler", "pinchHandler", "clickHandler", "dblClickHandler"];
    this.tracker = new osd.MouseTracker({
      element: this.input, ...Object.fromEntries(names.map((name) => [name, innerTracker[name]])),
    });
  }

  copy(canvas) {
    if (!this.picture) return;
    if (this.picture.width !== canvas.width || this.picture.height !== canvas.height) {
      this.picture.width = canvas.width;
      this.picture.height = canvas.height;
    }
    const context = this.picture.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(canvas, 0, 0);
  }

  /** @param point {x, y} in CSS pixels of the pane, or null */
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
