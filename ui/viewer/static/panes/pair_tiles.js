// Tiles that are worked out from two label maps' tiles, with the face of a TileStore, so that a LabelLayer can draw them.
// Nothing is fetched here: the two maps' own layers do.

import { Lru } from "../lru.js";
import { tileKey } from "../tile_store.js";

/** @import { DrawnTile, TileSource } from "../label_layer.js" */

/**
 * A tile, and the ids that it was worked out from.
 * @typedef {DrawnTile & {one: Uint8Array, two: Uint8Array}} PairTile
 */

/** @typedef {(first: Uint8Array, second: Uint8Array) => Uint8Array<ArrayBuffer>} Combine */

const KEPT = 64; // tiles of 256 KiB

/** @implements {TileSource} */
export class PairTiles {
  /**
   * @param {TileSource} first , second TileStores
   * @param {TileSource} second
   * @param {Combine} combine (ids, ids) => ids
   */
  constructor(first, second, combine) {
    this.first = first;
    this.second = second;
    this.combine = combine;
    /** @type {Lru<PairTile>} */
    this.tiles = new Lru(KEPT);
  }

  /**
   * The tile, or undefined while either of its two is not here.
   * @param {number} level
   * @param {number} row
   * @param {number} col
   * @returns {PairTile | undefined}
   */
  get(level, row, col) {
    const one = this.first.get(level, row, col);
    const two = this.second.get(level, row, col);
    if (!one || !two) return undefined;
    const key = tileKey(level, row, col);
    const known = this.tiles.get(key);
    if (known?.one === one.data && known.two === two.data) return known;
    const made = { ...two, data: this.combine(one.data, two.data), one: one.data, two: two.data };
    this.tiles.set(key, made);
    return made;
  }

  want() {}

  refresh() {}

  retry() {}

  close() {
    this.tiles.clear();
  }
}
