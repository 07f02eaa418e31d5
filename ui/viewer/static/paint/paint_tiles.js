// The label map being edited, as far as somebody has looked at it: tiles of labels and coverage at full resolution, fetched
// when they are needed. Edits change tiles in place and are recorded (runs.js); nothing here knows of screens or servers.

import { coarseLevels, updateCoarse } from "./halving.js";
import { IdRuns } from "./id_runs.js";
import { Runs } from "./runs.js";

/** @import { Plane } from "../label_pixels.js" */
/** @import { UndoStep } from "./history.js" */
/** @import { Patch, Size } from "./shapes.js" */

/**
 * @typedef {object} TilesOptions
 * @property {Size} size of the image
 * @property {number} [tilePx]
 * @property {number} [levels] of the pyramid, full resolution included
 * @property {(row: number, col: number) => Promise<Planes>} load
 * @property {(row: number, col: number) => Promise<Uint32Array<ArrayBuffer> | null>} [loadIds] null: no pixel has an id
 * @property {TilesEvents} [events]
 * @property {number} [kept] tiles in memory
 */

/**
 * @typedef {object} TilesEvents
 * @property {(tile: PaintTile) => void} [onLoad]
 * @property {(tile: PaintTile, rect: Rect) => void} [onChange] rect: within the tile
 * @property {(tile: PaintTile) => void} [onIds] the ids of its objects are here, or others
 */

/** @typedef {{labels: Uint8Array<ArrayBuffer>, coverage: Uint8Array<ArrayBuffer> | null}} Planes */

/**
 * Where a patch overlaps a tile: {row, col} in the tile, {top, left} in the patch.
 * @typedef {Rect & {top: number, left: number}} Part
 */

/**
 * What painting writes: the label (LEAVE: as it is), the coverage (1, 0 or LEAVE), and by class whether it is not painted over.
 * @typedef {{label: number, cover: number, locked: Uint8Array}} Rule
 */

/**
 * A tile that is being painted.
 * @typedef {object} PaintTile
 * @property {string} key
 * @property {number} row of tiles
 * @property {number} col
 * @property {number} height in pixels
 * @property {number} width
 * @property {Uint8Array<ArrayBuffer>} labels
 * @property {Uint8Array<ArrayBuffer> | null} coverage 1: confirmed; null: nothing of it is
 * @property {Uint32Array<ArrayBuffer> | null} ids of objects, 0: none; null: not asked for yet
 * @property {Promise<Uint32Array<ArrayBuffer> | null> | null} idsComing
 * @property {{labels: Plane[], coverage: Plane[] | null} | null} coarse coarser levels, from the first on
 * @property {boolean} unsaved changed since it was last packed
 * @property {number} sending sequence of the record that it is in, 0 for none
 * @property {boolean} pinned not to be forgotten
 * @property {number} edits
 */

/**
 * A window, in pixels.
 * @typedef {{row: number, col: number, height: number, width: number}} Rect
 */

const KEPT = 256; // tiles without unsaved edits that stay in memory: 64 to 128 MiB

export const LEAVE = -1; // in a rule: labels, or coverage, stay as they are

/**
 * @param {number} row
 * @param {number} col
 */
export function keyOf(row, col) {
  return `${row}/${col}`;
}

/**
 * Row and column of a tile from its key.
 * @param {string} key
 * @returns {[row: number, col: number]}
 */
export function tileOf(key) {
  const [row, col] = key.split("/").map(Number);
  return [row, col];
}

export class PaintTiles {
  /**
   * @param {TilesOptions} options size {height, width} of the image, tilePx, levels (of the pyramid, full resolution included),
   *   load: async (row, col) => {labels, coverage | null}, kept: tiles in memory
   *   events: onLoad(tile), onChange(tile, rect); rect {row, col, height, width} within the tile
   */
  constructor({ size, tilePx = 512, levels = 1, load, loadIds = async () => null, events = {}, kept = KEPT }) {
    this.size = size;
    this.tilePx = tilePx;
    this.levels = levels;
    this.load = load;
    this.loadIds = loadIds;
    this.events = events;
    this.kept = kept;
    this.rows = Math.ceil(size.height / tilePx);
    this.cols = Math.ceil(size.width / tilePx);
    /** @type {Map<string, PaintTile>} */
    this.tiles = new Map(); // in the order of last use
    /** @type {Map<string, Promise<PaintTile>>} */
    this.loading = new Map();
    /** @type {Map<number, number>} */
    this.covered = new Map(); // pixels confirmed, by class, as far as is known
    this.generation = 0;
  }

