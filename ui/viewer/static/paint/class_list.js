// The classes to paint with: the chosen one, locks, switches, and how much of each has been confirmed.

import { h, iconButton } from "../dom.js";
import { ICONS } from "../icons.js";
import { percentText } from "../legend.js";
import { PAINT_ICONS } from "./paint_icons.js";

/** @import { ShownLayer } from "../legend.js" */
/** @import { LabelClass } from "../messages.js" */

/** @typedef {{element: HTMLElement, swatch: HTMLElement, name: HTMLElement, area: HTMLElement, lock: HTMLElement}} PaintRow */

/**
 * @typedef {object} ClassListState
 * @property {LabelClass[]} classes
 * @property {boolean} safe whether colours are those for the colour-blind
 * @property {number} chosen
 * @property {Uint8Array} locked by class
 * @property {Set<number>} hidden
 * @property {Map<number, number>} covered pixels, by class
 * @property {number} total pixels of the image
 * @property {boolean} whole whether the whole image counts as right
 * @property {boolean} coverage whether it is hatched
 * @property {ShownLayer[]} layers
 * @property {Set<number> | null} objects classes with object ids; null while objects are not shown
 */

/**
 * @typedef {object} ClassListEvents
 * @property {(id: number) => void} choose
 * @property {(id: number) => void} lock
 * @property {(id: number) => void} toggle
 * @property {(index: number) => void} toggleLayer
 * @property {(id: number) => void} giveIds to each piece of a class
 * @property {() => void} close
 */

export class ClassList {
  /** @param {ClassListEvents} events choose(id), lock(id), toggle(id), toggleLayer(index), giveIds(id), close() */
  constructor(events) {
    this.events = events;
    /** @type {string | null} */
    this.key = null; // what the rows are made of
    /** @type {Map<number, PaintRow>} */
    this.rows = new Map();
    this.list = h("ul", { class: "classes" });
    this.layers = h("ul", { class: "layers" });
    this.total = h("p", { class: "covered-total" });
    this.hatching = h("p", { class: "covered-total hatching" });
    this.chosen = 0;
    this.pieces = h("span", {});
    this.withoutIds = h("p", { class: "covered-total without-ids", hidden: true }, this.pieces, " ",
      h("button", { type: "button", class: "text-button plain", onclick: () => events.giveIds(this.chosen) }, "Give each piece an id"));
    this.element = h("section", { class: "paint-classes panel", "aria-label": "Classes to paint with" },
      h("header", {}, h("span", {}, "Classes"), iconButton(ICONS.close, "Close", "D", () => events.close(), { class: "tool small" })),
      this.list, this.withoutIds, this.total, this.hatching, this.layers);
  }

  /**
   * @param {ClassListState} state {classes [{id, name, color, safe_color, key}], safe, chosen, locked: Uint8Array, hidden: Set, covered: Map(id => px),
   *   total: pixels of the image, whole, coverage: whether it is hatched, layers: [{name, visible}]}
   */
  show(state) {
    const key = JSON.stringify(state.classes);
    if (key !== this.key) {
      this.key = key;
      this.rows = new Map(state.classes.map((item) => [item.id, this.row(item)]));
      this.list.replaceChildren(...[...this.rows.values()].map((row) => row.element));
    }
    for (const item of state.classes) {
      const row = this.rows.get(item.id);
      if (row) this.showRow(row, item, state);
    }
    const sum = state.whole ? state.total : [...state.covered.values()].reduce((a, b) => a + b, 0);
    this.total.textContent = state.whole ? "The whole image is confirmed."
      : `Confirmed: ${percentText(sum / state.total)} of the image. Only confirmed pixels are used for training.`;
    this.hatching.hidden = !state.coverage && !sum;
    this.hatching.textContent = state.coverage ? "Hatched: confirmed regions. C hides them." : "C shows confirmed regions as hatching.";
    this.chosen = state.chosen;
    this.withoutIds.hidden = !state.objects || state.chosen === 0 || state.objects.has(state.chosen);
    const name = state.classes.find((item) => item.id === state.chosen)?.name ?? "This class";
    this.pieces.textContent = `${name}: no object ids. Each connected piece counts as one object.`;
    this.layers.hidden = !state.layers.length;
    this.layers.replaceChildren(...state.layers.map((layer, index) => h("li", {}, h("label", {},
      h("input", { type: "checkbox", checked: layer.visible, onchange: () => this.events.toggleLayer(index) }), layer.name))));
  }

  /**
   * @param {PaintRow} row
   * @param {LabelClass} item
   * @param {ClassListState} state
   */
  showRow({ element, swatch, name, area, lock }, item, { safe, chosen, locked, hidden, covered, whole, total }) {
    element.style.setProperty("--class-color", (safe ? item.safe_color : item.color) ?? "transparent");
    element.classList.toggle("chosen", item.id === chosen);
    element.classList.toggle("off", hidden.has(item.id));
    swatch.setAttribute("aria-checked", String(!hidden.has(item.id)));
    name.setAttribute("aria-pressed", String(item.id === chosen));
    const pixels = covered.get(item.id) ?? 0;
    area.textContent = whole || !pixels ? "" : percentText(pixels / total);
    const isLocked = Boolean(locked[item.id]);
    if (lock.dataset.locked !== String(isLocked)) {
      lock.dataset.locked = String(isLocked);
      lock.innerHTML = isLocked ? PAINT_ICONS.lock : PAINT_ICONS.unlock;
    }
    lock.classList.toggle("on", isLocked);
    lock.setAttribute("aria-pressed", String(isLocked));
  }

  /**
   * @param {LabelClass} item
   * @returns {PaintRow}
   */
  row(item) {
    const { events } = this;
    const swatch = h("button", { type: "button", class: "swatch", role: "checkbox", "aria-label": `Show ${item.name}`, disabled: item.id === 0,
      onclick: () => events.toggle(item.id) });
    const name = h("button", { type: "button", class: "class-name", title: `Paint ${item.name}`, onclick: () => events.choose(item.id) }, item.name);
    const area = h("span", { class: "area", title: `Share of the image confirmed as ${item.name}` });
    const lock = h("button", { type: "button", class: "tool small lock", "aria-label": `Lock ${item.name}: protects it from painting`,
      title: `Lock ${item.name}: protects it from painting`, onclick: () => events.lock(item.id) });
    const element = h("li", { "data-class": item.id }, swatch, name, area, h("kbd", {}, item.key ?? ""), lock);
    return { element, swatch, name, area, lock };
  }
}
