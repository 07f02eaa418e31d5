// Labels or coverage of the draft on screen: a label layer whose full-resolution tiles are those being painted, and whose
// coarser ones are patched as they change, so that every zoom follows the edit at once.

import { onCanvas, pickLevel } from "../geometry.js";
import { LabelLayer } from "../label_layer.js";
import { tileIndex, tileKey, TileStore } from "../tile_store.js";

/** @import { View } from "../geometry.js" */
/** @import { DrawnTile, FetchedLayer } from "../label_layer.js" */
/** @import { TileAddress, TileEvents } from "../tile_store.js" */
/** @import { PaintTile, PaintTiles, Rect } from "./paint_tiles.js" */

/** @typedef {FetchedLayer & {source: PaintTiles, plane: "labels" | "coverage"}} PaintLayerOptions */

/**
 * A box of image pixels; bottom and right are exclusive.
 * @typedef {{top: number, left: number, bottom: number, right: number}} Box
 */

class PaintTileStore extends TileStore {
  /**
   * @param {TileAddress} address
   * @param {TileEvents} events
   * @param {PaintTiles} source of the full-resolution tiles
   * @param {(tile: PaintTile) => void} place
   */
  constructor(address, events, source, place) {
    super(address, events);
    this.source = source;
    this.place = place;
  }

  /**
   * @param {number} level
   * @param {number} row
   * @param {number} col
   */
  async fetchTile(level, row, col) {
    if (level > 0) {
      await super.fetchTile(level, row, col);
      return;
    }
    const key = tileKey(level, row, col);
    this.running.set(key, new AbortController());
    try {
      const tile = await this.source.ensureOne(row, col);
      if (!this.closed && !this.tiles.peek(key)) this.place(tile);
      this.events.onWell();
    } catch (error) {
      if (this.closed) return;
      this.failedAt.set(key, performance.now());
      this.events.onTrouble(error);
    } finally {
      this.running.delete(key);
      this.pump();
    }
  }
}

export class PaintLayer extends LabelLayer {
  /** @param {PaintLayerOptions} options as of LabelLayer, and source: PaintTiles, plane: "labels" | "coverage" */
  constructor(options) {
    super(options);
    const { source, plane, address, events } = options;
    this.source = source;
    this.plane = plane;
    this.tiles.close();
    this.store = new PaintTileStore(address, {
      ...events,
      onTile: (key) => {
        this.merge(key);
        this.forget(key);
        events.onTile(key);
      },
    }, source, (tile) => {
      this.put(tile);
      events.onTile(tileKey(0, tile.row, tile.col));
    });
    this.tiles = this.store;
  }

  /**
   * Show a full-resolution tile.
   * @param {PaintTile} tile
   */
  put(tile) {
    const { row, col, height, width } = tile;
    const key = tileKey(0, row, col);
    const data = tile[this.plane] ?? new Uint8Array(height * width);
    this.store.tiles.set(key, { data, width, height, level: 0, row, col, unfinished: false, stale: false });
    this.forget(key);
  }

  /**
   * Bring a tile that came from the server up to what was painted here since.
   * @param {string} key
   */
  merge(key) {
    const [level, row, col] = tileIndex(key);
    if (level === 0) return;
    for (const tile of this.source.tiles.values()) {
      if (tile.coarse && tile.row >> level === row && tile.col >> level === col) this.patchCoarse(tile, level, null);
    }
  }

  /**
   * A tile has changed within `rect` (row, col, height, width in the tile).
   * @param {PaintTile} tile
   * @param {Rect} rect in the tile
   */
  patch(tile, rect) {
    const known = this.tiles.tiles.peek(tileKey(0, tile.row, tile.col));
    if (!known || known.data !== tile[this.plane]) this.put(tile);
    else this.recolour(known, rect);
    for (let level = 1; level < this.image.levels; level += 1) this.patchCoarse(tile, level, rect);
  }

