// All panes. There is one image, in the first of them; the others show copies of what it has drawn. So there is one view
// for all, and nothing that could lag or run in circles.

import { h } from "../dom.js";
import { layout } from "./pane_layout.js";
import { Pane } from "./pane.js";

/** @import { BaseImage } from "../base_image.js" */
/** @import { View } from "../geometry.js" */
/** @import { Place } from "../messages.js" */
/** @import { OpenSeadragonStatic } from "../openseadragon.js" */
/** @import { PanePlan } from "./pane.js" */

/**
 * @typedef {object} GridEvents
 * @property {(pane: Pane, clientX: number, clientY: number) => void} onPoint with the place in the lead
 * @property {() => void} onLeave
 */

export class PaneGrid {
  /**
   * @param {HTMLElement} surface OpenSeadragon's element;
   * @param {HTMLElement} labels the element over its image
   * @param {GridEvents} events
   */
  constructor(surface, labels, events) {
    this.surface = surface;
    this.labels = labels;
    this.events = events;
    /** @type {Pane[]} */
    this.panes = [];
    /** @type {Place | null} */
    this.target = null;
    /** @type {{osd: OpenSeadragonStatic, base: BaseImage} | null} */
    this.image = null; // what leads, while there is an image
    /** @type {View | null} */
    this.view = null;
    this.width = this.height = 0; // of a pane
    this.element = h("div", { class: "pane-grid" });
    this.element.addEventListener("pointermove", (event) => this.onMove(event));
    this.element.addEventListener("pointerleave", () => this.onLeave());
  }

  /** @param {PanePlan[]} wanted the first leads */
  show(wanted) {
    for (const pane of this.panes) pane.close();
    this.panes = wanted.map((item) => new Pane(item));
    const [lead, ...others] = this.panes;
    lead?.lead(this.surface, this.labels);
    for (const pane of others) pane.follow();
    this.element.replaceChildren(...this.panes.map((pane) => pane.element));
    if (this.image) this.connect(this.image.osd, this.image.base);
    this.focus(this.target);
  }

  /**
   * @param {OpenSeadragonStatic} osd
   * @param {BaseImage} base
   */
  connect(osd, base) {
    this.image = { osd, base };
    for (const pane of this.panes) pane.listen(osd, base.viewer);
  }

  disconnect() {
    this.image = null;
    for (const pane of this.panes) pane.close();
  }

  /**
   * The element that a map is drawn in, or null where no pane shows it.
   * @param {string | undefined} name
   * @returns {HTMLElement | null}
   */
  sideOf(name) {
    if (name === undefined) return null;
    return this.panes.map((pane) => pane.sides.get(name)).find((side) => side !== undefined) ?? null;
  }

  /**
   * Share out the room.
   * @param {number} aspect
   * @param {boolean} stacked
   * @returns {boolean} whether panes have another size now
   */
  fit(aspect, stacked) {
    const { clientWidth, clientHeight } = this.element;
    const { columns, width, height } = layout(this.panes.length, clientWidth, clientHeight, aspect, stacked);
    const changed = width !== this.width || height !== this.height;
    this.width = width;
    this.height = height;
    this.element.style.gridTemplateColumns = `repeat(${columns}, ${width}px)`;
    this.element.style.gridAutoRows = `${height}px`;
    return changed;
  }

  /**
   * In step with the image.
   * @param {View} view see geometry.js
   */
  draw(view) {
    if (!this.image) return;
    const { canvas } = this.image.base.viewer.drawer;
    for (const pane of this.panes) {
      pane.copy(canvas);
      pane.frame.draw(view);
    }
    this.view = view;
  }

  /** @param {string} filter */
  setFilter(filter) {
    for (const { picture } of this.panes) if (picture) picture.style.filter = filter;
  }

  /**
   * Outline a place in all panes, or none.
   * @param {Place | null} target
   */
  focus(target) {
    this.target = target;
    for (const pane of this.panes) pane.frame.show(target, this.view);
  }

  /** @param {PointerEvent} event */
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
