// The divider between reference (left) and prediction (right) in one pane.

import { h } from "../dom.js";

/** @import { Pane } from "./pane.js" */

const STEP = 0.02;
/** @type {Record<string, number>} */
const KEYS = { ArrowLeft: -STEP, ArrowDown: -STEP, ArrowRight: STEP, ArrowUp: STEP, PageDown: -5 * STEP, PageUp: 5 * STEP, Home: -1, End: 1 };

export class Swipe {
  /**
   * @param {Pane} pane a Pane with the sides "reference" and "prediction"
   * @param {{reference: string, prediction: string}} titles what the two are called
   * @param {number} share of the pane's width that shows the reference
   */
  constructor(pane, titles, share = 0.5) {
    this.pane = pane;
    this.share = share;
    this.offset = 0; // of the pointer in the handle, CSS pixels
    this.left = titles.reference.toLowerCase();
    this.handle = h("div", {
      class: "divider", role: "slider", tabindex: 0, "aria-label": `Divider: ${this.left} on the left, ${titles.prediction.toLowerCase()} on the right`,
      "aria-valuemin": 0, "aria-valuemax": 100,
    }, h("i", {}));
    this.right = h("span", { class: "pane-title right" }, titles.prediction);
    pane.element.append(this.handle, this.right);
    this.handle.addEventListener("pointerdown", (event) => this.grab(event));
    this.handle.addEventListener("pointermove", (event) => this.drag(event));
    this.handle.addEventListener("keydown", (event) => this.onKey(event));
    this.set(share);
  }

  /** @param {number} share */
  set(share) {
    this.share = Math.min(1, Math.max(0, share));
    const percent = this.share * 100;
    this.handle.style.left = `${percent}%`;
    this.handle.setAttribute("aria-valuenow", String(Math.round(percent)));
    this.handle.setAttribute("aria-valuetext", `${Math.round(percent)} % ${this.left}`);
    this.clip("reference", `inset(0 ${100 - percent}% 0 0)`);
    this.clip("prediction", `inset(0 0 0 ${percent}%)`);
  }

  /** @param {PointerEvent} event */
  grab(event) {
    if (event.button !== 0) return;
    this.handle.setPointerCapture(event.pointerId);
    this.offset = event.clientX - this.handle.getBoundingClientRect().left - this.handle.clientWidth / 2;
    event.preventDefault();
    this.handle.focus({ preventScroll: true });
  }

  /** @param {PointerEvent} event */
  drag(event) {
    if (!this.handle.hasPointerCapture(event.pointerId)) return;
    const box = this.pane.element.getBoundingClientRect();
    this.set((event.clientX - this.offset - box.left) / box.width);
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const step = KEYS[event.key];
    if (step === undefined) return;
    this.set(this.share + step);
    event.preventDefault();
    event.stopPropagation();
  }

  /**
   * @param {string} side
   * @param {string} path of CSS
   */
  clip(side, path) {
    const element = this.pane.sides.get(side);
    if (element) element.style.clipPath = path;
  }

  close() {}
}
