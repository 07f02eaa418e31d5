// Which panes there are for what Python asks for, and what is said where a label map is missing. Pure.

import { storyOf } from "./stories.js";

const NEEDS = { image: [], reference: ["reference"], prediction: ["prediction"], errors: ["reference", "prediction"] };

/**
 * @param props mode, panes, layers, story, names (see ui/viewer/compare.py)
 * @param gone Map of the sides whose map the server no longer has, with its words
 * @returns [{title, sides, note}], see Pane
 */
export function panesOf({ mode, panes, layers, story, names }, gone = new Map()) {
  const { titles, missing } = storyOf({ story, names });
  const there = new Set(layers.map((layer) => layer.side));
  const lacking = (side) => gone.get(side) ?? (there.has(side) ? "" : missing[side]);
  const note = (kind) => told(NEEDS[kind].map(lacking));
  if (mode !== "panes") return [onePane(lacking, titles)];
  const main = panes.map((kind) => ({ title: titles[kind], sides: note(kind) ? [] : [kind], note: note(kind) }));
  const others = layers.filter((layer) => layer.side.startsWith("other"))
    .map((layer) => ({ title: layer.name, sides: [layer.side], note: gone.get(layer.side) ?? "" }));
  const errors = panes.indexOf("errors"); // errors stay last, after the maps
  main.splice(errors < 0 ? main.length : errors, 0, ...others);
  return main;
}

/** Both maps in one pane; or the one that there is, and what is missing. */
function onePane(lacking, titles) {
  const sides = NEEDS.errors.filter((side) => !lacking(side));
  return { title: titles[sides[0] ?? "image"], sides, note: told(NEEDS.errors.map(lacking)) };
}

/** What is missing, and where two maps are needed, what follows. */
function told(words) {
  const missing = words.filter(Boolean);
  if (missing.length && words.length > 1) missing.push("There is nothing to compare.");
  return missing.join(" ");
}
