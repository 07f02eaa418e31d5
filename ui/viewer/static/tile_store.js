// Raw tiles of one label or confidence map: fetched on demand, kept as Uint8Array, refreshed while the map is written.

import { Lru } from "./lru.js";
import { hasIgnore } from "./label_pixels.js";

const CONCURRENT = 4; // the browser gives a host six connections; the image's own tiles need some too
const KEPT = 320; // tiles of 256 KiB: 80 MiB at most
const RETRY_AFTER_MS = 2500;

export function tileKey(level, row, col) {
  return `${level}/${row}/${col}`;
}

export class TileStore {
  /**
   * @param address (level, row, col, version) => URL
   * @param events onTile(key), onTrouble(error), onWell()
   */
  constructor(address, events) {
    this.address = address;
    this.events = events;
    this.tiles = new Lru(KEPT);
    this.version = 0;
    this.wanted = [];
    this.running = new Map();
    this.failedAt = new Map();
    this.closed = false;
  }

  /** The tile, or undefined while it is not here. */
  get(level, row, col) {
    return this.tiles.get(tileKey(level, row, col));
  }

  /** Ask for exactly these tiles [[level, row, col], …], most wanted first; older wishes are dropped. */
  want(list) {
    const keys = new Set(list.map((t) => tileKey(...t)));
    for (const [key, controller] of this.running) if (!keys.has(key)) controller.abort();
    this.wanted = list.filter(([level, row, col]) => this.isDue(tileKey(level, row, col)));
    this.pump();
  }

  isDue(key) {
    if (this.running.has(key)) return false;
    const known = this.tiles.peek(key);
    if (known && !known.stale) return false;
    const failed = this.failedAt.get(key);
    return !failed || performance.now() - failed > RETRY_AFTER_MS;
  }

  pump() {
    while (!this.closed && this.running.size < CONCURRENT && this.wanted.length) {
      const [level, row, col] = this.wanted.shift();
      if (this.isDue(tileKey(level, row, col))) this.fetchTile(level, row, col);
    }
  }

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
      if (error.name !== "AbortError" && !this.closed) {
        this.failedAt.set(key, performance.now());
        this.events.onTrouble(error);
      }
    } finally {
      this.running.delete(key);
      this.pump();
    }
  }

  /** The map has changed: tiles with unwritten pixels (or all of them) are fetched again, shown as they are until then. */
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

/** An Error with the server's cause and remedy. */
export async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  const error = new Error(body.cause ?? `The server answered ${response.status}.`);
  error.remedy = body.remedy ?? "";
  error.status = response.status;
  return error;
}
