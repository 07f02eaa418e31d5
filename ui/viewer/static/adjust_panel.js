// How the grey values are shown: brightness, contrast, inversion; for images of more than 8 bits the window too.

import { debounce, h, iconButton } from "./dom.js";
import { ICONS } from "./icons.js";

const NEUTRAL = { brightness: 100, contrast: 100, invert: false };

export class AdjustPanel {
  /** @param events filter(css), window(low, high), close() */
  constructor(image, events) {
    this.image = image;
    this.events = events;
    this.values = { ...NEUTRAL };
    this.window = { low: image.window_low, high: image.window_high };
    this.sendWindow = debounce(() => events.window(this.window.low, this.window.high), 180);
    this.brightness = this.slider("Brightness", 20, 250, "brightness");
    this.contrast = this.slider("Contrast", 20, 400, "contrast");
    this.invert = h("input", { type: "checkbox", onchange: () => this.set("invert", this.invert.checked) });
    this.element = h("section", { class: "adjust panel", role: "dialog", "aria-label": "Brightness and contrast", hidden: true },
      h("header", {}, h("span", {}, "Display"), iconButton(ICONS.close, "Close", "B", () => events.close(), { class: "tool small" })),
      this.brightness.row, this.contrast.row,
      image.dtype === "uint8" ? null : this.windowRows(),
      h("div", { class: "row between" },
        h("label", { class: "check" }, this.invert, "Invert", h("kbd", {}, "I")),
        h("button", { type: "button", class: "text-button", onclick: () => this.reset() }, "Reset")));
    this.showValues();
  }

  slider(label, min, max, name) {
    const output = h("output", {});
    const input = h("input", {
      type: "range", class: "slider", min, max, step: 1, "aria-label": label,
      oninput: () => this.set(name, Number(input.value)),
    });
    return { input, output, row: h("label", { class: "row" }, h("span", {}, label), input, output) };
  }

  windowRows() {
    const { window_low: low, window_high: high } = this.image;
    const room = Math.max(high - low, Number.EPSILON);
    const ends = [low - room, high + room];
    const make = (name, label) => {
      const input = h("input", {
        type: "range", class: "slider", min: 0, max: 1000, step: 1, "aria-label": label,
        oninput: () => this.setWindow(name, ends[0] + ((ends[1] - ends[0]) * Number(input.value)) / 1000),
      });
      const output = h("output", {});
      return { input, output, row: h("label", { class: "row" }, h("span", {}, label), input, output), ends };
    };
    this.low = make("low", "Black at");
    this.high = make("high", "White at");
    return [this.low.row, this.high.row];
  }

  setWindow(name, value) {
    const gap = (this.image.window_high - this.image.window_low) / 200;
    const { low, high } = this.window;
    this.window = name === "low" ? { low: Math.min(value, high - gap), high } : { low, high: Math.max(value, low + gap) };
    this.showValues();
    this.sendWindow();
  }

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
    for (const name of ["brightness", "contrast"]) {
      const { input, output } = this[name];
      input.value = this.values[name];
      output.textContent = `${this.values[name]} %`;
      fillTrack(input);
    }
    this.invert.checked = this.values.invert;
    for (const name of ["low", "high"]) {
      if (!this[name]) continue;
      const { input, output, ends } = this[name];
      input.value = ((this.window[name] - ends[0]) / (ends[1] - ends[0])) * 1000;
      output.textContent = String(Number(this.window[name].toPrecision(4)));
      fillTrack(input);
    }
  }
}

/** Colour the part of a slider's track that lies before its knob. */
export function fillTrack(input) {
  const share = (Number(input.value) - Number(input.min)) / (Number(input.max) - Number(input.min));
  input.style.setProperty("--filled", `${(share * 100).toFixed(1)}%`);
}
