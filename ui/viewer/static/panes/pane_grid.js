// All panes. There is one image, in the first of them; the others show copies of what it has drawn. So there is one view
// for all, and nothing that could lag or run in circles.

import { h } from "../dom.js";
import { layout } from "./pane_layout.js";
import { Pane } from "./pane.js";

export class PaneGrid {
  /**
   * @param surface OpenSeadragon's element; @param labels the element over its image
   * @param events onPoint(pane, clientX, clientY) with the place in the lead, onLeave()
   */
  constructor(surface, labels, events) {
    Object.assign(this, { surface, labels, events });
    this.panes = [];
    this.target = null;
    this.element = h("div", { class: "pane-grid" });
    this.element.addEventListener("pointermove", (event) => this.onMove(event));
    this.element.addEventListener("pointerleave", () => this.onLeave());
  }

  /** @param wanted see Pane; the first leads */
  show(wanted) {
    for (const pane of this.panes) pane.close();
    this.panes = wanted.map((item) => new Pane(item));
    this.panes.forEach((pane, index) => (index === 0 ? pane.lead(this.surface, this.labels) : pane.follow()));
    this.element.replaceChildren(...this.panes.map((pane) => pane.element));
    if (this.base) this.connect(this.osd, this.base);
    this.focus(this.target);
  }

  /** @param base the BaseImage that leads */
  connect(osd, base) {
    Object.assign(this, { osd, base });
    for (const pane of this.panes) pane.listen(osd, base.viewer);
  }

  disconnect() {
    this.base = null;
    for (const pane of this.panes) pane.close();
  }

  /** The element that a map is drawn in, or null where no pane shows it. */
  sideOf(name) {
    for (const pane of this.panes) if (pane.sides.has(name)) return pane.sides.get(name);
    return null;
  }

  /** Share out the room. @returns whether panes have another size now */
  fit(aspect, stacked) {
    const { clientWidth, clientHeight } = this.element;
    const { columns, width, height } = layout(this.panes.length, clientWidth, clientHeight, aspect, stacked);
    const changed = width !== this.width || height !== this.height;
    Object.assign(this, { width, height });
    this.element.style.gridTemplateColumns = `repeat(${columns}, ${width}px)`;
    this.element.style.gridAutoRows = `${height}px`;
    return changed;
  }

  /** In step with the image. @param view see geometry.js */
  draw(view) {
    const { canvas } = this.base.viewer.drawer;
    for (const pane of this.panes) {
      pane.copy(canvas);
      pane.frame.draw(view);
    }
    this.view = view;
  }

  setFilter(filter) {
    for (const { picture } of this.panes) if (picture) picture.style.filter = filter;
  }

  /** Outline a place in all panes, or none. */
  focus(target) {
    this.target = target;
    for (const pane of this.panes) pane.frame.show(target, this.view);
  }

  onMove(event) {
    const pane = this.panes.find(({ element }) => event.composedPath().includes(element));
    if (!pane) return;
    const box = pane.element.getBoundingClientRect();
    const point = { x: event.clientX - box.left, y: event.clientY - box.top };
    for (const each of this.panes) each.showCross(this.panes.length > 1 ? point : null);
    const lead = this.panes[0].element.getBoundingClientRect();
    this.events.onPoint(pane, point.x + lead.left, point.y + lead.top);
  }

  onLeave() {
    for (const pane of this.panes) pane.showCross(null);
    this.events.onLeave();
  }
}
