// What the colours of the errors pane mean: a part of the legend.

import { h } from "../dom.js";
import { OUTCOME_COLORS } from "./error_colors.js";

export class ErrorKey {
  constructor() {
    this.element = h("div", { class: "error-key", hidden: true });
  }

  /**
   * @param name of the class whose errors are shown; null for all
   * @param shown whether there is such a pane
   * @param color of a class, as an example
   * @param story what the two maps are to each other
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

function row(kind, text, more) {
  const color = OUTCOME_COLORS[kind];
  return h("span", { class: "error-row" },
    h("i", { class: `error-swatch ${kind}`, style: color ? `background:${color}` : null }),
    h("span", {}, text, more ? h("small", {}, ` ${more}`) : null));
}
