// Objects: pixels of one class that touch each other, found across tiles from one pixel on. Bounded, and told when so.

import { keyOf } from "./paint_tiles.js";

/** @import { PaintTile, PaintTiles } from "./paint_tiles.js" */
/** @import { Patch, Size } from "./shapes.js" */

/**
 * Where a tile's part of an object is entered.
 * @typedef {{at: [row: number, col: number], seeds: number[]}} Entry
 */

/**
 * Pixels of one class that touch each other: one patch a tile, as large as the tile.
 * @typedef {{label: number, pixels: number, parts: {tile: PaintTile, patch: Patch}[]}} FoundObject
 */

export const MOST_TILES = 64; // 16.8 million pixels; what is larger is told to be too large
export const MOST_WINDOW_PX = 16_777_216;

/** Why a tool could not do its work, in words for the user. */
export class TooLarge extends Error {}

/**
 * The object at an image pixel.
 * @param {PaintTiles} tiles
 * @param {number} row
 * @param {number} col
 * @param {{corners?: boolean, most?: number, byId?: boolean}} [options] corners: whether pixels that touch only at a corner belong
 *   together; most: tiles that it may lie in; byId: whether only pixels with the same object id do
 * @returns {Promise<FoundObject>}
 * @throws {TooLarge} when it lies in more than `most` tiles
 */
export async function objectAt(tiles, row, col, { corners = true, most = MOST_TILES, byId = false } = {}) {
  const { tilePx } = tiles;
  /** @type {[row: number, col: number]} */
  const first = [Math.floor(row / tilePx), Math.floor(col / tilePx)];
  const start = await tiles.ensureOne(...first);
  if (byId) await tiles.ensureIds([first]);
  const at0 = (row % tilePx) * start.width + (col % tilePx);
  const label = start.labels[at0];
  const id = byId ? (start.ids?.[at0] ?? 0) : null;
  /** @type {Map<string, {tile: PaintTile, patch: Patch}>} */
  const parts = new Map();
  /** @type {Map<string, Entry>} */
  const waiting = new Map([[start.key, { at: first, seeds: [(row % tilePx) * start.width + (col % tilePx)] }]]);
  let pixels = 0;
  for (const [key, { at, seeds }] of waiting) { // grows while it is gone through
    waiting.delete(key);
    const tile = await tiles.ensureOne(...at);
    if (byId) await tiles.ensureIds([at]);
    let part = parts.get(key);
    if (!part) {
      if (parts.size >= most) throw new TooLarge(`This object lies in more than ${most} tiles of ${tilePx} px and is too large to edit as a whole.`);
      tile.pinned = true;
      part = { tile, patch: wholeTile(tile, tilePx) };
      parts.set(key, part);
    }
    const found = floodTile(tile, part.patch.mask, seeds, { label, id }, corners);
    pixels += found.pixels;
    for (const [dRow, dCol, rowIn, colIn] of found.beyond) passOn(tiles, waiting, tile, dRow, dCol, rowIn, colIn);
  }
  for (const { tile } of parts.values()) tile.pinned = false;
  return { label, pixels, parts: [...parts.values()] };
}

/**
 * @param {PaintTile} tile
 * @param {number} tilePx
 * @returns {Patch}
 */
function wholeTile(tile, tilePx) {
  return { row: tile.row * tilePx, col: tile.col * tilePx, height: tile.height, width: tile.width, mask: new Uint8Array(tile.height * tile.width) };
}

/**
 * Mark the connected pixels of a tile; `beyond` lists [dRow, dCol, row, col] to look at in neighbouring tiles.
 * @param {PaintTile} tile
 * @param {Uint8Array} mask
 * @param {number[]} seeds
 * @param {{label: number, id: number | null}} what the class, and the object where that matters
 * @param {boolean} corners
 */
