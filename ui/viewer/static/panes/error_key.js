// What the colours of the errors pane mean: a part of the legend.

import { h } from "../dom.js";
import { OUTCOME_COLORS } from "./error_colors.js";

/** @import { Story } from "./stories.js" */

export class ErrorKey {
  constructor() {
    this.element = h("div", { class: "error-key", hidden: true });
  }

  /**
   * @param {string | null} name of the class whose errors are shown; null for all
   * @param {boolean} shown whether there is such a pane
   * @param {string} color of a class, as an example
   * @param {Story} story what the two maps are to each other
   */
  show(name, shown, color, story) {
    this.element.hidden = !shown;
    this.element.style.setProperty("--class-color", color);
    const rows = story[name === null ? "all" : "one"];
    const { errors } = story.titles;
    this.element.replaceChildren(
      h("span", { class: "error-title" }, name === null ? errors : `${errors} of ${name}`),
      ...rows.map(([kind, text, more]) => row(kind, text, more)),
      row("ignored", story.ignored),
    );
  }
}

/**
 * @param {string} kind
 * @param {string} text
 * @param {string} [more]
 */
function row(kind, text, more) {
  const color = kind in OUTCOME_COLORS ? OUTCOME_COLORS[/** @type {keyof typeof OUTCOME_COLORS} */ (kind)] : null;
  return h("span", { class: "error-row" },
    h("i", { class: `error-swatch ${kind}`, style: color ? `background:${color}` : null }),
    h("span", {}, text, more ? h("small", {}, ` ${more}`) : null));
}
