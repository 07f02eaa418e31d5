// Where two label maps differ. Pure functions on tiles' ids; what counts is as in core/evaluation/error_map.py.

/** @import { PixelWords } from "./stories.js" */

export const IGNORE = 255;

/** Outcomes of one class, as in core/evaluation/error_map.py. */
export const OUTCOME = { none: 0, hit: 1, surplus: 2, missed: 3, ignored: IGNORE };

/**
 * Ids that were predicted wrongly: the predicted id where the maps differ, 0 where they agree, 255 where either says
 * nothing.
 * @param {Uint8Array} reference
 * @param {Uint8Array} prediction
 */
export function takenFor(reference, prediction) {
  const out = new Uint8Array(reference.length);
  for (let i = 0; i < out.length; i += 1) {
    const is = reference[i];
    const said = prediction[i];
    if (is === IGNORE || said === IGNORE) out[i] = IGNORE;
    else if (is !== said) out[i] = said;
  }
  return out;
}

/**
 * What they are: the reference's id where the maps differ, 0 where they agree or either says nothing.
 * @param {Uint8Array} reference
 * @param {Uint8Array} prediction
 */
export function mistaken(reference, prediction) {
  const out = new Uint8Array(reference.length);
  for (let i = 0; i < out.length; i += 1) {
    const is = reference[i];
    const said = prediction[i];
    if (is !== said && is !== IGNORE && said !== IGNORE) out[i] = is;
  }
  return out;
}

/**
 * `(reference, prediction) => outcomes` of one class.
 * @param {number} classId
 * @returns {(reference: Uint8Array, prediction: Uint8Array) => Uint8Array<ArrayBuffer>}
 */
export function outcomesOf(classId) {
  return (reference, prediction) => {
    const out = new Uint8Array(reference.length);
    for (let i = 0; i < out.length; i += 1) {
      const is = reference[i];
      const said = prediction[i];
      if (is === IGNORE || said === IGNORE) out[i] = OUTCOME.ignored;
      else if (is === classId) out[i] = said === classId ? OUTCOME.hit : OUTCOME.missed;
      else if (said === classId) out[i] = OUTCOME.surplus;
    }
    return out;
  };
}

/**
 * A pixel in words: "is mitochondria, taken for ER", or "was mitochondria, is now ER".
 * @param {number | null | undefined} is id, undefined where there is no such map, null where it is not known yet
 * @param {number | null | undefined} said as `is`
 * @param {(id: number) => string} nameOf (id) => name
 * @param {PixelWords} words of the story, see stories.js
 */
export function pairText(is, said, nameOf, words) {
  if (is === null || said === null) return "";
  if (is === IGNORE) return words.ignored;
  const second = said === IGNORE ? words.none : said === undefined ? "" : words.second(nameOf(said));
  if (is === undefined) return second;
  if (is === said) return words.same(nameOf(is));
  return [words.first(nameOf(is)), second].filter(Boolean).join(", ");
}
