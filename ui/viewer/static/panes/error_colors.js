// Colours of errors. All classes: filled with what the model says, striped with what it is. One class: three colours of
// Okabe and Ito's palette, which the colour-blind tell apart too; the reference's own is blue, the prediction's orange.

import { labelTable, pack, parseColor } from "../palette.js";
import { IGNORE, OUTCOME } from "./error_pixels.js";

/** @import { Look } from "../overlays.js" */

export const OUTCOME_COLORS = { hit: "#e8e8e8", surplus: "#e69f00", missed: "#56b4e9" };

const HIT_ALPHA = 150; // what is right shall not draw the eye
const IGNORED = pack(110, 116, 126, 150);

/**
 * The table for `takenFor` tiles.
 * @param {Look} look see Overlays.setLook
 */
export function errorTable(look) {
  const table = labelTable(look.classes, look);
  table[IGNORE] = IGNORED;
  return table;
}

/** The table for `outcomesOf` tiles. */
export function outcomeTable() {
  const table = new Uint32Array(256);
  table[OUTCOME.hit] = pack(...parseColor(OUTCOME_COLORS.hit), HIT_ALPHA);
  table[OUTCOME.surplus] = pack(...parseColor(OUTCOME_COLORS.surplus));
  table[OUTCOME.missed] = pack(...parseColor(OUTCOME_COLORS.missed));
  table[IGNORE] = IGNORED;
  return table;
}
