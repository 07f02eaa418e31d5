// Which object painted pixels belong to, decided as soon as a stroke is over, by the rules of core.objects.carried_ids: a
// stroke joins the object that it touches; of several, each grows into it until they meet; one that touches none is a new
// object; beside pixels of its class without an id it has none either.

/** @import { UndoStep } from "./history.js" */
/** @import { ObjectIds } from "./object_ids.js" */
/** @import { PaintTile, PaintTiles, Rect } from "./paint_tiles.js" */

/**
 * Pixels around what a step has painted, one more on each side.
 * @typedef {object} Around
 * @property {Rect} window in the image
 * @property {Uint8Array} labels
 * @property {Uint32Array} ids before the step, of painted pixels too
 * @property {Uint8Array} painted 1 where the class is another one than before
 */

/**
 * Parts of one object that hung together before some pixels were taken away: a pixel of the image in each.
 * @typedef {{label: number, id: number, seeds: [row: number, col: number][]}} Cut
 */

const MOST_WINDOW_PX = 16_777_216; // painted pixels of a larger window get no id, so that their pieces are objects

/**
 * Where the classes of a tile differ from those before a step: -1 where not, else the class before.
 * @param {PaintTile} tile
 * @param {UndoStep} step
 */
function classesBefore(tile, step) {
  const before = new Int16Array(tile.labels.length).fill(-1);
  step.tiles.get(tile.key)?.replay(true, (start, end, label) => before.fill(label, start, end));
  for (let i = 0; i < before.length; i += 1) if (before[i] === tile.labels[i]) before[i] = -1;
  return before;
}

/**
 * The window around what a step has painted, or null where no class has changed.
 * @param {PaintTiles} tiles
 * @param {UndoStep} step
 * @returns {Rect | null}
 */
export function paintedWindow(tiles, step) {
  let [top, left, bottom, right] = [Infinity, Infinity, -1, -1];
  for (const key of step.tiles.keys()) {
    const tile = tiles.tiles.get(key);
    if (!tile) continue;
    const before = classesBefore(tile, step);
    for (let i = 0; i < before.length; i += 1) {
      if (before[i] < 0) continue;
      const row = tile.row * tiles.tilePx + Math.floor(i / tile.width);
      const col = tile.col * tiles.tilePx + (i % tile.width);
      if (row < top) top = row;
      if (row > bottom) bottom = row;
      if (col < left) left = col;
      if (col > right) right = col;
    }
  }
  if (bottom < 0) return null;
  const row = Math.max(0, top - 1);
  const col = Math.max(0, left - 1);
  return { row, col, height: Math.min(tiles.size.height, bottom + 2) - row, width: Math.min(tiles.size.width, right + 2) - col };
}

/**
 * Give painted pixels their objects. The tiles under the window must be here, with their ids.
 * @param {PaintTiles} tiles
 * @param {UndoStep} step to which the changes of ids are added
 * @param {Rect} window of `paintedWindow`
 * @param {ObjectIds} objects which classes have ids, and free ids
 * @param {boolean} alone whether all that was painted is one new object, whatever it touches
 * @returns {Cut[]} objects that may have fallen apart
 */
export function settle(tiles, step, window, objects, alone) {
  if (window.height * window.width > MOST_WINDOW_PX) {
    write(tiles, step, window, null);
    return [];
  }
  const around = look(tiles, step, window);
  const cuts = torn(around);
  const ids = Uint32Array.from(around.ids, (id, i) => (around.painted[i] ? 0 : id));
  const own = alone ? objects.fresh() : 0;
  if (alone) paintAlone(around, ids, own, objects);
  else for (const stroke of strokes(around, objects)) join(around, ids, stroke, objects);
  write(tiles, step, window, { ...around, ids });
  return cuts;
}

/**
 * @param {PaintTiles} tiles
 * @param {UndoStep} step
 * @param {Rect} window
 * @returns {Around}
 */
function look(tiles, step, window) {
  const painted = new Uint8Array(window.height * window.width);
  const ids = new Uint32Array(window.height * window.width);
  tiles.eachPart(window, (tile, part) => {
    const before = step.tiles.has(tile.key) ? classesBefore(tile, step) : null;
    for (let y = 0; y < part.height; y += 1) {
      const from = (part.row + y) * tile.width + part.col;
      const to = (part.top + y) * window.width + part.left;
      if (tile.ids) ids.set(tile.ids.subarray(from, from + part.width), to);
      if (before) for (let x = 0; x < part.width; x += 1) if (before[from + x] >= 0) painted[to + x] = 1;
    }
  });
  return { window, labels: tiles.read(window), ids, painted };
}

/**
 * Write the ids of painted pixels; null: none of them has one.
 * @param {PaintTiles} tiles
 * @param {UndoStep} step
 * @param {Rect} window
 * @param {Around | null} settled
 */
function write(tiles, step, window, settled) {
  tiles.eachPart(window, (tile, part) => {
    const before = step.tiles.has(tile.key) ? classesBefore(tile, step) : null;
    if (!before) return;
    tiles.setIds(tile, step, (set) => {
      for (let y = 0; y < part.height; y += 1) {
        const from = (part.row + y) * tile.width + part.col;
        const to = (part.top + y) * window.width + part.left;
        for (let x = 0; x < part.width; x += 1) {
          if (before[from + x] >= 0) set(from + x, from + x + 1, settled ? settled.ids[to + x] : 0);
        }
      }
    });
  });
}

