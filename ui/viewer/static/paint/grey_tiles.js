// Grey values of the micrograph at full resolution, as they are displayed (8 bit), for the smart brush.

import { Lru } from "../lru.js";

const KEPT = 48; // tiles of 256 KiB

export class GreyTiles {
  /** @param address (level, row, col) => URL of an image tile; size {height, width}; tilePx */
  constructor({ address, size, tilePx }) {
    Object.assign(this, { address, size, tilePx });
    this.tiles = new Lru(KEPT);
    this.loading = new Map();
  }

  /** Have the tiles [row, col] in memory. */
  async ensure(list) {
    await Promise.all(list.map(([row, col]) => this.ensureOne(row, col)));
  }

  ensureOne(row, col) {
    const key = `${row}/${col}`;
    if (this.tiles.get(key)) return this.tiles.get(key);
    if (!this.loading.has(key)) this.loading.set(key, this.fetchOne(row, col, key).finally(() => this.loading.delete(key)));
    return this.loading.get(key);
  }

  async fetchOne(row, col, key) {
    const response = await fetch(this.address(0, row, col));
    if (!response.ok) throw new Error("The micrograph's grey values could not be loaded.");
    const bitmap = await createImageBitmap(await response.blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    const rgba = context.getImageData(0, 0, bitmap.width, bitmap.height).data;
    const data = new Uint8Array(bitmap.width * bitmap.height);
    for (let i = 0; i < data.length; i += 1) data[i] = rgba[4 * i];
    const tile = { data, width: bitmap.width, height: bitmap.height };
    this.tiles.set(key, tile);
    return tile;
  }

  /** Grey values of a window, or null while a tile of it is not here. */
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
