// The panel of the scale tool: what to do, the length of the bar, what follows from it.

import { h, iconButton } from "../dom.js";
import { ICONS } from "../icons.js";
import { LEAST_PX, lengthOf, measured, parseLength } from "./lengths.js";

/** @import { Line } from "./lengths.js" */
/** @import { LineEnd } from "./scale_line.js" */

/** @typedef {{line: Line | null, proposed: boolean, searching: boolean, none: boolean}} PanelState */

/**
 * @typedef {object} PanelEvents
 * @property {() => void} find
 * @property {() => void} clear
 * @property {(end: LineEnd) => void} look
 * @property {(typed: string) => void} use
 * @property {() => void} close
 * @property {() => void} place
 */

const DRAW = "Drag a line along the scale bar in the image, from end to end. Hold Shift for a horizontal line.";
const CHECK = "Possible scale bar found. Check both ends and correct them if necessary.";
const DRAG = "Drag the ends to the edges of the bar; zoom in for accuracy. Arrow keys move an end by one pixel.";
const NONE = "No scale bar found. Drag a line along it, from end to end.";

export class ScalePanel {
  /** @param {PanelEvents} events */
  constructor(events) {
    this.events = events;
    /** @type {Line | null} */
    this.line = null;
    this.hint = h("p", { class: "hint", role: "status" });
    this.length = h("input", {
      type: "text", class: "scale-length", placeholder: "500 nm", "aria-label": "Length of the scale bar, with its unit", autocomplete: "off", spellcheck: "false",
      oninput: () => this.showResult(), onkeydown: (event) => {
        if (event.key === "Enter" && !this.useButton.disabled) this.use();
        else if (event.key === "Escape") events.close();
      },
    });
    this.result = h("p", { class: "result", "aria-live": "polite" });
    this.useButton = h("button", { type: "button", class: "main", onclick: () => this.use() }, "Use scale…");
    /**
     * @param {string} label
     * @param {() => void} action
     */
    const text = (label, action) => h("button", { type: "button", class: "text-button", onclick: action }, label);
    this.lookRow = h("div", { class: "row" }, text("Show first end", () => events.look(0)), text("Second end", () => events.look(1)));
    this.findButton = text("Find bar", () => events.find());
    this.againButton = text("Redraw", () => events.clear());
    this.placeButton = text("Place line", () => events.place());
    this.lineRow = h("div", { class: "row" }, this.findButton, this.againButton, this.placeButton);
    this.element = h("section", { class: "scale-panel panel", role: "dialog", "aria-label": "Scale bar", hidden: true },
      h("header", {}, h("span", {}, "Set pixel size"), iconButton(ICONS.close, "Close", "Esc", () => events.close(), { class: "tool small" })),
      this.hint, this.lineRow, this.lookRow,
      h("label", { class: "row" }, h("span", {}, "Length of the bar"), this.length),
      this.result, h("div", { class: "row answers" }, this.useButton));
  }

  /** @param {PanelState} state */
  show(state) {
    this.line = state.line;
    this.hint.textContent = state.searching ? "Searching for a scale bar…" : state.line ? (state.proposed ? CHECK : DRAG) : (state.none ? NONE : DRAW);
    this.lookRow.hidden = !state.line;
    this.againButton.hidden = !state.line;
    this.findButton.hidden = Boolean(state.line);
    this.placeButton.hidden = Boolean(state.line);
    this.showResult();
  }

  showResult() {
    const px = this.line ? lengthOf(this.line) : 0;
    const { nm, problem } = parseLength(this.length.value);
    this.useButton.disabled = nm === null || px < LEAST_PX;
    this.result.classList.toggle("problem", Boolean(problem));
    if (problem) this.result.textContent = problem;
    else if (!this.line) this.result.textContent = "";
    else if (px < LEAST_PX) this.result.textContent = "The line is too short.";
    else this.result.textContent = nm === null ? `${px.toFixed(1)} px` : resultText(nm, px);
  }

  use() {
    this.events.use(this.length.value.trim());
  }
}

/**
 * The result in words.
 * @param {number} lengthNm
 * @param {number} lengthPx
 */
export function resultText(lengthNm, lengthPx) {
  const { nm, uncertainty } = measured(lengthNm, lengthPx);
  /**
   * @param {number} value
   * @param {number} digits
   */
  const number = (value, digits) => String(Number(value.toPrecision(digits)));
  return `${lengthPx.toFixed(1)} px: ${number(nm, 4)} ± ${number(uncertainty, 2)} nm per pixel`;
}