  /**
   * @param {number} row
   * @param {number} col
   */
  peek(row, col) {
    return this.tiles.get(keyOf(row, col));
  }

  /**
   * Tiles [row, col] under a patch.
   * @param {Rect} patch
   */
  under(patch) {
    /** @type {[row: number, col: number][]} */
    const list = [];
    if (!patch.height || !patch.width) return list;
    const lastRow = Math.floor((patch.row + patch.height - 1) / this.tilePx);
    const lastCol = Math.floor((patch.col + patch.width - 1) / this.tilePx);
    for (let row = Math.floor(patch.row / this.tilePx); row <= lastRow; row += 1) {
      for (let col = Math.floor(patch.col / this.tilePx); col <= lastCol; col += 1) list.push([row, col]);
    }
    return list;
  }

  /**
   * Have these tiles in memory; rejects when one cannot be had.
   * @param {[row: number, col: number][]} list
   */
  async ensure(list) {
    await Promise.all(list.map(([row, col]) => this.ensureOne(row, col)));
  }

  /**
   * @param {number} row
   * @param {number} col
   * @returns {PaintTile | Promise<PaintTile>}
   */
  ensureOne(row, col) {
    const key = keyOf(row, col);
    const known = this.tiles.get(key);
    if (known) {
      this.tiles.delete(key);
      this.tiles.set(key, known);
      return known;
    }
    const under = this.loading.get(key);
    if (under) return under;
    const loading = this.fetchOne(row, col).finally(() => { if (this.loading.get(key) === loading) this.loading.delete(key); });
    this.loading.set(key, loading);
    return loading;
  }

  /**
   * @param {number} row
   * @param {number} col
   * @returns {Promise<PaintTile>}
   */
  async fetchOne(row, col) {
    const { generation } = this;
    const { labels, coverage } = await this.load(row, col);
    if (generation !== this.generation) return this.ensureOne(row, col);
    const tile = this.place(row, col, labels, coverage);
    this.forget();
    this.events.onLoad?.(tile);
    return tile;
  }

  /**
   * Put planes in a tile's place, whatever was there.
   * @param {number} row
   * @param {number} col
   * @param {Uint8Array<ArrayBuffer>} labels
   * @param {Uint8Array<ArrayBuffer> | null} coverage
   */
  place(row, col, labels, coverage) {
    const height = Math.min(this.tilePx, this.size.height - row * this.tilePx);
    const width = Math.min(this.tilePx, this.size.width - col * this.tilePx);
    if (labels.length !== height * width) throw new Error(`Tile ${row}, ${col} has ${labels.length} pixels instead of ${height} x ${width}.`);
    /** @type {PaintTile} */
    const tile = { key: keyOf(row, col), row, col, height, width, labels, coverage, ids: null, idsComing: null, coarse: null, unsaved: false, sending: 0, pinned: false, edits: 0 };
    this.tiles.set(tile.key, tile);
    return tile;
  }

  /**
   * Have these tiles with the ids of their objects; rejects when some cannot be had.
   * @param {[row: number, col: number][]} list
   */
  async ensureIds(list) {
    await Promise.all(list.map(async ([row, col]) => {
      const tile = await this.ensureOne(row, col);
      if (tile.ids) return;
      tile.idsComing ??= this.loadIds(row, col).finally(() => { tile.idsComing = null; });
      const ids = await tile.idsComing;
      if (tile.ids) return;
      tile.ids = ids ?? new Uint32Array(tile.height * tile.width);
      this.events.onIds?.(tile);
    }));
  }

  /**
   * Whether all of these tiles are here with their ids.
   * @param {[row: number, col: number][]} list
   */
  haveIds(list) {
    return list.every(([row, col]) => this.peek(row, col)?.ids);
  }

  /**
   * Change ids of a tile that has them; what changes is noted in a step.
   * @param {PaintTile} tile
   * @param {UndoStep} step
   * @param {(set: (start: number, end: number, id: number) => void) => void} change
   */
  setIds(tile, step, change) {
    const { ids } = tile;
    if (!ids) return;
    step.ids ??= new Map();
    const runs = step.ids.get(tile.key) ?? new IdRuns();
    const before = runs.length;
    change((start, end, id) => {
      for (let i = start; i < end;) {
        let next = i + 1;
        while (next < end && ids[next] === ids[i]) next += 1;
        if (ids[i] !== id) {
          runs.add(i, next, ids[i], id);
          ids.fill(id, i, next);
        }
        i = next;
      }
    });
    if (runs.length === before) return;
    step.ids.set(tile.key, runs);
    this.idsChanged(tile);
  }

