// Raw tiles of one label or confidence map: fetched on demand, kept as Uint8Array, refreshed while the map is written.

import { Lru } from "./lru.js";
import { hasIgnore } from "./label_pixels.js";
import { isAbort, problemOf } from "./problem.js";

/** @import { Plane } from "./label_pixels.js" */

/** @typedef {{onTile: (key: string) => void, onTrouble: (error: unknown) => void, onWell: () => void}} TileEvents */

/** @typedef {(level: number, row: number, col: number, version: number) => string} TileAddress */

/** @typedef {[level: number, row: number, col: number]} TileIndex */

/**
 * A tile as it came from the server.
 * @typedef {Plane & {level: number, row: number, col: number, unfinished: boolean, stale: boolean}} Tile
 */

const CONCURRENT = 4; // the browser gives a host six connections; the image's own tiles need some too
const KEPT = 320; // tiles of 256 KiB: 80 MiB at most
const RETRY_AFTER_MS = 2500;

/**
 * @param {number} level
 * @param {number} row
 * @param {number} col
 */
export function tileKey(level, row, col) {
  return `${level}/${row}/${col}`;
}

/**
 * Level, row and column of a tile from its key.
 * @param {string} key
 * @returns {TileIndex}
 */
export function tileIndex(key) {
  const [level, row, col] = key.split("/").map(Number);
  return [level, row, col];
}

export class TileStore {
  /**
   * @param {TileAddress} address (level, row, col, version) => URL
   * @param {TileEvents} events
   */
  constructor(address, events) {
    this.address = address;
    this.events = events;
    /** @type {Lru<Tile>} */
    this.tiles = new Lru(KEPT);
    this.version = 0;
    /** @type {TileIndex[]} */
    this.wanted = [];
    /** @type {Map<string, AbortController>} */
    this.running = new Map();
    /** @type {Map<string, number>} */
    this.failedAt = new Map();
    this.closed = false;
  }

  /**
   * The tile, or undefined while it is not here.
   * @param {number} level
   * @param {number} row
   * @param {number} col
   */
  get(level, row, col) {
    return this.tiles.get(tileKey(level, row, col));
  }

  /**
   * Ask for exactly these tiles [[level, row, col], …], most wanted first; older wishes are dropped.
   * @param {TileIndex[]} list
   */
  want(list) {
    const keys = new Set(list.map((t) => tileKey(...t)));
    for (const [key, controller] of this.running) if (!keys.has(key)) controller.abort();
    this.wanted = list.filter(([level, row, col]) => this.isDue(tileKey(level, row, col)));
    this.pump();
  }

  /** @param {string} key */
  isDue(key) {
    if (this.running.has(key)) return false;
    const known = this.tiles.peek(key);
    if (known && !known.stale) return false;
    const failed = this.failedAt.get(key);
    return !failed || performance.now() - failed > RETRY_AFTER_MS;
  }

  pump() {
    while (!this.closed && this.running.size < CONCURRENT) {
      const next = this.wanted.shift();
      if (!next) return;
      const [level, row, col] = next;
      if (this.isDue(tileKey(level, row, col))) this.fetchTile(level, row, col);
    }
  }

  /**
   * @param {number} level
   * @param {number} row
   * @param {number} col
   */
  async fetchTile(level, row, col) {
    const key = tileKey(level, row, col);
    const controller = new AbortController();
    const { version } = this;
    this.running.set(key, controller);
    try {
      const response = await fetch(this.address(level, row, col, version), { signal: controller.signal });
      if (!response.ok) throw await problemOf(response);
      const [height, width] = (response.headers.get("X-Tile-Shape") ?? "512,512").split(",").map(Number);
      const data = new Uint8Array(await response.arrayBuffer());
      this.failedAt.delete(key);
      this.tiles.set(key, { data, width, height, level, row, col, unfinished: hasIgnore(data), stale: version !== this.version });
      this.events.onWell();
      this.events.onTile(key);
    } catch (error) {
      if (!isAbort(error) && !this.closed) {
        this.failedAt.set(key, performance.now());
        this.events.onTrouble(error);
      }
    } finally {
      this.running.delete(key);
      this.pump();
    }
  }

  /**
   * The map has changed: tiles with unwritten pixels (or all of them) are fetched again, shown as they are until then.
   * @param {number} version
   * @param {boolean} [everything]
   */
  refresh(version, everything = false) {
    this.version = version;
    for (const [, tile] of this.tiles.entries()) if (everything || tile.unfinished) tile.stale = true;
  }

  retry() {
    this.failedAt.clear();
  }

  close() {
    this.closed = true;
    this.wanted = [];
    for (const controller of this.running.values()) controller.abort();
    this.tiles.clear();
  }
}
