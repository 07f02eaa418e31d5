// Autosave: changed tiles become records, records go to the browser's outbox and to the server, one after the other, in
// their order. "Saved" is said only when the server has confirmed everything.

import { Problem } from "../problem.js";
import { packTiles } from "./draft_api.js";

/** @import { TilesAnswer } from "../messages.js" */
/** @import { DraftApi } from "./draft_api.js" */
/** @import { Step } from "./editor.js" */
/** @import { Outbox, OutboxRecord } from "./outbox.js" */
/** @import { PaintTile, PaintTiles } from "./paint_tiles.js" */

/** @typedef {{api: DraftApi, outbox: Outbox, tiles: PaintTiles, holder: string, events: QueueEvents, first?: number}} QueueOptions */

/**
 * @typedef {object} QueueEvents
 * @property {(state: QueueState) => void} onState
 * @property {(answer: TilesAnswer) => void} onSaved
 * @property {(error: Problem) => void} onStopped the server has refused for good until somebody decides (409, 400, 410, 413, 507, …)
 */

/**
 * A record that waits; of this page, with its tiles.
 * @typedef {OutboxRecord & {attempted: boolean, stroke?: Tally, tiles?: PaintTile[]}} WaitingRecord
 */

/**
 * What was done since the last record: working time and strokes.
 * @typedef {{tool: string, class_id: number | null, seconds: number, strokes: number}} Tally
 */

/** @typedef {"saved" | "saving" | "offline" | "stopped"} QueueState */

const MOST_TILES = 32; // in one post
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
const TRAVEL = new Set(["undo", "redo"]); // work, but no strokes
const THINKING_MS = 60_000; // a pause up to this counts as working time

export class SaveQueue {
  /**
   * @param {QueueOptions} options api (DraftApi), outbox, tiles (PaintTiles), holder
   *   events: onState("saved" | "saving" | "offline" | "stopped", detail), onSaved(answer, record),
   *   onStopped(error): the server has refused for good until somebody decides (409, 400, 410, 413, 507, …)
   */
  constructor({ api, outbox, tiles, holder, events, first = Date.now() }) {
    this.api = api;
    this.outbox = outbox;
    this.tiles = tiles;
    this.holder = holder;
    this.events = events;
    /** @type {WaitingRecord[]} */
    this.records = [];
    this.sequence = first; // grows from page to page of this tab without being kept anywhere
    /** @type {Map<string, PaintTile>} */
    this.dirty = new Map();
    this.waitMs = FIRST_WAIT_MS;
    this.tally = newTally();
    this.lastWork = performance.now();
    /** @type {QueueState} */
    this.state = "saved";
    /** @type {unknown} */
    this.offline = null; // why the last record could not be sent
    this.timer = 0; // of the next try
    /** @type {Promise<void> | null} */
    this.pumping = null; // while records are packed and sent
    this.again = this.closed = false;
    this.stopped = true;
    this.onOnline = () => this.now();
    window.addEventListener("online", this.onOnline);
  }

  /**
   * Take over what an earlier page could not send.
   * @param {OutboxRecord[]} records
   */
  restore(records) {
    this.records = records.map((record) => ({ ...record, attempted: true }));
    for (const { sequence } of records) this.sequence = Math.max(this.sequence, sequence);
  }

  /** Sending may begin. */
  start() {
    this.stopped = false;
    this.waitMs = FIRST_WAIT_MS;
    this.pump();
  }

  get waiting() {
    return this.records.length + (this.dirty.size ? 1 : 0);
  }

  /**
   * A tile has changed.
   * @param {PaintTile} tile
   */
  touch(tile) {
    this.dirty.set(tile.key, tile);
  }

  /**
   * A stroke is over: what it did is saved now.
   * @param {Step} stroke {tool, class_id, changes: {id: pixels}}
   */
  commit(stroke) {
    const now = performance.now();
    this.tally.seconds += Math.min(THINKING_MS, now - this.lastWork) / 1000;
    this.lastWork = now;
    if (!TRAVEL.has(stroke.tool)) this.tally.strokes += 1;
    this.tally.tool = stroke.tool;
    this.tally.class_id = stroke.class_id;
    this.pump();
  }