  /** @param {PaintTile} tile */
  idsChanged(tile) {
    tile.unsaved = true;
    tile.edits += 1;
    this.events.onIds?.(tile);
    this.events.onChange?.(tile, { row: 0, col: 0, height: tile.height, width: tile.width });
  }

  forget() {
    let over = this.tiles.size - this.kept;
    for (const [key, tile] of this.tiles) {
      if (over <= 0) return;
      if (tile.unsaved || tile.sending || tile.pinned) continue;
      this.tiles.delete(key);
      over -= 1;
    }
  }

  /** Everything is to be fetched anew. */
  clear() {
    this.generation += 1;
    this.tiles.clear();
    this.loading.clear();
  }

  /**
   * The id at an image pixel, null where its tile is not here.
   * @param {number} row
   * @param {number} col
   */
  labelAt(row, col) {
    const tile = this.peek(Math.floor(row / this.tilePx), Math.floor(col / this.tilePx));
    return tile ? tile.labels[(row % this.tilePx) * tile.width + (col % this.tilePx)] : null;
  }

  /**
   * Labels of a window (a patch without mask) whose tiles are all here.
   * @param {Rect} window
   */
  read({ row, col, height, width }) {
    const out = new Uint8Array(height * width);
    this.eachPart({ row, col, height, width }, (tile, part) => {
      for (let y = 0; y < part.height; y += 1) {
        const from = (part.row + y) * tile.width + part.col;
        out.set(tile.labels.subarray(from, from + part.width), (part.top + y) * width + part.left);
      }
    });
    return out;
  }

  /**
   * Call `each(tile, part)` for the tiles in memory under a window; part is where they overlap, in both.
   * @param {Rect} patch
   * @param {(tile: PaintTile, part: Part) => void} each
   */
  eachPart(patch, each) {
    for (const [tileRow, tileCol] of this.under(patch)) {
      const tile = this.peek(tileRow, tileCol);
      if (tile) each(tile, this.partOf(tile, patch));
    }
  }

  /**
   * Where a patch overlaps a tile: {row, col} in the tile, {top, left} in the patch, {height, width}.
   * @param {PaintTile} tile
   * @param {Rect} patch
   * @returns {Part}
   */
  partOf(tile, patch) {
    const top = Math.max(patch.row, tile.row * this.tilePx);
    const left = Math.max(patch.col, tile.col * this.tilePx);
    const bottom = Math.min(patch.row + patch.height, tile.row * this.tilePx + tile.height);
    const right = Math.min(patch.col + patch.width, tile.col * this.tilePx + tile.width);
    return {
      row: top - tile.row * this.tilePx, col: left - tile.col * this.tilePx,
      top: top - patch.row, left: left - patch.col, height: bottom - top, width: right - left,
    };
  }

  /**
   * Change the pixels of one tile that a patch marks.
   * @param {PaintTile} tile
   * @param {Patch} patch
   * @param {Rule} rule {label: id or LEAVE, cover: 1, 0 or LEAVE, locked: Uint8Array of 256 (1: this class is not painted over)}
   * @param {Pick<UndoStep, "tiles">} step records the changes
   * @returns {number} of pixels changed
   */
  paintTile(tile, patch, rule, step) {
    const part = this.partOf(tile, patch);
    if (part.height <= 0 || part.width <= 0) return 0;
    if (rule.cover === 1 || rule.cover === 0) tile.coverage ??= new Uint8Array(tile.height * tile.width);
    const runs = this.runsOf(step, tile);
    const box = new Box();
    let changed = 0;
    for (let y = 0; y < part.height; y += 1) {
      const offset = (part.row + y) * tile.width + part.col;
      const source = (part.top + y) * patch.width + part.left;
      for (let x = 0; x < part.width; x += 1) {
        if (!patch.mask[source + x]) continue;
        if (!this.paintPixel(tile, offset + x, rule, runs)) continue;
        box.add(part.row + y, part.col + x);
        changed += 1;
      }
    }
    if (changed) this.changed(tile, box.rect);
    return changed;
  }

  /**
   * @param {PaintTile} tile
   * @param {number} index
   * @param {Rule} rule
   * @param {Runs} runs
   */
  paintPixel(tile, index, rule, runs) {
    const { labels, coverage } = tile;
    const oldLabel = labels[index];
    const oldCover = coverage ? coverage[index] : 0;
    const free = rule.label === LEAVE || !rule.locked[oldLabel];
    if (!free) return false;
    const label = rule.label === LEAVE ? oldLabel : rule.label;
    const cover = rule.cover === LEAVE ? oldCover : rule.cover;
    if (label === oldLabel && cover === oldCover) return false;
    labels[index] = label;
    if (coverage) coverage[index] = cover;
    this.recount(oldLabel, oldCover, label, cover, 1);
    runs.add(index, oldLabel, label, oldCover, cover);
    return true;
  }

