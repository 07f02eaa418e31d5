// Coarser levels of a tile, by the rule of core.imaging.downsample.halve_majority, so that what is patched in the browser
// is what the server will say: ties go to a class before background, to the lower id among classes; ignore has no vote.

/** @import { Plane } from "../label_pixels.js" */
/** @import { Rect } from "./paint_tiles.js" */

const IGNORE_KEY = 255;

// classes first, background after them, ignore last
const KEY_OF = Uint8Array.from({ length: 256 }, (_, id) => (id === 0 ? 254 : id === 255 ? IGNORE_KEY : id - 1));
const ID_OF = Uint8Array.from({ length: 256 }, (_, key) => (key === 254 ? 0 : key === IGNORE_KEY ? 255 : key + 1));

/**
 * The winner of four ids.
 * @param {number} p
 * @param {number} q
 * @param {number} r
 * @param {number} s
 */
export function winner(p, q, r, s) {
  if (p === q && q === r && r === s) return p;
  let a = KEY_OF[p];
  let b = KEY_OF[q];
  let c = KEY_OF[r];
  let d = KEY_OF[s];
  let t;
  if (a > b) { t = a; a = b; b = t; }
  if (c > d) { t = c; c = d; d = t; }
  if (a > c) { t = a; a = c; c = t; }
  if (b > d) { t = b; b = d; d = t; }
  if (b > c) { t = b; b = c; c = t; }
  if (a === b) return ID_OF[a];
  if (b === c && b !== IGNORE_KEY) return ID_OF[b];
  if (c === d && c !== IGNORE_KEY) return ID_OF[c];
  return ID_OF[a];
}

/**
 * Edge length at a level above the tile's own: each level is half of the one before, rounded up.
 * @param {number} length
 * @param {number} times
 */
export function halved(length, times) {
  return Math.ceil(length / 2 ** times);
}

/**
 * All levels above a plane, from the first to the `count`th: [{data, height, width}, …].
 * @param {Uint8Array<ArrayBuffer>} plane
 * @param {number} height
 * @param {number} width
 * @param {number} count
 * @returns {Plane[]}
 */
export function coarseLevels(plane, height, width, count) {
  const levels = [];
  for (let level = 1; level <= count; level += 1) {
    const size = { height: halved(height, level), width: halved(width, level) };
    levels.push({ data: new Uint8Array(size.height * size.width), ...size });
  }
  updateCoarse(plane, height, width, levels, { row: 0, col: 0, height, width });
  return levels;
}

/**
 * Bring the levels up to date after a change within `rect` of the plane.
 * @param {Uint8Array<ArrayBuffer>} plane
 * @param {number} height
 * @param {number} width
 * @param {Plane[]} levels
 * @param {Rect} rect
 */
export function updateCoarse(plane, height, width, levels, rect) {
  let below = { data: plane, height, width };
  let { row, col } = rect;
  let bottom = rect.row + rect.height;
  let right = rect.col + rect.width;
  for (const level of levels) {
    row >>= 1;
    col >>= 1;
    bottom = Math.min(level.height, (bottom + 1) >> 1);
    right = Math.min(level.width, (right + 1) >> 1);
    for (let y = row; y < bottom; y += 1) halveRow(below, level, y, col, right);
    below = level;
  }
}

/**
 * @param {Plane} below
 * @param {Plane} level
 * @param {number} y
 * @param {number} from
 * @param {number} to
 */
function halveRow(below, level, y, from, to) {
  const { data, width } = below;
  const upper = 2 * y * width;
  const lower = Math.min(2 * y + 1, below.height - 1) * width;
  for (let x = from; x < to; x += 1) {
    const left = 2 * x;
    const right = left + 1 < width ? left + 1 : left;
    level.data[y * level.width + x] = winner(data[upper + left], data[upper + right], data[lower + left], data[lower + right]);
  }
}
