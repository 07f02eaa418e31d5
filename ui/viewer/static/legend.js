// The classes: what each colour means, which are shown, which one stands alone; and, with several maps, which maps.

import { h, iconButton } from "./dom.js";
import { ICONS } from "./icons.js";
import { rampGradient } from "./palette.js";

/** @import { LabelClass } from "./messages.js" */

/** @typedef {{element: HTMLElement, swatch: HTMLElement, name: HTMLElement}} ClassRow */

/**
 * @typedef {object} LegendState
 * @property {LabelClass[]} classes
 * @property {boolean} safe whether colours are those for the colour-blind
 * @property {Set<number>} hidden
 * @property {number | null} isolated
 * @property {Record<number, number>} areas shares of the classes, by id
 * @property {ShownLayer[]} layers
 * @property {boolean} confidence
 * @property {boolean} pieces whether objects are shown, and no map has ids of them
 */

/**
 * @typedef {object} LegendEvents
 * @property {(id: number) => void} toggle
 * @property {(id: number) => void} isolate
 * @property {(id: number | null) => void} hover
 * @property {(index: number) => void} toggleLayer
 * @property {() => void} close
 */

/** @typedef {{name: string, visible: boolean}} ShownLayer */

export class Legend {
  /** @param {LegendEvents} events */
  constructor(events) {
    this.events = events;
    this.list = h("ul", { class: "classes" });
    this.layers = h("ul", { class: "layers" });
    this.ramp = h("div", { class: "ramp", hidden: true },
      h("span", { class: "ramp-title" }, "Model confidence"),
      h("span", { class: "ramp-bar", style: `background:${rampGradient()}` }),
      h("span", { class: "ramp-ends" }, h("span", {}, "unsure"), h("span", {}, "sure")));
    this.pieces = h("p", { class: "pieces-note", hidden: true }, "No object ids: each connected piece counts as one object.");
    this.element = h("section", { class: "legend panel", "aria-label": "Classes" },
      h("header", {}, h("span", {}, "Classes"),
        iconButton(ICONS.close, "Close", "L", () => events.close(), { class: "tool small" })),
      this.layers, this.list, this.pieces, this.ramp);
    /** @type {string | null} */
    this.key = null; // what the rows are made of
    /** @type {Map<number, ClassRow>} */
    this.rows = new Map();
    /** @type {number | null} */
    this.under = null;
    this.list.addEventListener("pointerleave", () => events.hover(null));
  }

  /** @param {LegendState} state */
  show(state) {
    this.ramp.hidden = !state.confidence;
    this.pieces.hidden = !state.pieces;
    this.showLayers(state.layers);
    const key = JSON.stringify([state.classes, state.areas]);
    if (key !== this.key) {
      this.key = key;
      this.rows = new Map(state.classes.map((item) => [item.id, this.row(item, state.areas[item.id])]));
      this.list.replaceChildren(...[...this.rows.values()].map((row) => row.element));
    }
    for (const item of state.classes) {
      const row = this.rows.get(item.id);
      if (!row) continue;
      const shown = state.isolated === null ? !state.hidden.has(item.id) : state.isolated === item.id;
      row.element.style.setProperty("--class-color", state.safe ? item.safe_color : item.color);
      row.element.classList.toggle("off", !shown);
      row.element.classList.toggle("isolated", state.isolated === item.id);
      row.swatch.setAttribute("aria-checked", String(shown));
      row.name.setAttribute("aria-pressed", String(state.isolated === item.id));
    }
    this.showUnder(null);
  }

  /**
   * Mark the class under the pointer.
   * @param {number | null} id
   */
  showUnder(id) {
    if (this.under === id) return;
    for (const [own, { element }] of this.rows) element.classList.toggle("under", own === id);
    this.under = id;
  }

  /**
   * @param {LabelClass} item
   * @param {number | undefined} fraction
   */
  row(item, fraction) {
    const { events } = this;
    const swatch = h("button", {
      type: "button", class: "swatch", role: "checkbox", "aria-label": `Show ${item.name}`, onclick: () => events.toggle(item.id),
    });
    const name = h("button", {
      type: "button", class: "class-name", title: `Show only ${item.name}`, onclick: () => events.isolate(item.id),
    }, item.name);
    const area = h("span", { class: "area" }, fraction === undefined ? "" : percentText(fraction));
    const key = h("kbd", {}, item.key ?? "");
    const element = h("li", { onpointerenter: () => events.hover(item.id) }, swatch, name, area, item.key ? key : null);
    return { element, swatch, name };
  }

  /** @param {ShownLayer[]} layers */
  showLayers(layers) {
    this.layers.hidden = layers.length < 2;
    this.layers.replaceChildren(...layers.map((layer, index) => h("li", {},
      h("label", {}, h("input", {
        type: "checkbox", checked: layer.visible, onchange: () => this.events.toggleLayer(index),
      }), layer.name))));
  }
}

/** @param {number} fraction */
export function percentText(fraction) {
  const percent = fraction * 100;
  if (percent === 0) return "0 %";
  return percent < 0.1 ? "<0.1 %" : `${percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`;
}
