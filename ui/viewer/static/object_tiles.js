// Tiles of object ids beside those of a label map: fetched with the view, kept as they came.

import { TileStore } from "./tile_store.js";

/** @import { TileAddress, TileEvents, TileIndex } from "./tile_store.js" */

/**
 * Where a layer has the ids of its objects from.
 * @typedef {object} IdSource
 * @property {(level: number, row: number, col: number) => Uint32Array | null} get null: they are not here, or no pixel has one
 * @property {(list: TileIndex[]) => void} want
 * @property {() => void} retry
 * @property {() => void} close
 */

/** @implements {IdSource} */
export class IdTiles {
  /**
   * @param {TileAddress} address
   * @param {TileEvents} events
   */
  constructor(address, events) {
    this.store = new TileStore(address, events);
  }

  /**
   * @param {number} level
   * @param {number} row
   * @param {number} col
   */
  get(level, row, col) {
    const tile = this.store.get(level, row, col);
    if (!tile?.data.length) return null;
    return new Uint32Array(tile.data.buffer, tile.data.byteOffset, tile.data.length / 4);
  }

  /** @param {TileIndex[]} list */
  want(list) {
    this.store.want(list);
  }

  retry() {
    this.store.retry();
  }

  close() {
    this.store.close();
  }
}
