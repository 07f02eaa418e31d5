// Which panes there are for what Python asks for, and what is said where a label map is missing. Pure.

import { storyOf } from "./stories.js";

/** @import { PaneKind, PanePlanProps } from "../messages.js" */
/** @import { PanePlan } from "./pane.js" */

/** @typedef {"reference" | "prediction"} NeededSide */

/** @type {Record<PaneKind, NeededSide[]>} */
const NEEDS = { image: [], reference: ["reference"], prediction: ["prediction"], errors: ["reference", "prediction"] };

/**
 * @param {PanePlanProps} props mode, panes, layers, story, names (see ui/viewer/compare.py)
 * @param {Map<string, string>} gone Map of the sides whose map the server no longer has, with its words
 * @returns {PanePlan[]} [{title, sides, note}], see Pane
 */
export function panesOf({ mode, panes, layers, story, names }, gone = new Map()) {
  const { titles, missing } = storyOf({ story, names });
  const sides = layers.map((layer) => ({ title: layer.name, side: layer.side ?? "" }));
  const there = new Set(sides.map(({ side }) => side));
  /** @param {NeededSide} side */
  const lacking = (side) => gone.get(side) ?? (there.has(side) ? "" : missing[side]);
  /** @param {PaneKind} kind */
  const note = (kind) => told(NEEDS[kind].map(lacking));
  if (mode !== "panes") return [onePane(lacking, titles)];
  /** @type {PanePlan[]} */
  const main = panes.map((kind) => ({ title: titles[kind], sides: note(kind) ? [] : [kind], note: note(kind) }));
  const others = sides.filter(({ side }) => side.startsWith("other")).map(({ title, side }) => ({ title, sides: [side], note: gone.get(side) ?? "" }));
  const errors = panes.indexOf("errors"); // errors stay last, after the maps
  main.splice(errors < 0 ? main.length : errors, 0, ...others);
  return main;
}

/**
 * Both maps in one pane; or the one that there is, and what is missing.
 * @param {(side: NeededSide) => string} lacking
 * @param {Record<PaneKind, string>} titles
 */
function onePane(lacking, titles) {
  const sides = NEEDS.errors.filter((side) => !lacking(side));
  return { title: titles[sides[0] ?? "image"], sides, note: told(NEEDS.errors.map(lacking)) };
}

/**
 * What is missing, and where two maps are needed, what follows.
 * @param {string[]} words
 */
function told(words) {
  const missing = words.filter(Boolean);
  if (missing.length && words.length > 1) missing.push("There is nothing to compare.");
  return missing.join(" ");
}
