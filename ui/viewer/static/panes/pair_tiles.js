// Tiles that are worked out from two label maps' tiles, with the face of a TileStore, so that a LabelLayer can draw them.
// Nothing is fetched here: the two maps' own layers do.

import { Lru } from "../lru.js";
import { tileKey } from "../tile_store.js";

const KEPT = 64; // tiles of 256 KiB

export class PairTiles {
  /**
   * @param first, second TileStores
   * @param combine (ids, ids) => ids
   */
  constructor(first, second, combine) {
    Object.assign(this, { first, second, combine });
    this.tiles = new Lru(KEPT);
  }

  /** The tile, or undefined while either of its two is not here. */
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

  retry() {}

  close() {
    this.tiles.clear();
  }
}
