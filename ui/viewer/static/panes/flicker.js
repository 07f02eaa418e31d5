// Reference and prediction in turn, in one pane: what differs jumps.

import { h, iconButton } from "../dom.js";
import { PANE_ICONS } from "./pane_icons.js";

/** @import { Pane } from "./pane.js" */

/** @typedef {"reference" | "prediction"} Side */

export const FLICKER_MS = 333; // each: 1.5 rounds a second, below what is unsafe to watch

/** @type {Side[]} */
const SIDES = ["reference", "prediction"];

export class Flicker {
  /**
   * @param {Pane} pane a Pane with the sides "reference" and "prediction"
   * @param {Record<Side, string>} titles what the two are called
   */
  constructor(pane, titles) {
    this.pane = pane;
    this.titles = titles;
    /** @type {Side} */
    this.shown = "reference";
    this.playing = !window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.held = false;
    this.button = iconButton("", "Pause", "K", () => this.toggle());
    this.choices = SIDES.map((name) => h("button", {
      type: "button", class: "choice", "data-side": name, onclick: () => this.stay(name),
    }, titles[name]));
    this.element = h("div", { class: "flicker panel", role: "group", "aria-label": "Flicker" }, this.button, this.choices);
    pane.element.append(this.element);
    this.timer = setInterval(() => this.tick(), FLICKER_MS);
    this.show("reference");
  }

  tick() {
    if (this.playing && !this.held && !document.hidden) this.show(this.other);
  }

  /** @returns {Side} */
  get other() {
    return this.shown === "reference" ? "prediction" : "reference";
  }

  /** @param {Side} side */
  show(side) {
    this.shown = side;
    for (const [name, element] of this.pane.sides) element.style.visibility = name === side ? "" : "hidden";
    this.pane.title.textContent = this.titles[side];
    this.pane.title.dataset.side = side;
    for (const choice of this.choices) {
      choice.classList.toggle("on", choice.dataset.side === side);
      if (!this.playing) choice.setAttribute("aria-pressed", String(choice.dataset.side === side));
      else choice.removeAttribute("aria-pressed");
    }
    const label = this.playing ? "Pause" : "Flicker";
    this.button.innerHTML = this.playing ? PANE_ICONS.pause : PANE_ICONS.play;
    this.button.setAttribute("aria-label", label);
    this.button.dataset.tip = `${label}  (K)`;
  }

  toggle() {
    this.playing = !this.playing;
    this.show(this.shown);
  }

  /**
   * Stop at one of the two.
   * @param {Side} side
   */
  stay(side) {
    this.playing = false;
    this.show(side);
  }

  /**
   * While a key is down: the other one, and no flicker.
   * @param {boolean} down
   */
  hold(down) {
    if (this.held === down) return;
    this.held = down;
    this.show(this.other);
  }

  close() {
    clearInterval(this.timer);
  }
}
