// Autosave: changed tiles become records, records go to the browser's outbox and to the server, one after the other, in
// their order. "Saved" is said only when the server has confirmed everything.

import { packTiles } from "./draft_api.js";

const MOST_TILES = 32; // in one post
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
const TRAVEL = new Set(["undo", "redo"]); // work, but no strokes
const THINKING_MS = 60_000; // a pause up to this counts as working time

export class SaveQueue {
  /**
   * @param options api (DraftApi), outbox, tiles (PaintTiles), holder
   *   events: onState("saved" | "saving" | "offline" | "stopped", detail), onSaved(answer, record),
   *   onStopped(error): the server has refused for good until somebody decides (409, 400, 410, 413, 507, …)
   */
  constructor({ api, outbox, tiles, holder, events, first = Date.now() }) {
    Object.assign(this, { api, outbox, tiles, holder, events });
    this.records = [];
    this.sequence = first; // grows from page to page of this tab without being kept anywhere
    this.dirty = new Map();
    this.waitMs = FIRST_WAIT_MS;
    this.tally = newTally();
    this.lastWork = performance.now();
    this.state = "saved";
    this.stopped = true;
    this.onOnline = () => this.now();
    window.addEventListener("online", this.onOnline);
  }

  /** Take over what an earlier page could not send. */
  async restore(records) {
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

  /** A tile has changed. */
  touch(tile) {
    this.dirty.set(tile.key, tile);
  }

  /** A stroke is over: what it did is saved now. @param stroke {tool, class_id, changes: {id: pixels}} */
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
  async pump() {
    if (this.pumping || this.closed) {
      this.again = true;
      return;
    }
    this.pumping = true;
    try {
      do {
        this.again = false;
        await this.pack();
        if (!this.stopped && !this.timer) await this.sendNext();
      } while ((this.again || this.dirty.size || (this.records.length && !this.timer && !this.stopped)) && !this.closed);
    } finally {
      this.pumping = false;
      this.tell();
    }
  }

  /** Changed tiles become a record, or join the last one while nobody has tried to send that. */
  async pack() {
    while (this.dirty.size) {
      const tail = this.records.at(-1);
      const joins = tail && !tail.attempted && tail.tiles && new Set([...tail.keys, ...this.dirty.keys()]).size <= MOST_TILES;
      const chosen = new Map(joins ? tail.tiles.map((tile) => [tile.key, tile]) : []);
      for (const [key, tile] of this.dirty) {
        if (chosen.size >= MOST_TILES && !chosen.has(key)) break;
        chosen.set(key, tile);
        this.dirty.delete(key);
      }
      const sequence = joins ? tail.sequence : (this.sequence += 1);
      const stroke = joins ? added(tail.stroke, this.tally) : this.tally;
      this.tally = newTally();
      const tiles = [...chosen.values()];
      for (const tile of tiles) {
        tile.sending = sequence;
        tile.unsaved = false;
      }
      this.tell("saving");
      const record = { holder: this.holder, sequence, keys: [...chosen.keys()], stroke, tiles, attempted: false, body: await packTiles(tiles, stroke) };
      if (joins) this.records[this.records.length - 1] = record;
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
      this.events.onSaved(answer, record);
    } catch (error) {
      this.onTrouble(error);
    }
  }

  onTrouble(error) {
    const passing = !error.status || error.status === 408 || error.status === 429 || (error.status >= 500 && error.status !== 507);
    if (passing) {
      this.offline = error;
      this.later();
      return;
    }
    if (error.status === 507) this.later(); // space may be made; what is painted stays in the browser until then
    else this.stopped = true;
    this.offline = error;
    this.events.onStopped(error);
  }

  later() {
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.pump();
    }, this.waitMs);
    this.waitMs = Math.min(LONGEST_WAIT_MS, this.waitMs * 1.7);
  }

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
      if (performance.now() > end) throw new Error("The server does not answer; nothing is lost, but it cannot be submitted now.");
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

function newTally() {
  return { tool: "", class_id: null, seconds: 0, strokes: 0 };
}

function added(a, b) {
  return { ...b, seconds: a.seconds + b.seconds, strokes: a.strokes + b.strokes };
}
