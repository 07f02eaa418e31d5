// Object ids of the draft on screen: at full resolution those that are being edited, coarser ones from the server, patched
// as they change.

import { IdTiles } from "../object_tiles.js";
import { tileKey } from "../tile_store.js";

/** @import { TileAddress, TileEvents, TileIndex } from "../tile_store.js" */
/** @import { PaintTile, PaintTiles } from "./paint_tiles.js" */

export class DraftIdTiles extends IdTiles {
  /**
   * @param {PaintTiles} source
   * @param {TileAddress} address of the coarser levels
   * @param {TileEvents} events
   */
  constructor(source, address, events) {
    super(address, {
      ...events,
      onTile: (key) => {
        this.merge(key);
        events.onTile(key);
      },
    });
    this.source = source;
    this.onTrouble = events.onTrouble;
  }

  /**
   * @param {number} level
   * @param {number} row
   * @param {number} col
   */
  get(level, row, col) {
    return level === 0 ? (this.source.peek(row, col)?.ids ?? null) : super.get(level, row, col);
  }

  /** @param {TileIndex[]} list */
  want(list) {
    const here = list.filter(([level, row, col]) => level === 0 && !this.source.peek(row, col)?.ids);
    if (here.length) this.source.ensureIds(here.map(([, row, col]) => [row, col])).catch(this.onTrouble);
    super.want(list.filter(([level]) => level > 0));
  }

  /**
   * Bring a tile that came from the server up to what was edited here since.
   * @param {string} key
   */
  merge(key) {
    for (const tile of this.source.tiles.values()) if (tile.ids && (tile.unsaved || tile.sending)) this.patch(tile, key);
  }

  /**
   * Ids of a tile have changed: coarser ones follow, by the upper left of each 2 x 2 pixels as on the server.
   * @param {PaintTile} tile
   * @param {string | null} only this coarser tile
   */
  patch(tile, only = null) {
    const { ids } = tile;
    if (!ids) return;
    for (let level = 1; level < this.source.levels; level += 1) {
      const key = tileKey(level, tile.row >> level, tile.col >> level);
      if (only && key !== only) continue;
      const target = this.store.tiles.peek(key);
      if (!target) continue;
      if (!target.data.length) target.data = new Uint8Array(target.height * target.width * 4);
      const out = new Uint32Array(target.data.buffer, target.data.byteOffset, target.data.length / 4);
      const unit = this.source.tilePx >> level;
      const top = (tile.row - ((tile.row >> level) << level)) * unit;
      const left = (tile.col - ((tile.col >> level) << level)) * unit;
      const step = 2 ** level;
      for (let y = 0, from = 0; from < tile.height; y += 1, from += step) {
        for (let x = 0, col = 0; col < tile.width; x += 1, col += step) out[(top + y) * target.width + left + x] = ids[from * tile.width + col];
      }
    }
  }

  /** Everything is to be fetched anew. */
  reset() {
    this.store.tiles.clear();
  }
}
