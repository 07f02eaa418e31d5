// Grey values of the micrograph at full resolution, as they are displayed (8 bit), for the smart brush.

import { Lru } from "../lru.js";

/** @import { Plane } from "../label_pixels.js" */
/** @import { Size } from "./shapes.js" */

const KEPT = 48; // tiles of 256 KiB

export class GreyTiles {
  /**
   * @param {{address: (level: number, row: number, col: number) => string, size: Size, tilePx: number}} options address of an image tile
   * @param address (level, row, col) => URL of an image tile; size {height, width}; tilePx
   */
  constructor({ address, size, tilePx }) {
    this.address = address;
    this.size = size;
    this.tilePx = tilePx;
    /** @type {Lru<Plane>} */
    this.tiles = new Lru(KEPT);
    /** @type {Map<string, Promise<Plane>>} */
    this.loading = new Map();
  }

  /**
   * Have the tiles [row, col] in memory.
   * @param {[row: number, col: number][]} list
   */
  async ensure(list) {
    await Promise.all(list.map(([row, col]) => this.ensureOne(row, col)));
  }

  /**
   * @param {number} row
   * @param {number} col
   * @returns {Plane | Promise<Plane>}
   */
  ensureOne(row, col) {
    const key = `${row}/${col}`;
    const known = this.tiles.get(key) ?? this.loading.get(key);
    if (known) return known;
    const loading = this.fetchOne(row, col, key).finally(() => this.loading.delete(key));
    this.loading.set(key, loading);
    return loading;
  }

  /**
   * @param {number} row
   * @param {number} col
   * @param {string} key
   * @returns {Promise<Plane>}
   */
  async fetchOne(row, col, key) {
    const response = await fetch(this.address(0, row, col));
    if (!response.ok) throw new Error("The micrograph's grey values could not be loaded.");
    const bitmap = await createImageBitmap(await response.blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("The micrograph's grey values could not be read.");
    context.drawImage(bitmap, 0, 0);
    const rgba = context.getImageData(0, 0, bitmap.width, bitmap.height).data;
    const data = new Uint8Array(bitmap.width * bitmap.height);
    for (let i = 0; i < data.length; i += 1) data[i] = rgba[4 * i];
    const tile = { data, width: bitmap.width, height: bitmap.height };
    this.tiles.set(key, tile);
    return tile;
  }

  /**
   * Grey values of a window, or null while a tile of it is not here.
   * @param {{row: number, col: number, height: number, width: number}} window
   * @returns {Uint8Array | null}
   */
  read({ row, col, height, width }) {
    const out = new Uint8Array(height * width);
    for (let y = 0; y < height; y += 1) {
      const tileRow = Math.floor((row + y) / this.tilePx);
      const inRow = (row + y) % this.tilePx;
      for (let x = 0; x < width;) {
        const tileCol = Math.floor((col + x) / this.tilePx);
        const tile = this.tiles.peek(`${tileRow}/${tileCol}`);
        if (!tile) return null;
        const from = (col + x) % this.tilePx;
        const n = Math.min(width - x, tile.width - from);
        out.set(tile.data.subarray(inRow * tile.width + from, inRow * tile.width + from + n), y * width + x);
        x += n;
      }
    }
    return out;
  }
}
