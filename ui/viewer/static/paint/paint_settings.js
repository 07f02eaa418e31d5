// Tool, class, size and the like, as somebody left them: remembered by the browser.

import { SIZE_RANGE, STEP_RANGE, TOLERANCE_RANGE, TOOL } from "./tools.js";

/** @import { Choice } from "./editor.js" */
/** @import { Range } from "./tools.js" */

/** @typedef {Omit<Choice, "mark" | "alone">} KeptChoice */

const KEY = "cristae.paint";

/** @type {(range: Range) => (value: unknown) => boolean} */
const within = ([least, most]) => (value) => typeof value === "number" && value >= least && value <= most;

/**
 * What may be taken over: another version of the app may have kept other tools or numbers.
 * @type {{[N in keyof KeptChoice]: (value: unknown) => boolean}}
 */
const FITS = {
  tool: (value) => typeof value === "string" && Object.hasOwn(TOOL, value),
  classId: Number.isInteger,
  size: within(SIZE_RANGE),
  step: within(STEP_RANGE),
  smart: (value) => value === "edges" || value === "similar",
  tolerance: within(TOLERANCE_RANGE),
};

export class PaintSettings {
  /** @returns {Partial<KeptChoice>} */
  get values() {
    try {
      const values = JSON.parse(window.localStorage.getItem(KEY) ?? "{}");
      return Object.fromEntries(Object.entries(FITS).filter(([name, fits]) => fits(values[name])).map(([name]) => [name, values[name]]));
    } catch {
      return {};
    }
  }

  /** @param {KeptChoice} choice */
  keep({ tool, classId, size, step, smart, tolerance }) {
    try {
      window.localStorage.setItem(KEY, JSON.stringify({ tool, classId, size, step, smart, tolerance }));
    } catch {
      // private windows may refuse: then it lasts as long as the page
    }
  }
}