/**
 * @param {Around} around
 * @param {Uint32Array} ids
 * @param {number} own
 * @param {ObjectIds} objects
 */
function paintAlone({ labels, painted }, ids, own, objects) {
  for (let i = 0; i < ids.length; i += 1) {
    if (!painted[i] || !isClass(labels[i])) continue;
    ids[i] = own;
    objects.classes.add(labels[i]);
  }
}

/** @param {number} label */
const isClass = (label) => label !== 0 && label !== 255;

/**
 * Connected pixels that were painted in one class with objects: their places in the window.
 * @param {Around} around
 * @param {ObjectIds} objects
 */
function* strokes({ window, labels, painted }, objects) {
  const seen = new Uint8Array(labels.length);
  for (let i = 0; i < labels.length; i += 1) {
    if (!painted[i] || seen[i] || !objects.classes.has(labels[i])) continue;
    yield flood(i, window, seen, (at) => painted[at] === 1 && labels[at] === labels[i]);
  }
}

/**
 * @param {number} start
 * @param {Rect} window
 * @param {Uint8Array} seen
 * @param {(at: number) => boolean} belongs
 */
function flood(start, window, seen, belongs) {
  const found = [start];
  seen[start] = 1;
  for (let n = 0; n < found.length; n += 1) {
    eachNeighbour(found[n], window, (at) => {
      if (seen[at] || !belongs(at)) return;
      seen[at] = 1;
      found.push(at);
    });
  }
  return found;
}

/**
 * @param {number} at
 * @param {Rect} window
 * @param {(at: number) => void} each
 */
function eachNeighbour(at, { height, width }, each) {
  const y = Math.floor(at / width);
  const x = at % width;
  for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row += 1) {
    for (let col = Math.max(0, x - 1); col <= Math.min(width - 1, x + 1); col += 1) {
      if (row !== y || col !== x) each(row * width + col);
    }
  }
}

/**
 * @param {Around} around
 * @param {Uint32Array} ids
 * @param {number[]} stroke
 * @param {ObjectIds} objects
 */
function join({ window, labels, painted }, ids, stroke, objects) {
  /** @type {Set<number>} */
  const touched = new Set();
  for (const at of stroke) {
    eachNeighbour(at, window, (near) => { if (!painted[near] && labels[near] === labels[at]) touched.add(ids[near]); });
  }
  const bare = touched.delete(0);
  if (touched.size > 1) {
    grow(window, labels, painted, ids, stroke);
    return;
  }
  const [id] = touched.size ? touched : [bare ? 0 : objects.fresh()];
  for (const at of stroke) ids[at] = id;
}

/**
 * Several objects grow into a stroke, by a pixel at a time; of two at once, the lower id.
 * @param {Rect} window
 * @param {Uint8Array} labels
 * @param {Uint8Array} painted
 * @param {Uint32Array} ids
 * @param {number[]} stroke
 */
function grow(window, labels, painted, ids, stroke) {
  const open = new Set(stroke);
  let rim = stroke;
  for (let first = true; open.size; first = false) {
    /** @type {Map<number, number>} */
    const reached = new Map();
    for (const at of rim) {
      if (!open.has(at)) continue;
      eachNeighbour(at, window, (near) => {
        if (!ids[near] || labels[near] !== labels[at] || (first && painted[near])) return;
        const known = reached.get(at);
        if (known === undefined || ids[near] < known) reached.set(at, ids[near]);
      });
    }
    if (!reached.size) return;
    /** @type {Set<number>} */
    const next = new Set();
    for (const [at, id] of reached) {
      ids[at] = id;
      open.delete(at);
    }
    for (const at of reached.keys()) eachNeighbour(at, window, (near) => { if (open.has(near)) next.add(near); });
    rim = [...next];
  }
}

/**
 * Objects of which pixels were taken away between parts that hung together through them, as far as the window shows.
 * @param {Around} around
 * @returns {Cut[]}
 */
function torn({ window, labels, ids, painted }) {
  const taken = new Uint8Array(labels.length);
  const seen = new Uint8Array(labels.length);
  /** @type {Cut[]} */
  const cuts = [];
  for (let i = 0; i < labels.length; i += 1) {
    if (!painted[i] || taken[i] || !ids[i]) continue;
    const id = ids[i];
    const gone = flood(i, window, taken, (at) => painted[at] === 1 && ids[at] === id);
    /** @type {number[]} */
    const seeds = [];
    /** @type {number[]} */
    const marked = [];
    for (const at of gone) {
      eachNeighbour(at, window, (near) => {
        if (painted[near] || ids[near] !== id || seen[near]) return;
        seeds.push(near);
        for (const other of flood(near, window, seen, (place) => !painted[place] && ids[place] === id)) marked.push(other);
      });
    }
    for (const at of marked) seen[at] = 0;
    if (seeds.length > 1) {
      cuts.push({ label: labels[seeds[0]], id, seeds: seeds.map((at) => [window.row + Math.floor(at / window.width), window.col + (at % window.width)]) });
    }
  }
  return cuts;
}