  /**
   * @param {number} oldLabel
   * @param {number} oldCover
   * @param {number} label
   * @param {number} cover
   * @param {number} pixels
   */
  recount(oldLabel, oldCover, label, cover, pixels) {
    if (oldCover) this.covered.set(oldLabel, (this.covered.get(oldLabel) ?? 0) - pixels);
    if (cover) this.covered.set(label, (this.covered.get(label) ?? 0) + pixels);
  }

  /**
   * @param {Pick<UndoStep, "tiles">} step
   * @param {PaintTile} tile
   */
  runsOf(step, tile) {
    let runs = step.tiles.get(tile.key);
    if (!runs) step.tiles.set(tile.key, (runs = new Runs()));
    return runs;
  }

  /**
   * Paint all of a patch; its tiles must be in memory.
   * @param {Patch} patch
   * @param {Rule} rule
   * @param {Pick<UndoStep, "tiles">} step
   */
  paint(patch, rule, step) {
    let changed = 0;
    for (const [row, col] of this.under(patch)) {
      const tile = this.peek(row, col);
      if (!tile) throw new Error(`Tile ${row}, ${col} is not here.`);
      changed += this.paintTile(tile, patch, rule, step);
    }
    return changed;
  }

  /**
   * Undo or redo a step; its tiles must be in memory.
   * @param {Pick<UndoStep, "tiles" | "ids">} step
   * @param {boolean} undo
   */
  replay(step, undo) {
    for (const [key, runs] of step.ids ?? []) {
      const tile = this.tiles.get(key);
      if (!tile?.ids) throw new Error(`The objects of tile ${key} are not here.`);
      const { ids } = tile;
      runs.replay(undo, (start, end, id) => ids.fill(id, start, end));
      this.idsChanged(tile);
    }
    for (const [key, runs] of step.tiles) {
      const tile = this.tiles.get(key);
      if (!tile) throw new Error(`Tile ${key} is not here.`);
      const coverage = (tile.coverage ??= new Uint8Array(tile.height * tile.width));
      const box = new Box();
      runs.replay(undo, (start, end, label, cover) => {
        this.recount(tile.labels[start], coverage[start], label, cover, end - start);
        tile.labels.fill(label, start, end);
        coverage.fill(cover, start, end);
        box.add(Math.floor(start / tile.width), start % tile.width);
        box.add(Math.floor((end - 1) / tile.width), (end - 1) % tile.width);
        if (Math.floor(start / tile.width) !== Math.floor((end - 1) / tile.width)) box.wide(tile.width);
      });
      this.changed(tile, box.rect);
    }
  }

  /**
   * @param {PaintTile} tile
   * @param {Rect} rect
   */
  changed(tile, rect) {
    tile.unsaved = true;
    tile.edits += 1;
    const { coarse, coverage } = tile;
    if (coarse) {
      updateCoarse(tile.labels, tile.height, tile.width, coarse.labels, rect);
      if (coverage) {
        coarse.coverage ??= coarseLevels(coverage, tile.height, tile.width, coarse.labels.length);
        updateCoarse(coverage, tile.height, tile.width, coarse.coverage, rect);
      }
    } else {
      this.makeCoarse(tile);
    }
    this.events.onChange?.(tile, rect);
  }

  /** @param {PaintTile} tile */
  makeCoarse(tile) {
    const count = Math.min(this.levels - 1, Math.floor(Math.log2(this.tilePx)));
    const { labels, coverage, height, width } = tile;
    tile.coarse = { labels: coarseLevels(labels, height, width, count), coverage: coverage && coarseLevels(coverage, height, width, count) };
  }
}

/** The smallest rectangle around some pixels. */
class Box {
  constructor() {
    this.top = this.left = Infinity;
    this.bottom = this.right = -1;
  }

  /**
   * @param {number} row
   * @param {number} col
   */
  add(row, col) {
    if (row < this.top) this.top = row;
    if (row > this.bottom) this.bottom = row;
    if (col < this.left) this.left = col;
    if (col > this.right) this.right = col;
  }

  /**
   * A run goes over the end of a row.
   * @param {number} width
   */
  wide(width) {
    this.left = 0;
    this.right = width - 1;
  }

  get rect() {
    return { row: this.top, col: this.left, height: this.bottom - this.top + 1, width: this.right - this.left + 1 };
  }
}
