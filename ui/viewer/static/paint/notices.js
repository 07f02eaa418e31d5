// What the annotator says and asks: short notes over the image, the veil while somebody else paints, two questions.

import { h } from "../dom.js";

/** @import { Child } from "../dom.js" */

/** @typedef {{id: number, name: string}} NamedClass */

const NOTE_MS = 4500;

export class Notices {
  constructor() {
    this.note = h("div", { class: "paint-note", role: "status", "aria-live": "polite", hidden: true });
    this.veil = h("div", { class: "paint-veil", role: "alert", hidden: true });
    this.element = h("div", { class: "paint-notices" }, this.note, this.veil);
    this.timer = 0;
    this.dialog = h("div", { class: "sheet paint-dialog", role: "dialog", "aria-modal": "true", hidden: true });
  }

  /**
   * A note that goes by itself.
   * @param {string} text
   * @param {boolean} lasting
   */
  say(text, lasting = false) {
    clearTimeout(this.timer);
    this.note.textContent = text;
    this.note.hidden = false;
    this.timer = setTimeout(() => { this.note.hidden = true; }, lasting ? 3 * NOTE_MS : NOTE_MS);
  }

  /**
   * Painting is not possible now.
   * @param {string} cause
   * @param {string} [remedy]
   * @param {string} [action]
   * @param {() => void} [onAction]
   */
  block(cause, remedy, action, onAction) {
    this.veil.replaceChildren(h("div", {}, h("strong", {}, cause), remedy ? h("p", {}, remedy) : null,
      action ? h("button", { type: "button", class: "text-button", onclick: () => { this.unblock(); onAction?.(); } }, action) : null));
    this.veil.hidden = false;
  }

  unblock() {
    this.veil.hidden = true;
  }

  /**
   * Ask, and give what was chosen; Escape is the last choice.
   * @template T
   * @param {string} title
   * @param {Child} body
   * @param {[text: string, value: () => T][]} choices [[text, value], …]
   * @param {HTMLElement} [focus]
   * @returns {Promise<T>}
   */
  ask(title, body, choices, focus) {
    return new Promise((resolve) => {
      /** @param {() => T} value */
      const done = (value) => {
        this.dialog.hidden = true;
        this.dialog.onkeydown = null;
        resolve(value());
      };
      const buttons = choices.map(([text, value], index) => h("button", { type: "button", class: index ? "text-button plain" : "text-button main", onclick: () => done(value) }, text));
      this.dialog.setAttribute("aria-label", title);
      this.dialog.replaceChildren(h("div", { class: "sheet-card" }, h("header", {}, h("span", {}, title)), body, h("div", { class: "answers" }, buttons)));
      this.dialog.onkeydown = (event) => {
        event.stopPropagation();
        if (event.key === "Escape") done(choices[choices.length - 1][1]);
      };
      this.dialog.hidden = false;
      (focus ?? buttons[0]).focus();
    });
  }

  /**
   * Strokes of this browser were not sent before somebody else took the draft.
   * @param {number} count
   * @returns {Promise<boolean>} whether to send them
   */
  askWaiting(count) {
    const body = h("p", {}, `${count === 1 ? "One change" : `${count} changes`} could not be saved before another person opened this draft. ` +
      "Sending replaces the other person's changes in the same tiles of 512 × 512 pixels.");
    return this.ask("Send your changes?", body, [["Send", () => true], ["Discard", () => false]]);
  }

  /**
   * @param {Map<number, number>} covered pixels, by class
   * @param {boolean} whole
   * @param {NamedClass[]} classes
   * @returns {Promise<string | null>} the note, null when it is not to be submitted
   */
  askSubmit(covered, whole, classes) {
    const note = h("textarea", { rows: 3, maxlength: 2000, "aria-label": "Note for the reviewer", placeholder: "Note for the reviewer (optional)" });
    const rows = [...classes, { id: 0, name: "Background" }].map(({ id, name }) => ({ name, pixels: covered.get(id) ?? 0 }))
      .filter(({ pixels }) => pixels > 0).map(({ name, pixels }) => h("li", {}, `${name}: ${pixels.toLocaleString("en")} px`));
    const told = whole ? h("p", {}, "The whole image is confirmed.")
      : rows.length ? [h("p", {}, "Confirmed:"), h("ul", {}, rows)]
        : h("p", {}, "No pixels are confirmed, so this correction would not be used for training. Paint or confirm regions first.");
    const body = h("div", {}, told, note, h("p", {}, "The correction becomes an unchangeable revision for review. You can withdraw it until it is reviewed."));
    /** @type {[string, () => string | null][]} */
    const choices = [["Submit", () => note.value.trim()], ["Cancel", () => null]];
    return this.ask("Submit for review", body, choices, note);
  }
}
