// Lengths as people type them, and what a line over a bar says. core/imaging/lengths.py has the last word; this shows it
// while somebody types. Pure functions.

/** @import { ImageSize } from "../geometry.js" */

/** @typedef {{row: number, col: number}} ImagePoint */

/**
 * A line over a scale bar, in image pixels.
 * @typedef {{row0: number, col0: number, row1: number, col1: number}} Line
 */

/** @type {Record<string, number>} */
const NM = { pm: 1e-3, "å": 0.1, nm: 1, "µm": 1e3, mm: 1e6, cm: 1e7, m: 1e9 };
/** @type {Record<string, string>} */
const SPELLINGS = {
  a: "å", ang: "å", angstrom: "å", angstroms: "å", um: "µm", micron: "µm", microns: "µm", micrometer: "µm", micrometers: "µm",
  micrometre: "µm", micrometres: "µm", nanometer: "nm", nanometers: "nm", nanometre: "nm", nanometres: "nm", millimeter: "mm", millimetre: "mm",
};
const TYPED = /^([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:e[+-]?\d{1,3})?)\s*([^\d\s/]*)$/i;

export const LEAST_PX = 4; // a shorter line says nothing

/**
 * {nm} of what was typed, or {problem} in words; both null while nothing is typed.
 * @param {string} text
 * @returns {{nm: number | null, problem: string | null}}
 */
export function parseLength(text) {
  const cleaned = text.trim().normalize("NFC").replace("\u2212", "-").replaceAll("\u03bc", "µ");
  if (!cleaned) return { nm: null, problem: null };
  const match = TYPED.exec(cleaned);
  if (!match) return { nm: null, problem: "Enter a number and a unit, for example 500 nm." };
  const [, number, typed] = match;
  if (/^[1-9]\d{0,2},\d{3}$/.test(number)) {
    return { nm: null, problem: `${number} is ambiguous. Enter ${number.replace(",", "")} or ${number.replace(",", ".")}.` };
  }
  const name = typed.replace(/\.$/, "").toLowerCase();
  const factor = NM[SPELLINGS[name] ?? name];
  if (!typed) return { nm: null, problem: "Add the unit: nm, µm, mm or Å." };
  if (!factor) return { nm: null, problem: `${typed} is not a unit of length. Use nm, µm, mm or Å.` };
  const nm = Number(number.replace(",", ".")) * factor;
  return nm > 0 && Number.isFinite(nm) ? { nm, problem: null } : { nm: null, problem: "The length must be positive." };
}

/**
 * Pixel size and its standard error where each end is off by one pixel, both in nm.
 * @param {number} lengthNm
 * @param {number} lengthPx
 */
export function measured(lengthNm, lengthPx) {
  return { nm: lengthNm / lengthPx, uncertainty: (lengthNm / lengthPx ** 2) * Math.SQRT2 };
}

/**
 * Length of a line {row0, col0, row1, col1} in pixels.
 * @param {Line} line
 */
export function lengthOf(line) {
  return Math.hypot(line.row1 - line.row0, line.col1 - line.col0);
}

/**
 * The line with its moving end brought onto the row or the column of the other, whichever is nearer.
 * @param {ImagePoint} fixed
 * @param {ImagePoint} moving
 */
export function snapped(fixed, moving) {
  const flat = Math.abs(moving.col - fixed.col) >= Math.abs(moving.row - fixed.row);
  return flat ? { row: fixed.row, col: moving.col } : { row: moving.row, col: fixed.col };
}

/**
 * A point kept on the image, to a tenth of a pixel.
 * @param {ImagePoint} point
 * @param {ImageSize} image
 */
export function onImage(point, image) {
  /**
   * @param {number} value
   * @param {number} last
   */
  const within = (value, last) => Math.round(Math.min(last, Math.max(0, value)) * 10) / 10;
  return { row: within(point.row, image.height_px), col: within(point.col, image.width_px) };
}
