// How the grey values are shown: brightness, contrast, inversion; for images of more than 8 bits the window too.

import { debounce, h, iconButton } from "./dom.js";
import { ICONS } from "./icons.js";

/** @import { ImageFacts } from "./messages.js" */

/** @typedef {{brightness: number, contrast: number, invert: boolean}} AdjustValues percent */

/** @typedef {Slider & {ends: [number, number]}} WindowSlider */

/** @typedef {{input: HTMLInputElement, output: HTMLOutputElement, row: HTMLElement}} Slider */

/**
 * @typedef {object} AdjustEvents
 * @property {(css: string) => void} filter
 * @property {(low: number, high: number) => void} window the grey values shown black and white
 * @property {() => void} close
 */

const NEUTRAL = { brightness: 100, contrast: 100, invert: false };

export class AdjustPanel {
  /**
   * @param {ImageFacts} image
   * @param {AdjustEvents} events
   */
  constructor(image, events) {
    this.image = image;
    this.events = events;
    /** @type {AdjustValues} */
    this.values = { ...NEUTRAL };
    this.window = { low: image.window_low, high: image.window_high };
    this.sendWindow = debounce(() => events.window(this.window.low, this.window.high), 180);
    this.brightness = this.slider("Brightness", 20, 250, "brightness");
    this.contrast = this.slider("Contrast", 20, 400, "contrast");
    this.invert = h("input", { type: "checkbox", onchange: () => this.set("invert", this.invert.checked) });
    /** @type {{low: WindowSlider, high: WindowSlider} | null} */
    this.ends = image.dtype === "uint8" ? null : this.windowSliders();
    this.element = h("section", { class: "adjust panel", role: "dialog", "aria-label": "Brightness and contrast", hidden: true },
      h("header", {}, h("span", {}, "Display"), iconButton(ICONS.close, "Close", "B", () => events.close(), { class: "tool small" })),
      this.brightness.row, this.contrast.row,
      this.ends && [this.ends.low.row, this.ends.high.row],
      h("div", { class: "row between" },
        h("label", { class: "check" }, this.invert, "Invert", h("kbd", {}, "I")),
        h("button", { type: "button", class: "text-button", onclick: () => this.reset() }, "Reset")));
    this.showValues();
  }

  /**
   * @param {string} label
   * @param {number} min
   * @param {number} max
   * @param {"brightness" | "contrast"} name
   * @returns {Slider}
   */
  slider(label, min, max, name) {
    const output = h("output", {});
    const input = h("input", {
      type: "range", class: "slider", min, max, step: 1, "aria-label": label,
      oninput: () => this.set(name, Number(input.value)),
    });
    return { input, output, row: h("label", { class: "row" }, h("span", {}, label), input, output) };
  }

  /** @returns {{low: WindowSlider, high: WindowSlider}} */
  windowSliders() {
    const { window_low: low, window_high: high } = this.image;
    const room = Math.max(high - low, Number.EPSILON);
    /** @type {[number, number]} */
    const ends = [low - room, high + room];
    /**
     * @param {"low" | "high"} name
     * @param {string} label
     */
    const make = (name, label) => {
      const input = h("input", {
        type: "range", class: "slider", min: 0, max: 1000, step: 1, "aria-label": label,
        oninput: () => this.setWindow(name, ends[0] + ((ends[1] - ends[0]) * Number(input.value)) / 1000),
      });
      const output = h("output", {});
      return { input, output, row: h("label", { class: "row" }, h("span", {}, label), input, output), ends };
    };
    return { low: make("low", "Black at"), high: make("high", "White at") };
  }

  /**
   * @param {"low" | "high"} name
   * @param {number} value
   */
  setWindow(name, value) {
    const gap = (this.image.window_high - this.image.window_low) / 200;
    const { low, high } = this.window;
    this.window = name === "low" ? { low: Math.min(value, high - gap), high } : { low, high: Math.max(value, low + gap) };
    this.showValues();
    this.sendWindow();
  }

  /**
   * @template {keyof AdjustValues} N
   * @param {N} name
   * @param {AdjustValues[N]} value
   */
  set(name, value) {
    this.values[name] = value;
    this.showValues();
    this.events.filter(this.filter());
  }

  toggleInvert() {
    this.set("invert", !this.values.invert);
  }

  reset() {
    this.values = { ...NEUTRAL };
    const { window_low: low, window_high: high } = this.image;
    const moved = this.window.low !== low || this.window.high !== high;
    this.window = { low, high };
    this.showValues();
    this.events.filter(this.filter());
    if (moved) this.sendWindow();
  }

  /** A CSS filter; "" when nothing is changed, so that the compositor has nothing to do. */
  filter() {
    const { brightness, contrast, invert } = this.values;
    const parts = [];
    if (invert) parts.push("invert(1)");
    if (brightness !== 100) parts.push(`brightness(${brightness / 100})`);
    if (contrast !== 100) parts.push(`contrast(${contrast / 100})`);
    return parts.join(" ");
  }

  get changed() {
    return this.filter() !== "" || this.window.low !== this.image.window_low || this.window.high !== this.image.window_high;
  }

  showValues() {
    const { brightness, contrast, invert } = this.values;
    showPercent(this.brightness, brightness);
    showPercent(this.contrast, contrast);
    this.invert.checked = invert;
    if (!this.ends) return;
    showGrey(this.ends.low, this.window.low);
    showGrey(this.ends.high, this.window.high);
  }

  close() {
    this.sendWindow.cancel(); // the next image has a window of its own
    this.element.remove();
  }
}

/**
 * @param {Slider} slider
 * @param {number} percent
 */
function showPercent({ input, output }, percent) {
  input.value = String(percent);
  output.textContent = `${percent} %`;
  fillTrack(input);
}

/**
 * @param {WindowSlider} slider
 * @param {number} grey
 */
function showGrey({ input, output, ends }, grey) {
  input.value = String(((grey - ends[0]) / (ends[1] - ends[0])) * 1000);
  output.textContent = String(Number(grey.toPrecision(4)));
  fillTrack(input);
}

/**
 * Colour the part of a slider's track that lies before its knob.
 * @param {HTMLInputElement} input
 */
export function fillTrack(input) {
  const share = (Number(input.value) - Number(input.min)) / (Number(input.max) - Number(input.min));
  input.style.setProperty("--filled", `${(share * 100).toFixed(1)}%`);
}