  /**
   * @param {PaintTile} tile
   * @param {number} level
   * @param {Rect | null} rect null, all of it
   */
  patchCoarse(tile, level, rect) {
    const coarse = tile.coarse?.[this.plane]?.[level - 1];
    const target = this.tiles.tiles.peek(tileKey(level, tile.row >> level, tile.col >> level));
    if (!coarse || !target) return;
    const unit = this.image.tile_px >> level;
    const top = (tile.row - ((tile.row >> level) << level)) * unit;
    const left = (tile.col - ((tile.col >> level) << level)) * unit;
    const whole = rect ?? { row: 0, col: 0, height: tile.height, width: tile.width };
    const row0 = whole.row >> level;
    const col0 = whole.col >> level;
    const row1 = Math.min(coarse.height, ((whole.row + whole.height - 1) >> level) + 1);
    const col1 = Math.min(coarse.width, ((whole.col + whole.width - 1) >> level) + 1);
    for (let row = row0; row < row1; row += 1) {
      const from = row * coarse.width;
      target.data.set(coarse.data.subarray(from + col0, from + col1), (top + row) * target.width + left + col0);
    }
    if (rect) this.recolour(target, { row: top + row0, col: left + col0, height: row1 - row0, width: col1 - col0 });
  }

  /**
   * Colour a part of a tile anew in its picture, if it has one; outlines are drawn anew.
   * @param {DrawnTile} tile
   * @param {Rect} rect
   */
  recolour(tile, rect) {
    const key = tileKey(tile.level, tile.row, tile.col);
    const picture = this.pictures.peek(key);
    const ids = this.objects?.get(tile.level, tile.row, tile.col) ?? null;
    if (picture?.version === this.tableVersion && picture.source === tile.data && picture.ids === ids) {
      const part = this.objects ? widerBy1(rect, tile) : rect; // outlines of neighbours change with it
      const bitmap = new ImageData(part.width, part.height);
      this.write(tile, ids, part, new Uint32Array(bitmap.data.buffer));
      picture.context.putImageData(bitmap, part.col, part.row);
    } else {
      this.pictures.delete(key);
    }
    if (this.shapes.size) this.forgetShapes(tile);
  }

  /** @param {DrawnTile} tile */
  forgetShapes({ level, row, col }) {
    for (const [key, shape] of [...this.shapes.entries()]) {
      if (shape.level !== level || Math.abs(shape.row - row) > 1 || Math.abs(shape.col - col) > 1) continue;
      this.shapes.delete(key);
      this.pictures.delete(key);
    }
  }

  /**
   * Draw only a box of image pixels {top, left, bottom, right}; false when all has to be drawn.
   * @param {View} view
   * @param {Box} box
   */
  drawPart(view, box) {
    const { canvas, context, image } = this;
    if (!this.visible || (this.outline && !this.objects) || canvas.width !== view.width || canvas.height !== view.height) return false;
    const level = pickLevel(view.scale, image.levels);
    const margin = 2 ** (level + 1) + 2 / view.scale;
    const top = Math.max(0, box.top - margin);
    const left = Math.max(0, box.left - margin);
    const at = onCanvas(view, left, top, Math.min(image.width_px, box.right + margin) - left, Math.min(image.height_px, box.bottom + margin) - top);
    context.save();
    context.beginPath();
    context.rect(at.left, at.top, at.width, at.height);
    context.clip();
    context.clearRect(at.left, at.top, at.width, at.height);
    this.drawLevel(view, level);
    context.restore();
    return true;
  }

  /** Everything is to be fetched anew. */
  reset() {
    this.store.tiles.clear();
    this.pictures.clear();
    this.shapes.clear();
  }
}

/**
 * @param {Rect} rect
 * @param {{height: number, width: number}} tile
 * @returns {Rect}
 */
function widerBy1({ row, col, height, width }, tile) {
  const top = Math.max(0, row - 1);
  const left = Math.max(0, col - 1);
  return { row: top, col: left, height: Math.min(tile.height, row + height + 1) - top, width: Math.min(tile.width, col + width + 1) - left };
}