function floodTile(tile, mask, seeds, { label, id }, corners) {
  const { labels, ids, height, width } = tile;
  /** @type {number[]} */
  const stack = [];
  /** @type {[dRow: number, dCol: number, row: number, col: number][]} */
  const beyond = [];
  let pixels = 0;
  /**
   * @param {number} y
   * @param {number} x
   */
  const visit = (y, x) => {
    if (y < 0 || x < 0 || y >= height || x >= width) {
      beyond.push([y < 0 ? -1 : y >= height ? 1 : 0, x < 0 ? -1 : x >= width ? 1 : 0, y, x]);
      return;
    }
    const i = y * width + x;
    if (mask[i] || labels[i] !== label || (id !== null && ids?.[i] !== id)) return;
    mask[i] = 1;
    pixels += 1;
    stack.push(i);
  };
  for (const seed of seeds) visit(Math.floor(seed / width), seed % width);
  for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
    const y = Math.floor(i / width);
    const x = i % width;
    visit(y, x - 1);
    visit(y, x + 1);
    visit(y - 1, x);
    visit(y + 1, x);
    if (!corners) continue;
    visit(y - 1, x - 1);
    visit(y - 1, x + 1);
    visit(y + 1, x - 1);
    visit(y + 1, x + 1);
  }
  return { pixels, beyond };
}

/**
 * @param {PaintTiles} tiles
 * @param {Map<string, Entry>} waiting
 * @param {PaintTile} tile
 * @param {number} dRow
 * @param {number} dCol
 * @param {number} y
 * @param {number} x
 */
function passOn(tiles, waiting, tile, dRow, dCol, y, x) {
  /** @type {[row: number, col: number]} */
  const at = [tile.row + dRow, tile.col + dCol];
  if (at[0] < 0 || at[1] < 0 || at[0] >= tiles.rows || at[1] >= tiles.cols) return;
  const height = Math.min(tiles.tilePx, tiles.size.height - at[0] * tiles.tilePx);
  const width = Math.min(tiles.tilePx, tiles.size.width - at[1] * tiles.tilePx);
  const rowIn = dRow < 0 ? height - 1 : dRow > 0 ? 0 : y;
  const colIn = dCol < 0 ? width - 1 : dCol > 0 ? 0 : x;
  const key = keyOf(...at);
  const entry = waiting.get(key) ?? { at, seeds: [] };
  entry.seeds.push(rowIn * width + colIn);
  waiting.set(key, entry);
}

/**
 * One object as a single mask with a margin around it, for tools that work on its outline.
 * @param {FoundObject} object
 * @param {number} margin
 * @param {Size} size
 * @param {number} most
 * @returns {Patch}
 * @throws {TooLarge} when the window has more than `most` pixels
 */
export function windowOf(object, margin, size, most = MOST_WINDOW_PX) {
  let [top, left, bottom, right] = [Infinity, Infinity, -1, -1];
  for (const { patch } of object.parts) {
    for (let y = 0; y < patch.height; y += 1) {
      const row = patch.mask.subarray(y * patch.width, (y + 1) * patch.width);
      const from = row.indexOf(1);
      if (from < 0) continue;
      top = Math.min(top, patch.row + y);
      bottom = Math.max(bottom, patch.row + y);
      left = Math.min(left, patch.col + from);
      right = Math.max(right, patch.col + row.lastIndexOf(1));
    }
  }
  const row = Math.max(0, top - margin);
  const col = Math.max(0, left - margin);
  const height = Math.min(size.height, bottom + 1 + margin) - row;
  const width = Math.min(size.width, right + 1 + margin) - col;
  if (height * width > most) throw new TooLarge(`This object spans ${height} × ${width} px; its outline is too large to edit as a whole.`);
  const mask = new Uint8Array(height * width);
  for (const { patch } of object.parts) copyInto({ row, col, height, width, mask }, patch);
  return { row, col, height, width, mask };
}

/**
 * @param {Patch} target
 * @param {Patch} patch
 */
function copyInto(target, patch) {
  const top = Math.max(target.row, patch.row);
  const bottom = Math.min(target.row + target.height, patch.row + patch.height);
  const left = Math.max(target.col, patch.col);
  const right = Math.min(target.col + target.width, patch.col + patch.width);
  for (let row = top; row < bottom; row += 1) {
    const from = (row - patch.row) * patch.width - patch.col;
    target.mask.set(patch.mask.subarray(from + left, from + right), (row - target.row) * target.width + left - target.col);
  }
}

/**
 * Pixels that are in `a` and not in `b`, two masks of one window, as a patch.
 * @param {Patch} frame
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 * @returns {Patch}
 */
export function without(frame, a, b) {
  return { ...frame, mask: a.map((value, i) => (value && !b[i] ? 1 : 0)) };
}
