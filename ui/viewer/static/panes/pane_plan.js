// Which panes there are for what Python asks for, and what is said where a label map is missing. Pure.

const TITLES = { image: "Image", reference: "Reference", prediction: "Prediction", errors: "Errors" };
const NEEDS = { image: [], reference: ["reference"], prediction: ["prediction"], errors: ["reference", "prediction"] };
const MISSING = { reference: "This image has no reference.", prediction: "This image has no prediction here." };

/**
 * @param props mode, panes, layers (see ui/viewer/compare.py)
 * @param gone Map of the sides whose map the server no longer has, with its words
 * @returns [{title, sides, note}], see Pane
 */
export function panesOf({ mode, panes, layers }, gone = new Map()) {
  const there = new Set(layers.map((layer) => layer.side));
  const lacking = (side) => gone.get(side) ?? (there.has(side) ? "" : MISSING[side]);
  const note = (kind) => told(NEEDS[kind].map(lacking));
  if (mode !== "panes") return [onePane(lacking)];
  const main = panes.map((kind) => ({ title: TITLES[kind], sides: note(kind) ? [] : [kind], note: note(kind) }));
  const others = layers.filter((layer) => layer.side.startsWith("other"))
    .map((layer) => ({ title: layer.name, sides: [layer.side], note: gone.get(layer.side) ?? "" }));
  const errors = panes.indexOf("errors"); // errors stay last, after the maps
  main.splice(errors < 0 ? main.length : errors, 0, ...others);
  return main;
}

/** Both maps in one pane; or the one that there is, and what is missing. */
function onePane(lacking) {
  const sides = NEEDS.errors.filter((side) => !lacking(side));
  return { title: TITLES[sides[0] ?? "image"], sides, note: told(NEEDS.errors.map(lacking)) };
}

/** What is missing, and where two maps are needed, what follows. */
function told(words) {
  const missing = words.filter(Boolean);
  if (missing.length && words.length > 1) missing.push("There is nothing to compare.");
  return missing.join(" ");
}
