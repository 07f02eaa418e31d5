// Colours of label ids and of confidence values, as tables of 256 packed RGBA values (the byte order of ImageData).

/** @import { LabelClass } from "./messages.js" */

/**
 * Which classes are drawn, and in which colours.
 * @typedef {object} TableLook
 * @property {"standard" | "safe"} palette
 * @property {Set<number>} hidden
 * @property {number | null} [isolated] only this one is drawn
 * @property {number | null} [hovered] the others are dimmed
 */

/**
 * One packed colour; channels 0 to 255.
 * @param {number} red
 * @param {number} green
 * @param {number} blue
 */
export function pack(red, green, blue, alpha = 255) {
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/**
 * "#rrggbb" as [red, green, blue].
 * @param {string} text
 * @returns {[number, number, number]}
 */
export function parseColor(text) {
  const value = Number.parseInt(text.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/**
 * The table for label tiles. Background, ignore and hidden classes are transparent.
 * @param {LabelClass[]} classes [{id, color, safe_color}]
 * @param {TableLook} options
 */
export function labelTable(classes, { palette, hidden, isolated = null, hovered = null }) {
  const table = new Uint32Array(256);
  for (const item of classes) {
    const shown = isolated === null ? !hidden.has(item.id) : item.id === isolated;
    if (!shown && item.id !== hovered) continue;
    const alpha = hovered === null || item.id === hovered ? 255 : 56;
    table[item.id] = pack(...parseColor(palette === "safe" ? item.safe_color : item.color), alpha);
  }
  return table;
}

/**
 * Colour at t in 0..1 of a ramp of even steps in lightness (OKLCH): dark violet, teal, pale yellow.
 * @param {number} t
 * @returns {[number, number, number]}
 */
export function rampColor(t) {
  const lightness = 0.24 + 0.7 * t;
  const hue = ((300 - 200 * t) * Math.PI) / 180;
  const chroma = 0.1 + 0.045 * Math.sin(Math.PI * t);
  return oklabToRgb(lightness, chroma * Math.cos(hue), chroma * Math.sin(hue));
}

/** The table for confidence tiles: 0 (not predicted) is transparent, 1 to 255 run along the ramp. */
export function confidenceTable() {
  const table = new Uint32Array(256);
  for (let value = 1; value < 256; value += 1) table[value] = pack(...rampColor(value / 255));
  return table;
}

/** The table for tiles of 0 and 1: black where nobody has confirmed anything, clear elsewhere. */
export function veilTable() {
  const table = new Uint32Array(256);
  table[0] = pack(0, 0, 0);
  return table;
}

/** The ramp as a CSS gradient. */
export function rampGradient(stops = 9) {
  const colors = Array.from({ length: stops }, (_, i) => `rgb(${rampColor(i / (stops - 1)).join(" ")})`);
  return `linear-gradient(to right, ${colors.join(", ")})`;
}

/**
 * @param {number} lightness
 * @param {number} a
 * @param {number} b
 * @returns {[number, number, number]}
 */
function oklabToRgb(lightness, a, b) {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const [red, green, blue] = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((value) => {
    const v = Math.min(1, Math.max(0, value));
    return Math.round(255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055));
  });
  return [red, green, blue];
}
