// The label map being edited, as far as somebody has looked at it: tiles of labels and coverage at full resolution, fetched
// when they are needed. Edits change tiles in place and are recorded (runs.js); nothing here knows of screens or servers.

import { coarseLevels, updateCoarse } from "./halving.js";
import { Runs } from "./runs.js";

const KEPT = 256; // tiles without unsaved edits that stay in memory: 64 to 128 MiB

export const LEAVE = -1; // in a rule: labels, or coverage, stay as they are

export function keyOf(row, col) {
  return `${row}/${col}`;
}

export class PaintTiles {
  /**
   * @param options size {height, width} of the image, tilePx, levels (of the pyramid, full resolution included),
   *   load: async (row, col) => {labels, coverage | null}, kept: tiles in memory
   *   events: onLoad(tile), onChange(tile, rect); rect {row, col, height, width} within the tile
   */
  constructor({ size, tilePx = 512, levels = 1, load, events = {}, kept = KEPT }) {
    Object.assign(this, { size, tilePx, levels, load, events, kept });
    this.rows = Math.ceil(size.height / tilePx);
    this.cols = Math.ceil(size.width / tilePx);
    this.tiles = new Map(); // in the order of last use
    this.loading = new Map();
    this.covered = new Map(); // pixels vouched for, by class, as far as is known
    this.generation = 0;
  }

  peek(row, col) {
    return this.tiles.get(keyOf(row, col));
  }

  /** Tiles [row, col] under a patch. */
  under(patch) {
    const list = [];
    if (!patch.height || !patch.width) return list;
    const lastRow = Math.floor((patch.row + patch.height - 1) / this.tilePx);
    const lastCol = Math.floor((patch.col + patch.width - 1) / this.tilePx);
    for (let row = Math.floor(patch.row / this.tilePx); row <= lastRow; row += 1) {
      for (let col = Math.floor(patch.col / this.tilePx); col <= lastCol; col += 1) list.push([row, col]);
    }
    return list;
  }

  /** Have these tiles in memory; rejects when one cannot be had. */
  async ensure(list) {
    await Promise.all(list.map(([row, col]) => this.ensureOne(row, col)));
  }

  ensureOne(row, col) {
    const key = keyOf(row, col);
    const known = this.tiles.get(key);
    if (known) {
      this.tiles.delete(key);
      this.tiles.set(key, known);
      return known;
    }
    if (!this.loading.has(key)) this.loading.set(key, this.fetchOne(row, col).finally(() => this.loading.delete(key)));
    return this.loading.get(key);
  }

  async fetchOne(row, col) {
    const { generation } = this;
    const { labels, coverage } = await this.load(row, col);
    if (generation !== this.generation) return this.ensureOne(row, col);
    const tile = this.place(row, col, labels, coverage);
    this.forget();
    this.events.onLoad?.(tile);
    return tile;
  }

  /** Put planes in a tile's place, whatever was there. */
  place(row, col, labels, coverage) {
    const height = Math.min(this.tilePx, this.size.height - row * this.tilePx);
    const width = Math.min(this.tilePx, this.size.width - col * this.tilePx);
    if (labels.length !== height * width) throw new Error(`Tile ${row}, ${col} has ${labels.length} pixels instead of ${height} x ${width}.`);
    const tile = { key: keyOf(row, col), row, col, height, width, labels, coverage, coarse: null, unsaved: false, sending: 0, pinned: false };
    this.tiles.set(tile.key, tile);
    return tile;
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

  /** The id at an image pixel, null where its tile is not here. */
  labelAt(row, col) {
    const tile = this.peek(Math.floor(row / this.tilePx), Math.floor(col / this.tilePx));
    return tile ? tile.labels[(row % this.tilePx) * tile.width + (col % this.tilePx)] : null;
  }

  /** Labels of a window (a patch without mask) whose tiles are all here. */
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

  /** Call `each(tile, part)` for the tiles in memory under a window; part is where they overlap, in both. */
  eachPart(patch, each) {
    for (const [tileRow, tileCol] of this.under(patch)) {
      const tile = this.peek(tileRow, tileCol);
      if (tile) each(tile, this.partOf(tile, patch));
    }
  }

  /** Where a patch overlaps a tile: {row, col} in the tile, {top, left} in the patch, {height, width}. */
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
   * @param rule {label: id or LEAVE, cover: 1, 0 or LEAVE, locked: Uint8Array of 256 (1: this class is not painted over)}
   * @param step {tiles: Map} that records the changes
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

  recount(oldLabel, oldCover, label, cover, pixels) {
    if (oldCover) this.covered.set(oldLabel, (this.covered.get(oldLabel) ?? 0) - pixels);
    if (cover) this.covered.set(label, (this.covered.get(label) ?? 0) + pixels);
  }

  runsOf(step, tile) {
    let runs = step.tiles.get(tile.key);
    if (!runs) step.tiles.set(tile.key, (runs = new Runs()));
    return runs;
  }

  /** Paint all of a patch; its tiles must be in memory. */
  paint(patch, rule, step) {
    let changed = 0;
    for (const [row, col] of this.under(patch)) changed += this.paintTile(this.peek(row, col), patch, rule, step);
    return changed;
  }

  /** Undo or redo a step; its tiles must be in memory. */
  replay(step, undo) {
    for (const [key, runs] of step.tiles) {
      const tile = this.tiles.get(key);
      tile.coverage ??= new Uint8Array(tile.height * tile.width);
      const box = new Box();
      runs.replay(undo, (start, end, label, cover) => {
        this.recount(tile.labels[start], tile.coverage[start], label, cover, end - start);
        tile.labels.fill(label, start, end);
        tile.coverage.fill(cover, start, end);
        box.add(Math.floor(start / tile.width), start % tile.width);
        box.add(Math.floor((end - 1) / tile.width), (end - 1) % tile.width);
        if (Math.floor(start / tile.width) !== Math.floor((end - 1) / tile.width)) box.wide(tile.width);
      });
      this.changed(tile, box.rect);
    }
  }

  changed(tile, rect) {
    tile.unsaved = true;
    tile.edits = (tile.edits ?? 0) + 1;
    if (tile.coarse) {
      updateCoarse(tile.labels, tile.height, tile.width, tile.coarse.labels, rect);
      if (tile.coverage) updateCoarse(tile.coverage, tile.height, tile.width, this.coarseCoverage(tile), rect);
    } else {
      this.makeCoarse(tile);
    }
    this.events.onChange?.(tile, rect);
  }

  makeCoarse(tile) {
    const count = Math.min(this.levels - 1, Math.floor(Math.log2(this.tilePx)));
    tile.coarse = { labels: coarseLevels(tile.labels, tile.height, tile.width, count), coverage: null };
    if (tile.coverage) this.coarseCoverage(tile);
  }

  coarseCoverage(tile) {
    tile.coarse.coverage ??= coarseLevels(tile.coverage, tile.height, tile.width, tile.coarse.labels.length);
    return tile.coarse.coverage;
  }
}

/** The smallest rectangle around some pixels. */
class Box {
  constructor() {
    this.top = this.left = Infinity;
    this.bottom = this.right = -1;
  }

  add(row, col) {
    if (row < this.top) this.top = row;
    if (row > this.bottom) this.bottom = row;
    if (col < this.left) this.left = col;
    if (col > this.right) this.right = col;
  }

  /** A run goes over the end of a row. */
  wide(width) {
    this.left = 0;
    this.right = width - 1;
  }

  get rect() {
    return { row: this.top, col: this.left, height: this.bottom - this.top + 1, width: this.right - this.left + 1 };
  }
}