  now() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.waitMs = FIRST_WAIT_MS;
    this.pump();
  }

  /** Pack what has changed, and send what is packed. Never twice at once. */
  pump() {
    if (this.pumping || this.closed) this.again = true;
    else this.pumping = this.work();
    return this.pumping ?? Promise.resolve();
  }

  async work() {
    try {
      do {
        this.again = false;
        await this.pack();
        if (!this.stopped && !this.timer) await this.sendNext();
      } while ((this.again || this.dirty.size || (this.records.length && !this.timer && !this.stopped)) && !this.closed);
    } finally {
      this.pumping = null;
      this.tell();
    }
  }

  /** Changed tiles become a record, or join the last one while nobody has tried to send that. */
  async pack() {
    while (this.dirty.size) {
      const tail = this.records.at(-1);
      const joined = tail && !tail.attempted && new Set([...tail.keys, ...this.dirty.keys()]).size <= MOST_TILES ? tail : null;
      const chosen = new Map((joined?.tiles ?? []).map((tile) => [tile.key, tile]));
      for (const [key, tile] of this.dirty) {
        if (chosen.size >= MOST_TILES && !chosen.has(key)) break;
        chosen.set(key, tile);
        this.dirty.delete(key);
      }
      const sequence = joined ? joined.sequence : (this.sequence += 1);
      const stroke = joined?.stroke ? added(joined.stroke, this.tally) : this.tally;
      this.tally = newTally();
      const tiles = [...chosen.values()];
      for (const tile of tiles) {
        tile.sending = sequence;
        tile.unsaved = false;
      }
      this.tell("saving");
      /** @type {WaitingRecord} */
      const record = { holder: this.holder, sequence, keys: [...chosen.keys()], stroke, tiles, attempted: false, body: await packTiles(tiles, stroke) };
      if (joined) this.records[this.records.length - 1] = record;
      else this.records.push(record);
      await this.outbox.put({ holder: record.holder, sequence, keys: record.keys, body: record.body });
    }
  }

  async sendNext() {
    const [record] = this.records;
    if (!record) return;
    record.attempted = true;
    try {
      const answer = await this.api.send(record);
      this.waitMs = FIRST_WAIT_MS;
      this.offline = null;
      this.records.shift();
      await this.outbox.remove(record);
      for (const tile of record.tiles ?? []) if (tile.sending === record.sequence) tile.sending = 0;
      this.events.onSaved(answer);
    } catch (error) {
      this.onTrouble(error);
    }
  }

  /** @param {unknown} error */
  onTrouble(error) {
    this.offline = error;
    if (!(error instanceof Problem) || error.status === 408 || error.status === 429 || (error.status >= 500 && error.status !== 507)) {
      this.later(); // it may go by itself
      return;
    }
    if (error.status === 507) this.later(); // space may be made; what is painted stays in the browser until then
    else this.stopped = true;
    this.events.onStopped(error);
  }

  later() {
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.pump();
    }, this.waitMs);
    this.waitMs = Math.min(LONGEST_WAIT_MS, this.waitMs * 1.7);
  }

  /** @param {QueueState} state */
  tell(state = this.waiting ? (this.offline ? "offline" : "saving") : "saved") {
    const next = state === "saving" && this.offline ? "offline" : state;
    if (next === this.state) return;
    this.state = next;
    this.events.onState(next);
  }

  /** Wait until the server has everything; rejects when it refuses or does not answer in time. */
  async flush(timeoutMs = 20_000) {
    const end = performance.now() + timeoutMs;
    this.now();
    while (this.waiting || this.pumping) {
      if (this.stopped && this.offline) throw this.offline;
      if (performance.now() > end) throw new Error("The server does not respond. Nothing is lost; submit again later.");
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  /** Throw away what could not be sent. */
  async drop() {
    for (const record of this.records.splice(0)) await this.outbox.remove(record);
    this.dirty.clear();
    this.offline = null;
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    window.removeEventListener("online", this.onOnline);
  }
}

/** @returns {Tally} */
function newTally() {
  return { tool: "", class_id: null, seconds: 0, strokes: 0 };
}

/**
 * @param {Tally} a
 * @param {Tally} b
 * @returns {Tally}
 */
function added(a, b) {
  return { ...b, seconds: a.seconds + b.seconds, strokes: a.strokes + b.strokes };
}
