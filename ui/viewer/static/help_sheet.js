// The sheet of keyboard shortcuts.

import { h, iconButton } from "./dom.js";
import { ICONS } from "./icons.js";

/**
 * A heading, and what keys do.
 * @typedef {[title: string, rows: [keys: string[], what: string][]]} HelpGroup
 */

/** @type {HelpGroup[]} */
export const GROUPS = [
  ["Move", [
    [["drag", "arrows"], "move the image"],
    [["wheel", "+", "−"], "zoom"],
    [["0"], "fit to window"],
    [["Z"], "actual pixels (1:1)"],
    [["M"], "overview map"],
    [["F"], "full screen"],
  ]],
  ["Masks", [
    [["H"], "hide or show all"],
    [["Space"], "hide the masks while held"],
    [["1", "…", "9"], "hide or show a class"],
    [["A"], "show all classes"],
    [["O"], "fill or outline"],
    [["#"], "show each object"],
    [["[", "]"], "less or more opaque"],
    [["C"], "model confidence"],
    [["P"], "colour-blind-safe palette"],
    [["L"], "list of classes"],
  ]],
  ["Image", [
    [["B"], "brightness and contrast"],
    [["I"], "invert"],
    [["S"], "measure the pixel size on a scale bar"],
    [["?"], "show shortcuts"],
    [["Esc"], "close, show all classes"],
  ]],
];

export class HelpSheet {
  /**
   * @param {() => void} onClose
   * @param {HelpGroup[]} groups
   */
  constructor(onClose, groups = GROUPS) {
    this.closeButton = iconButton(ICONS.close, "Close", "Esc", onClose, { class: "tool small" });
    this.element = h("div", { class: "sheet", role: "dialog", "aria-modal": "true", "aria-label": "Keyboard shortcuts", hidden: true,
      onclick: (event) => { if (event.target === this.element) onClose(); } },
    h("div", { class: "sheet-card" },
      h("header", {}, h("span", {}, "Keyboard shortcuts"), this.closeButton),
      h("div", { class: "sheet-groups" }, groups.map(([title, rows]) => h("section", {}, h("h4", {}, title),
        rows.map(([keys, what]) => h("div", { class: "shortcut" },
          h("span", { class: "keys" }, keys.map((key) => h("kbd", {}, key))), h("span", {}, what)))))),
      h("p", {}, "Shortcuts work while the pointer is over the viewer.")));
  }

  /** @param {boolean} shown */
  show(shown) {
    this.element.hidden = !shown;
    if (shown) this.closeButton.focus();
  }
}
